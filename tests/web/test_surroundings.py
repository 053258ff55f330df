"""What lies around a city is drawn with its name, from the geofences alone."""

import asyncio
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from shapely.geometry import shape

from geofences import GeofenceIndex, load
from tests.geofences.fences import block, fence, write
from tests.support import City, snapshot, tick
from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk, settings
from warnsys.pipeline import cities_for, matcher_for
from warnsys.web import desk_pages
from warnsys.web.pictures import THREADS
from warnsys.web.surroundings import MOST, surroundings


def desk(path: Path) -> Desk:
    """Over the city in the middle of a file."""
    made = Desk(settings([{"id": "ort", "name": "Ort", "geofences": str(path)}], open=True))
    matcher = matcher_for(made.settings)
    made.set_up(City(cities_for(made.settings, matcher)["ort"], id="ort"), matcher)
    return made


def with_neighbours(folder: Path) -> Desk:
    """One district, a neighbour on each side, and one far away."""
    return desk(
        write(
            folder / "ort.geojson",
            fence("mitte", block(0, 0, 1000, 1000)),
            fence("west", block(-900, 0, 900, 1000), city="westort", short_name="Westort"),
            fence("ost", block(1000, 0, 9000, 1000), city="ostort", short_name="Ostort"),
            fence("far", block(50_000, 0, 1000, 1000), city="fernort"),
        )
    )


@pytest.fixture
def town(tmp_path: Path) -> Desk:
    return with_neighbours(tmp_path)


def test_neighbours_of_the_same_file_are_drawn_as_far_as_they_can_be_seen(town: Desk) -> None:
    found = town.operators.get("/umgebung.geojson").json()["features"]
    assert [(one["properties"]["around"], one["properties"]["name"]) for one in found] == [
        ("ort", "Ostort"), ("ort", "Westort"),
    ]  # fmt: skip
    city = town.city.rules.place.districts[0].geometry
    for one in found:
        drawn = shape(one["geometry"])
        assert drawn.is_valid
        assert drawn.intersection(city).area == 0
        assert drawn.distance(city) == pytest.approx(0, abs=1e-9)
        west, _, east, _ = drawn.bounds
        assert east - west < 1.01 * (city.bounds[2] - city.bounds[0])
        lon, lat = one["properties"]["at"]
        assert min(abs(lon - city.bounds[0]), abs(lon - city.bounds[2])) < 0.11 * (city.bounds[2] - city.bounds[0])
        assert city.bounds[1] < lat < city.bounds[3]


def test_a_neighbour_warns_nobody_and_stands_in_no_list(town: Desk) -> None:
    town.take(tick(0), snapshot(0))
    assert [one["id"] for one in town.operators.get("/api/v1/districts").json()] == ["mitte"]
    assert "Westort" not in town.page("/")
    assert town.operators.get("/bezirk/west").status_code == 404


def test_cities_that_are_warned_from_here_are_neighbours_of_each_other(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{name}.geojson", fence(name, block(west, 0, 1000, 1000), city=name, short_name=name))
        for name, west in (("ahaus", 0), ("bhaus", 1000))
    ]
    made = settings([{"id": path.stem, "name": path.stem, "geofences": str(path)} for path in paths])
    districts = [one for path in paths for one in load(path)]
    found = surroundings(made.cities, GeofenceIndex(districts).districts)
    assert [(one["properties"]["around"], one["properties"]["name"]) for one in found] == [
        ("ahaus", "bhaus"), ("bhaus", "ahaus"),
    ]  # fmt: skip


def test_a_city_without_neighbours_and_a_file_that_is_gone_have_none(tmp_path: Path) -> None:
    alone = desk(write(tmp_path / "ort.geojson", fence("mitte", block(0, 0, 1000, 1000))))
    (tmp_path / "ort.geojson").unlink()
    assert alone.operators.get("/umgebung.geojson").json()["features"] == []


def test_no_more_are_drawn_than_can_be_told_apart(tmp_path: Path) -> None:
    strips = [fence(f"n{number}", block(1000 + number, 0, 1, 1000), city="dort") for number in range(MOST + 9)]
    crowd = desk(write(tmp_path / "ort.geojson", fence("mitte", block(0, 0, 1000, 1000)), *strips))
    found = json.loads(crowd.operators.get("/umgebung.geojson").text)["features"]
    assert [one["properties"]["name"] for one in found[:2]] == ["n0", "n1"]
    assert len(found) == MOST


async def test_they_are_worked_out_once_and_take_no_page_the_thread_to_be_worded_in(
    town: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = list[int](), threading.Event()

    def slowly(*_: object) -> list[dict[str, Any]]:
        begun.append(len(begun))
        assert released.wait(60)
        return []

    monkeypatch.setattr(desk_pages, "surroundings", slowly)
    async with served(town) as address, httpx.AsyncClient(base_url=address, auth=LOGIN, timeout=20) as http:
        asked = []
        try:
            for _ in range(THREADS + 1):
                town.now += timedelta(seconds=5)  # a picture of its own
                asked.append(asyncio.create_task(http.get("/umgebung.geojson")))
                assert (await http.get("/hilfe")).status_code == 200
            asked.pop().cancel()  # whoever goes away ends it for nobody
        finally:
            released.set()
        assert [one.json()["features"] for one in await asyncio.gather(*asked)] == [[]] * THREADS
    assert begun == [0]


def test_the_surroundings_are_the_operators() -> None:
    assert Desk().operators.get("/umgebung.geojson").status_code == 401
    assert Desk().operators.get("/umgebung.geojson", auth=LOGIN).status_code == 200
    assert Desk().public.get("/umgebung.geojson").status_code == 404
