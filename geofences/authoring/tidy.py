"""Areas as they are delivered, made to fit each other: valid, without overlaps or gaps, and with fewer points.

All levels are cut into atoms (quarters, and what of a district no quarter covers), and the atoms are cleaned and
simplified as one coverage. A district is then the union of its atoms, so borders stay common over all levels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.authoring.coverage import slits
from geofences.plane import Plane

_DIGITS = 7  # of a degree: a centimetre
Shape = shapely.Polygon | shapely.MultiPolygon


class Tidied(NamedTuple):
    """The areas in lon/lat degrees, in the given order, and the part (0 to 1) that each lost to its neighbours."""

    shapes: list[Shape]
    lost: list[float]


def tidied(shapes: Sequence[Shape], parents: Sequence[int | None], *, gap_m: float, simplify_m: float | None) -> Tidied:
    """Valid areas that overlap nowhere and leave open no gap narrower than `gap_m` metres.

    `parents` names by position the area that each is a part of, without circles. With `simplify_m`, every point goes
    whose triangle with its neighbours is smaller than that squared (Visvalingam and Whyatt), on shared borders for
    both sides alike.
    """
    plane = Plane.of(shapes)
    drawn = [made_valid(shape) for shape in plane.metres(shapes).tolist()]
    atoms, atoms_of = _atoms(drawn, parents, gap_m)
    lost = [0.0] * len(drawn)
    if not shapely.coverage_is_valid(atoms, gap_width=gap_m):
        atoms = _closed(_cleaned(atoms, gap_m), gap_m)
        lost = [_part_lost(before, atoms[own]) for before, own in zip(drawn, atoms_of, strict=True)]
    if simplify_m:
        atoms = shapely.coverage_simplify(atoms, simplify_m)
    atoms = plane.degrees(atoms, _DIGITS)
    return Tidied([polygonal(shapely.coverage_union_all(atoms[own])) for own in atoms_of], lost)


def _part_lost(before: BaseGeometry, atoms: NDArray[np.object_]) -> float:
    if before.is_empty:
        return 1.0
    return float(shapely.difference(before, shapely.coverage_union_all(atoms)).area / before.area)


def made_valid(shape: BaseGeometry) -> Shape:
    """Valid, all loops of a bow-tie kept; empty where there is no area."""
    if shape.is_valid:
        return polygonal(shape)
    return polygonal(
        shapely.make_valid(shapely.remove_repeated_points(shape), method="structure", keep_collapsed=False)
    )


def _atoms(
    drawn: Sequence[BaseGeometry], parents: Sequence[int | None], gap_m: float
) -> tuple[NDArray[np.object_], list[list[int]]]:
    """Areas without parts, and what the parts leave of the others; and which of these each area is made of."""
    parts: list[list[int]] = [[] for _ in drawn]
    for area, parent in enumerate(parents):
        if parent is not None:
            parts[parent].append(area)
    atoms: list[BaseGeometry] = []
    atoms_of: list[list[int]] = [[] for _ in drawn]

    def made_of(area: int) -> list[int]:
        if not atoms_of[area]:
            rest = drawn[area]
            if parts[area]:
                atoms_of[area] = [atom for part in parts[area] for atom in made_of(part)]
                rest = _wider(shapely.difference(rest, shapely.union_all([drawn[part] for part in parts[area]])), gap_m)
            if not parts[area] or not rest.is_empty:
                atoms_of[area].append(len(atoms))
                atoms.append(rest)
        return atoms_of[area]

    for area in range(len(drawn)):
        made_of(area)
    return np.array(atoms, dtype=object), atoms_of


def _closed(atoms: NDArray[np.object_], gap_m: float) -> NDArray[np.object_]:
    """Slits that open to the outside, which cleaning leaves open, go to the area with the longest border at them."""
    openings = slits(atoms, gap_m)
    for opening in openings:
        near = shapely.intersection(atoms, shapely.buffer(opening, gap_m / 2))
        owner = int(np.argmax(shapely.area(near)))
        atoms[owner] = shapely.union(atoms[owner], opening)
    return _cleaned(atoms, gap_m) if openings else atoms


def _cleaned(atoms: NDArray[np.object_], gap_m: float) -> NDArray[np.object_]:
    cleaned: NDArray[np.object_] = shapely.coverage_clean(atoms, gap_width=gap_m)  # type: ignore[attr-defined]
    return cleaned


def _wider(shape: BaseGeometry, width_m: float) -> BaseGeometry:
    """Without slivers between two drawings of one border; cleaning gives their land to a neighbour."""
    parts = [part for part in shapely.get_parts(polygonal(shape)) if 2 * part.area > width_m * part.length]
    return shapely.MultiPolygon(parts)


def polygonal(shape: BaseGeometry) -> Shape:
    """What has an area of it, possibly nothing."""
    if isinstance(shape, shapely.Polygon | shapely.MultiPolygon):
        return shape
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
