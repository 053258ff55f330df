"""Compares a situation with what stood before: what is new, what is gone, and what replaced it.

It prepares look-ups, because `notify` asks for each event group, district, audience and channel, and a city may have
thousands of messages with hundreds of meanings each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from warnsys.records import Meaning, utc
from warnsys.warning.facts import Fact, Facts
from warnsys.warning.notification_log import LogEntries, log_entries
from warnsys.warning.policy import Rule
from warnsys.warning.revisions import replaces
from warnsys.warning.situation import Situation, Standing, grade

Held = dict[str, dict[str, bool]]
"""By district and base id: True if the message stood when changes were last looked for, False if only earlier."""
DistrictAndGroup = tuple[str, str]
"""District and event group."""


@dataclass(frozen=True, slots=True)
class _Said:
    """Where one message warns, and of what."""

    groups: Mapping[str, frozenset[str]]
    """Event groups by district."""
    meanings: Mapping[str, Sequence[Meaning]]
    """Meanings by event group."""
    positions: Mapping[int, int]
    """The number of each meaning in its message, by `id()` of the meaning."""


class Scene:
    """A situation beside what stood before it."""

    def __init__(self, known: Facts, situation: Situation, before: Held, snapshot: str) -> None:
        self.facts, self.situation, self.before = known.facts, situation, before
        self.snapshot = snapshot or (utc(situation.as_of) if situation.as_of else "")
        self._said: dict[str, _Said] = {}
        self._entries: dict[tuple[object, ...], LogEntries] = {}
        self._newly: dict[tuple[Rule, str], int] = {}
        self._live: dict[DistrictAndGroup, list[Standing]] = {}
        self._expired: dict[DistrictAndGroup, list[Standing]] = {}
        self._top: dict[DistrictAndGroup, int] = {}
        self.new: dict[str, set[str]] = {}
        self.gone: dict[str, set[str]] = {}
        self._new_of: dict[DistrictAndGroup, set[str]] = {}
        self._gone_of: dict[DistrictAndGroup, set[str]] = {}
        self.touched: dict[str, list[str]] = {}
        """By event group, the districts in which a message newly stands or no longer stands."""
        for district, state in sorted(situation.districts.items()):
            for one in state.standing:
                place = district, one.meaning.group
                (self._expired if one.phase == "expired" else self._live).setdefault(place, []).append(one)
                self._top[place] = max(self._top.get(place, 0), grade(one.meaning))
            stands = {one.fact.base_id for one in state.standing}
            stood = {i for i, stood in before.get(district, {}).items() if stood}
            self.new[district], self.gone[district] = stands - stood, stood - stands
            groups = self._by_group(self.new[district], district, self._new_of)
            for group in sorted(groups | self._by_group(self.gone[district], district, self._gone_of)):
                self.touched.setdefault(group, []).append(district)

    def _by_group(self, base_ids: Iterable[str], district: str, found: dict[DistrictAndGroup, set[str]]) -> set[str]:
        groups = set()
        for base_id in base_ids:
            for group in self.said(base_id).groups.get(district, ()):
                found.setdefault((district, group), set()).add(base_id)
                groups.add(group)
        return groups

    def said(self, base_id: str) -> _Said:
        """Gives the look-ups of one message, made once."""
        if base_id not in self._said:
            groups, meanings = dict[str, set[str]](), dict[str, list[Meaning]]()
            fact = self.facts.get(base_id)
            for meaning in fact.meanings if fact else ():
                meanings.setdefault(meaning.group, []).append(meaning)
                for impact in meaning.impacts:
                    groups.setdefault(impact.district, set()).add(meaning.group)
            by_district = {district: frozenset(some) for district, some in groups.items()}
            positions = {id(meaning): number for number, meaning in enumerate(fact.meanings if fact else ())}
            self._said[base_id] = _Said(by_district, meanings, positions)
        return self._said[base_id]

    def position(self, meaning: Meaning, fact: Fact) -> int:
        """Gives the number of a meaning in its message."""
        return self.said(fact.base_id).positions[id(meaning)]

    # -- what is there --

    def live(self, district: str, group: str) -> Sequence[Standing]:
        """Gives what stands and has not expired."""
        return self._live.get((district, group), ())

    def waiting(self, district: str, group: str) -> Sequence[Standing]:
        """Gives what has expired without a confirmation that it is over."""
        return self._expired.get((district, group), ())

    def top(self, group: str, district: str) -> int:
        """Gives the highest grade that stands, expired and unconfirmed ones included."""
        return self._top.get((district, group), 0)

    def new_of(self, group: str, districts: Iterable[str]) -> set[str]:
        """Gives the messages of a group that newly stand in these districts."""
        return {i for district in districts for i in self._new_of.get((district, group), ())}

    def gone_of(self, group: str, districts: Iterable[str]) -> set[str]:
        """Gives the messages of a group that no longer stand in these districts."""
        return {i for district in districts for i in self._gone_of.get((district, group), ())}

    def log_entries(self, rule: Rule | None, meanings: Sequence[Meaning]) -> LogEntries:
        """Gives the log entries of the meanings that a rule tells (None: of all). It joins the same meanings once."""
        key = (rule, *map(id, meanings))
        if key not in self._entries:
            self._entries[key] = log_entries(meaning for meaning in meanings if rule is None or rule.tells(meaning))
        return self._entries[key]

    def newly(self, rule: Rule, district: str) -> int:
        """Gives the highest grade that newly stands in a district, has not expired, and is told by a rule."""
        if (rule, district) not in self._newly:
            new, state = self.new[district], self.situation.districts[district]
            grades = (
                grade(one.meaning)
                for one in state.standing
                if one.fact.base_id in new and one.phase != "expired" and rule.tells(one.meaning)
            )
            self._newly[rule, district] = max(grades, default=0)
        return self._newly[rule, district]

    # -- what is gone --

    def ended(self, group: str, districts: Iterable[str]) -> list[tuple[Meaning, Fact]]:
        """Gives the meanings of a group that no longer stand in these districts, with their messages."""
        found = [(self.facts[i], self.said(i)) for i in sorted(self.gone_of(group, districts))]
        return [(meaning, fact) for fact, said in found for meaning in said.meanings.get(group, ())]

    def known(self, group: str, district: str) -> list[tuple[Meaning, Fact]]:
        """Gives all meanings of a group that concern a district, whether they stand or not, with their messages."""
        found = []
        for base_id, fact in sorted(self.facts.items()):
            if group in (said := self.said(base_id)).groups.get(district, ()):
                found += [(meaning, fact) for meaning in said.meanings[group]]
        return found

    def last_end(self, group: str, district: str) -> float:
        """Gives the latest expiry of what no longer stands, in seconds since 1970."""
        ends = [meaning.expires for meaning, _ in self.ended(group, (district,)) if meaning.expires]
        return max(ends).timestamp() if ends else 0.0

    @cached_property
    def _replaces(self) -> Mapping[str, Sequence[str]]:
        return replaces(self.facts)

    @cached_property
    def _replaced_by(self) -> dict[str, list[Fact]]:
        found: dict[str, list[Fact]] = {}
        for fact in self.facts.values():
            for base_id in self._replaces[fact.base_id]:
                found.setdefault(base_id, []).append(fact)
        return found

    @cached_property
    def _last_of(self) -> dict[str, Fact]:
        """By base id, the latest message of all that replaced it, directly or through others."""
        found: dict[str, Fact] = {}
        for fact in sorted(self.facts.values(), key=_latest, reverse=True):
            more = list(self._replaces[fact.base_id])
            while more:
                base_id = more.pop()
                if base_id not in found:
                    found[base_id] = fact
                    more += self._replaces.get(base_id, ())
        return found

    def replaced_at_last_by(self, gone: set[str]) -> Fact | None:
        """Gives the latest message that replaced these, directly or through others, and is none of them."""
        last = max((self._last_of[i] for i in gone if i in self._last_of), key=_latest, default=None)
        if last is None or last.base_id not in gone:
            return last
        found, reached, more = dict[str, Fact](), set(gone), set(gone)
        while more := {fact.base_id for i in more for fact in self._replaced_by.get(i, ())} - reached:
            found.update((base_id, self.facts[base_id]) for base_id in more)
            reached |= more
        return max(found.values(), key=_latest, default=None)

    def replaced_by(self, gone: set[str]) -> Fact | None:
        """Gives the latest message that replaced one of these directly."""
        return max((fact for i in gone for fact in self._replaced_by.get(i, ())), key=_latest, default=None)


def _latest(fact: Fact) -> tuple[datetime, str]:
    return fact.sent, fact.base_id
