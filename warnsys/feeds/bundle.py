"""An answer, opened: its messages by how much they matter, and what it lists."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from types import MappingProxyType

from warnsys.cap import Alert, CapError, Member, dwd, read_alert
from warnsys.cap.document import ZONE
from warnsys.cap.dwd import without_language
from warnsys.cap.model import worst_level
from warnsys.cap.read import PRIVATE_SCOPES
from warnsys.feeds.answer import Answer, open_zip

UNREADABLE = 3.5
"""What cannot be read might be as bad as anything, yet it does not hold up what is known to be Extreme (4)."""

Key = tuple[str, bytes]
"""A member's name and its content's hash: the same name with other bytes is news."""


def is_live(alert: Alert) -> bool:
    """Whether a message may end or replace others: it is none of a test, and for everybody."""
    return alert.status == "Actual" and not dwd.is_test(alert) and alert.scope not in PRIVATE_SCOPES


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """What a message says of itself and of others: enough to tell which of a listing count."""

    base_id: str
    names: frozenset[str]
    """What it names that it may replace."""
    sent: datetime
    live: bool
    """Whether it may end or replace others."""


@dataclass(frozen=True, slots=True)
class BundledMessage:
    member: Member
    key: Key
    rank: float
    """1 to 4 as DWD counts its levels, 0 for a Cancel whatever severity it kept, `UNREADABLE` in between."""
    summary: MessageSummary | None = field(repr=False)
    """None where the message cannot be read."""

    @property
    def sent(self) -> datetime | None:
        return self.summary.sent if self.summary else None

    @property
    def listed_id(self) -> str:
        return without_language(self.member.stem)


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened snapshot."""

    stamp: datetime
    content: bytes
    validators: Mapping[str, str]
    messages: tuple[BundledMessage, ...]
    """The worst first."""
    ids: tuple[str, ...]
    """In the ZIP's order."""
    replaced: frozenset[Key] = frozenset()
    """What another message in it ends or replaces."""

    @property
    def unreadable(self) -> int:
        return sum(message.sent is None for message in self.messages)

    def listing(self, ids: tuple[str, ...]) -> "Bundle":
        """One stamp is one snapshot: other messages under it count at once, another list from the next stamp on."""
        return replace(self, ids=ids)


def open_bundle(
    answer: Answer,
    now: datetime,
    replaces: Callable[[Alert], bool] = is_live,
    zone: tzinfo = ZONE,
    known: Mapping[Key, BundledMessage] = MappingProxyType({}),
) -> Bundle:
    """Open and rank a ZIP's members; some hundred milliseconds on a busy day. `now` is the stamp where there is none.

    `replaces` tells which messages may end or replace others; `zone` is where the clocks go of a source that writes
    times without an offset; `known` are messages that need not be read again. Raises `Refused`.
    """
    messages = []
    for member in open_zip(answer.content):
        key = member.name, hashlib.sha256(member.body).digest()
        messages.append(known.get(key) or _message(member, key, replaces, zone))
    return Bundle(
        replaced=_replaced(messages),
        stamp=answer.stamp or now,
        content=answer.content,
        validators=answer.validators,
        messages=tuple(sorted(messages, key=lambda message: -message.rank)),
        ids=tuple(dict.fromkeys(message.listed_id for message in messages)),
    )


def _message(member: Member, key: Key, replaces: Callable[[Alert], bool], zone: tzinfo) -> BundledMessage:
    try:
        alert = read_alert(member.body, zone=zone)
    except CapError:
        return BundledMessage(member, key, UNREADABLE, None)
    rank = 0 if alert.msg_type == "Cancel" else worst_level(alert.infos)
    summary = MessageSummary(dwd.base_id(alert), frozenset(dwd.replaced(alert)), alert.sent, replaces(alert))
    return BundledMessage(member, key, rank, summary)


def _replaced(messages: Sequence[BundledMessage]) -> frozenset[Key]:
    """What a message names that may replace it, and is not named by it as the later one; and all but the newest content
    of one message."""
    known = [(one.key, one.summary) for one in messages if one.summary]
    by: dict[str, list[tuple[Key, MessageSummary]]] = {}
    for key, summary in sorted(known, key=lambda one: one[1].sent, reverse=True):  # so the first is mostly later
        for name in summary.names | {summary.base_id} if summary.live else ():
            by.setdefault(name, []).append((key, summary))
    found = set()
    for key, summary in known:
        for other_key, other in by.get(summary.base_id, ()):
            if other.base_id == summary.base_id:
                later = other.sent > summary.sent
            elif other.base_id in summary.names:  # each names the other
                later = (other.sent, other.base_id) > (summary.sent, summary.base_id)
            else:
                later = other.sent >= summary.sent
            if other_key != key and later:
                found.add(key)
                break
    return frozenset(found)
