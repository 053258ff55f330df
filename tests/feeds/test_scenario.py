"""Stories: what they tell, in the form in which DWD would have published it."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from lxml import etree
from shapely.geometry import Polygon

from geofences.files.load import boundary
from tests.cap.test_write import assert_form
from warnsys.cap import Alert, CapError, NotCap, read_alert, read_bundle
from warnsys.cap import dwd as profile
from warnsys.simulation.scenario import BUNDLED, Scenario, ScenarioError, load

SOLINGEN, WUPPERTAL = "805122000", "805124000"


@pytest.fixture(scope="module")
def storm() -> Scenario:
    return load("storm")


def readable(bodies: tuple[bytes, ...]) -> list[Alert]:
    alerts = []
    for body in bodies:
        try:
            alerts.append(read_alert(body))
        except CapError:
            continue
    return alerts


def standing(story: Scenario, minute: float) -> dict[str, Alert]:
    """The readable messages of the snapshot that is newest at a minute, by event number."""
    step = [step for step in story.steps if step.at <= story.start + timedelta(minutes=minute)][-1]
    alerts = readable(tuple(member.body for member in read_bundle(step.bundle)))
    return {profile.event_number(alert.infos[0]): alert for alert in alerts}


def cells(alert: Alert) -> set[str]:
    return {cell for area in alert.infos[0].areas for cell in profile.warn_cells(area)}


def outline(alert: Alert) -> Polygon:
    (area,) = (area for area in alert.infos[0].areas if area.polygons)
    return Polygon(area.polygons[0], area.excluded)


# -- the form -------------------------------------------------------------------------------------------------------


def test_every_message_but_the_broken_one_reads_without_findings(storm: Scenario) -> None:
    alerts = readable(storm.messages())
    assert len(alerts) == len(storm.messages()) - 1 == 11
    assert [(*alert.findings, *profile.findings(alert)) for alert in alerts] == [()] * len(alerts)


def test_every_message_but_the_broken_one_is_valid_cap(storm: Scenario, corpus: Path) -> None:
    schema = etree.XMLSchema(etree.parse(next((corpus / "spec").glob("*.xsd"))))
    for body in storm.messages():
        try:
            read_alert(body)
        except CapError:
            continue
        schema.assertValid(etree.fromstring(body))


def test_names_ids_and_times_are_in_the_form_of_the_profile(storm: Scenario) -> None:
    for step in storm.steps:
        for member in read_bundle(step.bundle):
            try:
                alert = read_alert(member.body)
            except CapError:
                continue
            assert member.stem == alert.identifier
            assert profile.base_id(alert) == profile.without_language(alert.identifier) != alert.identifier
            assert alert.identifier.split(".")[8] == str(int(alert.sent.timestamp() * 1000))
            assert alert.sent.isoformat().endswith("+02:00")
            assert alert.sent <= step.at


def test_languages_repeat_the_same_facts(storm: Scenario) -> None:
    for alert in readable(storm.messages()):
        german, english = alert.infos
        assert (german.language, english.language) == ("de-DE", "en")
        assert german.areas == english.areas
        assert german.event_codes == english.event_codes
        assert (german.effective, german.onset, german.expires) == (english.effective, english.onset, english.expires)
        assert german.description != english.description


def test_nothing_looks_real(storm: Scenario) -> None:
    alerts = readable(storm.messages())
    assert [alert.status for alert in alerts].count("Test") == 1
    assert {alert.status for alert in alerts} == {"Exercise", "Test"}
    assert all("no warning" in alert.note for alert in alerts)


def test_same_story_gives_the_same_bytes(storm: Scenario) -> None:
    assert load("storm") == storm


# -- the storm ------------------------------------------------------------------------------------------------------


def test_storm_has_a_snapshot_at_least_every_five_minutes(storm: Scenario) -> None:
    times = [step.at for step in storm.steps]
    assert (times[0], times[-1]) == (storm.start, storm.end)
    assert storm.start == datetime.fromisoformat("2027-07-14T14:00+02:00")
    assert storm.end - storm.start == timedelta(minutes=130)
    assert all(timedelta(0) < later - earlier <= timedelta(minutes=5) for earlier, later in pairwise(times))


def test_storm_rises_falls_and_rises_again_in_one_chain(storm: Scenario) -> None:
    told = []
    before = ""
    for alert in readable(storm.messages()):
        if "THUNDERSTORM" not in profile.groups(alert.infos[0]) or SOLINGEN not in cells(alert):
            continue
        info = alert.infos[0]
        told.append(((alert.sent - storm.start).seconds // 60, alert.msg_type, info.urgency, info.severity))
        assert [reference.identifier for reference in alert.references] == ([before] if before else [])
        before = alert.identifier
    assert told == [
        (0, "Alert", "Future", "Severe"),
        (10, "Update", "Immediate", "Moderate"),
        (20, "Update", "Immediate", "Severe"),
        (32, "Update", "Immediate", "Extreme"),
        (60, "Update", "Immediate", "Moderate"),
        (75, "Update", "Immediate", "Severe"),
        (105, "Cancel", "Immediate", "Severe"),
    ]


@pytest.mark.parametrize(
    ("minute", "events"),
    [
        (0, {"247", "40"}),
        (10, {"247", "36"}),
        (15, {"247", "36", "98"}),
        (32, {"247", "49", "98", "42"}),
        (50, {"247", "49", "98", "42", "62"}),
        (60, {"247", "38", "42", "62"}),
        (75, {"247", "46", "42", "62"}),
        (85, {"247", "46", "62"}),
        (90, {"247", "46"}),
        (97, {"247", "46"}),
        (100, {"46"}),
        (110, {"46"}),
        (115, set()),
        (130, set()),
    ],
)
def test_snapshot_lists_what_stands_at_that_minute(storm: Scenario, minute: float, events: set[str]) -> None:
    assert set(standing(storm, minute)) == events


def test_storm_ends_with_the_legal_empty_zip(storm: Scenario) -> None:
    assert len(storm.steps[-1].bundle) == 22


def test_test_message_is_one_by_status_and_by_event_number(storm: Scenario) -> None:
    tests = [alert for alert in readable(storm.messages()) if profile.is_test(alert)]
    assert [(alert.status, profile.event_number(alert.infos[0])) for alert in tests] == [("Test", "98")]


def test_broken_message_stands_in_two_snapshots_and_cannot_be_read(storm: Scenario) -> None:
    broken = []
    for step in storm.steps:
        for member in read_bundle(step.bundle):
            try:
                read_alert(member.body)
            except NotCap:
                broken.append((step.at - storm.start, member.name))
    assert [at for at, _ in broken] == [timedelta(minutes=40), timedelta(minutes=45)]
    assert len({name for _, name in broken}) == 1


def test_wuppertal_lists_its_own_cell_only_though_its_outline_covers_graefrath(
    storm: Scenario, solingen_boundary: Path
) -> None:
    (alert,) = (alert for alert in readable(storm.messages()) if cells(alert) == {WUPPERTAL})
    graefrath = Polygon([(7.05, 51.195), (7.10, 51.195), (7.10, 51.215), (7.05, 51.215)])
    assert outline(alert).contains(graefrath)
    city = boundary(solingen_boundary)
    assert outline(alert).intersection(city).area / city.area > 0.1


def test_rain_is_an_outline_over_the_south_west_without_any_cell(storm: Scenario, solingen_boundary: Path) -> None:
    city = boundary(solingen_boundary)
    rain = standing(storm, 50)["62"]
    assert cells(rain) == set()
    assert rain.infos[0].severity == "Severe"
    inside = outline(rain).intersection(city)
    assert 0.1 < inside.area / city.area < 0.3
    assert inside.centroid.x < city.centroid.x
    assert inside.centroid.y < city.centroid.y


def test_hole_spares_haan_and_none_of_solingen(storm: Scenario, solingen_boundary: Path) -> None:
    notice = standing(storm, 0)["40"]
    (area,) = (area for area in notice.infos[0].areas if area.polygons)
    (hole,) = area.excluded
    assert Polygon(area.polygons[0]).contains(Polygon(hole))
    assert outline(notice).contains(boundary(solingen_boundary))


# -- stories of one's own -------------------------------------------------------------------------------------------

TEXTS = {
    "de": {"event": "SCHNEEFALL", "headline": "Schnee", "description": "Es schneit."},
    "en": {"event": "SNOWFALL", "headline": "Snow", "description": "It snows."},
}
SNOW = {
    "key": "snow", "at": 0, "until": 12, "ii": 71, "groups": ["SNOWFALL"], "severity": "Moderate", "cells": [805122000],
    "floor_m": 200, "texts": TEXTS,
}  # fmt: skip


def told(folder: Path, *alerts: dict[str, object], **more: object) -> Scenario:
    story = {
        "title": "Snow", "start": "2027-01-10T06:00:00", "minutes": 20, "cells": {805122000: "Stadt Solingen"},
        "alerts": [*alerts], **more,
    }  # fmt: skip
    path = folder / "snow.yaml"
    path.write_text(yaml.safe_dump(story), "utf-8")
    return load(path)


def test_heights_in_metres_are_written_in_feet(tmp_path: Path) -> None:
    (alert,) = readable(told(tmp_path, SNOW).messages())
    assert alert.infos[0].areas[0].altitude_ft == pytest.approx(656.16798)
    floor, ceiling = profile.height_band_m(alert.infos[0].areas[0])
    assert floor == pytest.approx(200)
    assert ceiling is None


def test_update_takes_over_what_it_leaves_out(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW, {"key": "more", "at": 5, "update": "snow", "severity": "Severe"})
    first, second = readable(story.messages())
    assert second.infos[0].severity == "Severe"
    assert second.infos[0].areas == first.infos[0].areas
    assert second.infos[0].expires == first.infos[0].expires
    assert second.status == "Exercise"
    assert set(standing(story, 5)) == {"71"}


def test_expired_message_is_dropped_by_the_first_snapshot_after_it(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW)
    assert [len(read_bundle(step.bundle)) for step in story.steps] == [1, 1, 1, 0, 0]


def test_step_without_a_chapter_says_what_changed(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW, chapters=[{"at": 5, "title": "It snows on", "note": "Really."}])
    assert [step.title for step in story.steps] == [
        "snow kommt", "It snows on", "", "snow endet", ""
    ]  # fmt: skip
    assert story.steps[1].note == "Really."


def test_ids_differ_between_messages_of_one_minute(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW, {**SNOW, "key": "twin"})
    assert len({alert.identifier for alert in readable(story.messages())}) == 2


def test_minutes_count_across_a_change_of_the_clocks(tmp_path: Path) -> None:
    story = told(tmp_path, {**SNOW, "at": 15, "until": 30}, start="2027-03-28T01:50:00")
    (alert,) = readable(story.messages())
    assert alert.sent.isoformat() == "2027-03-28T03:05:00+02:00"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severity": "Bad"}, "alerts.0.severity"),
        ({"cells": [805124000]}, "name the cells 805124000"),
        ({"cells": []}, "warns nowhere"),
        ({"until": 0}, "until has to be later"),
        ({"update": "none"}, "has to come before it"),
        ({"update": "a", "cancel": "b"}, "write one of the two"),
        ({"texts": {"de": TEXTS["de"]}}, "texts in en are missing"),
        ({"at": 21, "until": 30}, "after the story's end"),
        ({"colour": "red"}, "alerts.0.colour"),
        ({"outlines": [{"ring": [[7, 51], [7.1, 51]]}]}, "alerts.0.outlines.0.ring"),
    ],
)
def test_wrong_story_is_told_by_file_and_key(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=r"snow\.yaml") as error:
        told(tmp_path, {**SNOW, **change})
    assert said in str(error.value)


def test_unknown_name_tells_the_bundled_ones() -> None:
    with pytest.raises(ScenarioError, match=r"the bundled stories are: .*storm"):
        load("stormm")


@pytest.mark.parametrize("content", ["- a list", "title: [", "title: x\nalerts: 5"])
def test_file_that_is_no_story_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ScenarioError, match=r"odd\.yaml"):
        load(path)


# -- many messages, several feeds, and what goes wrong with them -----------------------------------------------------


def test_repeated_message_stands_for_many_that_come_one_after_the_other(tmp_path: Path) -> None:
    cell = {
        **SNOW, "key": "cell", "until": 6, "repeat": {"times": 4, "every": 3, "abreast": 2},
        "turns": [{"ii": 71}, {"ii": 72}],
    }  # fmt: skip
    story = told(tmp_path, cell)
    sent = [
        ((a.sent - story.start) / timedelta(minutes=1), profile.event_number(a.infos[0]))
        for a in readable(story.messages())
    ]
    assert sorted(sent) == [(0, "71"), (0, "72"), (3, "71"), (3, "72")]
    ends = {
        (a.infos[0].expires - story.start) / timedelta(minutes=1)
        for a in readable(story.messages())
        if a.infos[0].expires
    }
    assert ends == {6, 9}


def test_repeated_outline_moves_on(tmp_path: Path) -> None:
    ring = [[7.0, 51.1], [7.1, 51.1], [7.1, 51.2]]
    cell = {
        **SNOW, "key": "cell", "cells": [], "outlines": [{"ring": ring}],
        "repeat": {"times": 3, "every": 2, "shift": [0.5, 0.25]},
    }  # fmt: skip
    corners = [
        a.infos[0].areas[0].polygons[0][0]
        for a in sorted(readable(told(tmp_path, cell).messages()), key=lambda alert: alert.sent)
    ]
    assert corners == [(7.0, 51.1), (7.5, 51.35), (8.0, 51.6)]


def test_repeated_update_follows_the_repeated_message_number_by_number(tmp_path: Path) -> None:
    cell = {**SNOW, "key": "cell", "until": 19, "repeat": {"times": 3, "every": 2}}
    more = {"key": "more", "update": "cell", "at": 5, "severity": "Severe", "repeat": {"times": 3, "every": 2}}
    alerts = {alert.identifier: alert for alert in readable(told(tmp_path, cell, more).messages())}
    updates = [alert for alert in alerts.values() if alert.msg_type == "Update"]
    predecessors = [alerts[update.references[0].identifier] for update in updates]
    assert [(u.sent - p.sent) / timedelta(minutes=1) for u, p in zip(updates, predecessors, strict=True)] == [5] * 3
    assert [u.infos[0].expires for u in updates] == [p.infos[0].expires for p in predecessors]


def test_wrong_repeat_is_told_by_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"snow\.yaml: .*times"):
        told(tmp_path, {**SNOW, "repeat": {"times": 0}})


def test_message_from_before_the_start_stands_from_the_start_on(tmp_path: Path) -> None:
    story = told(tmp_path, {**SNOW, "at": -30})
    assert story.steps[0].at == story.start
    assert set(standing(story, 0)) == {"71"}


def test_outage_leaves_no_snapshot_in_its_time(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW, outages=[{"from": 5, "to": 15}])
    assert [(step.at - story.start) / timedelta(minutes=1) for step in story.steps] == [0, 15, 20]


def test_second_feed_has_the_same_messages_later(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW, feeds={"dwd": 0, "other": 2}, outages=[{"from": 5, "to": 21, "feed": "dwd"}])
    seen = [(step.source, (step.seen - story.start) / timedelta(minutes=1)) for step in story.steps]
    assert seen == [("dwd", 0), ("other", 2), ("other", 7), ("other", 12), ("other", 17)]
    assert story.steps[0].bundle == story.steps[1].bundle


def test_flapping_server_answers_with_the_last_snapshot_once_more(tmp_path: Path) -> None:
    story = told(tmp_path, SNOW, flapping=True)
    minute = timedelta(minutes=1)
    seen = [((step.at - story.start) // minute, (step.seen - story.start) // minute) for step in story.steps]
    assert seen == [(0, 0), (5, 5), (0, 6), (10, 10), (5, 11), (15, 15), (10, 16), (20, 20)]


def test_newer_profile_version_is_a_finding_and_no_more(tmp_path: Path) -> None:
    (alert,) = readable(told(tmp_path, {**SNOW, "profile": "9.9.9"}).messages())
    assert [finding.code for finding in profile.findings(alert)] == ["profile-new", "profile-new"]


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("*.yaml")), ids=lambda path: path.stem)
def test_bundled_story_has_the_form_of_the_standard_and_says_that_it_is_none(path: Path) -> None:
    bodies = [body for body in load(path.stem).messages() if body.rstrip().endswith(b"</alert>")]
    assert bodies
    for body in bodies:
        alert = read_alert(body)
        assert alert.status != "Actual" or profile.is_test(alert)
        assert_form(etree.fromstring(body))


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("*.yaml")), ids=lambda path: path.stem)
def test_bundled_story_is_made_up_and_says_so(path: Path, corpus: Path) -> None:
    schema = etree.XMLSchema(etree.parse(next((corpus / "spec").glob("*.xsd"))))
    for body in load(path.stem).messages():
        try:
            alert = read_alert(body)
        except CapError:
            continue
        assert alert.status != "Actual" or profile.is_test(alert)
        schema.assertValid(etree.fromstring(body))
