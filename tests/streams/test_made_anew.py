"""A log of `warn.impacts` that was made anew begins at 0 again, and what was stored before covers higher offsets."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from streams.kafka.records import MemorySender, ProducerRecord
from streams.kafka.topics import Topics
from streams.worker.state import KafkaStateStore, StoredRecord, StoredState
from tests.streams.pair import HERE, THERE, Pair, state_of, warning
from tests.support import NOON, snapshot, tick
from warnsys.pipeline import CityState

TOPICS = Topics("live", 1)
LONG_AGO = NOON.timestamp() - 3600


class EndedError(Exception):
    """A worker ended here."""


class EndsBeforeItClears(MemorySender):
    """Its worker ends before it clears the keys of other writers."""

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        if any(record.value is None for record in records):
            raise EndedError
        await super().send(records)


class OnTopic(KafkaStateStore):
    """It reads what its sender sent, and needs no broker."""

    def __init__(self, writer: str, log: MemorySender, sender: MemorySender | None = None) -> None:
        super().__init__("nowhere:1", TOPICS, sender or log, writer)
        self._log = log

    async def _read(self, partition: int) -> dict[str, StoredRecord]:
        found: dict[str, StoredRecord] = {}
        for offset, sent in enumerate(self._log.records):
            headers = {name: text.encode() for name, text in sent.headers.items()}
            StoredRecord.of(
                SimpleNamespace(
                    topic=sent.topic, partition=sent.partition, offset=offset, key=sent.key.encode(),
                    value=sent.value, headers=headers, timestamp=0,
                )
            ).put_into(found)  # fmt: skip
        return found


def stored_long_ago() -> dict[str, StoredState]:
    return {city: StoredState(CityState(city=city), 5000, LONG_AGO) for city in (HERE, THERE)}


async def known_to_the_next_worker(log: MemorySender) -> set[str]:
    return set((await OnTopic("next", log).load(0))[HERE].state.facts.facts)


async def test_what_the_new_log_said_outlives_a_worker_that_ends_while_it_clears_the_old_states() -> None:
    log, dying = MemorySender(), EndsBeforeItClears()
    dying.records = log.records
    await OnTopic("old", log).save(0, stored_long_ago())
    with pytest.raises(EndedError):
        await Pair(OnTopic("owner", log, dying)).take(warning("A", HERE))
    assert await known_to_the_next_worker(log) == {"A"}


async def test_what_the_new_log_said_outlives_a_late_write_of_a_worker_of_the_old_one() -> None:
    log = MemorySender()
    late = OnTopic("old", log)
    await late.save(0, stored_long_ago())
    await Pair(OnTopic("owner", log)).take(warning("A", HERE), tick(0))
    await late.save(0, stored_long_ago())
    assert await known_to_the_next_worker(log) == {"A"}


async def test_a_log_may_be_made_anew_more_than_once() -> None:
    log = MemorySender()
    late = OnTopic("old", log)
    await late.save(0, stored_long_ago())
    first = Pair(OnTopic("first", log))
    first.offset = 100
    await first.take(warning("A", HERE))
    second = Pair(OnTopic("second", log))
    await second.take(tick(1), snapshot(1, "A"), tick(2), warning("B", HERE, minute=3))
    await first.take(tick(0))
    await late.save(0, stored_long_ago())
    assert await known_to_the_next_worker(log) == {"A", "B"}


async def test_a_brokers_clock_that_is_set_back_makes_no_log_anew() -> None:
    """Of two states of one log the one that covers more counts, also if its last record has the earlier time."""
    log = MemorySender()
    ahead = StoredState(state_of(HERE, tick(0)), 7, NOON.timestamp() + 86_400)
    await OnTopic("owner", log).save(0, {HERE: StoredState(state_of(HERE, tick(0), warning("A", HERE)), 8, LONG_AGO)})
    await OnTopic("late", log).save(0, {HERE: ahead})
    assert await known_to_the_next_worker(log) == {"A"}


async def test_a_worker_that_was_cut_off_after_it_loaded_clears_nothing_that_its_successor_stored_since() -> None:
    log = MemorySender()
    back, cut_off = OnTopic("back", log), OnTopic("cut-off", log)
    await back.save(0, {HERE: StoredState(CityState(city=HERE), 5, LONG_AGO)})
    await cut_off.load(0)
    await back.load(0)
    await back.save(0, {HERE: StoredState(state_of(HERE, tick(0), warning("A", HERE)), 9, LONG_AGO)})
    await cut_off.save(0, {HERE: StoredState(CityState(city=HERE), 6, LONG_AGO)})
    assert await known_to_the_next_worker(log) == {"A"}
