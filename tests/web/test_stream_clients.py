"""The clients of docs/how-to/read-the-api.md, as they stand there, against two web processes behind a proxy.

One process begins anew in the storm, the other lags behind it. A client of the stream misses nothing and tells nothing
twice, and neither does a CAP reader that is none of ours, which asks beside it through the same proxy.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, ConsoleMessage

from streams.processes.web import Server
from tests.support import City, cancel, city_rules, meaning, outcome, snapshot, tick
from tests.web.cap_poller import CapPoller
from tests.web.sites import Desk
from warnsys.pipeline import channel_of
from warnsys.records import ChangeNotice, ImpactRecord, Notice, SteleRecord
from warnsys.web.board import TopicRecord

PAGE = Path(__file__).parents[2] / "docs/how-to/read-the-api.md"
MOST_LINES = 40
WAIT_S = 60
DISTRICT = "d1"
pytestmark = pytest.mark.asyncio(loop_scope="module")


def client(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("language", ["python", "javascript"])
async def test_a_whole_client_has_forty_lines_at_most(language: str) -> None:
    assert len(client(language).splitlines()) <= MOST_LINES


BEFORE: list[ImpactRecord] = [tick(0), snapshot(0), tick(0.2)]
STORM: list[list[ImpactRecord]] = [
    [outcome("A", meaning("Severe"), stamp=2), snapshot(2, "A")],
    [outcome("B", meaning("Extreme"), supersedes=["A"], sent=3, stamp=3), snapshot(3, "B")],
    [outcome("F", meaning("Moderate", group="WIND", ii="51"), stamp=4), snapshot(4, "B", "F")],
    [outcome("C", meaning("Severe"), supersedes=["B"], sent=5, stamp=5), snapshot(5, "C", "F")],
    [outcome("D", meaning("Extreme"), supersedes=["C"], sent=6, stamp=6), snapshot(6, "D", "F")],
    [cancel("E", "D", 7), snapshot(7, "F")],
    [cancel("G", "F", 8), snapshot(8), snapshot(9), tick(9.2)],
]


@dataclass
class Replica:
    """A web process: its board, and the server in front of it."""

    desk: Desk = field(default_factory=Desk)
    server: Server | None = None
    task: "asyncio.Task[None] | None" = None

    def read(self, *records: Notice) -> None:
        for record in records:
            key = record.district if isinstance(record, SteleRecord) else record.id
            self.desk.now = record.issued
            self.desk.board.take(TopicRecord(channel_of(record), key, record.to_bytes(), {}, record.issued))

    async def start(self) -> None:
        config = uvicorn.Config(
            self.desk.public.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        self.server = Server(config)
        self.task = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self.server and self.task:
            self.server.should_exit = self.server.force_exit = True
            await self.task
            self.server = None


@dataclass
class Balancer:
    """A proxy in front of the replicas, which sends new connections to one of them."""

    replicas: list[Replica]
    to: int = 0
    shut: bool = False
    """Whether it takes no connection."""
    taken: int = 0
    port: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = self.replicas[self.to].server
        if self.shut or server is None:
            writer.transport.abort()
            return
        answers, asks = await asyncio.open_connection("127.0.0.1", server.port)
        self._open |= {writer, asks}
        self.taken += 1
        ways = [asyncio.create_task(_carry(reader, asks)), asyncio.create_task(_carry(answers, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, asks):
            end.close()
            self._open.discard(end)

    async def move(self, to: int) -> None:
        """End all connections, and wait until the reader has come to another replica, or again to this one."""
        self.to, self.shut, before = to, False, self.taken
        self.cut()
        await self.reached(before + 1)

    async def reached(self, connections: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.taken < connections:  # noqa: ASYNC110 - a connection sets no event
                await asyncio.sleep(0.01)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        for one in list(self._open):
            one.transport.abort()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()


@asynccontextmanager
async def balanced(city: City) -> AsyncIterator[Balancer]:
    balancer = Balancer([Replica(), Replica()])
    for replica in balancer.replicas:
        replica.read(*city.notices)
        await replica.start()
    server = await asyncio.start_server(balancer.take, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        balancer.cut()
        for replica in balancer.replicas:
            await replica.stop()


class Audience:
    """What a client has told, line by line."""

    def __init__(self) -> None:
        self.told = list[str]()
        self._more = asyncio.Condition()

    async def hear(self, line: str) -> None:
        async with self._more:
            self.told.append(line)
            self._more.notify_all()

    async def heard(self, lines: int) -> None:
        async with asyncio.timeout(WAIT_S), self._more:
            await self._more.wait_for(lambda: len(self.told) >= lines)


@dataclass
class Poll:
    """A CAP reader of one district, behind the proxy."""

    balancer: Balancer
    reader: CapPoller = field(default_factory=CapPoller)
    unanswered: int = 0

    async def ask(self) -> None:
        address = f"{self.balancer.address}/api/v1/districts/{DISTRICT}/cap"
        try:
            async with httpx.AsyncClient(timeout=WAIT_S) as http:
                answer = await http.get(address)
        except httpx.TransportError:  # nobody is there: it asks again, and holds what it has
            self.unanswered += 1
        else:
            self.reader.take(answer.status_code, answer.content)

    async def holds(self, *incidents: str) -> None:
        """Ask, and know then what holds."""
        await self.ask()
        assert self.reader.incidents() == set(incidents)


POLLED = [
    ("Alert", ("A",)), ("Update", ("B",)), ("Update", ("B", "F")), ("Update", ("D", "F")), ("Update", ("F",)),
    ("Cancel", ()),
]  # fmt: skip
"""What a CAP reader is told of the storm; of C it hears nothing, because nobody is reached while that holds."""


async def play(balancer: Balancer, audience: Audience, city: City, *, states: bool) -> list[str]:
    """The storm, step by step. Gives the lines that a client has to have told, with or without those of states."""
    one, other = balancer.replicas
    poll = Poll(balancer)
    wanted, kept, held = list[str](), list(city.notices), "holds clear []"
    already = len(audience.told)

    def new(*records: ImpactRecord) -> list[Notice]:
        nonlocal held
        before = len(city.notices)
        found = city.take(*records).notices[before:]
        kept.extend(found)
        for notice in found:
            if isinstance(notice, SteleRecord) and notice.district == DISTRICT:
                holds = f"holds {notice.status} {[(item.base_id, item.phase, item.level) for item in notice.items]}"
                if states and holds != held:
                    held = holds
                    wanted.append(holds)
            elif isinstance(notice, ChangeNotice) and notice.audience == "public" and DISTRICT in notice.districts:
                wanted.append(f"notice {notice.id} {notice.kind} {notice.level}")
        return found

    def both(found: list[Notice]) -> None:
        one.read(*found)
        other.read(*found)

    # the client moves to a process that lags behind: what is told there later, it has told already
    await poll.holds()
    found = new(*STORM[0])
    one.read(*found)
    await poll.holds("A")
    await audience.heard(already + len(wanted))
    await balancer.move(1)
    await poll.holds("A")
    other.read(*found)
    await poll.holds("A")
    # the first process ends, and something happens
    await one.stop()
    other.read(*new(*STORM[1]))
    await poll.holds("B")
    await audience.heard(already + len(wanted))
    # another one comes in its place; the client comes to it while it is still reading what the topics keep
    one = balancer.replicas[0] = Replica()
    one.desk.board.connected = one.desk.board.caught_up = False
    await one.start()
    await balancer.move(0)
    await poll.holds("B")
    one.read(*kept)
    one.desk.board.connected = True
    await poll.holds("B")
    # the CAP reader alone comes to the process that lags: what it says there is over
    found = new(*STORM[2])
    one.read(*found)
    await poll.holds("B", "F")
    balancer.to = 1
    await poll.holds("B", "F")
    balancer.to = 0
    other.read(*found)
    await audience.heard(already + len(wanted))
    # nobody is reached for two changes, then the same process: both are told
    balancer.shut = True
    balancer.cut()
    both(new(*STORM[3]))
    await poll.holds("B", "F")
    both(new(*STORM[4]))
    await balancer.move(0)
    await poll.holds("D", "F")
    await audience.heard(already + len(wanted))
    # nobody is reached for one change, then the other process
    balancer.shut = True
    balancer.cut()
    both(new(*STORM[5]))
    await poll.holds("D", "F")
    await balancer.move(1)
    await poll.holds("F")
    await audience.heard(already + len(wanted))
    both(new(*STORM[6]))
    await poll.holds()
    await audience.heard(already + len(wanted))
    assert poll.unanswered == 2
    assert poll.reader.told == POLLED
    return wanted


async def test_the_python_client_misses_nothing_and_tells_nothing_twice(tmp_path: Path) -> None:
    script, audience, city = tmp_path / "client.py", Audience(), City(city_rules()).take(*BEFORE)
    script.write_text(client("python"), "utf-8")
    async with balanced(city) as balancer:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), balancer.address, DISTRICT,
            stdout=asyncio.subprocess.PIPE, env={"PYTHONUTF8": "1"},
        )  # fmt: skip

        async def listen() -> None:
            assert process.stdout
            async for line in process.stdout:
                await audience.hear(line.decode().strip())

        listening = asyncio.create_task(listen())
        try:
            await audience.heard(1)
            wanted = await play(balancer, audience, city, states=True)
        finally:
            process.kill()
            await process.wait()
            await listening
    assert audience.told[0] == "holds clear []"
    assert sorted(audience.told[1:]) == sorted(wanted)


async def test_the_javascript_client_does_so_in_a_page_of_another_origin(browser: Browser) -> None:
    audience, city = Audience(), City(city_rules()).take(*BEFORE)
    async with balanced(city) as balancer:
        page = await browser.new_page()
        hearing = set[asyncio.Task[None]]()

        def said(message: ConsoleMessage) -> None:
            if message.text.startswith("notice"):
                hearing.add(asyncio.ensure_future(audience.hear(message.text)))

        page.on("console", said)
        script = client("javascript").replace("http://127.0.0.1:8081", balancer.address)
        await page.add_script_tag(content=script.replace("solingen-1", DISTRICT))
        await balancer.reached(1)
        wanted = await play(balancer, audience, city, states=False)
        await page.close()
    assert sorted(audience.told) == sorted(wanted)
