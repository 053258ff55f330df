"""What is known in a partition: its ledger, and how much is kept of that and of a city's facts.

Both only join (`learning`): sets grow, and stamps only rise. So the same is known in the end, in whatever order
messages and snapshots come, and however often. What it means follows in `situation`.

An id is **listed** in the snapshots of a source. A message is **decided** once its outcome has come: it is then
**accepted** or rejected. A snapshot is **complete** when every message that it lists has been accepted.

A stamp ahead of the partition's time is **early**: it waits for the next tick. If that time only lagged, the stamp
counts then. Else it is dropped and never counts, not even when its time has come (docs/adr/0014).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Self, TypeVar

from pydantic import Field, model_validator

from warnsys.records import Moment, Part, Record
from warnsys.warning.clock import Clock
from warnsys.warning.revisions import Fact as Fact

MEMORY = timedelta(days=3)
"""A message that is over is remembered for so long. The topic `cap.alerts` keeps records for less, so no late one can
revive it."""
MEMORY_OPEN = timedelta(days=30)
"""A meaning without an end counts as over so long after it was sent."""
MEMORY_ELSEWHERE = timedelta(hours=2)
"""A listing that no city needs is kept for so long after it was last seen: a snapshot with it may still come."""

MAX_SNAPSHOTS = 12
"""So many snapshots of a source are kept while too few are complete, and so many early stamps: two hours at the DWD's
pace."""

AHEAD = timedelta(minutes=5)
"""A stamp that is further ahead of the partition's time than this is early."""
HURRY = timedelta(seconds=60)
"""A feed's clock may be ahead of the partition's time by so much when it says when it looked at a snapshot."""

MOST_REFERENCES = 200
"""So many references of one message are kept to messages that are not known here. The DWD's have a few at most."""
MOST_NAMES = 16
"""So many ids under which one message is listed are kept: those seen last."""
MOST_RULES = 4
"""Verdicts are kept under so many rule set versions: the newest."""
MOST_SOURCES = 16
"""Snapshots and sightings of so many sources are kept: those seen last."""
MOST_IDS = 10_000
"""So many ids of one snapshot are kept; a feed reads half as many. A snapshot with more is never complete, so it ends
nothing."""

DECIDING = timedelta(seconds=60)
"""The messages of a new snapshot may take so long to be decided before their city counts as incomplete."""

FORGOT_FOR = timedelta(hours=2)
"""Operators see for so long what the city had to let go."""

APART = timedelta(seconds=30)
"""Snapshots whose stamps are closer than this are one witness: the nodes of a server stamp the same data about a second
apart."""

LOOKS = 3
DROPPED_FOR = timedelta(minutes=60)
"""A message that its source dropped together with nearly all others is withdrawn by so many complete snapshots without
it, the newest so long after the last that listed it (docs/adr/0015)."""

_T = TypeVar("_T")


class Sighting(Part):
    """When one source listed an id: its first and last stamp; None if the source has no snapshots."""

    first: Moment | None = None
    last: Moment | None = None
    early: bool | None = None
    """True while `first` stands in for an early stamp. The first stamp that is not early replaces it."""


class Listing(Part):
    """What is known of an id: who listed it, and whether its message was accepted."""

    accepted: dict[str, bool] = {}
    """By rule set version: True if accepted, False if rejected. Empty while the message is undecided."""
    sightings: dict[str, Sighting] = {}
    """By source, those seen last at the end."""
    foreign: bool | None = None
    """True if all messages accepted under this listed id have a base id "sender,identifier". The message whose base id
    is the listed id itself, as the DWD's, has then not come."""

    def seen(self, source: str, stamp: datetime | None, *, early: bool = False) -> "Listing":
        """Adds that a source listed the id, and when. Without a stamp only the source is added.

        If `early`, `stamp` stands in for an early one.
        """
        old = self.sightings.get(source, Sighting())
        sighting = old
        if stamp:
            # A stand-in gives way to a stamp that is not early.
            old_first = None if old.early and not early else old.first
            first = min(old_first, stamp) if old_first else stamp
            is_stand_in = early and (old.early or old.first is None)
            last = max(old.last, stamp) if old.last else stamp
            sighting = Sighting(first=first, last=last, early=is_stand_in or None)
        others = {one: known for one, known in self.sightings.items() if one != source}
        return self.model_copy(update={"sightings": newest({**others, source: sighting}, MOST_SOURCES)})

    def decided(self, ruleset_version: str, *, accepted: bool, foreign: bool) -> "Listing":
        """Adds a verdict. Once accepted, a message stays accepted: a copy that cannot be read changes nothing."""
        ours = any(self.accepted.values()) and not self.foreign
        foreign = (foreign and not ours) if accepted else bool(self.foreign)
        others = {version: known for version, known in self.accepted.items() if version != ruleset_version}
        now = {**others, ruleset_version: self.accepted.get(ruleset_version, False) or accepted}
        return self.model_copy(update={"accepted": newest(now, MOST_RULES), "foreign": foreign or None})


class KnownSnapshot(Part):
    """A snapshot of a source, joined from all copies that pollers brought."""

    stamp: Moment
    checked: Moment
    """When a feed first looked at it."""
    ids: tuple[str, ...]
    """In order."""
    left_out: int | None = None
    """How many ids it listed beyond these; None for none."""

    def lists(self, listed_id: str) -> bool:
        at = bisect_left(self.ids, listed_id)
        return at < len(self.ids) and self.ids[at] == listed_id


class Forgot(Part):
    """What a city or a ledger had to let go to stay small (`warnsys/warning/bounds.py`)."""

    at: Moment | None = None
    """When it last had to."""
    counts: dict[str, int] = {}
    """How many, by kind."""


class Early(Part):
    """What came under one early stamp: it waits for a tick, which says whether the time lagged."""

    stamp: Moment
    seen: KnownSnapshot | None = None
    """The snapshot of that stamp, if it has come."""
    ids: tuple[str, ...] = ()
    """The listed ids of the messages that came with that stamp."""


class Gap(Part):
    """A message that the ledger calls decided and a city lacks: there it counts as undecided until it comes again."""

    let_go: Moment | None = None
    """If the city let it go (`bounds`): until when it may warn here."""
    rejected: str | None = None
    """The rule set version under which it came again and could not be read; None if it did not come."""


class Ledger(Record):
    """What is known in a partition and is the same for all its cities: what is listed and decided, and the time."""

    now: Moment | None = None
    """The partition's time; before the first tick nothing is decided that needs a clock."""
    clock: Clock = Clock()
    early: dict[str, tuple[Early, ...]] = {}
    """By source, the newest last."""
    ahead: dict[str, int] = {}
    """By source, the seconds by which its newest stamp was ahead of the time, until one comes that is not."""
    listings: dict[str, Listing] = {}
    """By listed id."""
    snapshots: dict[str, tuple[KnownSnapshot, ...]] = {}
    """By source, the newest first. They go back to the `LOOKS`th complete one, and to the `LOOKS`th complete one that
    lists anything, where snapshots that do not lie apart count once (`apart`)."""
    loose: dict[str, Fact] = {}
    """By base id, messages that name a message that was not accepted yet; they are kept without their meanings. The
    named one may warn any city once it comes, and that city then takes them from here (`following`)."""
    grown: int = 0
    """How many bytes came in since it was last weighed."""
    forgot: Forgot | None = None
    tidied: Moment | None = None
    """When it last forgot what nothing needs any more."""
    named: dict[str, tuple[str, ...]] = Field({}, exclude=True)
    """By base id, the loose messages that name or revise it. It follows from `loose`."""

    @model_validator(mode="after")
    def _with_names(self) -> Self:
        if self.loose and not self.named:
            named: dict[str, list[str]] = {}
            for base_id, fact in sorted(self.loose.items()):
                for name in names_in(fact):
                    named.setdefault(name, []).append(base_id)
            self.named.update({name: tuple(some) for name, some in named.items()})
        return self

    @property
    def clocks_off(self) -> dict[str, int]:
        """The seconds by which a clock is off (`broker`), or by which a source's stamp is ahead (`stamp dwd`)."""
        return {**self.clock.off, **{f"stamp {source}": by for source, by in self.ahead.items()}}

    def may_warn(self, base_id: str) -> bool:
        """Says whether a message may warn cities that do not have it: no message of that base id has been accepted yet.

        Only a base id without a sender is the key of a listing."""
        listing = self.listings.get(base_id)
        return listing is None or bool(listing.foreign) or not any(listing.accepted.values())

    def following(self, base_id: str) -> dict[str, Fact]:
        """Gives the loose messages that are this one, revise it, name it, or name one of these."""
        found, waiting = dict[str, Fact](), [base_id]
        while waiting:
            name = waiting.pop()
            for one in (name, *self.named.get(name, ())):
                if one in self.loose and one not in found:
                    found[one] = self.loose[one]
                    waiting.append(one)
        return found


def names_in(fact: Fact) -> set[str]:
    """Gives the ids under which a loose message is looked for, beside its own."""
    return {*fact.supersedes, *((fact.of,) if fact.of else ())}


def forgotten(past: Forgot | None, now: datetime) -> Iterator[str]:
    """Gives what operators have to know was let go: `forgot 3 listings`."""
    if past and past.at and now - past.at < FORGOT_FOR:
        yield from (f"forgot {count} {what}" for what, count in sorted(past.counts.items()))


def verdict(ledger: Ledger, listed_id: str, ruleset_version: str) -> bool | None:
    """Says how a message was decided under these rules: True accepted, False rejected, None undecided."""
    listing = ledger.listings.get(listed_id)
    return listing.accepted.get(ruleset_version) if listing else None


def apart(newest_first: Sequence[KnownSnapshot], looks: int) -> Sequence[KnownSnapshot]:
    """Gives up to `looks` snapshots that lie apart: the newest, then the newest that is `APART` older, and so on."""
    found: list[KnownSnapshot] = []
    for one in newest_first:
        if len(found) < looks and (not found or found[-1].stamp - one.stamp >= APART):
            found.append(one)
    return found


def last_seen(listing: Listing | None) -> list[datetime]:
    """Gives the last stamp of each source that listed an id."""
    return [sighting.last for sighting in listing.sightings.values() if sighting.last] if listing else []


def newest(values: dict[str, _T], most: int) -> dict[str, _T]:
    """Keeps those that were put in last, `most` at most."""
    return values if len(values) <= most else dict(list(values.items())[-most:])
