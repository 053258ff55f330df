"""What `settle` remembers of a partition: change sets on a topic, whoever else writes there, and however often."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from streams.kafka.records import ProducerRecord
from streams.worker import state
from streams.worker.remembered import Path, RememberedPartition
from tests.streams.on_topic import Log, OnTopic, Own
from tests.streams.pair import HERE, THERE, Pair, remembered_of, rules_of, warning
from tests.support import NOON, cancel, outcome, snapshot, tick
from warnsys.partition import Partition
from warnsys.pipeline import CityState
from warnsys.records import ImpactRecord

LONG_AGO = NOON.timestamp() - 3600
STORM: tuple[ImpactRecord, ...] = (
    tick(0),
    warning("A", HERE, severity="Severe"),
    outcome("O", decided="no_district"),
    outcome("U", decided="no_district", supersedes=["not yet"], stamp=1),
    snapshot(1, "A", "O", "U"),
    tick(2),
    warning("B", HERE, THERE, minute=3),
    cancel("C", "A", 4),
    snapshot(5, "B", "C", "O"),
    tick(6),
    snapshot(7, "B"),
    tick(80),
)


def remembered(*records: ImpactRecord) -> Iterator[RememberedPartition]:
    """What two cities remember after each record."""
    partition, found = Partition({city: rules_of(city) for city in (HERE, THERE)}), RememberedPartition()
    for offset, record in enumerate(records):
        partition.take(record)
        found = found.after(partition.ledger, dict(partition.states), offset, 1.0)
        yield found


async def known_to_the_next(log: Log) -> set[str]:
    return set((await OnTopic(log).load(0)).cities.get(HERE, CityState(city=HERE)).facts)


async def test_what_one_worker_stored_its_successor_reads_after_each_record() -> None:
    log = Log()
    store = OnTopic(log)
    await store.load(0)
    for found in remembered(*STORM):
        await store.save(0, found)
        other = Log()
        other.records = [*log.records]
        assert await OnTopic(other).load(0) == found


async def test_a_successor_goes_on_with_the_chain_and_clears_what_nobody_needs() -> None:
    log = Log()
    for found in remembered(*STORM, *(tick(n) for n in range(81, 200))):
        store = OnTopic(log)
        await store.load(0)
        await store.save(0, found)
        assert await OnTopic(log).load(0) == found
    sizes = [len(record.value) for record in log.kept().values()]
    whole = Log()
    await OnTopic(whole).save(0, found)
    assert sum(sizes) < 4 * sum(len(record.value or b"") for record in whole.of_state())


@pytest.mark.parametrize("carried", [10, 300, 1_000, 10**6])
@pytest.mark.parametrize("restarts", [False, True])
async def test_however_much_is_carried_on_the_same_is_remembered(
    carried: int, restarts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here also what need not be."""
    carried_on = state.StoredChain.carried_on

    def more(self: state.StoredChain, changed: set[Path], found: RememberedPartition) -> Iterator[state.EntryLine]:
        self.sizes, self.credit = {**self.sizes, 0: 0, self.number: 10**9}, carried
        yield from carried_on(self, changed, found)

    monkeypatch.setattr(state.StoredChain, "carried_on", more)
    log = Log()
    store = OnTopic(log)
    await store.load(0)
    for found in remembered(*STORM, *STORM):
        await store.save(0, found)
        other = Log()
        other.records = [*log.records]
        restored = await OnTopic(other).load(0)
        assert (restored.ledger, restored.cities) == (found.ledger, found.cities)
        if restarts:
            store = OnTopic(log)
            await store.load(0)


async def test_what_is_written_is_what_changed_however_much_is_remembered() -> None:
    log = Log()
    store = OnTopic(log)
    many = [outcome(f"O{n}", decided="no_district") for n in range(2_000)]
    *_, before, after = remembered(tick(0), *many, warning("A", HERE), outcome("LAST", decided="no_district"))
    await store.save(0, before)
    stood = len(log.records)
    await store.save(0, after)
    assert sum(len(record.value or b"") for record in log.records[stood:]) < 2_000


async def test_a_snapshot_rewrites_no_listing_and_tells_their_last_stamps_to_the_next() -> None:
    log = Log()
    store = OnTopic(log)
    ids = [f"O{n}" for n in range(500)]
    many = [outcome(one, decided="no_district") for one in (*ids, "X")]
    listings = [snapshot(1, *ids), snapshot(2, *ids), *(snapshot(minute, "X") for minute in range(3, 9))]
    *_, before, after, _, _, _, _, _, gone = remembered(tick(0), *many, *listings)
    assert not any(seen.lists(ids[0]) for seen in gone.ledger.snapshots["dwd"])
    await store.save(0, before)
    stood = len(log.records)
    await store.save(0, after)
    written = b"".join(record.value or b"" for record in log.records[stood:])
    assert written.count(b"sightings") == 0
    assert await OnTopic(log).load(0) == after
    await store.save(0, gone)
    assert (await OnTopic(log).load(0)).ledger == gone.ledger, "what no snapshot tells any more is stored again"


async def test_a_large_set_counts_when_its_last_part_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "PART_BYTES", 500)
    log = Log()
    store = OnTopic(log)
    some = list(remembered(*STORM))
    await store.save(0, some[5])
    stood = len(log.records)
    await store.save(0, some[-1])
    parts = log.records[stood:]
    assert len([record for record in parts if record.value]) > 2
    for cut in range(1, len([record for record in parts if record.value])):
        torn = Log()
        torn.records = log.records[: stood + cut]
        assert await OnTopic(torn).load(0) == some[5]


async def test_who_lost_the_partition_neither_replaces_nor_clears_what_its_successor_needs() -> None:
    log = Log()
    late, next_one = OnTopic(log), OnTopic(log)
    some = list(remembered(*STORM))
    await late.load(0)
    await late.save(0, some[3])
    await next_one.load(0)
    for found in some[4:8]:
        await late.save(0, found)
    stood = len(log.records)
    assert not [record for record in log.records[stood - 4 :] if record.value is None]
    for found in some[4:]:
        await next_one.save(0, found)
    await late.save(0, some[8])
    assert await OnTopic(log).load(0) == some[-1]


async def test_a_late_write_is_cleared_by_the_owner() -> None:
    log = Log()
    late, owner = OnTopic(log), OnTopic(log)
    some = list(remembered(*STORM))
    await late.load(0)
    await late.save(0, some[3])
    await owner.load(0)
    await late.save(0, some[4])
    for found in some[4:]:
        await owner.save(0, found)
    assert late._chains[0].last not in log.kept()
    assert await OnTopic(log).load(0) == some[-1]


@pytest.mark.parametrize("damage", ['"Severe"', '"grade"'], ids=["a value that nobody knows", "an entry without"])
async def test_what_cannot_be_read_of_one_city_takes_nothing_from_the_others(damage: str) -> None:
    log = Log()
    told = list(remembered(tick(0), warning("A", HERE, THERE, severity="Severe"), snapshot(0, "A")))[-1]
    await OnTopic(log).save(0, told)
    for number, record in enumerate(log.records):
        lines = [json.loads(line) for line in (record.value or b"").splitlines()]
        bad = [
            json.dumps(line).replace(damage, '"Apocalyptic"') if line[0][:2] == ["city", HERE] else json.dumps(line)
            for line in lines
        ]
        log.records[number] = replace(record, value="\n".join(bad).encode())
    for worker in range(2):
        pair = Pair(OnTopic(log))
        pair.offset = 20 + worker
        await pair.take(tick(1), warning("E", HERE, THERE, minute=1))
        both = [[(one.kind, one.cause) for one in pair.told(city)] for city in (HERE, THERE)]
        assert both == ([[("warn", "E")], [("update", "E")]] if worker == 0 else [[], []])
        assert len(pair.sent("warn.rejected")) == 1 - worker, "the bytes are kept once"


async def test_cities_that_are_not_here_for_a_while_are_not_forgotten() -> None:
    log = Log()
    both = await Pair(OnTopic(log)).take(tick(0), warning("A", HERE, THERE, severity="Severe"))
    without = Pair(OnTopic(log))
    del without.cities[THERE]
    without.offset = both.offset
    await without.take(tick(1), tick(2))
    again = Pair(OnTopic(log))
    again.offset = without.offset
    await again.take(tick(3), warning("E", THERE, minute=3))
    assert [(one.kind, one.cause) for one in again.told(THERE)] == [("update", "E")]


# -- a log of `warn.impacts` that was made anew begins at 0 again ----------------------------------------------------


class EndedError(Exception):
    """A worker ended here."""


class EndsBeforeItClears(Own):
    """Its worker ends before it clears anything."""

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        if any(record.value is None for record in records):
            raise EndedError
        await super().send(list(records))


async def stored_long_ago(log: Log) -> OnTopic:
    store = OnTopic(log)
    await store.save(0, remembered_of(HERE, tick(0), covers=5000, covers_at=LONG_AGO))
    return store


async def test_what_the_new_log_said_outlives_a_worker_that_ends_while_it_clears() -> None:
    log = Log()
    await stored_long_ago(log)
    pair = Pair(OnTopic(log, EndsBeforeItClears))
    with pytest.raises(EndedError):
        await pair.take(warning("A", HERE), *(tick(n) for n in range(500)))
    assert await known_to_the_next(log) == {"A"}


async def test_what_the_new_log_said_outlives_a_late_write_of_a_worker_of_the_old_one() -> None:
    log = Log()
    late = await stored_long_ago(log)
    await Pair(OnTopic(log)).take(warning("A", HERE), tick(0))
    await late.save(0, remembered_of(HERE, tick(0), tick(1), covers=5001, covers_at=LONG_AGO))
    assert await known_to_the_next(log) == {"A"}


async def test_a_log_may_be_made_anew_more_than_once() -> None:
    log = Log()
    await stored_long_ago(log)
    first = Pair(OnTopic(log))
    first.offset = 100
    await first.take(warning("A", HERE))
    second = Pair(OnTopic(log))
    await second.take(tick(1), snapshot(1, "A"), tick(2), warning("B", HERE, minute=3))
    assert await known_to_the_next(log) == {"A", "B"}


async def test_a_brokers_clock_that_is_set_back_makes_no_log_anew() -> None:
    """Of two chains of one log the one that covers more counts, also if its last record has the earlier time."""
    log = Log()
    late = OnTopic(log)
    await OnTopic(log).save(0, remembered_of(HERE, tick(0), warning("A", HERE), covers=8, covers_at=LONG_AGO))
    await late.save(0, remembered_of(HERE, tick(0), covers=7, covers_at=NOON.timestamp() + 86_400))
    assert await known_to_the_next(log) == {"A"}
