"""Wrong passwords slow down who tries them, and lock nobody out."""

import asyncio
import threading
import time

import httpx
import pytest
from starlette.exceptions import HTTPException

from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk
from warnsys.web.passwords import FORGIVEN, LONGEST_S, MOST_IN_LANE, Passwords
from warnsys.web.security import NOBODY, Buckets, hashed, right


class Gate:
    """Passwords with a clock that is set, and a check that costs nothing."""

    def __init__(self) -> None:
        self.now, self.slept, self.checked = 0.0, list[float](), 0
        self.sleeping = self.most = 0
        tries = Buckets(0.1, 10, lambda: self.now)
        self.passwords = Passwords(self._check, tries.left, tries.take, lambda: self.now, self._sleep)

    def _check(self, password: str, kept: str) -> bool:
        self.checked += 1
        return password == kept

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.sleeping += 1
        self.most = max(self.most, self.sleeping)
        await asyncio.sleep(0)
        self.sleeping -= 1

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


async def test_one_address_may_try_ten_and_then_one_at_a_time() -> None:
    gate = Gate()
    for number in range(10):
        await gate.tries(f"wrong {number}", "10.0.0.1", name=f"n{number}")
    gate.slept.clear()
    await asyncio.gather(*(gate.tries(f"another {n}", "10.0.0.1") for n in range(MOST_IN_LANE)))
    assert gate.slept == [LONGEST_S] * MOST_IN_LANE
    assert gate.most == 1
    more = (gate.tries(f"more {n}", "10.0.0.1") for n in range(MOST_IN_LANE + 1))
    told = await asyncio.gather(*more, return_exceptions=True)
    assert [one.status_code for one in told if isinstance(one, HTTPException)] == [429]
    assert await gate.tries("right", "192.0.2.1")
    assert not gate.passwords._lanes


async def test_a_refusal_keeps_nothing_of_those_before_it() -> None:
    gate = Gate()
    for number in range(10):
        await gate.tries(f"wrong {number}", "10.0.0.1", name=f"n{number}")
    more = (gate.tries(f"more {n}", "10.0.0.1") for n in range(MOST_IN_LANE + 3))
    refused = [one for one in await asyncio.gather(*more, return_exceptions=True) if isinstance(one, HTTPException)]
    assert len(set(map(id, refused))) == 3, "an exception that is raised anew keeps all its frames"


async def test_whoever_knows_the_password_gets_in_where_others_have_used_up_the_tries_of_the_address() -> None:
    gate = Gate()
    for number in range(30):
        await gate.tries(f"wrong {number}", "10.0.0.1", name="colleague")
    gate.slept.clear()
    assert await gate.tries("right", "10.0.0.1")
    assert gate.slept == [LONGEST_S]
    gate.slept.clear()
    gate.now += 1000
    assert await gate.tries("right", "10.0.0.1")
    assert gate.slept == []


async def test_who_mistyped_himself_gets_in_after_a_bounded_wait() -> None:
    gate = Gate()
    for number in range(30):
        await gate.tries(f"wrong {number}", "10.0.0.1")
    gate.slept.clear()
    typed = [gate.tries(f"again {n}", "10.0.0.1") for n in range(MOST_IN_LANE - 1)]
    assert (await asyncio.gather(*typed, gate.tries("right", "10.0.0.1")))[-1]
    assert sum(gate.slept) <= LONGEST_S * MOST_IN_LANE


async def test_a_script_with_an_old_password_uses_up_no_tries() -> None:
    gate = Gate()
    assert not any([await gate.tries("old", "10.0.0.1") for _ in range(50)])
    assert gate.checked == 1
    gate.slept.clear()
    assert await gate.tries("right", "10.0.0.1")
    assert gate.slept == []


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
