"""The areas of an info. What several of them say in the same words is read once."""

import re
from collections import Counter
from collections.abc import Container, Iterator
from functools import partial

from lxml import etree

from warnsys.cap import forms, outlines
from warnsys.cap.document import Document
from warnsys.cap.dwd import limits_m
from warnsys.cap.errors import Misleading
from warnsys.cap.model import Area, Circle, Ring

EXCLUDE_POLYGON = "EXCLUDE_POLYGON"
"""The DWD's way to write a hole (profile 2.1); it is a geocode, and most readers take it for nothing or for an area."""

WARN_CELL = "WARNCELLID"
_NAMES = dict.fromkeys((WARN_CELL, EXCLUDE_POLYGON))
_BETWEEN_CELLS = re.compile(r"[\s,;|/]+")
_CELL = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
"""A warn cell among other signs."""
CELL_DIGITS = 9

MAX_AREAS = 20_000
"""Of areas, of outlines and of circles that a message may have; Germany has 11,000 communes, and languages repeat."""


MAX_POINTS = 400_000
"""Of all different outlines; real coordinates take 15 bytes a point, so that 280,000 fit into what is read."""


def _is_cell(value: str) -> bool:
    """Whether a value has the form of a warn cell: nine digits, not all of them 0."""
    return len(value) == CELL_DIGITS and value.isascii() and value.isdecimal() and value.strip("0") != ""


class AreaReader:
    """Reads the areas of all infos of one document."""

    def __init__(self, document: Document, alike: Container[int]) -> None:
        """`alike` are the numbers of the infos whose areas are those of the first."""
        self.document = document
        self._alike = alike
        self._first: tuple[Area, ...] = ()
        self._rings: dict[str, tuple[Ring, ...]] = {}
        self._heights: dict[str, float | None] = {}
        self._names: dict[str, str] = {}
        self._count = Counter[str]()
        self._bad: list[Misleading] = []
        """What is wrong with shapes and heights of the present info."""

    def areas(self, number: int, info: etree._Element) -> tuple[Area, ...]:
        """Of the info with this number, counted from 0; they are asked for in order."""
        if number in self._alike:
            return self._first
        found = tuple(map(self._area, info.iterchildren(self.document.prefix + "area")))
        self._judge(found)
        if number == 0:
            self._first = found
        return found

    def _area(self, area: etree._Element) -> Area:
        """Its children are gone through once."""
        desc, altitude, ceiling = "", None, None
        polygons, excluded, circles = list[Ring](), list[Ring](), list[Circle]()
        geocodes = list[tuple[str, str]]()
        start = len(self.document.prefix)
        self._counted("areas", area, 1)
        for child in area:
            name = child.tag[start:]
            if name == "geocode":
                code, value = self.document.pair(child)
                if code not in _NAMES:
                    code = self._name(code, child)
                if code == EXCLUDE_POLYGON:
                    excluded += self._outline(value, child)
                elif code == WARN_CELL and not _is_cell(value):
                    geocodes += self._cells(value, child)
                elif code and value:
                    geocodes.append((code, value))
                else:
                    self.document.note("geocode-empty", child, "", f"a geocode {code!r} with the value {value!r}")
            elif name == "areaDesc":
                desc = desc or self.document.readable(self.document.said(child), child)
            elif name == "altitude":
                altitude = self._height(altitude, child)
            elif name == "ceiling":
                ceiling = self._height(ceiling, child)
            elif name == "polygon":
                polygons += self._outline(self.document.said(child) if len(child) else child.text or "", child)
            elif name == "circle":
                circles += self._circle(child)
        self._counted("outlines", area, len(polygons) + len(excluded))
        self._counted("circles", area, len(circles))
        floor_m, ceiling_m = limits_m(altitude, ceiling)
        if floor_m is not None and ceiling_m is not None and floor_m > ceiling_m:
            text = f"altitude {altitude:g} ft lies above ceiling {ceiling:g} ft"
            self._bad.append(Misleading("heights", self.document.path(area, "altitude"), text))
            altitude = ceiling = None
        return Area(
            desc, tuple(polygons), tuple(circles), tuple(geocodes), tuple(excluded), altitude, ceiling
        )  # fmt: skip

    def _counted(self, what: str, area: etree._Element, more: int) -> None:
        self._count[what] += more
        most = MAX_POINTS if what == "points" else MAX_AREAS
        if self._count[what] > most:
            text = f"more than {most} {what}"
            raise Misleading("areas-many", self.document.path(area), text)

    def _outline(self, text: str, element: etree._Element) -> tuple[Ring, ...]:
        """The ring, or nothing (and a note) where there is no text."""
        if (known := self._rings.get(text)) is not None:
            return known
        if not text.strip():
            self.document.note("polygon-empty", element, "", "an empty polygon, left out")
            return ()
        self._counted("points", element, text.count(","))
        try:
            ring, mended = outlines.read_polygon(text, partial(self.document.path, element))
        except Misleading as error:
            self._bad.append(error)
            return ()
        self._note(mended, element)
        self._rings[text] = (ring,)
        return self._rings[text]

    def _circle(self, element: etree._Element) -> tuple[Circle, ...]:
        """The circle, or nothing (and a note) where there is no text."""
        text = self.document.said(element) if len(element) else element.text or ""
        if not text.strip():
            self.document.note("circle-empty", element, "", "an empty circle, left out")
            return ()
        try:
            circle, mended = outlines.circle(text, partial(self.document.path, element))
        except Misleading as error:
            self._bad.append(error)
            return ()
        self._note(mended, element)
        return (circle,)

    def _note(self, mended: outlines.Mended, element: etree._Element) -> None:
        for code, what in mended:
            self.document.note(code, element, "", what)

    def _name(self, name: str, element: etree._Element) -> str:
        """Of a geocode, those that we know in their own letters."""
        if name not in self._names:
            self._names[name] = forms.code(name, _NAMES)
        if (known := self._names[name]) != name:
            self.document.note("code-form", element, "valueName", f"{name!r} read as {known}")
        return known

    def _cells(self, value: str, element: etree._Element) -> Iterator[tuple[str, str]]:
        """Each of several that stand in one value."""
        cells = [cell for cell in _BETWEEN_CELLS.split(value) if cell]
        if not all(cell.isascii() and cell.isdecimal() for cell in cells):
            cells = _CELL.findall(value)
        if cells and sum(map(len, cells)) == CELL_DIGITS:  # one in groups, "805 122 000"
            cells = ["".join(cells)]
        if cells := [cell for cell in cells if _is_cell(cell)]:
            self.document.note("cells-in-one-value", element, "value", f"{value!r} read as {len(cells)} cells")
            yield from ((WARN_CELL, cell) for cell in cells)
        else:  # a word such as "n/a", or a number that is no cell, lists none, so the outline decides
            self.document.note("geocode-empty", element, "", f"a geocode {WARN_CELL!r} with the value {value[:40]!r}")

    def _judge(self, areas: tuple[Area, ...]) -> None:
        """Shapes and heights of an info that cannot be read: left out where it lists a warn cell, for cells decide
        alone. Raises `Misleading` where they would decide."""
        bad, self._bad = self._bad, []
        if bad and not any(name == WARN_CELL for area in areas for name, _ in area.geocodes):
            raise bad[0]
        for error in bad:
            self.document.note_at("shape-left-out", error.where, f"{error.text} ({error.code}); left out")

    def _height(self, before: float | None, element: etree._Element) -> float | None:
        """In feet. `before` is what the same area said already."""
        text = element.text or ""
        if text not in self._heights:
            try:
                self._heights[text] = outlines.height_ft(text, partial(self.document.path, element))
            except Misleading as error:
                self._bad.append(error)
                return before
        found = self._heights[text]
        if before is not None and found is not None and before != found:
            what = f"{before:g} and {found:g} feet in one area"
            self._bad.append(Misleading("repeated", self.document.path(element), what))
            return None
        return found if before is None else before
