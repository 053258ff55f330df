"""An answer, opened: its messages by how much they matter, and what it lists."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from warnsys.cap import CapError, Member, read_alert
from warnsys.cap.dwd import without_language
from warnsys.cap.model import worst_level
from warnsys.feeds.answer import Answer, open_zip

UNREADABLE = 3.5
"""What cannot be read might be as bad as anything, yet it does not hold up what is known to be Extreme (4)."""

Key = tuple[str, bytes]
"""A member's name and its content's hash: the same name with other bytes is news."""


@dataclass(frozen=True, slots=True)
class BundledMessage:
    member: Member
    key: Key
    rank: float
    """1 to 4 as DWD counts its levels, 0 for a Cancel whatever severity it kept, `UNREADABLE` in between."""
    sent: datetime | None
    """None where the message cannot be read."""

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

    @property
    def unreadable(self) -> int:
        return sum(message.sent is None for message in self.messages)

    def listing(self, ids: tuple[str, ...]) -> "Bundle":
        """One stamp is one snapshot: other messages under it count at once, another list from the next stamp on."""
        return replace(self, ids=ids)


def open_bundle(answer: Answer, now: datetime) -> Bundle:
    """Open and rank a ZIP's members; some hundred milliseconds on a busy day. `now` is the stamp where there is none.

    Raises `Refused`.
    """
    messages = [_message(member) for member in open_zip(answer.content)]
    return Bundle(
        stamp=answer.stamp or now,
        content=answer.content,
        validators=answer.validators,
        messages=tuple(sorted(messages, key=lambda message: -message.rank)),
        ids=tuple(dict.fromkeys(message.listed_id for message in messages)),
    )


def _message(member: Member) -> BundledMessage:
    key = member.name, hashlib.sha256(member.body).digest()
    try:
        alert = read_alert(member.body)
    except CapError:
        return BundledMessage(member, key, UNREADABLE, None)
    return BundledMessage(member, key, 0 if alert.msg_type == "Cancel" else worst_level(alert.infos), alert.sent)
