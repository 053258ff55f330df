"""Many messages from one: an alert of a story with `repeat` stands for as many as it says.

    - key: cell
      at: 0
      until: 45
      repeat: {times: 40, every: 3, shift: [0.01, 0.005]}
      turns: [{cells: [805122000]}, {cells: [805124000]}]

gives `cell-001` at 0, `cell-002` at 3, … with their outlines moving on, and the tables of `turns` in turn. A repeated
message that updates or cancels another repeated one follows it number by number.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from warnsys.simulation.message import Strict

TIMES = ("at", "onset", "until", "vanish_at")
LINKS = ("update", "cancel")


class Repeat(Strict):
    times: int = Field(ge=1, le=5_000)
    every: float = Field(0, ge=0)
    """Minutes from one to the next."""
    abreast: int = Field(1, ge=1)
    """How many come at the same minute."""
    shift: tuple[float, float] = (0, 0)
    """Degrees of longitude and latitude by which outlines move on each `every`."""


def repeated(alerts: Sequence[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """The alerts with each repeated one written out. Raises pydantic's `ValidationError`."""
    many = {str(alert.get("key")) for alert in alerts if "repeat" in alert}
    found: list[dict[Any, Any]] = []
    for alert in alerts:
        found += _all(alert, many) if "repeat" in alert else [alert]
    return found


def _all(alert: dict[Any, Any], many: set[str]) -> Iterator[dict[Any, Any]]:
    rule = Repeat.model_validate(alert["repeat"])
    turns = alert.get("turns") or [{}]
    for number in range(rule.times):
        one = {name: value for name, value in alert.items() if name not in ("repeat", "turns")}
        one.update(turns[number % len(turns)])
        moved = number // rule.abreast
        one["key"] = f"{alert.get('key')}-{number + 1:03d}"
        one.update({name: f"{one[name]}-{number + 1:03d}" for name in LINKS if str(one.get(name)) in many})
        one.update({name: one[name] + moved * rule.every for name in TIMES if isinstance(one.get(name), int | float)})
        if "outlines" in one and any(rule.shift):
            one["outlines"] = [_moved(outline, rule.shift, moved) for outline in one["outlines"]]
        yield one


def _moved(outline: dict[str, Any], shift: tuple[float, float], times: int) -> dict[str, Any]:
    def ring(points: Sequence[Sequence[float]]) -> list[list[float]]:
        return [[round(p + s * times, 6) for p, s in zip(point, shift, strict=True)] for point in points]

    return {**outline, "ring": ring(outline["ring"]), "holes": [ring(hole) for hole in outline.get("holes", ())]}
