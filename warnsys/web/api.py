"""The API: the same facts as on the topics, for those who cannot read topics.

Public routes give what residents may see; the operators' give everything that is known of a message.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel
from shapely.geometry import mapping
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from geofences import District
from warnsys.cap.model import level
from warnsys.channels.registry import told_record
from warnsys.explain import Explained
from warnsys.headers import whole
from warnsys.pipeline import CityRules
from warnsys.records import ChangeNotice, DistrictStatus, FeedStatus, Freshness, Outcome, PushNotice, SteleRecord
from warnsys.web import alerts as alerts_out
from warnsys.web import cap_out, feed_out
from warnsys.web.app import BoardPicture, Site, signed_in
from warnsys.web.board import Board, HeldAlert
from warnsys.web.once import Once
from warnsys.web.security import Operators
from warnsys.web.streams import BoundedStream
from warnsys.web.telling import BoardEvent

PING_S = 5
"""A page that hears nothing for 12 s takes its stream for dead (static/live.js)."""
SEND_S = 30
"""How long a reader may take nothing before its stream is closed."""
DistrictId = Annotated[str, Path(max_length=100)]
AlertId = Annotated[str, Path(max_length=300)]


class DistrictNow(BaseModel):
    """A district and what holds there. `no_data` where nothing reliable is known."""

    id: str
    name: str
    city: str
    status: DistrictStatus
    level: int
    advance: bool
    """Whether the worst is an advance notice."""
    freshness: Freshness
    as_of: datetime | None
    valid_until: datetime | None
    exercise: bool


class Situation(BaseModel):
    """What holds in a district. Without `record` nothing reliable is known, which is not the same as no warning."""

    district: DistrictNow
    record: SteleRecord | None


class AlertShort(BaseModel):
    id: str
    source: str
    decided: str
    reason: str
    sent: datetime | None
    level: int
    supersedes: tuple[str, ...]


class RejectedShort(BaseModel):
    at: datetime
    reason: str
    agent: str
    key: str
    place: str
    size: int


def public(site: Site) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["public"])

    @router.get("/districts")
    def districts(board: BoardPicture) -> list[DistrictNow]:
        """Every district with what holds there, in short."""
        return [_now(board, city, found) for city in board.cities.values() for found in city.place.districts]

    @router.get("/districts.geojson", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
    async def geojson() -> Response:
        """The same as GeoJSON (RFC 7946), with the outlines in degrees lon/lat."""
        return await site.pictures.once("geojson", _geojson)

    @router.get("/districts/{district}/situation", responses=NOT_FOUND)
    def situation(district: DistrictId, board: BoardPicture) -> Situation:
        """What holds in a district, whole."""
        city, found = site.district(district)
        now = _now(board, city, found)
        return Situation(district=now, record=board.stele(found.id))

    @router.get("/districts/{district}/cap", response_class=Response, responses={**NOT_FOUND, 200: _IS_CAP})
    def cap(district: DistrictId, board: BoardPicture) -> Response:
        """What holds in a district as one CAP 1.2 alert; 404, which is no all-clear, where nothing holds, nothing
        reliable is known, or all has expired and is not yet confirmed."""
        city, found = site.district(district)
        record = board.stele(found.id)
        body = cap_out.write(record, found, city) if record else None
        if body is None:
            raise HTTPException(404, "nothing to tell: see the situation for whether that is known")
        return Response(body, media_type="application/cap+xml")

    @router.get("/notices", response_model=list[told_record()])  # type: ignore[misc]
    def notices(board: BoardPicture, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[ChangeNotice]:
        """What the public was told, newest first."""
        return [one for one in board.notices if one.audience == "public"][:limit]

    @router.get("/notices.atom", response_class=Response, responses={200: {"content": {ATOM: {}}}})
    def atom(request: Request, board: BoardPicture) -> Response:
        """The same as an Atom feed (RFC 4287)."""
        public_ones = [one for one in board.notices if one.audience == "public" and isinstance(one, PushNotice)][:100]
        return Response(feed_out.write(public_ones, board, str(request.url)), media_type=ATOM)

    @router.get("/stream", response_class=EventSourceResponse)
    async def stream(
        request: Request,
        last_event_id: Annotated[str | None, Header(max_length=40)] = None,
        district: Annotated[str | None, Query(max_length=100)] = None,
    ) -> EventSourceResponse:
        """Changes as Server-Sent Events, a `ping` every five seconds; `Last-Event-ID` resumes, `reload` says that too
        much was missed."""

        def wanted(event: BoardEvent) -> bool:
            return event.public and event.district in ("", district or event.district)

        return _streaming(site, request, last_event_id, wanted)

    return router


GEOJSON, ATOM = "application/geo+json", "application/atom+xml"
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "there is none of that id"}}
_IS_CAP: dict[str, Any] = {"content": {"application/cap+xml": {}}}


def private(site: Site, operators: Operators) -> APIRouter:
    router = APIRouter(
        prefix="/api", tags=["operators"], dependencies=[Depends(signed_in(operators))],
        responses={401: {"description": "sign in as an operator"}},
    )  # fmt: skip

    @router.get("/alerts", response_model=list[AlertShort])
    async def alerts(decided: Literal["matched", "no_district", "not_live", "rejected"] | None = None) -> Response:
        """Every message of the last days, newest first."""
        return await site.pictures.once(("alerts", decided), lambda board: _alerts(board, decided))

    @router.get("/alerts/{alert}", responses=NOT_FOUND)
    def alert(alert: AlertId, board: BoardPicture) -> dict[str, Any]:
        """One message: parsed, raw, and decided for every district, with reasons."""
        return explained_alert(site, board, alert)

    @router.get("/alerts/{alert}/raw", response_class=Response, responses={**NOT_FOUND, 200: _IS_CAP})
    def raw(alert: AlertId, board: BoardPicture) -> Response:
        """The bytes as they came, for download."""
        held = held_alert(board, alert)
        return _download(held.body, "application/cap+xml", alert)

    @router.get("/notices/all", response_model=list[told_record()])  # type: ignore[misc]
    def all_notices(board: BoardPicture, limit: Annotated[int, Query(ge=1, le=2000)] = 200) -> list[ChangeNotice]:
        """What every audience was told, newest first."""
        return list(board.notices)[:limit]

    @router.get("/rejected")
    def rejected(board: BoardPicture) -> list[RejectedShort]:
        """What could not be understood, newest first."""
        return [
            RejectedShort(at=r.at, reason=r.reason, agent=r.agent, key=r.key, place=r.place, size=len(r.value))
            for r in board.rejected
        ]

    @router.get("/rejected/{number}/raw", response_class=Response, responses=NOT_FOUND)
    def rejected_raw(number: Annotated[int, Path(ge=0, le=10_000)], board: BoardPicture) -> Response:
        """The bytes of one of these, counted from the newest, for download."""
        if number >= len(board.rejected):
            raise HTTPException(404, f"no rejected record {number}")
        return _download(board.rejected[number].value, "application/octet-stream", f"rejected-{number}")

    @router.get("/outlines.geojson", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
    async def outlines(lang: Literal["de", "en"] = "de") -> Response:
        """The areas of what holds as GeoJSON: polygons with their holes, circles as points with `radius_m`."""

        def made(board: Board) -> Response:
            features = list(alerts_out.as_features(board, lang))
            return Response(json.dumps({"type": "FeatureCollection", "features": features}), media_type=GEOJSON)

        return await site.pictures.once(("outlines", lang), made)

    @router.get("/feeds")
    def feeds(board: BoardPicture) -> list[FeedStatus]:
        """The last look at each source."""
        return [board.feeds[name] for name in sorted(board.feeds)]

    @router.get("/stream/all", response_class=EventSourceResponse)
    async def stream_all(
        request: Request, last_event_id: Annotated[str | None, Header(max_length=40)] = None
    ) -> EventSourceResponse:
        """Every change, for operators."""
        return _streaming(site, request, last_event_id, lambda _: True)

    return router


def _geojson(board: Board) -> Response:
    features = [
        {
            "type": "Feature",
            "id": district.id,
            "properties": {
                **_now(board, city, district).model_dump(mode="json"),
                "short_name": district.short_name,
            },
            "geometry": mapping(district.geometry),
        }
        for city in board.cities.values()
        for district in city.place.districts
    ]
    return Response(json.dumps({"type": "FeatureCollection", "features": features}), media_type=GEOJSON)


def explained_alert(site: Site, board: Board, listed_id: str) -> dict[str, Any]:
    """One message as plain values. Raises HTTPException."""
    held = held_alert(board, listed_id)
    zone = next(iter(board.cities.values())).place.timezone
    found = Explained("", listed_id, site.matcher.decide_bytes(held.body, held.headers))
    return {**found.plain(zone), "raw": held.body.decode("utf-8", "replace"), "received": held.at}


def held_alert(board: Board, id_: str) -> HeldAlert:
    """A message by the id under which snapshots list it, or by its base id. Raises HTTPException."""
    listed_id = outcome.listed_id if (outcome := board.outcome(id_)) else id_
    if listed_id not in board.alerts:
        raise HTTPException(404, f"no message {id_!r}")
    return board.alerts[listed_id]


def _alerts(board: Board, decided: str | None) -> Response:
    wanted = [outcome for outcome in board.outcomes.values() if decided in (None, outcome.decided)]
    wanted.sort(key=lambda one: one.sent.timestamp() if one.sent else 0, reverse=True)
    return Response(b"[" + b",".join(map(_SHORTS.of, wanted)) + b"]", media_type="application/json")


def _short(outcome: Outcome) -> bytes:
    worst = max((level(meaning.severity) for meaning in outcome.meanings), default=0)
    short = AlertShort(
        id=outcome.listed_id, source=outcome.source, decided=outcome.decided, reason=outcome.reason,
        sent=outcome.sent, level=worst, supersedes=outcome.supersedes,
    )  # fmt: skip
    return short.model_dump_json().encode()


_SHORTS = Once(_short)


def _now(board: Board, city: CityRules, district: District) -> DistrictNow:
    record = board.stele(district.id)
    standing = [item for item in record.items if item.phase != "expired"] if record else []
    return DistrictNow(
        id=district.id, name=district.name, city=city.place.id,
        status=record.status if record else "no_data",
        level=max((item.level for item in standing), default=0),
        advance=bool(standing) and standing[0].phase == "advance",
        freshness=record.freshness if record else "none",
        as_of=record.as_of if record else None,
        valid_until=record.valid_until if record else None,
        exercise=board.exercise,
    )  # fmt: skip


def _download(value: bytes, media_type: str, name: str) -> Response:
    """Never shown inside of a page of ours."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:120]
    headers = {"Content-Disposition": f'attachment; filename="{safe}.xml"'}
    return Response(value, media_type=media_type, headers=headers)


def _streaming(
    site: Site, request: Request, last_event_id: str | None, wanted: Callable[[BoardEvent], bool]
) -> EventSourceResponse:
    board = site.board
    after = board.version
    if last_event_id:  # what is none of our numbers was counted by nobody: load anew
        after = board.version + 1 if (known := whole(last_event_id)) is None else known

    async def told() -> AsyncIterator[ServerSentEvent]:
        with site.metrics.streams.track_inprogress():
            yield ServerSentEvent(event="hello", id=str(after), data=JSON_EMPTY, retry=2_000)
            async for event in board.events(after):
                if event is None:
                    yield ServerSentEvent(event="reload", id=str(board.version), data=JSON_EMPTY)
                elif wanted(event):
                    yield _told(event)

    return BoundedStream(
        request.app.state.streams, told(), ping=PING_S, ping_message_factory=_ping, send_timeout=SEND_S
    )


JSON_EMPTY = "{}"


def _ping() -> ServerSentEvent:
    """An event and not a comment: only events reach a page's script, and it has to miss them."""
    return ServerSentEvent(event="ping", data=JSON_EMPTY)


def _told(event: BoardEvent) -> ServerSentEvent:
    return ServerSentEvent(event=event.kind, id=str(event.number), data=event.data)
