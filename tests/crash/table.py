"""Runs as a table in Markdown."""

from collections.abc import Iterable
from statistics import median

from tests.crash.driver import Run

_COLUMNS = (
    "runner", "seed", "faults", "alerts", "impacts", "notices", "lost", "late", "strange", "states wrong",
    "false clear", "outdated stele", "repeats", "takeover s", "longest s", "caught up s", "own ends", "run s",
)  # fmt: skip
HEAD = (f"| {' | '.join(_COLUMNS)} |", "|" + "---|" * len(_COLUMNS))


def row(run: Run) -> str:
    found = run.findings
    cells = (
        run.plan.runner, run.plan.seed, faults(run), run.sent, run.impacts, run.notices, len(found.lost),
        len(found.late), len(found.strange), len(found.states), len(found.false_clears), len(found.outdated),
        found.repeats, f"{max(run.recovery_s):.1f}" if run.recovery_s else "–",
        f"{max(run.delays_s):.1f}",
        "stuck" if run.caught_up_s is None else f"{run.caught_up_s:.1f}", len(run.own_ends), f"{run.seconds:.0f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def faults(run: Run) -> str:
    kinds = {kind: run.plan.faults.count(kind) for kind in dict.fromkeys(run.plan.faults)}
    told = [f"{count} {kind}" for kind, count in kinds.items()]
    told += [f"{run.struck} of {len(run.plan.points)} points"] if run.plan.points else []
    return ", ".join(told + (["quiet"] if run.plan.quiet else []))


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
