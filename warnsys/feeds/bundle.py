"""An answer, opened: its messages by how much they matter, and what it lists."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

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
class BundledMessage:
    member: Member
    key: Key
    rank: float
    """1 to 4 as DWD counts its levels, 0 for a Cancel whatever severity it kept, `UNREADABLE` in between."""
    sent: datetime | None
    """None where the message cannot be read."""
    alert: Alert | None = field(default=None, repr=False)

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
    answer: Answer, now: datetime, replaces: Callable[[Alert], bool] = is_live, zone: tzinfo = ZONE
) -> Bundle:
    """Open and rank a ZIP's members; some hundred milliseconds on a busy day. `now` is the stamp where there is none.

    `replaces` tells which messages may end or replace others; `zone` is where the clocks go of a source that writes
    times without an offset. Raises `Refused`.
    """
    read = [_message(member, zone) for member in open_zip(answer.content)]
    replaced = _replaced([one for one in read if one.alert], replaces)
    messages = [replace(one, alert=None) for one in read]
    return Bundle(
        replaced=replaced,
        stamp=answer.stamp or now,
        content=answer.content,
        validators=answer.validators,
        messages=tuple(sorted(messages, key=lambda message: -message.rank)),
        ids=tuple(dict.fromkeys(message.listed_id for message in messages)),
    )


def _message(member: Member, zone: tzinfo) -> BundledMessage:
    key = member.name, hashlib.sha256(member.body).digest()
    try:
        alert = read_alert(member.body, zone=zone)
    except CapError:
        return BundledMessage(member, key, UNREADABLE, None)
    rank = 0 if alert.msg_type == "Cancel" else worst_level(alert.infos)
    return BundledMessage(member, key, rank, alert.sent, alert)


def _replaced(messages: Sequence[BundledMessage], replaces: Callable[[Alert], bool]) -> frozenset[Key]:
    """What a message names that may replace it, and is not named by it as the later one; and all but the newest content
    of one message."""
    alerts = [(one.key, one.alert, dwd.base_id(one.alert)) for one in messages if one.alert]
    names = {key: frozenset(dwd.replaced(alert)) for key, alert, _ in alerts}
    real = [(key, alert, base_id) for key, alert, base_id in alerts if replaces(alert)]
    by: dict[str, list[tuple[Key, Alert, str]]] = {}
    for key, alert, base_id in real:
        for name in names[key] | {base_id}:
            by.setdefault(name, []).append((key, alert, base_id))
    found = set()
    for key, alert, base_id in alerts:
        for other_key, other, other_id in by.get(base_id, ()):
            if other_id == base_id:
                later = other.sent > alert.sent
            else:
                both = other_id in names[key]
                later = other.sent >= alert.sent if not both else (other.sent, other_id) > (alert.sent, base_id)
            if other_key != key and later:
                found.add(key)
    return frozenset(found)
