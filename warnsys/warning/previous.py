"""Reads the states of cities as releases up to 0.2.0 wrote them: each had a ledger of its own among its facts.

What several cities knew of the same listing joins, as it would have in one ledger. A message that one of them lacked is
a gap there.
"""

from collections.abc import Iterable
from datetime import datetime

from warnsys.records import Moment, Part
from warnsys.warning.city import CityState
from warnsys.warning.clock import Clock
from warnsys.warning.facts import Early, Fact, Forgot, Gap, KnownSnapshot, Ledger, Listing
from warnsys.warning.learning import join_snapshots, with_loose


class PastListing(Listing):
    let_go: Moment | None = None


class PastFacts(Part):
    """What stood under `facts`."""

    now: Moment | None = None
    clock: Clock = Clock()
    early: dict[str, tuple[Early, ...]] = {}
    ahead: dict[str, int] = {}
    facts: dict[str, Fact] = {}
    listings: dict[str, PastListing] = {}
    snapshots: dict[str, tuple[KnownSnapshot, ...]] = {}
    forgot: Forgot | None = None


class PastState(CityState):
    facts: PastFacts = PastFacts()  # type: ignore[assignment]  # the field has had another form under the same name


def on_one_ledger(states: Iterable[PastState]) -> tuple[Ledger, dict[str, CityState]]:
    """Gives one ledger, and the cities on it. The last state is the newest."""
    some = list(states)
    if not some:
        return Ledger(), {}
    newest = max(some, key=lambda one: one.facts.now.timestamp() if one.facts.now else 0.0).facts
    listings: dict[str, Listing] = {}
    snapshots: dict[str, dict[datetime, KnownSnapshot]] = {}
    for state in some:
        for listed_id, listing in state.facts.listings.items():
            listings[listed_id] = _join(listings.get(listed_id), listing)
        for source, seen in state.facts.snapshots.items():
            of_source = snapshots.setdefault(source, {})
            of_source.update((one.stamp, join_snapshots(of_source.get(one.stamp), one)) for one in seen)
    ledger = Ledger(
        now=newest.now, clock=newest.clock, early=newest.early, ahead=newest.ahead, listings=listings,
        snapshots={
            source: tuple(sorted(seen.values(), key=lambda one: one.stamp, reverse=True))
            for source, seen in snapshots.items()
        },
    )  # fmt: skip
    loose: dict[str, Fact] = {}
    cities = {}
    for state in some:
        own = _concern(state)
        loose |= {base_id: fact for base_id, fact in state.facts.facts.items() if base_id not in own}
        cities[state.city] = CityState(
            city=state.city, facts=own, gaps=_gaps(state, ledger), forgot=state.facts.forgot, held=state.held,
            told=state.told, steles=state.steles, stopped=state.stopped, troubles=state.troubles,
        )  # fmt: skip
    return with_loose(ledger, loose), cities


def _join(one: Listing | None, other: PastListing) -> Listing:
    found = Listing(sightings=one.sightings if one else {})
    for source, at in other.sightings.items():
        found = found.seen(source, at.first, early=bool(at.early)).seen(source, at.last)
    before = one.accepted if one else {}
    accepted = {v: before.get(v, False) or other.accepted.get(v, False) for v in {**before, **other.accepted}}
    foreign = other.foreign if one is None or not before else (one.foreign and (other.foreign or not other.accepted))
    return Listing(accepted=accepted, sightings=found.sightings, foreign=foreign or None)


def _gaps(state: PastState, ledger: Ledger) -> dict[str, Gap]:
    """Gives what a city lacked of what others had accepted, or had let go."""
    listed = {i for seen in ledger.snapshots.values() for one in seen for i in one.ids}
    found = {}
    for listed_id in listed | state.facts.listings.keys():
        own, known = state.facts.listings.get(listed_id, PastListing()), ledger.listings.get(listed_id, Listing())
        lacks = {version for version, accepted in known.accepted.items() if accepted and not own.accepted.get(version)}
        if own.let_go or (lacks and listed_id in listed):
            rejected = next((version for version in lacks if own.accepted.get(version) is False), None)
            found[listed_id] = Gap(let_go=own.let_go, rejected=rejected)
    return found


def _concern(state: PastState) -> dict[str, Fact]:
    """Gives the facts that concern a city: those that warn or stood there, and all that these are referenced with."""
    facts = state.facts.facts
    near: dict[str, set[str]] = {}
    for base_id, fact in facts.items():
        for other in {*fact.supersedes, *((fact.of,) if fact.of else ())}:
            near.setdefault(base_id, set()).add(other)
            near.setdefault(other, set()).add(base_id)
    stood = {base_id for ids in state.held.values() for base_id in ids}
    waiting = [base_id for base_id, fact in facts.items() if fact.meanings or fact.kinds or base_id in stood]
    found = set[str]()
    while waiting:
        base_id = waiting.pop()
        if base_id not in found:
            found.add(base_id)
            waiting += near.get(base_id, ())
    return {base_id: fact for base_id, fact in facts.items() if base_id in found}
