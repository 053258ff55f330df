"""A target: a receiver of notices, how one is rendered for it, how it is called, and what it may answer."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from warnsys.gateways import TargetSettings
from warnsys.records import Notice

P = TypeVar("P")
SecondsClock = Callable[[], float]
"""Gives the time in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receiver took it over."""

    id: str = ""
    """The receiver's own name for it, by which its receipts come; empty where it gives none."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The receiver does not have it, and is known not to."""

    code: str
    """Short and machine-readable; says nothing of a person, for it goes onto topics and into logs."""
    why: str = ""
    """In the receiver's words; stands in the ledger alone."""
    permanent: bool = False
    """Whether it would be refused again, however often it is sent."""
    after_s: float | None = None
    """In how many seconds the receiver wants to be called again; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """It was sent and nobody answered, so it may have arrived."""

    code: str
    why: str = ""


CallResult = Accepted | Declined | Unanswered


ReceivedState = Literal["delivered", "failed", "expired", "unknown"]
"""What a receipt may say of what was accepted."""


class ReceiptTaker(Protocol):
    """Takes a receipt; the receiver need not bring it again once this returns."""

    async def __call__(self, receipt: str, state: ReceivedState, code: str, /) -> None:
        """`receipt` is the receiver's name for what it accepted."""


@runtime_checkable
class TargetWithReceipts(Protocol):
    """A target that says later what became of what it accepted."""

    def tell_receipts(self, taker: ReceiptTaker | None, /) -> None:
        """Names who takes receipts from now on; None while nobody does."""


@runtime_checkable
class StandingTarget(Protocol):
    """A target that shows one picture made of many notices, and shows it until it is told another."""

    def resume(self, notices: Iterable[Notice], /) -> None:
        """Takes what it was to show when an earlier process ended, before anything is sent."""

    async def refresh(self) -> None:
        """Shows again what has to be shown again, and what has changed by time alone. Called every second.

        Raises nothing but `asyncio.CancelledError`.
        """


class Target(Protocol[P]):
    """A receiver that is called."""

    def recipients(self, notice: Notice, /) -> tuple[str, ...]:
        """Gives to whom a notice goes there; one empty name where the receiver itself knows."""

    def render(self, notice: Notice, until: datetime, /) -> P:
        """Gives what is sent: a function of the notice and of the time until which it counts, and of nothing else."""

    async def send(self, payload: P, key: str, recipient: str, /) -> CallResult:
        """Calls the receiver once. `key` is the notice's id: a receiver that knows it already takes it for a repeat.

        Raises nothing but `asyncio.CancelledError`.
        """


@dataclass(frozen=True, kw_only=True)
class TargetKind:
    """What a file of `warnsys.delivery.targets` says of itself."""

    name: str
    order: int
    settings: type[TargetSettings]
    """The keys of its table in the settings file."""
    channels: frozenset[str] | None = None
    """The channels whose notices it can render; None for all."""
    opened: Callable[[Any, SecondsClock], AbstractAsyncContextManager[Target[Any]]]
    """Opens a target with settings of its own kind, and the gateway's clock."""
