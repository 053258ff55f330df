"""Connections that give nothing back: each is closed in time, and the pages and health are answered meanwhile."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

import httpx
import pytest

from streams.processes.guard import Guard, trusted
from streams.processes.web import Server, _config
from tests.web.sites import Desk, settings
from tests.web.test_reader import desk
from warnsys.web import security
from warnsys.web.clients import one_client

BURST_S = 1000
"""A client's burst is what it may do in so many seconds: so long that nothing comes back while a test runs."""
SAY = {
    "silent": b"",
    "half": b"GET /stele/d1 HTTP/1.1\r\nHost: a\r\nX-A: ",
    "body": b"POST /act/stop HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx",
    "second": b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET /stele/d1 HTTP/1.1\r\nX-A: ",
}


@pytest.fixture(autouse=True)
def slow_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BURST_S", BURST_S)


def patient() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=60)


@asynccontextmanager
async def guarded(made: Desk, guard: Guard) -> AsyncIterator[int]:
    """The public site behind a guard; gives its port."""
    server = Server(_config(made.public.app, made.settings.web, 0, guard))  # type: ignore[arg-type]
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)
        yield server.port
    finally:
        server.should_exit = server.force_exit = True
        await task


@contextmanager
def crowd(port: int, count: int, say: bytes, addresses: int = 1, buffer: int = 0) -> Iterator[list[socket.socket]]:
    """Connections that say no more than that, from so many addresses."""
    with ExitStack() as stack:
        made = []
        for number in range(count):
            one = stack.enter_context(socket.socket())
            if buffer:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            one.bind((f"127.0.1.{1 + number % addresses}", 0))
            one.connect(("127.0.0.1", port))
            if say:
                one.sendall(say)
            one.setblocking(False)
            made.append(one)
        yield made


async def answered(port: int, path: str) -> int:
    async with patient() as http:
        return (await http.get(f"http://127.0.0.1:{port}{path}")).status_code


async def ended(one: socket.socket, within_s: float) -> None:
    """Returns when the server has ended this connection."""
    async with asyncio.timeout(within_s):
        with suppress(ConnectionError):
            while await asyncio.get_running_loop().sock_recv(one, 65536):
                pass


async def closed(guard: Guard, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while guard.open:  # noqa: ASYNC110 - connections end by themselves
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", SAY)
async def test_a_request_that_does_not_come_whole_is_ended_in_time(kind: str) -> None:
    guard = Guard(100, 100, head_s=0.5, body_s=0.5)
    async with guarded(desk(), guard) as port:
        with crowd(port, 20, SAY[kind]) as made:
            for one in made:
                await ended(one, 30)
        assert not guard.open
        assert not guard.of


async def test_a_head_that_comes_byte_by_byte_gets_no_more_time_for_that() -> None:
    guard = Guard(100, 100, head_s=0.5)
    async with guarded(desk(), guard) as port:
        with crowd(port, 1, b"GET / HTTP/1.1\r\nX-A: ") as (one,):
            with suppress(OSError):
                async with asyncio.timeout(30):
                    while True:
                        await asyncio.sleep(0.05)
                        one.sendall(b"a")
            assert not guard.open


async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    guard = Guard(100, 100, taken_s=0.5)
    async with guarded(desk(), guard) as port:
        with crowd(port, 5, b"GET /leaflet/leaflet.js HTTP/1.1\r\nHost: a\r\n\r\n" * 40, buffer=4096):
            while not guard.open:  # noqa: ASYNC110 - connections come by themselves
                await asyncio.sleep(0.02)
            await closed(guard, 30)


@pytest.mark.parametrize("kind", SAY)
@pytest.mark.parametrize("addresses", [1, 50])
async def test_pages_and_health_are_answered_while_the_site_is_flooded(kind: str, addresses: int) -> None:
    guard = Guard(60, 20, head_s=600, body_s=600)
    async with guarded(desk(), guard) as port:
        with crowd(port, 300, SAY[kind], addresses):
            for _ in range(3):
                assert await answered(port, "/health/live") == 200
                assert await answered(port, "/stele/d1") == 200
                assert len(guard.open) <= 75
            assert max(guard.of.values()) <= 20


async def test_who_shares_an_address_with_a_crowd_is_answered_too() -> None:
    guard = Guard(1000, 20)
    async with guarded(desk(), guard) as port:
        with crowd(port, 100, b"GET / HTTP/1.1\r\nX-A: ") as made, socket.socket() as one:
            await asyncio.sleep(0.2)
            one.bind((made[0].getsockname()[0], 0))
            one.setblocking(False)
            await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
            await asyncio.get_running_loop().sock_sendall(one, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await told([one]) == {b"200": 1}


async def test_a_trusted_proxy_is_not_one_address() -> None:
    guard = Guard(200, 5, frozenset({"127.0.1.1"}))
    async with guarded(desk(), guard) as port:
        with crowd(port, 30, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n") as made:
            assert await told(made) == {b"200": 30}
            assert guard.of["127.0.1.1"] == 30


async def test_event_streams_are_bounded_by_address_and_in_all() -> None:
    made = Desk(settings(streams=6, streams_per_address=2))
    guard = Guard(100, 100)
    ask = b"GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n"
    async with guarded(made, guard) as port:
        with crowd(port, 10, ask) as one_address:
            assert await told(one_address) == {b"200": 2, b"503": 8}
            with crowd(port, 20, ask, addresses=10) as many:
                assert (await told(many))[b"200"] == 4
            assert await answered(port, "/health/live") == 200


async def told(crowd: list[socket.socket]) -> dict[bytes, int]:
    """How often each status."""
    loop, found = asyncio.get_running_loop(), dict[bytes, int]()
    for one in crowd:
        status = (await asyncio.wait_for(loop.sock_recv(one, 4096), 60))[9:12]
        found[status] = found.get(status, 0) + 1
    return found


async def test_nobody_says_for_another_who_asks_unless_he_is_trusted() -> None:
    made = Desk(settings(requests_per_s=0.01))
    async with guarded(made, Guard(100, 100)) as port, patient() as http:
        codes = [
            (
                await http.get(f"http://127.0.0.1:{port}/stele/d1", headers={"X-Forwarded-For": f"10.0.0.{n}"})
            ).status_code
            for n in range(14)
        ]
    assert 429 in codes


async def codes(port: int, *forwarded: str) -> list[int]:
    """The status of a request each, as a proxy on this machine would hand it on."""
    async with patient() as http:
        asked = [{"X-Forwarded-For": one} for one in forwarded]
        return [(await http.get(f"http://127.0.0.1:{port}/stele/d1", headers=one)).status_code for one in asked]


@pytest.mark.parametrize("proxies", ["127.0.0.1", "127.0.0.0/8"])
async def test_behind_a_proxy_each_client_has_a_limit_of_its_own(proxies: str) -> None:
    made = Desk(settings(requests_per_s=0.002, trusted_proxies=[proxies]))
    async with guarded(made, Guard(100, 100)) as port:
        assert await codes(port, *["10.0.0.1"] * 4) == [200, 200, 429, 429]
        assert await codes(port, "10.0.0.2", "10.0.0.3") == [200, 200]


async def test_however_low_the_limit_is_a_client_may_ask_once() -> None:
    made = Desk(settings(requests_per_s=0.5 / BURST_S))
    async with guarded(made, Guard(100, 100)) as port:
        assert await codes(port, "10.0.0.1", "10.0.0.1") == [200, 429]


async def test_what_a_client_says_of_itself_before_the_proxy_counts_for_nothing() -> None:
    made = Desk(settings(requests_per_s=0.002, trusted_proxies=["127.0.0.1"]))
    async with guarded(made, Guard(100, 100)) as port:
        assert (await codes(port, *(f"192.0.2.{n}, 10.0.0.1" for n in range(4))))[2:] == [429, 429]


async def test_proxies_may_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1, 127.0.0.1")
    made = Desk(settings(requests_per_s=0.002))
    async with guarded(made, Guard(100, 100)) as port:
        assert await codes(port, *(f"10.0.0.{n}" for n in range(6))) == [200] * 6
    assert "127.0.0.1" in trusted(())


async def test_the_settings_name_proxies_alone_where_they_name_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    made = Desk(settings(requests_per_s=0.002, trusted_proxies=["192.0.2.1"]))
    async with guarded(made, Guard(100, 100)) as port:
        assert 429 in await codes(port, *(f"10.0.0.{n}" for n in range(6)))
    assert "127.0.0.1" not in trusted(["192.0.2.1"])


@pytest.mark.parametrize(("proxies", "address"), [("10.1.0.0/16", "10.1.2.3"), ("*", "192.0.2.7"), ("::1", "::1")])
def test_the_connections_of_a_proxy_are_everybodys_however_it_is_named(proxies: str, address: str) -> None:
    assert address in trusted([proxies])
    assert "203.0.113.9" not in trusted([proxies]) or proxies == "*"


# -- who a client is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "clients"),
    [
        (["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:DB8:0:1:0:0:0:3", "2001:db8:0:1::1%eth0"], 1),
        (["2001:db8:0:1::1", "2001:db8:0:2::1"], 2), (["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"], 1),
        (["192.0.2.1", "192.0.2.2"], 2), (["unknown", "_hidden"], 2), (["x" * 5000, "x" * 64], 1), ([""], 1),
    ],
)  # fmt: skip
def test_a_client_is_one_however_its_address_is_written(addresses: list[str], clients: int) -> None:
    found = {one_client(address) for address in addresses}
    assert len(found) == clients
    assert all(len(one) <= 64 for one in found)


BURST = [200, 200, 429, 429]
"""What a client gets that asks four times at once, where two are its burst."""


def behind_proxies() -> Desk:
    return Desk(settings(requests_per_s=0.002, trusted_proxies=["127.0.0.1", "10.0.0.0/24"]))


@pytest.mark.parametrize(
    "forwarded",
    [
        ["198.51.100.1"] * 4, ["198.51.100.1:4711", "198.51.100.1:4712", "198.51.100.1:4713", "198.51.100.1"],
        ["2001:db8::1", "2001:db8::2", "[2001:db8::3]:443", "2001:db8:0:0:7::"],
        ["198.51.100.1, 10.0.0.7"] * 4, ["203.0.113.1, 198.51.100.1", "203.0.113.2, 198.51.100.1", "198.51.100.1"] * 2,
        [f"10.0.0.{n}, 198.51.100.1" for n in range(4)], ["x" * 300 + f"{n}, 198.51.100.1" for n in range(4)],
    ],
    ids=["plain", "port", "network", "two proxies", "made up", "made up a proxy", "garbage"],
)  # fmt: skip
async def test_a_client_behind_a_proxy_is_limited_by_its_own_address(forwarded: list[str]) -> None:
    async with guarded(behind_proxies(), Guard(100, 100)) as port:
        assert (await codes(port, *forwarded))[:4] == BURST
        assert await codes(port, "198.51.100.77") == [200]


@pytest.mark.parametrize("header", ["Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"])
@pytest.mark.parametrize("proxies", [[], ["127.0.0.1"]])
async def test_no_other_header_says_who_asks(header: str, proxies: list[str]) -> None:
    made = Desk(settings(requests_per_s=0.002, trusted_proxies=proxies))
    async with guarded(made, Guard(100, 100)) as port, patient() as http:
        address = f"http://127.0.0.1:{port}/api/v1/districts"
        given = [{header: f"for=198.51.100.{n}" if header == "Forwarded" else f"198.51.100.{n}"} for n in range(4)]
        assert [(await http.get(address, headers=one)).status_code for one in given] == BURST


async def test_a_header_that_is_written_twice_gives_nobody_another_address() -> None:
    """Some proxies add a line of their own below the client's."""
    async with guarded(behind_proxies(), Guard(100, 100)) as port, patient() as http:
        address = f"http://127.0.0.1:{port}/api/v1/districts"
        asked = [[("X-Forwarded-For", f"203.0.113.{n}"), ("X-Forwarded-For", "198.51.100.1")] for n in range(4)]
        assert [(await http.get(address, headers=one)).status_code for one in asked] == BURST


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/stream"])
async def test_behind_a_proxy_each_client_has_event_streams_of_its_own(path: str) -> None:
    made = Desk(settings(streams=20, streams_per_address=2, trusted_proxies=["127.0.0.0/16"]))
    async with guarded(made, Guard(100, 100)) as port:

        def ask(client: str) -> bytes:
            return f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, {client}\r\n\r\n".encode()

        with crowd(port, 4, ask("198.51.100.1")) as one, crowd(port, 1, ask("198.51.100.2")) as other:
            assert await told(one) == {b"200": 2, b"503": 2}
            assert await told(other) == {b"200": 1}


async def test_who_is_no_proxy_has_the_streams_of_its_connection_whatever_it_says() -> None:
    made = Desk(settings(streams=20, streams_per_address=2, trusted_proxies=["192.0.2.1"]))
    asks = [f"GET /api/v1/stream HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.{n}\r\n\r\n".encode() for n in range(2)]
    async with guarded(made, Guard(100, 100)) as port:
        with crowd(port, 2, asks[0]) as one, crowd(port, 2, asks[1]) as other:
            assert await told(one) == {b"200": 2}
            assert await told(other) == {b"503": 2}
