"""The event stream: what changes, as it changes; a reader misses nothing unnoticed, whichever process it comes to.

A stream begins with `hello`, which carries the state, then the changes follow. An event's id is EPOCH-NUMBER: each
process counts its changes for itself, and the epoch says which process counted. A reader that comes back to the same
one with such an id goes on where it was. One that comes with another's id, or has missed more than is kept, is told
`reload`, with the state again. Events without an id, `ping`, are no changes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from pydantic import BaseModel, SerializeAsAny
from sse_starlette import ServerSentEvent

from warnsys.channels.registry import told_record
from warnsys.headers import whole
from warnsys.records import ChangeNotice, FeedStatus, OnActions, Outcome, SteleRecord
from warnsys.web.board import Board
from warnsys.web.site import Site
from warnsys.web.situations import DistrictNow, district_now
from warnsys.web.streams import BoundedStream
from warnsys.web.telling import BoardEvent

PING_S = 5
"""A page that hears nothing for 12 s takes its stream for dead (static/live.js)."""
SEND_S = 30
"""How long a reader may take nothing before its stream is closed."""
RETRY_MS = 2_000
NOTICES_FOR = timedelta(hours=1)
MOST_NOTICES = 100
"""How far back a state tells what the public was told: who comes from another process may have missed some of it."""
NOTHING = "{}"
EVENT_ID = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9]+$",
    "description": "EPOCH-NUMBER, to be sent as Last-Event-ID. The epoch says which process counted.",
}


class StreamState(BaseModel):
    """What `hello` and `reload` carry. A stream that goes on where it was carries nothing: what was missed follows."""

    epoch: str
    """Of the process that answers."""
    stage: str
    exercise: bool
    resumed: bool
    districts: list[DistrictNow] | None = None
    """Every district in short, or the one that was asked for."""
    record: SteleRecord | None = None
    """What holds in the district that was asked for, whole; null where nothing reliable is known, too."""
    notices: list[SerializeAsAny[ChangeNotice]] | None = None
    """What the public was told in the last hour, the newest first: in the district that was asked for, or anywhere."""


def state_now(board: Board, district: str) -> tuple[int, str]:
    """The state at one time, and the number of the newest change in it."""
    since = board.now() - NOTICES_FOR
    notices = [
        one
        for one in board.notices
        if one.audience == "public" and one.issued >= since and district in ("", *one.districts)
    ]
    state = StreamState(
        epoch=board.epoch, stage=board.stage, exercise=board.exercise, resumed=False,
        districts=[
            district_now(board, city, one)
            for city in board.cities.values()
            for one in city.place.districts
            if district in ("", one.id)
        ],
        record=board.stele(district) if district else None,
        notices=notices[:MOST_NOTICES],
    )  # fmt: skip
    return board.version, state.model_dump_json()


def streaming(
    site: Site, request: Request, last_event_id: str | None, wanted: Callable[[BoardEvent], bool], district: str = ""
) -> BoundedStream:
    """The answer to one reader."""
    board = site.board

    def told(event: str, number: int, data: str) -> ServerSentEvent:
        return ServerSentEvent(event=event, id=f"{board.epoch}-{number}", data=data, retry=RETRY_MS)

    async def events() -> AsyncGenerator[ServerSentEvent, None]:
        while not board.caught_up:  # a process that begins tells nothing old as new
            await board.changed()
        after = _goes_on(board, last_event_id)
        if after is not None:
            resumed = StreamState(epoch=board.epoch, stage=board.stage, exercise=board.exercise, resumed=True)
            yield told("hello", after, resumed.model_dump_json())
        greetings = ["hello", "reload"] if last_event_id else ["hello"]
        while True:
            if after is None:
                number, state = await site.pictures.worded(("state", district), lambda now: state_now(now, district))
                for greeting in greetings:
                    yield told(greeting, number, state)
                after = number
            greetings = ["reload"]
            async with aclosing(board.events(after)) as changes:
                async for event in changes:
                    if event is None:
                        break
                    if wanted(event):
                        yield told(event.kind, event.number, event.data)
            after = None

    async def counted() -> AsyncIterator[ServerSentEvent]:
        with site.metrics.streams.track_inprogress():
            async with aclosing(events()) as all_events:
                async for event in all_events:
                    yield event

    return BoundedStream(
        request.app.state.streams, counted(), ping=PING_S, ping_message_factory=_ping, send_timeout=SEND_S
    )


def _goes_on(board: Board, last_event_id: str | None) -> int | None:
    """The number after which a reader goes on; None where this process did not count it, or keeps no more of it."""
    epoch, _, number = (last_event_id or "").partition("-")
    after = whole(number)
    return after if epoch == board.epoch and after is not None and board.since(after) is not None else None


def _ping() -> ServerSentEvent:
    """An event and not a comment: only events reach a page's script, and it has to miss them."""
    return ServerSentEvent(event="ping", data=NOTHING)


@dataclass(frozen=True)
class StreamEvent:
    """One kind of event, as the contracts describe it."""

    name: str
    about: str
    carries: Any = None
    """The type of its data; None for an object without meaning."""
    public: bool = True
    """Whether it is told beyond the operators' stream."""
    numbered: bool = True
    """Whether it has an id."""


def stream_events() -> tuple[StreamEvent, ...]:
    """All kinds, in the order in which people meet them."""
    return (
        StreamEvent("hello", "Begins each stream, with the state; without it where the reader goes on.", StreamState),
        StreamEvent("reload", "Something was missed: take this state instead of yours.", StreamState),
        StreamEvent("stele", "What holds in a district is another, or was sent again.", SteleRecord),
        StreamEvent("notice", "What the public was told; operators hear what staff was told, too.", told_record()),
        StreamEvent("process", "The process that answers has become blind, or sees again: ask for the situation."),
        StreamEvent(
            "ping", "Every five seconds, without an id: a stream that is silent for longer is dead.", numbered=False
        ),
        StreamEvent("alert", "A message was decided, without what it means.", Outcome, public=False),
        StreamEvent("feed", "The last look at a source.", FeedStatus, public=False),
        StreamEvent("rejected", "Something could not be understood: ask for the list.", public=False),
        StreamEvent("action", "What an operator ordered, and what the agents answered.", OnActions, public=False),
    )


def event_schemas(schema_of: Callable[[Any], dict[str, Any]], *, public: bool) -> list[dict[str, Any]]:
    """The events for the OpenAPI document, as version 3.2 of it has them: `data` is text that holds JSON."""
    return [
        {
            "type": "object",
            "title": f"event {one.name}",
            "description": one.about,
            "required": ["event", "data", *(["id"] if one.numbered else [])],
            "properties": {
                "event": {"const": one.name},
                **({"id": EVENT_ID} if one.numbered else {}),
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": schema_of(one.carries) if one.carries else {"type": "object"},
                },
            },
        }
        for one in stream_events()
        if one.public or not public
    ]
