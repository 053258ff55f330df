"""What costs too much is read as larger than drawn, what is honest exactly, and costs are known before they arise."""

import numpy as np
import pytest
import shapely

from geofences import Area, Budget, GeofenceIndex, bundled, load
from geofences.overlap.boundary import Boxes
from geofences.overlap.budget import BoxTree, Rings
from geofences.shapes import HOLE, HULL, JOINED, TOUCHED, joined, mend, shapes_of
from tests.budgets.cases import around, comb, star, tangle


def test_an_outline_that_crosses_itself_too_often_is_its_convex_hull() -> None:
    tangled, budget = shapely.Polygon(tangle(1_300)), Budget()
    assert mend(tangled, budget).equals(tangled.convex_hull)
    assert budget.take_codes() == (HULL,)


def test_a_tangled_hole_is_no_hole_and_the_one_beside_it_is_cut() -> None:
    drawn = shapely.Polygon(around(100), [tangle(1_300, 0.05), around(20, 0.02, lon=7.25)])
    budget = Budget()
    read = mend(drawn, budget)
    assert budget.take_codes() == (HOLE,)
    assert shapely.covers(read, shapely.Point(7.08, 51.17))
    assert not shapely.covers(read, shapely.Point(7.25, 51.17))


@pytest.mark.parametrize("count", [6_208, 60_000, 200_000])
def test_many_vertices_alone_cost_nothing(count: int) -> None:
    """wmo-raf/cap-composer #121: real outlines have 6,208 vertices."""
    honest, budget = shapely.Polygon(around(count)), Budget()
    assert mend(honest, budget) is honest
    assert not budget.exceeded


def test_a_long_outline_with_some_crossings_is_read_exactly() -> None:
    ring = around(6_208)
    ring[100:6_000:300] = ring[103:6_003:300]
    ring[103:6_003:300] = around(6_208)[100:6_000:300]
    crossing, budget = shapely.Polygon(ring), Budget()
    assert not crossing.is_valid
    read = mend(crossing, budget)
    assert read.is_valid
    assert not budget.exceeded
    assert 0 < crossing.convex_hull.area - read.area < 1e-6


def test_valid_outlines_whose_edges_all_come_near_each_other_cost_too_much_as_well() -> None:
    budget = Budget()
    mend(shapely.Polygon(comb(50_000)), budget)
    assert budget.take_codes() == (HULL,)


def test_spikes_that_touch_in_one_point_do_not_count_as_crossings() -> None:
    rings = Rings(np.array([shapely.Polygon(star(40))]))
    near = rings.near(1e9)
    assert near is not None
    assert rings.crossings(near, 1e9) == 0


def test_crossings_are_counted_as_they_are() -> None:
    ring = tangle(60)
    edges = list(map(shapely.LineString, zip(ring, np.roll(ring, -1, 0), strict=True)))
    one, other = shapely.STRtree(edges).query(edges, predicate="crosses")
    rings = Rings(np.array([shapely.Polygon(ring)]))
    near = rings.near(1e9)
    assert near is not None
    assert rings.crossings(near, 1e9) == np.count_nonzero(one < other)


def test_the_rings_of_multipolygons_count_as_those_of_polygons() -> None:
    polygon = shapely.Polygon(comb(1_000))
    one, several = Rings(np.array([polygon])), Rings(np.array([shapely.MultiPolygon([polygon])]))
    assert one.vertices == several.vertices > 2_000


def test_no_more_pairs_are_held_than_asked_for() -> None:
    everywhere = Boxes(*(np.full(50_000, side) for side in (0.0, 1.0, 0.0, 1.0)))
    assert BoxTree(everywhere).pairs(everywhere, 1_000_000) is None


def test_whoever_is_warned_exactly_is_warned_by_what_replaces_it() -> None:
    """A budget of nothing, against one of plenty: districts may be added, never left out."""
    index = GeofenceIndex(load(bundled("solingen")))
    for seed in range(30):
        areas = [Area(polygons=[shapely.Polygon(tangle(65, 0.1, seed)), shapely.Polygon(tangle(4, 0.1, seed))])]
        exact = {match.district.id for match in index.match(areas, budget=Budget(1e9)).concerned if match.matched}
        cautious = {match.district.id for match in index.match(areas, budget=Budget(0)).concerned if match.matched}
        assert exact <= cautious


def test_where_cells_decide_a_share_that_costs_too_much_is_left_out() -> None:
    index = GeofenceIndex(load(bundled("solingen")))
    match, *_ = index.match([Area(("805122000",), [shapely.Polygon(tangle(1_300))])]).concerned
    assert (match.matched, match.via, match.share) == (True, "cell", None)


def test_shapes_that_cannot_be_joined_are_their_common_hull() -> None:
    shapes = [shapely.Polygon(around(50, 0.1, lon=lon)) for lon in (7.0, 7.1, 7.2)]
    budget = Budget(0)
    assert joined(shapes, budget).equals(shapely.MultiPolygon(shapes).convex_hull)
    assert budget.take_codes() == (JOINED,)


def test_one_alert_has_one_budget_for_all_its_shapes() -> None:
    budget = Budget()
    shapes_of(Area(polygons=[shapely.Polygon(tangle(120, seed=seed)) for seed in range(20)]), budget)
    assert budget.take_codes() == (HULL,)
    assert budget.left_s >= 0


def test_outlines_that_cannot_be_measured_warn_whatever_their_box_touches() -> None:
    index, budget = GeofenceIndex(load(bundled("solingen"))), Budget(0)
    found = index.match([Area(polygons=[shapely.Polygon(around(4, 0.3))])], budget=budget)
    assert all(match.matched for match in found)
    assert budget.take_codes()[-1] == TOUCHED
