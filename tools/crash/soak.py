"""Half an hour or more of storm and faults on one broker, and what each process's memory does meanwhile.

    python -m tools.crash.soak --minutes 30 [--report docs/reference/reliability.md]

One worker is spared, so that there is a long life to look at; the others come and go. The slope is the least squares'
through a process's anonymous memory, sampled every 5 s, after its first quarter, in which it fills its caches. Exits
with 1 where anything was lost or wrong.
"""

import argparse
import asyncio
import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import linear_regression
from tempfile import mkdtemp

from tests.crash.driver import Run, run
from tests.crash.faults import Plan, brokers_for
from tests.crash.table import HEAD, row, summary, verdict
from tools.crash.report import put
from tools.local_kafka import HEAP, LocalKafka

KINDS = ("kill", "term", "stop", "cut", "slow", "feed")
SAMPLE_EVERY_S = 5.0
FAULT_EVERY_S = 38.0
"""With what it takes to be over."""
RATE = 3.0
WARM_UP = 0.25
LONG_LIFE_S = 300.0
EXPLAINED = (
    f"The broker fills its heap ({HEAP}) before it sweeps it. The story's time runs hours ahead, so a worker forgets "
    "as much as it would in days; the times and phrases that it keeps worded are bounded, and fill up meanwhile."
)
Sample = tuple[float, float]
"""Seconds since the start, MiB."""


def memory_mib(pid: int | str) -> float | None:
    """Anonymous memory that is in use; None where there is no such process any more."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:")), None)


def workers(folder: Path) -> dict[str, str]:
    """Process ids of a run's workers, by name."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if str(folder / "settings.json") in words and "--name" in words:
            found[words[words.index("--name") + 1]] = place.parent.name
    return found


async def sample(kafka: LocalKafka, folder: Path, into: dict[str, list[Sample]]) -> None:
    """For ever."""
    begun = asyncio.get_running_loop().time()
    while True:
        now = asyncio.get_running_loop().time() - begun
        processes = await asyncio.to_thread(workers, folder)
        for name, pid in {**processes, "broker": str(kafka.pid())}.items():
            if (used := memory_mib(pid)) is not None:
                into[name].append((now, used))
        await asyncio.sleep(SAMPLE_EVERY_S)


def slope(samples: Sequence[Sample]) -> float:
    """MiB an hour."""
    steady = samples[int(len(samples) * WARM_UP) :]
    return linear_regression([at for at, _ in steady], [used for _, used in steady]).slope * 3600


def table(by_process: Mapping[str, Sequence[Sample]]) -> list[str]:
    lines = [
        "| process | lived min | MiB after warm-up | at most | at the end | slope MiB/h |",
        "|---|---|---|---|---|---|",
    ]
    for name, samples in by_process.items():
        lived = samples[-1][0] - samples[0][0]
        if lived < LONG_LIFE_S:
            continue
        used = [mib for _, mib in samples]
        steady = used[int(len(used) * WARM_UP)]
        cells = name, f"{lived / 60:.1f}", *(f"{mib:.1f}" for mib in (steady, max(used), used[-1], slope(samples)))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


async def soak(kafka: LocalKafka, plan: Plan) -> tuple[Run, dict[str, list[Sample]]]:
    folder, samples = Path(mkdtemp(prefix="warnsys-soak-")), defaultdict[str, list[Sample]](list)
    sampling = asyncio.create_task(sample(kafka, folder, samples))
    try:
        return await run(kafka, plan, folder), samples
    finally:
        sampling.cancel()


def plan_for(minutes: float, seed: int) -> Plan:
    count = max(round(minutes * 60 / FAULT_EVERY_S), 1)
    chance = random.Random(seed)
    kinds = tuple(chance.choice(KINDS) for _ in range(count))
    return Plan(seed, kinds, spared=1, pause_s=(20, 40), rate=RATE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.crash.soak", description="Does memory stay flat?")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--report", type=Path, help="write the section into this file")
    arguments = parser.parse_args()
    plan = plan_for(arguments.minutes, arguments.seed)
    with brokers_for([plan], 1) as kafka:
        done, samples = asyncio.run(soak(kafka, plan))
    lines = [*table(samples), "", EXPLAINED, "", *HEAD, row(done), "", summary([done])]
    print(*lines, sep="\n")
    if verdict(done) != "good":
        print(done.problems(), file=sys.stderr)
    if arguments.report:
        put(arguments.report, f"Soak: {done.seconds / 60:.0f} minutes", lines)
    return 0 if verdict(done) == "good" else 1


if __name__ == "__main__":
    sys.exit(main())
