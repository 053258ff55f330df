"""What is answered where something went wrong: problem+json (RFC 9457) to programs, a page in plain words to people.

No answer of these says that nothing holds. Programs are those that ask under `/api/`.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from warnsys.web.words import LANGUAGES, words

PROBLEM = "application/problem+json"
MOST_ERRORS = 20
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?)")
MOST_TAGS = 20


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None
    """What is wrong with which parameter."""


class Errors:
    """Answers in the reader's form; `render` makes a page of a template's values."""

    def __init__(self, render: Callable[[str, Mapping[str, Any]], str]) -> None:
        self._page = lru_cache(64)(lambda language, status, detail: render(language, _said(language, status, detail)))

    def answer(
        self,
        scope: Scope,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, Any]] | None = None,
    ) -> Response:
        if for_programs(str(scope["path"])):
            said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
            return JSONResponse(said.model_dump(exclude_none=True), status, headers, PROBLEM)
        return HTMLResponse(self._page(language_of_reader(Request(scope)), status, detail), status, headers)

    def of(self, request: Request, error: HTTPException | RequestValidationError) -> Response:
        """The answer to an error that a route raised."""
        if isinstance(error, RequestValidationError):
            found = [
                {"loc": [str(part)[:100] for part in one["loc"]], "msg": str(one["msg"])[:200], "type": one["type"]}
                for one in error.errors()[:MOST_ERRORS]
            ]
            detail = "; ".join(f"{'.'.join(one['loc'])}: {one['msg']}" for one in found)
            return self.answer(request.scope, 422, detail, errors=found)
        return self.answer(request.scope, error.status_code, str(error.detail), error.headers)

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


def _said(language: str, status: int, detail: str) -> dict[str, Any]:
    known = status if f"error-{status}" in words(language).keys else "other"
    return {"status": status, "what": f"error-{known}", "means": f"error-{known}-means", "detail": detail}
