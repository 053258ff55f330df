"""What gateways write: what became of each notice, and how their targets are. Neither says anything of a person."""

from typing import Literal

from pydantic import Field

from warnsys.records.base import Moment, Part, Record

TargetState = Literal["up", "paused", "down"]
"""`paused`: it asked to be called later. `down`: it failed several times in a row, and is tried now and then."""


class DeliveryCounts(Record):
    """What became of one notice at one target, counted over its recipients."""

    stage: str
    exercise: bool
    gateway: str
    channel: str
    target: str
    id: str
    """The notice's; of a stele's record `CITY/DISTRICT`, for there is a new one each minute."""
    city: str
    level: int | None = None
    """None for a stele's record."""
    valid_until: Moment
    """Nothing is sent after it."""
    waiting: int = Field(0, ge=0)
    """Not yet sent, or to be sent again; `sending` included."""
    accepted: int = Field(0, ge=0)
    """The receiver took it over."""
    delivered: int = Field(0, ge=0)
    """A receipt said that it arrived."""
    failed: int = Field(0, ge=0)
    """Refused for good."""
    expired: int = Field(0, ge=0)
    """Not taken before `valid_until`."""
    stopped: int = Field(0, ge=0)
    """Waited when an operator stopped the channel."""
    unknown: int = Field(0, ge=0)
    """Sent, and nobody answered: it may have arrived."""
    calls: int = Field(0, ge=0)
    """How often a receiver was called for it."""
    code: str = ""
    """Why the newest call was not accepted, as a code."""
    at: Moment
    """When the newest of this happened, by the clock of the gateway's machine."""

    @property
    def key(self) -> str:
        return f"{self.id}|{self.gateway}|{self.target}"


class TargetStatus(Part):
    """How one target is."""

    name: str
    kind: str
    state: TargetState
    waiting: int
    oldest: Moment | None = None
    """When the notice was issued that waits longest."""
    accepted: Moment | None = None
    """When it last took one over."""
    code: str = ""
    """Why it did not take the last one, as a code; empty once it took one."""


class GatewayStatus(Record):
    """How a gateway is: it says so every few seconds, and at once where it changes."""

    stage: str
    gateway: str
    channel: str
    at: Moment
    stopped: bool
    """Whether an operator's order holds the channel back, in one city at least."""
    targets: tuple[TargetStatus, ...]

    @property
    def key(self) -> str:
        return self.gateway
