"""Pages read one picture: records may come in while they are worded, and change nothing in it."""

import asyncio
import dataclasses
import sys
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from lxml import html

from tests.support import meaning, outcome, snapshot, tick
from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk
from warnsys.channels.wording import moment
from warnsys.records import PushNotice
from warnsys.web.board import Board
from warnsys.web.dashboard import MOST_ROWS, _chain
from warnsys.web.timeline import MOST_LANES, ended_in, timeline

PAGES = (
    "/", "/lagebericht", "/alert/A", "/stop/push", "/stele/d1", "/embed/d1", "/start", "/district/d1",
    "/api/districts", "/api/districts.geojson",
    "/api/districts/d1/situation", "/api/districts/d1/cap", "/api/notices", "/api/notices.atom", "/api/notices/all",
    "/api/alerts", "/api/alerts/A", "/api/alerts/A/raw", "/api/rejected", "/api/rejected/0/raw", "/api/feeds",
    "/api/outlines.geojson", "/metrics", "/health/live", "/health/ready", "/meldungen?q=a", "/hilfe", "/bezirk/d1",
)  # fmt: skip
BAD = {"reason": "not-xml", "agent": "match", "topic": "cap.alerts", "partition": "0", "offset": "7"}


def desk() -> Desk:
    made = Desk().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    made.put("rejected", "B", b"<no", BAD)
    return made


def one_more(desk: Desk, number: int) -> None:
    """An outcome, its message, a notice and a refusal: every collection of the board grows or shrinks."""
    name = f"Z{number}"
    desk.put_alert(name, b"<alert/>")
    desk.put("impacts", "", outcome(name, meaning("Minor"), sent=number / 1000).to_bytes())
    notice = next(one for one in desk.city.notices if isinstance(one, PushNotice))
    desk.put("push", name, notice.model_copy(update={"id": name}).to_bytes())
    desk.put("rejected", name, b"<no", BAD)
    desk.board.steles[f"e{number}"] = desk.board.steles["d1"]


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns a thousand times as often: what can meet, meets."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient")
async def test_every_page_answers_while_records_stream_in() -> None:
    board = desk()
    for number in range(300):
        one_more(board, number)
    number = 300
    async with served(board) as address, httpx.AsyncClient(base_url=address, auth=LOGIN, timeout=60) as http:
        await http.get("/")
        for _ in range(8):
            loads = asyncio.gather(*(http.get(path) for path in PAGES))
            while not loads.done():
                one_more(board, number := number + 1)
                await asyncio.sleep(0.001)
            failed = {str(one.url.path): one.status_code for one in await loads if one.status_code != 200}
            assert failed == {}


def test_a_picture_shares_nothing_with_its_board_that_can_change() -> None:
    board = desk().board
    board.lag["cap.alerts"] = 1
    theirs = {id(one) for one in changeable(board.picture())}
    assert [one for one in changeable(board) if id(one) in theirs] == []


def changeable(value: Any) -> Iterator[Any]:
    """Every collection and object within a board that can change; what stands in frozen records cannot."""
    if isinstance(value, dict | list | set | deque) or (dataclasses.is_dataclass(value) and not _frozen(value)):
        yield value
    if isinstance(value, Board) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        if not _frozen(value):
            for name in (field.name for field in dataclasses.fields(value)):
                if name != "cities":
                    yield from changeable(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from changeable(one)
    elif isinstance(value, list | deque):
        for one in value:
            yield from changeable(one)


def _frozen(value: Any) -> bool:
    return bool(type(value).__dataclass_params__.frozen)


def test_the_timeline_draws_the_worst_and_no_more_than_can_be_read() -> None:
    many = [outcome(f"M{n}", meaning("Minor", onset=n, expires=n + 300)) for n in range(300)]
    same = [outcome(f"S{n}", meaning("Severe")) for n in range(300)]
    made = Desk().take(tick(0), *many, *same)
    found = timeline(made.board.picture(), made.city.rules, "de")
    assert [bar.level for lane in found.lanes for bar in lane.bars] == [3] + [1] * (MOST_LANES - 1)
    assert found.more == 301 - MOST_LANES


def test_a_warning_with_all_that_it_was_is_one_lane_and_what_ended_stays_for_hours() -> None:
    chain = [outcome("A", meaning("Moderate", expires=60)), outcome("B", meaning("Extreme", expires=90),
        supersedes=["A"], sent=10)]  # fmt: skip
    made = Desk().take(tick(0), *chain, outcome("C", meaning("Minor", group="HEAT", ii="247", expires=600)))

    def lanes(minute: float) -> list[tuple[str, bool, list[int]]]:
        made.later(minute).take(tick(minute))
        found = timeline(made.board.picture(), made.city.rules, "de")
        return [(one.base_id, one.over, [bar.level for bar in one.bars]) for one in found.lanes]

    assert lanes(20) == [("B", False, [2, 4]), ("C", False, [1])]
    assert lanes(400) == [("C", False, [1]), ("B", True, [2, 4])]
    assert lanes(95 + 12 * 60) == [("C", True, [1])]


def test_what_stands_is_not_drawn_as_over_because_of_a_cancel_in_doubt() -> None:
    made = Desk().take(tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A")).later(5).take(tick(5))
    end = outcome("B", msg_type="Cancel", decided="not_live", supersedes=["A"], sent=5, stamp=5)
    made.take(end.model_copy(update={"doubt": True}), tick(6))
    (lane,) = timeline(made.board.picture(), made.city.rules, "de").lanes
    assert (lane.over, made.city.standing()) == (False, ["A"])


def withdrawn() -> Desk:
    """A warning that its source no longer lists from minute 20 on; minute 60 now."""
    made = Desk().take(tick(0), outcome("A", meaning("Severe")), outcome("B", meaning("Minor", group="HEAT", ii="247")))
    made.take(snapshot(0, "A", "B"))
    for minute in (10, 20, 30, 40, 50, 60):
        made.later(minute).take(snapshot(minute, *(["A", "B"] if minute < 20 else ["B"])), tick(minute))
    assert made.city.standing() == ["B"]
    return made


def ended_at(made: Desk) -> datetime:
    return next(one.issued for one in made.board.notices if one.kind == "ended")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_warning_that_was_withdrawn_ends_when_its_end_was_told_and_does_not_grow_to_now(restarted: bool) -> None:
    made, end = (one := withdrawn()), ended_at(one)
    if restarted:
        made.board.gone_at.clear()  # what a process that was not there has not seen
    found = timeline(made.board.picture(), made.city.rules, "de")
    lane = next(one for one in found.lanes if one.base_id == "A")
    (bar,) = lane.bars
    assert lane.over
    assert end < made.now
    assert bar.left + bar.width == pytest.approx(found.now - (made.now - end) / timedelta(hours=8))
    ((_, early),) = ended_in(made.board.picture(), made.city.rules, "d1", "de")
    assert early == moment(end, made.city.rules.place.timezone, "de")


def test_what_is_shown_again_is_not_drawn_as_over() -> None:
    made = withdrawn()
    made.later(70).take(snapshot(70, "A", "B"), outcome("A", meaning("Severe"), stamp=70), tick(70))
    assert "A" in made.city.standing()
    lane = next(one for one in timeline(made.board.picture(), made.city.rules, "de").lanes if one.base_id == "A")
    assert not lane.over
    assert "A" not in made.board.gone_at


def test_something_extreme_has_a_lane_also_where_it_begins_after_all_others() -> None:
    holding = [outcome(f"M{n}", meaning("Minor", onset=n, expires=n + 300)) for n in range(20)]
    over = [outcome(f"E{n}", meaning("Severe", onset=n, expires=5 + n)) for n in range(3)]
    made = Desk().take(tick(0), *over, *holding, outcome("X", meaning("Extreme", onset=400, expires=600))).later(30)
    found = timeline(made.board.picture(), made.city.rules, "de")
    assert "X" in [one.base_id for one in found.lanes]


def test_what_ended_has_room_beside_however_much_holds() -> None:
    holding = [outcome(f"M{n}", meaning("Minor", onset=n, expires=n + 300)) for n in range(20)]
    made = Desk().take(tick(0), outcome("E", meaning("Severe", expires=5)), *holding).later(30)
    found = timeline(made.board.picture(), made.city.rules, "de")
    assert [one.base_id for one in found.lanes if one.over] == ["E"]


def test_the_timeline_is_scaled_to_what_it_shows() -> None:
    made = Desk().take(tick(0), outcome("A", meaning(expires=60)))
    found = timeline(made.board.picture(), made.city.rules, "de")
    assert found.now == 0.25
    assert found.lanes[0].bars[0].width == 1 / 8
    assert len(found.marks) == 7


@pytest.mark.parametrize("minute", range(0, 720, 90))
def test_hours_of_the_timeline_touch_neither_now_nor_its_end(minute: int) -> None:
    made = Desk().take(tick(0), outcome("A", meaning(onset=minute % 170, expires=minute + 30 + minute**2 % 2000)))
    page: Any = html.fromstring(made.page("/"))
    words = page.xpath("//*[contains(@class, 'hour')]")
    (now,) = [float(one.get("x")) for one in words if one.text == "jetzt"]
    others = [float(one.get("x")) for one in words if one.text != "jetzt"]
    assert others
    assert min(abs(one - now) for one in others) > 46, "each is some 40 wide"
    assert max(others) <= 1200 - 22


def test_the_report_tells_the_newest_and_how_many_it_leaves_out() -> None:
    made = Desk().take(tick(0))
    for number in range(MOST_ROWS + 7):
        made.put("impacts", "", outcome(f"R{number}", meaning("Minor"), sent=number / 100).to_bytes())
    page = made.page("/lagebericht")
    assert f"Eingegangen ({MOST_ROWS + 7})" in page
    assert "7 ältere stehen nicht in dieser Tabelle" in page
    assert page.count("Stufe 1 von 4 heftiger Starkregen") == MOST_ROWS


def test_a_long_chain_of_messages_costs_no_more_than_its_links() -> None:
    made = Desk().take(tick(0))
    links = [outcome(f"C{n}", sent=n / 100, supersedes=[f"C{n - 1}"] if n else ()) for n in range(3000)]
    for link in links:
        made.put("impacts", "", link.to_bytes())
    assert [one.base_id for one in _chain(made.board, "C0")] == [f"C{n}" for n in range(2900, 3000)]


def test_a_picture_stays_as_it_was_whatever_comes_later() -> None:
    made = desk()
    picture = made.board.picture()
    was = (picture.now(), picture.stele("d1"), len(picture.notices), len(picture.outcomes), picture.connected)
    one_more(made, 1)
    made.later(10)
    made.board.connected = False
    assert (picture.now(), picture.stele("d1"), len(picture.notices), len(picture.outcomes), picture.connected) == was
