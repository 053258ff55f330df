"""The two sites: public (start page, districts, stele, card, public API) and the operators', which has all of it.

A page is rendered whole on the server, from the board. Its script only listens for changes and asks for the same page
again, so what a page says is said in one place, and it reads as well without the script.
"""

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.gzip import GZipMiddleware
from xstatic.pkg import leaflet

from warnsys.channels.registry import pausable
from warnsys.metrics import Metrics
from warnsys.web import api, dashboard, desk_pages, start, stele
from warnsys.web.api_document import document
from warnsys.web.board import Board
from warnsys.web.errors import Errors, Unforeseen
from warnsys.web.reads import AnyOrigin, HeadAsGet
from warnsys.web.security import Operators, RequestLimits, SecurityHeaders
from warnsys.web.site import FOLDER, BoardPicture, Pages, Site
from warnsys.web.streams import Streams
from warnsys.web.views import waiting

VERSION = "1"
EXTREME = 4
GZIP_FROM, GZIP_LEVEL = 1_000, 4
"""Bytes of an answer from which it is packed, and how hard: the higher levels cost much time for little."""


def public_site(site: Site) -> FastAPI:
    app, pages = _site(site, "warnsys – öffentlich", public=True)
    api.serve(app, api.public(site))
    app.include_router(stele.router(site, pages))
    app.include_router(start.router(site, pages, at_root=True))
    return document(app)


def operators_site(site: Site) -> FastAPI:
    """Everything, for those who are signed in; health and the public pages stay open."""
    app, pages = _site(site, "warnsys", public=False)
    operators = Operators(site.settings.web)
    app.include_router(stele.router(site, pages))
    app.include_router(start.router(site, pages, at_root=False))
    api.serve(app, api.public(site), api.private(site, operators))
    app.include_router(dashboard.router(site, pages, operators))
    app.include_router(desk_pages.router(site, pages, operators))

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
    home = {"home": "/" if public else "/start"}
    Errors(lambda language, values: pages.text("error.html", language, site.board, {**values, **home})).watch(app)
    app.add_middleware(HeadAsGet)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM, compresslevel=GZIP_LEVEL)
    web = site.settings.web
    app.state.streams = Streams(web.streams, web.streams_per_address if public else web.streams)
    if site.settings.web.requests_per_s:
        app.add_middleware(RequestLimits, per_s=site.settings.web.requests_per_s)
    app.add_middleware(Unforeseen)
    app.add_middleware(SecurityHeaders, tiles=site.settings.web.tiles)
    if public:
        app.add_middleware(AnyOrigin)
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
