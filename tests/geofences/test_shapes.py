"""Mending shapes drops nothing that a plain reading would warn, and areas are right within 0.1 %."""

import math

import numpy as np
import pyproj
import pytest
import shapely

from geofences import Area, Circle
from geofences.overlap.sphere import sphere_area
from geofences.shapes import mend, shapes_of

GEOD = pyproj.Geod(ellps="WGS84")


def pentagram(lon: float = 7.0, lat: float = 51.0, size: float = 1.0) -> list[tuple[float, float]]:
    turns = [2 * math.pi * 2 * k / 5 for k in range(5)]
    return [(lon + size * math.sin(t), lat + size * math.cos(t)) for t in turns]


def covers(polygon: shapely.Polygon, lon: float, lat: float) -> bool:
    return bool(shapely.covers(mend(polygon), shapely.Point(lon, lat)))


def test_a_valid_polygon_stays_as_it_is() -> None:
    polygon = shapely.box(7, 51, 8, 52)
    assert mend(polygon) is polygon


def test_both_loops_of_a_bow_tie_stay() -> None:
    tie = shapely.Polygon([(7, 51), (8, 52), (8, 51), (7, 52)])
    assert covers(tie, 7.1, 51.5)
    assert covers(tie, 7.9, 51.5)


def test_what_an_outline_encloses_twice_stays() -> None:
    star = shapely.Polygon(pentagram())
    assert covers(star, 7, 51)
    assert covers(star, 7, 51.9)


def test_a_self_crossing_ring_with_a_repeated_point_keeps_all_loops() -> None:
    """make_valid(method="structure") of GEOS 3.14 loses this one's largest loop."""
    points = [(7.025, 51.05), (7.1, 51.1), (7.1, 51.1), (7.2, 51.075), (7.0, 51.125), (7.025, 51.15)]
    assert covers(shapely.Polygon(points), 7.0774, 51.0957)


def test_crossings_that_nearly_coincide_are_mended() -> None:
    """make_valid(method="structure") of GEOS 3.14 gives overlapping slivers, on which later overlays raise."""
    points = [(7.0, 51.0), (7.1, 51.125), (7.075, 51.2), (7.175, 51.0), (7.075, 51.175), (7.125, 51.075)]
    assert mend(shapely.Polygon(points)).is_valid


def test_what_a_hole_encloses_twice_stays() -> None:
    star = shapely.Polygon(shapely.box(5, 49, 9, 53).exterior, [pentagram()])
    assert covers(star, 7, 51)
    assert not covers(star, 7, 51.8)


def test_a_hole_outside_the_outline_warns_nothing_there() -> None:
    polygon = shapely.Polygon(shapely.box(7, 51, 8, 52).exterior, [shapely.box(9, 51, 10, 52).exterior])
    assert not covers(polygon, 9.5, 51.5)
    assert mend(polygon).equals(shapely.box(7, 51, 8, 52))


def test_overlapping_holes_are_all_cut() -> None:
    holes = [shapely.box(7.2, 51.2, 7.6, 51.8).exterior, shapely.box(7.4, 51.2, 7.8, 51.8).exterior]
    polygon = shapely.Polygon(shapely.box(7, 51, 8, 52).exterior, holes)
    assert not covers(polygon, 7.5, 51.5)


def test_a_spike_is_cut_and_a_line_is_nothing() -> None:
    spike = shapely.Polygon([(7, 51), (8, 51), (9, 51), (8, 51), (8, 52), (7, 52)])
    line = shapely.Polygon([(7, 51), (8, 51), (9, 51), (7, 51)])
    assert mend(spike).equals(shapely.box(7, 51, 8, 52))
    assert shapes_of(Area(polygons=(line, shapely.Polygon()))) == ()


def test_a_point_is_a_circle_of_ten_metres() -> None:
    """No more exact than borders are: it concerns the district in which it lies."""
    (point,) = shapes_of(Area(circles=(Circle(7, 51, 0),)))
    assert point.equals(shapes_of(Area(circles=(Circle(7, 51, 10),)))[0])
    assert point.contains(shapely.Point(7, 51))


@pytest.mark.parametrize(
    "corners",
    [[(7, 51)] * 4, [(7, 51), (7, 51 + 1e-13), (7 + 1e-9, 51)], [(7, 51), (7 + 1e-9, 51), (7, 51 + 1e-9)]],
    ids=["four times the same", "next to nothing", "less than a millimetre"],
)
def test_a_point_that_is_written_as_a_polygon_is_a_small_circle(corners: list[tuple[float, float]]) -> None:
    (point,) = shapes_of(Area(polygons=(shapely.Polygon(corners),)))
    assert point.hausdorff_distance(shapes_of(Area(circles=(Circle(7, 51, 0),)))[0]) < 1e-8


def test_an_outline_too_narrow_to_say_where_it_lies_is_a_line() -> None:
    assert shapes_of(Area(polygons=(shapely.Polygon([(7, 51), (7, 51 + 1e-13), (7.2, 51)]),))) == ()


def test_shares_are_right_within_a_thousandth() -> None:
    whole = shapely.segmentize(shapely.box(6.9, 51.0, 7.2, 51.6), 0.001)
    north = shapely.segmentize(shapely.box(6.9, 51.5, 7.2, 51.6), 0.001)
    truth = abs(GEOD.geometry_area_perimeter(north)[0]) / abs(GEOD.geometry_area_perimeter(whole)[0])
    assert sphere_area(north) / sphere_area(whole) == pytest.approx(truth, rel=1e-3)


def test_areas_add_up_whatever_the_cut() -> None:
    whole = shapely.Polygon([(6, 47), (15, 48), (14, 55), (7, 54)])
    west = whole.intersection(shapely.box(0, 0, 10, 90))
    east = whole.intersection(shapely.box(10, 0, 20, 90))
    assert sphere_area(west) + sphere_area(east) == pytest.approx(sphere_area(whole), rel=1e-12)


def test_holes_are_not_measured_and_lines_neither() -> None:
    ring = shapely.box(7, 51, 8, 52).difference(shapely.box(7, 51, 7.5, 52).buffer(0))
    holed = shapely.Polygon(shapely.box(7, 51, 8, 52).exterior, [shapely.box(7.2, 51.2, 7.4, 51.4).exterior])
    rest = sphere_area(shapely.box(7, 51, 8, 52)) - sphere_area(shapely.box(7.2, 51.2, 7.4, 51.4))
    assert sphere_area(holed) == pytest.approx(rest, rel=1e-12)
    assert sphere_area(shapely.GeometryCollection([ring, shapely.LineString([(7, 51), (8, 52)])])) == sphere_area(ring)
    assert sphere_area(shapely.Polygon()) == 0


def test_a_circle_is_geodesic() -> None:
    (ring,) = shapes_of(Area(circles=(Circle(7.08, 51.17, 10_000),)))
    lons, lats = shapely.get_coordinates(ring).T
    distances = GEOD.inv(np.full_like(lons, 7.08), np.full_like(lats, 51.17), lons, lats)[2]
    assert np.allclose(distances, 10_000, atol=0.01)
    assert abs(GEOD.geometry_area_perimeter(ring)[0]) == pytest.approx(math.pi * 1e8, rel=1e-3)


@pytest.mark.parametrize("centre", [(0, 89), (-120, 60), (170, 10), (-179, -30), (7, -89.9), (0, 0)])
@pytest.mark.parametrize("radius_m", [50_000, 3_000_000, 9_900_000])
def test_a_circle_holds_what_is_near_also_across_pole_and_date_line(
    centre: tuple[float, float], radius_m: float
) -> None:
    shape = shapely.union_all(shapes_of(Area(circles=(Circle(*centre, radius_m),))))
    for lat in range(-88, 89, 8):
        for lon in range(-176, 177, 16):
            distance = GEOD.inv(*centre, lon, lat)[2]
            if abs(distance - radius_m) > 30_000:  # between two vertices far north the edge is a rough one
                assert shape.covers(shapely.Point(lon, lat)) == (distance < radius_m), (lon, lat)


def test_a_circle_round_half_the_earth_is_everywhere() -> None:
    (shape,) = shapes_of(Area(circles=(Circle(-170, -40, 15_000_000),)))
    assert shape.covers(shapely.Point(7, 51))


@pytest.mark.parametrize(
    "numbers", [(7, 51, -1), (7, 91, 1), (181, 51, 1), (7, 51, math.inf), (math.nan, 51, 1), (7, 51, math.nan)]
)
def test_a_circle_off_the_globe_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="check the order"):
        Circle(*numbers)
