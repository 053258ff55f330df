"""What all records share: how they are read and written, times and versions."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 11, 30, tzinfo=UTC)


def _with_room(moment: datetime) -> datetime:
    return moment if EARLIEST <= moment <= LATEST else min(max(moment, EARLIEST), LATEST)


Moment = Annotated[AwareDatetime, AfterValidator(_with_room)]
"""A time with offset. The first and the last that Python knows ("9999-12-31" for an end that is open) are moved so far
that each time zone can show them, and a month can be added."""
Localised = dict[str, str]
"""A text by language: "de" and "en" are always there."""


SCHEMA_VERSION = 1
"""Of the records that this release writes. During an upgrade both neighbours' are on the topics, so each is taken."""


class NewerRecordError(ValueError):
    """A newer release wrote a record in a way that this one cannot read: no fault of the record's."""

    def __init__(self, version: int, error: ValidationError) -> None:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        super().__init__(
            f"a newer release wrote this (schema_version {version}, here {SCHEMA_VERSION}): {what}; "
            "bring every process to the same release"
        )


def blame(value: bytes, error: ValidationError) -> ValueError:
    """Why bytes cannot be read: a newer release wrote them, or else what pydantic says."""
    try:
        version = dict(from_json(value)).get("schema_version", 0)
    except (ValueError, TypeError):
        return error
    newer = isinstance(version, int) and version > SCHEMA_VERSION
    return NewerRecordError(version, error) if newer else error


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    schema_version: int = Field(SCHEMA_VERSION, ge=0)

    @property
    def newer(self) -> bool:
        """Whether a newer release wrote it: it is taken as far as it is known here, and its reader says so."""
        return self.schema_version > SCHEMA_VERSION

    def to_bytes(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Raises pydantic's `ValidationError`, and `NewerRecordError`."""
        try:
            return cls.model_validate_json(value)
        except ValidationError as error:
            raise blame(value, error) from error


class Part(BaseModel):
    """A piece of a record."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


Timed = TypeVar("Timed", bound=BaseModel)


def in_utc(timed: Timed) -> Timed:
    """The same with every time in UTC: messages bring any offset, and readers of the API get one form."""
    changed: dict[str, Any] = {}
    for name, value in timed:
        if isinstance(value, datetime):
            changed[name] = value.astimezone(UTC)
        elif isinstance(value, tuple) and value and isinstance(value[0], Part):
            changed[name] = tuple(map(in_utc, value))
    return timed.model_copy(update=changed)


def utc(moment: datetime) -> str:
    """The form of a time inside ids and headers."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
