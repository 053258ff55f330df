"""What the settle agent remembers of a partition: its ledger, its cities, and what of `warn.impacts` they cover.

`changed_entries` takes two such values apart into entries. All of it is immutable, so what is the same object has not
changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic_core import to_json

from streams.kafka.records import ConsumedRecord
from streams.worker.failures import error_reason
from warnsys.headers import stamped
from warnsys.pipeline import CityState
from warnsys.records import Record
from warnsys.warning.facts import Ledger, Listing

BY_KEY = {"listings", "loose", "snapshots", "facts", "gaps", "held", "told", "steles"}
"""The fields of a ledger and of a city of which each value is an entry by itself. Of others the whole field is one."""

Path = tuple[str, ...]
"""`ledger` or `city` and its id, then the field, then the key of the value."""


@dataclass(frozen=True, slots=True)
class UnreadableState:
    """What is stored and cannot be read, and why."""

    record: ConsumedRecord
    reason: str


@dataclass(frozen=True, slots=True)
class RememberedPartition:
    """What is remembered of a partition, and the last record of `warn.impacts` that it covers."""

    ledger: Ledger = field(default_factory=Ledger)
    cities: Mapping[str, CityState] = field(default_factory=dict[str, CityState])
    covers: int = -1
    covers_at: float = 0.0
    """The broker's timestamp of the covered record, in seconds since 1970."""
    covers_log: int = 0
    """How often the log had been made anew when it had the covered record."""
    unreadable: Mapping[str, UnreadableState] = field(default_factory=dict[str, UnreadableState])
    """By city, what is stored of it and cannot be read; "" for the ledger. Such a city is not among `cities`."""

    def covers_record(self, offset: int, timestamp: float) -> bool:
        """Says whether a record of `warn.impacts` is covered: its notices are published already."""
        return offset <= self.covers and timestamp <= self.covers_at

    def after(
        self, ledger: Ledger, cities: Mapping[str, CityState], offset: int, timestamp: float
    ) -> "RememberedPartition":
        """Gives what follows from a record that is not covered. A lower offset means a new log."""
        at = stamped(timestamp) or self.covers_at  # without a valid timestamp the old one stays
        return RememberedPartition(ledger, cities, offset, at, self.covers_log + (offset <= self.covers))


class StateStore(Protocol):
    """Keeps what is remembered over the end of a worker."""

    async def load(self, partition: int) -> RememberedPartition:
        """Gives what is stored of a partition. What cannot be read of one city does not affect the others."""

    async def save(self, partition: int, remembered: RememberedPartition) -> None:
        """Stores what is remembered of a partition, and returns when it is safe."""


class MemoryStateStore:
    """Keeps it in memory only, for tests and benchmarks."""

    def __init__(self) -> None:
        self.kept: dict[int, RememberedPartition] = {}

    async def load(self, partition: int) -> RememberedPartition:
        return self.kept.get(partition, RememberedPartition())

    async def save(self, partition: int, remembered: RememberedPartition) -> None:
        self.kept[partition] = replace(remembered, unreadable={})


# -- entries ---------------------------------------------------------------------------------------------------------


def changed_entries(before: RememberedPartition, now: RememberedPartition) -> Iterator[tuple[Path, Any]]:
    """Gives the entries that differ. The value None says that an entry is gone."""
    yield from _changed_in(("ledger",), before.ledger, now.ledger)
    yield from _changed_listings(before.ledger, now.ledger)
    for city in before.cities.keys() | now.cities.keys():
        if before.cities.get(city) is now.cities.get(city):
            continue
        was, is_now = (some.cities.get(city) or CityState(city=city) for some in (before, now))
        yield from _changed_in(("city", city), was, is_now)
        if city not in before.cities:  # it was compared with an empty state of its id, so this field does not differ
            yield ("city", city, "city"), city


def _changed_in(path: Path, before: Record, now: Record) -> Iterator[tuple[Path, Any]]:
    for name, about in type(now).model_fields.items():
        was, is_now = getattr(before, name), getattr(now, name)
        if was is is_now or about.exclude or name == "listings":
            continue
        if name not in BY_KEY:
            if was != is_now:
                yield (*path, name), is_now
            continue
        for key in (key for key in was.keys() | is_now.keys() if was.get(key) is not is_now.get(key)):
            entries_before, entries_now = (_entries(name, key, some.get(key)) for some in (was, is_now))
            for end_of_path in entries_before.keys() | entries_now.keys():
                value = entries_now.get(end_of_path)
                if entries_before.get(end_of_path) != value:
                    yield (*path, name, *end_of_path), value


def _entries(name: str, key: str, value: Any) -> dict[Path, Any]:
    """Gives the entries that the value of one key is stored as: each snapshot of a source is one, any other value is
    one. Their paths begin at the key."""
    if value is None:
        return {}
    return {(key, _moment(one.stamp)): one for one in value} if name == "snapshots" else {(key,): value}


def _moment(stamp: datetime) -> str:
    """Gives a time so that a later one comes later in the alphabet, too."""
    return stamp.astimezone(UTC).isoformat(timespec="microseconds")


def value_at(remembered: RememberedPartition, path: Path) -> Any:
    """Gives the value of an entry."""
    record: Record = remembered.ledger if path[0] == "ledger" else remembered.cities[path[1]]
    name, *keys = path[1 if path[0] == "ledger" else 2 :]
    if name == "listings":
        return _stored_listing(remembered.ledger, keys[0])
    value = getattr(record, name)
    return _entries(name, keys[0], value[keys[0]])[tuple(keys)] if keys else value


class EntryTree:
    """Puts entries together again."""

    def __init__(self) -> None:
        self._ledger: dict[str, Any] = {}
        self._cities: dict[str, dict[str, Any]] = {}

    def take(self, path: Path, value: Any) -> None:
        whole = self._ledger if path[0] == "ledger" else self._cities.setdefault(path[1], {})
        *above, last = path[1 if path[0] == "ledger" else 2 :]
        for name in above:
            whole = whole.setdefault(name, {})
        if value is None:
            whole.pop(last, None)
        else:
            whole[last] = value

    def remembered(self, last: ConsumedRecord, covers: int, covers_at: float, covers_log: int) -> RememberedPartition:
        """Gives what is remembered. `last` is the last record that was read."""
        unreadable: dict[str, UnreadableState] = {}
        plain = dict(self._ledger)
        if snapshots := plain.get("snapshots"):
            newest_first = {source: sorted(some.items(), reverse=True) for source, some in snapshots.items()}
            plain["snapshots"] = {source: [one for _, one in some] for source, some in newest_first.items()}
        ledger = _with_last_stamps(self._read(Ledger, plain, "", last, unreadable) or Ledger())
        found = {city: self._read(CityState, x, city, last, unreadable) for city, x in self._cities.items() if x}
        cities = {city: state for city, state in found.items() if isinstance(state, CityState)}
        return RememberedPartition(ledger, cities, covers, covers_at, covers_log, unreadable)

    @staticmethod
    def _read(
        kind: type[Any], plain: Any, city: str, last: ConsumedRecord, unreadable: dict[str, UnreadableState]
    ) -> Any:
        try:
            return kind.model_validate(plain)
        except (ValueError, RecursionError) as error:
            record = replace(last, key=(city or "ledger").encode(), value=to_json(plain))
            unreadable[city] = UnreadableState(record, f"state: {city or 'ledger'}: {error_reason(error)}")
            return None


# -- listings --------------------------------------------------------------------------------------------------------
# Each snapshot moves the last stamp of all that it lists. That stamp is that of the newest snapshot of the source that
# lists the message, and snapshots are stored, too. So it is left out, and a snapshot does not rewrite all listings.


def _changed_listings(before: Ledger, now: Ledger) -> Iterator[tuple[Path, Any]]:
    was, is_now = before.listings, now.listings
    if was is is_now and before.snapshots is now.snapshots:
        return
    changed = {listed_id for listed_id in was.keys() | is_now.keys() if was.get(listed_id) is not is_now.get(listed_id)}
    for source, snapshots in before.snapshots.items():
        kept = {id(seen) for seen in now.snapshots.get(source, ())}
        changed.update(listed_id for seen in snapshots if id(seen) not in kept for listed_id in seen.ids)
    for listed_id in changed:
        value = _stored_listing(now, listed_id)
        if _stored_listing(before, listed_id) != value:
            yield ("ledger", "listings", listed_id), value


def _stored_listing(ledger: Ledger, listed_id: str) -> Listing | None:
    """Gives a listing without the last stamps that snapshots of the ledger tell."""
    listing = ledger.listings.get(listed_id)
    if listing is None:
        return None
    sightings = {
        source: one.model_copy(update={"last": None}) if one.last == _last_listed(ledger, source, listed_id) else one
        for source, one in listing.sightings.items()
    }
    return listing.model_copy(update={"sightings": sightings})


def _last_listed(ledger: Ledger, source: str, listed_id: str) -> datetime | None:
    """Gives the stamp of the newest snapshot of a source that lists a message; None if none of the ledger's does."""
    return next((seen.stamp for seen in ledger.snapshots.get(source, ()) if seen.lists(listed_id)), None)


def _with_last_stamps(ledger: Ledger) -> Ledger:
    """Gives the ledger with the last stamps that `_stored_listing` left out."""
    listings = dict(ledger.listings)
    for listed_id, listing in ledger.listings.items():
        sightings = {
            source: one.model_copy(update={"last": last})
            for source, one in listing.sightings.items()
            if one.last is None and (last := _last_listed(ledger, source, listed_id))
        }
        if sightings:
            listings[listed_id] = listing.model_copy(update={"sightings": {**listing.sightings, **sightings}})
    return ledger.model_copy(update={"listings": listings})
