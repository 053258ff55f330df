"""What one message would do, for people who look at single files: `warnsys match`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from geofences import Match
from warnsys.cap import CapError, Member, level, read_bundle
from warnsys.cap.dwd import without_language
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.disk import content_of
from warnsys.records import AlertHeaders, Meaning, Outcome
from warnsys.settings import LIVE
from warnsys.warning.matching import Decision, Matcher, live_at

ZIP_MAGIC = b"PK"


@dataclass(frozen=True)
class Explained:
    """One message and its decision."""

    file: str
    identifier: str
    decision: Decision

    def plain(self, zone: ZoneInfo) -> dict[str, Any]:
        """As plain values, one object an alert. `matches` are the warned districts, `unmatched` the others."""
        alert, outcome = self.decision.alert, self.decision.outcome
        info = max(alert.infos, key=lambda i: level(i.severity), default=None) if alert else None
        return {
            "file": self.file,
            "identifier": self.identifier,
            "status": alert.status if alert else None,
            "msg_type": alert.msg_type if alert else None,
            "event": info.event if info else None,
            "severity": info.severity if info else None,
            "urgency": info.urgency if info else None,
            "outcome": outcome.decided,
            "reason": outcome.reason,
            "text": [text(meaning, zone) for meaning in outcome.meanings],
            "findings": list(outcome.findings),
            "matches": [_plain(match) for match in self.decision.matches if match.matched],
            "unmatched": [_plain(match) for match in self.decision.matches if not match.matched],
        }


def explain(path: Path, matcher: Matcher, at: datetime | None, stage: str = LIVE) -> Iterator[Explained]:
    """Decide every message of a CAP file or ZIP, each judged at `at`, or at its own `sent`. Raises `OSError`."""
    for name, member in _members(path):
        identifier = without_language(member.stem)
        headers = AlertHeaders(stage=stage, source="file", id=identifier, seen=datetime.fromtimestamp(0, UTC))
        if member.error:
            decision = matcher.refuse(headers, member.error)
        else:
            decision = _judged(matcher.decide_bytes(member.body, headers), at)
        yield Explained(name, decision.alert.identifier if decision.alert else identifier, decision)


def _members(path: Path) -> Iterator[tuple[str, Member]]:
    content = content_of(path)
    if not content.startswith(ZIP_MAGIC):
        yield str(path), Member(path.name, content)
        return
    try:
        for member in read_bundle(content):
            yield f"{path}/{member.name}", member
    except CapError as error:
        yield str(path), Member(path.name, b"", error)


def _judged(decision: Decision, at: datetime | None) -> Decision:
    """What has expired at that time warns nobody."""
    outcome = decision.outcome
    if outcome.sent is None or not outcome.meanings:
        return decision
    moment = at or outcome.sent
    if any(live_at(meaning, moment) for meaning in outcome.meanings):
        return decision
    ended = max(meaning.expires for meaning in outcome.meanings if meaning.expires)
    over = Outcome.model_validate(
        {**dict(outcome), "decided": "not_live", "reason": f"expired {ended.isoformat()}", "meanings": ()}
    )
    return replace(decision, outcome=over, found=())


def _plain(match: Match) -> dict[str, Any]:
    return {
        "district": match.district.id,
        "name": match.district.name,
        "share": match.share,
        "via": match.via,
        "reason": match.reason,
    }


def text(meaning: Meaning, zone: ZoneInfo) -> str:
    """What a meaning says, in one German line."""
    height = wording.heights(meaning, [impact.district for impact in meaning.impacts]).get("de", "")
    period = wording.period(meaning.onset, meaning.expires, zone)["de"]
    said = f"{wording.label(meaning)['de']}: {event_name(meaning)['de']}"
    return ", ".join(part for part in (said, height, period) if part)
