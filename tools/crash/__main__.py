"""The long form: many runs, and a table of them.

    python -m tools.crash --seeds 10 --kills 6 [--runner strict|stock|plain] [--faults kill,term,…] [--report FILE.md]

Starts a Kafka of its own. Exits with 1 where a run was not as it should be.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.crash.brokers import with_own_mounts
from tests.crash.driver import Run, run
from tests.crash.faults import FAULTS, brokers_for, plan
from tests.crash.runners import RUNNERS
from tests.crash.table import HEAD, row, summary, verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.crash", description="Kill workers, then say what was lost")
    parser.add_argument("--seeds", type=int, default=10, help="how many runs")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--kills", type=int, default=6, help="faults in each run")
    parser.add_argument("--runner", choices=RUNNERS, default="strict")
    parser.add_argument("--faults", default="kill", help=f"of {','.join(FAULTS)}")
    parser.add_argument("--rate", type=float, default=20, help="records of the feed in a second")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="three: replicated, two in sync")
    parser.add_argument("--nameless", action="store_true", help="a successor is another member of the group")
    parser.add_argument("--report", type=Path, help="write the table to this file, too")
    arguments = parser.parse_args()
    kinds = arguments.faults.split(",")
    if unknown := set(kinds) - set(FAULTS):
        parser.error(f"--faults: {', '.join(sorted(unknown))} is none of {', '.join(FAULTS)}")
    lines = [f"Faults: {', '.join(kinds)}; {arguments.kills} a run; {arguments.rate:g} records/s.", "", *HEAD]
    print(*lines, sep="\n", flush=True)
    runs: list[Run] = []
    if "disk" in kinds:
        with_own_mounts()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    plans = [
        plan(seed, kinds, arguments.kills, arguments.runner, arguments.rate, named=not arguments.nameless)
        for seed in seeds
    ]
    with brokers_for(plans, arguments.brokers) as kafka:
        for chosen in plans:
            runs.append(asyncio.run(run(kafka, chosen, Path(mkdtemp(prefix="warnsys-crash-")))))
            lines.append(row(runs[-1]))
            print(lines[-1], flush=True)
            if verdict(runs[-1]) != "good" or runs[-1].own_ends:
                print(runs[-1].problems(), file=sys.stderr, flush=True)
    lines += ["", summary(runs)]
    print(*lines[-2:], sep="\n")
    if arguments.report:
        arguments.report.write_text("\n".join(lines) + "\n", "utf-8")
    return 0 if all(verdict(one) == "good" for one in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
