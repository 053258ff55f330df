"""Four hundred districts under hostile outlines: decided within the budget, nobody is left out."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import shapely

from benchmarks.yardstick import timed
from geofences import Area, Budget, GeofenceIndex, bundled, load
from geofences.overlap import overlaps as overlap
from geofences.overlap.budget import TooDearError
from geofences.overlap.overlaps import Fences
from geofences.overlap.sphere import Floats
from tests.budgets.cases import LAT, LON, around, comb, spiral, star, tangle

SECONDS, SIDE, WIDTH = 2.0, 20, 0.03


def grid(points: int = 1) -> GeofenceIndex:
    """Each side of a district in so many parts."""
    pattern, *_ = load(bundled("solingen"))
    made = []
    for number in range(SIDE * SIDE):
        west = LON - 0.3 + number % SIDE * WIDTH
        south = LAT - 0.3 + number // SIDE * WIDTH
        box = shapely.box(west, south, west + WIDTH, south + WIDTH)
        made.append(replace(pattern, id=f"g{number:03}", geometry=shapely.segmentize(box, WIDTH / points)))
    return GeofenceIndex(made)


FINE, PLAIN = grid(25), grid()
HOSTILE: dict[str, Callable[[], list[Floats]]] = {
    "tangle": lambda: [tangle(1_300)],
    "200 tangles": lambda: [tangle(300, seed=n) for n in range(200)],
    "200 small tangles": lambda: [tangle(60, seed=n) for n in range(200)],
    "80 large tangles": lambda: [tangle(5_000, seed=n) for n in range(80)],
    "comb that can be paid": lambda: [comb(300)],
    "comb": lambda: [comb(2_000)],
    "large comb": lambda: [comb(50_000)],
    "200 combs": lambda: [comb(60) + np.array([0, n / 1_000]) for n in range(200)],
    "star": lambda: [star(1_000)],
    "spiral": lambda: [spiral(100_000)],
    "noisy ring": lambda: [around(6_208, noise=0.001)],
}


@pytest.mark.parametrize("index", [PLAIN, FINE], ids=["plain", "fine"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_outlines_over_many_districts_are_decided_within_two_seconds(name: str, index: GeofenceIndex) -> None:
    areas = [Area(polygons=[shapely.Polygon(ring) for ring in HOSTILE[name]()])]
    with timed() as took:
        matched = [match for match in index.match(areas).concerned if match.matched]
    assert took.seconds < SECONDS
    assert len(matched) > 200


def test_whoever_is_warned_exactly_is_warned_by_what_replaces_it_among_many_districts_too() -> None:
    for seed in range(5):
        areas = [Area(polygons=[shapely.Polygon(tangle(40, 0.1, seed)), shapely.Polygon(comb(20))])]
        exact = {match.district.id for match in PLAIN.match(areas, budget=Budget(1e9)).concerned if match.matched}
        cautious = {match.district.id for match in PLAIN.match(areas, budget=Budget(0)).concerned if match.matched}
        assert exact <= cautious


def test_more_near_pairs_of_outlines_and_fences_than_are_held_are_too_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    fences = Fences(np.array([district.geometry for district in FINE.districts]))
    outlines = [shapely.Polygon(comb(300))]
    fences.overlaps(outlines)
    monkeypatch.setattr(overlap, "_MOST_NEAR", 100)
    monkeypatch.setattr(overlap, "_MORE_PER_STRETCH", 0)
    with pytest.raises(TooDearError):
        fences.overlaps(outlines)


def test_an_outline_that_reaches_farther_than_any_map_warns_what_its_box_touches() -> None:
    outline = shapely.Polygon([(LON, LAT), (2_000, LAT), (2_000, LAT + 1)])
    budget = Budget()
    matches = PLAIN.match([Area(polygons=[outline])], budget=budget)
    assert "outline-box" in budget.take_codes()
    assert {PLAIN.districts[position].id for position in matches.warned_at} == {
        district.id for district in PLAIN.districts if shapely.box(*outline.bounds).intersects(district.geometry)
    }


def test_what_is_too_dear_to_be_cut_with_fences_is_its_hull_then_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    areas = [Area(polygons=[shapely.Polygon(comb(300))])]
    exact = {match.district.id for match in FINE.match(areas).concerned if match.matched}
    found = []
    for most in (10_000, 400, 10):
        monkeypatch.setattr(overlap, "_MOST_NEAR", most)
        monkeypatch.setattr(overlap, "_MORE_PER_STRETCH", 0)
        budget = Budget()
        warned = {match.district.id for match in FINE.match(areas, budget=budget).concerned if match.matched}
        assert exact <= warned
        assert "outlines-hull" in budget.take_codes()
        found.append(warned)
    assert found[0] <= found[-1]
