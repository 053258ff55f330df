"""Who may see what, and what a page may do: sign-in of operators, same-origin actions, headers on every answer.

Everything from alerts is hostile. Pages load nothing from elsewhere, run no inline script and style, and only
`/embed/…` may stand in a frame.
"""

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warnsys.headers import whole
from warnsys.settings import Web
from warnsys.web.clients import client_of
from warnsys.web.errors import refuse
from warnsys.web.passwords import Passwords

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1
"""Costs of a password's hash: some 50 ms and 16 MB."""
MAX_REQUEST_BYTES = 16 * 1024
BURST_S = 10
"""So many seconds' worth of requests may come at once: a page with its parts is twelve."""
MAX_CLIENTS = 10_000
TRIES_PER_S, TRIES = 0.1, 10
"""Passwords that one address may try: each costs the time of a hash."""
MAX_NAME, MAX_PASSWORD = 100, 1_000
CHALLENGE = {"WWW-Authenticate": 'Basic realm="warnsys", charset="UTF-8"'}


class SecurityHeaders:
    """ASGI middleware: the security headers, and a limit to what a request may carry."""

    def __init__(self, app: ASGIApp, tiles: str = "") -> None:
        self._app = app
        images = f"'self' data: {_origin(tiles)}".strip()
        self._policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
            "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        framed = str(scope["path"]).startswith("/embed/")

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                ancestors = "frame-ancestors *" if framed else "frame-ancestors 'none'"
                headers["Content-Security-Policy"] = self._policy + ancestors
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", "no-store")
                if not framed:
                    headers["X-Frame-Options"] = "DENY"
            await send(message)

        length = dict(scope["headers"]).get(b"content-length", b"0")
        size = whole(length.decode("latin-1"))
        if size is None or size > MAX_REQUEST_BYTES or _chunked(scope):
            await refuse(scope, receive, secured, 413, f"a request carries {MAX_REQUEST_BYTES} bytes at most")
            return
        await self._app(scope, receive, secured)


class Buckets:
    """How much each client may do: a bucket of tokens that fills again. Keeps the last `MAX_CLIENTS` clients."""

    def __init__(self, per_s: float, burst: int, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._elapsed = per_s, burst, elapsed
        self._left: dict[str, tuple[float, float]] = {}

    def left(self, client: str) -> bool:
        """Whether there is a token left."""
        left, at = self._left.get(client, (float(self._burst), 0.0))
        return left + (self._elapsed() - at) * self._per_s >= 1

    def take(self, client: str) -> bool:
        """Whether there was a token left."""
        now = self._elapsed()
        left, at = self._left.pop(client, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_s)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        if len(self._left) > MAX_CLIENTS:
            del self._left[next(iter(self._left))]
        return allowed


class RequestLimits:
    """ASGI middleware: a client that asks for too much is told to come later; health checks are never turned away."""

    def __init__(self, app: ASGIApp, per_s: float) -> None:
        self._app = app
        self._buckets = Buckets(per_s, max(1, int(per_s * BURST_S)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        free = scope["type"] != "http" or str(scope["path"]).startswith("/health/")
        if free or self._buckets.take(client_of(scope)):
            await self._app(scope, receive, send)
            return
        await refuse(scope, receive, send, 429, "too many requests; ask again later", {"Retry-After": "5"})


def _chunked(scope: Scope) -> bool:
    return b"transfer-encoding" in dict(scope["headers"])


def _origin(address: str) -> str:
    parts = urlsplit(address.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password as it stands in the settings: `scrypt$salt$hash`."""
    salt = os.urandom(16) if salt is None else salt
    digest = hashlib.scrypt(password.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return f"scrypt${_text(salt)}${_text(digest)}"


def right(password: str, kept: str) -> bool:
    try:
        _, salt, _ = kept.split("$")
        return hmac.compare_digest(hashed(password, base64.b64decode(salt, validate=True)), kept)
    except (ValueError, binascii.Error):
        return False


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


NOBODY = f"scrypt${_text(bytes(16))}${_text(bytes(64))}"
"""What the password of an unknown name is held against, at the same cost: none has it."""


class Operators:
    """Who is signed in, by HTTP basic or by a header that a trusted proxy sets."""

    def __init__(self, settings: Web) -> None:
        self._settings = settings
        tries = Buckets(TRIES_PER_S, TRIES)
        self._passwords = Passwords(right, tries.left, tries.take)

    async def name(self, request: Request) -> str | None:
        """The operator's name, or None where nobody is signed in."""
        if self._settings.open:
            return "demo"
        if header := self._settings.proxy_user_header:
            return request.headers.get(header) or None
        return await self._basic(request.headers, client_of(request.scope))

    async def _basic(self, headers: Mapping[str, str], client: str) -> str | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            return None
        kept = self._settings.operators.get(name, "")
        if len(name) > MAX_NAME or len(password) > MAX_PASSWORD:
            return None
        found = await self._passwords.right(name, password, kept or NOBODY, client)
        return name if kept and found else None


def same_origin(request: Request) -> bool:
    """Whether a page of ours made the request: browsers say so, and other sites cannot say it for them."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    try:
        origin = urlsplit(request.headers.get("origin", "")).netloc
    except ValueError:  # "http://["
        return False
    return origin == request.headers.get("host", "")
