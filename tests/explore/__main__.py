"""Explores every history up to a depth, from each prepared state, and tells the shortest that breaks a law.

python -m tests.explore --depth 3 [--from clear] [--first "stop"]
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.explore.laws import LAWS
from tests.explore.steps import STEPS, Step, prepared
from tests.explore.world import World, clock_of

History = tuple[tuple[Step, float], ...]
"""Steps, with the minute at which each began."""


@dataclass
class Found:
    states: int = 0
    histories: int = 0
    seconds: float = 0.0
    """Of processor time: a machine that does other things beside makes them no more."""
    broken: tuple[History, str] | None = None


def explore(
    start: World, depth: int, steps: Iterable[Step] = STEPS, each: Callable[[int, Found], None] = lambda *_: None
) -> Found:
    """Breadth first: the first that breaks a law is among the shortest. What is the same is gone on from once.

    `each` hears of every depth that is done.
    """
    gc.set_threshold(50_000, 20, 100)  # what is kept are thousands of states without a circle among them
    found, began, known = Found(), time.process_time(), {start.key()}
    level: list[tuple[World, History]] = [(start, ())]
    steps = tuple(steps)
    for reached in range(1, depth + 1):
        following: list[tuple[World, History]] = []
        for world, history in level:
            for step in steps:
                if not step.possible(world):
                    continue
                found.histories += 1
                path = (*history, (step, world.minute))
                try:
                    after = step(world)
                    wrong = next((said for law in LAWS for said in law(after)), None)
                except Exception as error:
                    wrong = f"{type(error).__name__}: {error}"
                if wrong:
                    found.broken, found.seconds = (path, wrong), time.process_time() - began
                    return found
                key = after.key()
                if key not in known:
                    known.add(key)
                    following.append((after, path))
        level = following
        found.states, found.seconds = len(known), time.process_time() - began
        each(reached, found)
    return found


def story(name: str, history: History, wrong: str) -> Iterator[str]:
    yield f"From “{name}”:"
    yield from (f"  {clock_of(minute)}  {step.tells}." for step, minute in history)
    yield f"  Then: {wrong}."


def told(name: str, depth: int) -> tuple[int, str]:
    """How many states were reached from a prepared one, and the story of what broke a law."""
    found = explore(prepared()[name], depth)
    return found.states, "\n".join(story(name, *found.broken)) if found.broken else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--from", dest="start", default="")
    chosen = parser.parse_args()
    failed = False
    print("| from | depth | histories | states | seconds |\n|---|---|---|---|---|")
    for name, start in prepared().items():
        if chosen.start not in ("", name):
            continue

        def row(depth: int, found: Found, name: str = name) -> None:
            print(f"| {name} | {depth} | {found.histories} | {found.states} | {found.seconds:.0f} |", flush=True)

        found = explore(start, chosen.depth, each=row)
        if found.broken:
            print("\n".join(story(name, *found.broken)), flush=True)
        failed |= found.broken is not None
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
