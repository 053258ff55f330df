"""What is known about one city: facts that only join.

Sets grow, stamps only rise. So whatever order messages and snapshots come in, and however often, the same is known in
the end; what it means follows in `situation`.

A stamp ahead of the city's time waits for the next tick: had the time only lagged, it counts then; else never, also not
when the time has come there (docs/adr/0014).
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from warnsys.records import Moment, Outcome, Part, Snapshot, Tick
from warnsys.warning.clock import Clock, hear, testify
from warnsys.warning.kinds import in_chains
from warnsys.warning.revisions import Fact as Fact
from warnsys.warning.revisions import adopted, family, in_order, is_real, same_content

MEMORY = timedelta(days=3)
"""How long what is over is remembered: longer than `cap.alerts` keeps records, so that nothing late revives it."""
MEMORY_OPEN = timedelta(days=30)
"""The same for what has no end."""
MEMORY_ELSEWHERE = timedelta(hours=2)
"""The same for messages that mean nothing to this city: long enough for the snapshot that lists them."""

MAX_SNAPSHOTS = 12
"""Of one source, while none is complete: two hours at DWD's pace."""

AHEAD = timedelta(minutes=5)
"""A stamp further ahead of the city's time than this is nobody's evidence."""
HURRY = timedelta(seconds=60)
"""By so much a feed's clock may be ahead when it says how long a snapshot has been there."""

MOST_REFERENCES = 200
"""Of one message to what is not known here; the rest is not kept. DWD's reference the few that they replace."""
MOST_NAMES = 16
"""Under which one message is listed; the last seen stay."""
MOST_RULES = 4
"""Versions of the geofences of which a verdict is kept."""
MOST_SOURCES = 16
"""Of which snapshots and sightings are kept; the last seen stay."""
MOST_IDS = 10_000
"""Of one snapshot; a feed reads half as many. One that lists more is never complete: it ends nothing."""

DECIDING = timedelta(seconds=60)
"""How long the messages of a new snapshot may take to be decided before its city counts as incomplete."""

FORGOT_FOR = timedelta(hours=2)
"""How long operators see what was let go."""

APART = timedelta(seconds=30)
"""Snapshots stamped closer together are one witness: the nodes of a server stamp the same data about a second apart."""

LOOKS = 3
DROPPED_FOR = timedelta(minutes=60)
"""What takes a message away where its source dropped nearly all that it listed with it: so many snapshots without it,
the newest so long after the last that listed it (docs/adr/0015)."""


class Sighting(Part):
    """When one source listed an id: its first and last stamp, None where the source has no snapshots."""

    first: Moment | None = None
    last: Moment | None = None
    early: bool | None = None
    """Whether `first` is a stand-in, as its stamp was ahead of the city's time; the real one replaces it."""


class Listing(Part):
    """What is known of an id: who listed it, and whether it was accepted, by version of the rules."""

    accepted: dict[str, bool] = {}
    sightings: dict[str, Sighting] = {}
    foreign: bool | None = None
    """Whether only messages of other senders are known by this identifier; ours by it is still to come, or never."""

    def seen(self, source: str, stamp: datetime | None, *, early: bool = False) -> "Listing":
        """Adds that a source listed it. An `early` stamp is a stand-in until the time of the real one has come."""
        old = self.sightings.get(source, Sighting())
        known = None if old.early and not early else old.first
        first = min((moment for moment in (known, stamp) if moment), default=old.first)
        last = max((moment for moment in (old.last, stamp) if moment), default=None)
        stands_in = early and (old.early or old.first is None) if stamp else old.early
        sighting = Sighting(first=first, last=last, early=stands_in or None)
        others = {one: known for one, known in self.sightings.items() if one != source}
        return self.model_copy(update={"sightings": _last({**others, source: sighting}, MOST_SOURCES)})

    def decided(self, rules: str, *, accepted: bool, foreign: bool) -> "Listing":
        """Accepted once is accepted: a copy that cannot be read does not unsay it."""
        ours = any(self.accepted.values()) and not self.foreign
        foreign = (foreign and not ours) if accepted else bool(self.foreign)
        others = {version: known for version, known in self.accepted.items() if version != rules}
        now = {**others, rules: self.accepted.get(rules, False) or accepted}
        return self.model_copy(update={"accepted": _last(now, MOST_RULES), "foreign": foreign or None})


class KnownSnapshot(Part):
    """A snapshot, however many pollers brought it."""

    stamp: Moment
    checked: Moment
    ids: tuple[str, ...]
    left_out: int | None = None
    """How many ids more it listed; None for none."""


class Forgot(Part):
    """What a city had to let go of, and when last (`warnsys/warning/bounds.py`)."""

    at: Moment | None = None
    counts: dict[str, int] = {}


class Early(Part):
    """What bears a stamp ahead of the city's time, until a tick says whether that lagged."""

    stamp: Moment
    seen: KnownSnapshot | None = None
    """A snapshot."""
    ids: tuple[str, ...] = ()
    """Messages that came with it."""


class Facts(Part):
    """All that is known about one city."""

    now: Moment | None = None
    """The city's time; before the first tick nothing is decided that needs a clock."""
    clock: Clock = Clock()
    early: dict[str, tuple[Early, ...]] = {}
    """By source, the newest last."""
    ahead: dict[str, int] = {}
    """By source the seconds by which its newest stamp was ahead, until one comes that is not."""
    facts: dict[str, Fact] = {}
    listings: dict[str, Listing] = {}
    snapshots: dict[str, tuple[KnownSnapshot, ...]] = {}
    """By source, newest first: back to the last of `LOOKS` complete ones that lie apart, and of those that list
    anything the same."""
    grown: int = 0
    """Bytes of what came in since it was weighed."""
    forgot: Forgot | None = None

    def forgotten(self, now: datetime) -> Iterator[str]:
        """What operators have to know was let go of: `forgot 3 listings`."""
        past = self.forgot
        if past and past.at and now - past.at < FORGOT_FOR:
            yield from (f"forgot {count} {what}" for what, count in sorted(past.counts.items()))


def learn_time(known: Facts, tick: Tick, rules: str) -> Facts:
    """The time goes on, what waited for it is judged, and what has been over for long is forgotten."""
    clock, now = hear(known.clock, known.now, tick)
    back = known.now is None or now < known.now
    known = known.model_copy(update={"clock": clock, "now": now})
    if clock.doubt:
        return known
    return forget(_judged(_healed(known) if back else known, rules), now)


def learn_outcome(known: Facts, outcome: Outcome, rules: str) -> Facts:
    """`rules` is the present version: a fact under it replaces one under an older version."""
    listing, stamp = known.listings.get(outcome.listed_id) or Listing(), outcome.stamp
    if outcome.alone and known.now and not listing.accepted:  # that clock may be behind what was listed before
        listing = listing.seen(outcome.source, known.now)
    early = False
    if stamp and not outcome.doubt and _is_early(known, stamp):
        early = True
        known = _waits(known, outcome.source, Early(stamp=stamp, ids=(outcome.listed_id,)))
        stamp = known.now and known.now + AHEAD
    if outcome.doubt and outcome.source in listing.sightings:  # nothing new, so it says nothing
        stamp = None
    elif outcome.doubt:
        stamp = known.now or stamp
    listing = listing.seen(outcome.source, stamp, early=early)
    accepted, foreign = outcome.decided != "rejected", "," in outcome.base_id  # else the name is the identifier alone
    listing = listing.decided(outcome.rules, accepted=accepted, foreign=foreign)
    listings = {**known.listings, outcome.listed_id: listing}
    facts, grown = dict(known.facts), known.grown + 2 * len(outcome.listed_id) + _LISTING_BYTES
    if (fact := _fact(outcome)) and _matters(fact, known):
        if outcome.replaced and not outcome.doubt and (since := known.now or outcome.stamp):
            fact = fact.model_copy(update={"waits": since + DECIDING})
        adopted(facts, fact)
        before = family(facts, fact.base_id)
        contents = [_bounded(one, known.facts, listings) for one in in_order(fact.base_id, _with(before, fact, rules))]
        for name in {one.base_id for one in before} - {one.base_id for one in contents}:
            del facts[name]
        facts.update((one.base_id, one) for one in contents)
        in_chains(facts, [one.base_id for one in contents])
        grown += sum(len(one.model_dump_json()) for one in contents if not any(one is old for old in before))
    return known.model_copy(update={"facts": facts, "listings": listings, "grown": grown})


def learn_snapshot(known: Facts, snapshot: Snapshot, rules: str) -> Facts:
    known = known.model_copy(update={"clock": testify(known.clock, snapshot)})
    checked = min(snapshot.checked, known.now + HURRY) if known.now else snapshot.checked
    ids = tuple(sorted(set(snapshot.ids)))
    seen = KnownSnapshot(
        stamp=snapshot.stamp, checked=checked, ids=ids[:MOST_IDS], left_out=len(ids[MOST_IDS:]) or None
    )
    if _is_early(known, seen.stamp):
        return _waits(known, snapshot.source, Early(stamp=seen.stamp, seen=seen))
    ahead = {source: by for source, by in known.ahead.items() if source != snapshot.source}
    return _listed(known.model_copy(update={"ahead": ahead}), snapshot.source, seen, rules)


def _listed(known: Facts, source: str, seen: KnownSnapshot, rules: str) -> Facts:
    listings, grown = dict(known.listings), known.grown
    for listed_id in seen.ids:
        before = listings.get(listed_id)
        listings[listed_id] = (before or Listing()).seen(source, seen.stamp)
        grown += len(listed_id) if before else 2 * len(listed_id) + _LISTING_BYTES
    known = known.model_copy(update={"listings": listings, "grown": grown})
    by_stamp = {one.stamp: one for one in known.snapshots.get(source, ())}
    by_stamp[seen.stamp] = _one_snapshot(by_stamp.get(seen.stamp), seen)
    newest_first = sorted(by_stamp.values(), key=lambda one: one.stamp, reverse=True)
    needed = (*_witnesses(known, newest_first, rules), *_witnesses(known, [s for s in newest_first if s.ids], rules))
    kept = [one for one in newest_first if one in needed]
    others = {one: of_it for one, of_it in known.snapshots.items() if one != source}
    return known.model_copy(update={"snapshots": _last({**others, source: tuple(kept)}, MOST_SOURCES)})


def _one_snapshot(one: KnownSnapshot | None, other: KnownSnapshot) -> KnownSnapshot:
    if one is None:
        return other
    ids = tuple(sorted({*one.ids, *other.ids}))
    more = max(one.left_out or 0, other.left_out or 0, len(ids[MOST_IDS:])) or None
    checked = min(one.checked, other.checked)
    return KnownSnapshot(stamp=one.stamp, checked=checked, ids=ids[:MOST_IDS], left_out=more)


def _is_early(known: Facts, stamp: datetime) -> bool:
    return known.now is not None and stamp > known.now + AHEAD


def _waits(known: Facts, source: str, early: Early) -> Facts:
    by_stamp = {one.stamp: one for one in known.early.get(source, ())}
    if before := by_stamp.get(early.stamp):
        seen = _one_snapshot(before.seen, early.seen) if early.seen else before.seen
        early = Early(stamp=early.stamp, seen=seen, ids=tuple(sorted({*before.ids, *early.ids}))[:MOST_IDS])
    by_stamp[early.stamp] = early
    kept = sorted(by_stamp.values(), key=lambda one: one.stamp)[-MAX_SNAPSHOTS:]
    others = {one: of_it for one, of_it in known.early.items() if one != source}
    grown = known.grown + sum(map(len, early.ids)) + sum(map(len, early.seen.ids if early.seen else ()))
    return known.model_copy(update={"early": _last({**others, source: tuple(kept)}, MOST_SOURCES), "grown": grown})


def _judged(known: Facts, rules: str) -> Facts:
    """What was early counts where the time has come; the rest is dropped, and operators are told."""
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
                known = _listed(known, source, early.seen, rules)
    return known.model_copy(update={"early": {}, "ahead": ahead})


def _healed(known: Facts) -> Facts:
    """Where the time was ahead, and what came then was believed: no stamp outranks what comes after it."""
    now = known.now
    if now is None:
        return known
    limit = now + AHEAD
    snapshots = {source: tuple(one for one in seen if one.stamp <= limit) for source, seen in known.snapshots.items()}
    listings = {i: _not_after(listing, limit) for i, listing in known.listings.items()}
    return known.model_copy(update={"snapshots": snapshots, "listings": listings})


def _not_after(listing: Listing, limit: datetime) -> Listing:
    if not any(one.last and one.last > limit for one in listing.sightings.values()):
        return listing

    def put(moment: datetime | None) -> datetime | None:
        return min(moment, limit) if moment else None

    sightings = {
        source: one.model_copy(update={"first": put(one.first), "last": put(one.last)})
        for source, one in listing.sightings.items()
    }
    return listing.model_copy(update={"sightings": sightings})


def apart(newest_first: Sequence[KnownSnapshot], looks: int) -> Sequence[KnownSnapshot]:
    """The newest snapshot, the newest that lies apart from it, and so on: fewer than `looks` if there are no more."""
    found: list[KnownSnapshot] = []
    for one in newest_first:
        if len(found) < looks and (not found or found[-1].stamp - one.stamp >= APART):
            found.append(one)
    return found


def _witnesses(known: Facts, newest_first: Sequence[KnownSnapshot], rules: str) -> Sequence[KnownSnapshot]:
    """Complete ones that lie apart, and what lies between: it may become complete, or a late one lie apart from it.

    Where there are too few, all of them.
    """
    needed = apart([one for one in newest_first if complete(known, one, rules)], LOOKS)
    return (
        *needed,
        *[one for one in newest_first if len(needed) < LOOKS or one.stamp >= needed[-1].stamp][:MAX_SNAPSHOTS],
    )


def without_details(known: Facts, base_ids: Iterable[str]) -> Facts:
    """Of what is replaced for good only the references are kept: a state is written at every record."""
    bare = {base_id: known.facts[base_id].model_copy(update={"meanings": ()}) for base_id in base_ids}
    return known.model_copy(update={"facts": {**known.facts, **bare}}) if bare else known


def _fact(outcome: Outcome) -> Fact | None:
    """None for what was not accepted.

    What is in doubt warns beside what it names, and ends nothing: the feed sends it again with a good answer.
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
    """Whether it warns here, or may end what does: a predecessor known to warn only elsewhere is no matter."""
    if fact.meanings or fact.base_id in known.facts:
        return True
    return any(base_id in known.facts or not _is_elsewhere(known.listings.get(base_id)) for base_id in fact.supersedes)


def _is_elsewhere(listing: Listing | None) -> bool:
    """Whether a message that no fact knows was accepted: it warns elsewhere only."""
    return listing is not None and not listing.foreign and any(listing.accepted.values())


def _with(before: Sequence[Fact], fact: Fact, rules: str) -> list[Fact]:
    """The contents of a message with one more, or with one of them heard again."""
    known = next((one for one in before if same_content(one, fact)), None)
    if known is None:
        return [*before, fact]
    fact = _join(known, fact, rules) if not fact.doubt or known.doubt else known
    return [fact if one is known else one for one in before]


def _join(one: Fact, other: Fact, rules: str) -> Fact:
    """The same message twice: the content under the present rules, with most languages."""
    content = max(
        (one, other),
        key=lambda fact: (fact.rules == rules, sum(len(m.texts) for m in fact.meanings), fact.model_dump_json()),
    )
    joined = {
        "listed_as": tuple(sorted({*one.listed_as, *other.listed_as})),
        "supersedes": tuple(sorted({*one.supersedes, *other.supersedes})),
        "digest": one.digest or other.digest,
        "first": min((moment for moment in (one.first, other.first) if moment), default=None),
        "doubt": (one.doubt and other.doubt) or None,
        "waits": min(one.waits, other.waits) if one.waits and other.waits else None,
        "base_id": one.base_id,
        "of": one.of,
        "sources": None if None in (one.sources, other.sources) else _both(one.sources, other.sources),
        "kinds": one.kinds or other.kinds,
        "codes": one.codes or other.codes,
    }
    if all(getattr(content, name) == value for name, value in joined.items()):
        return content
    return content.model_copy(update=joined)


def _both(one: Iterable[str] | None, other: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(sorted({*(one or ()), *(other or ())})[:MOST_SOURCES])


_LISTING_BYTES = 250


_T = TypeVar("_T")


def _last(values: dict[str, _T], most: int) -> dict[str, _T]:
    """The last that were put in."""
    return values if len(values) <= most else dict(list(values.items())[-most:])


def _bounded(fact: Fact, facts: Container[str], listings: Mapping[str, Listing]) -> Fact:
    """With as many references and names as are kept of one message: what is known here first."""
    if len(fact.supersedes) <= MOST_REFERENCES and len(fact.listed_as) <= MOST_NAMES:
        return fact
    here = [base_id for base_id in fact.supersedes if base_id in facts]
    others = [base_id for base_id in fact.supersedes if base_id not in facts]
    long_ago = datetime.min.replace(tzinfo=UTC)

    def when(name: str) -> tuple[datetime, str]:
        return max(last_seen(listings.get(name)), default=long_ago), name

    names = sorted(fact.listed_as, key=when, reverse=True)[:MOST_NAMES]
    references = sorted({*here, *others[:MOST_REFERENCES]})
    return fact.model_copy(update={"supersedes": tuple(references), "listed_as": tuple(sorted(names))})


def last_seen(listing: Listing | None) -> list[datetime]:
    return [sighting.last for sighting in listing.sightings.values() if sighting.last] if listing else []


def forget(known: Facts, now: datetime) -> Facts:
    """Without what has been over for long."""
    listed = {i for seen in known.snapshots.values() for one in seen for i in one.ids}

    def over(fact: Fact) -> bool:
        ends = [fact.sent, *(meaning.expires or fact.sent + MEMORY_OPEN for meaning in fact.meanings)]
        sightings = [moment for i in fact.listed_as for moment in last_seen(known.listings.get(i))]
        return max((*ends, *sightings)) < now - MEMORY

    facts = {base_id: fact for base_id, fact in known.facts.items() if not over(fact)}
    here = {i for fact in facts.values() for i in fact.listed_as}
    left_together = _left_together(known, facts.values(), now)
    listings = {
        listed_id: listing
        for listed_id, listing in known.listings.items()
        if listed_id in listed
        or listed_id in here
        or max(last_seen(listing), default=now) >= now - MEMORY_ELSEWHERE
        or any((source, sighting.last) in left_together for source, sighting in listing.sightings.items())
    }
    return known.model_copy(update={"facts": facts, "listings": listings})


def _left_together(known: Facts, facts: Iterable[Fact], now: datetime) -> set[tuple[str, datetime | None]]:
    """By source the last stamps of what has not ended by itself: how many left with it tells a drop from an end."""
    return {
        (source, sighting.last)
        for fact in facts
        if any(meaning.expires is None or meaning.expires > now for meaning in fact.meanings)
        for listed_id in fact.listed_as
        if (listing := known.listings.get(listed_id))
        for source, sighting in listing.sightings.items()
        if sighting.last
    }


def verdict(known: Facts, listed_id: str, rules: str) -> bool | None:
    """True accepted, False rejected, None undecided under these rules."""
    listing = known.listings.get(listed_id)
    return listing.accepted.get(rules) if listing else None


def complete(known: Facts, seen: KnownSnapshot, rules: str) -> bool:
    """Whether every message that a snapshot lists has been accepted under these rules."""
    return seen.left_out is None and all(verdict(known, listed_id, rules) for listed_id in seen.ids)
