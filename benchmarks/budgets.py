"""Reads and decides one hostile message in a process of its own, and says what that took.

    python -m benchmarks.budgets            # a table of all messages: docs/reference/budgets.md has one
    python -m benchmarks.budgets NAME       # one, as JSON

Time is processor time of `decide_bytes`, as an ordinary core would take it (benchmarks/yardstick.py); memory is the
most that the process ever held, the libraries included.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from benchmarks.yardstick import timed
from geofences import GeofenceIndex, bundled, load
from tests.budgets.cases import CASES
from warnsys.records import AlertHeaders
from warnsys.warning.matching import Matcher

HEADERS = AlertHeaders(stage="live", source="own", id="hostile", stamp=None, seen=datetime(2027, 7, 14, tzinfo=UTC))


class Cost(TypedDict):
    bytes: int
    decided: str
    reason: str
    findings: list[str]
    outcome_bytes: int
    seconds: float
    slowness: float
    """Of the machine, meanwhile: measured were so many times the seconds."""
    mebibytes: int


def measure(name: str) -> Cost:
    """In a new process, so that one case's memory is not the other's."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.budgets", name], capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise AssertionError(f"{name}: exit code {done.returncode}: {done.stderr[-2000:]}")
    found: Cost = json.loads(done.stdout)
    return found


def _decide(name: str) -> Cost:
    body = CASES[name]()
    matcher = Matcher(GeofenceIndex(load(bundled("solingen"))))
    with timed() as took:
        outcome = matcher.decide_bytes(body, HEADERS).outcome
        written = len(outcome.to_bytes())
    return Cost(
        bytes=len(body),
        decided=outcome.decided,
        reason=outcome.reason,
        findings=[*outcome.findings],
        outcome_bytes=written,
        seconds=round(took.seconds, 3),
        slowness=round(took.slowness, 2),
        mebibytes=_most_held(),
    )


def _most_held() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def table() -> Iterator[str]:
    yield "| message | kB | decided | findings | s | MiB |"
    yield "|---|---:|---|---|---:|---:|"
    for name in CASES:
        cost = measure(name)
        said, found = cost["reason"].replace("|", "/")[:80], ", ".join(f"`{code}`" for code in cost["findings"]) or "–"
        size = f"{cost['bytes'] / 1000:,.0f}"
        yield f"| {name} | {size} | {cost['decided']}: {said} | {found} | {cost['seconds']:.2f} | {cost['mebibytes']} |"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_decide(sys.argv[1])))
    else:
        for line in table():
            print(line, flush=True)
