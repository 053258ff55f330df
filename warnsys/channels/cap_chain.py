"""Under which identifiers the CAP alerts of a district say what holds there, one after the other.

A city's agent names them, for it alone remembers. So every web process gives the same alert the same identifier, also
one that was just started. An alert refers to all before it that it replaces: who asks seldom has missed some.
"""

import hashlib

from warnsys.channels import stele
from warnsys.records import CapMessage, utc
from warnsys.warning.city import SteleSent
from warnsys.warning.notify import notice_id
from warnsys.warning.situation import DistrictSituation

MOST_ALERTS = 12
"""Of a district, that the newest one knows of."""
CapChain = tuple[CapMessage, ...]
"""The newest first."""


def after(
    last: SteleSent | None, shared: stele.Shared, district: DistrictSituation, stage: str
) -> tuple[str, CapChain]:
    """Gives a digest of what holds in a district, and its chain.

    The chain grows if something else holds than its newest alert says, and when a complete listing confirms that
    nothing holds any more. What has expired and is not yet confirmed changes nothing.
    """
    before, chain = (last.holds or "", last.cap or ()) if last else ("", ())
    holds = _digest(shared, district)
    if holds == before or (not holds and district.status != "clear"):
        return before, chain
    previous = chain[0].identifier if chain else ""
    now = max([shared.situation.now, *(one.sent for one in chain[:1])])
    identifier = notice_id(stage, district.district, "cap", "public", holds, previous, utc(now))
    earlier = chain if before else ()
    return holds, (CapMessage(identifier=identifier, sent=now), *earlier)[:MOST_ALERTS]


def _digest(shared: stele.Shared, district: DistrictSituation) -> str:
    """Changes with the message, its languages and the rules that matched it; not with freshness, nor with loudness."""
    holding = [
        (one.fact.base_id, one.fact.rules, one.meaning.ii, sorted(one.meaning.texts), one.phase, one.impact.reason)
        for one in stele.shown(shared, district)
        if one.phase != "expired"
    ]
    return hashlib.sha256(repr(sorted(holding)).encode()).hexdigest()[:16] if holding else ""
