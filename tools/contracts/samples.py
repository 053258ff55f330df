"""An example of each record: what the product makes of the bundled storm, and by hand what only people order.

The story is an exercise and says so in each record.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel

from warnsys.channels.registry import channel_of, tellers
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import (
    AlertHeaders,
    ChangeNotice,
    ChannelPause,
    FeedStatus,
    Outcome,
    Record,
    SteleRecord,
    Tick,
)
from warnsys.replay.read import of_scenario
from warnsys.replay.run import Arrival, DecidedMessage, Replay, ReplayEvent, settings_of
from warnsys.simulation.scenario import load
from warnsys.web.board import Board, TopicRecord
from warnsys.web.event_stream import NOTHING, state_now
from warnsys.web.telling import BoardEvent

STORY = "storm"
AT, UNTIL = "2027-07-14T12:40:00Z", "2027-07-14T13:10:00Z"
ORDERED: dict[str, dict[str, Any]] = {
    "Acknowledgement": {"city": "solingen", "base_id": "", "level": 4, "by": "Leitstelle A", "at": AT},
    "ChannelPause": {"channel": "push", "reason": "Fehlalarm", "until": UNTIL, "by": "Leitstelle A", "at": AT},
    "Reminder": {"city": "solingen", "base_id": "", "level": 4, "at": AT},
    "ChannelState": {
        "city": "solingen", "channel": "push", "ordered": AT, "until": UNTIL, "stopped": True, "at": AT,
    },
    "AuditHead": {"number": 128, "head": "5f" * 32, "at": AT},
    "DeliveryCounts": {
        "exercise": True, "gateway": "app", "channel": "push", "target": "backend", "city": "solingen", "level": 4,
        "id": "7a05fc72-3c0b-5d0e-9a51-6d1c8b0f2e44", "valid_until": UNTIL, "accepted": 1, "calls": 2, "at": AT,
        "code": "http_503",
    },
    "GatewayStatus": {
        "gateway": "app", "channel": "push", "at": AT, "stopped": False,
        "targets": [{"name": "backend", "kind": "webhook", "state": "up", "waiting": 0, "accepted": AT}],
    },
}  # fmt: skip
"""Records that no storm makes, without what all have. A model that does not exist is no error."""


class NoExampleError(LookupError):
    """A kind of record that neither the story nor `ORDERED` has."""


@cache
def told() -> tuple[tuple[AlertHeaders, bytes], tuple[Record, ...]]:
    """A message with its headers, and one record of each kind that the story has."""
    material = of_scenario(load(STORY))
    heard: list[ReplayEvent] = []
    replay = Replay(settings_of(None, material.sources), heard.append)
    replay.play(material)
    arrivals = [event for event in heard if isinstance(event, Arrival)]
    decided = next(
        e for e in heard if isinstance(e, DecidedMessage) and any(m.impacts for m in e.decision.outcome.meanings)
    )
    snapshot = next(arrival.snapshot for arrival in arrivals if arrival.snapshot and arrival.snapshot.ids)
    stage, source = replay.settings.stage, snapshot.source
    status = FeedStatus(
        stage=stage, source=source, looked=snapshot.checked, stamp=snapshot.stamp, ids=len(snapshot.ids)
    )
    return (decided.headers, decided.body), (
        decided.decision.outcome,
        snapshot,
        Tick(stage=stage, at=material.start),
        _first(heard, SteleRecord, lambda record: (record.status, record.freshness) == ("warned", "fresh")),
        *(_warning(heard, one.record) for one in tellers()),
        status,
    )


def _warning(heard: Iterable[ReplayEvent], kind: type[Any]) -> Record:
    """The public's first one, or the staff's where a channel does not tell the public."""
    found = [one for one in heard if isinstance(one, kind) and isinstance(one, ChangeNotice) and one.kind == "warn"]
    return min(found, key=lambda one: one.audience != "public")


def _first(heard: Iterable[ReplayEvent], kind: type[Any], wanted: Any) -> Record:
    found: Record = next(event for event in heard if isinstance(event, kind) and wanted(event))
    return found


def example(model: type[BaseModel]) -> dict[str, Any]:
    """As it stands on the topic. Raises `NoExampleError`."""
    _, records = told()
    made = {type(record).__name__: record for record in records}
    name, outcome = model.__name__, made["Outcome"]
    if (record := made.get(name)) is not None:
        given = json.loads(record.to_bytes())
    elif name in ORDERED:
        given = {**ORDERED[name], "stage": getattr(outcome, "stage", "")}
        if "base_id" in given:
            given["base_id"] = getattr(outcome, "base_id", "")
    else:
        raise NoExampleError(f"no example of {name}: add one to ORDERED in tools/contracts/samples.py")
    return dict(json.loads(model.model_validate(given).model_dump_json(exclude_none=True)))


EPOCH = "5f3a91c2"


@cache
def events() -> dict[str, tuple[str, str]]:
    """By its name each event of the streams, as a process tells it that has just read the story: id and data.

    One that the public is told where there is one, for the public stream shows the same.
    """
    (headers, _), records = told()
    settings = settings_of(None, (headers.source,), headers.stage)
    board = Board(cities_for(settings, matcher_for(settings)), headers.stage, epoch=EPOCH, elapsed=lambda: 0.0)
    board.connected = True
    district = next(record.district for record in records if isinstance(record, SteleRecord))
    orders = [ChannelPause.model_validate(example(ChannelPause))]
    for record in (*records, *orders):
        topic = _topic_of(record)
        if topic:
            key = record.district if isinstance(record, SteleRecord) else ""
            board.take(TopicRecord(topic, key, record.to_bytes(), {}, headers.seen))
    board.take(TopicRecord("rejected", "", b"<alert", {"reason": "not-xml", "agent": "match"}, headers.seen))
    heard = dict[str, BoardEvent]()
    for event in board.since(0) or ():
        if event.public or event.kind not in heard or not heard[event.kind].public:
            heard[event.kind] = event
    found = {kind: (f"{EPOCH}-{event.number}", event.data) for kind, event in heard.items()}
    number, state = state_now(board, district)
    greeting = f"{EPOCH}-{number}", state
    return {"hello": greeting, "reload": greeting, "ping": ("", NOTHING), **found}


def _topic_of(record: Record) -> str:
    """What the board calls the topic of a record; nothing for one that tells no reader of a stream anything."""
    match record:
        case Outcome():
            return "impacts"
        case SteleRecord() | ChangeNotice():
            return channel_of(record)
        case FeedStatus():
            return "status"
        case ChannelPause():
            return "actions"
    return ""


def alert() -> tuple[dict[str, str], str]:
    """Headers and text of a CAP message on `cap.alerts`."""
    (headers, body), _ = told()
    said = headers.model_dump(mode="json", exclude_none=True)
    return {name: str(value) for name, value in said.items()}, body.decode("utf-8")
