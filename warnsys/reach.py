"""Whether the DWD has the cells by which a city's districts are warned: asked at the start, and of every new catalogue.

A cell that the catalogue lacks is an alarm and no more: to refuse to start would silence a city for a catalogue's
mistake. The user's catalogue may be renewed while we run (`warnsys cells update`), after a reform of communes.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geofences import District
from geofences.files.rules import unknown_cells
from geofences.files.warn_cells import KnownCells
from warnsys.cap import cells
from warnsys.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A cell that the catalogue lacks, with the districts that nobody warns by it."""

    city: str
    cell: str
    districts: tuple[str, ...]
    """By name."""
    says: str


def unknown(districts: Iterable[District], known: KnownCells) -> tuple[Unknown, ...]:
    """The cells that no warning will ever come for; a Kreis cell too many beside others is none."""
    found, said = dict[tuple[str, str], list[str]](), dict[tuple[str, str], str]()
    for district in districts:
        for cell, one in unknown_cells(district.warn_cells, known):
            if one.code == "cell-unknown" and one.severity == "error":
                key = district.city, cell
                found.setdefault(key, []).append(district.name)
                said[key] = f"{one.says}: {one.remedy}"
    return tuple(Unknown(city, cell, tuple(names), said[city, cell]) for (city, cell), names in sorted(found.items()))


class Reach:
    """What is unknown of some districts, by the catalogue as it is now."""

    def __init__(self, districts: Sequence[District] = (), metrics: Metrics | None = None) -> None:
        self._districts, self._metrics = districts, metrics
        self._lock = threading.Lock()
        self._version: object = None
        self._found: tuple[Unknown, ...] = ()
        self._told: tuple[Unknown, ...] | None = None

    def now(self) -> tuple[Unknown, ...]:
        """Read anew where the catalogue has changed."""
        with self._lock:
            if self._districts and (version := cells.version()) != self._version:
                self._found, self._version = unknown(self._districts, KnownCells(cells.catalogue())), version
            return self._found

    def look(self) -> None:
        """Count what is unknown, and say it where that has changed."""
        found = self.now()
        self.count(self._metrics)
        if found == self._told:
            return
        for one in found:
            log.error("%s, %s: %s", one.city, ", ".join(one.districts), one.says)
        if self._told and not found:
            log.warning("the catalogue has all cells of the districts")
        self._told = found

    def count(self, metrics: Metrics | None) -> None:
        """Put the figures of every city among others."""
        for city in {district.city for district in self._districts} if metrics else ():
            metrics.cells_unknown.labels(city).set(sum(one.city == city for one in self.now()))  # type: ignore[union-attr]
