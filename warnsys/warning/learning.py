"""How a city's facts grow: what it learns from a message, a snapshot and a tick, and what it forgets.

Each function takes the facts and gives new ones. Whatever the order and however often, the same is known in the end.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from warnsys.records import Outcome, Snapshot, Tick
from warnsys.warning.clock import hear, testify
from warnsys.warning.facts import (
    AHEAD,
    DECIDING,
    HURRY,
    LOOKS,
    MAX_SNAPSHOTS,
    MEMORY,
    MEMORY_ELSEWHERE,
    MEMORY_OPEN,
    MOST_IDS,
    MOST_NAMES,
    MOST_REFERENCES,
    MOST_SOURCES,
    Early,
    Fact,
    Facts,
    KnownSnapshot,
    Listing,
    apart,
    complete,
    last_seen,
    newest,
)
from warnsys.warning.kinds import in_chains
from warnsys.warning.revisions import adopted, family, in_order, is_real, same_content

_LISTING_BYTES = 250
"""A new listing adds about so many bytes to a state, its id apart."""


# -- a message -------------------------------------------------------------------------------------------------------


def learn_outcome(known: Facts, outcome: Outcome, ruleset_version: str) -> Facts:
    """Takes in how a message was decided: that it was listed, its verdict, and the message itself if it matters here.

    `ruleset_version` is the present one: a fact under it replaces one under an older version.
    """
    known, listing = _listed_by_message(known, outcome)
    accepted, foreign = outcome.decided != "rejected", "," in outcome.base_id  # else the name is the identifier alone
    listing = listing.decided(outcome.rules, accepted=accepted, foreign=foreign)
    listings = {**known.listings, outcome.listed_id: listing}
    facts, grown = dict(known.facts), known.grown + 2 * len(outcome.listed_id) + _LISTING_BYTES
    if (fact := _fact_of(outcome)) and _matters(fact, known):
        if outcome.replaced and not outcome.doubt and (since := known.now or outcome.stamp):
            # A message of the same listing replaces it, so it is no news until that one is decided.
            fact = fact.model_copy(update={"waits": since + DECIDING})
        adopted(facts, fact)
        before = family(facts, fact.base_id)
        revisions = in_order(fact.base_id, _with_content(before, fact, ruleset_version))
        revisions = [_bounded(one, known.facts, listings) for one in revisions]
        for base_id in {one.base_id for one in before} - {one.base_id for one in revisions}:
            del facts[base_id]
        facts.update((one.base_id, one) for one in revisions)
        in_chains(facts, [one.base_id for one in revisions])
        grown += sum(len(one.model_dump_json()) for one in revisions if not any(one is old for old in before))
    return known.model_copy(update={"facts": facts, "listings": listings, "grown": grown})


def _listed_by_message(known: Facts, outcome: Outcome) -> tuple[Facts, Listing]:
    """Gives the facts, and the listing of a message's id once its own stamp is added.

    * An early stamp waits for the next tick. Until then the latest time that is not early stands in for it.
    * If the answer that the message came with is in doubt, its stamp says nothing. A message that is new counts as
      listed now.
    * If one clock alone gave the stamp, that clock may be behind. A message that is new counts as listed now, too.
    """
    listing, stamp = known.listings.get(outcome.listed_id) or Listing(), outcome.stamp
    if outcome.alone and known.now and not listing.accepted:
        listing = listing.seen(outcome.source, known.now)
    if outcome.doubt:
        is_new = outcome.source not in listing.sightings
        return known, listing.seen(outcome.source, (known.now or stamp) if is_new else None)
    if stamp and _is_early(known, stamp):
        known = _keep_for_the_tick(known, outcome.source, Early(stamp=stamp, ids=(outcome.listed_id,)))
        return known, listing.seen(outcome.source, known.now and known.now + AHEAD, early=True)
    return known, listing.seen(outcome.source, stamp)


def _fact_of(outcome: Outcome) -> Fact | None:
    """Makes the fact of a message. Gives None if the message was not accepted, or says nothing here (a test).

    A message from an answer in doubt warns beside what it references, and ends nothing: the feed sends it again with a
    good answer.
    """
    if outcome.decided == "rejected" or outcome.sent is None or outcome.msg_type is None or not is_real(outcome):
        return None
    return Fact(
        base_id=outcome.base_id,
        rules=outcome.rules,
        sent=outcome.sent,
        msg_type=outcome.msg_type,
        listed_as=(outcome.listed_id,),
        supersedes=() if outcome.doubt else outcome.supersedes,
        meanings=outcome.meanings,
        left_out=outcome.left_out,
        digest=outcome.digest,
        sources=(outcome.source,),
        first=None if outcome.doubt else outcome.stamp,
        doubt=outcome.doubt or None,
    )


def _matters(fact: Fact, known: Facts) -> bool:
    """Says whether a message warns here, is known here, or references a message that may warn here."""
    if fact.meanings or fact.base_id in known.facts:
        return True
    return any(_may_warn_here(known, base_id) for base_id in fact.supersedes)


def _may_warn_here(known: Facts, base_id: str) -> bool:
    """Says whether a message warns here, or has not been accepted yet. If accepted and no fact, it warns elsewhere."""
    if base_id in known.facts:
        return True
    listing = known.listings.get(base_id)
    return listing is None or bool(listing.foreign) or not any(listing.accepted.values())


def _with_content(before: Sequence[Fact], fact: Fact, ruleset_version: str) -> list[Fact]:
    """Gives the contents of one message with `fact` added, or joined with the same content if that is known.

    A copy from an answer in doubt adds nothing to a content that is not in doubt.
    """
    same = next((one for one in before if same_content(one, fact)), None)
    if same is None:
        return [*before, fact]
    if fact.doubt and not same.doubt:
        return list(before)
    joined = _join(same, fact, ruleset_version)
    return [joined if one is same else one for one in before]


def _join(one: Fact, other: Fact, ruleset_version: str) -> Fact:
    """Joins two copies of the same content: the one under the present rules counts, then the one with more languages.

    It takes listed ids, references and sources of both.
    """
    content = max(
        (one, other),
        key=lambda fact: (
            fact.rules == ruleset_version,
            sum(len(m.texts) for m in fact.meanings),
            fact.model_dump_json(),
        ),
    )
    warned = () if content.meanings else (*one.meanings, *other.meanings)
    joined = {
        # Of what warns nobody here any more under new geofences, the words are kept: its end may have to be told.
        "meanings": content.meanings or tuple(meaning.model_copy(update={"impacts": ()}) for meaning in warned),
        "listed_as": tuple(sorted({*one.listed_as, *other.listed_as})),
        "supersedes": tuple(sorted({*one.supersedes, *other.supersedes})),
        "digest": one.digest or other.digest,
        "first": min((moment for moment in (one.first, other.first) if moment), default=None),
        "doubt": (one.doubt and other.doubt) or None,
        "waits": min(one.waits, other.waits) if one.waits and other.waits else None,
        "base_id": one.base_id,
        "of": one.of,
        "sources": None if None in (one.sources, other.sources) else _union(one.sources, other.sources),
        "kinds": one.kinds or other.kinds,
        "codes": one.codes or other.codes,
    }
    if all(getattr(content, name) == value for name, value in joined.items()):
        return content
    return content.model_copy(update=joined)


def _union(one: Iterable[str] | None, other: Iterable[str] | None) -> tuple[str, ...]:
    """Joins the names of sources, as many as are kept."""
    return tuple(sorted({*(one or ()), *(other or ())})[:MOST_SOURCES])


def _bounded(fact: Fact, facts: Container[str], listings: Mapping[str, Listing]) -> Fact:
    """Limits the references and listed ids of one message. References to messages that are known here all stay."""
    if len(fact.supersedes) <= MOST_REFERENCES and len(fact.listed_as) <= MOST_NAMES:
        return fact
    known_here = [base_id for base_id in fact.supersedes if base_id in facts]
    others = [base_id for base_id in fact.supersedes if base_id not in facts]
    long_ago = datetime.min.replace(tzinfo=UTC)

    def when(listed_id: str) -> tuple[datetime, str]:
        return max(last_seen(listings.get(listed_id)), default=long_ago), listed_id

    listed_as = sorted(fact.listed_as, key=when, reverse=True)[:MOST_NAMES]
    references = sorted({*known_here, *others[:MOST_REFERENCES]})
    return fact.model_copy(update={"supersedes": tuple(references), "listed_as": tuple(sorted(listed_as))})


def without_verdict(known: Facts, *listed_ids: str) -> Facts:
    """Takes back that messages were accepted, because something of them is not known here: they are undecided."""
    listings = {i: known.listings[i].model_copy(update={"accepted": {}}) for i in listed_ids if i in known.listings}
    return known.model_copy(update={"listings": {**known.listings, **listings}}) if listings else known


# -- a snapshot ------------------------------------------------------------------------------------------------------


def learn_snapshot(known: Facts, snapshot: Snapshot, ruleset_version: str) -> Facts:
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


def _with_snapshot(known: Facts, source: str, seen: KnownSnapshot, ruleset_version: str) -> Facts:
    """Adds that a source listed the ids of a snapshot, and the snapshot; removes those that cannot matter any more."""
    listings, grown = dict(known.listings), known.grown
    for listed_id in seen.ids:
        before = listings.get(listed_id)
        listings[listed_id] = (before or Listing()).seen(source, seen.stamp)
        grown += len(listed_id) if before else 2 * len(listed_id) + _LISTING_BYTES
    known = known.model_copy(update={"listings": listings, "grown": grown})
    by_stamp = {one.stamp: one for one in known.snapshots.get(source, ())}
    by_stamp[seen.stamp] = _join_snapshots(by_stamp.get(seen.stamp), seen)
    newest_first = sorted(by_stamp.values(), key=lambda one: one.stamp, reverse=True)
    not_empty = [one for one in newest_first if one.ids]
    needed = (*_witnesses(known, newest_first, ruleset_version), *_witnesses(known, not_empty, ruleset_version))
    kept = [one for one in newest_first if one in needed]
    others = {one: snapshots for one, snapshots in known.snapshots.items() if one != source}
    return known.model_copy(update={"snapshots": newest({**others, source: tuple(kept)}, MOST_SOURCES)})


def _join_snapshots(one: KnownSnapshot | None, other: KnownSnapshot) -> KnownSnapshot:
    """Joins two copies of the same snapshot: all ids of both."""
    if one is None:
        return other
    ids = tuple(sorted({*one.ids, *other.ids}))
    more = max(one.left_out or 0, other.left_out or 0, len(ids[MOST_IDS:])) or None
    checked = min(one.checked, other.checked)
    return KnownSnapshot(stamp=one.stamp, checked=checked, ids=ids[:MOST_IDS], left_out=more)


def _witnesses(known: Facts, newest_first: Sequence[KnownSnapshot], ruleset_version: str) -> Sequence[KnownSnapshot]:
    """Gives the snapshots that can still withdraw a message: `LOOKS` complete ones that lie apart, and those between.

    One between them may become complete, or a late one may lie apart from it. If too few are complete, it gives all.
    """
    witnesses = apart([one for one in newest_first if complete(known, one, ruleset_version)], LOOKS)
    since = witnesses[-1].stamp if len(witnesses) == LOOKS else None
    between = [one for one in newest_first if since is None or one.stamp >= since]
    return (*witnesses, *between[:MAX_SNAPSHOTS])


# -- a tick, and stamps ahead of the time ----------------------------------------------------------------------------


def learn_time(known: Facts, tick: Tick, ruleset_version: str) -> Facts:
    """Takes a tick: sets the city's time, judges what was early, and forgets what has been over for long.

    While the time is in doubt, it only sets the time.
    """
    clock, now = hear(known.clock, known.now, tick)
    may_have_been_ahead = known.now is None or now < known.now
    known = known.model_copy(update={"clock": clock, "now": now})
    if clock.doubt:
        return known
    if may_have_been_ahead:
        known = _without_stamps_ahead(known)
    return forget(_judge_early(known, ruleset_version), now)


def _is_early(known: Facts, stamp: datetime) -> bool:
    return known.now is not None and stamp > known.now + AHEAD


def _keep_for_the_tick(known: Facts, source: str, early: Early) -> Facts:
    """Adds what came under an early stamp to what waits for the next tick."""
    by_stamp = {one.stamp: one for one in known.early.get(source, ())}
    if before := by_stamp.get(early.stamp):
        seen = _join_snapshots(before.seen, early.seen) if early.seen else before.seen
        early = Early(stamp=early.stamp, seen=seen, ids=tuple(sorted({*before.ids, *early.ids}))[:MOST_IDS])
    by_stamp[early.stamp] = early
    kept = sorted(by_stamp.values(), key=lambda one: one.stamp)[-MAX_SNAPSHOTS:]
    others = {one: earlies for one, earlies in known.early.items() if one != source}
    grown = known.grown + sum(map(len, early.ids)) + sum(map(len, early.seen.ids if early.seen else ()))
    return known.model_copy(update={"early": newest({**others, source: tuple(kept)}, MOST_SOURCES), "grown": grown})


def _judge_early(known: Facts, ruleset_version: str) -> Facts:
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


def _without_stamps_ahead(known: Facts) -> Facts:
    """Removes snapshots that are early by a time that went back, and moves sightings back to where they are not.

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


def without_details(known: Facts, base_ids: Iterable[str]) -> Facts:
    """Removes the meanings of some messages, and keeps their references: a state is written at every record."""
    bare = {base_id: known.facts[base_id].model_copy(update={"meanings": ()}) for base_id in base_ids}
    return known.model_copy(update={"facts": {**known.facts, **bare}}) if bare else known


def forget(known: Facts, now: datetime) -> Facts:
    """Removes messages that have been over for long, and listings that nothing needs any more.

    A message that a snapshot still lists is undecided from then on: `now` may be wrong.
    """
    listed = {i for seen in known.snapshots.values() for one in seen for i in one.ids}

    def over(fact: Fact) -> bool:
        ends = [fact.sent, *(meaning.expires or fact.sent + MEMORY_OPEN for meaning in fact.meanings)]
        sightings = [moment for i in fact.listed_as for moment in last_seen(known.listings.get(i))]
        return max((*ends, *sightings)) < now - MEMORY

    facts = {base_id: fact for base_id, fact in known.facts.items() if not over(fact)}
    forgotten = (fact for base_id, fact in known.facts.items() if base_id not in facts)
    known = without_verdict(known, *(i for fact in forgotten for i in fact.listed_as if i in listed))
    of_facts = {i for fact in facts.values() for i in fact.listed_as}
    needed_stamps = last_stamps(known, facts.values(), now)

    def needed(listed_id: str, listing: Listing) -> bool:
        if listed_id in listed or listed_id in of_facts:
            return True
        if max(last_seen(listing), default=now) >= now - MEMORY_ELSEWHERE:
            return True
        return any((source, sighting.last) in needed_stamps for source, sighting in listing.sightings.items())

    listings = {listed_id: one for listed_id, one in known.listings.items() if needed(listed_id, one)}
    return known.model_copy(update={"facts": facts, "listings": listings})


def last_stamps(known: Facts, facts: Iterable[Fact], now: datetime) -> set[tuple[str, datetime | None]]:
    """Gives source and last stamp of each message that has not expired.

    Listings that left a source with such a message are needed: how many left with it tells whether it was dropped.
    """
    return {
        (source, sighting.last)
        for fact in facts
        if any(meaning.expires is None or meaning.expires > now for meaning in fact.meanings)
        for listed_id in fact.listed_as
        if (listing := known.listings.get(listed_id))
        for source, sighting in listing.sightings.items()
        if sighting.last
    }
