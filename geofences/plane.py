"""Metres for questions of size: a map scaled alike everywhere, so that what is straight or shared stays so.

Any true projection bends the long straight borders of hand-drawn districts apart by metres; scaling cannot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, radians

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Shapes = Sequence[BaseGeometry] | NDArray[np.object_]
DEGREE_M = 111_195.0  # of latitude, on a sphere of the Earth's size


@dataclass(frozen=True, slots=True)
class Plane:
    """Degrees to metres by the scale at latitude `lat`; 1° north of it lengths are some 2 % too long in Germany."""

    lat: float

    @classmethod
    def of(cls, shapes: Shapes) -> "Plane":
        """Around the middle of the shapes (lon/lat degrees)."""
        _, south, _, north = shapely.total_bounds(shapes).tolist()
        return cls((south + north) / 2)

    def metres(self, shapes: Shapes) -> NDArray[np.object_]:
        """From lon/lat degrees."""
        return _moved(shapes, lambda points: points * self._scale)

    def degrees(self, shapes: Shapes, digits: int) -> NDArray[np.object_]:
        """Back, to lon/lat degrees, rounded to this many digits."""
        return _moved(shapes, lambda points: (points / self._scale).round(digits))

    def area_m2(self, shape: BaseGeometry) -> float:
        """Of a shape of this plane, with the scale of its own latitude: right within 1 % for a commune."""
        if shape.is_empty:
            return 0.0
        return float(shape.area * cos(radians(shape.centroid.y / DEGREE_M)) / cos(radians(self.lat)))

    def position(self, shape: BaseGeometry) -> tuple[float, float]:
        """A point (lon, lat) within a shape of this plane."""
        x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0] / self._scale
        return float(x), float(y)

    @property
    def _scale(self) -> NDArray[np.float64]:
        return np.array([DEGREE_M * cos(radians(self.lat)), DEGREE_M])


def _moved(shapes: Shapes, how: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.object_]:
    moved: NDArray[np.object_] = shapely.transform(np.asarray(shapes, dtype=np.object_), how)
    return moved
