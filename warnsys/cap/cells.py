"""The DWD's warn cells by name: a catalogue that is bundled, and replaced by a newer file in the user's data folder.

Cells change with every commune reform, so a message may name one that we do not know: it is counted and shown, and
decides nothing. Which districts are warned is up to the cells in the geofences alone.

A catalogue is CSV with the cell's nine digits and its name in the first two columns, divided by semicolons or commas,
with or without a head, and may be gzip'd. The DWD's own list (`cap_warncellids_csv.csv`) is of this form.
"""

import csv
import gzip
import logging
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from geofences.files.warn_cells import COMMUNE, KREIS, QUARTER, KnownCells

KINDS = {
    "1": "Kreis",
    "2": "lake",
    "4": "sea",
    "5": "coast",
    "7": "part of a commune",
    "8": "commune",
    "9": "part of a Kreis",
}
"""By a cell's first digit; the other eight of communes and Kreise are the official commune key."""
REMEDY = "take the list that the DWD offers as cap_warncellids_csv.csv"
MAX_BYTES = 20_000_000
WarnCells = dict[str, str]
"""Name by cell."""

log = logging.getLogger(__name__)


class CatalogueError(ValueError):
    """A file is no catalogue of warn cells; the message names file, line and remedy."""


def bundled() -> WarnCells:
    """As of the release."""
    return _parsed((files(__package__) / "data" / "cells.csv.gz").read_bytes(), "the bundled catalogue")


def own_file() -> Path:
    """Where the user's newer catalogue lies: `$XDG_DATA_HOME/warnsys`, by default under `~/.local/share`."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "warnsys" / "cells.csv"


def catalogue() -> WarnCells:
    """The user's, else the bundled one. One that cannot be read is said and left: names of cells stop no warning."""
    path = own_file()
    if path.exists():
        try:
            return read(path)
        except (CatalogueError, OSError) as error:
            log.warning("the bundled catalogue of warn cells is used, as %s; mend it: warnsys cells update FILE", error)
    return dict(_bundled_once())


_bundled_once = cache(bundled)


def version() -> tuple[int, ...]:
    """Another one whenever `catalogue` may give others: the user's file is new, changed or gone."""
    try:
        found = own_file().stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read(path: Path) -> WarnCells:
    """Raises `CatalogueError` and `OSError`."""
    if path.stat().st_size > MAX_BYTES:
        raise CatalogueError(f"{path}: more than {MAX_BYTES // 1_000_000} MB are no list of warn cells; {REMEDY}")
    return _parsed(path.read_bytes(), str(path))


@dataclass(frozen=True, slots=True)
class Update:
    """What a newer catalogue changes."""

    path: Path
    cells: int
    new: tuple[str, ...]
    gone: tuple[str, ...]
    renamed: tuple[str, ...]


def update(path: Path) -> Update:
    """Put a catalogue into the user's data folder; nothing is written where it is refused.

    Raises `CatalogueError`, also where it names less than half of the cells known so far, and `OSError`.
    """
    present, newer = catalogue(), read(path)
    if len(newer) * 2 < len(present):
        raise CatalogueError(f"{path}: {len(newer)} cells, where {len(present)} are known: cut off? {REMEDY}, whole")
    target = own_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.draft")
    draft.write_bytes(written(newer))
    draft.replace(target)
    return Update(
        target,
        len(newer),
        tuple(sorted(newer.keys() - present.keys())),
        tuple(sorted(present.keys() - newer.keys())),
        tuple(sorted(cell for cell in newer.keys() & present.keys() if newer[cell] != present[cell])),
    )


def written(cells: WarnCells) -> bytes:
    """In our own form: `cell;name`, sorted."""
    return "".join(f"{cell};{name}\n" for cell, name in sorted(cells.items())).encode()


def found(cells: WarnCells, wanted: str) -> WarnCells:
    """The cell of that number, or all whose name contains the words; for a commune without a cell its quarters."""
    if wanted.isdecimal():
        exact = {cell: name for cell, name in cells.items() if wanted in (cell, cell[1:])}
        key = wanted.removeprefix(COMMUNE) if len(wanted) == 9 else wanted
        if len(key) == 8 and f"{COMMUNE}{key}" not in exact:
            exact |= {cell: cells[cell] for cell in KnownCells(cells).quarters(key)}
        return exact
    return {cell: name for cell, name in sorted(cells.items()) if wanted.casefold() in name.casefold()}


def communes_named(cells: WarnCells, wanted: str) -> tuple[str, ...]:
    """The keys of the communes of that name; several where it is not unique, as Neustadt, and none where unknown.

    The catalogue names quarters only (Köln-Nippes) where a city has no cell of its own. Where no name is the same, one
    that is longer will do (Frankfurt for Frankfurt am Main), or a shorter one (Freiburg im Breisgau for Freiburg).
    """
    known, keys = KnownCells(cells), dict[str, set[str]]()
    for cell, name in cells.items():
        if cell.startswith(COMMUNE) or (cell.startswith(KREIS) and known.reaching(cell[1:])):
            keys.setdefault(_plain(name), set()).add(cell[1:])
        elif cell.startswith(QUARTER):
            keys.setdefault(_plain(re.split("[-/]", name, maxsplit=1)[0]), set()).add(known.key_of(cell))
    asked = _plain(wanted)
    found = keys.get(asked) or {
        key
        for name, some in keys.items()
        if name.startswith((f"{asked} ", f"{asked}/")) or asked.startswith(f"{name} ")
        for key in some
    }
    return tuple(sorted(found))


def _plain(name: str) -> str:
    """Without what kind of commune it is, in small letters."""
    name = " ".join(name.casefold().split())
    return re.sub(r"^(?:(?:landeshaupt|hanse|universitäts|wissenschafts)?stadt|gemeinde|markt|flecken) ", "", name)


def _parsed(content: bytes, name: str) -> WarnCells:
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise CatalogueError(f"{name}: no whole gzip ({error}); fetch it again") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CatalogueError(f"{name}, line {line}: not UTF-8; save the list as UTF-8") from error
    cells: WarnCells = {}
    for number, cell, label in _rows(text, name):
        if not (len(cell) == 9 and cell.isascii() and cell.isdecimal()):
            raise CatalogueError(f"{name}, line {number}: {cell[:40]!r} is no warn cell of nine digits; {REMEDY}")
        if not label:
            raise CatalogueError(f"{name}, line {number}: cell {cell} has no name; {REMEDY}")
        if cells.setdefault(cell, label) != label:
            other = cells[cell]
            raise CatalogueError(f"{name}, line {number}: {cell} is {label!r} here, {other!r} above; leave one out")
    if not cells:
        raise CatalogueError(f"{name}: no cells; {REMEDY}")
    return cells


def _rows(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    """Line, cell and name; a head is left out."""
    lines = text.splitlines()
    delimiter = ";" if lines and ";" in lines[0] else ","
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in rows:
            cell, label = (*(field.strip() for field in row[:2]), "", "")[:2]
            if (cell or label) and not (rows.line_num == 1 and "warncell" in cell.casefold()):
                yield rows.line_num, cell, label
    except csv.Error as error:
        raise CatalogueError(f"{name}, line {rows.line_num}: {error}; {REMEDY}") from error
