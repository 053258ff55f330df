"""Wrong passwords slow down who tries them, and lock nobody out."""

import asyncio
import threading
import time

import httpx
import pytest
from starlette.exceptions import HTTPException

from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk
from warnsys.web.passwords import FORGIVEN, LONGEST_S, Passwords
from warnsys.web.security import NOBODY, Buckets, hashed, right


class Gate:
    """Passwords with a clock that is set, and a check that costs nothing."""

    def __init__(self) -> None:
        self.now, self.slept, self.checked = 0.0, list[float](), 0
        tries = Buckets(0.1, 10, lambda: self.now)
        self.passwords = Passwords(self._check, tries.left, tries.take, lambda: self.now, self._sleep)

    def _check(self, password: str, kept: str) -> bool:
        self.checked += 1
        return password == kept

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def tries(self, password: str, client: str, name: str = "leitstelle") -> bool:
        return await self.passwords.right(name, password, "right", client)


async def test_wrong_passwords_of_a_name_slow_its_next_tries_wherever_they_come_from() -> None:
    gate = Gate()
    for number in range(20):
        assert not await gate.tries(f"wrong {number}", f"10.0.0.{number}")
    assert gate.slept[:4] == [0.25, 0.5, 1.0, 2.0]
    assert len(gate.slept) == 20 - FORGIVEN - 1
    assert max(gate.slept) == LONGEST_S


async def test_the_officer_gets_in_after_a_bounded_wait_while_his_name_is_hammered() -> None:
    gate = Gate()
    for number in range(500):
        await gate.tries(f"wrong {number}", f"10.0.{number // 250}.{number % 250}")
    gate.slept.clear()
    assert await gate.tries("right", "192.0.2.1")
    assert gate.slept == [LONGEST_S]


async def test_who_got_in_before_waits_for_nothing() -> None:
    gate = Gate()
    assert await gate.tries("right", "192.0.2.1")
    for number in range(100):
        await gate.tries(f"wrong {number}", f"10.0.0.{number}")
    gate.slept.clear()
    assert await gate.tries("right", "192.0.2.1")
    assert await gate.tries("right", "192.0.2.99")  # the same password is remembered, wherever it comes from
    gate.now += 1000  # and after it was forgotten, too
    await gate.tries("wrong", "10.0.0.1")
    assert await gate.tries("right", "192.0.2.1")
    assert gate.slept == []


async def test_a_right_password_costs_no_try_and_is_checked_once_for_a_page() -> None:
    gate = Gate()
    assert all(await asyncio.gather(*(gate.tries("right", "192.0.2.1") for _ in range(40))))
    assert gate.checked == 1


async def test_one_address_may_try_ten() -> None:
    gate = Gate()
    for number in range(10):
        await gate.tries(f"wrong {number}", "10.0.0.1", name=f"n{number}")
    with pytest.raises(HTTPException):
        await gate.tries("another", "10.0.0.1")
    assert await gate.tries("right", "192.0.2.1")


def test_an_unknown_name_costs_what_a_known_one_costs() -> None:
    known = hashed("a secret")
    took = []
    for kept in (known, NOBODY):
        begun = time.thread_time()
        assert not right("wrong", kept)
        took.append(time.thread_time() - begun)
    assert took[1] > took[0] / 3


async def test_hashing_delays_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = threading.Event()
    monkeypatch.setattr("warnsys.web.security.hashed", lambda *_: str(wait.wait(30)))
    async with served(Desk()) as address, httpx.AsyncClient(base_url=address, timeout=20) as http:
        tries = [asyncio.create_task(http.get("/", auth=("shift", f"wrong {n}"))) for n in range(8)]
        await asyncio.sleep(0.2)
        assert (await http.get("/stele/d1")).status_code == 200
        assert (await http.get("/health/live")).status_code == 200
        wait.set()
        assert {one.status_code for one in await asyncio.gather(*tries)} == {401}


async def test_twenty_requests_with_the_first_sign_in_are_all_answered() -> None:
    async with served(Desk()) as address, httpx.AsyncClient(base_url=address, auth=LOGIN, timeout=30) as http:
        answers = await asyncio.gather(*(http.get("/api/feeds") for _ in range(20)))
    assert {one.status_code for one in answers} == {200}
