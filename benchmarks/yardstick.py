"""Processor time as an ordinary core would take it: measured here, and compared with a fixed piece of work.

Who else uses a machine shares its caches and its clock: on a busy one the same work takes twice the processor time. A
budget that does not know that fails for what others do, or for where it runs.
"""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import shapely

REFERENCE_S = 0.027
"""What one turn takes on the quiet core on which docs/reference/budgets.md was measured."""
_TURNS = 3


@dataclass
class Took:
    """What a piece of work took, known when it is done."""

    measured_s: float = 0.0
    slowness: float = 1.0
    """How many times longer than on the reference core a turn took right before and after; never below 1."""

    @property
    def seconds(self) -> float:
        """Processor time as it would be on the reference core."""
        return self.measured_s / self.slowness


@contextmanager
def timed() -> Iterator[Took]:
    """Measures what is done within, between two looks at the yardstick.

    The garbage collector passes over what the process held before: in a long test run that costs more than the work.
    """
    gc.freeze()
    try:
        found, before = Took(), _turns_s()
        started = time.process_time()
        yield found
        found.measured_s = time.process_time() - started
    finally:
        gc.unfreeze()
    found.slowness = max(1.0, (before + _turns_s()) / 2 / REFERENCE_S)


def _turns_s() -> float:
    return sum(_turn_s() for _ in range(_TURNS)) / _TURNS


def _turn_s() -> float:
    """One turn does what the project mostly does: JSON, dictionaries, small objects, geometry."""
    started = time.process_time()
    records = [{"id": f"A{n}", "texts": {"de": "Starkregen " * 10}, "points": [n / 7, n / 3]} for n in range(2_000)]
    by_id = {record["id"]: tuple(record["points"]) for record in json.loads(json.dumps(records))}
    shapely.union_all([shapely.box(x, y, x + 5, y + 5) for x, y in sorted(by_id.values())[:400]])
    return time.process_time() - started


if __name__ == "__main__":
    print(f"one turn takes {min(_turn_s() for _ in range(100)):.4f} s, at best; the reference is {REFERENCE_S} s")
