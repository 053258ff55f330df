"""How a ledger grows: what it learns from a message, a snapshot and a tick, and what it forgets.

Each function takes a ledger and gives a new one. Whatever the order and however often, the same is known in the end.
What a message means for the cities that it concerns is in `messages`.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from warnsys.records import Outcome, Snapshot, Tick
from warnsys.warning.clock import hear, testify
from warnsys.warning.facts import (
    AHEAD,
    HURRY,
    LOOKS,
    MAX_SNAPSHOTS,
    MEMORY,
    MEMORY_ELSEWHERE,
    MOST_IDS,
    MOST_SOURCES,
    Early,
    Fact,
    KnownSnapshot,
    Ledger,
    Listing,
    apart,
    last_seen,
    names_in,
    newest,
    verdict,
)
from warnsys.warning.messages import fact_of, over_since, with_message

_LISTING_BYTES = 250
"""A new listing adds about so many bytes to a ledger, its id apart."""
TIDY_EVERY = timedelta(minutes=1)
"""A ledger forgets once in so long, because it asks all cities what they need."""


# -- a message -------------------------------------------------------------------------------------------------------


def learn_outcome(ledger: Ledger, outcome: Outcome, ruleset_version: str) -> Ledger:
    """Takes in how a message was decided: that it was listed, its verdict, and whether it names one still to come.

    `ruleset_version` is the present one.
    """
    known, listing = _listed_by_message(ledger, outcome)
    sender_in_base_id = "," in outcome.base_id  # else the base id is the identifier alone
    listing = listing.decided(outcome.rules, accepted=outcome.decided != "rejected", foreign=sender_in_base_id)
    grown = known.grown + 2 * len(outcome.listed_id) + _LISTING_BYTES
    known = known.model_copy(update={"listings": {**known.listings, outcome.listed_id: listing}, "grown": grown})
    fact = fact_of(outcome.model_copy(update={"meanings": ()}), ledger.now)
    if fact and (fact.base_id in ledger.loose or any(map(ledger.may_warn, fact.supersedes))):
        known = _learn_loose(known, fact, ruleset_version)
    return known


def _learn_loose(ledger: Ledger, fact: Fact, ruleset_version: str) -> Ledger:
    """Adds a message to those that name one that was not accepted yet."""
    names = (fact.base_id, *ledger.named.get(fact.base_id, ()))
    revisions = {i: one for i in names if (one := ledger.loose.get(i)) and fact.base_id in (one.base_id, one.of)}
    after = with_message(revisions, fact, ledger.listings, ruleset_version)
    grown = ledger.grown + sum(len(one.model_dump_json()) for i, one in after.items() if one is not revisions.get(i))
    gone = revisions.keys() - after.keys()
    kept = {base_id: one for base_id, one in ledger.loose.items() if base_id not in gone}
    return with_loose(ledger.model_copy(update={"grown": grown}), {**kept, **after})


def with_loose(ledger: Ledger, loose: Mapping[str, Fact]) -> Ledger:
    """Gives a ledger with other loose messages, and with their names."""
    before, named = ledger.loose, dict(ledger.named)
    for base_id in [i for i in (before.keys() | loose.keys()) if before.get(i) is not loose.get(i)]:
        was, now = (names_in(some[base_id]) if base_id in some else set[str]() for some in (before, loose))
        for name in was - now:
            named[name] = tuple(one for one in named[name] if one != base_id)
            if not named[name]:
                del named[name]
        for name in now - was:
            named[name] = tuple(sorted({*named.get(name, ()), base_id}))
    return ledger.model_copy(update={"loose": loose, "named": named})


def _listed_by_message(known: Ledger, outcome: Outcome) -> tuple[Ledger, Listing]:
    """Gives the ledger, and the listing of a message's id once its own stamp is added.

    * An early stamp waits for the next tick. Until then the latest time that is not early stands in for it.
    * If the answer that the message came with is in doubt, its stamp says nothing. A message that its source had not
      listed counts as listed now.
    * If one clock alone gave the stamp, that clock may be behind. A message that is undecided counts as listed now,
      too.
    """
    listing, stamp = known.listings.get(outcome.listed_id) or Listing(), outcome.stamp
    undecided = not listing.accepted
    if outcome.alone and known.now and undecided:
        listing = listing.seen(outcome.source, known.now)
    if outcome.doubt:
        is_new = outcome.source not in listing.sightings
        return known, listing.seen(outcome.source, (known.now or stamp) if is_new else None)
    if stamp and _is_early(known, stamp):
        known = _keep_for_the_tick(known, outcome.source, Early(stamp=stamp, ids=(outcome.listed_id,)))
        return known, listing.seen(outcome.source, known.now and known.now + AHEAD, early=True)
    return known, listing.seen(outcome.source, stamp)


def _complete(known: Ledger, seen: KnownSnapshot, ruleset_version: str) -> bool:
    """Says whether every message that a snapshot lists has been accepted under these rules."""
    return seen.left_out is None and all(verdict(known, listed_id, ruleset_version) for listed_id in seen.ids)


# -- a snapshot ------------------------------------------------------------------------------------------------------


def learn_snapshot(known: Ledger, snapshot: Snapshot, ruleset_version: str) -> Ledger:
    """Takes a snapshot: as a witness of the time, and as a list of what its source calls valid.

    `ruleset_version` is the present one.
    """
    known = known.model_copy(update={"clock": testify(known.clock, snapshot)})
    checked = min(snapshot.checked, known.now + HURRY) if known.now else snapshot.checked
    ids = tuple(sorted(set(snapshot.ids)))
    seen = KnownSnapshot(
        stamp=snapshot.stamp, checked=checked, ids=ids[:MOST_IDS], left_out=len(ids[MOST_IDS:]) or None
    )
    if _is_early(known, seen.stamp):
        return _keep_for_the_tick(known, snapshot.source, Early(stamp=seen.stamp, seen=seen))
    ahead = {source: by for source, by in known.ahead.items() if source != snapshot.source}
    return _with_snapshot(known.model_copy(update={"ahead": ahead}), snapshot.source, seen, ruleset_version)


def _with_snapshot(known: Ledger, source: str, seen: KnownSnapshot, ruleset_version: str) -> Ledger:
    """Adds that a source listed the ids of a snapshot, and the snapshot; removes those that cannot matter any more."""
    listings, grown = dict(known.listings), known.grown
    for listed_id in seen.ids:
        before = listings.get(listed_id)
        listings[listed_id] = (before or Listing()).seen(source, seen.stamp)
        grown += len(listed_id) if before else 2 * len(listed_id) + _LISTING_BYTES
    known = known.model_copy(update={"listings": listings, "grown": grown})
    by_stamp = {one.stamp: one for one in known.snapshots.get(source, ())}
    by_stamp[seen.stamp] = join_snapshots(by_stamp.get(seen.stamp), seen)
    newest_first = sorted(by_stamp.values(), key=lambda one: one.stamp, reverse=True)
    not_empty = [one for one in newest_first if one.ids]
    needed = (*_witnesses(known, newest_first, ruleset_version), *_witnesses(known, not_empty, ruleset_version))
    kept = [one for one in newest_first if one in needed]
    others = {one: snapshots for one, snapshots in known.snapshots.items() if one != source}
    return known.model_copy(update={"snapshots": newest({**others, source: tuple(kept)}, MOST_SOURCES)})


def join_snapshots(one: KnownSnapshot | None, other: KnownSnapshot) -> KnownSnapshot:
    """Joins two copies of the same snapshot: all ids of both."""
    if one is None:
        return other
    ids = tuple(sorted({*one.ids, *other.ids}))
    more = max(one.left_out or 0, other.left_out or 0, len(ids[MOST_IDS:])) or None
    checked = min(one.checked, other.checked)
    return KnownSnapshot(stamp=one.stamp, checked=checked, ids=ids[:MOST_IDS], left_out=more)


def _witnesses(known: Ledger, newest_first: Sequence[KnownSnapshot], ruleset_version: str) -> Sequence[KnownSnapshot]:
    """Gives the snapshots that can still withdraw a message: `LOOKS` complete ones that lie apart, and all that are
    newer than the oldest of these.

    One of the others may still become complete. And a late one may change which of them lie apart, so that another
    becomes a witness. If too few are complete, it gives all, up to `MAX_SNAPSHOTS`.
    """
    witnesses = apart([one for one in newest_first if _complete(known, one, ruleset_version)], LOOKS)
    since = witnesses[-1].stamp if len(witnesses) == LOOKS else None
    since_then = [one for one in newest_first if since is None or one.stamp >= since]
    return (*witnesses, *since_then[:MAX_SNAPSHOTS])


# -- a tick, and stamps ahead of the time ----------------------------------------------------------------------------


def learn_time(known: Ledger, tick: Tick, ruleset_version: str, needs: "Needs") -> Ledger:
    """Takes a tick: sets the time, judges what was early, and forgets what has been over for long.

    While the time is in doubt, it only sets the time. `needs` says what the cities need.
    """
    clock, now = hear(known.clock, known.now, tick)
    may_have_been_ahead = known.now is None or now < known.now
    known = known.model_copy(update={"clock": clock, "now": now})
    if clock.doubt:
        return known
    if may_have_been_ahead:
        known = _without_stamps_ahead(known)
    known = _judge_early(known, ruleset_version)
    due = known.tidied is None or abs(now - known.tidied) >= TIDY_EVERY
    return forget_listings(known, now, needs) if due else known


def _is_early(known: Ledger, stamp: datetime) -> bool:
    return known.now is not None and stamp > known.now + AHEAD


def _keep_for_the_tick(known: Ledger, source: str, early: Early) -> Ledger:
    """Adds what came under an early stamp to what waits for the next tick."""
    by_stamp = {one.stamp: one for one in known.early.get(source, ())}
    if before := by_stamp.get(early.stamp):
        seen = join_snapshots(before.seen, early.seen) if early.seen else before.seen
        early = Early(stamp=early.stamp, seen=seen, ids=tuple(sorted({*before.ids, *early.ids}))[:MOST_IDS])
    by_stamp[early.stamp] = early
    kept = sorted(by_stamp.values(), key=lambda one: one.stamp)[-MAX_SNAPSHOTS:]
    others = {one: earlies for one, earlies in known.early.items() if one != source}
    grown = known.grown + sum(map(len, early.ids)) + sum(map(len, early.seen.ids if early.seen else ()))
    return known.model_copy(update={"early": newest({**others, source: tuple(kept)}, MOST_SOURCES), "grown": grown})


def _judge_early(known: Ledger, ruleset_version: str) -> Ledger:
    """Judges what waited for a tick: what is no longer early counts; the rest is dropped, and operators are told."""
    waited, ahead = known.early, dict(known.ahead)
    if not waited or known.now is None:
        return known
    for source, earlies in waited.items():
        for early in earlies:
            if _is_early(known, early.stamp):
                ahead[source] = round((early.stamp - known.now).total_seconds())
                continue
            if early.ids:
                listings = {i: (known.listings.get(i) or Listing()).seen(source, early.stamp) for i in early.ids}
                known = known.model_copy(update={"listings": {**known.listings, **listings}})
            if early.seen:
                ahead.pop(source, None)
                known = _with_snapshot(known, source, early.seen, ruleset_version)
    return known.model_copy(update={"early": {}, "ahead": ahead})


def _without_stamps_ahead(known: Ledger) -> Ledger:
    """Removes snapshots whose stamps are early now, and sets later sightings to the latest stamp that is not early.

    They were believed while the time was too far ahead, and would outrank all that comes.
    """
    now = known.now
    if now is None:
        return known
    limit = now + AHEAD
    snapshots = {source: tuple(one for one in seen if one.stamp <= limit) for source, seen in known.snapshots.items()}
    listings = {i: _seen_until(listing, limit) for i, listing in known.listings.items()}
    return known.model_copy(update={"snapshots": snapshots, "listings": listings})


def _seen_until(listing: Listing, limit: datetime) -> Listing:
    """Moves all sightings after a limit to the limit."""
    if not any(one.last and one.last > limit for one in listing.sightings.values()):
        return listing

    def limited(moment: datetime | None) -> datetime | None:
        return min(moment, limit) if moment else None

    sightings = {
        source: one.model_copy(update={"first": limited(one.first), "last": limited(one.last)})
        for source, one in listing.sightings.items()
    }
    return listing.model_copy(update={"sightings": sightings})


# -- forgetting ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """What the cities of a partition need of its ledger."""

    listed_as: Container[str] = ()
    """The ids under which their messages are listed."""
    last_stamps: Callable[[Ledger], Container[tuple[str, datetime | None]]] = lambda _: ()
    """Gives source and last stamp of each of their messages that has not expired.

    Listings that a source last listed at the same stamp are needed: how many left together tells whether the source
    dropped them."""


NO_NEEDS = Needs()
"""Without cities nothing is needed."""


def forget_listings(known: Ledger, now: datetime, needs: Needs) -> Ledger:
    """Removes loose messages that have been over for long, and listings that nothing needs any more."""
    listed = {i for seen in known.snapshots.values() for one in seen for i in one.ids}
    over = {
        base_id: fact
        for base_id, fact in known.loose.items()
        if over_since(fact, known.listings) < now - MEMORY and listed.isdisjoint(fact.listed_as)
    }
    if over:
        known = with_loose(known, {base_id: fact for base_id, fact in known.loose.items() if base_id not in over})
    of_loose = {i for fact in known.loose.values() for i in fact.listed_as}
    old = [
        listed_id
        for listed_id, listing in known.listings.items()
        if listed_id not in listed
        and listed_id not in of_loose
        and listed_id not in needs.listed_as
        and max(last_seen(listing), default=now) < now - MEMORY_ELSEWHERE
    ]
    stamps = needs.last_stamps(known) if old else ()
    gone = {
        i for i in old if not any((source, one.last) in stamps for source, one in known.listings[i].sightings.items())
    }
    listings = {i: one for i, one in known.listings.items() if i not in gone} if gone else known.listings
    return known.model_copy(update={"listings": listings, "tidied": now})
