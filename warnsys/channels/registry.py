"""The channels: what a file of this package says of itself as `CHANNEL`, and all others walk (docs/adr/0020).

Topics, rights, policy, pauses, pages, audit, canary, replay and contracts ask here. How to add one:
docs/how-to/add-a-channel.md.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from warnsys import registry
from warnsys.records import ChangeNotice, Localised, Notice, SteleRecord
from warnsys.warning.city import CityInfo
from warnsys.warning.notify import Change
from warnsys.warning.policy import Rule
from warnsys.warning.situation import Situation

MIB = 1024 * 1024
NAME = re.compile(r"[a-z][a-z0-9-]*")
TAKEN = frozenset({"actions", "alerts", "delivery", "extreme", "gateways", "impacts", "rejected", "state", "status"})
"""Last words of our other topics' names (`streams.kafka.topics`): a channel of such a name would write among their
records."""


@dataclass(frozen=True)
class TopicShape:
    """How the broker keeps the channel's topic, `warn.NAME`."""

    compacted: bool = False
    retention_h: int = 48
    max_bytes: int = MIB


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One way to people."""

    name: str
    """On the wire and for ever: in its topic's name, in ids, settings, metrics and the audit. Small letters, digits and
    hyphens, a letter first."""
    order: int
    """Its place in timelines, tables and lists."""
    called: Localised
    """What people call it, by language."""
    record: type[SteleRecord] | type[ChangeNotice]
    """What stands on its topic; no other channel has the same class."""
    key: str
    """What the key of a record on its topic is."""
    parts: Callable[[Any, str], tuple[str, ...]]
    """What a record says in a language, in one part or several; in German where it has no other."""
    word: Callable[[CityInfo, Change, Situation, str], ChangeNotice] | None = None
    """Words a change for the stage of that name; None for a channel that shows what holds, not what changed."""
    beside: Callable[[CityInfo, Change, Situation, str], Iterable[ChangeNotice]] | None = None
    """Further records of a change that its rule asks for: second messages, other languages. Their ids say so."""
    rules: tuple[Rule, ...] = ()
    """Who is told from which level on, where the settings do not say; none for one that shows what holds."""
    pausable: bool = True
    """Whether operators may hold it back."""
    topic: TopicShape = field(default_factory=TopicShape)
    readers: frozenset[str] = frozenset({"web", "audit", "gateway", "reader"})
    """The processes that may read its topic; the worker alone writes it, also where it runs within `up`."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"channel {self.name!r}: write small letters, digits and hyphens, a letter first")
        if self.name in TAKEN:
            raise ValueError(f"channel {self.name!r}: another topic of ours has this name; write another one")

    def worded(self, place: CityInfo, change: Change, situation: Situation, stage: str) -> Iterator[ChangeNotice]:
        """Gives the records of a change, the first of them first."""
        if self.word:
            yield self.word(place, change, situation, stage)
        if self.beside:
            yield from self.beside(place, change, situation, stage)


def channels() -> tuple[Channel, ...]:
    """All of them, in their order."""
    return tuple(one for one in registry.CHANNELS.all() if isinstance(one, Channel))


def tellers() -> tuple[Channel, ...]:
    """Those that tell what changed: all but the steles."""
    return tuple(one for one in channels() if one.word)


def pausable() -> tuple[Channel, ...]:
    return tuple(one for one in channels() if one.pausable)


def channel(name: str) -> Channel:
    """Raises `KeyError`."""
    found: Channel = registry.CHANNELS.get(name)
    return found


def channel_of(notice: Notice) -> str:
    """The name of the channel whose topic a notice goes to."""
    return next(one.name for one in channels() if one.record is type(notice))


def called(name: str, language: str) -> str:
    """What people call a channel; its name for one of another release."""
    found = next((one.called for one in channels() if one.name == name), {})
    return found.get(language) or found.get("de") or name


def said_parts(notice: Notice, language: str) -> tuple[str, ...]:
    """What a notice says."""
    return channel(channel_of(notice)).parts(notice, language)


def read(name: str, value: bytes) -> Notice:
    """A record of a channel's topic. Raises pydantic's `ValidationError`, and `NewerRecordError`."""
    return channel(name).record.from_bytes(value)


def told_record() -> Any:
    """The records of all channels that tell what changed, as one type: for an API's answer."""
    kinds = [one.record for one in tellers()]
    found: Any = kinds[0]
    for kind in kinds[1:]:
        found |= kind
    return found
