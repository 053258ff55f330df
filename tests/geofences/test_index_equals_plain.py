"""No shortcut changes a decision: the index and the plain method give equal matches, field by field.

Coordinates lie on a coarse grid, so that shared edges, touching corners, exact covers and self-crossings are common.
"""

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofences import Area, Circle, District, GeofenceIndex, plain_match

CELLS = ("805122000", "105122000", "805124000")

grid = st.integers(0, 8)
point = st.tuples(grid, grid).map(lambda p: (7 + p[0] / 40, 51 + p[1] / 40))


@st.composite
def boxes(draw: st.DrawFn) -> shapely.Polygon:
    x, y, w, h = draw(st.tuples(grid, grid, st.integers(1, 8), st.integers(1, 8)))
    return shapely.box(7 + x / 40, 51 + y / 40, 7 + (x + w) / 40, 51 + (y + h) / 40)


rings = st.lists(point, min_size=3, max_size=7).map(lambda points: shapely.Polygon(points))
holed = st.builds(
    lambda outer, holes: shapely.Polygon(outer.exterior, [hole.exterior for hole in holes]),
    st.one_of(boxes(), rings),
    st.lists(st.one_of(boxes(), rings), min_size=1, max_size=2),
)
polygons = st.one_of(boxes(), rings, holed, st.just(shapely.Polygon()), st.just(shapely.box(20, 51, 21, 52)))
circles = st.builds(
    lambda centre, radius_m: Circle(centre[0], centre[1], radius_m), point, st.sampled_from([0.0, 900.0, 4e3, 3e4, 2e7])
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


@settings(max_examples=300)
@given(districts, alerts, st.sampled_from([0.0, 0.01, 0.3, 1.0]))
def test_the_index_decides_as_the_plain_method(fences: list[District], alert: list[Area], min_share: float) -> None:
    index = GeofenceIndex(fences)
    assert tuple(index.match(alert, min_share=min_share)) == plain_match(fences, alert, min_share=min_share)
    assert index.version == GeofenceIndex(reversed(fences)).version
