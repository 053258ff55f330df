"""How long a message takes to be read whole, beside what bare lxml takes to build a tree of the same bytes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from lxml import etree

from warnsys.cap import read_alert

WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """Medians in milliseconds."""

    size: int
    infos: int
    lxml_ms: float
    warnsys_ms: float

    @property
    def ratio(self) -> float:
        return self.warnsys_ms / self.lxml_ms


def compare(body: bytes, rounds: int) -> Compared:
    """In turn, so that both meet the same noise. Raises `CapError`."""
    infos = len(read_alert(body).infos)
    bare, ours = list[float](), list[float]()
    for _ in range(rounds + WARM_UP):
        bare.append(_took(etree.fromstring, body))
        ours.append(_took(read_alert, body))
    lxml_ms, warnsys_ms = (median(times[WARM_UP:]) * 1000 for times in (bare, ours))
    return Compared(len(body), infos, round(lxml_ms, 3), round(warnsys_ms, 3))


def _took(read: Callable[[bytes], object], body: bytes) -> float:
    started = time.perf_counter()
    read(body)
    return time.perf_counter() - started
