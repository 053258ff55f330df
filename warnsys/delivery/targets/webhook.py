"""A webhook: a signed POST to an address, in the form of Standard Webhooks (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx
from pydantic import Field, SecretStr, field_validator

from warnsys.channels.registry import channel_of
from warnsys.delivery.target import Accepted, CallResult, Declined, SecondsClock, TargetKind, Unanswered
from warnsys.gateways import TargetSettings
from warnsys.records import Notice

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Of a key, as Standard Webhooks wants it."""
NEVER = frozenset({400, 413, 415, 422})
"""The receiver cannot take this notice, however often it comes. Any other refusal may be over soon."""
IN_DOUBT = frozenset({502, 504})
"""A proxy got no answer from the receiver behind it, which may have taken the notice."""
MOST_WORDS = 500


class WebhookSettings(TargetSettings):
    kind: Literal["webhook"] = "webhook"
    url: str = Field(pattern=r"^https?://\S+$")
    secret: SecretStr
    """`whsec_` and the key in base64: what the receiver checks the signature with."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.url.rstrip("/").lower(),)

    @field_validator("secret")
    @classmethod
    def _is_key(cls, secret: SecretStr) -> SecretStr:
        if not LEAST_BYTES <= len(_key(secret)) <= MOST_BYTES:
            raise ValueError(
                f"write {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes in base64; make one with: "
                f"echo {PREFIX}$(openssl rand -base64 32)"
            )
        return secret


def _key(secret: SecretStr) -> bytes:
    try:
        return base64.b64decode(secret.get_secret_value().removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return b""


class Webhook:
    """Posts notices to one address."""

    def __init__(self, settings: WebhookSettings, client: httpx.AsyncClient, clock: SecondsClock) -> None:
        self._url, self._key, self._client, self._clock = settings.url, _key(settings.secret), client, clock

    def recipients(self, _notice: Notice) -> tuple[str, ...]:
        return ("",)

    def render(self, notice: Notice, until: datetime) -> bytes:
        body = {
            "type": f"warning.{channel_of(notice)}",
            "timestamp": notice.issued.astimezone(UTC).isoformat(),
            "valid_until": until.astimezone(UTC).isoformat(),
            "data": notice.model_dump(mode="json", exclude_none=True),
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, payload: bytes, key: str, _recipient: str) -> CallResult:
        headers = {"content-type": "application/json", **signed(self._key, key, int(self._clock()), payload)}
        try:
            answer = await self._client.post(self._url, content=payload, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return Declined("unreachable", repr(error))
        except httpx.HTTPError as error:
            return Unanswered("no_answer", repr(error))
        return self._meaning(answer)

    def _meaning(self, answer: httpx.Response) -> CallResult:
        if answer.is_success:
            return Accepted()
        code, why = f"http_{answer.status_code}", answer.text[:MOST_WORDS]
        if answer.is_redirect:
            return Declined(code, f"redirects to {answer.headers.get('location', '')}; write that address as url")
        if answer.status_code in IN_DOUBT:
            return Unanswered(code, why)
        after_s = retry_after(answer.headers.get("retry-after", ""), self._clock())
        return Declined(code, why, permanent=answer.status_code in NEVER, after_s=after_s)


def signed(key: bytes, name: str, at: int, body: bytes) -> dict[str, str]:
    """Gives the headers by which a receiver knows that a call is ours, and which notice it is."""
    digest = hmac.digest(key, f"{name}.{at}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signature}


def retry_after(said: str, now: float) -> float | None:
    """Gives in how many seconds a receiver wants to be called again (RFC 9110, 10.2.3); None if it does not say."""
    if said.isascii() and said.isdecimal() and len(said) < 10:
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, OverflowError):
        return None


@asynccontextmanager
async def opened(settings: WebhookSettings, clock: SecondsClock) -> AsyncIterator[Webhook]:
    limits = httpx.Limits(max_connections=settings.at_once, max_keepalive_connections=settings.at_once)
    async with httpx.AsyncClient(timeout=settings.timeout_s, limits=limits) as client:
        yield Webhook(settings, client, clock)


KIND = TargetKind(name="webhook", order=10, settings=WebhookSettings, opened=opened)
