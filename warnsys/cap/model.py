"""An alert as CAP 1.2 defines it, in values that cannot change.

Names are the standard's (OASIS CAP 1.2, section 3.2) in Python's spelling. Rings are (lon, lat) in degrees, as GeoJSON
and shapely have them; CAP writes lat,lon, and the reader turns them round once. Altitudes stay in feet here, as CAP
has them, with metres beside them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
MsgType = Literal["Alert", "Update", "Cancel", "Ack", "Error"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]

Ring = tuple[tuple[float, float], ...]
"""A closed ring of (lon, lat) degrees."""

METRES_PER_FOOT = 0.3048

Named = tuple[tuple[str, str], ...]
"""(valueName, value) pairs in the message's order; names may repeat."""


def values(pairs: Named, name: str) -> tuple[str, ...]:
    """All values that stand under a name."""
    return tuple([value for key, value in pairs if key == name])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a message worth telling; the message is taken all the same."""

    code: str
    """One of `warnsys.cap.codes`, which says its level."""
    where: str
    """Path of the element, as an XPath without namespaces."""
    text: str


@dataclass(frozen=True, slots=True)
class Circle:
    lon: float
    lat: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Area:
    desc: str
    polygons: tuple[Ring, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: Named = ()
    excluded: tuple[Ring, ...] = ()
    """Holes of the polygons: DWD's geocode EXCLUDE_POLYGON (profile 2.1), not standard CAP."""
    altitude_ft: float | None = None
    ceiling_ft: float | None = None

    @property
    def altitude_m(self) -> float | None:
        return None if self.altitude_ft is None else self.altitude_ft * METRES_PER_FOOT

    @property
    def ceiling_m(self) -> float | None:
        return None if self.ceiling_ft is None else self.ceiling_ft * METRES_PER_FOOT


@dataclass(frozen=True, slots=True)
class Resource:
    desc: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    language: str = "en-US"
    """RFC 3066; en-US where the message says nothing (CAP 1.2, 3.2.2)."""
    categories: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: Named = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: Named = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()
    altered: bool = field(default=False, compare=False)
    """Whether markup was taken out of its texts: of the bytes that were read, not of what they say."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A message that this one replaces: sender, identifier and sent, of which only the identifier is sure."""

    identifier: str
    sender: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: str = ""
    infos: tuple[Info, ...] = ()
    findings: tuple[Finding, ...] = ()


SEVERITIES: tuple[Severity, ...] = ("Minor", "Moderate", "Severe", "Extreme")


def level(severity: Severity) -> int:
    """1 to 4, as DWD counts its levels. Unknown counts as Moderate: too weak would be the worse guess."""
    return _LEVELS[severity]


_LEVELS = {"Unknown": 2, **{severity: number for number, severity in enumerate(SEVERITIES, start=1)}}


def worst_level(infos: Iterable[Info]) -> int:
    """The highest level of several infos, 0 for none."""
    return max((level(info.severity) for info in infos), default=0)
