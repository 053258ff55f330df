"""The API: the same facts as on the topics, for those who cannot read topics.

Public routes give what residents may see; the operators' give everything that is known of a message.
"""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel
from shapely.geometry import mapping
from starlette.exceptions import HTTPException

from warnsys.cap.model import level
from warnsys.channels.registry import told_record
from warnsys.explain import Explained
from warnsys.records import EARLIEST, ChangeNotice, FeedStatus, Outcome, PushNotice
from warnsys.web import alerts as alerts_out
from warnsys.web import cap_out, feed_out
from warnsys.web.board import MAX_ALERTS, MAX_REJECTED, Board, HeldAlert
from warnsys.web.errors import UnknownValueError
from warnsys.web.event_stream import streaming
from warnsys.web.lists import (
    MOST_NAME,
    AtLeast,
    Cursor,
    Filters,
    Group,
    SortKey,
    WrittenTime,
    cursor_at,
    in_span,
    link_to,
    page_of,
)
from warnsys.web.once import Once
from warnsys.web.reads import PublicRead, preflights
from warnsys.web.security import Operators
from warnsys.web.site import BoardPicture, Site, signed_in
from warnsys.web.situations import DistrictNow, Situation, StatusNow, district_now, may_hold
from warnsys.web.streams import BoundedStream
from warnsys.web.telling import BoardEvent
from warnsys.web.unreadable import Rejected

VERSIONS = ("/api/v1", "/api")
"""Where the API stands: the newest version, and the paths from before there were versions, which stay."""
DistrictId = Annotated[str, Path(max_length=100)]
AlertId = Annotated[str, Path(max_length=300)]


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
    number: int
    """By which `/rejected/{number}/raw` gives its bytes, until the next one comes in."""


def serve(app: FastAPI, *routers: APIRouter) -> None:
    """Offers the routes under each of `VERSIONS`. They are built once, for that takes most of the time."""
    for version in VERSIONS:
        for router in routers:
            app.include_router(router, prefix=version, deprecated=version != VERSIONS[0] or None)


def public(site: Site) -> APIRouter:
    """What everybody may read."""
    router = APIRouter(tags=["public"], route_class=PublicRead)

    @router.get("/districts", responses=NOT_FOUND)
    def districts(
        board: BoardPicture,
        response: Response,
        city: Annotated[str | None, Query(max_length=100)] = None,
        status: StatusNow | None = None,
        level: AtLeast = None,
        group: Group = None,
        limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
        cursor: Annotated[str | None, Query(max_length=100, description="After the district of that id.")] = None,
    ) -> list[DistrictNow]:
        """Every district with what holds there, in short, always in the same order: of one city, those with one status,
        from a level on, or with a warning of an event group; after a cursor. A district of which something is not known
        (no data, not fresh, expired and not confirmed, or more warnings than its record has) is in every such list of a
        level or group that it may belong to; its `status` and `freshness` say so. The header `Link` leads to the next
        page, where there is a limit."""
        every = [(rules, one) for rules in board.cities.values() for one in rules.place.districts]
        if cursor is not None:
            begin = next((place + 1 for place, (_, one) in enumerate(every) if one.id == cursor), None)
            if begin is None:
                raise UnknownValueError("cursor", f"no district {cursor!r}")
            every = every[begin:]
        asked = (
            now
            for rules, one in every
            if city in (None, rules.place.id) and may_hold(board, one, level, group)
            for now in [district_now(board, rules, one)]
            if status in (None, now.status)
        )
        found = list(asked if limit is None else islice(asked, limit + 1))
        if limit is not None and len(found) > limit:
            following = found[limit - 1].id
            link_to(response, following, city=city, status=status, level=level, group=group, limit=limit)
        return found[:limit]

    @router.get("/districts.geojson", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
    async def geojson() -> Response:
        """The same as GeoJSON (RFC 7946), with the outlines in degrees lon/lat."""
        return await site.pictures.once("geojson", _geojson)

    @router.get("/districts/{district}/situation", responses=NOT_FOUND)
    def situation(district: DistrictId, board: BoardPicture) -> Situation:
        """What holds in a district, whole."""
        city, found = site.district(district)
        now = district_now(board, city, found)
        return Situation(district=now, record=board.stele(found.id))

    @router.get("/districts/{district}/cap", response_class=Response, responses={**NOT_FOUND, 200: _IS_CAP})
    def cap(district: DistrictId, board: BoardPicture) -> Response:
        """What holds in a district as one CAP 1.2 alert: an Update of those before it while something holds, a Cancel
        for a day after it was ended. 404, which is no all-clear, where there is neither, nothing reliable is known, or
        all has expired and is not yet confirmed."""
        city, found = site.district(district)
        record = board.stele(found.id)
        body = cap_out.write(record, found, city) if record else None
        if body is None:
            raise HTTPException(404, "nothing to tell: see the situation for whether that is known")
        return Response(body, media_type="application/cap+xml")

    # mypy cannot name the type that `told_record()` makes when this module is loaded.
    @router.get("/notices", response_model=list[told_record()], responses=NOT_FOUND)  # type: ignore[misc]
    def notices(
        board: BoardPicture,
        response: Response,
        filters: Annotated[Filters, Depends()],
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        before: Annotated[str | None, Query(max_length=100)] = None,
        cursor: Cursor = None,
    ) -> list[ChangeNotice]:
        """What the public was told, newest first: in one district or city, from a level on, of an event group, in a
        span of time; after a cursor, or before a notice by its id. The header `Link` leads to the next page."""
        found = [one for one in _told(site, board, filters) if one.audience == "public"]
        if before is not None and cursor is None:
            if (named := next((one for one in found if one.id == before), None)) is None:
                raise UnknownValueError("before", f"no notice {before!r} is kept, or it is not in this list")
            cursor = cursor_at(_told_at(named))
        page = page_of(found, _told_at, cursor, limit)
        link_to(response, page.cursor, **vars(filters), limit=limit)
        return page.records

    @router.get("/notices.atom", response_class=Response, responses={**NOT_FOUND, 200: {"content": {ATOM: {}}}})
    def atom(
        request: Request, board: BoardPicture, district: Annotated[str | None, Query(max_length=100)] = None
    ) -> Response:
        """The same as an Atom feed (RFC 4287), of all districts or of one."""
        found = site.district(district, "query")[1] if district is not None else None
        public_ones = [
            one
            for one in board.notices
            if one.audience == "public" and isinstance(one, PushNotice) and (found is None or found.id in one.districts)
        ]
        newest = page_of(public_ones, _told_at, None, 100).records
        return Response(feed_out.write(newest, board, str(request.url), found), media_type=ATOM)

    @router.get("/stream", status_code=200, response_class=BoundedStream, responses=NOT_FOUND)
    async def stream(
        request: Request,
        last_event_id: Annotated[str | None, Header(max_length=40)] = None,
        district: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Response:
        """Changes as Server-Sent Events: `hello` with the state, then each change, and a `ping` every five seconds.
        `Last-Event-ID` goes on where a reader was; `reload`, with the state, says that something was missed."""
        if district:
            site.district(district, "query")

        def wanted(event: BoardEvent) -> bool:
            return event.public and event.district in ("", district or event.district)

        return streaming(site, request, last_event_id, wanted, district or "")

    router.routes.extend(preflights(router.routes))
    return router


GEOJSON, ATOM = "application/geo+json", "application/atom+xml"
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "there is none of that id"}}
_IS_CAP: dict[str, Any] = {"content": {"application/cap+xml": {}}}


def private(site: Site, operators: Operators) -> APIRouter:
    """What operators may read."""
    router = APIRouter(
        tags=["operators"],
        dependencies=[Depends(signed_in(operators))],
        responses={401: {"description": "sign in as an operator"}},
    )

    @router.get("/alerts", response_model=list[AlertShort], responses=NOT_FOUND)
    async def alerts(
        filters: Annotated[Filters, Depends()],
        decided: Literal["matched", "no_district", "not_live", "rejected"] | None = None,
        limit: Annotated[int | None, Query(ge=1, le=MAX_ALERTS)] = None,
        cursor: Cursor = None,
    ) -> Response:
        """Every message of the last days, newest first: decided so, on one district or city, from a level on, of an
        event group, sent in a span of time; after a cursor. One that could not be read may be of any level, group and
        place, and is in each of these lists of its time. The header `Link` leads to the next page, where there is a
        limit."""
        _exist(site, filters)

        def made(board: Board) -> Response:
            page = page_of(_outcomes(board, decided, filters), _sent_at, cursor, limit)
            answer = Response(b"[" + b",".join(map(_SHORTS.of, page.records)) + b"]", media_type="application/json")
            link_to(answer, page.cursor, decided=decided, **vars(filters), limit=limit)
            return answer

        return await site.pictures.once(("alerts", decided, filters, limit, cursor), made)

    @router.get("/alerts/{alert}", responses=NOT_FOUND)
    def alert(alert: AlertId, board: BoardPicture) -> dict[str, Any]:
        """One message: parsed, raw, and decided for every district, with reasons."""
        return explained_alert(site, board, alert)

    @router.get("/alerts/{alert}/raw", response_class=Response, responses={**NOT_FOUND, 200: _IS_CAP})
    def raw(alert: AlertId, board: BoardPicture) -> Response:
        """The bytes as they came, for download."""
        held = held_alert(board, alert)
        return downloaded(held.body, "application/cap+xml", alert)

    @router.get("/notices/all", response_model=list[told_record()], responses=NOT_FOUND)  # type: ignore[misc]
    def all_notices(
        board: BoardPicture,
        response: Response,
        filters: Annotated[Filters, Depends()],
        limit: Annotated[int, Query(ge=1, le=2000)] = 200,
        cursor: Cursor = None,
    ) -> list[ChangeNotice]:
        """What every audience was told, newest first, with the filters of `/notices`. The header `Link` leads to the
        next page."""
        page = page_of(_told(site, board, filters), _told_at, cursor, limit)
        link_to(response, page.cursor, **vars(filters), limit=limit)
        return page.records

    @router.get("/rejected")
    def rejected(
        board: BoardPicture,
        response: Response,
        since: Annotated[WrittenTime | None, Query()] = None,
        until: Annotated[WrittenTime | None, Query()] = None,
        limit: Annotated[int | None, Query(ge=1, le=MAX_REJECTED)] = None,
        cursor: Cursor = None,
    ) -> list[RejectedShort]:
        """What could not be understood, newest first: in a span of time, after a cursor. The header `Link` leads to the
        next page, where there is a limit. Times are the broker's, also in an exercise."""
        found = [(number, one) for number, one in enumerate(board.rejected) if in_span(one.at, since, until)]
        if limit is not None or cursor is not None:
            page = page_of(found, _refused_at, cursor, limit)
            link_to(response, page.cursor, since=since, until=until, limit=limit)
            found = page.records
        return [
            RejectedShort(
                at=r.at, reason=r.reason, agent=r.agent, key=r.key, place=r.place, size=len(r.value), number=number
            )
            for number, r in found
        ]

    @router.get("/rejected/{number}/raw", response_class=Response, responses=NOT_FOUND)
    def rejected_raw(number: Annotated[int, Path(ge=0, le=10_000)], board: BoardPicture) -> Response:
        """The bytes of one of these, counted from the newest, for download."""
        if number >= len(board.rejected):
            raise HTTPException(404, f"no rejected record {number}")
        return downloaded(board.rejected[number].value, "application/octet-stream", f"rejected-{number}")

    @router.get("/outlines.geojson", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
    async def outlines(lang: Literal["de", "en"] = "de") -> Response:
        """The areas of what holds as GeoJSON: polygons with their holes, circles as points with `radius_m`."""

        def made(board: Board) -> Response:
            features = list(alerts_out.as_features(board, lang))
            return Response(json.dumps({"type": "FeatureCollection", "features": features}), media_type=GEOJSON)

        return await site.pictures.once(("outlines", lang), made)

    @router.get("/feeds")
    def feeds(board: BoardPicture) -> list[FeedStatus]:
        """The last look at each source, by name: one record for each in the settings, so there are no pages."""
        return [board.feeds[name] for name in sorted(board.feeds)]

    @router.get("/stream/all", status_code=200, response_class=BoundedStream)
    async def stream_all(
        request: Request, last_event_id: Annotated[str | None, Header(max_length=40)] = None
    ) -> Response:
        """Every change, for operators."""
        return streaming(site, request, last_event_id, lambda _: True)

    return router


def _geojson(board: Board) -> Response:
    features = [
        {
            "type": "Feature",
            "id": district.id,
            "properties": {
                **district_now(board, city, district).model_dump(mode="json"),
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


def _told(site: Site, board: Board, filters: Filters) -> list[ChangeNotice]:
    """The notices that are asked for. Raises `UnknownValueError` for a district or city that there is not."""
    _exist(site, filters)
    return [
        one for one in board.notices if filters.admits(one.issued, one.level, (one.group,), (one.city,), one.districts)
    ]


def _exist(site: Site, filters: Filters) -> None:
    if filters.district is not None:
        site.district(filters.district, "query")
    if filters.city is not None:
        site.city(filters.city)


def _outcomes(board: Board, decided: str | None, filters: Filters) -> list[Outcome]:
    every = [one for one in board.outcomes.values() if decided in (None, one.decided)]
    return every if filters == Filters() else [one for one in every if _admitted(board, one, filters)]


def _admitted(board: Board, outcome: Outcome, filters: Filters) -> bool:
    """What could not be read, or was left out, may be of any group and place: no filter hides it."""
    at = outcome.sent or board.known_since.get(outcome.base_id)
    if outcome.decided == "rejected":
        return in_span(at, filters.since, filters.until)
    if outcome.left_out:
        filters = replace(filters, district=None, city=None, group=None)
    groups = (meaning.group for meaning in outcome.meanings)
    impacts = [impact for meaning in outcome.meanings for impact in meaning.impacts]
    cities, districts = (one.city for one in impacts), (one.district for one in impacts)
    return filters.admits(at, _level(outcome), groups, cities, districts)


def _told_at(notice: ChangeNotice) -> SortKey:
    return notice.issued, notice.id


def _sent_at(outcome: Outcome) -> SortKey:
    return outcome.sent or EARLIEST, outcome.base_id


def _refused_at(found: tuple[int, Rejected]) -> SortKey:
    one = found[1]
    return one.at, f"{one.place} {one.key} {one.agent} {one.reason}"[:MOST_NAME]


def _level(outcome: Outcome) -> int:
    """Of its worst meaning; 0 where it has none."""
    return max((level(meaning.severity) for meaning in outcome.meanings), default=0)


def _short(outcome: Outcome) -> bytes:
    short = AlertShort(
        id=outcome.listed_id, source=outcome.source, decided=outcome.decided, reason=outcome.reason,
        sent=outcome.sent and outcome.sent.astimezone(UTC), level=_level(outcome), supersedes=outcome.supersedes,
    )  # fmt: skip
    return short.model_dump_json().encode()


_SHORTS = Once(_short)


def downloaded(value: bytes, media_type: str, name: str) -> Response:
    """Never shown inside of a page of ours."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:120]
    headers = {"Content-Disposition": f'attachment; filename="{safe}.xml"'}
    return Response(value, media_type=media_type, headers=headers)
