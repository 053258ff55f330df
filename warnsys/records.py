"""What stands on the topics: the contract with everybody else, as JSON.

Readers ignore fields that they do not know; a field changes its meaning only with a new `schema_version`. Times are
absolute, with offset. `exercise` marks everything that does not come from a live stage.

    cap.alerts    bytes of a CAP message, or a `Snapshot`; headers say which (`AlertHeaders`)
    cap.extreme   the same, for messages that call themselves Extreme
    warn.impacts  `Outcome`, `Snapshot`, `Tick`, `Stop`
    warn.stele    `SteleRecord`       warn.push  `PushNotice`       warn.sms  `SmsNotice`
    ops.actions   `Acknowledgement`, `Stop`, `Reminder`, `ChannelState`, `AuditHead`
    feed.status   `FeedStatus`        warn.rejected  the bytes, with headers `stage_of_work`, `reason`, …
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from warnsys.cap.model import Certainty, MsgType, Severity, Urgency
from warnsys.cap.quantities import Quantity

Decided = Literal["matched", "no_district", "not_live", "rejected"]
Audience = Literal["public", "staff"]
NoticeKind = Literal["warn", "update", "lowered", "ended"]
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


class AlertHeaders(Part):
    """Headers of a CAP message on `cap.alerts`; all values travel as UTF-8 text."""

    kind: Literal["alert"] = "alert"
    stage: str
    source: str
    id: str
    """As snapshots list it: the member's name without language and `.xml`."""
    stamp: Moment | None = None
    """The server's stamp of the snapshot that it came with; none from a source without snapshots."""
    seen: Moment
    """When the feed first held it."""
    doubt: bool | None = None
    """Set where the answer that it came with had a time that is not believed: then its stamp is the feed's own."""


VERSION = "schema_version"
"""Header of what a feed publishes: which release wrote it."""


MOST_HEADER = 500
"""Characters of what a message's headers say: as many as an identifier may have."""


def read_alert_headers(headers: Mapping[str, str]) -> AlertHeaders:
    """Raises pydantic's `ValidationError`, `NewerRecordError`, and ValueError where one is longer than any real one."""
    for name in AlertHeaders.model_fields:
        if len(headers.get(name, "")) > MOST_HEADER:
            raise ValueError(f"header {name} of {len(headers[name])} characters, at most {MOST_HEADER} are taken")
    try:
        return AlertHeaders.model_validate(headers)
    except ValidationError as error:
        version = headers.get(VERSION, "")
        if version.isascii() and version.isdigit() and len(version) < 10 and int(version) > SCHEMA_VERSION:
            raise NewerRecordError(int(version), error) from error
        raise


# -- warn.impacts ---------------------------------------------------------------------------------------------------


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
    sent: Moment | None = None
    sender: str = ""
    msg_type: MsgType | None = None
    supersedes: tuple[str, ...] = ()
    meanings: tuple[Meaning, ...] = ()
    left_out: int | None = None
    """How many meanings the message had beyond these, none worse; None for none."""
    findings: tuple[str, ...] = ()


class Snapshot(Record):
    """Everything that a source said was valid at one time."""

    kind: Literal["snapshot"] = "snapshot"
    stage: str
    source: str
    stamp: Moment
    """The server's time of it; snapshots are ordered and aged by nothing else."""
    checked: Moment
    """When it was looked at, by the clock of the feed's machine."""
    ids: tuple[str, ...]
    date: Moment | None = None
    """When it was looked at by the server's clock, its `Date`; None where it said none."""


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


# -- ops.actions ----------------------------------------------------------------------------------------------------

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


class Stop(Record):
    """A channel is held back until `until`, Extreme included; it is resumed where that is not later than `at`."""

    kind: Literal["stop"] = "stop"
    stage: str
    channel: Literal["push", "sms"]
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
    channel: Literal["push", "sms"]
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


Action = Acknowledgement | Stop | Reminder
"""What an operator, or the web process for one, puts there."""
OnActions = Action | ChannelState | AuditHead
_action: TypeAdapter[OnActions] = TypeAdapter(Annotated[OnActions, Field(discriminator="kind")])


def read_action(value: bytes) -> OnActions:
    """A record of `ops.actions`. Raises pydantic's `ValidationError`."""
    return _action.validate_json(value)


Said = Outcome | Snapshot | Tick | Stop
"""What stands on `warn.impacts`."""
_said: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="kind")])


def read_impact_record(value: bytes) -> Said:
    """A record of `warn.impacts`. Raises pydantic's `ValidationError`, and `NewerRecordError`."""
    try:
        return _said.validate_json(value)
    except ValidationError as error:
        raise blame(value, error) from error


# -- channels -------------------------------------------------------------------------------------------------------

DistrictStatus = Literal["warned", "unconfirmed", "clear", "no_data"]
"""`unconfirmed`: what was warned has expired, and no later complete snapshot has confirmed the end."""
Freshness = Literal["fresh", "incomplete", "stale", "none"]
Presentation = Literal["tile", "banner", "full"]


class Measure(Part):
    """One parameter of a warning as a quantity, and in words: "Böen um 55 km/h"."""

    quantity: Quantity
    words: Localised


class SteleItem(Part):
    """One warning that holds in a district."""

    base_id: str
    phase: Literal["advance", "warning", "expired"]
    level: int
    """1 to 4, as DWD counts."""
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    group: str
    ii: str = ""
    presentation: Presentation
    label: Localised
    """The level's official name and number."""
    event: Localised
    when: Localised
    height: Localised = {}
    onset: Moment
    expires: Moment | None = None
    texts: dict[str, Text]
    quantities: tuple[tuple[str, str], ...] = ()
    """Name and value as in the message."""
    measures: tuple[Measure, ...] = ()
    """The same, read."""
    credit: Localised
    via: Literal["cell", "area"]
    share: float | None = None
    floor_m: float | None = None
    ceiling_m: float | None = None
    """Heights above sea level between which it holds; None for no limit."""


class SteleRecord(Record):
    """The complete present state of one district, worst first. After `valid_until` a reader shows "no data"."""

    id: str
    stage: str
    exercise: bool
    city: str
    district: str
    district_name: str
    status: DistrictStatus
    freshness: Freshness
    as_of: Moment | None = None
    """Stamp of the newest snapshot: "Stand …"."""
    issued: Moment
    valid_until: Moment
    summary: Localised
    items: tuple[SteleItem, ...]
    more: int = 0
    """How many further warnings hold, none worse than these: a record holds a hundred, and 3 MiB of texts."""


class _Notice(Record):
    id: str
    stage: str
    exercise: bool
    city: str
    audience: Audience
    kind: NoticeKind
    reason: str
    """What changed, short and machine-readable."""
    cause: str
    """Base id of the message that caused it."""
    issued: Moment
    level: int
    severity: Severity
    group: str
    districts: tuple[str, ...]
    onset: Moment
    expires: Moment | None = None
    more: int | None = None
    """How many further ones of this kind it stands for, none worse, that are not told one by one; None for none."""


class PushNotice(_Notice):
    """One material change for one audience."""

    title: Localised
    body: Localised
    link: str
    ttl_s: int
    urgency: Literal["normal", "high"]
    """As Web Push has it (RFC 8030, 5.3)."""
    collapse_key: str
    """A later notice with the same key may replace this one on the phone: a hash over stage, city, audience and event
    group, 32 characters of base64url, fit as Topic of Web Push (RFC 8030, 5.4) and as the like of Apple and Google."""


class SmsNotice(_Notice):
    """One material change for one audience, within 160 GSM-7 characters."""

    text: str


Notice = SteleRecord | PushNotice | SmsNotice


class FeedStatus(Record):
    """The last look at a source."""

    stage: str
    source: str
    looked: Moment
    stamp: Moment | None = None
    ids: int = 0
    unreadable: int = 0
    error: str = ""
    archive_error: str = ""
    """Why this feed's snapshots are not archived at present, where they should be."""
    clock_error: str = ""
    """What is wrong with the clock of the feed's machine or of the server, in a sentence; what is right counts."""


def utc(moment: datetime) -> str:
    """The form of a time inside ids and headers."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
