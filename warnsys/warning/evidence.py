"""What the snapshots of the sources prove: that all messages of a listing are decided, that a message is no longer
listed, that it has reached its end. `situation` draws the conclusions.

Silence proves nothing. A listing is proven by a decided snapshot, an end by a complete one (docs/adr/0002, 0015).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from warnsys.records import Freshness
from warnsys.warning.clock import latest
from warnsys.warning.facts import (
    DECIDING,
    DROPPED_FOR,
    LOOKS,
    Fact,
    Gap,
    KnownSnapshot,
    Ledger,
    Listing,
    Sighting,
    apart,
    verdict,
)

STILL_LISTED = timedelta(minutes=10)
"""A message that is still listed after its end waits so long for an extension, from its end or its first listing on,
whichever is later. A complete snapshot from after that ends it."""
_WITHDRAWS = 2
"""So many complete snapshots without it withdraw a message that its source did not drop."""

_UNKNOWN = Listing()


class Witnesses:
    """What the snapshots of a ledger prove by themselves, under the present rules. Each answer is found once.

    `before` are those of the same ledger a record earlier. What was accepted stays so, so of a snapshot that is known
    only the messages that were missing are asked for again.
    """

    def __init__(self, ledger: Ledger, ruleset_version: str, before: "Witnesses | None" = None) -> None:
        self.ledger, self.ruleset_version = ledger, ruleset_version
        known = before._missing if before and before.ruleset_version == ruleset_version else {}
        self._missing: dict[tuple[str, datetime], tuple[KnownSnapshot, tuple[str, ...]]] = {}
        """By source and stamp, a snapshot and the messages of it that have not been accepted."""
        for source, snapshots in ledger.snapshots.items():
            for seen in snapshots:
                was = known.get((source, seen.stamp))
                ids = was[1] if was and was[0] is seen else seen.ids
                missing = tuple(i for i in ids if not verdict(ledger, i, ruleset_version))
                self._missing[source, seen.stamp] = seen, missing
        self._stamps: dict[str, tuple[list[datetime], list[datetime]]] = {}
        if before and before.ledger.listings is ledger.listings:
            self._stamps = before._stamps
        self.loose_cancels: tuple[Fact, ...] = (
            before.loose_cancels
            if before and before.ledger.loose is ledger.loose
            else tuple(one for one in ledger.loose.values() if one.msg_type == "Cancel")
        )

    def missing(self, source: str, seen: KnownSnapshot) -> tuple[str, ...]:
        """Gives the messages of a snapshot that have not been accepted."""
        return self._missing[source, seen.stamp][1]

    @cached_property
    def complete(self) -> dict[str, list[KnownSnapshot]]:
        """By source, its complete snapshots, the newest first."""
        return {
            source: [one for one in seen if one.left_out is None and not self.missing(source, one)]
            for source, seen in self.ledger.snapshots.items()
        }

    @cached_property
    def decided_stamps(self) -> dict[str, datetime]:
        """By source, the stamp of its newest decided snapshot."""
        found = {s: next((one for one in seen if self.is_decided(s, one)), None) for s, seen in self._snapshots}
        return {source: one.stamp for source, one in found.items() if one}

    @property
    def _snapshots(self) -> list[tuple[str, tuple[KnownSnapshot, ...]]]:
        return list(self.ledger.snapshots.items())

    def is_decided(self, source: str, seen: KnownSnapshot) -> bool:
        """Says whether every message that a snapshot lists has been accepted or rejected."""
        undecided = (i for i in self.missing(source, seen) if verdict(self.ledger, i, self.ruleset_version) is None)
        return seen.left_out is None and next(undecided, None) is None

    def dropped(self, source: str, stamp: datetime) -> bool:
        """Says whether less than a tenth of what a source listed at `stamp` was ever listed later."""
        if source not in self._stamps:
            found = [
                s for one in self.ledger.listings.values() if (s := one.sightings.get(source)) and s.first and s.last
            ]
            self._stamps[source] = sorted(s.first for s in found if s.first), sorted(s.last for s in found if s.last)
        firsts, lasts = self._stamps[source]
        listed_by_then = bisect_right(firsts, stamp)
        listed_then = listed_by_then - bisect_left(lasts, stamp)
        listed_later = listed_by_then - bisect_right(lasts, stamp)
        return listed_later * 10 < listed_then


class Evidence:
    """What is known of the listings of one city's messages, under the present rules. Each answer is found once.

    `gaps` are the messages that the city lacks: for it they are undecided, whatever the ledger says.
    """

    def __init__(self, witnesses: Witnesses, facts: Mapping[str, Fact], gaps: Mapping[str, Gap]) -> None:
        self.witnesses, self.ledger, self.facts, self.gaps = witnesses, witnesses.ledger, facts, gaps
        self._sightings: dict[str, dict[str, Sighting]] = {}
        self._revisions: dict[str, list[Fact]] = {}
        for fact in facts.values():
            self._revisions.setdefault(fact.of or fact.base_id, []).append(fact)

    def sightings(self, fact: Fact) -> dict[str, Sighting]:
        """By source, when it listed a message, under whatever id. Only sources that brought the message count."""
        if fact.base_id not in self._sightings:
            listings = [self.ledger.listings.get(listed_id, _UNKNOWN) for listed_id in fact.listed_as]
            joined = listings[0]
            for listing in listings[1:]:
                for source, sighting in listing.sightings.items():
                    joined = joined.seen(source, sighting.first).seen(source, sighting.last)
            found = joined.sightings
            brought_by = [one.sources for one in self._revisions[fact.of or fact.base_id]]
            if None not in brought_by:
                own = {source for sources in brought_by for source in sources or ()}
                found = {source: sighting for source, sighting in found.items() if source in own}
            self._sightings[fact.base_id] = found
        return self._sightings[fact.base_id]

    def verdict(self, listed_id: str) -> bool | None:
        """Says how a message was decided for this city: True accepted, False rejected, None undecided."""
        if gap := self.gaps.get(listed_id):
            return False if gap.rejected == self.witnesses.ruleset_version else None
        return verdict(self.ledger, listed_id, self.witnesses.ruleset_version)

    @cached_property
    def complete(self) -> dict[str, list[KnownSnapshot]]:
        """By source, its complete snapshots, the newest first."""
        found = self.witnesses.complete
        if not self.gaps:
            return found
        return {s: [one for one in seen if self.gaps.keys().isdisjoint(one.ids)] for s, seen in found.items()}

    @cached_property
    def decided_stamps(self) -> dict[str, datetime]:
        """By source, the stamp of its newest decided snapshot."""
        if not self.gaps:
            return self.witnesses.decided_stamps
        found = {s: next((x for x in seen if self.is_decided(s, x)), None) for s, seen in self.ledger.snapshots.items()}
        return {source: one.stamp for source, one in found.items() if one}

    def is_decided(self, source: str, seen: KnownSnapshot) -> bool:
        """Says whether every message that a snapshot lists has been accepted or rejected."""
        if not self.gaps:
            return self.witnesses.is_decided(source, seen)
        return seen.left_out is None and all(self.verdict(i) is not None for i in seen.ids)

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
        return self.witnesses.dropped(source, stamp)

    def confirms_end(self, source: str, expires: datetime, first_listed: datetime, last_listed: datetime) -> bool:
        """Says whether a source's newest complete snapshot is from after the end of a message, and confirms it.

        It does if it no longer lists the message, or comes so late that an extension would be there.
        """
        newest = next(iter(self.complete.get(source, ())), None)
        if newest is None or newest.stamp <= expires:
            return False
        no_longer_listed = newest.stamp > last_listed
        return no_longer_listed or newest.stamp >= max(expires, first_listed) + STILL_LISTED

    # -- how far the data can be relied on --

    def freshness(self, source: str, limit: timedelta, now: datetime) -> Freshness:
        """Gives the freshness of a source's data; they are stale if older than `limit`.

        The newest snapshot counts that is decided, or that has been there for `DECIDING`.
        """
        seen = self.ledger.snapshots.get(source, ())
        if not seen:
            return "none"
        counting = (one for one in seen if self.is_decided(source, one) or now - one.checked >= DECIDING)
        newest = next(counting, seen[-1])
        if latest(self.ledger.clock, now) - newest.stamp > limit:
            return "stale"
        complete = newest in self.complete[source] and not self.misses_what_was_let_go(source, newest.stamp)
        return "fresh" if complete else "incomplete"

    def misses_what_was_let_go(self, source: str, stamp: datetime) -> bool:
        """Says whether something that the city let go may hold at `stamp`, and its source has not withdrawn it.

        One listing without it clears no district, as it would not end it either. Empty ones never count, because
        nobody knows any more how bad it was.
        """
        return any(
            stamp <= gap.let_go
            and (sighting := self.ledger.listings.get(listed_id, _UNKNOWN).sightings.get(source))
            and not self.missing(source, sighting.last, empty_counts=False)
            for listed_id, gap in self.gaps.items()
            if gap.let_go
        )
