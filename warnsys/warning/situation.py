"""What holds in one city, derived from the facts anew each time. What ends a warning, and what each end needs:

* superseded or cancelled, by an accepted message of the same source: at once where the successor itself warns,
  elsewhere when a snapshot as new as the successor has been decided (the other half of a split may come just after);
* withdrawn: two newer complete snapshots that lie apart lack it; a snapshot that lists it again revives it. Where less
  than a tenth is left of what was listed with it, that takes three, and an hour: an answer may be whole and wrong;
* expired: at its end it becomes "unconfirmed", and a complete snapshot stamped later ends it; where that still lists
  it, one stamped `STILL_LISTED` later.

What its own listing already ends or replaces stands only if nothing of that kind is known once the listing is decided.

A snapshot is complete when every message that it lists has been accepted under the present rules.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Literal

from warnsys.cap.model import level
from warnsys.records import DistrictStatus, Freshness, Impact, Meaning
from warnsys.warning.circles import parts
from warnsys.warning.clock import alarms, latest
from warnsys.warning.facts import (
    DECIDING,
    DROPPED_FOR,
    LOOKS,
    Fact,
    Facts,
    KnownSnapshot,
    Listing,
    Sighting,
    apart,
    complete,
    verdict,
)
from warnsys.warning.matching import live_at
from warnsys.warning.revisions import replaces

SEVERE = level("Severe")
STILL_LISTED = timedelta(minutes=10)
"""How long after its end, and after it first was listed, a message that is still listed waits for an extension: then a
complete snapshot ends it."""

Phase = Literal["advance", "warning", "expired"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One meaning of one message that stands in a district."""

    fact: Fact
    meaning: Meaning
    impact: Impact
    phase: Phase


@dataclass(frozen=True, slots=True)
class DistrictSituation:
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
    flags: tuple[str, ...]
    """What operators have to look at: `unreadable <id>`, `left out <how many> of <id>`, `identifier reused <id>`,
    `ends nothing <id>`,
    `all vanished`, `dropped <source>`, `clock broker +86400 s`, `stamp ahead dwd +21600 s`,
    `forgot <how many> <what>`."""
    districts: dict[str, DistrictSituation]
    replaced: tuple[str, ...] = ()
    """Base ids of what is replaced for good; of these nothing is needed any more but that they were."""
    clocks: Mapping[str, int] = field(default_factory=dict)
    """By clock the seconds by which it is off; of a source (`stamp dwd`) those by which its stamp is ahead."""

    @cached_property
    def in_force(self) -> dict[str, tuple[Meaning, ...]]:
        """By district what has not expired, worst first. Messages of one group are one event (docs/adr/0007): given are
        its worst level, and each lower one that begins earlier or ends later."""
        return {name: tuple(_events(one.standing, self.now)) for name, one in self.districts.items()}


def derive(
    known: Facts, now: datetime, districts: Iterable[str], stale_after: Mapping[str, timedelta], rules: str
) -> Situation:
    """The situation of a city at `now`.

    `stale_after` names the sources that the city listens to, with the age from which a snapshot is stale.
    """
    view = _View(known, now, rules)
    states = [view.freshness(source, limit) for source, limit in stale_after.items()]
    freshness: Freshness = max(states, key=_FRESHNESS.index) if states else "none"
    stamps = [seen[0].stamp for source in stale_after if (seen := known.snapshots.get(source))]
    found, by_district = {}, view.by_district()
    for district in sorted(districts):
        standing = tuple(by_district.get(district, ()))
        status: DistrictStatus
        if any(one.phase != "expired" for one in standing):
            status = "warned"
        elif standing:
            status = "unconfirmed"
        else:
            status = "clear" if freshness == "fresh" else "no_data"
        found[district] = DistrictSituation(district, status, standing)
    as_of, flags = min(stamps, default=None), view.flags(stale_after)
    return Situation(now, freshness, as_of, flags, found, tuple(view.replaced_for_good()), view.clocks())


_FRESHNESS: tuple[Freshness, ...] = ("fresh", "incomplete", "stale", "none")


def _worst_first(fact: Fact, meaning: Meaning, phase: Phase) -> tuple[object, ...]:
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


_UNKNOWN = Listing()


def grade(meaning: Meaning) -> int:
    """Rank of a meaning, 2 to 9: by level, and at the same level a warning before an advance notice."""
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
    """Of what has not expired; 0 for nothing."""
    return next((grade(one.meaning) for one in district.standing if one.phase != "expired"), 0)


class _View:
    """One reading of the facts at one moment."""

    def __init__(self, known: Facts, now: datetime, rules: str) -> None:
        self.known, self.now, self.rules = known, now, rules
        self._sightings: dict[str, dict[str, Sighting]] = {}
        self._replaced: dict[tuple[str, str], bool] = {}
        self._succeeded: dict[tuple[str, str], frozenset[str]] = {}
        self._spans: dict[str, tuple[list[datetime], list[datetime]]] = {}
        self.successors: dict[str, list[Fact]] = {}
        self.replaces = replaces(known.facts)
        self._brought: dict[str, list[Fact]] = {}
        for fact in known.facts.values():
            self._brought.setdefault(fact.of or fact.base_id, []).append(fact)
        for fact in known.facts.values():
            for base_id in self.replaces[fact.base_id]:
                if not self.in_a_circle(fact, base_id):
                    self.successors.setdefault(base_id, []).append(fact)

    def in_a_circle(self, fact: Fact, base_id: str) -> bool:
        """Whether a message references a later one that references it, perhaps by way of others.

        Then the later one holds: if each ended the other, nothing would be warned, and nobody would have said so.
        """
        other = self.known.facts.get(base_id)
        if other is None or other.sent < fact.sent or (other.sent == fact.sent and base_id < fact.base_id):
            return False
        return self.circles[fact.base_id] == self.circles[base_id]

    @cached_property
    def circles(self) -> dict[str, int]:
        return parts(self.replaces)

    def sightings(self, fact: Fact) -> dict[str, Sighting]:
        """Who listed a message, under whatever id, of those that brought it."""
        if fact.base_id not in self._sightings:
            listings = [self.known.listings.get(listed_id, _UNKNOWN) for listed_id in fact.listed_as]
            joined = listings[0]
            for listing in listings[1:]:
                for source, sighting in listing.sightings.items():
                    joined = joined.seen(source, sighting.first).seen(source, sighting.last)
            brought = [one.sources for one in self._brought[fact.of or fact.base_id]]
            if None not in brought:
                own = {source for sources in brought for source in sources or ()}
                joined = joined.model_copy(
                    update={"sightings": {s: x for s, x in joined.sightings.items() if s in own}}
                )
            self._sightings[fact.base_id] = joined.sightings
        return self._sightings[fact.base_id]

    @cached_property
    def complete(self) -> dict[str, list[KnownSnapshot]]:
        """Newest first."""
        return {
            source: [one for one in seen if complete(self.known, one, self.rules)]
            for source, seen in self.known.snapshots.items()
        }

    @cached_property
    def settled_stamp(self) -> dict[str, datetime]:
        """By source the newest snapshot of which every id was decided, readable or not."""
        newest = {s: next(filter(self.decided, seen), None) for s, seen in self.known.snapshots.items()}
        return {source: one.stamp for source, one in newest.items() if one}

    def decided(self, seen: KnownSnapshot) -> bool:
        return seen.left_out is None and all(verdict(self.known, i, self.rules) is not None for i in seen.ids)

    def by_district(self) -> dict[str, list[Standing]]:
        """What stands in each district, the worst first. What does not depend on the district is asked once a fact."""
        ranked = []
        for fact in self.known.facts.values():
            if fact.meanings and not self.waits(fact) and (sources := self.stood_by(fact)):
                for number, meaning in enumerate(fact.meanings):
                    if phase := self.phase(fact, meaning):
                        ranked.append((_worst_first(fact, meaning, phase), number, fact, sources, phase))
        found: dict[str, list[Standing]] = {}
        for _, number, fact, sources, phase in sorted(ranked, key=itemgetter(0)):
            meaning = fact.meanings[number]
            disputed = fact.base_id in self.successors
            for impact in meaning.impacts:
                if disputed and all(self.superseded(fact, source, impact.district) for source in sources):
                    continue
                found.setdefault(impact.district, []).append(Standing(fact, meaning, impact, phase))
        return found

    def waits(self, fact: Fact) -> bool:
        """Whether what replaces it is on its way: it came with a listing that has both, and is not yet decided."""
        if fact.waits is None or self.now >= fact.waits:
            return False
        return not any(self.is_settled(source, fact.first) for source in self.sightings(fact))

    def is_settled(self, source: str, stamp: datetime | None) -> bool:
        settled = self.settled_stamp.get(source)
        return stamp is not None and settled is not None and settled >= stamp

    def stood_by(self, fact: Fact) -> list[str]:
        """The sources that neither replaced nor withdrew a message: it holds as long as one of them stands by it."""
        return [
            source
            for source, sighting in self.sightings(fact).items()
            if not self.replaced(fact, source) and not self.withdrawn(fact, source, sighting.last)
        ]

    def superseded(self, fact: Fact, source: str, district: str) -> bool:
        """Its successor warns here itself, or is known to have replaced it wherever it warned."""
        return self.replaced(fact, source) or district in self.succeeded(fact, source)

    def succeeded(self, fact: Fact, source: str) -> frozenset[str]:
        """The districts that a message's successors of a source warn themselves."""
        place = fact.base_id, source
        if place not in self._succeeded:
            others = [one for one in self.successors.get(fact.base_id, ()) if source in self.sightings(one)]
            self._succeeded[place] = frozenset(impact.district for one in others for _, impact in one.impacts())
        return self._succeeded[place]

    def replaced(self, fact: Fact, source: str) -> bool:
        place = fact.base_id, source
        if place not in self._replaced:
            self._replaced[place] = any(
                fact.waits is not None or self.confirmed(source, sighting.first)
                for other in self.successors.get(fact.base_id, ())
                if (sighting := self.sightings(other).get(source))
            )
        return self._replaced[place]

    def replaced_for_good(self) -> Iterator[str]:
        """Its successor is confirmed, and so is all that it replaced itself."""
        for fact in filter(lambda fact: fact.meanings, self.known.facts.values()):
            sightings = self.sightings(fact).items()
            if all(self.replaced(fact, s) and self.confirmed(s, at.first) for s, at in sightings):
                yield fact.base_id

    def confirmed(self, source: str, stamp: datetime | None) -> bool:
        """Whether everything that came along with a message has been decided."""
        return stamp is None or self.is_settled(source, stamp)

    def withdrawn(self, fact: Fact, source: str, listed: datetime | None) -> bool:
        severe = any(level(meaning.severity) >= SEVERE for meaning in fact.meanings)
        return self.lacked(source, listed, empty_counts=not severe and not self.all_vanished)

    def lacked(self, source: str, listed: datetime | None, *, empty_counts: bool) -> bool:
        """Whether enough snapshots after the last that listed a message lack it."""
        seen = [one for one in self.complete.get(source, ()) if one.ids or empty_counts]
        if listed is None or not seen or seen[0].stamp <= listed:
            return False
        dropped = self.dropped(source, listed)
        evidence = apart(seen, LOOKS if dropped else 2)
        if dropped and seen[0].stamp - listed < DROPPED_FOR:
            return False
        return len(evidence) == (LOOKS if dropped else 2) and evidence[-1].stamp > listed

    def dropped(self, source: str, stamp: datetime) -> bool:
        """Whether less than a tenth of what a source listed then was listed ever after."""
        if source not in self._spans:
            found = [
                s for one in self.known.listings.values() if (s := one.sightings.get(source)) and s.first and s.last
            ]
            self._spans[source] = sorted(s.first for s in found if s.first), sorted(s.last for s in found if s.last)
        firsts, lasts = self._spans[source]
        begun = bisect_right(firsts, stamp)
        listed, left = begun - bisect_left(lasts, stamp), begun - bisect_right(lasts, stamp)
        return left * 10 < listed

    def in_doubt(self, source: str) -> bool:
        """Something stands that its source dropped together with nearly all else."""
        newest = next(iter(self.known.snapshots.get(source, ())), None)
        return newest is not None and any(
            live_at(meaning, self.now)
            for fact in self.known.facts.values()
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
        """The newest snapshot is empty while something Severe stood: it takes nothing away before the expiry."""
        return any(
            self.stood_severe(source, seen[0].stamp)
            for source, seen in self.known.snapshots.items()
            if seen and not seen[0].ids
        )

    def stood_severe(self, source: str, stamp: datetime) -> bool:
        return any(
            level(meaning.severity) >= SEVERE
            and live_at(meaning, self.now)
            and not self.superseded(fact, source, impact.district)
            for fact in self.known.facts.values()
            if (sighting := self.sightings(fact).get(source))
            and sighting.last
            and sighting.last < stamp
            and not self.lacked(source, sighting.last, empty_counts=False)
            for meaning, impact in fact.impacts()
        )

    def phase(self, fact: Fact, meaning: Meaning) -> Phase | None:
        if live_at(meaning, self.now):
            return "advance" if meaning.advance else "warning"
        return None if self.end_confirmed(fact, meaning) else "expired"

    def end_confirmed(self, fact: Fact, meaning: Meaning) -> bool:
        """A complete snapshot from after the end, from each source that had it.

        It no longer lists it, or is from so long after that an extension would be there.
        """
        for source, sighting in self.sightings(fact).items():
            if sighting.last and meaning.expires:
                newest = next(iter(self.complete.get(source, ())), None)
                if newest is None or newest.stamp <= meaning.expires:
                    return False
                since = max(meaning.expires, sighting.first or meaning.expires)
                if newest.stamp <= sighting.last and newest.stamp < since + STILL_LISTED:
                    return False
        return True

    def freshness(self, source: str, limit: timedelta) -> Freshness:
        seen = self.known.snapshots.get(source, ())
        if not seen:
            return "none"
        taken = (one for one in seen if self.decided(one) or self.now - one.checked >= DECIDING)
        newest = next(taken, seen[-1])
        if latest(self.known.clock, self.now) - newest.stamp > limit:
            return "stale"
        return "fresh" if newest in self.complete[source] else "incomplete"

    def ends_nothing(self, fact: Fact) -> bool:
        """Whether a Cancel names nothing that was ever heard of. The DWD's do at each start, and are right."""
        if fact.msg_type != "Cancel" or "," not in fact.base_id:
            return False
        return not any(i in self.known.facts for i in self.replaces[fact.base_id])

    def clocks(self) -> dict[str, int]:
        return {**self.known.clock.off, **{f"stamp {source}": by for source, by in self.known.ahead.items()}}

    def flags(self, sources: Iterable[str]) -> tuple[str, ...]:
        newest = [seen[0] for source in sources if (seen := self.known.snapshots.get(source))]
        dropped = [f"dropped {source}" for source in sorted(sources) if self.in_doubt(source)]
        unreadable = sorted({i for one in newest for i in one.ids if verdict(self.known, i, self.rules) is False})
        left_out = [
            f"left out {f.left_out} of {f.base_id}" for f in self.known.facts.values() if f.left_out and f.meanings
        ]
        reused = sorted({f"identifier reused {f.of}" for f in self.known.facts.values() if f.of})
        idle = sorted(f"ends nothing {f.base_id}" for f in self.known.facts.values() if self.ends_nothing(f))
        vanished = ("all vanished",) if self.all_vanished else ()
        ahead = [f"stamp ahead {source} {by:+d} s" for source, by in sorted(self.known.ahead.items())]
        clocks = (*alarms(self.known.clock), *ahead)
        cannot_read, forgotten = (f"unreadable {i}" for i in unreadable[:20]), self.known.forgotten(self.now)
        return (
            *cannot_read,
            *sorted(left_out)[:20],
            *reused[:20],
            *idle[:20],
            *vanished,
            *dropped,
            *clocks,
            *forgotten,
        )
