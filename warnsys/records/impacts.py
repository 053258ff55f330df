"""What stands on `warn.impacts`: how each alert was decided, and the time."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from warnsys.cap.model import Certainty, MsgType, Severity, Urgency
from warnsys.records.actions import ChannelPause
from warnsys.records.base import Moment, Part, Record, blame
from warnsys.records.feed import Snapshot

Decided = Literal["matched", "no_district", "not_live", "rejected"]


class Text(Part):
    """What an alert says in one language, as its author wrote it unless `shortened`."""

    event: str
    headline: str
    description: str
    instruction: str
    shortened: bool = False
    dir: Literal["ltr", "rtl"] = "ltr"
    """In which direction it is written: "rtl" for Arabic, Persian, Hebrew, Urdu and others."""


class Impact(Part):
    """One alert on one district."""

    city: str
    district: str
    via: Literal["cell", "area"]
    share: float | None = None
    """Part of the district's area inside the alert's outlines, 0 to 1, rounded to 1e-6."""
    reason: str
    floor_m: float | None = None
    ceiling_m: float | None = None


class Meaning(Part):
    """What an alert warns of: the infos that differ in language only."""

    ii: str = ""
    group: str
    worded: bool | None = None
    """Whether the group hangs on the event's wording; False where a code says it, None for the DWD's."""
    own: str | None = None
    """The group that the message itself has, where what it replaces was told under another."""
    category: str | None = None
    """CAP's category, where it is not weather (Met)."""
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    onset: Moment
    """When it begins: onset, else effective, else sent (CAP 1.2, 3.2.2)."""
    expires: Moment | None = None
    texts: dict[str, Text]
    """By primary language subtag."""
    parameters: tuple[tuple[str, str], ...] = ()
    sender_name: str = ""
    web: str = ""
    impacts: tuple[Impact, ...] = ()

    @property
    def advance(self) -> bool:
        return self.urgency == "Future"


class Outcome(Record):
    """How one CAP message was decided, and what it means for the cities of one partition."""

    kind: Literal["outcome"] = "outcome"
    stage: str
    source: str
    listed_id: str
    base_id: str
    decided: Decided
    reason: str
    rules: str
    """Version of the geofences (and thresholds) it was decided with."""
    stamp: Moment | None = None
    doubt: bool | None = None
    """Whether the answer that it came with is in doubt: it warns where it is new, and its stamp says nothing."""
    alone: bool | None = None
    """Whether one clock alone gave its stamp: where it is new it counts as listed now, too, whatever that says."""
    replaced: bool | None = None
    """Whether another message of the listing that it came with ends or replaces it: then it is no news."""
    sent: Moment | None = None
    sender: str = ""
    digest: str | None = None
    """Of what it says, in whatever form: the same message with another one was revised."""
    msg_type: MsgType | None = None
    supersedes: tuple[str, ...] = ()
    meanings: tuple[Meaning, ...] = ()
    left_out: int | None = None
    """How many meanings the message had beyond these, none worse; None for none."""
    findings: tuple[str, ...] = ()


class Tick(Record):
    """The time. In a live stage it is one clock of several (`warnsys.warning.clock`), elsewhere it is the time."""

    kind: Literal["tick"] = "tick"
    stage: str
    at: Moment
    """In a live stage by the clock of the worker's machine."""
    process: str | None = None
    """Which process sent it: a name by chance."""
    monotonic: float | None = None
    """Seconds on a clock of its machine that nobody sets; comparable within one process."""
    appended: Moment | None = Field(None, exclude=True)
    """The broker's stamp, where it counts: who takes it from a live topic sets it, and it is never sent."""


ImpactRecord = Outcome | Snapshot | Tick | ChannelPause
"""What stands on `warn.impacts`."""
_said: TypeAdapter[ImpactRecord] = TypeAdapter(Annotated[ImpactRecord, Field(discriminator="kind")])


def read_impact_record(value: bytes) -> ImpactRecord:
    """A record of `warn.impacts`. Raises pydantic's `ValidationError`, and `NewerRecordError`."""
    try:
        return _said.validate_json(value)
    except ValidationError as error:
        raise blame(value, error) from error
