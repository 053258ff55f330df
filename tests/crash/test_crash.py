"""Workers that die, leave, sleep and come back, on a real Kafka: nothing is lost, nothing stands still.

The short form of `python -m tools.crash`. A run that goes wrong says where its logs are.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.crash.brokers import TroubledKafka
from tests.crash.driver import Run, run
from tests.crash.faults import Plan, points
from tests.crash.table import STANDSTILL_S
from tools.local_kafka import LocalKafka

pytestmark = [pytest.mark.kafka, pytest.mark.crash]

TAKEOVER_S = 10.0


@pytest.fixture(scope="module")
def kafka() -> Iterator[TroubledKafka]:
    with TroubledKafka(ways=True) as kafka:
        yield kafka


async def crashed(kafka: LocalKafka, plan: Plan, *, standstill_s: float = STANDSTILL_S) -> Run:
    done = await run(kafka, plan, Path(mkdtemp(prefix="warnsys-crash-")))
    assert done.good, done.problems()
    assert done.caught_up_s is not None
    assert done.caught_up_s < STANDSTILL_S, done.problems()
    assert max(done.delays_s) < standstill_s + done.outage_s, done.problems()
    assert all(seconds < TAKEOVER_S for seconds in done.recovery_s), done.recovery_s
    return done


async def test_a_runner_that_passes_over_records_is_found_out(kafka: LocalKafka) -> None:
    done = await run(kafka, Plan(seed=9, faults=(), runner="lossy", pause_s=(12, 12)), Path(mkdtemp()))
    assert not done.findings.good, "what it passed over is missing in what comes after"


@pytest.mark.parametrize("named", [True, False], ids=["names that last", "nameless"])
async def test_workers_killed_at_random_times_lose_nothing(kafka: LocalKafka, named: bool) -> None:
    done = await crashed(kafka, Plan(seed=1, faults=("kill",) * 2, named=named))
    assert done.recovery_s, "nobody who was killed had anything to do"
    assert not done.own_ends, done.problems()


async def test_workers_killed_at_every_named_point_lose_nothing(kafka: LocalKafka) -> None:
    """Whoever follows a dead worker takes the next point, so at that place nobody lives long."""
    plan = Plan(seed=2, faults=(), points=points("KILL"), pause_s=(1, 2), rate=4)
    done = await crashed(kafka, plan, standstill_s=90)
    assert done.struck == len(plan.points), done.problems()


async def test_workers_told_to_end_at_every_named_point_lose_nothing(kafka: LocalKafka) -> None:
    plan = Plan(seed=10, faults=(), points=points("TERM"), pause_s=(1, 2), rate=4)
    done = await crashed(kafka, plan, standstill_s=90)
    assert done.struck == len(plan.points), done.problems()


@pytest.mark.parametrize("named", [True, False], ids=["names that last", "nameless"])
async def test_a_rolling_restart_in_the_middle_of_records_loses_nothing(kafka: LocalKafka, named: bool) -> None:
    done = await crashed(kafka, Plan(seed=3, faults=("term",) * 4, pause_s=(0.2, 2), named=named))
    assert not done.own_ends, done.problems()
    assert max(done.leave_s) < 10


async def test_a_worker_that_wakes_from_a_long_sleep_changes_nothing(kafka: LocalKafka) -> None:
    """Others have had its partitions meanwhile, and it goes on in the middle of a batch."""
    done = await crashed(kafka, Plan(seed=4, faults=(), points=("settle.mid-send:8 STOP",)))
    assert done.struck == 1, done.problems()


async def test_what_a_rebalance_dropped_comes_again_though_the_topic_has_gone_quiet(kafka: LocalKafka) -> None:
    await crashed(kafka, Plan(seed=5, faults=("kill",), quiet=True))


async def test_from_one_worker_to_three_and_back_nothing_is_lost(kafka: LocalKafka) -> None:
    await crashed(kafka, Plan(seed=6, faults=("scale",), workers=1, pause_s=(1, 2)))


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing(kafka: LocalKafka) -> None:
    await crashed(kafka, Plan(seed=7, faults=("broker",) * 2))


async def test_a_worker_whose_network_is_cut_loses_nothing_and_what_it_sends_late_is_told_apart(
    kafka: LocalKafka,
) -> None:
    await crashed(kafka, Plan(seed=11, faults=("cut",)))


async def test_a_clock_that_is_an_hour_wrong_moves_no_time_and_stops_no_worker(kafka: LocalKafka) -> None:
    """In the live stage, where workers tell the time: Kafka refuses a stamp that is more than an hour ahead."""
    done = await crashed(kafka, Plan(seed=12, faults=("clock",)))
    assert not done.own_ends, done.problems()


async def test_a_feed_that_dies_in_mid_snapshot_beside_a_worker_loses_nothing(kafka: LocalKafka) -> None:
    await crashed(kafka, Plan(seed=13, faults=("feed",)))


def test_a_disk_that_is_full_and_has_room_again_loses_nothing() -> None:
    """In a process of its own: mounting a small disk takes a namespace."""
    command = [sys.executable, "-m", "tools.crash", "--seeds", "1", "--first", "14", "--kills", "1", "--rate", "8"]
    done = subprocess.run([*command, "--faults", "disk"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_with_three_brokers_the_leader_may_be_killed() -> None:
    """Two in sync are enough to go on: nothing waits until the third is back."""
    with LocalKafka(brokers=3) as three:
        await crashed(three, Plan(seed=8, faults=("leader",) * 2))
