"""What a gateway asks of a notice: until when it may be sent, what must not overtake it, and who goes first."""

from datetime import datetime, timedelta

from warnsys.channels.push import ENDED_TTL_S, LONGEST_TTL_S
from warnsys.records import Notice, PushNotice, SteleRecord

Precedence = tuple[bool, bool, int]
"""Smaller goes first: Extreme, then staff, then the higher level."""


def valid_until(notice: Notice) -> datetime:
    """Gives the time after which a notice is not sent any more."""
    if isinstance(notice, SteleRecord):
        return notice.valid_until
    if isinstance(notice, PushNotice):
        return notice.issued + timedelta(seconds=notice.ttl_s)
    if notice.kind == "ended":
        return notice.issued + timedelta(seconds=ENDED_TTL_S)
    longest = notice.issued + timedelta(seconds=LONGEST_TTL_S)
    return longest if notice.expires is None else min(notice.expires, longest)


def subject(notice: Notice) -> str:
    """Gives what a notice is about. Notices of one subject go to a recipient in their order."""
    if isinstance(notice, SteleRecord):
        return f"{notice.city}/{notice.district}"
    return f"{notice.city}/{notice.audience}/{notice.group}"


def precedence(notice: Notice) -> Precedence:
    if isinstance(notice, SteleRecord):
        worst = max((item.level for item in notice.items if item.phase != "expired"), default=0)
        return worst < 4, True, -worst
    return notice.severity != "Extreme", notice.audience != "staff", -notice.level


def makes_needless(newer: Notice, older: Notice) -> bool:
    """Says whether a notice makes an older one of its subject needless: it says all that holds."""
    return isinstance(newer, SteleRecord) and isinstance(older, SteleRecord)


def ends(newer: Notice, older: Notice) -> bool:
    """Says whether a notice tells that what an older one of its subject warned of has ended, wherever that warned."""
    if isinstance(newer, SteleRecord) or isinstance(older, SteleRecord) or newer.kind != "ended":
        return False
    return older.kind != "ended" and not older.advance and set(older.districts) <= set(newer.districts)
