"""What is worth an entry, and what stands in it: every decision with its reason, and nothing that names a person.

Feeds publish everything current every ten minutes and steles are sent every minute, so what only repeats what is
written already is left out; `Memory` knows that, and is made again from the entries themselves. Texts are left out,
too: messages may name anybody. The SHA-256 of a notice proves what was said, and a replay of the archive says it again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from warnsys.audit.chain import OPENED, Entry
from warnsys.channels.registry import read
from warnsys.records import (
    Acknowledgement,
    ChangeNotice,
    ChannelPause,
    ChannelState,
    Meaning,
    OnActions,
    Outcome,
    SteleRecord,
    read_action,
    read_impact_record,
)
from warnsys.settings import LIVE
from warnsys.warning.policy import Policy, Rule

KEPT = timedelta(days=3)
TopicKind = str
"""`impacts`, `rejected`, `actions`, or the name of a channel."""


@dataclass(frozen=True, slots=True)
class Stood:
    """A record as it stood on its topic."""

    kind: TopicKind
    topic: str
    partition: int
    offset: int
    at: datetime
    key: str
    value: bytes | None
    headers: Mapping[str, str]

    @property
    def line(self) -> str:
        return f"{self.topic}/{self.partition}"

    @property
    def place(self) -> str:
        return f"{self.line}@{self.offset}"


@dataclass
class Memory:
    """How far each partition was read, and what was written last of everything that repeats itself."""

    next: dict[str, int] = field(default_factory=dict)
    """By `topic/partition`, the offset to go on from."""
    last: dict[str, list[str]] = field(default_factory=dict)
    """By what it is about: when something was written of it last, and its digest."""
    stops: dict[str, Entry] = field(default_factory=dict)
    """By partition and channel, the newest order to stop or resume it."""

    def take(self, entry: Entry) -> None:
        """Learn from an entry that is written."""
        if entry["what"] == OPENED:
            self.next, self.last, self.stops = dict(entry["next"]), dict(entry["last"]), dict(entry["stops"])
            return
        if entry["what"] == "gap":
            self.next[entry["line"]] = entry["goes_on_at"]
            return
        line, _, offset = entry["place"].rpartition("@")
        self.next[line] = int(offset) + 1
        if about := about_of(entry):
            self.last[about] = [entry["at"], digest_of(entry)]
        if entry["what"] in ("stopped", "resumed"):
            self.stops[f"{line}/{entry['channel']}"] = entry

    def plain(self) -> Entry:
        """For the entry that begins a day. What was not written of for days is forgotten: it would be written again."""
        newest = max((at for at, _ in self.last.values()), default="")
        oldest = (datetime.fromisoformat(newest) - KEPT).isoformat() if newest else ""
        self.last = {about: one for about, one in self.last.items() if one[0] > oldest}
        return {"next": dict(self.next), "last": dict(self.last), "stops": dict(self.stops)}


def about_of(entry: Entry) -> str:
    """What an entry is about, where only a change of it is worth another."""
    match entry["what"]:
        case "decided":
            line, _, _ = entry["place"].rpartition("@")
            return f"decided {line} {entry['source']} {entry['listed_id']}"
        case "shown" | "removed":
            return f"shown {entry['district']}"
        case "rejected":
            return f"rejected {entry['agent']} {entry['sha256']}"
        case "applied":
            return f"applied {entry['city']} {entry['channel']}"
    return ""


def digest_of(entry: Entry) -> str:
    """Of its content, without when and where it stood, and without what others ordered about the channels."""
    kept = {name: value for name, value in entry.items() if name not in _ASIDE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


_ASIDE = ("n", "at", "place", "stood", "prev", "hash", "channels", "sha256", "id")


@dataclass
class Auditor:
    """Makes entries of records. `cities` are those of each partition: orders are noted where they have an effect."""

    stage: str
    policy: Policy
    cities: Mapping[int, tuple[str, ...]]
    memory: Memory = field(default_factory=Memory)

    def note(self, record: Stood) -> Entry | None:
        """The entry of a record, None where it says nothing new. Never raises for what stands in it (docs/adr/0016)."""
        if record.offset < self.memory.next.get(record.line, 0):
            return None
        self.memory.next[record.line] = record.offset + 1
        try:
            said = self._said(record)
        except MemoryError:
            raise
        except Exception as error:
            said = {"what": "unreadable", "why": type(error).__name__, "sha256": _sha256(record.value)}
        if said is None:
            return None
        at = record.at.astimezone(UTC).isoformat(timespec="milliseconds")
        entry = {"what": said.pop("what"), "at": at, "place": record.place, **said}
        about = about_of(entry)
        if about and self.memory.last.get(about, ["", ""])[1] == digest_of(entry):
            return None
        self.memory.take(entry)
        return entry

    def _said(self, record: Stood) -> Entry | None:
        value = record.value
        match record.kind:
            case "impacts" if value:
                return self._impact(record, value)
            case "stele":
                return _shown(SteleRecord.from_bytes(value)) if value else {"what": "removed", "district": record.key}
            case "rejected":
                return _rejected(record)
            case "actions" if value:
                action = read_action(value)
                return _on_actions(action)
            case channel if value and isinstance(notice := read(channel, value), ChangeNotice):
                return _told(channel, notice, value)
        return None

    def _impact(self, record: Stood, value: bytes) -> Entry | None:
        if b'"kind":"tick"' in value[:200] or b'"kind":"snapshot"' in value[:200]:
            return None
        said = read_impact_record(value)
        if said.stage != self.stage:
            raise ValueError("foreign stage")
        match said:
            case ChannelPause() if record.partition in self.cities:
                return self._ordered(record, said)
            case Outcome() if said.meanings or (said.decided != "matched" and record.partition == 0):
                return self._decided(record, said)
        return None

    def _ordered(self, record: Stood, order: ChannelPause) -> Entry | None:
        """The newest order counts, whatever order they come in."""
        known = self.memory.stops.get(f"{record.line}/{order.channel}")
        if known and datetime.fromisoformat(known["ordered"]) >= order.at:
            return None
        return {
            "what": "stopped" if order.until > order.at else "resumed",
            "channel": order.channel,
            "why": order.reason,
            "until": order.until.isoformat(),
            "by": order.by,
            "ordered": order.at.isoformat(),
            "cities": list(self.cities[record.partition]),
        }

    def _decided(self, record: Stood, outcome: Outcome) -> Entry:
        now = record.at if self.stage == LIVE else outcome.stamp or outcome.sent or record.at
        return {
            "what": "decided",
            "id": outcome.base_id,
            "listed_id": outcome.listed_id,
            "source": outcome.source,
            "decided": outcome.decided,
            "why": _code(outcome.reason) if outcome.decided == "rejected" else outcome.reason,
            "rules": outcome.rules,
            "msg_type": outcome.msg_type,
            "sent": outcome.sent.isoformat() if outcome.sent else None,
            "supersedes": list(outcome.supersedes),
            "warns": [self._warns(meaning) for meaning in outcome.meanings],
            "channels": self._channels(record, outcome, now),
        }

    def _warns(self, meaning: Meaning) -> Entry:
        where: dict[str, list[str]] = {}
        for impact in meaning.impacts:
            where.setdefault(impact.reason, []).append(impact.district)
        return {
            "ii": meaning.ii,
            "group": meaning.group,
            "severity": meaning.severity,
            "urgency": meaning.urgency,
            "onset": meaning.onset.isoformat(),
            "expires": meaning.expires.isoformat() if meaning.expires else None,
            "districts": where,
        }

    def _channels(self, record: Stood, outcome: Outcome, now: datetime) -> dict[str, str]:
        """By audience and channel: whether the message is worth telling there, and what holds it back."""
        if not outcome.meanings:
            return {}
        return {
            f"{rule.audience} {rule.channel}": self._held_back(record, rule, outcome, now) or "due"
            for rule in self.policy.rules
        }

    def _held_back(self, record: Stood, rule: Rule, outcome: Outcome, now: datetime) -> str:
        if not any(rule.tells(meaning) for meaning in outcome.meanings):
            return "held back: below its minimum"
        order = self.memory.stops.get(f"{record.line}/{rule.channel}")
        if order and now < datetime.fromisoformat(order["until"]):
            return f"held back: stopped until {order['until']} by {order['by']}"
        return ""


def _shown(record: SteleRecord) -> Entry:
    return {
        "what": "shown",
        "city": record.city,
        "district": record.district,
        "status": record.status,
        "freshness": record.freshness,
        "warnings": [
            {"id": item.base_id, "level": item.level, "phase": item.phase, "as": item.presentation}
            for item in record.items
        ],
        "id": record.id,
    }


def _told(channel: str, notice: ChangeNotice, value: bytes) -> Entry:
    return {
        "what": "told",
        "channel": channel,
        "audience": notice.audience,
        "city": notice.city,
        "kind": notice.kind,
        "why": notice.reason,
        "cause": notice.cause,
        "level": notice.level,
        "group": notice.group,
        "districts": list(notice.districts),
        "id": notice.id,
        "sha256": _sha256(value),
    }


def _on_actions(action: OnActions) -> Entry | None:
    """Orders are noted where they reach a partition; here, what became of them, and who has seen what."""
    match action:
        case Acknowledgement():
            return _acknowledged(action)
        case ChannelState():
            return _applied(action)
    return None


def _applied(state: ChannelState) -> Entry:
    return {
        "what": "applied", "city": state.city, "channel": state.channel, "stopped": state.stopped,
        "until": state.until.isoformat(), "ordered": state.ordered.isoformat(),
    }  # fmt: skip


def _acknowledged(done: Acknowledgement) -> Entry:
    return {
        "what": "acknowledged", "city": done.city, "id": done.base_id, "level": done.level, "by": done.by,
        "when": done.at.isoformat(),
    }  # fmt: skip


def _rejected(record: Stood) -> Entry:
    headers = record.headers
    return {
        "what": "rejected",
        "agent": headers.get("agent", "?"),
        "why": _code(headers.get("reason", "?")),
        "stood": f"{headers.get('topic', '?')}/{headers.get('partition', '?')}@{headers.get('offset', '?')}",
        "id": headers.get("id"),
        "source": headers.get("source"),
        "sha256": _sha256(record.value),
    }


def _code(reason: str) -> str:
    """The reason's stable beginning and its place; what comes after it quotes the message."""
    return reason.partition(":")[0]


def _sha256(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


def plain_line(entry: Mapping[str, Any]) -> str:
    """An entry in one line, for people."""
    aside = ("n", "at", "what", "prev", "hash", "sha256", "rules")
    said = {name: value for name, value in entry.items() if name not in aside and value not in (None, "", [], {})}
    words = "  ".join(f"{name}={_short(value)}" for name, value in said.items())
    return f"{entry['n']:>8} {entry['at']} {entry['what']:<12} {words}"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
