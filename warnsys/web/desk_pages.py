"""The pages beside the desk that operators look things up on: all messages, one district, keys and marks."""

import asyncio
import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Annotated, Any, Literal, NamedTuple, get_args

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from starlette.exceptions import HTTPException

from warnsys.channels import wording
from warnsys.channels.wording import moment
from warnsys.warning.revisions import is_real
from warnsys.web.api import GEOJSON, DistrictId, downloaded
from warnsys.web.board import Board
from warnsys.web.in_brief import event_of
from warnsys.web.message_list import (
    STATES,
    KnownMessages,
    ListedMessage,
    MessageFilter,
    WrongFilterError,
    has_field_form,
    listed_messages,
    of_district,
    refused_as,
    short_name,
)
from warnsys.web.once import OfPicture, Once
from warnsys.web.overview import district_part, shared_overview, zone_of
from warnsys.web.pictures import BoardAtOneTime
from warnsys.web.security import Operators
from warnsys.web.site import BoardPicture, Pages, Site, language_of, signed_in
from warnsys.web.surroundings import surroundings
from warnsys.web.unreadable import kind_of
from warnsys.web.words import LANGUAGES, words

MOST_MESSAGES = 20
"""Of one district, the newest of a day; the list has the others."""
LONGEST_ID = 300
"""Of a message that has a page of its own (`/alert/…`)."""


def router(site: Site, pages: Pages, operators: Operators) -> APIRouter:
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in(operators))])
    messages_known, listed_rows = KnownMessages(), _worded_rows(site, pages)

    @routes.get("/meldungen")
    async def messages(request: Request, asked: Annotated[MessageFilter, Query()]) -> Response:
        language, picture = language_of(request), site.pictures.taken_this_second()
        known = await rows_of(picture)
        return await site.pictures.once(
            ("messages", language, asked), lambda board: listed(board, known, language, asked), picture, long=True
        )

    async def rows_of(picture: BoardAtOneTime) -> list[ListedMessage]:
        """All messages, brought into order once a picture."""
        return await site.pictures.worded("rows", messages_known.of, picture)

    @routes.get("/meldungen/{name}/rohdaten")
    def refused_bytes(name: Annotated[str, Path(max_length=100)], board: BoardPicture) -> Response:
        """Of what could not be read, for download."""
        if (found := refused_as(board, name)) is None:
            raise HTTPException(404, "these bytes are not kept any more")
        return downloaded(found.value, "application/octet-stream", f"rejected-{name}")

    @routes.get("/bezirk/{district}")
    async def district(district: DistrictId, request: Request) -> Response:
        city, found = site.district(district)
        language, picture = language_of(request), site.pictures.taken()
        whole, known = await shared_overview(site, picture, language), await rows_of(picture)

        def made(board: Board) -> Response:
            here = of_district(known, found.id, board.now())
            values = {
                **district_part(whole, board, city, found, language),
                "rows": as_rows(board, here[:MOST_MESSAGES], language), "count": len(here),
                "asked": MessageFilter(district=found.id),
            }  # fmt: skip
            return pages.render("bezirk.html", language, board, values)

        return await site.pictures.once(("bezirk", language, district), made, picture)

    @routes.get("/umgebung.geojson")
    async def around() -> Response:
        """For the map; it changes only with the geofences, with which this process starts anew."""
        found = await asyncio.shield(asyncio.wrap_future(around_begun()))  # who asked may be gone
        return Response(found, media_type=GEOJSON)

    @cache
    def around_begun() -> Future[bytes]:
        """Worked out once and beside the pages: of large geofences it takes seconds. To be asked in the loop."""
        return ThreadPoolExecutor(1, "surroundings").submit(around_all)

    def around_all() -> bytes:
        features = surroundings(site.settings.cities, site.matcher.index.districts)
        return json.dumps({"type": "FeatureCollection", "features": features}).encode()

    @routes.get("/hilfe")
    async def help_page(request: Request) -> Response:
        language = language_of(request)
        return await site.pictures.once(
            ("help", language), lambda board: pages.render("help.html", language, board, {})
        )

    def listed(board: Board, known: list[ListedMessage], language: str, asked: MessageFilter) -> Response:
        zone, wrong, found = zone_of(site), "", None
        districts = [one for city in board.cities.values() for one in city.place.districts]
        try:
            if asked.district and all(one.id != asked.district for one in districts):
                raise WrongFilterError("filter")
            found = listed_messages(known, asked, board.now(), zone, language)
        except WrongFilterError as error:
            wrong = f"wrong-{error.field}"
        rows = [listed_rows[language, fate_of(board, one)].of(one) for one in found.rows] if found else []
        named = {*(one.name for one in site.settings.sources), *([asked.source] if asked.source else ())}
        values = {
            "asked": asked, "wrong": wrong, "found": found, "rows": rows, "states": STATES, "moment": moment,
            "zone": zone, "now": board.now(), "orders": board.orders(),
            "sources": sorted({*(found.sources if found else ()), *named}), "has_field_form": has_field_form,
            "districts": districts,
        }  # fmt: skip
        return pages.render("messages.html", language, board, values, status=422 if wrong else 200)

    return routes


def as_rows(board: Board, found: Iterable[ListedMessage], language: str) -> list[dict[str, Any]]:
    """For a table."""
    return [_as_row(board, one, language, fate_of(board, one)) for one in found]


def _as_row(board: Board, one: ListedMessage, language: str, fate: "Fate") -> dict[str, Any]:
    """A message with what it says, where, what became of it, and whether it has a page."""
    brief = one.brief
    event = brief.events[language] or (event_of(board, one.outcome, language) if one.outcome else "")
    return {
        "one": one, "name": short_name(one.key), "brief": brief, "event": event,
        "headline": brief.headlines[language], "warned": _warned(board, one, language),
        "unreadable": kind_of(one.reason) if one.state == "rejected" else "",
        "page": one.held is not None and len(one.id) <= LONGEST_ID, "fate": fate,
    }  # fmt: skip


def _worded_rows(site: Site, pages: Pages) -> dict[tuple[str, "Fate"], Once[ListedMessage, Markup]]:
    """The rows of the list, by language and what became of the message, each worded once."""
    part, said = pages.part("rows.html", "message_row"), {"moment": moment, "zone": zone_of(site)}

    def worded(language: str, fate: Fate, one: ListedMessage) -> Markup:
        row = _as_row(site.board, one, language, fate)
        return part(row, t=words(language), lang=language, **said)

    return {(language, fate): Once(partial(worded, language, fate), "key") for language in LANGUAGES for fate in FATES}


Fate = Literal["", "shown", "replaced", "ended", "expired"]
"""What became of a message that warned here. `shown`: the desk shows it now. `ended`: cancelled, or no district has it
any more. `expired`: its own end has passed. "": that is not known."""
FATES: tuple[Fate, ...] = get_args(Fate)


class _Known(NamedTuple):
    """Messages by base id."""

    shown: set[str]
    """Of which a warning or notice stands in a district."""
    replaced: set[str]
    cancelled: set[str]


def _known(board: Board) -> _Known:
    records = (board.stele(each.id) for city in board.cities.values() for each in city.place.districts)
    named = {item.base_id for record in records if record for item in record.items}
    shown = {outcome.base_id for name in named if (outcome := board.outcome(name))}
    replaced, cancelled = set[str](), set[str]()
    for one in board.outcomes.values():
        if is_real(one):
            (cancelled if one.msg_type == "Cancel" else replaced).update(one.supersedes)
            replaced.add(one.base_id.rpartition("~")[0])  # by its revision; "" for none
    return _Known(shown, replaced, cancelled)


_KNOWN = OfPicture(_known)


def fate_of(board: Board, one: ListedMessage) -> Fate:
    """What became of a message, as far as that is known."""
    if one.outcome is None or one.state != "matched":
        return ""
    known, base_id, ends = _KNOWN.of(board), one.outcome.base_id, [each.expires for each in one.outcome.meanings]
    if base_id in known.shown:
        return "shown"
    if base_id in known.cancelled:
        return "ended"
    if base_id in known.replaced:
        return "replaced"
    if all(end and end <= board.now() for end in ends):
        return "expired"
    records = [board.stele(district) for district in one.districts]
    return "ended" if base_id in board.gone_at and all(each and not each.more for each in records) else ""


def _warned(board: Board, one: ListedMessage, language: str) -> str:
    """The districts that a message warns; "" for none of ours."""
    found = []
    for city in board.cities.values():
        if ours := [each.id for each in city.place.districts if each.id in one.districts]:
            found.append(wording.where(city.place, ours)[language])
    return "; ".join(found)
