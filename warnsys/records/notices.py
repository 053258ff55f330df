"""What the channels get: a stele's whole state, and the notices of push and SMS."""

from collections.abc import Iterable
from typing import Literal

from warnsys.cap.model import Certainty, Severity, Urgency
from warnsys.cap.quantities import Quantity
from warnsys.records.base import Localised, Moment, Part, Record
from warnsys.records.impacts import Text

Audience = Literal["public", "staff"]
NoticeKind = Literal["warn", "update", "lowered", "ended"]
DistrictStatus = Literal["warned", "unconfirmed", "clear", "no_data"]
"""`unconfirmed`: what was warned has expired, and no later complete snapshot has confirmed the end."""
Freshness = Literal["fresh", "incomplete", "stale", "none"]
Presentation = Literal["tile", "banner", "full"]
"""From the least to the loudest."""


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
    category: str | None = None
    """CAP's category, where it is not weather (Met)."""
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


def worst_of(items: Iterable[SteleItem]) -> SteleItem | None:
    """The warning of the highest level that has not expired; where only advance notices stand, the worst of these."""
    standing = [one for one in items if one.phase != "expired"]
    return max(standing, key=lambda one: (one.phase != "advance", one.level), default=None)


class CapMessage(Part):
    """One CAP alert of ours: what it is called, and since when it says what holds."""

    identifier: str
    sent: Moment


class SteleRecord(Record):
    """The complete present state of one district. After `valid_until` a reader shows "no data".

    First stands what is shown largest: what policy presents loudest, of several what is in force, then the worst.
    """

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
    """How many further warnings hold, none louder than the first or worse than the rest: a record holds a hundred,
    and 3 MiB of texts."""
    cap: tuple[CapMessage, ...] = ()
    """The CAP alert that says this (`/api/v1/districts/{district}/cap`), then those before it, the newest first."""


class ChangeNotice(Record):
    """One material change for one audience, in the words of one channel; the channel's own record adds to it."""

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
    advance: bool | None = None
    """True where it tells of an advance notice, or of the end of one; None for a warning, and in records of a release
    that did not say."""
    districts: tuple[str, ...]
    onset: Moment
    expires: Moment | None = None
    more: int | None = None
    """How many further ones of this kind it stands for, none worse, that are not told one by one; None for none."""


class PushNotice(ChangeNotice):
    """One material change for one audience."""

    title: Localised
    body: Localised
    link: str
    ttl_s: int
    urgency: Literal["normal", "high"]
    """As Web Push has it (RFC 8030, 5.3)."""
    collapse_key: str
    """A later notice with the same key may replace this one on the phone: a hash over stage, city, audience, event
    group and districts, 32 characters of base64url, fit as Topic of Web Push (RFC 8030, 5.4) and as the like of Apple
    and Google."""


class SmsNotice(ChangeNotice):
    """One material change for one audience, within 160 GSM-7 characters."""

    text: str
    language: str | None = None
    """In which language it is; None for German."""
    part: int | None = None
    """2 for a second message, which says what to do; None for the first or only one."""


Notice = SteleRecord | ChangeNotice
"""What stands on the channels' topics; each channel has a class of its own (`warnsys.channels.registry`)."""
