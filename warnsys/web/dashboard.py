"""The operators' pages: what holds, map, timeline, channels, one alert, the report for the change of shift."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from warnsys.cap import CapError, read_alert
from warnsys.channels.wording import moment
from warnsys.records import Acknowledgement, Stop
from warnsys.web.api import explained_alert, held_alert
from warnsys.web.app import Pages, Site, language_of, signed_in
from warnsys.web.board import Board
from warnsys.web.security import Operators, same_origin
from warnsys.web.views import View, district_view, holdings, timeline, told

LOOK_AGAIN_S = 60
"""How long a page that knows nothing may stand without an answer."""
LONGEST_STOP = timedelta(hours=24)


def router(site: Site, pages: Pages, operators: Operators) -> APIRouter:
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in(operators))])
    board = site.board

    @routes.get("/")
    def dashboard(request: Request) -> Response:
        language = language_of(request)
        return pages.render("dashboard.html", language, _dashboard(site, language))

    @routes.get("/alert/{alert}")
    def alert(alert: Annotated[str, Path(max_length=300)], request: Request) -> Response:
        found = explained_alert(site, alert)
        held = held_alert(board, alert)
        try:
            parsed = read_alert(held.body)
        except CapError:
            parsed = None
        outcome = next((one for one in board.outcomes.values() if one.listed_id == held.headers.id), None)
        chain = _chain(site, outcome.base_id) if outcome else []
        values = {"id": held.headers.id, "found": found, "alert": parsed, "chain": chain}
        return pages.render("alert.html", language_of(request), values)

    @routes.get("/lagebericht")
    def report(request: Request, hours: Annotated[int, Query(ge=1, le=72)] = 12) -> Response:
        since = board.now() - timedelta(hours=hours)
        values = {
            **_dashboard(site, language_of(request)), "since": since, "hours": hours,
            "alerts": [o for o in board.outcomes.values() if o.sent and o.sent >= since],
            "notices": [one for one in board.notices if one.issued >= since],
            "rejected": [one for one in board.rejected if one.at >= since],
            "acknowledged": [one for one in board.acknowledged.values() if one.at >= since],
        }  # fmt: skip
        return pages.render("report.html", language_of(request), values)

    @routes.post("/act/acknowledge")
    async def acknowledge(request: Request) -> Response:
        given = await _form(request)
        await _act(
            site, request, lambda: Acknowledgement.model_validate({**given, "stage": board.stage, "at": board.now()})
        )
        return RedirectResponse(_back(request), 303)

    @routes.get("/stop/{channel}")
    def ask(channel: str, request: Request) -> Response:
        """The second step: what stopping means, before it is done."""
        if channel not in ("push", "sms"):
            raise HTTPException(404, "only push and sms can be stopped")
        return pages.render("stop.html", language_of(request), {"channel": channel})

    @routes.post("/act/stop")
    async def stop(request: Request) -> Response:
        given = await _form(request)
        minutes = given.pop("minutes", "")
        if not minutes.isdecimal() or timedelta(minutes=int(minutes)) > LONGEST_STOP:
            raise HTTPException(422, f"minutes: a whole number up to {LONGEST_STOP // timedelta(minutes=1)}")
        now = board.now()
        until = now + timedelta(minutes=int(minutes))
        await _act(
            site, request, lambda: Stop.model_validate({**given, "stage": board.stage, "at": now, "until": until})
        )
        return RedirectResponse(_back(request), 303)

    return routes


async def _act(site: Site, request: Request, action: Any) -> None:
    if not same_origin(request):
        raise HTTPException(403, "this form was not sent from a page of ours")
    try:
        done = action()
    except ValidationError as error:
        first = error.errors()[0]
        raise HTTPException(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    await site.act(done)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, each once."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, max_num_fields=20).items()}


def _back(request: Request) -> str:
    return "/?lang=en" if language_of(request) == "en" else "/"


def _zone(site: Site) -> ZoneInfo:
    return next(iter(site.board.cities.values())).place.timezone


def _dashboard(site: Site, language: str) -> dict[str, Any]:
    board = site.board
    now = board.now()
    cities: list[dict[str, Any]] = []
    for city in board.cities.values():
        views = [district_view(board, city, district, language) for district in city.place.districts]
        lanes, at, marks = timeline(board, city, language)
        holding = holdings(board, city, views)
        cities.append(
            {
                "place": city.place, "views": views, "holding": holding, "lanes": lanes, "now_at": at, "marks": marks,
                "told": {one.item.record.base_id: list(told(city.policy, one.item.record)) for one in holding},
                "blind": _blind(views),
                "without": [view.district.name for view in views if view.record is None],
                "incomplete": any(view.record and view.record.freshness == "incomplete" for view in views),
            }
        )  # fmt: skip
    remaining = [view.remaining_s for city in cities for view in city["views"] if view.record]
    sources = {source.name: source for source in site.settings.sources}
    return {
        "cities": cities, "now": now, "zone": _zone(site), "moment": moment, "feeds": _feeds(site, now),
        "sources": sources, "notices": list(board.notices)[:50], "rejected": list(board.rejected)[:20],
        "stops": [stop for stop in board.stops.values() if stop.until > now], "web": site.settings.web,
        "loud": any(one.loud and not one.acknowledged for city in cities for one in city["holding"]),
        "fresh_for": min(remaining, default=LOOK_AGAIN_S), "silent_s": _silence(board),
        "latency": _latency(board.latency_s),
    }  # fmt: skip


def _silence(board: Board) -> float | None:
    """Seconds without a record, where that is too long."""
    silence = board.silence()
    return silence.total_seconds() if silence is not None and board.silent() else None


def _blind(views: Iterable[View]) -> bool:
    """Whether nothing is known of any district: then the page must not look calm."""
    return all(view.record is None for view in views)


def _feeds(site: Site, now: datetime) -> list[dict[str, Any]]:
    found = []
    for source in site.settings.sources:
        status = site.board.feeds.get(source.name)
        age = (now - status.stamp).total_seconds() if status and status.stamp else None
        found.append(
            {"name": source.name, "status": status, "age_s": age, "stale": age is None or age > source.stale_after_s}
        )
    return found


def _latency(seconds: Iterable[float]) -> dict[str, float]:
    kept = sorted(seconds)
    return {"p50": kept[len(kept) // 2] * 1000, "p99": kept[int(len(kept) * 0.99)] * 1000} if kept else {}


def _chain(site: Site, base_id: str) -> list[Any]:
    """The messages joined by references, oldest first."""
    outcomes = site.board.outcomes
    found, open_ = set(), {base_id}
    while open_:
        found |= open_
        near = {i for b in open_ if b in outcomes for i in outcomes[b].supersedes}
        near |= {o.base_id for o in outcomes.values() if open_ & set(o.supersedes)}
        open_ = near - found
    known = [outcomes[i] for i in found if i in outcomes]
    return sorted(known, key=lambda o: (o.sent.timestamp() if o.sent else 0, o.base_id))
