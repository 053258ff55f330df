"""What a listing that drops must show before it ends anything, by simulation: the tables of ADR 15.

    python -m tools.drops --days 400

Days are played in the DWD's rhythm: a publication every 10.6 minutes and, a minute apart at least, at changes. Storms
begin, are updated and end as planned or early; some nights everything ends at once. Each day is played as it is and
with each fault: an empty archive for one to five publications, a listing truncated to a few, another region's file, a
node that lags. A false end is a message taken for withdrawn while it holds; a delay runs from its withdrawal to the
moment at which it is taken for withdrawn or ends by itself, whichever comes first.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles

RHYTHM, CHANGES_APART, DAY = 10.6, 1.0, 1440.0


@dataclass(frozen=True)
class Message:
    key: int
    begin: float
    expires: float
    gone: float
    """When it was withdrawn, updated or expired."""
    early: bool
    """Whether it was withdrawn, and no update took its place."""


@dataclass(frozen=True)
class Rule:
    """`looks` publications without it, the newest `minutes` after the last with it, where the listing dropped: where
    fewer than a tenth of `measure` is left. Elsewhere two looks. `few`: listings up to this size never drop."""

    name: str
    measure: str
    looks: int
    minutes: float
    few: int = 0

    def ends(self, before: frozenset[int], last: float, after: list[tuple[float, frozenset[int]]]) -> bool:
        """`after` are the publications since the last that listed a message, `before` what that one listed."""
        if len(after) < 2:
            return False
        left = len(after[-1][1]) if self.measure == "size" else len(before & frozenset().union(*(a for _, a in after)))
        if self.measure == "none" or len(before) <= self.few or left * 10 >= len(before):
            return True
        return len(after) >= self.looks and after[-1][0] - last >= self.minutes


RULES = (
    Rule("two looks (before)", "none", 2, 0),
    Rule("size, 3 looks", "size", 3, 0),
    Rule("size, 4 looks", "size", 4, 0),
    Rule("kept, 3 looks", "kept", 3, 0),
    Rule("kept, 4 looks", "kept", 4, 0),
    Rule("kept, 3 looks, 30 min", "kept", 3, 30),
    Rule("kept, 4 looks, 30 min", "kept", 4, 30),
    Rule("kept, 4 looks, 30 min, listings over 9", "kept", 4, 30, few=9),
    Rule("kept, 4 looks, 45 min", "kept", 4, 45),
    Rule("kept, 3 looks, 60 min", "kept", 3, 60),
    Rule("kept, 3 looks, 60 min, listings over 9", "kept", 3, 60, few=9),
    Rule("kept, 6 looks, 60 min", "kept", 6, 60),
)


def day(chance: random.Random) -> list[Message]:
    """Calm days with a few messages, stormy ones with some hundred; every third night all that is left ends at once."""
    found: list[Message] = []
    busy, calm = chance.random() < 0.5, chance.random() < 0.5
    mass = chance.uniform(1140, 1380) if chance.random() < 1 / 3 else None
    for _ in range(chance.randint(1, 8) if calm else chance.randint(10, 60)):
        storm(found, chance.uniform(0, 1200), chance.uniform(180, 900), chance)
    if busy:
        peak = chance.uniform(720, 1080)
        for _ in range(chance.randint(30, 150)):
            storm(found, chance.gauss(peak, 90), chance.uniform(40, 120), chance)
    if mass is None:
        return found
    return [
        Message(m.key, m.begin, m.expires, mass, early=True) if m.begin < mass < m.gone else m
        for m in found
        if m.begin < mass
    ]


def storm(found: list[Message], begin: float, length: float, chance: random.Random) -> None:
    """A message and its updates; the last ends as planned, or a quarter of the time early."""
    while True:
        expires = begin + length
        roll, key = chance.random(), len(found)
        gone = expires if roll < 0.4 else begin + length * chance.uniform(0.3, 0.95)
        early = 0.4 <= roll < 0.65
        found.append(Message(key, begin, expires, gone, early))
        if roll < 0.65:
            return
        begin = gone


Published = list[tuple[float, frozenset[int]]]


def published(messages: list[Message], chance: random.Random) -> Published:
    moments = sorted({time for m in messages for time in (m.begin, m.gone)})
    found: Published = []
    now, due = 0.0, iter(moments)
    change = next(due, None)
    while now < DAY + 300:
        found.append((now, frozenset(m.key for m in messages if m.begin <= now < m.gone)))
        following = now + RHYTHM + chance.uniform(-0.2, 0.3)
        while change is not None and change <= now:
            change = next(due, None)
        now = min(following, max(change, now + CHANGES_APART)) if change is not None else following
    return found


def faulty(kind: str, plain: Published, chance: random.Random) -> Published:
    """One fault, at a moment when something is listed."""
    listed = [number for number, (_, keys) in enumerate(plain) if keys and number < len(plain) - 10]
    start, out = chance.choice(listed), list(plain)
    what, _, count = kind.partition(" ")
    for number in range(start, start + int(count)):
        at, keys = plain[number]
        match what:
            case "empty":
                out[number] = at, frozenset()
            case "truncated":
                out[number] = at, frozenset(sorted(keys)[: chance.randint(1, 3)] if len(keys) > 30 else ())
            case "other":
                out[number] = at, frozenset(-1 - key for key in range(chance.randint(1, 60)))
            case _:
                out[number] = at, plain[max(number - 3, 0)][1]
    return out


FAULTS = (*(f"{what} {count}" for what in ("empty", "truncated", "other") for count in range(1, 6)), "lagging 3")


def judged(rule: Rule, messages: list[Message], seen: Published) -> Iterator[tuple[Message, float]]:
    """Every message that the rule takes for withdrawn, and when."""
    for message in messages:
        last: tuple[float, frozenset[int]] | None = None
        after: Published = []
        for at, keys in seen:
            if at < message.begin:
                continue
            if message.key in keys:
                last, after = (at, keys), []
            elif last:
                after.append((at, keys))
                if at >= message.expires or rule.ends(last[1], last[0], after):
                    if at < message.expires:
                        yield message, at
                    break


Delays = dict[str, list[float]]


def play(days: int) -> tuple[dict[tuple[str, str], int], Delays, Delays, dict[str, int]]:
    """False ends by rule and fault; delays by rule, of all right ends and of those at mass ends; days with a fault."""
    false: dict[tuple[str, str], int] = defaultdict(int)
    all_delays: Delays = defaultdict(list)
    mass_delays: Delays = defaultdict(list)
    played: dict[str, int] = defaultdict(int)
    for seed in range(days):
        chance = random.Random(seed)
        messages = day(chance)
        plain = published(messages, chance)
        many = {m.gone for m in messages if sum(o.gone == m.gone for o in messages) > 1}
        for rule in RULES:
            taken = {m.key: at for m, at in judged(rule, messages, plain)}
            for m in (m for m in messages if m.early):
                delay = min(taken.get(m.key, m.expires), m.expires) - m.gone
                (mass_delays if m.gone in many else all_delays)[rule.name].append(delay)
        for kind in FAULTS:
            seen = faulty(kind, plain, random.Random(f"{seed} {kind}"))
            played[kind] += 1
            for rule in RULES:
                false[rule.name, kind] += any(at < m.gone for m, at in judged(rule, messages, seen))
    return false, all_delays, mass_delays, played


def figure(found: list[float]) -> str:
    return f"{median(found):.1f} | {quantiles(found, n=20)[-1]:.1f}"


def table(days: int) -> str:
    false, single, mass, played = play(days)
    kinds = list(FAULTS)
    lines = ["| rule | " + " | ".join(kinds) + " |", "|---|" + "---|" * len(kinds)]
    for rule in RULES:
        cells = (f"{100 * false[rule.name, kind] / played[kind]:.0f}" for kind in kinds)
        lines.append(f"| {rule.name} | {' | '.join(cells)} |")
    lines += ["", "| rule | median | p95 | at mass ends: median | p95 |", "|---|---|---|---|---|"]
    lines += [f"| {rule.name} | {figure(single[rule.name])} | {figure(mass[rule.name])} |" for rule in RULES]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=400)
    print(table(parser.parse_args().days))
