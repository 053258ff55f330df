"""Figures of a worker: its own process's are there, and nothing is reported of what is another's now."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.streams.pair import HERE, THERE, Pair
from tests.support import at, tick
from warnsys.metrics import RENAMED, Metrics


def served(metrics: Metrics) -> str:
    return metrics.text().decode()


@pytest.mark.parametrize(
    "name", ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "python_info",
             "python_gc_collections_total", "warnsys_build_info"],
)  # fmt: skip
def test_process_platform_and_build_are_served(name: str) -> None:
    assert any(line.startswith((f"{name} ", f"{name}{{")) for line in served(Metrics()).splitlines())


async def test_of_cities_whose_partition_moved_away_no_figure_is_left() -> None:
    pair = await Pair().take(tick(0))
    for city in (HERE, THERE):
        for gauge in (pair.metrics.forgotten, pair.metrics.state_lost, pair.metrics.troubles):
            gauge.labels(city).set(1)
    pair.metrics.ticked(HERE, at(0), {"broker": 90})
    assert f'city="{HERE}"' in served(pair.metrics)
    pair.agent.limit_metrics_to({0})
    assert 'clock="broker"' in served(pair.metrics), "it is ours"
    pair.agent.limit_metrics_to(set())
    assert [line for line in served(pair.metrics).splitlines() if "city=" in line] == []


async def test_the_time_is_told_of_a_city_in_which_nothing_is_due_too() -> None:
    pair = await Pair().take(tick(0), tick(0.1), tick(0.2))
    assert pair.metrics.registry.get_sample_value("warnsys_tick_timestamp_seconds", {"city": HERE}) == (
        at(0.2).timestamp()
    )


def test_of_partitions_that_moved_away_no_lag_is_left() -> None:
    metrics = Metrics()
    for number in "01":
        metrics.lag.labels("warn.impacts", number).set(5)
    metrics.only([("warn.impacts", 1)])
    assert [line for line in served(metrics).splitlines() if line.startswith("warnsys_consumer_lag_records{")] == [
        'warnsys_consumer_lag_records{partition="1",topic="warn.impacts"} 5.0'
    ]


def test_a_metric_with_a_new_name_is_there_under_its_old_one_too() -> None:
    metrics = Metrics()
    metrics.lag.labels("warn.impacts", "1").set(5)
    metrics.took("total", 0.2)
    metrics.canary_took.labels("back").set(0.5)
    lines = served(metrics).splitlines()
    for name, old in RENAMED.items():
        new = [line for line in lines if line.startswith((f"warnsys_{name}{{", f"warnsys_{name} ", f"warnsys_{name}_"))]
        for line in new:
            assert line.replace(f"warnsys_{name}", f"warnsys_{old}", 1).replace("step=", "stage=") in lines
    assert 'warnsys_latency_seconds_count{stage="total"} 1.0' in lines


BEGINS = """
from streams.worker.app import Worker
from streams.kafka.records import Progress
from tests.streams.test_agents import Bench
from warnsys.metrics import Metrics
b = Bench()
w = Worker("nowhere:1", b.topics, b.match, b.settle, b.sender, Metrics(), Progress(), embedded=False)
w.app.conf.datadir.mkdir(exist_ok=True)
print(w.app.conf.datadir, flush=True)
input()
"""


def test_hard_ends_leave_no_pile_of_fausts_folders(tmp_path: Path) -> None:
    names = set()
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", BEGINS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        ) as worker:  # fmt: skip
            assert worker.stdout
            names.add(worker.stdout.readline())
            worker.send_signal(signal.SIGKILL)
    assert len(names) == 1
    assert len(list(tmp_path.iterdir())) == 1
