"""No shortcut changes a decision: the index and the plain method give equal matches, field by field.

Coordinates lie on a coarse grid or next to it, so that shared edges, touching corners, exact covers, self-crossings and
slivers are common; or they are the corners of a coverage, so that an outline runs along the borders of its fences.
"""

import os

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofences import Area, Circle, District, GeofenceIndex, plain_match

CELLS = ("805122000", "105122000", "805124000")

EXAMPLES = int(os.environ.get("EXAMPLES", "500" if os.environ.get("CI") else "150"))
"""Examples a property; `make fuzz-index` tries more."""

grid = st.integers(0, 8)
beside = st.sampled_from([0.0] * 8 + [1e-13, -1e-11, 1e-9, -1e-7, 1e-5])
"""Degrees next to the grid: nothing, or so little that it only just counts."""
point = st.tuples(grid, grid, beside, beside).map(lambda p: (7 + p[0] / 40 + p[2], 51 + p[1] / 40 + p[3]))


@st.composite
def boxes(draw: st.DrawFn) -> shapely.Polygon:
    x, y, w, h = draw(st.tuples(grid, grid, st.integers(1, 8), st.integers(1, 8)))
    return shapely.box(7 + x / 40, 51 + y / 40, 7 + (x + w) / 40, 51 + (y + h) / 40)


points = st.tuples(point, st.lists(st.tuples(beside, beside), min_size=3, max_size=4)).map(
    lambda drawn: shapely.Polygon([(drawn[0][0] + lon, drawn[0][1] + lat) for lon, lat in drawn[1]])
)
"""Polygons that are a point, or nearly one."""
rings = st.one_of(st.lists(point, min_size=3, max_size=7).map(lambda corners: shapely.Polygon(corners)), points)
holed = st.builds(
    lambda outer, holes: shapely.Polygon(outer.exterior, [hole.exterior for hole in holes]),
    st.one_of(boxes(), rings),
    st.lists(st.one_of(boxes(), rings), min_size=1, max_size=2),
)
polygons = st.one_of(boxes(), rings, holed, st.just(shapely.Polygon()), st.just(shapely.box(20, 51, 21, 52)))
circles = st.builds(
    lambda centre, radius_m: Circle(centre[0], centre[1], radius_m),
    point,
    st.sampled_from([0.0, 1.0, 900.0, 4e3, 3e4, 2e7]),
)
limits = st.sampled_from([None, 0.0, 100.0, 200.0, 300.0])


def areas(cells: st.SearchStrategy[tuple[str, ...]]) -> st.SearchStrategy[list[Area]]:
    area = st.builds(
        Area,
        cells=cells,
        polygons=st.lists(polygons, max_size=3).map(tuple),
        circles=st.lists(circles, max_size=1).map(tuple),
        floor_m=limits,
        ceiling_m=limits,
    )
    return st.lists(area, max_size=4)


alerts = st.one_of(areas(st.just(())), areas(st.lists(st.sampled_from(CELLS), max_size=2).map(tuple)))

outlines = st.one_of(
    boxes(),
    rings.filter(lambda polygon: polygon.is_valid and polygon.area > 1e-5),
    st.tuples(boxes(), boxes()).map(lambda pair: shapely.union_all(pair)).filter(lambda geometry: geometry.is_valid),
    st.builds(lambda a, b: a.difference(b), boxes(), boxes()).filter(lambda geometry: geometry.area > 1e-5),
)
districts = st.lists(
    st.builds(
        District,
        id=st.sampled_from(["a", "b", "c", "d"]),
        name=st.just("n"),
        short_name=st.just("s"),
        city=st.just("c"),
        warn_cells=st.sampled_from([frozenset(CELLS[:1]), frozenset(CELLS[:2])]),
        geometry=outlines,
        ground_min_m=st.sampled_from([None, 50.0, 260.0]),
        ground_max_m=st.sampled_from([None, 120.0, 300.0]),
        ground_source=st.sampled_from(["DGM1", "approximate"]),
    ),
    max_size=3,
    unique_by=lambda district: district.id,
)


@settings(max_examples=EXAMPLES)
@given(districts, alerts, st.sampled_from([0.0, 0.01, 0.3, 1.0]), st.sampled_from([0.0, 0.05, 0.3, 1.0]))
def test_the_index_decides_as_the_plain_method(
    fences: list[District], alert: list[Area], min_share: float, min_part: float
) -> None:
    index = GeofenceIndex(fences)
    expected = plain_match(fences, alert, min_share=min_share, min_part=min_part)
    assert index.match(alert, min_share=min_share, min_part=min_part).warned == tuple(
        match for match in expected if match.matched
    )
    assert tuple(index.match(alert, min_share=min_share, min_part=min_part)) == expected
    assert index.version == GeofenceIndex(reversed(fences)).version


@st.composite
def coverages(draw: st.DrawFn) -> list[shapely.Polygon]:
    """Fences that share their borders and leave no gaps."""
    seeds = draw(st.lists(st.tuples(grid, grid), min_size=4, max_size=24, unique=True))
    window = shapely.box(0, 0, 8, 8)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=window))
    cells = shapely.transform(shapely.intersection(cells, window), lambda at: np.round([7, 51] + at / 40, 9))
    return [cell for cell in cells if cell.geom_type == "Polygon" and cell.is_valid and cell.area > 1e-5]


@st.composite
def along(draw: st.DrawFn, fences: list[shapely.Polygon]) -> Area:
    """Outlines from corners of the fences, whole fences, and what is left when some are taken away."""
    corners = sorted({corner for fence in fences for corner in fence.exterior.coords})
    ring = st.lists(st.one_of(st.sampled_from(corners), point), min_size=3, max_size=9).map(shapely.Polygon)
    some = st.lists(st.sampled_from(fences), min_size=1, max_size=5).map(shapely.union_all)
    left = some.map(lambda taken: shapely.box(6.99, 50.99, 7.3, 51.3).difference(taken))
    drawn = draw(st.lists(st.one_of(ring, some, left, holed), min_size=1, max_size=3))
    return Area(polygons=tuple(part for one in drawn for part in shapely.get_parts(one) if part.geom_type == "Polygon"))


@settings(max_examples=EXAMPLES)
@given(st.data(), coverages(), st.sampled_from([0.0, 0.01, 0.3]))
def test_an_outline_along_the_borders_of_a_coverage_decides_as_the_plain_method(
    data: st.DataObject, fences: list[shapely.Polygon], min_share: float
) -> None:
    districts = [
        District(f"{number:02}", "n", "s", "c", frozenset(), fence, None, None, "DGM1")
        for number, fence in enumerate(fences)
    ]
    alerts = [[data.draw(along(fences))] for _ in range(data.draw(st.integers(1, 2)))] if fences else []
    index = GeofenceIndex(districts)
    expected = tuple(plain_match(districts, alert, min_share=min_share) for alert in alerts)
    assert tuple(tuple(index.match(alert, min_share=min_share)) for alert in alerts) == expected
    warned = tuple(index.match(alert, min_share=min_share).warned for alert in alerts)
    assert warned == tuple(tuple(match for match in matches if match.matched) for matches in expected)
    assert tuple(map(tuple, index.match_each(alerts, min_share=min_share))) == expected
