"""How the public reads are given: to pages of any origin, with an ETag, and to caches only while they are fresh.

A cache may give an answer again for seconds, and not even for these where the data behind it are stale, incomplete or
unknown: a stale answer must never pass for a fresh one.
"""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warnsys.web.board import Board
from warnsys.web.errors import for_programs

MAX_AGE_S = 2
"""How long a cache may answer for us: a warning may come so much later through it."""
_ANY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_PREFLIGHT = {
    **_ANY_ORIGIN,
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID, Cache-Control",
    "Access-Control-Max-Age": "86400",
}


class PublicRead(APIRoute):
    """A route whose answers everybody may read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                answer = await inner(request)
            except (HTTPException, RequestValidationError) as error:
                answer = request.app.state.errors.of(request, error)
            if answer.status_code == 200 and hasattr(answer, "body"):  # a stream has none
                answer = _conditional(request, answer)
            answer.headers.update(_ANY_ORIGIN)
            return answer

        return handle


def _conditional(request: Request, answer: Response) -> Response:
    """Give it an ETag and how long it is fresh; 304 for a reader that has it already."""
    link = answer.headers.get("link", "")  # a page without one is the last
    tag = f'W/"{hashlib.blake2b(bytes(answer.body) + link.encode(), digest_size=9).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": cache_control(request.app.state.pictures.now())}
    headers |= {"Link": link} if link else {}
    answer.headers.update(headers)
    asked = request.headers.get("if-none-match", "")
    if asked.strip() == "*" or tag.removeprefix("W/") in [one.strip().removeprefix("W/") for one in asked.split(",")]:
        return Response(status_code=304, headers=headers)
    return answer


def cache_control(board: Board) -> str:
    """For seconds, and no longer than every district's record is valid; not at all where one is not fresh."""
    districts = [one.id for city in board.cities.values() for one in city.place.districts]
    records = [board.stele(district) for district in districts]
    if not board.connected or board.silent() or not all(one and one.freshness == "fresh" for one in records):
        return "no-cache"
    left = min((board.remaining(one) for one in records if one), default=timedelta(0))
    return f"public, max-age={min(MAX_AGE_S, int(left.total_seconds()))}, must-revalidate"


def preflights(routes: list[BaseRoute]) -> list[Route]:
    """What answers a browser that asks whether a page of another origin may read these."""
    paths = dict.fromkeys(route.path for route in routes if isinstance(route, PublicRead))
    return [Route(path, _preflight, methods=["OPTIONS"], include_in_schema=False) for path in paths]


async def _preflight(_: Request) -> Response:
    return Response(status_code=204, headers=_PREFLIGHT)


class AnyOrigin:
    """ASGI middleware of the public site: pages of any origin may read whatever is answered to programs.

    That is so for what no route answers, too: that a client asks too often, or that the method is wrong.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not for_programs(str(scope["path"])):
            await self._app(scope, receive, send)
            return

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_ANY_ORIGIN)
            await send(message)

        await self._app(scope, receive, readable)


class HeadAsGet:
    """ASGI middleware: HEAD is answered as GET would be, without the body. An event stream looks at `head` itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def allowing(message: Message) -> None:
            if message["type"] == "http.response.start":
                _allow_head(MutableHeaders(scope=message))
            await send(message)

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET", "head": True}, receive, without_body)
        else:
            await self._app(scope, receive, allowing)


def _allow_head(headers: MutableHeaders) -> None:
    """Name HEAD beside GET where an answer says which methods there are."""
    allowed = {one.strip() for one in headers.get("allow", "").split(",")}
    if "GET" in allowed:
        headers["Allow"] = ", ".join(sorted(allowed | {"HEAD"}))
