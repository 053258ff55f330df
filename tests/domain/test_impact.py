"""What the DWD's messages mean for districts."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast

import pytest
import shapely
from lxml import etree
from shapely.geometry import MultiPolygon, shape

from geofences import District, GeofenceIndex, bundled, load, plain_match
from tests import like_dwd
from tests.budgets import cases
from tests.like_dwd import DwdMessages
from warnsys.cap import CapError, dwd, read_alert, read_bundle
from warnsys.records import AlertHeaders, Outcome
from warnsys.warning.areas import areas_of
from warnsys.warning.matching import Decision, Matcher, for_cities

NAMESPACE = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
HEADERS = AlertHeaders(stage="live", source="dwd", id="x", stamp=None, seen=datetime(2019, 1, 27, tzinfo=UTC))


@pytest.fixture(scope="module")
def solingen() -> list[District]:
    return load(bundled("solingen"))


@cache
def real_communes(geodata: Path) -> list[District]:
    """The communes of North Rhine-Westphalia, each a district with its warn cell: 8 and the commune key."""
    features = json.loads((geodata / "nrw_gemeinden_vg250.geojson").read_text())["features"]
    return [
        District(
            id=feature["properties"]["ags"],
            name=feature["properties"]["name"],
            short_name=feature["properties"]["name"][:14],
            city="nrw",
            warn_cells=frozenset({"8" + feature["properties"]["ags"]}),
            geometry=cast(MultiPolygon, shapely.make_valid(shape(feature["geometry"]))),
            ground_min_m=None,
            ground_max_m=None,
            ground_source="unknown",
        )
        for feature in features
    ]


@pytest.fixture(params=["ours", pytest.param("real", marks=[pytest.mark.corpus, pytest.mark.geodata])])
def country(request: pytest.FixtureRequest) -> tuple[DwdMessages, list[District]]:
    """The DWD's messages, and the communes that they may list, each a district."""
    if request.param == "ours":
        return like_dwd.ours(), like_dwd.districts()
    return like_dwd.real(request.getfixturevalue("corpus")), real_communes(request.getfixturevalue("geodata"))


def decide(body: bytes, districts: list[District], *, exercise: bool = False) -> Decision:
    return Matcher(GeofenceIndex(districts), exercise=exercise).decide_bytes(body, HEADERS)


def made_real(content: bytes) -> bytes:
    (test,) = read_bundle(content)
    return test.body.replace(b"<status>Test", b"<status>Actual").replace(b"<value>98<", b"<value>51<")


def without_cells_but(body: bytes, *cells: str) -> bytes:
    """The message with the outlines as they are, listing only these warn cells."""
    root = etree.fromstring(body)
    for area in root.iterfind(".//c:area", NAMESPACE):
        value = area.find("c:geocode[c:valueName='WARNCELLID']/c:value", NAMESPACE)
        if value is not None and value.text not in cells:
            parent = area.getparent()
            assert parent is not None
            parent.remove(area)
    return etree.tostring(root)


def warned(decision: Decision) -> set[str]:
    return {match.district.id for match in decision.matches if match.matched}


def test_every_district_is_matched_by_its_cell_with_the_height_band(
    dwd_messages: DwdMessages, solingen: list[District]
) -> None:
    decision = decide(dwd_messages.snow, solingen)
    assert warned(decision) == {f"solingen-{number}" for number in range(1, 6)}
    for match in decision.matches:
        assert (match.via, match.reason) == ("cell", "cell 805122000")
        assert match.floor_m == pytest.approx(200, abs=0.01)
        assert match.share is not None
        assert match.share > 0.95


def test_exactly_the_listed_communes_are_warned_no_neighbour_by_a_touching_edge(
    country: tuple[DwdMessages, list[District]],
) -> None:
    """Of every file of the DWD; the test message is made a real one."""
    messages, nrw = country
    for body in (made_real(messages.test), messages.snow, messages.update, messages.light):
        info = read_alert(body).infos[0]
        listed = {cell for area in info.areas for cell in dwd.warn_cells(area)}
        ours = {district.id for district in nrw if district.warn_cells & listed}
        decision = decide(body, nrw)
        assert warned(decision) == ours
        outlines = shapely.union_all([shapely.Polygon(ring) for area in info.areas for ring in area.polygons])
        touched = {district.id for district in nrw if district.geometry.intersects(outlines)}
        assert len(touched) > len(ours) or not ours, "the outlines touch communes that are not warned"


def test_a_neighbours_cell_warns_nobody_here_whatever_its_outline_covers(
    dwd_messages: DwdMessages, solingen: list[District]
) -> None:
    decision = decide(without_cells_but(dwd_messages.snow, "805124000"), solingen)
    assert decision.outcome.decided == "no_district"
    assert decision.outcome.reason == "cells listed, none of ours"
    assert all(match.share is not None and match.share > 0.9 for match in decision.matches)


def test_without_any_cell_the_outline_decides(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    decision = decide(without_cells_but(dwd_messages.snow), solingen)
    assert len(warned(decision)) == 5
    assert {match.via for match in decision.matches} == {"area"}


def test_whom_a_hull_warns_instead_of_the_outline_is_told_so_in_the_reason(solingen: list[District]) -> None:
    tangled = decide(cases.alert(cases.info(cases.area(cases.polygon(cases.tangle(1_300))))), solingen)
    assert {one.reason for one in tangled.outcome.meanings[0].impacts} == {"area 1.0000, outline-hull"}
    assert tangled.outcome.reason == "area 1.0000, outline-hull"
    assert "outline-hull" in tangled.outcome.findings
    honest = decide(cases.alert(cases.info(cases.area(cases.polygon(cases.around(100))))), solingen)
    assert {one.reason for one in honest.outcome.meanings[0].impacts} == {"area 1.0000"}
    by_cell = decide(
        cases.alert(cases.info(cases.area(cases.cell(cases.OURS), cases.polygon(cases.tangle(1_300))))), solingen
    )
    assert {one.reason for one in by_cell.outcome.meanings[0].impacts} == {f"cell {cases.OURS}"}


def test_surveyed_heights_below_the_band_spare_a_district_with_the_reason(
    dwd_messages: DwdMessages, solingen: list[District]
) -> None:
    low = [
        District(
            d.id, d.name, d.short_name, d.city, d.warn_cells, d.geometry, ground_min_m=53, ground_max_m=120,
            ground_source="DGM1 2024" if d.id == "solingen-2" else "approximate",
        )
        for d in solingen
    ]  # fmt: skip
    decision = decide(dwd_messages.snow, low)
    assert warned(decision) == {"solingen-1", "solingen-3", "solingen-4", "solingen-5"}
    (spared,) = (match for match in decision.matches if not match.matched)
    assert "120 m" in spared.reason
    assert "200 m" in spared.reason


def test_a_test_message_is_not_live(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    (member,) = read_bundle(dwd_messages.test)
    for exercise in (False, True):
        decision = decide(member.body, solingen, exercise=exercise)
        assert (decision.outcome.decided, decision.outcome.meanings) == ("not_live", ())
        assert decision.outcome.reason.startswith("test")


def test_an_exercise_is_live_only_in_an_exercise(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    body = dwd_messages.snow.replace(b"<status>Actual", b"<status>Exercise")
    assert decide(body, solingen).outcome.decided == "not_live"
    assert decide(body, solingen, exercise=True).outcome.decided == "matched"


def test_a_test_message_that_references_a_live_one_ends_nothing(
    dwd_messages: DwdMessages, solingen: list[District]
) -> None:
    body = dwd_messages.update
    assert decide(body, solingen).outcome.supersedes
    assert decide(body.replace(b"<status>Actual", b"<status>Test"), solingen).outcome.supersedes == ()


def test_a_cancel_warns_nobody_and_ends_what_it_references(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    body = dwd_messages.update.replace(b"<msgType>Update", b"<msgType>Cancel")
    outcome = decide(body, solingen).outcome
    assert outcome.meanings == ()
    assert outcome.supersedes == (dwd_messages.snow_id,)


def test_an_all_clear_info_warns_nobody(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    body = dwd_messages.snow.replace(b"<responseType>None", b"<responseType>AllClear")
    assert decide(body, solingen).outcome.decided == "not_live"


def test_an_active_and_an_all_clear_info_in_one_message_are_judged_apart(
    dwd_messages: DwdMessages, solingen: list[District]
) -> None:
    root = etree.fromstring(dwd_messages.snow)
    info = root.find("c:info", NAMESPACE)
    assert info is not None
    clear = etree.fromstring(etree.tostring(info).replace(b"<responseType>None", b"<responseType>AllClear"))
    root.append(clear)
    outcome = decide(etree.tostring(root), solingen).outcome
    assert outcome.decided == "matched"
    assert len(outcome.meanings) == 1


def test_languages_of_one_meaning_are_kept_together(dwd_messages: DwdMessages) -> None:
    body = made_real(dwd_messages.test)
    cell = next(c for area in read_alert(body).infos[0].areas for c in dwd.warn_cells(area))
    district = District("d", "D", "D", "c", frozenset({cell}), shapely.box(10, 50, 10.1, 50.1), None, None, "unknown")
    (said,) = decide(body, [district]).outcome.meanings
    assert sorted(said.texts) == ["ar", "de", "en", "es", "fr", "pl", "ru", "tr"]


def test_an_unreadable_message_is_an_outcome_too(solingen: list[District]) -> None:
    outcome = decide(b"<alert", solingen).outcome
    assert (outcome.decided, outcome.base_id) == ("rejected", "x")
    assert "not-xml" in outcome.reason


def test_long_texts_are_shortened_and_say_so(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    body = dwd_messages.snow.replace(b"<description>", b"<description>" + b"Immer wieder. " * 1000)
    text = decide(body, solingen).outcome.meanings[0].texts["de"]
    assert text.shortened
    assert len(text.description) <= 4000
    assert text.description.endswith("[…]")


def test_an_outcome_can_be_cut_to_some_cities(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    outcome = decide(dwd_messages.snow, solingen).outcome
    assert for_cities(outcome, ("solingen",)) == outcome
    assert for_cities(outcome, ("elsewhere",)).meanings == ()


def test_an_outcome_reads_back_from_its_bytes(dwd_messages: DwdMessages, solingen: list[District]) -> None:
    outcome = decide(dwd_messages.snow, solingen).outcome
    assert Outcome.from_bytes(outcome.to_bytes()) == outcome


def test_the_rules_version_changes_with_geofences_and_thresholds(solingen: list[District]) -> None:
    one = Matcher(GeofenceIndex(solingen), {"dwd": 0.01})
    assert one.ruleset_version == Matcher(GeofenceIndex(list(reversed(solingen))), {"dwd": 0.01}).ruleset_version
    assert one.ruleset_version != Matcher(GeofenceIndex(solingen), {"dwd": 0.02}).ruleset_version
    assert one.ruleset_version != Matcher(GeofenceIndex(solingen[:4]), {"dwd": 0.01}).ruleset_version


def test_a_message_of_a_sender_that_its_source_does_not_allow_is_rejected_and_ends_nothing(
    dwd_messages: DwdMessages, solingen: list[District]
) -> None:
    matcher = Matcher(GeofenceIndex(solingen), senders={"dwd": ("opendata@dwd.de", "CAP@dwd.de")})
    assert matcher.decide_bytes(dwd_messages.snow, HEADERS).outcome.decided == "matched"
    foreign = dwd_messages.snow.replace(b"@dwd.de", b"@example.org")
    outcome = matcher.decide_bytes(foreign, HEADERS).outcome
    assert (outcome.decided, outcome.supersedes) == ("rejected", ())
    assert outcome.reason.startswith("sender-foreign at /alert/sender")
    elsewhere = HEADERS.model_copy(update={"source": "city"})
    assert matcher.decide_bytes(foreign, elsewhere).outcome.decided == "matched"


@pytest.mark.parametrize("part", range(2))
def test_every_real_message_decides_as_the_plain_method_with_its_cells_and_without(
    corpus: Path, geodata: Path, part: int
) -> None:
    """Shares of most are 0 here; the snowfall's outlines have holes, and run along the borders of communes.

    Every second commune at a time, so that two processes share them: the plain method mends an outline for each.
    """
    nrw = real_communes(geodata)
    index, communes, warned = GeofenceIndex(nrw), nrw[part::2], 0
    ids = {commune.id for commune in communes}
    for file in sorted(corpus.rglob("*.xml")):
        try:
            areas = [area for info in read_alert(file.read_bytes()).infos for area in areas_of(info)]
        except CapError:
            continue
        without = [replace(area, cells=()) for area in areas]
        for asked in (areas, without) if without != areas else (areas,):
            found = tuple(match for match in index.match(asked) if match.district.id in ids)
            assert found == plain_match(communes, asked), file.name
            warned += sum(match.matched for match in found)
    assert warned >= 100


def test_outlines_with_holes_along_the_borders_of_communes_decide_as_the_plain_method() -> None:
    """Of the communes in and around the holes; with its cells and without."""
    communes = like_dwd.districts()[:49]
    areas = areas_of(read_alert(like_dwd.ours().snow).infos[0])
    index, warned = GeofenceIndex(communes), []
    for asked in (areas, [replace(area, cells=()) for area in areas]):
        found = tuple(index.match(asked))
        assert found == plain_match(communes, asked)
        warned.append(sum(match.matched for match in found))
    assert warned == [45, 45]
