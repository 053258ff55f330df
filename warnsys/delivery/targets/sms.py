"""SMS through a carrier's message centre (SMPP 3.4), which sends a receipt for each (`warnsys.smpp`)."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from warnsys import smpp
from warnsys.delivery.target import (
    Accepted,
    CallResult,
    Declined,
    ReceiptTaker,
    ReceivedState,
    SecondsClock,
    TargetKind,
    Unanswered,
)
from warnsys.gateways import TargetSettings
from warnsys.records import Notice, SmsNotice

Number = Annotated[str, Field(pattern=r"^\+[0-9]{6,15}$")]
STATES: dict[smpp.ReceiptState, ReceivedState] = {
    smpp.ReceiptState.DELIVERED: "delivered",
    smpp.ReceiptState.EXPIRED: "expired",
    smpp.ReceiptState.FAILED: "failed",
    smpp.ReceiptState.UNKNOWN: "unknown",
}
UNLIMITED = 1e6
"""Messages a second: the gateway has kept the rate by then."""


class SmsSettings(TargetSettings):
    kind: Literal["sms"] = "sms"
    host: str = Field(min_length=1)
    port: int = Field(3550, ge=1, le=65535)
    tls: bool = True
    """Without it passwords and numbers are readable: only inside a VPN."""
    system_id: str = Field(min_length=1, max_length=15)
    password: SecretStr | None = None
    system_type: str = ""
    source: str = Field(min_length=1)
    """The sender that phones show: a number with its `+`, or at most 11 letters and digits."""
    ids: smpp.Ids = smpp.Ids.ALIKE
    """How the carrier writes a message's id in its answer and in its receipt."""
    to: tuple[Number, ...] = Field(min_length=1)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"tel:{one}" for one in self.to)


@dataclass(frozen=True, slots=True)
class SmsText:
    words: str
    until: datetime


class SmsTarget:
    """Sends over one link, which is opened again whenever it ends."""

    def __init__(self, settings: SmsSettings, clock: SecondsClock) -> None:
        self._settings = settings
        carrier = smpp.Carrier(
            name="sms", host=settings.host, port=settings.port,
            tls=ssl.create_default_context() if settings.tls else None, system_id=settings.system_id,
            password=settings.password.get_secret_value() if settings.password else "",
            system_type=settings.system_type, source=settings.source, ids=settings.ids, window=settings.at_once,
            rate_per_s=settings.rate_per_s or UNLIMITED, connect_s=settings.timeout_s, answer_s=settings.timeout_s / 2,
        )  # fmt: skip
        self.link = smpp.Link(carrier, smpp.World(now=lambda: datetime.fromtimestamp(clock(), UTC)))
        self._tell: ReceiptTaker | None = None

    def recipients(self, _notice: Notice) -> tuple[str, ...]:
        return self._settings.to

    def render(self, notice: Notice, until: datetime) -> SmsText:
        assert isinstance(notice, SmsNotice)  # noqa: S101 - the settings take no other channel
        return SmsText(notice.text, until)

    async def send(self, payload: SmsText, key: str, recipient: str) -> CallResult:
        """The time of a call is halved: to wait for room, and for the answer to what has left."""
        if not self.link.is_up:
            return Declined("login" if self.link.login_refused else "unreachable", self.link.down_because or "")
        sms = smpp.Sms(recipient, payload.words, payload.until, zlib.crc32(key.encode()) & 0xFFFF)
        try:
            attempt = await self.link.send(sms, self._settings.timeout_s / 2)
        except ValueError as error:
            return Declined("text", str(error), permanent=True)
        return _meaning(attempt.outcome)

    def tell_receipts(self, taker: ReceiptTaker | None) -> None:
        self._tell = taker

    async def run(self) -> None:
        """Keeps the link up until it is cancelled."""
        await self.link.run(self._take)

    async def _take(self, _carrier: str, item: smpp.Incoming) -> None:
        """What nobody takes at present the centre brings again."""
        receipt = item.receipt
        if receipt is None or not receipt.is_final:
            return
        if self._tell is None:
            item.bring_again()
        else:
            await self._tell(receipt.message_id, STATES[receipt.state], receipt.said.lower())


def _meaning(outcome: smpp.Submitted) -> CallResult:
    if isinstance(outcome, smpp.Taken):
        return Accepted(outcome.message_id)
    if isinstance(outcome, smpp.Unanswered):
        return Unanswered("no_answer", outcome.why)
    code = "unreachable" if outcome.status is None else f"smpp_{outcome.status:#04x}"
    return Declined(code, outcome.why, permanent=outcome.permanent)


@asynccontextmanager
async def opened(settings: SmsSettings, clock: SecondsClock) -> AsyncIterator[SmsTarget]:
    target = SmsTarget(settings, clock)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(target.run())
        try:
            yield target
        finally:
            running.cancel()


KIND = TargetKind(name="sms", order=40, settings=SmsSettings, channels=frozenset({"sms"}), opened=opened)
