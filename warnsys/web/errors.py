"""What is answered where something went wrong: problem+json (RFC 9457) to programs, a page in plain words to people.

No answer of these says that nothing holds. Programs are those that ask under `/api/`. What is wrong with which
parameter stands in `errors`: bounded, and a value that was sent is repeated as `repr` writes it, if at all.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warnsys.web.words import LANGUAGES, words

PROBLEM = "application/problem+json"
MOST_ERRORS, MOST_PARTS = 20, 10
"""So many values are named, each by so many steps."""
RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 calls what is answered here; Python does so from 3.13 on, and an answer is the same on each Python."""
_IN_WORDS = {
    "greater_than_equal": ("value-at-least", "ge"), "less_than_equal": ("value-at-most", "le"),
    "string_too_long": ("value-too-long", "max_length"), "int_parsing": ("value-whole", ""),
}  # fmt: skip
"""By what pydantic calls an error: the text for people, and what its limit is called."""
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?)")
MOST_TAGS = 20


class WrongValue(BaseModel):
    """A value of a request that does not fit."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    pointer: str
    """Which one, as a JSON pointer in a URI fragment (RFC 6901): `#/query/limit`, `#/path/district`, `#/header/…`."""
    detail: str
    """What is wrong with it, in words for developers."""
    type: str
    """The same as a short code."""
    loc: list[str]
    """`pointer` in its steps."""
    msg: str
    """`detail` again, by the name that it had before."""


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    detail: str
    errors: list[WrongValue] | None = None
    """What is wrong with which parameter, where one does not fit."""


class UnknownValueError(HTTPException):
    """404 for a parameter whose value names something that does not exist; `errors` names the parameter."""

    def __init__(self, parameter: str, detail: str, place: str = "query") -> None:
        super().__init__(404, detail)
        self.errors = [_wrong([place, parameter], detail, "unknown")]


def _wrong(loc: Iterable[object], detail: str, kind: str) -> WrongValue:
    steps = [str(part)[:100] for part in loc][:MOST_PARTS]
    pointer = "#" + "".join(f"/{quote(step.replace('~', '~0').replace('/', '~1'), safe='~')}" for step in steps)
    return WrongValue(pointer=pointer, detail=detail[:200], type=kind, loc=steps, msg=detail[:200])


class Errors:
    """Answers in the reader's form; `render` makes a page of a template's values."""

    def __init__(self, render: Callable[[str, Mapping[str, Any]], str]) -> None:
        self._page = lru_cache(64)(
            lambda language, status, detail, wrong=(): render(language, _said(language, status, detail, wrong))
        )

    def answer(
        self,
        scope: Scope,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: list[WrongValue] | None = None,
    ) -> Response:
        if for_programs(str(scope["path"])):
            title = RENAMED.get(status) or HTTPStatus(status).phrase
            said = Problem(title=title, status=status, detail=detail, errors=errors)
            return JSONResponse(said.model_dump(exclude_none=True), status, headers, PROBLEM)
        return HTMLResponse(self._page(language_of_reader(Request(scope)), status, detail), status, headers)

    def of(self, request: Request, error: HTTPException | RequestValidationError) -> Response:
        """The answer to an error that a route raised."""
        if isinstance(error, RequestValidationError):
            some = error.errors()[:MOST_ERRORS]
            if not for_programs(request.url.path):
                language = language_of_reader(request)
                return HTMLResponse(self._page(language, 422, "", tuple(_in_words(one, language) for one in some)), 422)
            found = [_wrong(one["loc"], str(one["msg"]), str(one["type"])) for one in some]
            detail = "; ".join(f"{'.'.join(one.loc)}: {one.msg}" for one in found)
            return self.answer(request.scope, 422, detail, errors=found)
        wrong = error.errors if isinstance(error, UnknownValueError) else None
        return self.answer(request.scope, error.status_code, str(error.detail), error.headers, wrong)

    def watch(self, app: FastAPI) -> None:
        """Answer the errors of an app."""

        async def handle(request: Request, error: Any) -> Response:
            return self.of(request, error)

        app.state.errors = self
        app.add_exception_handler(HTTPException, handle)
        app.add_exception_handler(RequestValidationError, handle)


async def refuse(
    scope: Scope, receive: Receive, send: Send, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer a request from outside of the routes."""
    errors: Errors = scope["app"].state.errors
    await errors.answer(scope, status, detail, headers)(scope, receive, send)


class Unforeseen:
    """ASGI middleware: an error that nothing foresees is answered as others are, and raised for the server to log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if scope["type"] == "http" and not begun:
                await refuse(scope, receive, send, 500, "something unforeseen went wrong here")
            raise


def for_programs(path: str) -> bool:
    return path.startswith("/api/")


def language_of_reader(request: Request) -> str:
    """By the switch (`?lang=en`), else by Accept-Language, else German."""
    if (asked := request.query_params.get("lang", "")) in LANGUAGES:
        return asked
    best, found = 0.0, LANGUAGES[0]
    for tag in request.headers.get("accept-language", "")[:500].split(",")[:MOST_TAGS]:
        name, _, rest = tag.strip().lower().partition(";")
        weight = _WEIGHT.fullmatch(rest.strip()) if rest else None
        wanted = (float(weight[1]) if weight else 0.0) if rest else 1.0
        if name[:2] in LANGUAGES and name[2:3] in ("", "-") and wanted > best:
            best, found = wanted, name[:2]
    return found


def _in_words(error: Mapping[str, Any], language: str) -> str:
    """What is wrong with a parameter, for people."""
    key, limit = _IN_WORDS.get(str(error["type"]), ("value-other", ""))
    name = [str(part)[:100] for part in error["loc"]][-1]
    return words(language)(key, name=name, limit=str(error["ctx"][limit]) if limit else "")


def _said(language: str, status: int, detail: str, wrong: tuple[str, ...]) -> dict[str, Any]:
    known = status if f"error-{status}" in words(language).keys else "other"
    said = {"what": f"error-{known}", "means": f"error-{known}-means"}
    return {**said, "status": status, "detail": detail, "wrong": wrong}
