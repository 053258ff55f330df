"""What holds in a district as CAP: for readers that know nothing of ours and nothing of the DWD's."""

from dataclasses import replace

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, city_rules, meaning, outcome, snapshot, square_district, tick
from warnsys.cap import Alert, read_alert
from warnsys.records import Meaning, Outcome, Snapshot, SteleRecord, Text
from warnsys.web import cap_out

RULES, DISTRICT = city_rules(), square_district(1)


def stele(minute: float, *records: Outcome | Snapshot) -> SteleRecord:
    city = City(RULES).take(tick(0), *records, tick(minute))
    return [one for one in city.notices if isinstance(one, SteleRecord) and one.district == "d1"][-1]


def cap(record: SteleRecord) -> Alert:
    body = cap_out.write(record, DISTRICT, RULES)
    assert body is not None
    return read_alert(body)


def test_a_height_travels() -> None:
    (area,) = cap(stele(1, outcome("A", meaning(floor_m=200)))).infos[0].areas
    assert area.altitude_m == pytest.approx(200, abs=0.01)
    assert area.ceiling_ft is None


def test_without_heights_none_is_written() -> None:
    (area,) = cap(stele(1, outcome("A", meaning()))).infos[0].areas
    assert (area.altitude_ft, area.ceiling_ft) == (None, None)


def test_what_has_expired_and_is_unconfirmed_is_no_new_alert() -> None:
    record = stele(31, outcome("A", meaning(expires=30)), snapshot(0, "A"))
    assert [item.phase for item in record.items] == ["expired"]
    assert cap_out.write(record, DISTRICT, RULES) is None


def test_what_holds_goes_out_though_something_beside_it_has_expired() -> None:
    story = outcome("A", meaning("Extreme", expires=30)), outcome("B", meaning("Minor")), snapshot(0, "A", "B")
    alert = cap(stele(31, *story))
    assert {info.severity for info in alert.infos} == {"Minor"}
    assert alert.incidents == "B"


def said(**given: object) -> Meaning:
    return meaning().model_copy(update=given)


@pytest.mark.parametrize(
    ("category", "written"), [(None, "Met"), ("Fire", "Fire"), ("Health", "Health"), ("Rauch", "Other"), ("", "Other")]
)
def test_what_is_no_weather_is_not_called_weather(category: str | None, written: str) -> None:
    record = SteleRecord.from_bytes(stele(1, outcome("A", said(category=category))).to_bytes())
    assert [info.categories for info in cap(record).infos] == [(written,)]


def test_a_record_from_before_there_were_categories_is_read_and_that_of_weather_is_as_it_was() -> None:
    fire, rain = (stele(1, outcome("A", said(category=category))) for category in ("Fire", None))
    assert b'"category"' not in rain.to_bytes()
    before = SteleRecord.from_bytes(fire.to_bytes().replace(b'"category":"Fire",', b""))
    assert before == fire.model_copy(update={"items": (fire.items[0].model_copy(update={"category": None}),)})


def test_each_info_names_the_source_in_its_own_language() -> None:
    text = Text(event="Heavy rain", headline="Head", description="Text", instruction="")
    infos = cap(stele(1, outcome("A", said(texts=dict.fromkeys(("de", "en", "tr"), text))))).infos
    assert {info.language: info.sender_name for info in infos} == {
        "de": "Quelle: Deutscher Wetterdienst", "en": "Source: Deutscher Wetterdienst",
        "tr": "Quelle: Deutscher Wetterdienst",
    }  # fmt: skip


def test_times_in_utc_end_as_the_standard_asks() -> None:
    body = cap_out.write(stele(1, outcome("A", meaning())), DISTRICT, RULES) or b""
    assert b"-00:00</sent>" in body
    assert b"+00:00<" not in body
    assert b"Z</" not in body


boxes = st.tuples(st.integers(1, 8), st.integers(1, 8)).map(
    lambda at: shapely.box(at[0], at[1], at[0] + 0.5, at[1] + 0.7)
)


@given(holes=st.lists(boxes, max_size=12))
def test_holes_of_a_district_are_no_part_of_any_outline(holes: list[shapely.Polygon]) -> None:
    whole = shapely.box(0, 0, 10, 10).difference(shapely.union_all(holes))
    parts = list(cap_out.without_holes(whole))
    assert not any(part.interiors for part in parts)
    assert shapely.union_all(parts).symmetric_difference(whole).area < 1e-9
    assert sum(part.area for part in parts) == pytest.approx(whole.area)


def test_a_hole_travels_to_readers_that_know_no_holes() -> None:
    hole = shapely.box(7.1, 51.1, 7.2, 51.2)
    ring = shapely.Polygon(shapely.box(7.0, 51.0, 7.3, 51.3).exterior, [hole.exterior])
    record = stele(1, outcome("A", meaning()))
    body = cap_out.write(record, replace(DISTRICT, geometry=ring), RULES)
    assert body is not None
    (area,) = read_alert(body).infos[0].areas
    assert area.excluded == ()
    inside = shapely.Point(7.15, 51.15)
    assert not any(shapely.Polygon(polygon).contains(inside) for polygon in area.polygons)
    assert sum(shapely.Polygon(polygon).area for polygon in area.polygons) == pytest.approx(ring.area)
