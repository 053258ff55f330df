"""The rules of matching, one by one (docs: Matching): cells, shares, heights."""

import dataclasses

import pytest
import shapely

from geofences import Area, Circle, District, GeofenceIndex, Match, plain_match

COMMUNE, KREIS, ELSEWHERE = "805122000", "105122000", "805124000"


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(7 + west / 10, 51 + south / 10, 7 + east / 10, 51 + north / 10)


def district(
    geometry: shapely.Polygon | None = None,
    *,
    id: str = "a",  # noqa: A002
    ground: tuple[float, float] | None = None,
    source: str = "DGM1 NRW",
) -> District:
    low, high = ground or (None, None)
    return District(
        id=id,
        name=id,
        short_name=id,
        city="c",
        warn_cells=frozenset({COMMUNE, KREIS}),
        geometry=geometry or box(0, 0, 1, 1),
        ground_min_m=low,
        ground_max_m=high,
        ground_source=source,
    )


def match_one(*areas: Area, of: District | None = None, min_share: float = 0.01) -> Match:
    of = of or district()
    (fast,) = GeofenceIndex([of]).match(areas, min_share=min_share)
    assert plain_match([of], areas, min_share=min_share) == (fast,)
    return fast


WHOLE = box(-1, -1, 2, 2)
HALF = box(0, 0, 0.5, 1)
FAR = box(50, 0, 51, 1)


# Cells


def test_a_listed_cell_matches_without_any_outline() -> None:
    match = match_one(Area(cells=(ELSEWHERE, COMMUNE)))
    assert (match.matched, match.share, match.via, match.reason) == (True, None, "cell", f"cell {COMMUNE}")


def test_a_listed_cell_matches_where_the_outline_is_elsewhere() -> None:
    match = match_one(Area(cells=(COMMUNE,)), Area(polygons=(FAR,)))
    assert (match.matched, match.share, match.via) == (True, 0.0, "cell")


def test_the_kreis_cell_matches_too() -> None:
    assert match_one(Area(cells=(KREIS,))).reason == f"cell {KREIS}"


def test_cells_of_others_decide_against_an_outline_that_covers_all() -> None:
    match = match_one(Area(cells=(ELSEWHERE,)), Area(polygons=(WHOLE,)))
    assert (match.matched, match.share, match.via) == (False, 1.0, "cell")
    assert match.reason == "cells listed, none of ours"


def test_one_block_with_a_cell_makes_cells_decide_for_all_blocks() -> None:
    assert not match_one(Area(polygons=(WHOLE,)), Area(cells=(ELSEWHERE,))).matched


# Shares


def test_without_cells_the_share_decides() -> None:
    match = match_one(Area(polygons=(HALF,)))
    assert (match.matched, match.share, match.via, match.reason) == (True, 0.5, "area", "area 0.5000")


def test_a_share_below_the_threshold_does_not_match() -> None:
    match = match_one(Area(polygons=(box(-1, 0, 0.009996, 1),)))
    assert (match.matched, match.share, match.via) == (False, 0.009996, "area")
    assert match.reason == "share 0.0099 below 0.01"


def test_a_share_at_the_threshold_matches() -> None:
    assert match_one(Area(polygons=(HALF,)), min_share=0.5).matched


def test_a_shape_that_lies_in_the_district_matches_whatever_share_it_is() -> None:
    match = match_one(Area(polygons=(box(0.5, 0.5, 0.501, 0.501),)))
    assert (match.matched, match.share, match.via, match.reason) == (True, 1e-6, "area", "part 1.0000 of a shape")


def test_of_a_shape_a_twentieth_in_the_district_is_enough_and_less_is_not() -> None:
    assert match_one(Area(polygons=(box(-0.019, 0, 0.0011, 0.1),))).matched
    assert not match_one(Area(polygons=(box(-0.019, 0, 0.0009, 0.1),))).matched


def test_no_threshold_still_needs_an_overlap() -> None:
    match = match_one(Area(polygons=(box(1, 0, 2, 1),)), min_share=0.0)
    assert (match.matched, match.share, match.reason) == (False, 0.0, "no overlap")


def test_overlapping_blocks_count_once() -> None:
    blocks = Area(polygons=(HALF,)), Area(polygons=(box(0.25, 0, 0.75, 1), HALF))
    assert match_one(*blocks).share == 0.75


def test_a_hole_is_not_warned() -> None:
    around = shapely.Polygon(WHOLE.exterior, [box(-0.1, -0.1, 1.1, 1.1).exterior])
    match = match_one(Area(polygons=(around,)))
    assert (match.matched, match.share, match.reason) == (False, 0.0, "no overlap")


def test_a_hole_ends_only_its_own_polygon() -> None:
    around = shapely.Polygon(WHOLE.exterior, [box(-0.1, -0.1, 1.1, 1.1).exterior])
    assert match_one(Area(polygons=(around, HALF))).share == 0.5


def test_a_district_of_several_parts_is_measured_as_one() -> None:
    parts = shapely.MultiPolygon([box(0, 0, 1, 1), box(2, 0, 3, 1)])
    islands = dataclasses.replace(district(), geometry=parts)
    assert match_one(Area(polygons=(box(2, 0, 3, 1),)), of=islands).share == 0.5


def test_circles_count_as_areas() -> None:
    assert match_one(Area(circles=(Circle(7.05, 51.05, 20_000),))).share == 1.0
    assert match_one(Area(circles=(Circle(7.05, 51.05, 1_000), Circle(9, 51, 1_000)))).matched
    assert not match_one(Area(circles=(Circle(9, 51, 1_000),))).matched


@pytest.mark.parametrize("areas", [(), (Area(),), (Area(polygons=(shapely.Polygon(),)),)])
def test_no_cells_and_no_shapes_is_no_area(areas: tuple[Area, ...]) -> None:
    match = match_one(*areas)
    assert (match.matched, match.share, match.via, match.reason) == (False, None, None, "no area")


# Heights

ABOVE_200 = Area(polygons=(WHOLE,), floor_m=200.0)
BELOW_200 = Area(polygons=(WHOLE,), ceiling_m=200.0)


def test_surveyed_ground_well_below_the_floor_is_spared() -> None:
    match = match_one(ABOVE_200, of=district(ground=(53, 120)))
    assert (match.matched, match.share, match.via) == (False, 0.0, "area")
    assert (match.reason, match.floor_m, match.ceiling_m) == ("ground up to 120 m lies below 200 m", 200.0, None)


def test_surveyed_ground_well_above_the_ceiling_is_spared() -> None:
    match = match_one(BELOW_200, of=district(ground=(250, 300)))
    assert (match.matched, match.reason) == (False, "ground from 250 m lies above 200 m")


@pytest.mark.parametrize(
    ("area", "ground", "matched"),
    [
        (ABOVE_200, (50, 150), False),
        (ABOVE_200, (50, 150.1), True),
        (BELOW_200, (250, 300), False),
        (BELOW_200, (249.9, 300), True),
    ],
)
def test_heights_spare_only_with_50_m_to_spare(area: Area, ground: tuple[float, float], matched: bool) -> None:
    assert match_one(area, of=district(ground=ground)).matched is matched


@pytest.mark.parametrize("source", ["", " ", "approximate", "Approximate", "unknown"])
def test_heights_that_nobody_surveyed_never_spare(source: str) -> None:
    match = match_one(ABOVE_200, of=district(ground=(53, 120), source=source))
    assert (match.matched, match.floor_m) == (True, 200.0)


def test_missing_heights_never_spare() -> None:
    assert match_one(ABOVE_200, of=district(ground=None)).matched


def test_a_listed_cell_is_spared_by_height_as_well() -> None:
    match = match_one(Area(cells=(COMMUNE,), floor_m=200.0), of=district(ground=(53, 120)))
    assert (match.matched, match.via, match.floor_m) == (False, "cell", 200.0)
    assert match.reason == "ground up to 120 m lies below 200 m"


def test_the_band_of_a_cell_is_that_of_the_blocks_that_list_it() -> None:
    match = match_one(Area(cells=(COMMUNE,), floor_m=200.0), Area(cells=(ELSEWHERE,), ceiling_m=500.0))
    assert (match.floor_m, match.ceiling_m) == (200.0, None)


def test_a_cell_is_spared_only_if_every_block_spares_it() -> None:
    low = district(ground=(53, 120))
    blocks = [Area(cells=(COMMUNE,), floor_m=floor) for floor in (400.0, 200.0)]
    assert match_one(*blocks, of=low).floor_m == 200.0
    assert not match_one(*blocks, of=low).matched
    match = match_one(*blocks, Area(cells=(KREIS,), floor_m=100.0), of=low)
    assert (match.matched, match.reason, match.floor_m) == (True, f"cell {KREIS}", 100.0)


def test_several_blocks_give_the_widest_band() -> None:
    blocks = Area(cells=(COMMUNE,), floor_m=200.0, ceiling_m=500.0), Area(cells=(COMMUNE,), floor_m=300.0)
    match = match_one(*blocks)
    assert (match.floor_m, match.ceiling_m) == (200.0, None)


def test_blocks_spared_by_height_do_not_count_to_the_share() -> None:
    low = district(ground=(53, 120))
    match = match_one(ABOVE_200, Area(polygons=(HALF,), ceiling_m=900.0), of=low)
    assert (match.matched, match.share, match.floor_m, match.ceiling_m) == (True, 0.5, None, 900.0)


def test_the_band_of_a_share_is_that_of_the_blocks_that_overlap() -> None:
    match = match_one(Area(polygons=(FAR,)), ABOVE_200)
    assert (match.share, match.floor_m) == (1.0, 200.0)


def test_a_spared_sliver_is_no_reason() -> None:
    sliver = Area(polygons=(box(-1, 0, 0.002, 1),), floor_m=200.0)
    match = match_one(sliver, Area(polygons=(FAR,)), of=district(ground=(53, 120)))
    assert (match.matched, match.reason) == (False, "share 0.0000 below 0.01")


# Index


def test_matches_come_in_order_of_ids() -> None:
    index = GeofenceIndex([district(id="b"), district(id="a", geometry=FAR)])
    assert [d.id for d in index.districts] == ["a", "b"]
    matches = index.match([Area(polygons=(WHOLE,))])
    assert [(m.district.id, m.matched) for m in matches] == [("a", False), ("b", True)]


def test_an_index_of_nothing_matches_nothing() -> None:
    assert not GeofenceIndex([]).match([ABOVE_200])


def test_an_id_stands_once() -> None:
    with pytest.raises(ValueError, match="'a' stands twice"):
        GeofenceIndex([district(), district()])


@pytest.mark.parametrize("geometry", [shapely.Polygon(), shapely.Polygon([(7, 51), (7.1, 51.1), (7.1, 51), (7, 51.1)])])
def test_a_district_needs_a_valid_outline(geometry: shapely.Polygon) -> None:
    with pytest.raises(ValueError, match="district 'a'"):
        GeofenceIndex([dataclasses.replace(district(), geometry=geometry)])


def test_the_version_changes_with_whatever_decides() -> None:
    base = district(ground=(53, 120))
    changed = [
        dataclasses.replace(base, id="b"),
        dataclasses.replace(base, warn_cells=frozenset({COMMUNE})),
        dataclasses.replace(base, geometry=HALF),
        dataclasses.replace(base, ground_min_m=54),
        dataclasses.replace(base, ground_max_m=None),
        dataclasses.replace(base, ground_source="approximate"),
    ]
    versions = {GeofenceIndex([d]).version for d in [base, *changed]}
    assert len(versions) == 7


def test_the_version_stays_with_what_decides_nothing() -> None:
    a, b = district(id="a", ground=(53, 120)), district(id="b")
    renamed = dataclasses.replace(a, name="other", ground_min_m=53.0, ground_source="DGM5")
    turned = dataclasses.replace(renamed, geometry=a.geometry.reverse())
    assert GeofenceIndex([a, b]).version == GeofenceIndex([b, turned]).version


def test_the_version_is_the_same_on_every_machine() -> None:
    assert GeofenceIndex([]).version == "4f53cda18c2baa0c"
    assert GeofenceIndex([district(shapely.box(7, 51, 8, 52))]).version == "6c94b37d076134ed"
