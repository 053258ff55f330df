"""Where a message warns: small places, outlines across 180°, and shapes that decide nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofences import GeofenceIndex, bundled, load
from tests.cap.oddities import CELL, SQUARE, area, message, swap
from warnsys.cap import CapError, read_alert
from warnsys.records import AlertHeaders, Outcome
from warnsys.warning.matching import Matcher

HEADERS = AlertHeaders(stage="live", source="own", id="x", stamp=None, seen=datetime(2027, 7, 14, 12, tzinfo=UTC))
DISTRICTS = {one.id: one for one in load(bundled("solingen"))}
MATCHER = Matcher(GeofenceIndex(DISTRICTS.values()))
MIDDLE = {name: shapely.point_on_surface(one.geometry) for name, one in DISTRICTS.items()}
OUTLINE = f"<polygon>{SQUARE}</polygon>"


def decided(shapes: str, matcher: Matcher = MATCHER) -> Outcome:
    return matcher.decide_bytes(message(swap(OUTLINE, shapes)), HEADERS).outcome


def warned(shapes: str, matcher: Matcher = MATCHER) -> set[str]:
    return {impact.district for meaning in decided(shapes, matcher).meanings for impact in meaning.impacts}


def circle(point: shapely.Point, radius_km: float) -> str:
    return f"<circle>{point.y},{point.x} {radius_km}</circle>"


def square(point: shapely.Point, side: float) -> str:
    west, south, east, north = point.buffer(side / 2).bounds
    return f"<polygon>{south},{west} {south},{east} {north},{east} {north},{west} {south},{west}</polygon>"


# -- small places ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("district", DISTRICTS)
@pytest.mark.parametrize("radius_km", [0.0, 0.0001, 0.005, 0.05, 0.2])
def test_a_point_or_small_circle_concerns_the_district_in_which_it_lies(district: str, radius_km: float) -> None:
    assert warned(circle(MIDDLE[district], radius_km)) == {district}


@pytest.mark.parametrize("side", [0.0001, 0.0005, 0.002])
def test_a_small_outline_concerns_the_district_in_which_it_lies(side: float) -> None:
    assert warned(square(MIDDLE["solingen-1"], side)) == {"solingen-1"}


def test_each_of_many_small_places_counts_beside_a_large_one_elsewhere() -> None:
    shapes = "<circle>53,10 50</circle>" + "".join(circle(middle, 0.0) for middle in MIDDLE.values())
    assert warned(shapes) == set(DISTRICTS)


def border() -> shapely.Point:
    one, other = DISTRICTS["solingen-1"].geometry, DISTRICTS["solingen-2"].geometry
    line = shapely.line_merge(shapely.intersection(one.boundary, other.boundary))
    longest = max(shapely.get_parts(line), key=lambda part: part.length)
    middle: shapely.Point = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    return middle


@pytest.mark.parametrize("radius_km", [0.0, 0.05, 0.15, 0.3])
def test_a_small_circle_on_a_border_concerns_both_neighbours(radius_km: float) -> None:
    assert warned(circle(border(), radius_km)) >= {"solingen-1", "solingen-2"}


def test_how_much_of_a_shape_must_lie_in_a_district_is_set_by_source() -> None:
    place = circle(border(), 0.3)
    strict = Matcher(MATCHER.index, min_part={"own": 1.0})
    assert warned(place, strict) != warned(place)
    assert strict.ruleset_version != MATCHER.ruleset_version
    assert warned(circle(MIDDLE["solingen-1"], 0.05), strict) == {"solingen-1"}


def test_a_large_outline_that_only_touches_a_district_does_not_warn_it() -> None:
    west, south, _, north = shapely.union_all([one.geometry for one in DISTRICTS.values()]).bounds
    beside = (
        f"{south},{west - 0.2} {south},{west + 1e-4} {north},{west + 1e-4} {north},{west - 0.2} {south},{west - 0.2}"
    )
    outcome = decided(f"<polygon>{beside}</polygon>")
    assert outcome.decided == "no_district"


@pytest.mark.parametrize("district", DISTRICTS)
def test_a_ring_of_one_place_concerns_the_district_in_which_it_lies(district: str) -> None:
    middle = MIDDLE[district]
    assert warned(f"<polygon>{f'{middle.y},{middle.x} ' * 5}</polygon>") == {district}


# -- across 180° ----------------------------------------------------------------------------------------------------

LATS = st.floats(50.9, 51.4)


@pytest.mark.parametrize(
    "points",
    [
        "51,178 51,-178 53,-178 53,178 51,178",
        "51,-178 53,-178 53,178 51,178 51,-178",
        "51,178 51,182 53,182 53,178 51,178",
        "51,-182 51,-178 53,-178 53,-182 51,-182",
        "50,170 52,-170 54,170 50,170",
        "51,178 51,180 51,-180 51,-178 53,-178 53,178 51,178",
        "51,181 51,185 53,185 53,181 51,181",
    ],
)
def test_an_outline_across_180_degrees_warns_nobody_at_the_other_side_of_the_earth(points: str) -> None:
    assert decided(f"<polygon>{points}</polygon>").decided == "no_district"


@pytest.mark.parametrize(
    "points",
    [
        "-90,-180 -90,180 90,180 90,-180 -90,-180",
        "40,-180 40,180 60,180 60,-180 40,-180",
        "40,-170 40,-60 40,60 40,170 60,170 60,60 60,-60 60,-170 40,-170",
        "45,-90 45,0 45,90 45,180 45,-90",
    ],
)
def test_an_outline_round_the_whole_earth_warns_everybody(points: str) -> None:
    assert warned(f"<polygon>{points}</polygon>") == set(DISTRICTS)


@given(st.floats(0.01, 89), st.floats(0.01, 89), LATS, LATS)
def test_an_outline_across_180_degrees_is_read_as_meant_wherever_it_ends(
    west: float, east: float, low: float, high: float
) -> None:
    ring = f"{low},{180 - west} {low},{east - 180} {high},{east - 180} {high},{180 - west} {low},{180 - west}"
    if low != high:
        assert decided(f"<polygon>{ring}</polygon>").decided == "no_district"


def at_the_date_line(points: str) -> bool:
    moved = shapely.transform(DISTRICTS["solingen-1"].geometry, lambda at: at - [7.08 + 179.98, 0])
    index = GeofenceIndex([replace(DISTRICTS["solingen-1"], geometry=moved)])
    return bool(warned(f"<polygon>{points}</polygon>", Matcher(index)))


@pytest.mark.parametrize("lons", [("178", "-178"), ("178", "182"), ("-182", "-178")])
def test_who_lives_beyond_180_degrees_is_warned(lons: tuple[str, str]) -> None:
    west, east = lons
    assert at_the_date_line(f"51,{west} 51,{east} 52,{east} 52,{west} 51,{west}")
    assert not at_the_date_line(f"53,{west} 53,{east} 54,{east} 54,{west} 53,{west}")


def test_a_hole_across_180_degrees_is_cut() -> None:
    hole = (
        "<geocode><valueName>EXCLUDE_POLYGON</valueName><value>50,179 50,-179 53,-179 53,179 50,179</value></geocode>"
    )
    ring = "49,178 49,-178 54,-178 54,178 49,178"
    assert at_the_date_line(ring)
    assert not at_the_date_line(f"{ring}</polygon>{hole}<polygon>49,100 49,101 50,101 49,100")


# -- shapes that decide nothing -------------------------------------------------------------------------------------

BAD_SHAPES = (
    "<polygon>51,7 51,7.1 51,7</polygon>", "<polygon>51,7 x 51,7</polygon>", "<polygon>107,51 107,52 108,52 107,51"
    "</polygon>", "<polygon>51,7</polygon>", "<circle>51,7</circle>", "<circle>51,7 -1</circle>", "<circle>x</circle>",
    "<polygon>nan,7 51,8 52,8 nan,7</polygon>", "<altitude>high</altitude>", "<ceiling>1,5</ceiling>",
    "<altitude>900</altitude><ceiling>300</ceiling>", "<altitude>0</altitude><altitude>900</altitude>",
    "<geocode><valueName>EXCLUDE_POLYGON</valueName><value>51,7</value></geocode>",
)  # fmt: skip


@pytest.mark.parametrize("shape", BAD_SHAPES)
def test_where_cells_decide_no_shape_or_height_rejects_and_it_is_said(shape: str) -> None:
    outcome = decided(CELL + shape)
    assert (outcome.decided, outcome.meanings[0].impacts[0].via) == ("matched", "cell")
    assert "shape-left-out" in outcome.findings
    assert all(impact.share is None for meaning in outcome.meanings for impact in meaning.impacts)


@pytest.mark.parametrize("shape", BAD_SHAPES)
def test_the_cell_may_stand_in_another_area_or_behind_the_shape(shape: str) -> None:
    assert decided(f"{shape}</area><area><areaDesc>y</areaDesc>{CELL}").decided == "matched"
    assert decided(shape + CELL).decided == "matched"


@pytest.mark.parametrize("shape", BAD_SHAPES)
def test_where_shapes_decide_a_bad_one_rejects(shape: str) -> None:
    with pytest.raises(CapError):
        read_alert(message(area(shape)))


@pytest.mark.parametrize("empty", ["<circle/>", "<circle></circle>", "<circle> \n </circle>", "<circle/><circle/>"])
@pytest.mark.parametrize("beside", [CELL, "<circle>51.17,7.08 5</circle>"])
def test_an_empty_circle_is_as_an_empty_polygon(empty: str, beside: str) -> None:
    outcome = decided(beside + empty)
    assert outcome.decided == "matched"
    assert "circle-empty" in outcome.findings


@pytest.mark.parametrize(("floor", "ceiling"), [("656.168", "0"), ("1", "0.0"), ("656", "-1"), ("9900", "9842.5197")])
@pytest.mark.parametrize("place", [CELL, "<circle>51.17,7.08 5</circle>"])
def test_a_ceiling_that_is_no_limit_never_rejects(floor: str, ceiling: str, place: str) -> None:
    outcome = decided(f"{place}<altitude>{floor}</altitude><ceiling>{ceiling}</ceiling>")
    assert outcome.decided == "matched"
    assert outcome.meanings[0].impacts[0].floor_m is not None
    assert outcome.meanings[0].impacts[0].ceiling_m is None


# -- forms of places ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("comma", [", ", " ,", " , ", ",\n", "\t,"])
def test_blanks_around_a_comma_are_forgiven_and_said(comma: str) -> None:
    body = message(swap(SQUARE, SQUARE.replace(",", comma)))
    assert read_alert(body).infos == read_alert(message()).infos
    assert [one.code for one in read_alert(body).findings] == ["coordinates-blanks"]
    assert warned(f"<circle>51.17{comma}7.08 3</circle>") == warned("<circle>51.17,7.08 3</circle>")


@pytest.mark.parametrize("between", [",", ", ", " ", ";", " ; ", "\n", "|"])
def test_several_cells_in_one_value_are_each_read(between: str) -> None:
    outcome = decided(CELL.replace("805122000", f"805111000{between}805122000{between}805113000"))
    assert outcome.decided == "matched"
    assert "cells-in-one-value" in outcome.findings


@pytest.mark.parametrize("name", ["warncellid", "WarnCellID", "WARNCELL_ID", "Warn Cell Id"])
def test_the_name_of_a_cell_means_the_same_in_any_letters(name: str) -> None:
    outcome = decided(CELL.replace("WARNCELLID", name))
    assert (outcome.decided, outcome.meanings[0].impacts[0].via) == ("matched", "cell")
    assert "code-form" in outcome.findings
