"""The infos of a message that come after its budget is spent: all matched at once, by the boxes around their shapes.

Whoever is near any of them is warned of all that come near any fence: rather too many than nobody.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import shapely

from geofences import Area, Budget, Circle, GeofenceIndex, Matches
from geofences.shapes import box_of
from warnsys.cap.model import Info


def crowd(index: GeofenceIndex, infos: Sequence[Info]) -> tuple[list[int], Matches]:
    """Which infos come near any fence, and one match for all of these."""
    boxes = _boxes(infos)
    west, east, south, north = index.box
    near = np.flatnonzero(
        (boxes[:, 0] <= east) & (boxes[:, 1] >= west) & (boxes[:, 2] <= north) & (boxes[:, 3] >= south)
    )
    if not len(near):
        return [], index.match([])
    low, high = boxes[near].min(0), boxes[near].max(0)
    around = shapely.box(low[0], low[2], high[1], high[3])
    return near.tolist(), index.match([Area(polygons=[around])], budget=Budget(0))


def _boxes(infos: Sequence[Info]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """West, east, south, north of each; of one without shapes a box that touches nothing."""
    found = np.tile([np.inf, -np.inf, np.inf, -np.inf], (len(infos), 1))
    rings = [(number, ring) for number, info in enumerate(infos) for area in info.areas for ring in area.polygons]
    if rings:
        points = np.array([*chain.from_iterable(ring for _, ring in rings)], dtype=np.float64)
        owner = np.repeat([number for number, _ in rings], [len(ring) for _, ring in rings])
        for side, coordinate in enumerate(points.T):
            np.minimum.at(found[:, 2 * side], owner, coordinate)
            np.maximum.at(found[:, 2 * side + 1], owner, coordinate)
    for number, info in enumerate(infos):
        for circle in chain.from_iterable(area.circles for area in info.areas):
            west, east, south, north = box_of(Circle(circle.lon, circle.lat, circle.radius_km * 1000))
            one = found[number]
            one[:] = min(one[0], west), max(one[1], east), min(one[2], south), max(one[3], north)
    return found
