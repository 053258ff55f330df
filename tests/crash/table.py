"""Runs as tables in Markdown."""

import math
from collections.abc import Iterable, Mapping
from statistics import median

from tests.crash.driver import Run
from tests.crash.points import NAMES

STANDSTILL_S = 30.0

_COLUMNS = (
    "runner", "seed", "faults", "alerts", "impacts", "notices", "lost", "late", "strange", "states wrong",
    "false clear", "outdated", "overtaken", "repeats", "takeover s", "longest s", "caught up s", "own ends", "run s",
)  # fmt: skip
HEAD = (f"| {' | '.join(_COLUMNS)} |", "|" + "---|" * len(_COLUMNS))


def row(run: Run) -> str:
    found = run.findings
    cells = (
        run.plan.runner, run.plan.seed, faults(run), run.sent, run.impacts, run.notices, len(found.lost),
        len(found.late), len(found.strange), len(found.states), len(found.false_clears), len(found.outdated),
        overtaken(run), found.repeats, seconds(run.recovery_s), seconds(run.delays_s),
        "stuck" if run.caught_up_s is None else f"{run.caught_up_s:.1f}", len(run.own_ends), f"{run.seconds:.0f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def faults(run: Run) -> str:
    kinds = {kind: run.plan.faults.count(kind) for kind in dict.fromkeys(run.plan.faults)}
    told = [f"{count} {kind}" for kind, count in kinds.items()]
    told += [f"{run.struck} of {len(run.plan.points)} points"] if run.plan.points else []
    return ", ".join(told + (["quiet"] if run.plan.quiet else []))


def overtaken(run: Run) -> str:
    found = run.findings
    return f"{len(found.overtaken)}, {found.overtaken_clears} clear" if found.overtaken else "0"


def seconds(of: Iterable[float]) -> str:
    """The longest."""
    worst = max(of, default=None)
    return "–" if worst is None else f"{worst:.1f}"


def summary(runs: Iterable[Run]) -> str:
    runs = list(runs)
    takeovers = sorted(seconds for run in runs for seconds in run.recovery_s)
    lost = [len(run.findings.lost) for run in runs]
    told = f"{len(runs)} runs: lost {sum(lost)} (in {sum(map(bool, lost))} runs), "
    told += f"states wrong {sum(len(run.findings.states) for run in runs)}, "
    told += f"false clears {sum(len(run.findings.false_clears) for run in runs)}, "
    told += f"stuck {sum(run.caught_up_s is None for run in runs)}, repeats {sum(r.findings.repeats for r in runs)}"
    if takeovers:
        told += f"; takeover after a kill p50 {median(takeovers):.1f} s, at most {takeovers[-1]:.1f} s"
    return told + "."


def matrix(runs: Mapping[str, Run]) -> list[str]:
    """A row for each fault."""
    columns = ("fault", "lost", "repeated", "false clear", "overtaken", "takeover s", "longest s", "verdict")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for fault, run in runs.items():
        found, taken = run.findings, [each for one in run.takeovers_s for each in one]
        cells = (
            fault, len(found.lost), found.repeats, len(found.false_clears), overtaken(run), seconds(taken),
            seconds(run.delays_s), verdict(run),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def steps(by_signal: Mapping[str, Run]) -> list[str]:
    """Step × signal: how much was repeated until the next strike, and how long until somebody else went on.

    Lost and false clear are the whole run's.
    """
    head = [f"{how}: lost | repeated | false clear | takeover s" for how in by_signal]
    lines = [f"| step | {' | '.join(head)} |", "|" + "---|" * (1 + 4 * len(by_signal))]
    for name in NAMES:
        cells = [name]
        for run in by_signal.values():
            at = next((n for n, strike in enumerate(run.strikes) if strike.point == name), None)
            if at is None:
                cells += ["not reached", "–", "–", "–"]
                continue
            until = min((one.at for one in run.strikes if one.at > run.strikes[at].at), default=math.inf)
            repeated = sum(run.strikes[at].at <= when < until for when in run.findings.repeated)
            found = run.findings
            cells += [*map(str, (len(found.lost), repeated, len(found.false_clears))), seconds(run.takeovers_s[at])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def verdict(run: Run) -> str:
    """What two runs must agree in."""
    if not run.good:
        return "not good"
    allowed = STANDSTILL_S + run.outage_s
    return "good" if max(run.delays_s) < allowed else f"longer than {allowed:.0f} s"
