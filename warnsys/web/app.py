"""The two sites: public (stele, card, public API) and the operators', which has all of it.

A page is rendered whole on the server, from the board. Its script only listens for changes and asks for the same page
again, so what a page says is said in one place, and it reads as well without the script.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import jinja2
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from markupsafe import Markup
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from xstatic.pkg import leaflet

from geofences import District
from warnsys.channels.registry import called, channel_of, pausable, said_parts
from warnsys.channels.words import in_language
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules
from warnsys.reach import Reach
from warnsys.records import Action
from warnsys.settings import Settings
from warnsys.warning.matching import Matcher
from warnsys.warning.text import direction
from warnsys.web.board import Board
from warnsys.web.errors import Errors
from warnsys.web.pictures import STANDS_S, Pictures
from warnsys.web.reads import HeadAsGet
from warnsys.web.security import CHALLENGE, Operators, RequestLimits, SecurityHeaders
from warnsys.web.streams import Streams
from warnsys.web.views import span, waiting, without_control_characters
from warnsys.web.words import LANGUAGES, words

VERSION = "1"
EXTREME = 4
GZIP_FROM, GZIP_LEVEL = 1_000, 4
"""Bytes of an answer from which it is packed, and how hard: the higher levels cost much time for little."""
FOLDER = Path(__file__).parent


def _icons() -> dict[str, str]:
    """By name what is between the tags of each symbol of static/icons.svg."""
    symbols = (FOLDER / "static" / "icons.svg").read_text("utf-8").split('<symbol id="')[1:]
    each = (symbol.partition('" viewBox="0 0 24 24">') for symbol in symbols)
    return {name: rest.partition("</symbol>")[0] for name, _, rest in each}


ICONS = _icons()


async def pictured(request: Request) -> Board:
    """The board as it is now, for an answer. A coroutine, so it runs in the loop, between two records."""
    pictures: Pictures = request.app.state.pictures
    return pictures.now()


BoardPicture = Annotated[Board, Depends(pictured)]


@dataclass(frozen=True)
class Site:
    """What routes need."""

    settings: Settings
    matcher: Matcher
    board: Board
    act: Callable[[Action], Awaitable[None]]
    """Puts an operator's action onto its topic. Raises what the broker says."""
    metrics: Metrics = field(default_factory=Metrics)
    alive: Callable[[], bool] = lambda: True
    """Whether what feeds the board is at work."""
    stands_s: float = STANDS_S
    """How old a picture may be."""
    reach: Reach = field(default_factory=Reach)
    """Which cells of the districts the DWD does not have."""

    @cached_property
    def pictures(self) -> Pictures:
        """Of the board, for both sites."""
        return Pictures(self.board, self.stands_s)

    def district(self, district_id: str) -> tuple[CityRules, District]:
        """Raises HTTPException where there is none."""
        for city in self.board.cities.values():
            for district in city.place.districts:
                if district.id == district_id:
                    return city, district
        raise HTTPException(404, f"no district {district_id!r}")


class Pages:
    """Renders templates. `embedded`: each page says that it runs on the embedded broker, which keeps nothing."""

    def __init__(self, *, embedded: bool = False) -> None:
        self._embedded = embedded
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "plain": without_control_characters,
            "in_language": in_language,
            "direction": direction,
            "span": span,
        }
        self._templates.globals |= {
            "icon": icon, "drawn": drawn, "called": called, "channel_of": channel_of, "parts": said_parts,
            "pausable": pausable,
        }  # fmt: skip

    def part(self, name: str, part: str) -> Callable[..., Markup]:
        """A macro of a template."""
        made: Callable[..., Markup] = getattr(self._templates.get_template(name).module, part)
        return made

    def render(
        self, name: str, language: str, board: Board, values: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        return HTMLResponse(self.text(name, language, board, values), status)

    def text(self, name: str, language: str, board: Board, values: Mapping[str, Any]) -> str:
        return self._templates.get_template(name).render(
            t=words(language), lang=language, other="en" if language == "de" else "de", board=board,
            exercise=board.exercise, stage=board.stage, served=board.pictured_at,
            embedded=self._embedded, **values,
        )  # fmt: skip


def icon(name: str) -> Markup:
    """A drawing of static/icons.svg: an event group's, or another's that stands there."""
    known = name.lower() if name.lower() in ICONS else "warning"
    return Markup('<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#{}"/></svg>').format(known)


def drawn(name: str) -> Markup:
    """The same within the page: it stays when the server is gone, and with each refresh."""
    known = name.lower() if name.lower() in ICONS else "warning"
    inside = Markup(ICONS[known])  # noqa: S704 - our own file
    return Markup('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(inside)


def language_of(request: Request) -> str:
    """By the switch (`?lang=en`), else German."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def public_site(site: Site) -> FastAPI:
    from warnsys.web import api, stele
    from warnsys.web.api_document import document

    app, pages = _site(site, "warnsys – öffentlich", public=True)
    for version in api.VERSIONS:
        app.include_router(api.public(site, version))
    app.include_router(stele.router(site, pages))
    return document(app)


def operators_site(site: Site) -> FastAPI:
    """Everything, for those who are signed in; health and stele stay open."""
    from warnsys.web import api, dashboard, stele
    from warnsys.web.api_document import document

    app, pages = _site(site, "warnsys", public=False)
    operators = Operators(site.settings.web)
    app.include_router(stele.router(site, pages))
    for version in api.VERSIONS:
        app.include_router(api.public(site, version))
        app.include_router(api.private(site, operators, version))
    app.include_router(dashboard.router(site, pages, operators))

    @app.get("/metrics", include_in_schema=False)
    def metrics(board: BoardPicture) -> PlainTextResponse:
        """For Prometheus; nothing in it is worth a sign-in."""
        count_unseen(board, site.metrics)
        count_unconfirmed(board, site.metrics)
        site.reach.count(site.metrics)
        site.metrics.web_blind.set(not board.connected or board.silent())
        return PlainTextResponse(site.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return document(app)


def count_unseen(board: Board, metrics: Metrics) -> None:
    """How long the oldest Extreme warning of each city has waited to be acknowledged."""
    for city in board.cities.values():
        since = [since for item, since in waiting(board, city) if item.level == EXTREME]
        metrics.unseen.labels(city.place.id).set((board.now() - min(since)).total_seconds() if since else 0)


def count_unconfirmed(board: Board, metrics: Metrics) -> None:
    """The channels whose order nobody has answered in time."""
    late = {one.stop.channel for one in board.orders() if one.late}
    for channel in pausable():
        metrics.unconfirmed.labels(channel.name).set(channel.name in late)


def _site(site: Site, title: str, *, public: bool) -> tuple[FastAPI, Pages]:
    app, pages = FastAPI(
        title=title, version=VERSION, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
        description="Weather warnings by district. Times are in UTC (RFC 3339). Errors are problem+json (RFC 9457).",
    ), Pages(embedded=site.settings.broker.embedded)  # fmt: skip
    app.state.pictures = site.pictures
    Errors(lambda language, values: pages.text("error.html", language, site.board, values)).watch(app)
    app.add_middleware(HeadAsGet)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM, compresslevel=GZIP_LEVEL)
    web = site.settings.web
    app.state.streams = Streams(web.streams, web.streams_per_address if public else web.streams)
    if site.settings.web.requests_per_s:
        app.add_middleware(RequestLimits, per_s=site.settings.web.requests_per_s)
    app.add_middleware(SecurityHeaders, tiles=site.settings.web.tiles)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), "static")
    app.mount("/leaflet", StaticFiles(directory=leaflet.BASE_DIR), "leaflet")

    @app.get("/health/live", include_in_schema=False)
    async def live() -> PlainTextResponse:
        return PlainTextResponse("ok") if site.alive() else PlainTextResponse("the topics are not read any more", 503)

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        """Ready once the topics have been read to their present end."""
        if not site.board.connected:
            return JSONResponse({"ready": False}, 503)
        return JSONResponse({"ready": True, "stage": site.board.stage})

    return app, pages


def signed_in(operators: Operators) -> Callable[[Request], Awaitable[str]]:
    """A dependency: the operator's name. Raises HTTPException 401."""

    async def name(request: Request) -> str:
        if found := await operators.name(request):
            return found
        raise HTTPException(401, "sign in as an operator", CHALLENGE)

    return name
