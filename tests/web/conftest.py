"""A browser for the session, and sites that answer on a port."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright, expect

from streams.processes.web import Server
from tests.web.sites import LOGIN, SALT, Desk, kept_password
from warnsys.web import security

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
expect.set_options(timeout=30_000)  # a state that must come may come late on a busy machine


@pytest.fixture(autouse=True)
def _known_password(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the right password is hashed to is known: else each test waits for a hash that is made to be slow.

    Any other password is hashed, and the tests of passwords hash this one, too.
    """
    if request.path.name == "test_passwords.py":
        yield
        return
    hashed = security.hashed

    def known(password: str, salt: bytes | None = None) -> str:
        return kept_password() if (password, salt) == (LOGIN[1], SALT) else hashed(password, salt)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(security, "hashed", known)
        yield


@asynccontextmanager
async def served(desk: Desk, port: int = 0) -> AsyncIterator[str]:
    """The operators' site of a desk; gives its address."""
    config = uvicorn.Config(
        desk.operators.app, host="127.0.0.1", port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.should_exit = server.force_exit = True
        await task


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    assert path, "Chromium is missing: install it (Debian: chromium)"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


class Wire:
    """A way to a server that can fall silent, as networks do: nothing comes any more, and nothing is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.dead = False
        """Nothing brings anything."""
        self._instead: Callable[[bytes], bytes] | None = None
        self._pages = set[asyncio.StreamWriter]()
        self._streams, self._cut = set[asyncio.StreamWriter](), set[asyncio.StreamWriter]()

    def cut_streams(self) -> None:
        """Event streams that stand now bring nothing any more; new ones do."""
        self._cut |= self._streams

    def answers(self, instead: Callable[[bytes], bytes] | None) -> None:
        """What a request gets from now on, as from a proxy whose server is away; None brings what the server says."""
        self._instead = instead
        for page in self._pages:
            page.close()

    async def take(self, reader: asyncio.StreamReader, page: asyncio.StreamWriter) -> None:
        self._pages.add(page)
        try:
            if self._instead is None:
                await self._through(reader, page)
            elif request := await reader.read(65536):
                page.write(self._instead(request))
                await page.drain()
        except OSError:
            pass  # the page has gone
        finally:
            self._pages.discard(page)
            page.close()

    async def _through(self, reader: asyncio.StreamReader, page: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [self._carry(reader, server, page), self._carry(answers, page, page)]
        tasks = [asyncio.create_task(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for end in (page, server):
            end.close()

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, page: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if b"GET /api/stream" in data:
                    self._streams.add(page)
                if not self.dead and page not in self._cut:
                    target.write(data)
                    await target.drain()


@asynccontextmanager
async def wired(address: str) -> AsyncIterator[tuple[str, Wire]]:
    """Another address of a served site, behind a wire."""
    wire = Wire(int(address.rpartition(":")[2]))
    server = await asyncio.start_server(wire.take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", wire
    finally:
        server.close()
        if sys.version_info >= (3, 13):
            server.close_clients()
