"""Lists are read page by page while records come in, from whichever process answers: nothing skipped, nothing twice."""

import json
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.support import NOON, at, meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk
from warnsys.pipeline import channel_of
from warnsys.records import EARLIEST, LATEST, ChangeNotice, FeedStatus
from warnsys.web.board import TopicRecord
from warnsys.web.lists import ListPage, SortKey, cursor_at, page_of

Row = dict[str, Any]
NEXT = re.compile(r'<([^>]+)>; rel="next"')


def busy(storms: int = 6, *, begin: int = 0) -> Desk:
    """A desk with a storm a minute, in turns in one district and the other, and something unreadable beside each."""
    desk = Desk().take(tick(0), snapshot(0))
    for number in range(begin, begin + storms):
        strike(desk, number)
    return desk


def strike(desk: Desk, number: int) -> None:
    desk.later(number)
    said = meaning("Severe" if number % 3 else "Moderate", districts=(f"d{1 + number % 2}",), ii=f"{number}",
        group=f"G{number}")  # fmt: skip
    listed = snapshot(number, *(f"M{n}" for n in range(number + 1)))
    desk.take(tick(number), outcome(f"M{number}", said, stamp=number, sent=number), listed)
    where = {"reason": "not-xml", "agent": "match", "topic": "cap.alerts", "partition": "0", "offset": f"{number}"}
    desk.put("rejected", f"R{number}", b"<no", where)


LISTS: dict[str, Callable[[Row], str]] = {
    "/api/v1/notices?limit=2": lambda row: str(row["id"]),
    "/api/v1/notices/all?limit=3": lambda row: str(row["id"]),
    "/api/v1/alerts?limit=2": lambda row: str(row["id"]),
    "/api/v1/rejected?limit=2": lambda row: str(row["key"]),
    "/api/v1/districts?limit=1": lambda row: str(row["id"]),
}
"""Each list of the API, and what names a row of it."""


def page(site: TestClient, address: str) -> tuple[list[Row], str | None]:
    """The rows, and the address of those after them."""
    answer = site.get(address, auth=LOGIN)
    assert answer.status_code == 200, answer.text
    link = NEXT.fullmatch(answer.headers.get("link", ""))
    return answer.json(), urljoin(address, link[1]) if link else None


def walk(site: TestClient, address: str | None, between: Callable[[], None] = lambda: None) -> list[Row]:
    found = list[Row]()
    while address:
        rows, address = page(site, address)
        found += rows
        between()
    return found


def whole(site: TestClient, address: str) -> list[Row]:
    """The same list on one page."""
    rows, following = page(site, re.sub(r"limit=\d", "limit=200", address).replace("rejected?limit=200", "rejected"))
    assert following is None
    return rows


@pytest.mark.parametrize("address", LISTS)
def test_pages_hold_the_whole_list_in_its_order(address: str) -> None:
    site = busy().operators
    found = walk(site, address)
    assert len(found) > 1
    assert found == whole(site, address)


@pytest.mark.parametrize("address", LISTS)
def test_what_comes_in_between_two_pages_skips_nothing_and_repeats_nothing(address: str) -> None:
    desk, name, number = busy(), LISTS[address], iter(range(6, 100))
    before = [name(row) for row in whole(desk.operators, address)]
    found = [name(row) for row in walk(desk.operators, address, lambda: strike(desk, next(number)))]
    assert len(found) > 1
    assert found == before


@pytest.mark.parametrize("address", LISTS)
def test_a_page_may_come_from_another_process_that_read_the_topics_in_another_order(address: str) -> None:
    one, other = busy(), Desk()
    records = list[TopicRecord]()
    records += [TopicRecord(channel_of(n), n.id, n.to_bytes(), {}, n.issued) for n in one.city.notices
        if isinstance(n, ChangeNotice)]  # fmt: skip
    records += [TopicRecord("impacts", "", o.to_bytes(), {}, NOON) for o in one.board.outcomes.values()]
    for refused in one.board.rejected:
        topic, _, place = refused.place.partition("/")
        partition, _, offset = place.partition("@")
        where = {"reason": "not-xml", "agent": "match", "topic": topic, "partition": partition, "offset": offset}
        records.append(TopicRecord("rejected", refused.key, refused.value, where, refused.at))
    random.Random(7).shuffle(records)
    other.later(6)
    for record in records:
        other.board.take(record)
    name, here = LISTS[address], list[str]()
    sites, turn, following = (one.operators, other.operators), 0, str(address)
    while following:
        rows, more = page(sites[turn % 2], following)
        here += map(name, rows)
        following, turn = more or "", turn + 1
    assert turn > 1
    assert here == [name(row) for row in whole(one.operators, address)]


def test_a_cursor_holds_though_what_it_names_has_been_forgotten() -> None:
    desk = busy()
    rows, following = page(desk.operators, "/api/v1/notices?limit=2")
    every = whole(desk.operators, "/api/v1/notices?limit=2")
    kept = [one for one in desk.board.notices if one.id not in {row["id"] for row in rows}]
    desk.board.notices.clear()
    desk.board.notices.extend(kept)
    assert [row["id"] for row in walk(desk.operators, following)] == [row["id"] for row in every[2:]]


def test_a_page_that_was_the_last_is_another_one_when_it_is_not() -> None:
    """Else a reader that has it already would be told 304, and go on with no next page."""
    desk, address = busy(1), "/api/v1/notices?limit=1&group=G0"
    last = desk.public.get(address)
    assert "link" not in last.headers
    told = next(one for one in desk.board.notices if one.audience == "public")
    desk.board.notices.append(told.model_copy(update={"id": "older", "issued": at(-1)}))
    more = desk.public.get(address, headers={"If-None-Match": last.headers["etag"]})
    assert (more.status_code, more.json()) == (200, last.json())
    same = desk.public.get(address, headers={"If-None-Match": more.headers["etag"]})
    assert (same.status_code, same.headers["link"]) == (304, more.headers["link"])


def test_filters_hold_on_each_page() -> None:
    site = busy(12).operators
    address = "/api/v1/notices?limit=1&district=d2&level=3&since=2027-07-14T12:02:00Z&until=2027-07-14T14:10:00%2B02:00"
    found = walk(site, address)
    assert len(found) > 1
    assert all("d2" in row["districts"] and row["level"] >= 3 for row in found)
    assert all(at(2) <= datetime.fromisoformat(row["issued"]) < at(10) for row in found)
    assert found == page(site, address.replace("limit=1&", "limit=100&"))[0]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("alerts?district=d1", {"M0", "M2", "M4"}), ("alerts?group=g3", {"M3"}),
        ("alerts?level=3&district=d1", {"M2", "M4"}),
        ("alerts?since=2027-07-14T12:04:00Z", {"M4", "M5"}), ("alerts?until=2027-07-14T12:01:00Z", {"M0"}),
        ("alerts?city=x&decided=rejected", set()), ("rejected?since=2027-07-14T12:05:00Z", {"R5"}),
        ("rejected?until=2027-07-14T12:01:00Z", {"R0"}), ("districts?group=G2", {"d1"}), ("districts?level=4", set()),
        ("districts?city=nowhere", set()),
    ],
)  # fmt: skip
def test_a_list_gives_what_is_asked_for(address: str, shown: set[str]) -> None:
    rows = busy().operators.get(f"/api/v1/{address}", auth=LOGIN).json()
    assert {row.get("key") or row["id"] for row in rows} == shown


def ids(desk: Desk, address: str) -> set[str]:
    return {row["id"] for row in desk.operators.get(f"/api/v1/{address}", auth=LOGIN).json()}


FILTERED = ("level=4", "group=HEAT", "level=4&group=HEAT&city=x", "level=4&limit=9")


@pytest.mark.parametrize("asked", FILTERED)
def test_a_district_of_which_something_is_not_known_is_in_every_list_of_a_level_or_group(asked: str) -> None:
    address = f"districts?{asked}"
    assert ids(Desk(), address) == {"d1", "d2"}, "no record"
    desk = busy(2)
    assert ids(desk, address) == set(), "all is known, and is something else"
    for freshness in ("stale", "incomplete", "none"):
        known = desk.board.steles["d1"]
        desk.board.steles["d1"] = known.model_copy(update={"freshness": freshness})
        assert ids(desk, address) == {"d1"}
        desk.board.steles["d1"] = known
    desk.board.steles.pop("d2")
    assert ids(desk, address) == {"d2"}
    assert ids(desk.later(60), address) == {"d1", "d2"}, "records past their time"
    assert ids(desk, f"{address}&status=clear") == ids(desk, f"{address}&status=warned") == set()


def test_a_district_whose_record_was_cut_may_have_a_warning_of_any_group() -> None:
    desk = busy(2)
    desk.board.steles["d1"] = desk.board.steles["d1"].model_copy(update={"more": 1})
    assert ids(desk, "districts?group=HEAT") == {"d1"}
    assert ids(desk, "districts?level=4") == set(), "what was cut is no worse than what is there"


def test_what_has_expired_and_is_not_confirmed_still_has_its_level_in_a_list() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Extreme", districts=["d1"], expires=5)), snapshot(0, "A"))
    desk.later(6).take(tick(6))
    assert {item.phase for item in desk.board.steles["d1"].items} == {"expired"}
    assert ids(desk, "districts?level=4") == {"d1"}


ASKED_OF_ALERTS = ("level=4", "group=HEAT", "district=d2", "city=x", "level=4&group=HEAT&district=d2&city=x")


@pytest.mark.parametrize("asked", ASKED_OF_ALERTS)
def test_a_message_that_could_not_be_read_may_be_of_any_level_group_and_place(asked: str) -> None:
    desk = Desk().later(5)
    desk.put("impacts", "", outcome("R", decided="rejected").to_bytes())
    desk.put("impacts", "", outcome("E", decided="no_district").to_bytes())
    assert ids(desk, f"alerts?{asked}") == {"R"}
    assert ids(desk, f"alerts?{asked}&since=2027-07-14T12:05:00Z") == {"R"}, "by when it came"
    assert ids(desk, f"alerts?{asked}&until=2027-07-14T12:05:00Z") == set()


def test_a_message_that_says_more_than_is_kept_of_it_may_be_of_any_group_and_place() -> None:
    desk, said = Desk(), outcome("A", meaning("Severe", districts=["d1"]))
    desk.put("impacts", "", said.model_copy(update={"left_out": 2}).to_bytes())
    for asked in ("group=HEAT", "district=d2", "level=3&group=HEAT"):
        assert ids(desk, f"alerts?{asked}") == {"A"}
    assert ids(desk, "alerts?level=4") == set(), "what was left out is no worse"


@pytest.mark.parametrize("path", ["notices?group=G3", "notices/all?group=g3"])
def test_notices_of_one_event_group(path: str) -> None:
    rows = busy().operators.get(f"/api/v1/{path}", auth=LOGIN).json()
    assert {row["group"] for row in rows} == {"G3"}


def test_what_two_agents_refused_at_once_is_told_of_both() -> None:
    desk = Desk().take(tick(0))
    where = {"topic": "cap.alerts", "partition": "0", "offset": "7"}
    for agent, reason in (("match", "not-xml"), ("settle", "not-xml"), ("match", "not-cap")):
        desk.put("rejected", "R", b"<no", {"agent": agent, "reason": reason, **where})
    found = walk(desk.operators, "/api/v1/rejected?limit=1")
    assert {(row["agent"], row["reason"]) for row in found} == {
        ("match", "not-xml"), ("settle", "not-xml"), ("match", "not-cap"),
    }  # fmt: skip


def test_what_a_list_gives_without_a_limit_is_what_it_always_gave() -> None:
    site = busy(9).operators
    assert len(site.get("/api/alerts", auth=LOGIN).json()) == 9
    rows = site.get("/api/rejected", auth=LOGIN).json()
    assert [row["key"] for row in rows] == [f"R{n}" for n in reversed(range(9))]
    assert [row["number"] for row in rows] == list(range(9))


def test_the_number_of_a_refused_record_leads_to_its_bytes_whatever_was_filtered() -> None:
    desk = busy()
    desk.put("rejected", "R6", b"<other", {"reason": "not-xml", "agent": "match", "topic": "t", "offset": "9"})
    (row,) = desk.operators.get("/api/v1/rejected?until=2027-07-14T12:01:00Z", auth=LOGIN).json()
    raw = desk.operators.get(f"/api/v1/rejected/{row['number']}/raw", auth=LOGIN)
    assert (row["key"], raw.content) == ("R0", b"<no")


@pytest.mark.parametrize(
    "asked",
    ["notices?district=nowhere", "notices?city=nowhere", "alerts?district=nowhere", "notices/all?city=nowhere",
        "districts?cursor=nowhere", "notices?before=nothing"],
)  # fmt: skip
def test_who_asks_for_what_does_not_exist_is_not_told_an_empty_list(asked: str) -> None:
    answer = busy().operators.get(f"/api/v1/{asked}", auth=LOGIN)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["pointer"] == f"#/query/{asked.partition('?')[2].partition('=')[0]}"


@pytest.mark.parametrize(
    "cursor", ["", "x", "5", "2027-07-14", "2027-07-14T12:00:00Z~a", "٢٠٢٧-07-14T12:00:00.000000Z~a"]
)
def test_a_cursor_of_another_form_is_refused_and_never_begins_anew(cursor: str) -> None:
    assert busy().public.get(f"/api/v1/notices?cursor={quote(cursor)}").status_code == 422


def test_the_address_of_a_next_page_has_what_the_list_knows_and_no_more() -> None:
    answer = busy().public.get("/api/v1/notices?limit=1&district=d1&unknown=<script>")
    assert "unknown" not in answer.headers["link"]


# -- the order itself -----------------------------------------------------------------------------------------------

moments = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)).map(
    lambda one: one.replace(tzinfo=NOON.tzinfo)
)
few = st.sampled_from([NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=900_000 // 2), at(1)])
keys = st.tuples(st.one_of(few, moments), st.text("abAB~0é\U0001f300", max_size=5))


@given(st.lists(keys, unique=True, max_size=30), st.lists(keys, max_size=10), st.integers(1, 7), st.randoms())
def test_whatever_comes_in_each_record_that_was_there_is_told_once_and_in_order(
    there: list[SortKey], later: list[SortKey], limit: int, chance: random.Random
) -> None:
    records, late, found = set(there), list(later), list[SortKey]()
    cursor: str | None = None
    while True:
        shuffled = list(records)
        chance.shuffle(shuffled)
        got: ListPage[SortKey] = page_of(shuffled, lambda one: one, cursor, limit)
        found += got.records
        if (cursor := got.cursor) is None:
            break
        records.update([late.pop()] if late else [])
    assert found == sorted(set(found), reverse=True)
    assert set(there) <= set(found) <= set(there) | set(later)


@given(keys, keys)
def test_cursors_stand_in_the_order_of_their_keys(one: SortKey, other: SortKey) -> None:
    assert (one < other) == (cursor_at(one) < cursor_at(other))


# -- times ----------------------------------------------------------------------------------------------------------

TIME = re.compile(r"\b\d{4}-\d\d-\d\dT[^\"<,\s]*")
Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.mark.parametrize(
    "path", ["/alerts", "/feeds", "/rejected", "/notices/all", "/districts", "/districts/d1/situation", "/notices"]
)
def test_each_list_has_one_form_of_time_whatever_offset_came_in(path: str) -> None:
    desk = elsewhere()
    times = TIME.findall(desk.operators.get(f"/api/v1{path}", auth=LOGIN).text)
    assert times
    assert all(Z.fullmatch(one) for one in times), times


def test_events_have_it_too() -> None:
    events = list(elsewhere().board.since(0) or ())
    assert {event.kind for event in events} >= {"stele", "notice", "alert", "feed"}
    for event in events:
        assert all(Z.fullmatch(one) for one in TIME.findall(event.data)), event


def elsewhere() -> Desk:
    """Everything comes with the offset of Berlin."""
    summer = datetime.fromisoformat("2027-07-14T14:00:00+02:00")
    said = outcome("A", meaning().model_copy(update={"onset": summer, "expires": summer + timedelta(hours=3)}))
    desk = busy(1).take(tick(1), said.model_copy(update={"sent": summer}), snapshot(1, "M0", "A"))
    status = FeedStatus(stage="live", source="dwd", looked=summer, stamp=summer, ids=1)
    desk.put("status", "dwd", json.dumps(json.loads(status.to_bytes())).encode())
    return desk
