"""The canary can never look real, and a live city never sees it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from geofences import bundled, load
from tests.streams.test_agents import Bench
from tests.support import NOON
from warnsys.cap import read_alert
from warnsys.cap.cells import catalogue
from warnsys.metrics import Metrics
from warnsys.partition import Offline
from warnsys.pipeline import ForeignStageError, matcher_for
from warnsys.records import AlertHeaders, Notice
from warnsys.settings import Settings, parse
from warnsys.simulation import canary

NAME = canary.identifier(NOON, 1)


def live(geofences: Path) -> Settings:
    return parse({"cities": [{"id": canary.CITY, "name": "x", "geofences": str(geofences)}]})


def headers(stage: str) -> AlertHeaders:
    return AlertHeaders(stage=stage, source=canary.SOURCE, id=NAME, stamp=NOON, seen=NOON)


def test_a_live_matcher_decides_it_not_live_even_for_its_own_district() -> None:
    decided = matcher_for(live(canary.GEOFENCES)).decide_bytes(canary.alert(NAME, NOON), headers("live")).outcome
    assert (decided.decided, decided.reason) == ("not_live", "exercise")


async def test_a_live_worker_refuses_its_records() -> None:
    bench = Bench()
    record = bench.alert(canary.alert(NAME, NOON), stage=canary.STAGE, source=canary.SOURCE)
    with pytest.raises(ForeignStageError):
        await bench.match.handle(record)


def test_its_district_is_no_place_of_any_city_and_its_cell_no_cell() -> None:
    (district,) = load(canary.GEOFENCES)
    assert all(district.geometry.disjoint(other.geometry) for other in load(bundled()))
    assert not district.warn_cells & catalogue().keys()
    alert = read_alert(canary.alert(NAME, NOON))
    assert all(not area.geocodes for info in alert.infos for area in info.areas)


def test_both_stages_are_exercises_with_topics_of_their_own() -> None:
    for stage in (canary.STAGE, canary.BY_HAND):
        settings = canary.canary_settings(live(bundled()), "http://localhost/x.zip", stage)
        assert settings.exercise
        assert settings.broker.partitions == 1


async def test_whatever_it_says_is_marked_in_every_language() -> None:
    settings = canary.canary_settings(live(bundled()), "http://localhost/x.zip", canary.STAGE)
    offline = Offline(settings)
    offline.tick(NOON)
    await offline.alert(headers(canary.STAGE), canary.alert(NAME, NOON))
    assert {notice.exercise for notice in offline.notices} == {True}
    for said in (text for notice in offline.notices for text in texts(notice)):
        assert said.startswith(("ÜBUNG", "EXERCISE"))


def texts(notice: Notice) -> list[str]:
    """What is read first on each channel."""
    first = getattr(notice, "summary", None) or getattr(notice, "title", None)
    return list(first.values()) if first else [getattr(notice, "text", "")]


def test_its_end_names_what_it_ends_and_when_that_was_sent() -> None:
    (reference,) = read_alert(canary.cancel("x", NAME, NOON)).references
    assert (reference.sender, reference.identifier, reference.sent) == (
        canary.SENDER,
        NAME,
        "2027-07-14T12:00:00-00:00",
    )


def test_a_run_that_came_back_sets_the_figures_and_a_lost_one_does_not() -> None:
    metrics, started = Metrics(), datetime(2027, 7, 14, 12, tzinfo=UTC).timestamp()
    canary.Run(started, {}, "no stele showed it within 60 s").count(metrics)
    assert metrics.registry.get_sample_value("warnsys_canary_back_timestamp_seconds") == 0
    assert metrics.registry.get_sample_value("warnsys_canary_runs_total", {"result": "missing"}) == 1
    run = canary.Run(started, {"polled": 0.25, "back": 1.0, "ended": 1.5})
    run.count(metrics)
    assert metrics.registry.get_sample_value("warnsys_canary_back_timestamp_seconds") == started + 1.5
    assert metrics.registry.get_sample_value("warnsys_canary_step_seconds", {"step": "back"}) == 0.75
    assert metrics.registry.get_sample_value("warnsys_canary_step_seconds", {"step": "there"}) == 1.0
