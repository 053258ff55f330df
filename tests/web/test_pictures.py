"""What everybody is shown within a second is one picture, never from before what made a page ask."""

import asyncio
import threading
import time
from datetime import timedelta
from functools import partial

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from tests.support import meaning, outcome, snapshot, tick
from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk
from warnsys.web.board import Board
from warnsys.web.pictures import MOST_OF_ONE, MOST_SEARCHES, STANDS_S, THREADS, URGENT_S, Pictures
from warnsys.web.site import FOLDER


def desk() -> Desk:
    return Desk(stands_s=STANDS_S).take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))


def after(made: Desk, seconds: float) -> Board:
    made.now += timedelta(seconds=seconds)
    return made.site.pictures.now()


def test_what_is_not_urgent_shows_within_a_second() -> None:
    made = desk()
    first = made.site.pictures.now()
    made.put("impacts", "", outcome("B").to_bytes())
    assert after(made, STANDS_S - 0.01) is first
    assert "B" in after(made, 0.01).outcomes


@pytest.mark.parametrize("what", ["stele", "action", "process"])
def test_what_is_urgent_shows_within_a_tenth_of_a_second(what: str) -> None:
    made = desk()
    first = after(made, 5)
    made.board._telling.tell(what, b"{}")  # type: ignore[arg-type]
    assert after(made, URGENT_S - 0.01) is first
    assert after(made, 0.02) is not first


async def test_the_page_of_all_districts_is_made_once_a_second_at_most_while_what_is_urgent_comes() -> None:
    made = desk()
    after(made, 5)

    async def stands(seconds: float, path: str = "/start") -> float:
        made.board._telling.tell("stele", b"{}")
        made.now += timedelta(seconds=seconds)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(made.public.app), base_url="http://public") as http:
            text = (await http.get(path)).text
        return float(text.partition('data-served="')[2].partition('"')[0])

    first = await stands(0)
    assert await stands(0.5) == await stands(0.4) == first
    assert await stands(0, "/start?q=district") == first
    assert await stands(0, "/stele/d1") > first
    second = await stands(0.11)
    assert second > first
    made.board.connected = False
    assert await stands(0) > second, "but what this process itself sees shows at once"


async def test_an_order_shows_on_the_page_that_follows_it() -> None:
    made = desk()
    made.agents = False
    async with served(made) as address, httpx.AsyncClient(base_url=address, auth=LOGIN, timeout=30) as http:
        assert "wird angehalten" not in (await http.get("/")).text
        form = {"channel": "push", "reason": "Fehlalarm", "minutes": "30", "by": "Leitstelle A"}
        await http.post("/act/stop", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert "wird angehalten" in (await http.get("/")).text


def test_the_pages_script_asks_so_much_later_than_a_picture_stands() -> None:
    script = (FOLDER / "static" / "live.js").read_text("utf-8")
    assert f"SOON_MS = {URGENT_S * 1000 + 10:.0f}, LATER_MS = {STANDS_S * 1000 + 10:.0f};" in script


async def test_a_page_is_worded_once_for_all_who_ask_and_by_few_threads() -> None:
    made, worded, at_once, most = desk(), list[str](), 0, 0
    lock = threading.Lock()

    def page(name: str, _: Board) -> Response:
        nonlocal at_once, most
        with lock:
            at_once, most = at_once + 1, max(most, at_once + 1)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        worded.append(name)
        return PlainTextResponse(name)

    pictures = Pictures(made.board)
    asked = [f"p{n % 6}" for n in range(60)]
    answers = await asyncio.gather(*(pictures.once(name, partial(page, name)) for name in asked))
    assert [bytes(one.body).decode() for one in answers] == asked
    assert sorted(worded) == sorted(set(asked))
    assert most == THREADS
    answers[0].headers["x-own"] = "1"
    assert "x-own" not in answers[6].headers


async def test_what_is_made_of_a_picture_in_steps_is_made_of_that_one_though_a_newer_is_taken() -> None:
    made = desk()
    pictures = made.site.pictures
    first = pictures.taken()
    assert after(made, 5) is not first.board
    assert await pictures.worded("p", id, first) == id(first.board)
    assert await pictures.worded("p", id) == id(pictures.now())
    assert (await pictures.once("q", lambda board: PlainTextResponse(str(id(board))), first)).body == (
        str(id(first.board)).encode()
    )


async def test_what_a_page_raises_all_who_ask_are_told() -> None:
    def page(_: Board) -> Response:
        raise HTTPException(404, "none")

    pictures = Pictures(desk().board)
    found = await asyncio.gather(*(pictures.once("p", page) for _ in range(3)), return_exceptions=True)
    assert [getattr(one, "status_code", None) for one in found] == [404] * 3


async def test_who_goes_away_ends_no_page_of_another() -> None:
    pictures, wait = Pictures(desk().board), threading.Event()

    def page(_: Board) -> Response:
        wait.wait(10)
        return PlainTextResponse("whole")

    gone, stays = (asyncio.create_task(pictures.once("p", page)) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    wait.set()
    assert (await stays).status_code == 200


async def test_a_flood_of_searches_delays_searches_alone_and_whoever_asks_too_much_is_told_to_come_later() -> None:
    pictures, wait = Pictures(desk().board), threading.Event()

    def page(name: str, _: Board) -> Response:
        wait.wait(30)
        return PlainTextResponse(name)

    def ask(name: str, client: str) -> "asyncio.Task[Response]":
        return asyncio.create_task(pictures.once(name, partial(page, name), searcher=client))

    flood = [ask(f"a{n}", "a") for n in range(MOST_OF_ONE)]
    same = ask("a0", "a")
    await asyncio.sleep(0)
    for number in range(THREADS + 1):
        stele = await pictures.once(f"stele{number}", lambda _: PlainTextResponse("stele"))
        assert stele.body == b"stele", "while not one search is done"
    with pytest.raises(HTTPException) as told:
        await ask("one more", "a")
    other = ask("one more", "b")  # is not told what was said to the first
    assert (told.value.status_code, (told.value.headers or {})["Retry-After"]) == (429, "5")
    others = [ask(f"{n}", f"b{n}") for n in range(MOST_SEARCHES - MOST_OF_ONE - 1)]
    await asyncio.sleep(0)
    with pytest.raises(HTTPException):
        await ask("of another", "c")
    others.pop(0).cancel()  # whoever goes away leaves his search behind: it still waits
    await asyncio.sleep(0)
    with pytest.raises(HTTPException):
        await ask("of another", "c")
    wait.set()
    assert {one.status_code for one in await asyncio.gather(*flood, same, other, *others)} == {200}
    assert (await ask("and one more", "a")).body == b"and one more"
    assert (await ask("of another", "c")).body == b"of another"


async def test_a_search_that_fails_leaves_its_place() -> None:
    pictures = Pictures(desk().board)

    def page(_: Board) -> Response:
        raise HTTPException(404, "none")

    for number in range(2 * MOST_OF_ONE):
        with pytest.raises(HTTPException, match="404"):
            await pictures.once(number, page, searcher="a")
