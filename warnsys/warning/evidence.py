"""What the snapshots of the sources prove: that all messages of a listing are decided, that a message is no longer
listed, that it has reached its end. `situation` draws the conclusions.

Silence proves nothing. A listing is proven by a decided snapshot, an end by a complete one (docs/adr/0002, 0015).
"""

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from functools import cached_property

from warnsys.warning.facts import (
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

STILL_LISTED = timedelta(minutes=10)
"""A message that is still listed after its end waits so long for an extension, from its end or its first listing on,
whichever is later. A complete snapshot from after that ends it."""
_WITHDRAWS = 2
"""So many complete snapshots without it withdraw a message that its source did not drop."""

_UNKNOWN = Listing()


class Evidence:
    """What is known of the listings of one city, under the present rules. Each answer is found once."""

    def __init__(self, known: Facts, ruleset_version: str) -> None:
        self.known, self.ruleset_version = known, ruleset_version
        self._sightings: dict[str, dict[str, Sighting]] = {}
        self._stamps: dict[str, tuple[list[datetime], list[datetime]]] = {}
        self._revisions: dict[str, list[Fact]] = {}
        for fact in known.facts.values():
            self._revisions.setdefault(fact.of or fact.base_id, []).append(fact)

    def sightings(self, fact: Fact) -> dict[str, Sighting]:
        """By source, when it listed a message, under whatever id. Only sources that brought the message count."""
        if fact.base_id not in self._sightings:
            listings = [self.known.listings.get(listed_id, _UNKNOWN) for listed_id in fact.listed_as]
            joined = listings[0]
            for listing in listings[1:]:
                for source, sighting in listing.sightings.items():
                    joined = joined.seen(source, sighting.first).seen(source, sighting.last)
            brought_by = [one.sources for one in self._revisions[fact.of or fact.base_id]]
            if None not in brought_by:
                own = {source for sources in brought_by for source in sources or ()}
                joined = joined.model_copy(
                    update={"sightings": {s: x for s, x in joined.sightings.items() if s in own}}
                )
            self._sightings[fact.base_id] = joined.sightings
        return self._sightings[fact.base_id]

    @cached_property
    def complete(self) -> dict[str, list[KnownSnapshot]]:
        """By source, its complete snapshots, the newest first."""
        return {
            source: [one for one in seen if complete(self.known, one, self.ruleset_version)]
            for source, seen in self.known.snapshots.items()
        }

    @cached_property
    def decided_stamps(self) -> dict[str, datetime]:
        """By source, the stamp of its newest decided snapshot."""
        newest = {s: next(filter(self.is_decided, seen), None) for s, seen in self.known.snapshots.items()}
        return {source: one.stamp for source, one in newest.items() if one}

    def is_decided(self, seen: KnownSnapshot) -> bool:
        """Says whether every message that a snapshot lists has been accepted or rejected."""
        return seen.left_out is None and all(verdict(self.known, i, self.ruleset_version) is not None for i in seen.ids)

    def all_decided(self, source: str, stamp: datetime | None) -> bool:
        """Says whether a snapshot of a source that is at least as new as `stamp` has been decided."""
        decided = self.decided_stamps.get(source)
        return stamp is not None and decided is not None and decided >= stamp

    def confirmed(self, source: str, stamp: datetime | None) -> bool:
        """Says whether everything that came along with a message has been decided; `stamp` is its first one.

        A source without snapshots has no stamps: nothing comes along.
        """
        return stamp is None or self.all_decided(source, stamp)

    def missing(self, source: str, last_listed: datetime | None, *, empty_counts: bool) -> bool:
        """Says whether enough complete snapshots are newer than the last one that listed a message.

        `empty_counts` says whether snapshots that list nothing count.
        """
        seen = [one for one in self.complete.get(source, ()) if one.ids or empty_counts]
        if last_listed is None or not seen or seen[0].stamp <= last_listed:
            return False
        dropped = self.dropped(source, last_listed)
        if dropped and seen[0].stamp - last_listed < DROPPED_FOR:
            return False
        enough = LOOKS if dropped else _WITHDRAWS
        witnesses = apart(seen, enough)
        return len(witnesses) == enough and witnesses[-1].stamp > last_listed

    def dropped(self, source: str, stamp: datetime) -> bool:
        """Says whether less than a tenth of what a source listed at `stamp` was ever listed later."""
        if source not in self._stamps:
            found = [
                s for one in self.known.listings.values() if (s := one.sightings.get(source)) and s.first and s.last
            ]
            self._stamps[source] = sorted(s.first for s in found if s.first), sorted(s.last for s in found if s.last)
        firsts, lasts = self._stamps[source]
        listed_by_then = bisect_right(firsts, stamp)
        listed_then = listed_by_then - bisect_left(lasts, stamp)
        listed_later = listed_by_then - bisect_right(lasts, stamp)
        return listed_later * 10 < listed_then

    def confirms_end(self, source: str, expires: datetime, first_listed: datetime, last_listed: datetime) -> bool:
        """Says whether a source's newest complete snapshot is from after the end of a message, and confirms it.

        It does if it no longer lists the message, or comes so late that an extension would be there.
        """
        newest = next(iter(self.complete.get(source, ())), None)
        if newest is None or newest.stamp <= expires:
            return False
        no_longer_listed = newest.stamp > last_listed
        return no_longer_listed or newest.stamp >= max(expires, first_listed) + STILL_LISTED
