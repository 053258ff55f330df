"""What stands on `ops.actions`: orders of operators, and what the processes answer and note there."""

from datetime import UTC, timedelta
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from warnsys.records.base import Moment, Record
from warnsys.records.pausable import PausableChannel

Role = Annotated[str, Field(pattern=r"^[A-Za-z0-9ÄÖÜäöüß ._-]{1,40}$")]
"""A shift or a desk, such as "Leitstelle A"; never a person's name."""


class Acknowledgement(Record):
    """Somebody has seen a warning in a city at its present level; a raise has to be seen again."""

    kind: Literal["acknowledged"] = "acknowledged"
    stage: str
    city: str
    base_id: str
    level: int = Field(ge=1, le=4)
    by: Role
    at: Moment

    @property
    def key(self) -> str:
        return acknowledgement_key(self.city, self.base_id, self.level)


def acknowledgement_key(city: str, base_id: str, level: int) -> str:
    return f"ack/{city}/{base_id}/{level}"


LONGEST_STOP = timedelta(hours=24)
"""A forgotten stop ends by itself."""


class ChannelPause(Record):
    """A channel is held back until `until`, Extreme included; it is resumed where that is not later than `at`."""

    kind: Literal["stop"] = "stop"
    stage: str
    channel: PausableChannel
    reason: str = Field(min_length=1, max_length=200)
    until: Moment
    by: Role
    at: Moment

    @property
    def key(self) -> str:
        return f"stop/{self.channel}"


class Reminder(Record):
    """The webhook was told that nobody has acknowledged a warning; it is told once."""

    kind: Literal["reminder"] = "reminder"
    stage: str
    city: str
    base_id: str
    level: int = Field(ge=1, le=4)
    at: Moment

    @property
    def key(self) -> str:
        return reminder_key(self.city, self.base_id, self.level)


def reminder_key(city: str, base_id: str, level: int) -> str:
    return f"reminder/{city}/{base_id}/{level}"


class ChannelState(Record):
    """What the agent of a city says of a channel: whether it is held back there, by the order of which time.

    An order counts for a city once its agent has said so; until then it was asked for only.
    """

    kind: Literal["channel"] = "channel"
    stage: str
    city: str
    channel: PausableChannel
    ordered: Moment
    """`at` of the order that it answers."""
    until: Moment
    stopped: bool
    at: Moment
    """By the city's time."""

    @property
    def key(self) -> str:
        return f"channel/{self.city}/{self.channel}"


class AuditHead(Record):
    """The newest hash of the audit at a time: whoever writes its files anew would have to write this anew, too."""

    kind: Literal["audit-head"] = "audit-head"
    stage: str
    number: int = Field(ge=0)
    """Of the entry."""
    head: str = Field(pattern=r"^[0-9a-f]{64}$")
    at: Moment

    @property
    def key(self) -> str:
        """The last one of each day is kept."""
        return f"audit-head/{self.at.astimezone(UTC).date()}"


Action = Acknowledgement | ChannelPause | Reminder
"""What an operator, or the web process for one, puts there."""
OnActions = Action | ChannelState | AuditHead
_action: TypeAdapter[OnActions] = TypeAdapter(Annotated[OnActions, Field(discriminator="kind")])


def read_action(value: bytes) -> OnActions:
    """A record of `ops.actions`. Raises pydantic's `ValidationError`."""
    return _action.validate_json(value)
