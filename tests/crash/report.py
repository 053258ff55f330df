"""The whole reliability report: every kind of fault, and the three runners side by side, as one page.

    python -m tests.crash.report docs/reference/reliability.md

Takes the better part of an hour. Exits with 1 where the project's own runner was not as it should be.
"""

import argparse
import asyncio
import inspect
import io
import os
import platform
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from types import ModuleType

from streams import app, kafka, ledger, transport, watchdog
from streams.kafka import LocalKafka
from tests.crash import runners
from tests.crash.driver import Run, run
from tests.crash.faults import Plan, plan
from tests.crash.points import NAMES
from tests.crash.table import HEAD, row, summary

KILLS = ("kill",) * 6
POINTS = tuple(f"{name}:{2 + number % 5}" for number, name in enumerate(NAMES))
SLEEPS = tuple(f"{point} STOP" for point in POINTS if not point.startswith("match"))


@dataclass(frozen=True)
class Campaign:
    title: str
    plans: tuple[Plan, ...]
    brokers: int = 1


def ours() -> tuple[Campaign, ...]:
    many = ("kill", "term", "stop", "scale")
    return (
        Campaign("SIGKILL at random times", tuple(Plan(seed, KILLS, rate=20) for seed in range(1, 11))),
        Campaign(
            "SIGKILL at random times, without names that last: nobody takes over before the session has ended",
            tuple(Plan(seed, KILLS, rate=20, named=False) for seed in (1, 2, 3)),
        ),
        Campaign(
            "Every named point: killed there, and stopped there for 15 s and woken",
            (Plan(11, (), POINTS, pause_s=(1, 2), rate=8), Plan(12, (), SLEEPS, pause_s=(1, 2), rate=8)),
        ),
        Campaign("Everything mixed", tuple(plan(seed, (*many, "quiet"), 6, "strict", 20) for seed in (13, 14, 15))),
        Campaign("Rolling restarts", tuple(Plan(seed, ("term",) * 6, pause_s=(0.2, 2), rate=20) for seed in (16, 17))),
        Campaign("The only broker killed and started again", tuple(Plan(s, ("broker",) * 3) for s in (18, 19))),
        Campaign(
            "Three brokers, two in sync: the leader of a partition killed, away for 15 s",
            tuple(Plan(seed, ("leader",) * 3) for seed in (20, 21)),
            brokers=3,
        ),
    )


def compared(runner: str) -> tuple[Plan, ...]:
    """The same for each of the three: kills and rolling restarts with full buffers, and a calm run for the latency.

    Nobody keeps a name: each change of the group is a rebalance for all, which is where records are lost.
    """
    kills = tuple(Plan(seed, KILLS, runner=runner, rate=30, named=False) for seed in (31, 32, 33))
    terms = tuple(Plan(s, ("term",) * 6, runner=runner, rate=30, pause_s=(0.2, 2), named=False) for s in (34, 35))
    return (*kills, *terms, Plan(36, (), runner=runner, rate=4, pause_s=(30, 30), named=False))


def runs(local: LocalKafka, plans: Iterable[Plan]) -> Iterator[Run]:
    """One after the other, each told as soon as it is over."""
    for chosen in plans:
        done = asyncio.run(run(local, chosen, Path(mkdtemp(prefix="warnsys-crash-"))))
        print(row(done), flush=True)
        if chosen.runner == "strict" and (not done.good or done.own_ends):
            print(done.problems(), file=sys.stderr, flush=True)
        yield done


def section(campaign: Campaign) -> tuple[list[str], list[Run]]:
    print(f"\n{campaign.title}\n", *HEAD, sep="\n", flush=True)
    with LocalKafka(campaign.brokers) as local:
        done = list(runs(local, campaign.plans))
    return [f"### {campaign.title}", "", *HEAD, *map(row, done), "", summary(done), ""], done


def comparison() -> tuple[list[str], list[Run]]:
    print("\nThe three runners\n", *HEAD, sep="\n", flush=True)
    with LocalKafka() as local:
        by_runner = {name: list(runs(local, compared(name))) for name in runners.COMPARED}
    head = ("runner", "runs", "lost", "in runs", "stuck", "repeats", "takeover p50 s", "max s", "delay p50 ms", "lines")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, done in by_runner.items():
        takeovers = [seconds for one in done for seconds in one.recovery_s]
        cells = (
            name, len(done), sum(len(one.findings.lost) for one in done), sum(bool(one.findings.lost) for one in done),
            sum(one.caught_up_s is None for one in done), sum(one.findings.repeats for one in done),
            f"{median(takeovers):.1f}", f"{max(takeovers):.1f}", f"{median(done[-1].delays_s) * 1000:.0f}",
            lines_of(*CODE[name]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    all_runs = [one for done in by_runner.values() for one in done]
    return [*lines, "", *HEAD, *map(row, all_runs), ""], by_runner["strict"]


CODE: dict[str, Sequence[object]] = {
    "strict": (app, transport, ledger, watchdog),
    "stock": (app, watchdog),
    "plain": (runners.Plain, runners._Loop, runners._commit, runners._end_unless_cancelled),
}
"""What carries records to the agents, in each case."""


def lines_of(*pieces: object) -> int:
    """Lines of code without comments, docstrings and blank lines."""
    return sum(len(set(_code_lines(piece))) for piece in pieces)


def _code_lines(piece: object) -> Iterator[int]:
    assert isinstance(piece, ModuleType) or callable(piece)
    source = inspect.getsource(piece)
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            continue
        if token.type not in ignored:
            yield from range(token.start[0], token.end[0] + 1)
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type


INTRODUCTION = """\
# Reliability

Written by `make test-crash-long`. Workers and feed are processes on a real Kafka; a seed decides who is struck when.
Afterwards every topic is read from its start and held against what the pure functions give for what was logged: *lost*
is what is missing though its input was committed, *late* what is missing and not committed, *strange* what nothing
gives reason for. *Repeats* carry the same ids. *Takeover* is the time from a SIGKILL to the next record that somebody
else handled, *longest* the longest time from a record's coming on `warn.impacts` until its city's state was remembered:
with outages of brokers and the queue that the feed makes meanwhile. *Delay* is the same in a calm run.
"""


def head() -> list[str]:
    with_what = f"Kafka {kafka.VERSION}, Python {platform.python_version()}, {os.cpu_count()} processors"
    return [INTRODUCTION, f"{datetime.now(UTC):%Y-%m-%d}, {with_what}.", ""]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.report", description="Write the reliability report")
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    lines, good = head(), True
    for campaign in ours():
        told, done = section(campaign)
        lines += told
        good = good and all(one.good for one in done)
        path.write_text("\n".join(lines), "utf-8")
    told, done = comparison()
    lines += ["## Strict Faust, stock Faust and a plain loop", "", *told]
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    return 0 if good and all(one.good for one in done) else 1


if __name__ == "__main__":
    sys.exit(main())
