"""The previous release's records go through this one: an upgrade in the middle of a storm tells nothing twice.

Also what a neighbour of another version writes while both run: fields that are not known here, an older or a newer
`schema_version`. The files are frozen (`tests.upgrade.freeze`), one a release.
"""

import gzip
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from streams.kafka.records import ConsumedRecord, MemorySender
from streams.kafka.topics import Topics
from streams.worker.previous import remembered_before
from streams.worker.remembered import MemoryStateStore, RememberedPartition
from streams.worker.settle import SettleAgent
from tests.audit.story import STAGE, Log, auditor
from tests.kafka.story import settings_of
from warnsys.metrics import Metrics
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import (
    SCHEMA_VERSION,
    VERSION,
    AlertHeaders,
    NewerRecordError,
    Outcome,
    PushNotice,
    Record,
    SmsNotice,
    SteleRecord,
    read_alert_headers,
    read_impact_record,
)
from warnsys.settings import Settings
from warnsys.warning import previous
from warnsys.warning.previous import PastState
from warnsys.web.board import Board, TopicRecord

Line = dict[str, Any]
RELEASES = sorted(path.parent.name for path in Path(__file__).parent.glob("*/storm.jsonl.gz"))


@pytest.fixture(params=RELEASES)
def lines(request: pytest.FixtureRequest) -> list[Line]:
    """What stood on the topics, in order; `warn.state` twice: in the middle and at the end."""
    with gzip.open(Path(__file__).parent / request.param / "storm.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def settings() -> Settings:
    return settings_of(STAGE, "localhost:1", partitions=1)


def of(lines: Iterable[Line], *topics: str) -> list[Any]:
    return [line["value"] for line in lines if line["topic"] in topics]


KINDS: dict[str, Callable[[bytes], Record]] = {
    "warn.impacts": read_impact_record,
    "warn.stele": SteleRecord.from_bytes,
    "warn.push": PushNotice.from_bytes,
    "warn.sms": SmsNotice.from_bytes,
    "warn.state": PastState.from_bytes,
}


def by_other(line: Line, version: int) -> Any:
    """The record as another release might write it: of its version, with a field more in every object."""
    return _other(KINDS[line["topic"]](json.dumps(line["value"]).encode()), version)


def _other(value: Any, version: int) -> Any:
    if isinstance(value, BaseModel):
        known = {name: found for name in type(value).model_fields if (found := getattr(value, name)) is not None}
        said = {name: _other(one, version) for name, one in known.items()} | {"of_another_release": [{"x": 1}]}
        return said | ({"schema_version": version} if isinstance(value, Record) else {})
    if isinstance(value, dict):
        return {key: _other(one, version) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_other(one, version) for one in value]
    return to_jsonable_python(value)


def middle(lines: list[Line]) -> int:
    return next(number for number, line in enumerate(lines) if line["topic"] == "warn.state")


class Worker:
    """`settle` of this release on what another one left."""

    def __init__(self, settings: Settings, left: Any = None) -> None:
        self.metrics, self.sender, self.store = Metrics(), MemorySender(), MemoryStateStore()
        if left:
            state = PastState.from_bytes(json.dumps(left).encode())
            self.store.kept[0] = RememberedPartition(*previous.on_one_ledger([state]))
        cities = cities_for(settings, matcher_for(settings))
        self.agent = SettleAgent(cities, Topics(STAGE, 1), self.sender, self.store, self.metrics)

    async def take(self, values: Iterable[Any]) -> "Worker":
        for offset, value in enumerate(values):
            body = json.dumps(value).encode()
            await self.agent.handle(ConsumedRecord(f"{STAGE}.warn.impacts", 0, offset, b"", body, {}, 0.0))
        return self

    @property
    def told(self) -> list[str]:
        return [one.headers["id"] for one in self.sender.records if one.topic.endswith((".push", ".sms"))]

    @property
    def shown(self) -> dict[str, tuple[str, list[str]]]:
        found: dict[str, tuple[str, list[str]]] = {}
        for one in self.sender.records:
            if one.topic.endswith(".stele"):
                stele = SteleRecord.from_bytes(one.value or b"")
                found[stele.district] = stele.status, [item.base_id for item in stele.items]
        return found


def told_in(lines: Iterable[Line]) -> list[str]:
    return [value["id"] for value in of(lines, "warn.push", "warn.sms")]


def shown_in(lines: Iterable[Line]) -> dict[str, tuple[str, list[str]]]:
    return {
        value["district"]: (value["status"], [item["base_id"] for item in value["items"]])
        for value in of(lines, "warn.stele")
    }


def test_messages_are_decided_as_they_were(lines: list[Line], settings: Settings) -> None:
    matcher, decided = matcher_for(settings), {}
    for line in lines:
        if line["topic"] == "cap.alerts" and line["headers"]["kind"] == "alert":
            headers = AlertHeaders.model_validate(line["headers"])
            outcome = matcher.decide_bytes(line["value"].encode(), headers).outcome
            decided[outcome.base_id] = plain(outcome)
    before = [value for value in of(lines, "warn.impacts") if value["kind"] == "outcome"]
    assert before
    for value in before:
        assert decided[value["base_id"]] == plain(Outcome.model_validate(value))


def plain(outcome: Outcome) -> tuple[str, list[str], list[str]]:
    districts = sorted({impact.district for meaning in outcome.meanings for impact in meaning.impacts})
    return outcome.decided, sorted(outcome.supersedes), districts


async def test_from_the_start_on_the_same_is_told_and_shown(lines: list[Line], settings: Settings) -> None:
    worker = await Worker(settings).take(of(lines, "warn.impacts"))
    assert sorted(worker.told) == sorted(told_in(lines))
    assert worker.shown == shown_in(lines)


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION, SCHEMA_VERSION + 1])
async def test_upgraded_or_rolled_back_in_the_middle_of_a_storm_nothing_is_told_twice_and_nothing_missed(
    lines: list[Line], settings: Settings, version: int
) -> None:
    cut = middle(lines)
    left = by_other(lines[cut], version)
    later = [by_other(line, version) for line in lines[cut:] if line["topic"] == "warn.impacts"]
    worker = await Worker(settings, left).take(later)
    assert told_in(lines[cut:])
    assert sorted(worker.told) == sorted(told_in(lines[cut:]))
    assert worker.shown.items() <= shown_in(lines).items()
    newer = worker.metrics.registry.get_sample_value("warnsys_newer_records_total", {"topic": f"{STAGE}.warn.impacts"})
    assert newer == (len(later) if version > SCHEMA_VERSION else None), "a newer one is taken, and reported"


async def test_what_was_told_before_the_upgrade_is_not_told_again(lines: list[Line], settings: Settings) -> None:
    cut = middle(lines)
    worker = await Worker(settings, lines[cut]["value"]).take(of(lines[:cut], "warn.impacts"))
    assert worker.told == [], "the last records come again after any restart"


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
def test_every_reader_takes_the_records_of_its_neighbours(lines: list[Line], settings: Settings, version: int) -> None:
    board = Board(cities_for(settings, matcher_for(settings)), STAGE)
    log, notes, at = Log(), auditor(), datetime(2027, 7, 14, tzinfo=UTC)
    for line in lines:
        if line["topic"] in KINDS and line["topic"] != "warn.state":
            body = json.dumps(by_other(line, version)).encode()
            assert KINDS[line["topic"]](body).newer == (version > SCHEMA_VERSION)
            name = line["topic"].removeprefix("warn.")
            board.take(TopicRecord(name, line["value"].get("district", ""), body, {}, at))
            log.add(f"{STAGE}.{line['topic']}", 0, at, body)
    assert len(board.notices) == len(told_in(lines))
    written = [entry["what"] for record in log.records if (entry := notes.note(record))]
    assert written.count("told") == len(told_in(lines))
    assert "unreadable" not in written


# -- values, kinds and a state that only one of the two knows -------------------------------------------------------


def impacts(lines: list[Line]) -> list[Any]:
    return of(lines, "warn.impacts")


OF_NEWER: dict[str, Callable[[Any], Any]] = {
    "a kind": lambda value: {**value, "kind": "evacuation"},
    "a decision": lambda value: {**value, "kind": "outcome", "decided": "postponed"},
    "a form of time": lambda value: {**value, "at": {"utc": 0}, "stamp": {"utc": 0}, "checked": {"utc": 0}},
}


@pytest.mark.parametrize("change", OF_NEWER)
async def test_old_meets_new_and_ends_before_it_decides_anything_wrong(
    lines: list[Line], settings: Settings, change: str
) -> None:
    """This release on what a newer one may write: it ends with its reason, and commits nothing."""
    values = impacts(lines)[:6]
    worker = await Worker(settings).take(values[:5])
    before = len(worker.sender.records)
    with pytest.raises(NewerRecordError, match=f"schema_version {SCHEMA_VERSION + 1}, here {SCHEMA_VERSION}"):
        await worker.take([{**OF_NEWER[change](values[5]), "schema_version": SCHEMA_VERSION + 1}])
    assert len(worker.sender.records) == before, "neither told nor rejected"


@pytest.mark.parametrize("change", OF_NEWER)
async def test_the_same_change_by_this_release_or_an_older_one_is_damage(
    lines: list[Line], settings: Settings, change: str
) -> None:
    values = impacts(lines)[:6]
    worker = await Worker(settings).take(values[:5])
    with pytest.raises(ValidationError):
        await worker.take([OF_NEWER[change](values[5])])


async def test_new_reads_an_old_state_that_lacks_what_it_has_since_learned(
    lines: list[Line], settings: Settings
) -> None:
    cut = middle(lines)
    left = json.loads(json.dumps(lines[cut]["value"]))
    for name in ("steles", "stopped", "troubles", "schema_version"):
        left.pop(name, None)
    worker = await Worker(settings, left).take(of(lines[cut:], "warn.impacts"))
    assert sorted(worker.told) == sorted(told_in(lines[cut:]))


@pytest.mark.parametrize("known", [True, False], ids=["a field more", "a value that nobody here knows"])
async def test_a_state_of_a_newer_release_is_read_or_its_city_begins_anew(
    lines: list[Line], settings: Settings, known: bool
) -> None:
    cut = middle(lines)
    left = {**lines[cut]["value"], "schema_version": SCHEMA_VERSION + 1, "forecast": {"x": 1}}
    if not known:
        left["facts"] = {"in": "another form"}
        left["held"] = 7
    value = json.dumps(left).encode()
    record = ConsumedRecord(
        f"{STAGE}.warn.state", 0, 3, b"solingen/w", value, {"covers": "-1", "covers_at": "0.0"}, 0.0
    )
    worker = Worker(settings)
    worker.store.kept[0] = remembered_before({"solingen/w": record})
    await worker.take(of(lines[cut:], "warn.impacts"))
    told = sorted(told_in(lines[cut:]))
    rejected = [one for one in worker.sender.records if one.topic.endswith(".rejected")]
    if known:
        assert (sorted(worker.told), rejected) == (told, [])
    else:
        (kept,) = rejected
        assert kept.value == value
        assert "newer release" in kept.headers["reason"]
        assert set(worker.shown) == set(shown_in(lines[cut:])), "it goes on, with what comes"


@pytest.mark.parametrize(
    ("version", "error"),
    [(SCHEMA_VERSION + 1, NewerRecordError), (SCHEMA_VERSION, ValidationError), ("", ValidationError)],
)
def test_a_kind_of_message_that_only_a_newer_feed_knows(version: int | str, error: type[Exception]) -> None:
    headers = {"kind": "radar", "stage": STAGE, "source": "dwd", "id": "A", "seen": "2027-07-14T12:00:00Z"}
    with pytest.raises(error):
        read_alert_headers({**headers, VERSION: str(version)})
    assert read_alert_headers({**headers, "kind": "alert", VERSION: "99", "radar": "x"}).id == "A"
