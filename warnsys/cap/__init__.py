"""CAP 1.2 and the DWD profile: bytes in, `Alert` or a reasoned error out."""

from warnsys.cap.bundle import Member, read_bundle
from warnsys.cap.errors import BadBundle, CapError, Misleading, NotCap, Unsafe
from warnsys.cap.model import Alert, Area, Circle, Finding, Info, Reference, Resource, level
from warnsys.cap.read import read_alert

__all__ = [
    "Alert",
    "Area",
    "BadBundle",
    "CapError",
    "Circle",
    "Finding",
    "Info",
    "Member",
    "Misleading",
    "NotCap",
    "Reference",
    "Resource",
    "Unsafe",
    "level",
    "read_alert",
    "read_bundle",
]
