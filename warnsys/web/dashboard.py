"""The operators' pages: what holds, map, timeline, channels, one alert, the report for the change of shift."""

import logging
from collections.abc import Callable, Iterable
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
from warnsys.records import Acknowledgement, Action, Stop
from warnsys.web.alerts import neighbours
from warnsys.web.api import explained_alert, held_alert
from warnsys.web.app import Pages, Picture, Site, language_of, signed_in
from warnsys.web.board import Board
from warnsys.web.security import Operators, same_origin
from warnsys.web.views import View, change, district_view, holdings, remembered, timeline, told

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 60
"""How long a page that knows nothing may stand without an answer."""
LONGEST_STOP = timedelta(hours=24)


def router(site: Site, pages: Pages, operators: Operators) -> APIRouter:
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in(operators))])

    @routes.get("/")
    def dashboard(request: Request, board: Picture) -> Response:
        language = language_of(request)
        return pages.render("dashboard.html", language, board, _dashboard(site, board, language))

    @routes.get("/alert/{alert}")
    def alert(alert: Annotated[str, Path(max_length=300)], request: Request, board: Picture) -> Response:
        found = explained_alert(site, board, alert)
        held = held_alert(board, alert)
        try:
            parsed = read_alert(held.body)
        except CapError:
            parsed = None
        outcome = next((one for one in board.outcomes.values() if one.listed_id == held.headers.id), None)
        chain = _chain(board, outcome.base_id) if outcome else []
        city, language = next(iter(board.cities.values())), language_of(request)
        changed = {one.base_id: change(board, city, one.base_id, language) for one in chain}
        values = {"id": held.headers.id, "found": found, "alert": parsed, "chain": chain, "changed": changed,
            "moment": moment, "zone": _zone(site)}  # fmt: skip
        return pages.render("alert.html", language_of(request), board, values)

    @routes.get("/lagebericht")
    def report(request: Request, board: Picture, hours: Annotated[int, Query(ge=1, le=24)] = 12) -> Response:
        now = board.now()
        since = now - timedelta(hours=hours)
        stale_after = {one.name: timedelta(seconds=one.stale_after_s) for one in site.settings.sources}
        alerts = [one for one in board.outcomes.values() if one.sent and board.known_since[one.base_id] >= since]
        values = {
            **_dashboard(site, board, language_of(request)), "since": since, "hours": hours,
            "alerts": [one for one in alerts if one.decided != "no_district"],
            "elsewhere": sum(one.decided == "no_district" for one in alerts),
            "notices": [one for one in board.notices if one.issued >= since],
            "rejected": [one for one in board.rejected if one.at >= since],
            "acknowledged": [one for one in board.acknowledged.values() if one.at >= since],
            "outages": sorted(board.history.outages(since, now, stale_after), key=lambda one: one.since),
        }  # fmt: skip
        return pages.render("report.html", language_of(request), board, values)

    @routes.post("/act/acknowledge")
    async def acknowledge(request: Request, board: Picture) -> Response:
        given = await _form(request)
        order = {**given, "stage": board.stage, "at": board.now()}
        return await act(request, "not-acknowledged", "/", lambda: Acknowledgement.model_validate(order))

    @routes.get("/stop/{channel}")
    def ask(channel: str, request: Request, board: Picture) -> Response:
        """The second step: what stopping means, before it is done."""
        if channel not in ("push", "sms"):
            raise HTTPException(404, "only push and sms can be stopped")
        return pages.render("stop.html", language_of(request), board, {"channel": channel})

    @routes.get("/resume/{channel}")
    def ask_to_resume(channel: str, request: Request, board: Picture) -> Response:
        """The second step of resuming a channel."""
        if channel not in board.stops:
            raise HTTPException(404, f"{channel} is not stopped")
        return pages.render("resume.html", language_of(request), board, {"channel": channel})

    @routes.post("/act/stop")
    async def stop(request: Request, board: Picture) -> Response:
        given = await _form(request)
        minutes = given.pop("minutes", "")
        if not minutes.isdecimal() or timedelta(minutes=int(minutes)) > LONGEST_STOP:
            raise HTTPException(422, f"minutes: a whole number up to {LONGEST_STOP // timedelta(minutes=1)}")
        channel, now = given.get("channel", ""), board.now()
        if known := board.stops.get(channel):  # whoever orders has seen that one: this one is newer, by whatever clock
            now = max(now, known.at + timedelta(milliseconds=1))
        order = {**given, "stage": board.stage, "at": now, "until": now + timedelta(minutes=int(minutes))}
        what, again = ("not-stopped", "/stop/") if int(minutes) else ("not-resumed", "/resume/")
        return await act(request, what, f"{again}{channel}", lambda: Stop.model_validate(order))

    async def act(request: Request, what: str, again: str, action: Callable[[], Action]) -> Response:
        """Back to where it shows once it stands on its topic; else a page that says that nothing was done."""
        if not same_origin(request):
            raise HTTPException(403, "this form was not sent from a page of ours")
        try:
            done = action()
        except ValidationError as error:
            first = error.errors()[0]
            raise HTTPException(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        try:
            await site.act(done)
        except Exception:
            log.exception("%s could not be put onto its topic", done.key)
            return pages.render("failed.html", language_of(request), {"what": what, "again": again}, status=503)
        board.asked_for(done)
        return RedirectResponse(_back(request), 303)

    return routes


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, each once."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, max_num_fields=20).items()}


def _back(request: Request) -> str:
    return "/?lang=en" if language_of(request) == "en" else "/"


def _zone(site: Site) -> ZoneInfo:
    return next(iter(site.board.cities.values())).place.timezone


def _dashboard(site: Site, board: Board, language: str) -> dict[str, Any]:
    now = board.now()
    cities: list[dict[str, Any]] = []
    for city in board.cities.values():
        views = [district_view(board, city, district, language) for district in city.place.districts]
        lanes, at, marks = timeline(board, city, language)
        holding = holdings(board, city, views, language)
        cities.append(
            {
                "place": city.place, "views": views, "holding": holding, "lanes": lanes, "now_at": at, "marks": marks,
                "told": {one.item.record.base_id: list(told(city.policy, one.item.record)) for one in holding},
                "blind": _blind(views), "remembered": remembered(board, city, language),
                "neighbours": neighbours(board, city, site.settings.web.watch_cells, language),
                "without": [view.district.name for view in views if view.record is None],
                "incomplete": any(view.record and view.record.freshness == "incomplete" for view in views),
            }
        )  # fmt: skip
    remaining = [view.remaining_s for city in cities for view in city["views"] if view.record]
    return {
        "cities": cities, "now": now, "zone": _zone(site), "moment": moment, "feeds": _feeds(site, board, now),
        "notices": list(board.notices)[:50], "rejected": list(board.rejected)[:20],
        "orders": board.orders(), "web": site.settings.web,
        "loud": any(one.loud and not one.acknowledged for city in cities for one in city["holding"]),
        "fresh_for": min(remaining, default=LOOK_AGAIN_S), "silent_s": _silence(board),
        "journeys": [one for one in reversed(board.history.journeys.values()) if one.shown][:3],
        "latency": _latency(board.latency_s),
    }  # fmt: skip


def _silence(board: Board) -> float | None:
    """Seconds without a record, where that is too long."""
    silence = board.silence()
    return silence.total_seconds() if silence is not None and board.silent() else None


def _blind(views: Iterable[View]) -> bool:
    """Whether nothing is known of any district: then the page must not look calm."""
    return all(view.record is None for view in views)


def _feeds(site: Site, board: Board, now: datetime) -> list[dict[str, Any]]:
    found = []
    for source in site.settings.sources:
        status = board.feeds.get(source.name)
        age = (now - status.stamp).total_seconds() if status and status.stamp else None
        found.append(
            {"name": source.name, "status": status, "age_s": age, "stale": age is None or age > source.stale_after_s}
        )
    return found


def _latency(seconds: Iterable[float]) -> dict[str, float]:
    kept = sorted(seconds)
    return {"p50": kept[len(kept) // 2] * 1000, "p99": kept[int(len(kept) * 0.99)] * 1000} if kept else {}


def _chain(board: Board, base_id: str) -> list[Any]:
    """The messages joined by references, oldest first."""
    outcomes = board.outcomes
    found, open_ = set(), {base_id}
    while open_:
        found |= open_
        near = {i for b in open_ if b in outcomes for i in outcomes[b].supersedes}
        near |= {o.base_id for o in outcomes.values() if open_ & set(o.supersedes)}
        open_ = near - found
    known = [outcomes[i] for i in found if i in outcomes]
    return sorted(known, key=lambda o: (o.sent.timestamp() if o.sent else 0, o.base_id))
