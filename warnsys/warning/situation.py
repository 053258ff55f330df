"""What holds in one city, derived from the facts anew each time. A warning ends in one of these ways:

* **Superseded or cancelled** by a successor: an accepted message of the same source that references it. It ends at once
  in each district where the successor itself warns. Elsewhere it ends when the successor is **confirmed**: a snapshot
  at least as new has been decided, so the other half of a split warning cannot be still to come.
* **Withdrawn**: two complete snapshots that lie apart are newer than the last one that listed it. If the source
  **dropped** it, that takes three, and an hour, because an answer may be whole and wrong. Dropped means that less than
  a tenth of what was listed with it was ever listed again. A snapshot that lists it again revives it.
* **Expired**: at its end it becomes unconfirmed, and a complete snapshot stamped later ends it; if that still lists it,
  one stamped `STILL_LISTED` later.

A message that came with its successor in one listing (`Fact.waits`) does not stand until that listing is decided, or
until the time for that has passed.

A snapshot is decided when every message that it lists has been accepted or rejected under the present rules, and
complete when every one has been accepted.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Literal

from warnsys.cap.model import level
from warnsys.records import DistrictStatus, Freshness, Impact, Meaning
from warnsys.warning.circles import parts
from warnsys.warning.clock import alarms
from warnsys.warning.evidence import Evidence, Witnesses
from warnsys.warning.facts import Fact, Gap
from warnsys.warning.matching import live_at
from warnsys.warning.revisions import replaces

SEVERE = level("Severe")

Phase = Literal["advance", "warning", "expired"]
"""Of what stands: an advance notice, a warning, or what has expired and is unconfirmed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One meaning of one message that stands in a district."""

    fact: Fact
    meaning: Meaning
    impact: Impact
    phase: Phase


@dataclass(frozen=True, slots=True)
class DistrictSituation:
    """All that holds in one district at one time."""

    district: str
    status: DistrictStatus
    standing: tuple[Standing, ...]
    """Worst first."""


@dataclass(frozen=True)
class Situation:
    """All that holds in one city at one time."""

    now: datetime
    freshness: Freshness
    as_of: datetime | None
    """The oldest of the sources' newest stamps; None if no source has a snapshot."""
    flags: tuple[str, ...]
    """What operators have to look at: `unreadable <id>`, `left out <how many> of <id>`, `identifier reused <id>`,
    `ends nothing <id>`, `all vanished`, `dropped <source>`, `clock broker +86400 s`, `stamp ahead dwd +21600 s`,
    `forgot <how many> <what>`."""
    districts: dict[str, DistrictSituation]
    replaced: tuple[str, ...] = ()
    """Base ids of messages that are replaced for good: only their references are needed any more."""
    unsettled: bool = False
    """Whether any snapshot that comes may change what holds, even if it lists of this city's messages the same."""

    def in_force(self, district: str) -> tuple[Meaning, ...]:
        """Gives what has not expired in a district, worst first; nothing for an unknown one. Messages of one group are
        one event (docs/adr/0007): given are its worst level, and each lower one that begins earlier or ends later."""
        if district not in self._in_force:
            standing = self.districts[district].standing if district in self.districts else ()
            self._in_force[district] = tuple(_events(standing, self.now))
        return self._in_force[district]

    @cached_property
    def _in_force(self) -> dict[str, tuple[Meaning, ...]]:
        """By district, what `in_force` has found: few districts are asked for, and these by each notice."""
        return {}


def derive(
    witnesses: Witnesses,
    facts: Mapping[str, Fact],
    gaps: Mapping[str, Gap],
    now: datetime,
    districts: Iterable[str],
    stale_after: Mapping[str, timedelta],
) -> Situation:
    """Derives the situation of a city at `now`, from its facts and what its partition's snapshots prove.

    `gaps` are the messages that the city lacks. `stale_after` holds, by source that the city listens to, the age from
    which a snapshot is stale.
    """
    view = _View(witnesses, facts, gaps, now)
    how_fresh = freshness_of_all(view, stale_after, now)
    found, by_district = {}, view.by_district()
    for district in sorted(districts):
        standing = tuple(by_district.get(district, ()))
        status: DistrictStatus
        if any(one.phase != "expired" for one in standing):
            status = "warned"
        elif standing:
            status = "unconfirmed"
        else:
            status = "clear" if how_fresh == "fresh" else "no_data"
        found[district] = DistrictSituation(district, status, standing)
    stamps = [seen[0].stamp for source in stale_after if (seen := witnesses.ledger.snapshots.get(source))]
    return Situation(
        now, how_fresh, min(stamps, default=None), view.flags(stale_after), found,
        replaced := tuple(view.replaced_for_good()), view.unsettled(replaced),
    )  # fmt: skip


def freshness_of_all(evidence: Evidence, stale_after: Mapping[str, timedelta], now: datetime) -> Freshness:
    """Gives how fresh the data of all sources together are."""
    states = [evidence.freshness(source, limit, now) for source, limit in stale_after.items()]
    return max(states, key=_FRESHNESS.index) if states else "none"


_FRESHNESS: tuple[Freshness, ...] = ("fresh", "incomplete", "stale", "none")
"""The best first: a city is as fresh as its worst source."""


def _worst_first(fact: Fact, meaning: Meaning, phase: Phase) -> tuple[object, ...]:
    """Sorts what stands: live before expired, then by grade, earliest begin and latest end."""
    expires = meaning.expires
    return (
        phase == "expired",
        -grade(meaning),
        meaning.onset,
        expires is not None,
        -expires.timestamp() if expires else 0.0,
        fact.base_id,
        meaning.ii,
    )


def grade(meaning: Meaning) -> int:
    """Ranks a meaning from 2 to 9: by level, and at the same level a warning before an advance notice."""
    return level(meaning.severity) * 2 + (not meaning.advance)


def _events(standing: Iterable[Standing], now: datetime) -> Iterator[Meaning]:
    """One meaning for each group and level, from the first begin to the last end."""
    joined: dict[tuple[object, ...], Meaning] = {}
    for meaning in (one.meaning for one in standing if one.phase != "expired"):
        key = meaning.group, meaning.advance, meaning.urgency == "Past", meaning.severity
        other = joined.get(key, meaning)
        last = meaning if end_of(meaning) > end_of(other) else other
        begin = min(meaning.onset, other.onset)
        joined[key] = last if last.onset == begin else last.model_copy(update={"onset": begin})
    said: dict[str, list[Meaning]] = {}
    for meaning in sorted(joined.values(), key=lambda one: (-grade(one), -end_of(one))):
        of_group = said.setdefault(meaning.group, [])
        if not any(speaks_for(other, meaning, now) for other in of_group):
            of_group.append(meaning)
            yield meaning


def speaks_for(one: Meaning, other: Meaning, now: datetime) -> bool:
    """Whether who hears of one knows of the other: an event of the same group, no less bad, from its begin to its end.

    A warning does not cover an advance notice, nor what is over (urgency Past) what is not.
    """
    alike = one.group == other.group and one.advance == other.advance
    alike = alike and (one.urgency == "Past") == (other.urgency == "Past")
    begun = one.onset <= max(other.onset, now)
    return alike and begun and grade(one) >= grade(other) and end_of(one) >= end_of(other)


def end_of(meaning: Meaning) -> float:
    """When it ends, in seconds since 1970; infinite if there is no end."""
    return math.inf if meaning.expires is None else meaning.expires.timestamp()


def worst_grade(district: DistrictSituation) -> int:
    """Gives the highest grade that is live in a district; 0 for none."""
    return next((grade(one.meaning) for one in district.standing if one.phase != "expired"), 0)


class _View(Evidence):
    """The facts at one moment, as answers to the questions of the module's head: what stands, and what ended."""

    def __init__(self, witnesses: Witnesses, facts: Mapping[str, Fact], gaps: Mapping[str, Gap], now: datetime) -> None:
        super().__init__(witnesses, facts, gaps)
        self.now = now
        self._replaced: dict[tuple[str, str], bool] = {}
        self._successors_warn: dict[tuple[str, str], frozenset[str]] = {}
        self.replaces = replaces(facts)
        self.successors: dict[str, list[Fact]] = {}
        """By base id, the messages that replace it."""
        for fact in facts.values():
            for base_id in self.replaces[fact.base_id]:
                if not self.is_earlier_in_a_circle(fact, base_id):
                    self.successors.setdefault(base_id, []).append(fact)

    # -- who replaced it --

    def is_earlier_in_a_circle(self, fact: Fact, base_id: str) -> bool:
        """Says whether a message references a later one (`base_id`) that references it, perhaps by way of others.

        Then the later one holds: if each ended the other, nothing would be warned, and nobody would have said so.
        """
        other = self.facts.get(base_id)
        if other is None or other.sent < fact.sent or (other.sent == fact.sent and base_id < fact.base_id):
            return False
        return self.circles[fact.base_id] == self.circles[base_id]

    @cached_property
    def circles(self) -> dict[str, int]:
        """By base id, the number of its circle: two messages have the same if each references the other."""
        return parts(self.replaces)

    # -- what stands --

    def by_district(self) -> dict[str, list[Standing]]:
        """Gives what stands in each district, the worst first."""
        # What does not depend on the district is asked once per message: a message may warn thousands of districts.
        ranked = []
        for fact in self.facts.values():
            if fact.meanings and not self.waits_for_successor(fact) and (sources := self.standing_sources(fact)):
                for number, meaning in enumerate(fact.meanings):
                    if phase := self.phase(fact, meaning):
                        ranked.append((_worst_first(fact, meaning, phase), number, fact, sources, phase))
        found: dict[str, list[Standing]] = {}
        for _, number, fact, sources, phase in sorted(ranked, key=itemgetter(0)):
            meaning = fact.meanings[number]
            has_successors = fact.base_id in self.successors
            for impact in meaning.impacts:
                if has_successors and all(self.replaced_in(impact.district, fact, source) for source in sources):
                    continue
                found.setdefault(impact.district, []).append(Standing(fact, meaning, impact, phase))
        return found

    def waits_for_successor(self, fact: Fact) -> bool:
        """Says whether a message came with its successor in one listing, and that is not yet decided."""
        if fact.waits is None or self.now >= fact.waits:
            return False
        return not any(self.all_decided(source, fact.first) for source in self.sightings(fact))

    def standing_sources(self, fact: Fact) -> list[str]:
        """Gives the sources that neither replaced nor withdrew a message. It stands as long as there is one."""
        return [
            source
            for source, sighting in self.sightings(fact).items()
            if not self.replaced(fact, source) and not self.withdrawn(fact, source, sighting.last)
        ]

    def phase(self, fact: Fact, meaning: Meaning) -> Phase | None:
        """Gives the phase of a meaning; None if its end is confirmed."""
        if live_at(meaning, self.now):
            return "advance" if meaning.advance else "warning"
        return None if self.end_confirmed(fact, meaning) else "expired"

    # -- superseded or cancelled --

    def replaced_in(self, district: str, fact: Fact, source: str) -> bool:
        """Says whether a message is replaced in a district: everywhere, or by a successor that warns there itself."""
        return self.replaced(fact, source) or district in self.districts_of_successors(fact, source)

    def districts_of_successors(self, fact: Fact, source: str) -> frozenset[str]:
        """Gives the districts where a message's successors of a source warn themselves.

        One that waits for its own successor stands nowhere yet, so it replaces nothing.
        """
        key = fact.base_id, source
        if key not in self._successors_warn:
            self._successors_warn[key] = frozenset(
                impact.district
                for one in self.successors.get(fact.base_id, ())
                if source in self.sightings(one) and self.brought(one, fact, source)
                if not self.waits_for_successor(one)
                for _, impact in one.impacts()
            )
        return self._successors_warn[key]

    def replaced(self, fact: Fact, source: str) -> bool:
        """Says whether a source replaced a message everywhere: its successor is confirmed, or came with it."""
        key = fact.base_id, source
        if key not in self._replaced:
            self._replaced[key] = any(
                self.came_together(fact, source, sighting.first) or self.confirmed(source, sighting.first)
                for other in self.successors.get(fact.base_id, ())
                if self.brought(other, fact, source) and (sighting := self.sightings(other).get(source))
            )
        return self._replaced[key]

    @staticmethod
    def brought(successor: Fact, fact: Fact, source: str) -> bool:
        """Says whether a later content of the same message came from this source. Of another message: yes.

        The contents of one message share their sightings, because listings name the message alone.
        """
        of_same_message = (successor.of or successor.base_id) == (fact.of or fact.base_id)
        return not of_same_message or successor.sources is None or source in successor.sources

    def came_together(self, fact: Fact, source: str, successor_first: datetime | None) -> bool:
        """Says whether a source listed a successor as early as a message that came marked as replaced."""
        if fact.waits is None or fact.first is None or successor_first is None:
            return fact.waits is not None
        # Another source may have listed it earlier, and a later content of it comes after its own first listing.
        return successor_first <= max(fact.first, self.sightings(fact)[source].first or fact.first)

    def replaced_for_good(self) -> Iterator[str]:
        """Gives the messages that every source replaced everywhere, and that are confirmed themselves.

        So whatever they replaced is replaced everywhere, too.
        """
        for fact in filter(lambda fact: fact.meanings, self.facts.values()):
            sightings = self.sightings(fact).items()
            if all(self.replaced(fact, s) and self.confirmed(s, at.first) for s, at in sightings):
                yield fact.base_id

    # -- withdrawn --

    def withdrawn(self, fact: Fact, source: str, last_listed: datetime | None) -> bool:
        """Says whether a source withdrew a message. Empty snapshots never count against a Severe one (ADR 2)."""
        severe = any(level(meaning.severity) >= SEVERE for meaning in fact.meanings)
        return self.missing(source, last_listed, empty_counts=not severe and not self.all_vanished)

    def holds_what_was_dropped(self, source: str) -> bool:
        """Says whether something still stands that its source dropped: operators have to look at it."""
        newest = next(iter(self.ledger.snapshots.get(source, ())), None)
        return newest is not None and any(
            live_at(meaning, self.now)
            for fact in self.facts.values()
            if (sighting := self.sightings(fact).get(source))
            and sighting.last
            and sighting.last < newest.stamp
            and self.dropped(source, sighting.last)
            and not self.replaced(fact, source)
            and not self.withdrawn(fact, source, sighting.last)
            for meaning in fact.meanings
        )

    @cached_property
    def all_vanished(self) -> bool:
        """Whether a source's newest snapshot is empty although something Severe stood.

        Then empty snapshots withdraw nothing.
        """
        return any(
            self.something_severe_stood(source, seen[0].stamp)
            for source, seen in self.ledger.snapshots.items()
            if seen and not seen[0].ids
        )

    def something_severe_stood(self, source: str, stamp: datetime) -> bool:
        """Says whether a live Severe or Extreme warning was last listed before `stamp`, and nothing else ended it."""
        return any(
            level(meaning.severity) >= SEVERE
            and live_at(meaning, self.now)
            and not self.replaced_in(impact.district, fact, source)
            for fact in self.facts.values()
            if (sighting := self.sightings(fact).get(source))
            and sighting.last
            and sighting.last < stamp
            and not self.missing(source, sighting.last, empty_counts=False)
            for meaning, impact in fact.impacts()
        )

    # -- expired --

    def end_confirmed(self, fact: Fact, meaning: Meaning) -> bool:
        """Says whether each source that listed a message has confirmed the end of one of its meanings."""
        expires = meaning.expires
        return expires is None or all(
            self.confirms_end(source, expires, sighting.first or expires, sighting.last)
            for source, sighting in self.sightings(fact).items()
            if sighting.last
        )

    # -- whom a snapshot concerns --

    def unsettled(self, replaced_for_good: Collection[str]) -> bool:
        """Says whether any snapshot may change what holds, as `Situation.unsettled`.

        None can if all that warns here is live, listed in the newest snapshot of each source that ever listed it, and
        has no successor. Nor does what has reached its end, or is replaced for good, change by one that does not name
        it.
        """
        return bool(self.gaps) or any(
            self._waits_for_evidence(fact)
            for fact in self.facts.values()
            if fact.base_id not in replaced_for_good and any(meaning.impacts for meaning in fact.meanings)
        )

    def _waits_for_evidence(self, fact: Fact) -> bool:
        phases = [self.phase(fact, meaning) for meaning in fact.meanings]
        if not any(phases):
            return False
        if "expired" in phases or fact.base_id in self.successors or self.waits_for_successor(fact):
            return True
        newest = {source: seen[0].stamp for source, seen in self.ledger.snapshots.items() if seen}
        return any(at.last and at.last < newest.get(s, at.last) for s, at in self.sightings(fact).items())

    # -- what operators have to look at --

    def lacking(self, source: str) -> Iterator[str]:
        """Gives the messages of a source's newest snapshot that the city does not know to be accepted."""
        if seen := self.ledger.snapshots.get(source):
            yield from self.witnesses.missing(source, seen[0])
            yield from self.gaps.keys() & set(seen[0].ids) if self.gaps else ()

    def ends_nothing(self, fact: Fact) -> bool:
        """Says whether a Cancel references nothing that is known here.

        A Cancel that is named by its identifier alone, as the DWD's, is left out: at each start it is right to do so.
        """
        if fact.msg_type != "Cancel" or "," not in fact.base_id:
            return False
        return not any(i in self.facts for i in self.replaces.get(fact.base_id, fact.supersedes))

    def flags(self, sources: Iterable[str]) -> tuple[str, ...]:
        """Gives what operators have to look at, as `Situation.flags`; 20 of a kind at most."""
        dropped = [f"dropped {source}" for source in sorted(sources) if self.holds_what_was_dropped(source)]
        lacking = {i for source in sources for i in self.lacking(source)}
        unreadable = sorted(i for i in lacking if self.verdict(i) is False)
        left_out = [f"left out {f.left_out} of {f.base_id}" for f in self.facts.values() if f.left_out and f.meanings]
        reused = sorted({f"identifier reused {f.of}" for f in self.facts.values() if f.of})
        cancels = {one.base_id: one for one in (*self.witnesses.loose_cancels, *self.facts.values())}
        idle = sorted(f"ends nothing {f.base_id}" for f in cancels.values() if self.ends_nothing(f))
        vanished = ("all vanished",) if self.all_vanished else ()
        ahead = [f"stamp ahead {source} {by:+d} s" for source, by in sorted(self.ledger.ahead.items())]
        clocks = (*alarms(self.ledger.clock), *ahead)
        return (
            *(f"unreadable {i}" for i in unreadable[:20]),
            *sorted(left_out)[:20],
            *reused[:20],
            *idle[:20],
            *vanished,
            *dropped,
            *clocks,
        )
