"""What ends a worker: each reason, and nothing else."""

import threading
import time
from collections.abc import Mapping

import pytest

from streams.kafka.ending import ended_after
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.worker.watchdog import LIMIT_S, REBALANCE_LIMIT_S, Vitals, Watchdog


def vitals() -> Vitals[str]:
    found: Vitals[str] = Vitals(session_s=6)
    found.report(100, ready=True, in_hand={}, lagging={})
    assert found.verdict(100) == ""
    return found


def passing(
    found: Vitals[str],
    until: float,
    *,
    ready: bool = True,
    in_hand: Mapping[str, float] | None = None,
    lagging: Mapping[str, int] | None = None,
) -> str:
    """Half seconds go by, the loop reports each time; the first verdict, or "" at the end."""
    now = 100.0
    while now < until:
        now += 0.5
        found.report(now, ready=ready, in_hand=in_hand or {}, lagging=lagging or {})
        if verdict := found.verdict(now):
            return verdict
    return ""


def test_a_worker_with_nothing_to_do_lives() -> None:
    assert passing(vitals(), 100 + 10 * LIMIT_S) == ""


def test_a_record_in_hand_for_too_long_ends_it() -> None:
    assert passing(vitals(), 100 + LIMIT_S, in_hand={"p": 100.0}) == ""
    assert "has been in hand" in passing(vitals(), 102 + LIMIT_S, in_hand={"p": 100.0})


def test_a_position_that_stands_while_there_is_lag_ends_it() -> None:
    assert "stands at 7" in passing(vitals(), 102 + LIMIT_S, lagging={"p": 7})


def test_a_partition_that_waits_behind_the_backlog_of_another_does_not_end_it() -> None:
    """Both are one agent's: of a long queue it takes what was fetched first; ended for that, it would begin again."""
    found, now = vitals(), 100.0
    for position in range(400):
        now += 0.5
        found.report(now, ready=True, in_hand={"a": now}, lagging={"a": position, "b": 7}, busy={"a", "b"})
        assert found.verdict(now) == ""


def test_a_partition_that_stands_ends_it_though_another_has_a_record_now_and_then() -> None:
    found, now, verdict = vitals(), 100.0, ""
    while not verdict and now < 200:
        now += 0.5
        busy = {"a", "b"} if now % 2 == 0 else set[str]()
        found.report(now, ready=True, in_hand={}, lagging={"b": 7}, busy=busy)
        verdict = found.verdict(now)
    assert "b has records but stands at 7" in verdict
    assert now < 100 + 2 * LIMIT_S


def test_a_position_that_moves_is_progress_however_great_the_lag() -> None:
    found = vitals()
    now = 100.0
    for position in range(200):
        now += 0.5
        found.report(now, ready=True, in_hand={}, lagging={"p": position})
        assert found.verdict(now) == ""


def test_a_rebalance_that_does_not_end_ends_it() -> None:
    assert passing(vitals(), 100 + REBALANCE_LIMIT_S - 1, ready=False) == ""
    assert "not been consuming" in passing(vitals(), 102 + REBALANCE_LIMIT_S, ready=False)


def test_a_loop_that_does_not_answer_ends_it() -> None:
    found, now = vitals(), 100.0
    while not (verdict := found.verdict(now)) and now < 200:
        now += 0.5
    assert "event loop" in verdict
    assert now <= 101 + LIMIT_S


def test_a_process_that_slept_longer_than_its_session_ends_on_waking() -> None:
    found = vitals()
    assert found.verdict(105) == ""
    assert "slept for 15 s" in found.verdict(120)


async def test_a_process_that_slept_sends_nothing_on_waking(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be at its send before the watchdog's thread looks: a `clear` of a quarter of an hour ago would go out."""
    reasons: list[str] = []

    def end(reason: str) -> None:
        reasons.append(reason)
        raise SystemExit

    monkeypatch.setattr("streams.kafka.sender.end_at_once", end)
    found = vitals()
    found.looked = time.monotonic() - 15
    sender = KafkaSender("127.0.0.1:1", Progress(), slept=found.slept)
    with pytest.raises(SystemExit):
        await sender.send([ProducerRecord("warn.stele", 0, "d", b"{}")])
    assert "slept for 15 s" in reasons[0]


def test_a_step_that_blocks_its_thread_is_ended_all_the_same() -> None:
    """As Faust does when it is stopped while it starts: seen at a SIGTERM 35 ms after the start of a worker."""
    reasons: list[str] = []
    blocked = threading.Event()

    def end(reason: str) -> None:
        reasons.append(reason)
        blocked.set()

    with ended_after(0.05, end, "it blocked"):
        assert blocked.wait(60)
    with ended_after(2, end, "it did not"):
        pass
    time.sleep(3)
    assert reasons == ["it blocked"]


def test_the_thread_calls_the_end_once() -> None:
    reasons: list[str] = []
    ended = threading.Event()

    def end(reason: str) -> None:
        reasons.append(reason)
        ended.set()

    found: Vitals[str] = Vitals(session_s=6, limit_s=-1)
    found.report(0.001, ready=True, in_hand={}, lagging={})
    with Watchdog(found, end):
        assert ended.wait(60)
    assert len(reasons) == 1
