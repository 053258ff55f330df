"""The whole reliability report: every fault at every step, and the three runners side by side, as one page.

    python -m tools.crash.report docs/reference/reliability.md [--only steps-1 faults-3 …]

Takes an hour and a half; each section names the day it was written, and can be written again alone. Exits with 1 where
the project's own runner was not as it should be.
"""

import argparse
import asyncio
import inspect
import io
import os
import platform
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from types import ModuleType

from streams.worker import app, offsets, transport, watchdog
from tests.crash import runners
from tests.crash.brokers import with_own_mounts
from tests.crash.driver import Run, run
from tests.crash.faults import Plan, brokers_for, plan, points
from tests.crash.table import HEAD, matrix, row, steps, summary, verdict
from tools import local_kafka as kafka
from tools.local_kafka import LocalKafka

KILLS = ("kill",) * 6
CALM_S = 3.0
SIGNALS = {"SIGKILL": "KILL", "SIGTERM": "TERM", "SIGSTOP": "STOP"}
MATRIX: Mapping[str, Plan] = {
    "SIGKILL to a worker, three times": Plan(51, ("kill",) * 3),
    "SIGSTOP to a worker for 15 s": Plan(52, ("stop",)),
    "rolling restart of all workers, twice": Plan(53, ("roll",) * 2, pause_s=(0.2, 2)),
    "from one worker to three and back in mid-burst": Plan(54, ("scale",), workers=1, pause_s=(1, 2), rate=40),
    "a broker killed and started again, twice": Plan(55, ("broker",) * 2),
    "the leader of a partition killed, away for 15 s": Plan(56, ("leader",)),
    "network of one worker cut for 15 s, twice": Plan(57, ("cut",) * 2),
    "network of all workers slowed by 0.2 s each way": Plan(58, ("slow",)),
    "disk of a partition's leader full, room after 5 s": Plan(59, ("disk",)),
    "clock of one worker an hour ahead, then behind": Plan(60, ("clock",)),
    "feed dead in mid-snapshot and a worker killed, twice": Plan(61, ("feed",) * 2),
}

Section = tuple[list[str], list[Run]]


def random_kills() -> Section:
    return campaign([Plan(seed, KILLS, rate=20) for seed in range(1, 11)])


def nameless() -> Section:
    return campaign([Plan(seed, KILLS, rate=20, named=False) for seed in (1, 2, 3)])


def mixed() -> Section:
    kinds = ("kill", "term", "stop", "scale", "quiet")
    return campaign([plan(seed, kinds, 6, "strict", 20) for seed in (13, 14, 15)])


def each_step(brokers: int) -> Section:
    plans = [Plan(11, (), points(how), calm_s=CALM_S, pause_s=(1, 2), rate=4) for how in SIGNALS.values()]
    with brokers_for(plans, brokers) as local:
        done = list(runs(local, plans))
    table = steps(dict(zip(SIGNALS, done, strict=True)))
    return [*table, "", *HEAD, *map(row, done), "", summary(done), ""], done


def each_fault(brokers: int) -> Section:
    small = [name for name, one in MATRIX.items() if "disk" in one.faults]
    found: dict[str, Run] = {}
    for names in ([name for name in MATRIX if name not in small], small):
        plans = [MATRIX[name] for name in names]
        with brokers_for(plans, brokers) as local:
            found |= dict(zip(names, runs(local, plans), strict=True))
    done = [found[name] for name in MATRIX]
    told = matrix(dict(zip(MATRIX, done, strict=True)))
    return [*told, "", summary(done), "", "The same runs in full:", "", *HEAD, *map(row, done), ""], done


def campaign(plans: Sequence[Plan]) -> Section:
    with brokers_for(plans, 1) as local:
        done = list(runs(local, plans))
    return [*HEAD, *map(row, done), "", summary(done), ""], done


def compared(runner: str) -> tuple[Plan, ...]:
    """The same for each of the three: kills and rolling restarts with full buffers, and a calm run for the latency.

    Nobody keeps a name: each change of the group is a rebalance for all, which is where records are lost.
    """
    kills = tuple(Plan(seed, KILLS, runner=runner, rate=30, named=False) for seed in (31, 32, 33))
    terms = tuple(Plan(s, ("term",) * 6, runner=runner, rate=30, pause_s=(0.2, 2), named=False) for s in (34, 35))
    return (*kills, *terms, Plan(36, (), runner=runner, rate=4, pause_s=(30, 30), named=False))


def runs(local: LocalKafka, plans: Iterable[Plan]) -> Iterator[Run]:
    """One after the other, each told as soon as it is over."""
    print(*HEAD, sep="\n", flush=True)
    for chosen in plans:
        done = asyncio.run(run(local, chosen, Path(mkdtemp(prefix="warnsys-crash-"))))
        print(row(done), flush=True)
        if chosen.runner == "strict" and (verdict(done) != "good" or done.own_ends or done.findings.overtaken):
            print(done.problems(), file=sys.stderr, flush=True)
        yield done


def comparison() -> Section:
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
    "strict": (app, transport, offsets, watchdog),
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


SECTIONS: Mapping[str, tuple[str, Callable[[], Section]]] = {
    "steps-1": ("Every step of a worker's way, on one broker", partial(each_step, 1)),
    "steps-3": ("Every step of a worker's way, on three brokers with two in sync", partial(each_step, 3)),
    "faults-1": ("Every fault, on one broker", partial(each_fault, 1)),
    "faults-3": ("Every fault, on three brokers with two in sync", partial(each_fault, 3)),
    "kills": ("SIGKILL at random times", random_kills),
    "nameless": ("SIGKILL at random times, without names that last: takeovers wait for the end of a session", nameless),
    "mixed": ("Everything mixed", mixed),
    "comparison": ("Strict Faust, stock Faust and a plain loop", comparison),
}
INTRODUCTION = """\
# Reliability

Written by `make test-crash-long`. Workers and feed are processes on a real Kafka; a seed decides who is struck when.
Afterwards every topic is read from its start and held against what the pure functions give for what was logged:

* *lost* is missing though its input was committed, *late* is missing and not committed, *strange* is what nothing gives
  reason for, *repeats* carry the same ids;
* a *false clear* is a `clear` on `warn.stele`, at any moment in the order of the log, that the facts did not give then;
* *overtaken* records of `warn.stele` came after one that covers more: repeated after a crash, with the newer ones right
  behind, or from a worker that did not know yet that others had its partitions. A follower passes over them, as
  [topics](topics.md#the-channels) says; how many say `clear` is counted for those who do not. Where such a one is
  still a district's last in the end, it is *outdated*;
* *takeover* is the time from the strike until somebody else handled the next record of a partition; *longest* is the
  longest time from a record's coming on `warn.impacts` until its city's state was remembered, with outages of brokers
  and the queue that the feed makes meanwhile. *Delay* is the same in a calm run.
* The *verdict* is good where nothing is lost, late, strange or wrong and nothing waited for 30 s.

At `mid-send` half of a batch is out and the other half is not; `commit` is the consumer's, in a thread of its own.

Found by these runs, and mended, each with a test of its own:

* A worker whose clock is more than an hour ahead could write nothing: Kafka refuses the stamps of its records
  (`message.timestamp.after.max.ms`), it ended at every record, and its partitions stood still. Now the broker stamps
  the records of every topic. Without warnsys: an `AIOKafkaProducer.send(…, timestamp_ms=…)` with the time in two hours
  to a topic with `message.timestamp.type=CreateTime` raises `InvalidTimestampError`; with `LogAppendTime` it does not.
* A worker with a long queue was ended by its own watchdog: it reads one partition's records after another's, and one
  that waited at the queue's end for 30 s passed for stuck. Now only the time counts in which its agent is idle.
* A record that came again after a crash, and was already in the state, told what had come after it under another id
  than at its own time (4 notices of 2,711 in one run). Now it is passed over, known by offset and the broker's time.
* A worker that slept for 15 s sent its notices on waking, before its watchdog looked: two of them said `clear` where
  others had warned meanwhile. Now the send itself asks whether the process has slept. What a cut network still holds
  back cannot be taken back in that way: only `covers` tells it apart.
"""


def put(path: Path, title: str, lines: Sequence[str]) -> None:
    """In the place of that section in the file; the others stay as they are, in the order of `SECTIONS`."""
    written = re.split(r"(?m)^## ", path.read_text("utf-8"))[1:] if path.exists() else []
    sections = {text.partition("\n")[0]: text.partition("\n")[2].strip() for text in written}
    with_what = f"Kafka {kafka.VERSION}, Python {platform.python_version()}, {os.cpu_count()} processors"
    sections[title] = "\n".join([f"{datetime.now(UTC):%Y-%m-%d}, {with_what}.", "", *lines]).strip()
    order = [known for known, _ in SECTIONS.values()]
    order += [other for other in sections if other not in order]
    told = [f"## {name}\n\n{sections[name]}\n" for name in order if name in sections]
    path.write_text("\n".join([INTRODUCTION, *told]), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.crash.report", description="Write the reliability report")
    parser.add_argument("file", type=Path, nargs="?", help="the page; without, the tables are only printed")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="write these sections only")
    arguments = parser.parse_args()
    if any(name.startswith("faults") for name in arguments.only):
        with_own_mounts()
    good = True
    for name in arguments.only:
        title, section = SECTIONS[name]
        print(f"\n{title}\n", flush=True)
        lines, done = section()
        print("", *lines, sep="\n", flush=True)
        if arguments.file:
            put(arguments.file, title, lines)
        good = good and all(verdict(one) == "good" for one in done)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
