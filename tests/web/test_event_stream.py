"""The event stream: a reader is told what it missed, or that it missed something; never neither."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.support import at, meaning, outcome, snapshot, tick
from tests.web.conftest import served
from tests.web.described import EVERYTHING, STREAM, check_event, names_of
from tests.web.sites import Desk, settings
from tests.web.test_sites import warned
from warnsys.records import FeedStatus, PushNotice
from warnsys.web.event_stream import MOST_NOTICES, state_now
from warnsys.web.telling import MAX_EVENTS

Event = dict[str, Any]


@asynccontextmanager
async def reading(address: str, last_id: str = "", path: str = "/api/v1/stream") -> AsyncIterator[AsyncIterator[Event]]:
    """The events of a stream but for pings, their data read."""
    headers: Any = {"Last-Event-ID": last_id.encode()} if last_id else {}
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", address + path, headers=headers) as answer:
        assert answer.status_code == 200

        async def events() -> AsyncIterator[Event]:
            event: Event = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name:
                    event[name] = value
                elif event:
                    if event["event"] != "ping":
                        yield {**event, "data": json.loads(event["data"])}
                    event = {}

        yield events()


async def test_a_stream_begins_with_the_state() -> None:
    desk = warned()
    async with served(desk) as address, reading(address) as events:
        hello = await anext(events)
    data = hello["data"]
    assert (hello["event"], data["resumed"], data["stage"], data["exercise"]) == ("hello", False, "live", False)
    assert [(one["id"], one["status"], one["level"]) for one in data["districts"]] == [
        ("d1", "warned", 3), ("d2", "warned", 3),
    ]  # fmt: skip
    assert {one["audience"] for one in data["notices"]} == {"public"}
    assert data["record"] is None


async def test_the_state_of_one_district_has_all_that_holds_there() -> None:
    desk = warned()
    async with served(desk) as address, reading(address, path="/api/v1/stream?district=d1") as events:
        data = (await anext(events))["data"]
    assert [one["id"] for one in data["districts"]] == ["d1"]
    assert data["record"] == json.loads(desk.board.steles["d1"].model_dump_json())


def test_the_state_of_one_district_has_its_notices_however_much_was_told_elsewhere() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Severe", districts=["d1"])), snapshot(0, "A"))
    mine = [one for one in desk.board.notices if one.audience == "public"]
    push = next(one for one in mine if isinstance(one, PushNotice))
    for number in range(MOST_NOTICES):
        other = push.model_copy(update={"id": f"other-{number}", "districts": ("d2",), "issued": at(number / 4)})
        desk.put("push", other.id, other.to_bytes())
    desk.later(30)

    def told(district: str) -> list[str]:
        return [one["id"] for one in json.loads(state_now(desk.board, district)[1])["notices"]]

    assert told("d1") == [one.id for one in mine] != []
    assert len(told("d2")) == len(told("")) == MOST_NOTICES


async def test_a_reader_of_the_same_process_goes_on_where_it_was() -> None:
    desk = warned()
    async with served(desk) as address:
        async with reading(address) as events:
            last_id = (await anext(events))["id"]
        desk.take(outcome("B", meaning("Extreme"), supersedes=["A"], sent=1, stamp=1))
        async with reading(address, last_id) as events:
            hello, first = await anext(events), await anext(events)
    assert (hello["event"], hello["id"], hello["data"]["resumed"]) == ("hello", last_id, True)
    assert (first["event"], first["data"]["items"][0]["base_id"]) == ("stele", "B")


@pytest.mark.parametrize("last_id", ["deadbeef-3", "3", "0", "another", "٣", "-1", "9" * 40])
async def test_a_reader_that_comes_from_elsewhere_is_told_reload_with_the_state(last_id: str) -> None:
    desk = warned()
    async with served(desk) as address, reading(address, last_id) as events:
        hello, again = await anext(events), await anext(events)
    assert [hello["event"], again["event"]] == ["hello", "reload"]
    assert hello["data"] == again["data"]
    assert again["data"]["districts"][0]["status"] == "warned"


async def test_a_number_that_this_process_has_not_counted_yet_is_none_of_its_own() -> None:
    desk = warned()
    ahead = f"{desk.board.epoch}-{desk.board.version + 1}"
    async with served(desk) as address, reading(address, ahead) as events:
        assert [(await anext(events))["event"] for _ in range(2)] == ["hello", "reload"]


async def test_who_missed_more_than_is_kept_is_told_reload() -> None:
    desk = warned()
    async with served(desk) as address:
        async with reading(address) as events:
            last_id = (await anext(events))["id"]
        for _ in range(MAX_EVENTS + 1):
            desk.board._telling.tell("feed", b"{}")
        async with reading(address, last_id) as events:
            assert [(await anext(events))["event"] for _ in range(2)] == ["hello", "reload"]


async def test_what_comes_after_the_state_follows_it_without_a_gap() -> None:
    """A picture of the board is up to a second old: what came since then is told after it."""
    desk = Desk(stands_s=1).take(tick(0), snapshot(0))
    desk.site.pictures.now()
    desk.take(outcome("A", meaning("Severe")), snapshot(0.1, "A"))
    async with served(desk) as address, reading(address, path="/api/v1/stream?district=d1") as events:
        hello = await anext(events)
        if hello["data"]["record"]["items"] == []:
            assert (await anext(events))["data"]["items"][0]["base_id"] == "A"


async def test_a_process_that_has_not_read_the_topics_yet_tells_nothing_old_as_new() -> None:
    before, desk = warned(), Desk()
    desk.board.connected = desk.board.caught_up = False
    async with served(desk) as address, reading(address) as events:
        for notice in before.city.notices:
            key = getattr(notice, "district", notice.id)
            desk.put("stele" if hasattr(notice, "district") else "push", key, notice.to_bytes())
        desk.board.connected = True
        first = await anext(events)
    assert (first["event"], first["data"]["districts"][0]["status"]) == ("hello", "warned")


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
async def test_there_is_no_stream_of_an_unknown_district(prefix: str) -> None:
    answer = warned().public.get(f"{prefix}/stream?district=nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [STREAM, EVERYTHING])
async def test_every_event_that_is_told_is_as_the_document_says(path: str) -> None:
    desk = Desk(settings(open=True)).take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    document = desk.operators.get("/api/openapi.json").json()
    told = list[Event]()
    async with served(desk) as address:
        async with reading(address, "deadbeef-3", path) as events:
            told += [await anext(events), await anext(events)]
            desk.take(tick(1), outcome("B", meaning("Extreme"), supersedes=["A"], sent=1, stamp=1), snapshot(1, "B"))
            status = FeedStatus(stage="live", source="dwd", looked=desk.now, stamp=desk.now, ids=1)
            desk.put("status", "dwd", status.to_bytes())
            desk.put("rejected", "R", b"<no", {"reason": "not-xml", "agent": "match"})
            await desk.stop("push")
            desk.board.connected = False
            last = f"{desk.board.epoch}-{desk.board.version}"
            while told[-1]["id"] != last:
                told.append(await anext(events))
        desk.board.connected = True
        async with reading(address, told[-1]["id"], path) as events:
            told.append(await anext(events))
    assert told[-1]["data"]["resumed"]
    assert {one["event"] for one in told} == names_of(document, path) - {"ping"}
    for one in told:
        fields = {name: value for name, value in one.items() if name != "retry"}
        check_event(document, path, {**fields, "data": json.dumps(one["data"])})


def test_a_state_tells_no_more_than_some_notices() -> None:
    assert MOST_NOTICES <= 100
