"""The public pages: the stele, and the card for phones and other sites."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response

from geofences import District
from warnsys.cap.model import level
from warnsys.pipeline import CityRules
from warnsys.records import SteleItem
from warnsys.web.board import Board
from warnsys.web.qr import drawn_code, public_address
from warnsys.web.site import FOLDER, Pages, Site, language_of
from warnsys.web.timeline import has_ended_in
from warnsys.web.views import SHORTEST_TURN_S, district_view, last_known_in
from warnsys.web.words import words

DistrictId = Annotated[str, Path(max_length=100)]


def router(site: Site, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/stele/{district}")
    async def stele(
        district: DistrictId,
        turn_s: Annotated[int, Query(ge=SHORTEST_TURN_S, le=120)] = 15,
        small: bool = False,
    ) -> Response:
        """`turn_s` is how long each further language stays; `small` makes a tile of it."""
        key = "stele", district, turn_s, small
        return await site.pictures.once(key, lambda board: shown(board, district, turn_s, small))

    def shown(board: Board, district: str, turn_s: int, small: bool) -> Response:
        city, found = site.district(district)
        values = _seen(board, city, found, "de")
        first = values["view"].first
        others = set(first.record.texts) - {"de"} if first else set[str]()
        values |= {
            "languages": sorted(others, key=lambda one: (one != "en", one)),
            "turn_s": turn_s,
            "small": small,
            "address": "" if small else public_address(city.place, found.id),
            "code": drawn_code,
            "advice": lambda item: advice(item, board.now()),
            "tongue": tongue,
            "english": words("en"),
        }
        return pages.render("stele.html", "de", board, values)

    @routes.get("/embed/{district}")
    async def embed(district: DistrictId, request: Request) -> Response:
        language = language_of(request)
        return await site.pictures.once(("embed", district, language), lambda board: card(board, district, language))

    def card(board: Board, district: str, language: str) -> Response:
        city, found = site.district(district)
        values = {**_seen(board, city, found, language), "turn_s": SHORTEST_TURN_S}
        return pages.render("embed.html", language, board, values)

    @routes.get("/sw.js")
    def service_worker() -> Response:
        """At the root, because a worker's reach is its folder."""
        return FileResponse(
            FOLDER / "static" / "sw.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"}
        )

    return routes


def _seen(board: Board, city: CityRules, district: District, language: str) -> dict[str, Any]:
    """What holds in a district, and what a screen says of it without data."""
    view = district_view(board, city, district, language)
    return {
        "view": view,
        "ended": view.presentation == "calm" and has_ended_in(board, district.id),
        "last": last_known_in(board, city, district, language),
        "city": city.place,
        "now": board.now(),
    }


def advice(item: SteleItem, now: datetime, language: str = "de") -> str:
    """What to do, in plain words beside the author's own; "" for an advance notice, of which little is sure.

    It follows the event group, and from Severe on says what is needed there; of what begins in hours, only to watch.
    """
    if item.phase == "advance":
        return ""
    if item.onset > now and item.presentation == "tile":
        return words(language)("do-unknown")
    named = f"do-{item.group.lower()}"
    severe = _or("", f"{named}-severe", language) if item.level >= level("Severe") else ""
    return severe or _or("do-unknown", named, language)


def tongue(language: str) -> str:
    """A language's own name, or its tag where we have none."""
    return _or("", f"lang-{language}") or language


def _or(other: str, key: str, language: str = "de") -> str:
    said = words(language)
    if key in said.keys:
        return said(key)
    return said(other) if other else ""
