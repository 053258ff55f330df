"""The areas of an info. What several of them say in the same words is read once."""

from collections import Counter
from collections.abc import Container
from functools import partial

from lxml import etree

from warnsys.cap import outlines
from warnsys.cap.document import Document
from warnsys.cap.errors import Misleading
from warnsys.cap.model import Area, Circle, Ring

EXCLUDE_POLYGON = "EXCLUDE_POLYGON"
"""The DWD's way to write a hole (profile 2.1); it is a geocode, and most readers take it for nothing or for an area."""


MAX_AREAS = 20_000
"""Of areas, of outlines and of circles that a message may have; Germany has 11,000 communes, and languages repeat."""


MAX_POINTS = 400_000
"""Of all different outlines; real coordinates take 15 bytes a point, so that 280,000 fit into what is read."""


class AreaReader:
    """Reads the areas of all infos of one document."""

    def __init__(self, document: Document, alike: Container[int]) -> None:
        """`alike` are the numbers of the infos whose areas are those of the first."""
        self.document = document
        self._alike = alike
        self._first: tuple[Area, ...] = ()
        self._rings: dict[str, tuple[Ring, ...]] = {}
        self._heights: dict[str, float | None] = {}
        self._count = Counter[str]()

    def areas(self, number: int, info: etree._Element) -> tuple[Area, ...]:
        """Of the info with this number, counted from 0; they are asked for in order."""
        if number in self._alike:
            return self._first
        found = tuple(map(self._area, info.iterchildren(self.document.prefix + "area")))
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
                if code == EXCLUDE_POLYGON:
                    excluded += self._outline(value, child)
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
                polygons += self._outline(child.text or "", child)
            elif name == "circle":
                circles.append(outlines.circle(child.text or "", partial(self.document.path, child)))
        self._counted("outlines", area, len(polygons) + len(excluded))
        self._counted("circles", area, len(circles))
        if altitude is not None and ceiling is not None and altitude > ceiling:
            text = f"altitude {altitude:g} ft lies above ceiling {ceiling:g} ft"
            raise Misleading("heights", self.document.path(area, "altitude"), text)
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
        ring, mended = outlines.outline(text, partial(self.document.path, element))
        for code, what in mended:
            self.document.note(code, element, "", what)
        self._rings[text] = (ring,)
        return self._rings[text]

    def _height(self, before: float | None, element: etree._Element) -> float | None:
        """In feet. `before` is what the same area said already."""
        text = element.text or ""
        if text not in self._heights:
            self._heights[text] = outlines.height(text, partial(self.document.path, element))
        found = self._heights[text]
        if before is not None and found is not None and before != found:
            raise Misleading("repeated", self.document.path(element), f"{before:g} and {found:g} feet in one area")
        return found if before is None else before
