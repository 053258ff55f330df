"""How long a message takes to be read whole and to be checked, beside bare lxml building a tree of the same bytes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from lxml import etree

from warnsys.cap import read_alert
from warnsys.cap.cells import catalogue
from warnsys.check import check_message

WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """Medians in milliseconds of processor time: what else the machine does is not counted."""

    size: int
    infos: int
    lxml_ms: float
    warnsys_ms: float
    check_ms: float
    """What `warnsys check` takes for it, without its start."""

    @property
    def ratio(self) -> float:
        return self.warnsys_ms / self.lxml_ms

    @property
    def check_ms_a_mb(self) -> float:
        return self.check_ms / self.size * 1e6


def compare(body: bytes, rounds: int) -> Compared:
    """In turn, so that both meet the same noise. Raises `CapError`."""
    infos, now, cells = len(read_alert(body).infos), datetime.now(UTC), catalogue()
    bare, ours, checked = list[float](), list[float](), list[float]()
    for _ in range(rounds + WARM_UP):
        bare.append(_took(etree.fromstring, body))
        ours.append(_took(read_alert, body))
        checked.append(_took(lambda body: check_message("", body, now, cells), body))
    lxml_ms, warnsys_ms, check_ms = (round(median(times[WARM_UP:]) * 1000, 3) for times in (bare, ours, checked))
    return Compared(len(body), infos, lxml_ms, warnsys_ms, check_ms)


def _took(read: Callable[[bytes], object], body: bytes) -> float:
    started = time.process_time()
    read(body)
    return time.process_time() - started
