"""The public pages: the stele, and the card for phones and other sites."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response

from warnsys.web.app import FOLDER, Pages, Site, language_of
from warnsys.web.board import Board
from warnsys.web.views import SHORTEST_TURN_S, district_view
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
        view = district_view(board, city, found, "de")
        others = set(view.items[0].record.texts) - {"de"} if view.items else set[str]()
        values = {
            "view": view,
            "city": city.place,
            "languages": sorted(others, key=lambda one: (one != "en", one)),
            "turn_s": turn_s,
            "small": small,
        }
        values |= {"advice": advice, "tongue": tongue}
        return pages.render("stele.html", "de", board, values)

    @routes.get("/embed/{district}")
    async def embed(district: DistrictId, request: Request) -> Response:
        language = language_of(request)
        return await site.pictures.once(("embed", district, language), lambda board: card(board, district, language))

    def card(board: Board, district: str, language: str) -> Response:
        city, found = site.district(district)
        view = district_view(board, city, found, language)
        return pages.render("embed.html", language, board, {"view": view, "city": city.place})

    @routes.get("/sw.js")
    def service_worker() -> Response:
        """At the root, because a worker's reach is its folder."""
        return FileResponse(
            FOLDER / "static" / "sw.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"}
        )

    return routes


def advice(group: str) -> str:
    """What to do, in plain German words, by event group."""
    return _or("do-unknown", f"do-{group.lower()}")


def tongue(language: str) -> str:
    """A language's own name, or its tag where we have none."""
    return _or("", f"lang-{language}") or language


def _or(other: str, key: str) -> str:
    german = words("de")
    if key in german.keys:
        return german(key)
    return german(other) if other else ""
