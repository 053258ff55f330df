"""A state that is lost takes the operator's stop with it, and the worker brings it back: what holds stays held."""

import pytest

from streams.kafka.records import ConsumedRecord
from streams.worker.orders import Orders
from streams.worker.remembered import MemoryStateStore, RememberedPartition, UnreadableState
from tests.domain.test_stop import stop
from tests.streams.pair import HERE, Pair, warning
from tests.support import at, tick
from warnsys.pipeline import CityRules, CityState, Settled, settle
from warnsys.records import ChannelState, Tick, read_action, read_impact_record
from warnsys.warning.learned import LearnedRecord


def answered(pair: Pair) -> Orders:
    """What the worker's reader of `ops.actions` knows: the order, and what the cities answered."""
    known = Orders(pair.topics, {0: tuple(pair.cities)})
    known.take(stop(1, 600).to_bytes())
    for record in pair.sent("ops.actions"):
        known.take(record.value)
    return known


class Forgetful(MemoryStateStore):
    """Of one city, what stands there cannot be read."""

    async def load(self, partition: int) -> RememberedPartition:
        record = ConsumedRecord("warn.state", partition, 9, HERE.encode(), b"\0", {}, 0.0)
        return RememberedPartition(unreadable={HERE: UnreadableState(record, "state: x")})


async def test_a_stop_that_was_lost_with_an_unreadable_state_holds_again_at_once() -> None:
    pair = await Pair().take(tick(0), stop(1, 600), tick(2))
    known = answered(pair)
    assert [one.topic for one in known.due({0}, 0.0)] == ["warn.impacts"]
    assert known.due({0}, 1.0) == [], "it was answered"
    pair.store = Forgetful()
    pair.restarted()
    assert known.due(set(), 2.0) == []
    (again,) = known.due({0}, 2.5)
    await pair.take(read_impact_record(again.value or b""), tick(3), warning("A", HERE, minute=3))
    assert pair.told(HERE) == [], "held back, as before"
    said = [read_action(record.value or b"") for record in pair.sent("ops.actions")]
    assert [one.stopped for one in said if isinstance(one, ChannelState) and one.city == HERE][-1]


async def test_a_city_that_is_given_up_keeps_the_operators_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = await Pair().take(tick(0), stop(1, 600), tick(2))

    def fails(state: CityState, learned: LearnedRecord, rules: CityRules) -> Settled:
        if state.city == HERE and isinstance(learned.record, Tick) and learned.record.at < at(6):
            raise ValueError("its state is at fault")
        return settle(state, learned, rules)

    monkeypatch.setattr("streams.worker.settle.settle", fails)
    await pair.take(tick(3), tick(4), tick(5))
    monkeypatch.undo()
    await pair.take(tick(6), warning("A", HERE, minute=6))
    state = pair.agent.state(HERE)
    assert state
    assert "push" in state.stopped
    assert pair.told(HERE) == []
