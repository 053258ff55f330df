"""What is known about one city: its facts, and how much of them is kept.

Facts only join (`learning`): sets grow, and stamps only rise. So the same is known in the end, in whatever order
messages and snapshots come, and however often. What it means follows in `situation`.

An id is **listed** in the snapshots of a source. A message is **decided** once its outcome has come: it is then
**accepted** or rejected. A snapshot is **complete** when every message that it lists has been accepted.

A stamp ahead of the city's time is **early**: it waits for the next tick. If the city's time only lagged, the stamp
counts then. Else it is dropped and never counts, not even when its time has come (docs/adr/0014).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from warnsys.records import Moment, Part
from warnsys.warning.clock import Clock
from warnsys.warning.revisions import Fact as Fact

MEMORY = timedelta(days=3)
"""A message that is over is remembered for so long. The topic `cap.alerts` keeps records for less, so no late one can
revive it."""
MEMORY_OPEN = timedelta(days=30)
"""A meaning without an end counts as over so long after it was sent."""
MEMORY_ELSEWHERE = timedelta(hours=2)
"""The listing of a message that means nothing to this city is remembered for so long: until its snapshot has come."""

MAX_SNAPSHOTS = 12
"""So many snapshots of a source are kept while too few are complete, and so many early stamps: two hours at the DWD's
pace."""

AHEAD = timedelta(minutes=5)
"""A stamp that is further ahead of the city's time than this is early."""
HURRY = timedelta(seconds=60)
"""A feed's clock may be ahead of the city's time by so much when it says when it looked at a snapshot."""

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
    """By rule set version."""
    sightings: dict[str, Sighting] = {}
    """By source, those seen last at the end."""
    foreign: bool | None = None
    """Whether only messages of other senders are known by this identifier; ours by it is still to come, or never."""
    let_go: Moment | None = None
    """If its message was let go (`bounds`) and has not come again since: until when it may warn here."""

    def seen(self, source: str, stamp: datetime | None, *, early: bool = False) -> "Listing":
        """Adds that a source listed the id. If `early`, `stamp` stands in for an early one."""
        old = self.sightings.get(source, Sighting())
        old_first = None if old.early and not early else old.first  # a stand-in gives way to a stamp that is not early
        first = min((moment for moment in (old_first, stamp) if moment), default=old.first)
        last = max((moment for moment in (old.last, stamp) if moment), default=None)
        stands_in = early and (old.early or old.first is None) if stamp else old.early
        sighting = Sighting(first=first, last=last, early=stands_in or None)
        others = {one: known for one, known in self.sightings.items() if one != source}
        return self.model_copy(update={"sightings": newest({**others, source: sighting}, MOST_SOURCES)})

    def decided(self, ruleset_version: str, *, accepted: bool, foreign: bool) -> "Listing":
        """Adds a verdict. Once accepted, a message stays accepted: a copy that cannot be read changes nothing."""
        ours = any(self.accepted.values()) and not self.foreign
        foreign = (foreign and not ours) if accepted else bool(self.foreign)
        others = {version: known for version, known in self.accepted.items() if version != ruleset_version}
        now = {**others, ruleset_version: self.accepted.get(ruleset_version, False) or accepted}
        update = {"accepted": newest(now, MOST_RULES), "foreign": foreign or None}
        return self.model_copy(update={**update, "let_go": None if accepted else self.let_go})

    def undecided(self, let_go: datetime) -> "Listing":
        """Takes back every verdict, because the message was let go: a source that lists it has to bring it again."""
        return self.model_copy(update={"accepted": {}, "let_go": max(self.let_go or let_go, let_go)})


class KnownSnapshot(Part):
    """A snapshot of a source, joined from all copies that pollers brought."""

    stamp: Moment
    checked: Moment
    """When a feed first looked at it."""
    ids: tuple[str, ...]
    left_out: int | None = None
    """How many ids it listed beyond these; None for none."""


class Forgot(Part):
    """What a city had to let go to stay small (`warnsys/warning/bounds.py`)."""

    at: Moment | None = None
    """When it last had to."""
    counts: dict[str, int] = {}
    """How many, by kind."""


class Early(Part):
    """What came under one early stamp: it waits for a tick, which says whether the city's time lagged."""

    stamp: Moment
    seen: KnownSnapshot | None = None
    """The snapshot of that stamp, if it has come."""
    ids: tuple[str, ...] = ()
    """The listed ids of the messages that came with that stamp."""


class Facts(Part):
    """All that is known about one city."""

    now: Moment | None = None
    """The city's time; before the first tick nothing is decided that needs a clock."""
    clock: Clock = Clock()
    early: dict[str, tuple[Early, ...]] = {}
    """By source, the newest last."""
    ahead: dict[str, int] = {}
    """By source, the seconds by which its newest stamp was ahead of the city's time, until one comes that is not."""
    facts: dict[str, Fact] = {}
    """By base id."""
    listings: dict[str, Listing] = {}
    """By listed id."""
    snapshots: dict[str, tuple[KnownSnapshot, ...]] = {}
    """By source, the newest first. They go back to the `LOOKS`th complete one, and to the `LOOKS`th complete one that
    lists anything, where snapshots that do not lie apart count once (`apart`)."""
    grown: int = 0
    """How many bytes came in since the state was last weighed."""
    forgot: Forgot | None = None

    def forgotten(self, now: datetime) -> Iterator[str]:
        """Gives what operators have to know was let go: `forgot 3 listings`."""
        past = self.forgot
        if past and past.at and now - past.at < FORGOT_FOR:
            yield from (f"forgot {count} {what}" for what, count in sorted(past.counts.items()))


def verdict(known: Facts, listed_id: str, ruleset_version: str) -> bool | None:
    """Says how a message was decided under these rules: True accepted, False rejected, None undecided."""
    listing = known.listings.get(listed_id)
    return listing.accepted.get(ruleset_version) if listing else None


def complete(known: Facts, seen: KnownSnapshot, ruleset_version: str) -> bool:
    """Says whether every message that a snapshot lists has been accepted under these rules."""
    return seen.left_out is None and all(verdict(known, listed_id, ruleset_version) for listed_id in seen.ids)


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
