"""The operators' pages: what holds, map, timeline, channels, one alert, the report for the change of shift."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from warnsys.cap.model import level
from warnsys.channels.events import event_name
from warnsys.channels.registry import pausable
from warnsys.channels.wording import moment
from warnsys.headers import whole
from warnsys.records import LONGEST_STOP, Acknowledgement, Action, ChangeNotice, ChannelPause, Outcome
from warnsys.web.alerts import read
from warnsys.web.api import explained_alert, held_alert
from warnsys.web.board import Board
from warnsys.web.held_back import stop_stories
from warnsys.web.in_brief import event_of
from warnsys.web.message_list import state_of
from warnsys.web.once import Once
from warnsys.web.overview import shared_overview, standing, zone_of
from warnsys.web.security import Operators, same_origin
from warnsys.web.site import BoardPicture, Pages, Site, language_of, signed_in
from warnsys.web.unreadable import kind_of, refused_since
from warnsys.web.views import change
from warnsys.web.words import LANGUAGES, words

log = logging.getLogger(__name__)
MOST_ROWS = 500
"""Of each table in the report; the newest."""
MOST_IN_CHAIN = 100
MOST_FIELDS = 20
OF_MEANINGS = {"event": event_name, "level": level}
"""What a template needs to word one."""
WRITTEN = frozenset({"by", "reason", "minutes"})
"""Fields of forms that people write, with a text `wrong-FIELD` each."""


def router(site: Site, pages: Pages, operators: Operators) -> APIRouter:
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in(operators))])
    live = site.board
    """For what operators do, in the loop; what they are shown is a picture of it."""
    rows = {language: _rows(site, pages, language) for language in LANGUAGES}

    @routes.get("/")
    async def dashboard(request: Request) -> Response:
        language, picture = language_of(request), site.pictures.taken()
        values = await shared_overview(site, picture, language)
        return await site.pictures.once(
            ("dashboard", language), lambda board: pages.render("dashboard.html", language, board, values), picture
        )

    @routes.get("/alert/{alert}")
    async def alert(alert: Annotated[str, Path(max_length=300)], request: Request) -> Response:
        language = language_of(request)
        return await site.pictures.once(("alert", language, alert), lambda board: all_of(board, language, alert))

    def all_of(board: Board, language: str, alert: str) -> Response:
        found = explained_alert(site, board, alert)
        held = held_alert(board, alert)
        parsed = read(held)
        outcome = next((one for one in board.outcomes.values() if one.listed_id == held.headers.id), None)
        chain = _chain(board, outcome.base_id) if outcome else []
        city = next(iter(board.cities.values()))
        changed = {one.base_id: change(board, city, one.base_id, language) for one in chain}
        state = state_of(outcome) if outcome else found["outcome"]
        values = {"id": held.headers.id, "found": found, "state": state, "alert": parsed, "chain": chain,
            "changed": changed, "kind_of": kind_of, "moment": moment, "zone": zone_of(site), **OF_MEANINGS}  # fmt: skip
        return pages.render("alert.html", language, board, values)

    @routes.get("/lagebericht")
    async def report(request: Request, hours: Annotated[int, Query(ge=1, le=24)] = 12) -> Response:
        language = language_of(request)
        return await site.pictures.once(("report", language, hours), lambda board: told_of(board, language, hours))

    def told_of(board: Board, language: str, hours: int) -> Response:
        now = board.now()
        since = now - timedelta(hours=hours)
        stale_after = {one.name: timedelta(seconds=one.stale_after_s) for one in site.settings.sources}
        alerts = [one for one in board.outcomes.values() if one.sent and board.known_since[one.base_id] >= since]
        taken = [one for one in alerts if one.decided != "no_district"]
        taken.sort(key=lambda one: board.known_since[one.base_id])
        notices = sorted((one for one in board.notices if one.issued >= since), key=lambda one: one.issued.timestamp())
        decided = {one.listed_id for one in board.outcomes.values()} | {one.key for one in board.rejected}
        stories = stop_stories(board, since, language)
        values = {
            **standing(site, board, language), "since": since, "hours": hours,
            "alerts": taken[-MOST_ROWS:], "older_alerts": max(0, len(taken) - MOST_ROWS),
            "elsewhere": len(alerts) - len(taken), "undecided": len(board.alerts.keys() - decided),
            "unseen": not all(board.history.stamps.get(source) for source in stale_after),
            **rows[language], "notices": notices[-MOST_ROWS:], "older_notices": max(0, len(notices) - MOST_ROWS),
            "stories": stories,
            "untold": [one for one in board.orders() if one.stop not in {story.stop for story in stories}],
            "rejected": refused_since(board, since),
            "acknowledged": [
                (one, _seen(board, one, language)) for one in board.acknowledged.values() if one.at >= since
            ],
            "outages": sorted(board.history.outages(since, now, stale_after), key=lambda one: one.since),
        }  # fmt: skip
        return pages.render("report.html", language, board, values)

    @routes.post("/act/acknowledge")
    async def acknowledge(request: Request) -> Response:
        given = await _form(request)
        order = {**given, "stage": live.stage, "at": live.now()}
        asked = {"what": "not-acknowledged", "action": "/act/acknowledge", "given": given}
        return await act(request, "failed.html", asked, lambda: Acknowledgement.model_validate(order))

    @routes.get("/stop/{channel}")
    def ask(channel: str, request: Request, board: BoardPicture) -> Response:
        """The second step: what stopping means, before it is done."""
        if channel not in (names := [one.name for one in pausable()]):
            raise HTTPException(404, f"only {' and '.join(names)} can be stopped")
        return pages.render("stop.html", language_of(request), board, {"channel": channel, "given": {}, "what": ""})

    @routes.get("/resume/{channel}")
    def ask_to_resume(channel: str, request: Request, board: BoardPicture) -> Response:
        """The second step of resuming a channel."""
        if channel not in board.stops:
            raise HTTPException(404, f"{channel} is not stopped")
        values = {"channel": channel, "given": {}, "what": ""}
        return pages.render("resume.html", language_of(request), board, values)

    @routes.post("/act/stop")
    async def stop(request: Request) -> Response:
        given = await _form(request)
        channel, asked = given.get("channel", ""), whole(given.get("minutes", ""))
        if channel not in (names := [one.name for one in pausable()]):
            raise HTTPException(422, f"only {' and '.join(names)} can be stopped")
        page, what = ("resume.html", "not-resumed") if asked == 0 else ("stop.html", "not-stopped")

        def order() -> ChannelPause:
            if asked is None or asked > LONGEST_STOP // timedelta(minutes=1):
                raise _Wrong("minutes")
            now = live.now()
            if known := live.stops.get(channel):  # who orders has seen that one: this one is newer, by whatever clock
                now = max(now, known.at + timedelta(milliseconds=1))
            said = {name: value for name, value in given.items() if name != "minutes"}
            return ChannelPause.model_validate(
                {**said, "stage": live.stage, "at": now, "until": now + timedelta(minutes=asked)}
            )

        return await act(request, page, {"what": what, "channel": channel, "given": given}, order)

    async def act(request: Request, page: str, asked: dict[str, Any], action: Callable[[], Action]) -> Response:
        """Back to where it shows once it stands on its topic; else a page that says that nothing was done.

        That page has what was typed, so that it can be sent again.
        """
        if not same_origin(request):
            raise HTTPException(403, "this form was not sent from a page of ours")
        language, board = language_of(request), live.picture()
        try:
            done = action()
        except (ValidationError, _Wrong) as error:
            wrong = error.field if isinstance(error, _Wrong) else str(error.errors()[0]["loc"][0])
            wrong = f"wrong-{wrong if wrong in WRITTEN else 'form'}"
            return pages.render(page, language, board, {**asked, "wrong": wrong}, status=422)
        try:
            await site.act(done)
        except Exception:
            log.exception("%s could not be put onto its topic", done.key)
            return pages.render(page, language, board, {**asked, "wrong": "failed-means"}, status=503)
        live.asked_for(done)
        return RedirectResponse(_back(request), 303)

    return routes


class _Wrong(ValueError):
    """A field of a form, by name."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises HTTPException 400 where the sender is gone, 422 for too many."""
    try:
        body = (await request.body()).decode("utf-8", "replace")
        return {name: values[0] for name, values in parse_qs(body, max_num_fields=MOST_FIELDS).items()}
    except ClientDisconnect as error:
        raise HTTPException(400, "the form did not come whole") from error
    except ValueError as error:
        raise HTTPException(422, f"a form has {MOST_FIELDS} fields at most") from error


def _back(request: Request) -> str:
    return "/?lang=en" if language_of(request) == "en" else "/"


def _rows(site: Site, pages: Pages, language: str) -> dict[str, Callable[[Any], Markup]]:
    """The rows of the report, each worded once: there are a thousand."""
    said = {"t": words(language), "moment": moment, "zone": zone_of(site), "lang": language}
    parts = {name: pages.part("rows.html", name) for name in ("received", "sent")}
    of_outcomes = {**OF_MEANINGS, "state": state_of}

    def came_at(one: Outcome) -> datetime | None:
        return site.board.known_since.get(one.base_id, one.sent)

    def received(one: Outcome) -> Markup:
        about = "" if one.meanings else event_of(site.board, one, language)
        return parts["received"](one, came_at(one), about, **said, **of_outcomes)

    kept = Once[Outcome, Markup](received)
    return {  # what warns nobody is named by other records, which may come later
        "received": lambda one: kept.of(one) if one.meanings else received(one),
        "sent": Once[ChangeNotice, Markup](lambda one: parts["sent"](one, **said), "id").of,
    }


def _seen(board: Board, one: Acknowledgement, language: str) -> str:
    """The event that somebody has seen; the identifier where it is not known any more."""
    if (outcome := board.outcome(one.base_id)) is None:
        return one.base_id
    named = [event_name(each)[language] for each in outcome.meanings if level(each.severity) == one.level]
    return named[0] if named else event_of(board, outcome, language) or one.base_id


def _chain(board: Board, base_id: str) -> list[Outcome]:
    """The messages joined by references, oldest first: the newest of them, where they are many."""
    near: dict[str, set[str]] = {}
    for outcome in board.outcomes.values():
        for other in outcome.supersedes:
            near.setdefault(outcome.base_id, set()).add(other)
            near.setdefault(other, set()).add(outcome.base_id)
    found, open_ = {base_id}, [base_id]
    while open_:
        new = near.get(open_.pop(), set()) - found
        found |= new
        open_ += new
    known = [board.outcomes[one] for one in found if one in board.outcomes]
    return sorted(known, key=lambda one: (_sent(one), one.base_id))[-MOST_IN_CHAIN:]


def _sent(outcome: Outcome) -> float:
    return outcome.sent.timestamp() if outcome.sent else 0.0
