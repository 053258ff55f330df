"""Compares a situation with what stood before it: which messages are new, which are gone, and what replaced those.

`notify` asks this for each event group, district, audience and channel, and a city may have thousands of messages with
hundreds of meanings each. So a `Scene` sorts everything once into look-ups.

A message **stands** in a district as long as it warns there: it is **live** until it expires, and then **unconfirmed**
until a snapshot confirms its end. It is **new** in a district if it stands there and did not stand before, **gone** if
it stood before and no longer stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from warnsys.records import Meaning, utc
from warnsys.warning.facts import Fact
from warnsys.warning.notification_log import LogEntries, log_entries
from warnsys.warning.policy import Rule
from warnsys.warning.revisions import replaces
from warnsys.warning.situation import Situation, Standing, grade

StandingByMessage = dict[str, dict[str, bool]]
"""What stood, by district and base id: True if it stood when changes were last looked for, False if only earlier."""
DistrictAndGroup = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _MessageIndex:
    """Where one message warns, and of what, as look-ups."""

    groups: Mapping[str, frozenset[str]]
    """Event groups by district."""
    meanings: Mapping[str, Sequence[Meaning]]
    """Meanings by event group."""
    positions: Mapping[int, int]
    """The number of each meaning in its message, by `id()` of the meaning."""


class Scene:
    """A situation beside what stood before it.

    `before` is what stood. `snapshot` names the snapshot that led here, by its source and its stamp, with a blank
    between them. If it is "", the stamp `Situation.as_of` alone takes its place.
    """

    def __init__(
        self, facts: Mapping[str, Fact], situation: Situation, before: StandingByMessage, snapshot: str
    ) -> None:
        self.facts, self.situation, self.before = facts, situation, before
        self.snapshot = snapshot or (utc(situation.as_of) if situation.as_of else "")
        self._indexes: dict[str, _MessageIndex] = {}
        self._entries: dict[tuple[object, ...], LogEntries] = {}
        self._live: dict[DistrictAndGroup, list[Standing]] = {}
        self._unconfirmed: dict[DistrictAndGroup, list[Standing]] = {}
        self.new: dict[str, set[str]] = {}
        """By district, the base ids of the new messages."""
        self.gone: dict[str, set[str]] = {}
        """By district, the base ids of the messages that are gone."""
        self._new_of: dict[DistrictAndGroup, set[str]] = {}
        self._gone_of: dict[DistrictAndGroup, set[str]] = {}
        self.touched: dict[str, list[str]] = {}
        """By event group, the districts in which a message is new or gone."""
        for district, state in sorted(situation.districts.items()):
            for one in state.standing:
                key = district, one.meaning.group
                standing_here = self._unconfirmed if one.phase == "expired" else self._live
                standing_here.setdefault(key, []).append(one)
            stands = {one.fact.base_id for one in state.standing}
            stood = {i for i, stood in before.get(district, {}).items() if stood}
            self.new[district], self.gone[district] = stands - stood, stood - stands
            groups_of_new = self._sort_by_group(self.new[district], district, self._new_of)
            groups_of_gone = self._sort_by_group(self.gone[district], district, self._gone_of)
            for group in sorted(groups_of_new | groups_of_gone):
                self.touched.setdefault(group, []).append(district)

    def _sort_by_group(
        self, base_ids: Iterable[str], district: str, found: dict[DistrictAndGroup, set[str]]
    ) -> set[str]:
        """Puts messages into `found` under each group of which they warn in a district. Gives these groups.

        Under new geofences a message may warn there no longer: it then counts under all its groups. A group of which a
        channel was told nothing in this district makes no difference there.
        """
        groups = set()
        for base_id in base_ids:
            index = self.index_of(base_id)
            for group in index.groups.get(district) or index.meanings:
                found.setdefault((district, group), set()).add(base_id)
                groups.add(group)
        return groups

    def index_of(self, base_id: str) -> _MessageIndex:
        """Gives the look-ups of one message, made once; empty ones if it is forgotten."""
        if base_id not in self._indexes:
            groups, meanings = dict[str, set[str]](), dict[str, list[Meaning]]()
            fact = self.facts.get(base_id)
            for meaning in fact.meanings if fact else ():
                meanings.setdefault(meaning.group, []).append(meaning)
                for impact in meaning.impacts:
                    groups.setdefault(impact.district, set()).add(meaning.group)
            by_district = {district: frozenset(some) for district, some in groups.items()}
            positions = {id(meaning): number for number, meaning in enumerate(fact.meanings if fact else ())}
            self._indexes[base_id] = _MessageIndex(by_district, meanings, positions)
        return self._indexes[base_id]

    def position(self, meaning: Meaning, fact: Fact) -> int:
        """Gives the number of a meaning in its message, from 0."""
        return self.index_of(fact.base_id).positions[id(meaning)]

    # -- what stands --

    def live(self, district: str, group: str) -> Sequence[Standing]:
        """Gives what is live."""
        return self._live.get((district, group), ())

    def unconfirmed(self, district: str, group: str) -> Sequence[Standing]:
        """Gives what is unconfirmed: expired, and not yet known to be over."""
        return self._unconfirmed.get((district, group), ())

    def top_standing(self, district: str, group: str, rule: Rule | None) -> int:
        """Gives the highest grade that stands, live or unconfirmed, and that a rule does not leave out; 0 for none."""
        standing = (*self.live(district, group), *self.unconfirmed(district, group))
        counting = (one.meaning for one in standing if rule is None or not rule.leaves_out(one.meaning))
        return max(map(grade, counting), default=0)

    def new_of(self, group: str, districts: Iterable[str]) -> set[str]:
        """Gives the base ids of a group's messages that are new in one of these districts."""
        return {i for district in districts for i in self._new_of.get((district, group), ())}

    def gone_of(self, group: str, districts: Iterable[str]) -> set[str]:
        """Gives the base ids of a group's messages that are gone in one of these districts."""
        return {i for district in districts for i in self._gone_of.get((district, group), ())}

    def log_entries(self, rule: Rule | None, meanings: Sequence[Meaning]) -> LogEntries:
        """Gives the log entries of those meanings that a rule tells, or of all if `rule` is None; made once."""
        key = (rule, *map(id, meanings))
        if key not in self._entries:
            self._entries[key] = log_entries(meaning for meaning in meanings if rule is None or rule.tells(meaning))
        return self._entries[key]

    def worst_new(self, rule: Rule, district: str, group: str) -> int:
        """Gives the highest grade of a group in a district that is new, live, and told by a rule; 0 for none."""
        new = self.new[district]
        grades = (
            grade(one.meaning)
            for one in self.live(district, group)
            if one.fact.base_id in new and rule.tells(one.meaning)
        )
        return max(grades, default=0)

    # -- what is gone --

    def gone_meanings(self, group: str, districts: Iterable[str]) -> list[tuple[Meaning, Fact]]:
        """Gives the meanings of a group whose messages are gone in one of these districts, with the messages."""
        found = [(self.facts[i], self.index_of(i)) for i in sorted(self.gone_of(group, districts))]
        return [(meaning, fact) for fact, index in found for meaning in index.meanings.get(group, ())]

    def known_meanings(self, group: str, district: str) -> list[tuple[Meaning, Fact]]:
        """Gives all known meanings of a group that concern a district, standing or not, with their messages."""
        found = []
        for base_id, fact in sorted(self.facts.items()):
            index = self.index_of(base_id)
            if group in index.groups.get(district, ()):
                found += [(meaning, fact) for meaning in index.meanings[group]]
        return found

    def stood(self, group: str, *, with_advance: bool) -> Mapping[str, int]:
        """Gives by district the highest grade of a group that stood there before, and that has not expired."""
        found: dict[str, int] = {}
        for base_id in {i for stood in self.before.values() for i, stood_last in stood.items() if stood_last}:
            for meaning in self.index_of(base_id).meanings.get(group, ()):
                over = meaning.expires is not None and meaning.expires <= self.situation.now
                if over or (meaning.advance and not with_advance):
                    continue
                for district in (impact.district for impact in meaning.impacts):
                    if self.before.get(district, {}).get(base_id):
                        found[district] = max(found.get(district, 0), grade(meaning))
        return found

    def last_end(self, group: str, district: str) -> float:
        """Gives the latest expiry of what is gone, in seconds since 1970; 0 if nothing of it expires."""
        ends = [meaning.expires for meaning, _ in self.gone_meanings(group, (district,)) if meaning.expires]
        return max(ends).timestamp() if ends else 0.0

    @cached_property
    def _replaces(self) -> Mapping[str, Sequence[str]]:
        """By base id, the base ids of all that a message replaces directly."""
        return replaces(self.facts)

    @cached_property
    def _replaced_by(self) -> dict[str, list[Fact]]:
        """By base id, the messages that replaced it directly."""
        found: dict[str, list[Fact]] = {}
        for fact in self.facts.values():
            for base_id in self._replaces[fact.base_id]:
                found.setdefault(base_id, []).append(fact)
        return found

    @cached_property
    def _last_successors(self) -> dict[str, Fact]:
        """By base id, the latest of all messages that replaced it, directly or through others."""
        found: dict[str, Fact] = {}
        for fact in sorted(self.facts.values(), key=_by_sent, reverse=True):
            to_visit = list(self._replaces[fact.base_id])
            while to_visit:
                base_id = to_visit.pop()
                if base_id not in found:
                    found[base_id] = fact
                    to_visit += self._replaces.get(base_id, ())
        return found

    def last_successor(self, gone: set[str]) -> Fact | None:
        """Gives the latest message outside `gone` that replaced one of `gone`, directly or through others."""
        last = max((self._last_successors[i] for i in gone if i in self._last_successors), key=_by_sent, default=None)
        if last is None or last.base_id not in gone:
            return last
        # The latest successor is itself in `gone`, so every chain of replacements has to be followed.
        found, reached, newly_reached = dict[str, Fact](), set(gone), set(gone)
        while newly_reached := {one.base_id for i in newly_reached for one in self._replaced_by.get(i, ())} - reached:
            found.update((base_id, self.facts[base_id]) for base_id in newly_reached)
            reached |= newly_reached
        return max(found.values(), key=_by_sent, default=None)

    def all_replaced_by(self, base_id: str) -> set[str]:
        """Gives the base ids of all that a message replaced, directly or through others."""
        found, to_visit = set[str](), [base_id]
        while to_visit:
            new = set(self._replaces.get(to_visit.pop(), ())) - found
            found |= new
            to_visit += new
        return found

    def direct_successor(self, gone: set[str]) -> Fact | None:
        """Gives the latest message that replaced one of these directly."""
        return max((fact for i in gone for fact in self._replaced_by.get(i, ())), key=_by_sent, default=None)


def _by_sent(fact: Fact) -> tuple[datetime, str]:
    return fact.sent, fact.base_id
