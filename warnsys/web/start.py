"""The public start page, where everybody finds a district and what holds there; and a page for each district."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from geofences import District
from warnsys.channels.stele import rank
from warnsys.pipeline import CityRules
from warnsys.records import SteleItem, SteleRecord
from warnsys.web.board import Board
from warnsys.web.clients import client_of
from warnsys.web.names import is_named, words_of
from warnsys.web.site import Pages, Site, language_of
from warnsys.web.stele import DistrictId, advice, tongue
from warnsys.web.timeline import ended_in, has_ended_in
from warnsys.web.views import LOOK_AGAIN_S, OUT_OF_DATE, Item, LastKnown, View, district_view, last_known_in

MOST_DISTRICTS = 300
"""That the start page shows, the worst first, which is made once for everybody; the others are found by their name."""
MOST_FOUND = 30
"""Districts that the page of a question shows, which is made for it alone."""
MOST_FURTHER = 3
"""Warnings that a district's row names beside the largest; the others are counted."""
MOST_WHOLE = 12
"""Warnings that a district's page shows with their texts; of the others it says what they are and when."""
MOST_ASKED = 100
MAY_LOCATE = "camera=(), geolocation=(self), microphone=()"
"""The start page alone may ask the browser for its position, which its script keeps to itself (static/locate.js)."""

WARNED, UNKNOWN, EXPIRED, CALM = range(4)
"""The districts of the start page, in this order."""

Asked = Annotated[str, Query(max_length=MOST_ASKED)]


@dataclass(frozen=True, slots=True)
class DistrictRow:
    """A district on the start page; `last` is what was last known of it where nothing reliable is known."""

    view: View
    last: LastKnown | None
    ended: bool
    """Whether nothing holds, and a warning ended there in the last hours."""

    @property
    def further(self) -> list[Item]:
        """The worst warnings beside the largest, in the order of all."""
        beside = list(enumerate(self.view.items[1:]))
        worst = {number for number, _ in sorted(beside, key=lambda one: (one[1].over, -one[1].level))[:MOST_FURTHER]}
        return [item for number, item in beside if number in worst]


def router(site: Site, pages: Pages, *, at_root: bool) -> APIRouter:
    """`at_root`: the start page stands at `/`, too, as on the public site."""
    routes = APIRouter(include_in_schema=False)

    async def start(request: Request, q: Asked = "") -> Response:
        """`q` is a district's name, or a part of it."""
        language = language_of(request)
        asked = " ".join(q.split())  # what it says besides is repeated on its page, letter by letter
        searcher = client_of(request.scope) if asked else None
        key, picture = ("start", language, asked), site.pictures.taken_this_second()
        return await site.pictures.once(key, lambda now: listed(now, language, asked), picture, searcher=searcher)

    for path in ("/", "/start") if at_root else ("/start",):
        routes.add_api_route(path, start, methods=["GET"])

    def listed(board: Board, language: str, asked: str) -> Response:
        order = list(board.cities)
        found = (
            _found(site, asked)
            if asked
            else [(city, one) for city in board.cities.values() for one in city.place.districts]
        )
        worst = _worst_first(board, found)[: MOST_FOUND if asked else MOST_DISTRICTS]
        cities: dict[str, tuple[CityRules, list[DistrictRow]]] = {}
        for city, district in sorted(worst, key=lambda one: order.index(one[0].place.id)):
            rows = cities.setdefault(city.place.id, (city, []))[1]
            rows.append(_row(board, city, district, language))
        shown = [row.view for _, rows in cities.values() for row in rows]
        values = {
            "cities": [(city.place, rows) for city, rows in cities.values()],
            "several": len(board.cities) > 1,
            "asked": asked,
            "count": len(found),
            "more": len(found) - len(shown),
            "most_asked": MOST_ASKED,
            "most_further": MOST_FURTHER,
            **_sight(board, shown),
        }
        answer = pages.render("start.html", language, board, values)
        answer.headers["Permissions-Policy"] = MAY_LOCATE
        return answer

    @routes.get("/district/{district}")
    async def one(district: DistrictId, request: Request) -> Response:
        language = language_of(request)
        return await site.pictures.once(("district", district, language), lambda board: told(board, district, language))

    def told(board: Board, district: str, language: str) -> Response:
        city, found = site.district(district)
        view = district_view(board, city, found, language)
        known = view.presentation != "no_data" and view.fresh
        values = {
            "view": view,
            "parts": _parts(view),
            "last": last_known_in(board, city, found, language),
            "ended": ended_in(board, city, found.id, language) if known else [],
            "city": city.place,
            "advice": lambda item: _advice(item, board, language),
            "most_whole": MOST_WHOLE,
            "spoken": lambda item: shown_language(item, language),
            "tongue": tongue,
            **_sight(board, [view]),
        }
        return pages.render("district.html", language, board, values)

    return routes


def _found(site: Site, asked: str) -> list[tuple[CityRules, District]]:
    words = words_of(asked)
    return [(one.city, one.district) for one in site.named_districts if is_named(words, one.forms)]


def _worst_first(board: Board, found: list[tuple[CityRules, District]]) -> list[tuple[CityRules, District]]:
    """By what each district's row shows largest; what is not known may be anything, so it comes before what is over."""
    now = board.now()
    return sorted(found, key=lambda one: _prominence(board.stele(one[1].id), now))


def _prominence(record: SteleRecord | None, now: datetime) -> tuple[int, ...]:
    """A smaller one stands further up."""
    if record is None:
        return (UNKNOWN,)
    ranks = [rank(one.phase, one.presentation, one.onset, one.level, now) for one in record.items]
    if ranks and not (first := min(ranks))[0]:
        return (WARNED, *first)
    if ranks:
        return (UNKNOWN if record.freshness in OUT_OF_DATE else EXPIRED,)
    return (CALM,) if (record.status, record.freshness) == ("clear", "fresh") else (UNKNOWN,)


def _row(board: Board, city: CityRules, district: District, language: str) -> DistrictRow:
    view = district_view(board, city, district, language)
    last = last_known_in(board, city, district, language) if view.presentation == "no_data" else None
    return DistrictRow(view, last, view.presentation == "calm" and has_ended_in(board, district.id))


def _parts(view: View) -> dict[str, list[tuple[int, Item]]]:
    """The warnings of a district's page by the text over them, each with its number; the largest first, what is over
    last."""
    found: dict[str, list[tuple[int, Item]]] = {}
    for number, item in sorted(enumerate(view.items, 1), key=lambda one: one[1].over):
        found.setdefault(_heading(item, view), []).append((number, item))
    return found


def _heading(item: Item, view: View) -> str:
    """Key of a text. What begins while the page may still be shown holds now."""
    if item.over:
        return "unconfirmed-title"
    if item.advance:
        return "advance-notices"
    return "now-holds" if item.starts_in_s <= view.remaining_s else "begins-later"


def _sight(board: Board, views: Iterable[View]) -> dict[str, Any]:
    """How long a page may be shown without an answer, and whether what it says grows old already."""
    lasts = [view.remaining_s for view in views if view.record]
    return {"fresh_for": min(lasts, default=LOOK_AGAIN_S), "late": not board.connected or board.silent()}


def _advice(item: SteleItem, board: Board, language: str) -> str:
    return "" if item.phase == "expired" else advice(item, board.now(), language)


def shown_language(item: SteleItem, language: str) -> str:
    """The language in which a warning's text is shown: the reader's, else German, else any; "" where it has none."""
    return next((one for one in (language, "de", *item.texts) if one in item.texts), "")
