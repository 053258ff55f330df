"""What operators do, as records on the topic `ops.actions`: so that every dashboard shows it, and none keeps it alone.

An acknowledgement holds for an incident at a level in a city; a raise opens it again. A stop holds back a channel until
its end, Extreme included. Records carry a role or shift code, never a name.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from warnsys.records import Record

Role = Annotated[str, Field(pattern=r"^[A-Za-z0-9ÄÖÜäöüß ._-]{1,40}$")]
"""Of a shift or desk, such as "Leitstelle A"."""


class Acknowledgement(Record):
    kind: Literal["acknowledged"] = "acknowledged"
    stage: str
    city: str
    base_id: str
    level: int = Field(ge=1, le=4)
    by: Role
    at: AwareDatetime

    @property
    def key(self) -> str:
        return acknowledgement_key(self.city, self.base_id, self.level)


class Stop(Record):
    """A channel held back until `until`; resumed where that is not later than `at`."""

    kind: Literal["stop"] = "stop"
    stage: str
    channel: Literal["push", "sms"]
    reason: str = Field(min_length=1, max_length=200)
    until: AwareDatetime
    by: Role
    at: AwareDatetime

    @property
    def key(self) -> str:
        return f"stop/{self.channel}"


Action = Annotated[Acknowledgement | Stop, Field(discriminator="kind")]
_action: TypeAdapter[Acknowledgement | Stop] = TypeAdapter(Action)


def read_action(value: bytes) -> Acknowledgement | Stop:
    """A record of `ops.actions`. Raises pydantic's `ValidationError`."""
    return _action.validate_json(value)


def acknowledgement_key(city: str, base_id: str, level: int) -> str:
    return f"ack/{city}/{base_id}/{level}"
