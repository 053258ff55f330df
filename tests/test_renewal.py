"""Geofences that change while the system runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import mapping, shape

from geofences import bundled
from streams.kafka.records import ConsumedRecord, MemorySender
from streams.kafka.topics import Topics
from streams.worker.remembered import MemoryStateStore
from streams.worker.settle import SettleAgent
from tests.support import at
from warnsys.cap import read_bundle
from warnsys.cap.dwd import without_language
from warnsys.metrics import Metrics
from warnsys.partition import Offline, Partition
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import AlertHeaders, Snapshot, SteleRecord, Tick
from warnsys.renewal import Renewed, watch
from warnsys.settings import Settings, parse
from warnsys.simulation.scenario import load as load_scenario


class Enough(Exception):
    """The test has seen enough."""


class Looks:
    """Changes a file between two looks; ends the watching when nothing is left to do."""

    def __init__(self, *changes: Any) -> None:
        self.changes = list(changes)

    async def __call__(self, _: float) -> None:
        if not self.changes:
            raise Enough
        self.changes.pop(0)()


def settings_of(path: Path) -> Settings:
    return parse({"stage": "exercise", "cities": [{"id": "solingen", "name": "Solingen", "geofences": str(path)}]})


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    path = tmp_path / "solingen.geojson"
    path.write_bytes(bundled().read_bytes())
    return path


def rename(path: Path, to: Path, old: str, new: str) -> None:
    to.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def take_away(path: Path) -> None:
    """The last district."""
    collection = json.loads(path.read_text("utf-8"))
    collection["features"].pop()
    path.write_text(json.dumps(collection), "utf-8")


async def test_a_good_change_is_taken(fences: Path) -> None:
    with pytest.raises(Renewed):
        await watch(settings_of(fences), Looks(lambda: take_away(fences)))


async def test_a_bad_change_is_refused_with_its_reason_and_the_old_version_goes_on(
    fences: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Enough):
        await watch(settings_of(fences), Looks(lambda: fences.write_text("{"), lambda: None))
    assert "solingen.geojson" in caplog.text


async def test_one_citys_district_with_the_id_of_anothers_is_refused_with_both_files_and_nobody_ends(
    fences: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other.geojson"
    rename(fences, other, '"solingen', '"other')
    cities = [("solingen", fences), ("other", other)]
    settings = parse(
        {"stage": "exercise", "cities": [{"id": i, "name": i, "geofences": str(path)} for i, path in cities]}
    )
    with pytest.raises(Enough):
        await watch(settings, Looks(lambda: rename(other, other, '"other-1"', '"solingen-1"'), lambda: None))
    said = "district 'solingen-1' of other has the id of a district of solingen"
    assert f"{other}: {said} ({fences}): give each its own id" in caplog.text


async def test_a_file_that_comes_back_as_it_was_changes_nothing(fences: Path) -> None:
    looks = Looks(fences.unlink, lambda: fences.write_bytes(bundled().read_bytes()), lambda: None)
    with pytest.raises(Enough):
        await watch(settings_of(fences), looks)


def split(path: Path) -> None:
    """The first district as two halves, west and east."""
    collection = json.loads(path.read_text("utf-8"))
    whole, *others = collection["features"]
    west, south, east, north = shape(whole["geometry"]).bounds
    middle = (west + east) / 2
    halves = []
    for name, box in (("west", (west, south, middle, north)), ("east", (middle, south, east, north))):
        half = shapely.intersection(shape(whole["geometry"]), shapely.box(*box))
        properties = {**whole["properties"], "id": f"{whole['properties']['id']}-{name}"}
        halves.append({"type": "Feature", "properties": properties, "geometry": mapping(half)})
    path.write_text(json.dumps({**collection, "features": [*halves, *others]}), "utf-8")


async def test_a_district_split_while_a_warning_stands_has_no_half_that_is_ever_clear(fences: Path) -> None:
    """From the old version's state on, through every record of the republished feed, to the warned halves."""
    story = load_scenario("storm")
    step = next(step for step in story.steps if len(read_bundle(step.bundle)) >= 2)
    before = Offline(settings_of(fences))
    before.tick(step.at)
    await publish(before, step)
    whole = next(iter(before.cities["solingen"].place.districts)).id
    assert before.situations()["solingen"].districts[whole].status == "warned"

    split(fences)
    after = Offline(settings_of(fences))
    after.partition = Partition(after.cities, before.partition.ledger, before.partition.states)
    after.tick(step.at)
    await publish(after, step)
    halves = [n for n in after.notices if isinstance(n, SteleRecord) and n.district.startswith(f"{whole}-")]
    assert {record.status for record in halves} == {"no_data", "warned"}
    last = {record.district: record.status for record in halves}
    assert last == {f"{whole}-west": "warned", f"{whole}-east": "warned"}


async def publish(offline: Offline, step: Any) -> None:
    members = read_bundle(step.bundle)
    for member in members:
        headers = AlertHeaders(
            stage=offline.stage, source="dwd", id=without_language(member.stem), stamp=step.at, seen=step.at
        )
        await offline.alert(headers, member.body)
        offline.tick(step.at)
    ids = tuple(without_language(member.stem) for member in members)
    await offline.snapshot(Snapshot(stage=offline.stage, source="dwd", stamp=step.at, checked=step.at, ids=ids))
    offline.tick(step.at)


async def test_a_district_that_is_gone_gets_its_tombstone(fences: Path) -> None:
    old, topics = settings_of(fences), Topics("exercise", 1)
    store, sender = MemoryStateStore(), MemorySender()
    tick = ConsumedRecord("impacts", 0, 1, b"", Tick(stage="exercise", at=at(0)).to_bytes(), {}, 0.0)
    settled = agent(old, topics, sender, store)
    await settled.handle(tick)
    await settled.flush(tick)
    shown = {record.key for record in sender.records}

    take_away(fences)
    sender.records.clear()
    await agent(old, topics, sender, store).handle(ConsumedRecord("impacts", 0, 2, b"", tick.value, {}, 0.0))
    stones = {record.key for record in sender.records if record.value is None}
    kept = {district.id for district in matcher_for(old).index.districts}
    assert stones == shown - kept
    assert len(stones) == 1


def agent(settings: Settings, topics: Topics, sender: MemorySender, store: MemoryStateStore) -> SettleAgent:
    return SettleAgent(cities_for(settings, matcher_for(settings)), topics, sender, store, Metrics())
