"""Where the names go on a map: inside their areas, never upon each other; a number where a name does not fit."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

_NARROW, _WIDE = frozenset("fijlrtI.,:;/'()- |"), frozenset("mwMWÄÖÜ@—")
_GRID = 7  # positions tried across an area and down


class Label(NamedTuple):
    """A text centred at x, y (pixels, y downwards)."""

    text: str
    x: float
    y: float
    box: BaseGeometry


def placed(shapes: Sequence[BaseGeometry], names: Sequence[str], size: float) -> list[Label | None]:
    """A label for each polygon (pixels), its name or else its number from 1 on; None where even that has no room.

    `size` is the height of the letters in pixels. Large areas choose first.
    """
    found: list[Label | None] = [None] * len(shapes)
    taken: list[BaseGeometry] = []
    for index in sorted(range(len(shapes)), key=lambda index: -shapes[index].area):
        shape = shapes[index]
        shapely.prepare(shape)
        for text in (names[index], str(index + 1)):
            label = next((each for each in _tried(shape, text, size) if not any(map(each.box.intersects, taken))), None)
            if label:
                found[index] = label
                taken.append(label.box)
                break
    return found


def _tried(shape: BaseGeometry, text: str, size: float) -> Iterator[Label]:
    """Positions whose whole box lies inside, the best first: in the widest place, then the nearest to it."""
    circle = shapely.get_coordinates(shapely.maximum_inscribed_circle([shape], tolerance=1.0))[0]
    west, south, east, north = shape.bounds
    across, down = np.meshgrid(np.linspace(west, east, _GRID + 2)[1:-1], np.linspace(south, north, _GRID + 2)[1:-1])
    grid = np.column_stack([across.ravel(), down.ravel()])
    nearest = grid[np.argsort(((grid - circle) ** 2).sum(axis=1))]
    half, high = width(text, size) / 2, size * 0.65
    for x, y in (circle.tolist(), *nearest.tolist()):
        box = shapely.box(x - half, y - high, x + half, y + high)
        if shape.contains(box):
            yield Label(text, x, y, box)


def width(text: str, size: float) -> float:
    """Upper estimate of a text's width in a usual sans serif: right for DejaVu Sans, which is wide."""
    return size * sum(0.42 if letter in _NARROW else 1.0 if letter in _WIDE else 0.68 for letter in text)
