"""A geofence file whose outlines are tangled is refused at once; an honest one of any size is read."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from benchmarks.yardstick import timed
from geofences import GeofenceError, GeofenceIndex, bundled, check, load
from geofences.overlap.budget import Budget
from geofences.overlap.sphere import Floats
from geofences.overlap.tangles import is_tangled
from tests.budgets.cases import CENTRE, around, comb, tangle
from tests.geofences.test_geofence_files import feature

SECONDS = 2.0
"""Of processor time."""


def file(path: Path, rings: Iterable[Floats], kind: str = "Polygon") -> Path:
    features: list[dict[str, Any]] = []
    for number, ring in enumerate(rings):
        closed = [np.vstack([ring, ring[:1]]).round(9).tolist()]
        coordinates = closed if kind == "Polygon" else [closed]
        named = feature(id=f"a{number}", short_name=f"A{number}")
        features.append({**named, "geometry": {"type": kind, "coordinates": coordinates}})
    path = path / "fences.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def beside(count: int, points: int, radius: float = 0.002) -> list[Floats]:
    """Outlines that do not touch."""
    across = int(count**0.5) + 1
    return [
        around(points, radius, lon=7 + n % across * 3 * radius, lat=51 + n // across * 3 * radius) for n in range(count)
    ]


def small(ring: Floats, lon: float) -> Floats:
    return np.asarray((ring - CENTRE) / 20 + [lon, 51.0])


HOSTILE = {
    "a comb of 20,000 points": lambda: [comb(10_000)],
    "a tangle": lambda: [tangle(1_300)],
    "a large tangle": lambda: [tangle(50_000)],
    "many tangles": lambda: [small(tangle(1_300, seed=n), 7 + n / 20) for n in range(40)],
    "many tangles of 5,000 points": lambda: [small(tangle(5_000, seed=n), 7 + n / 20) for n in range(40)],
    "combs beside each other": lambda: [small(comb(2_000), 7 + n / 20) for n in range(40)],
}


@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_tangled_outline_is_refused_within_two_seconds_with_file_feature_and_remedy(
    name: str, kind: str, tmp_path: Path
) -> None:
    path = file(tmp_path, HOSTILE[name](), kind)
    content = path.read_bytes()
    with timed() as reading:
        json.loads(content)
    says = ""
    for use in (load, check):
        with timed() as took:
            try:
                found = use(path)
            except GeofenceError as error:
                found, says = [*error.findings], str(error)
        assert took.seconds - reading.seconds < SECONDS
        assert says.startswith(f"{path}: feature ")
        assert {"outline-tangled", "outline-invalid"} & {getattr(one, "code", "") for one in found}


def test_a_tangle_beside_honest_districts_is_the_only_one_refused(tmp_path: Path) -> None:
    rings = beside(30, 500)
    rings[7] = small(comb(10_000), 6.5)
    assert {(one.code, one.feature) for one in check(file(tmp_path, rings)) if one.severity == "error"} == {
        ("outline-tangled", 7)
    }


@pytest.mark.parametrize(("districts", "points"), [(1, 1_000_000), (400, 500)])
def test_honest_vertices_are_read_up_to_a_million(districts: int, points: int, tmp_path: Path) -> None:
    path = file(tmp_path, beside(districts, points, 0.1 if districts == 1 else 0.002))
    assert len(load(path)) == districts


def test_outlines_that_cross_each_other_too_often_are_not_compared(tmp_path: Path) -> None:
    """Each is lawful by itself; their overlays would take minutes."""
    one = comb(300)
    rings = [
        small(ring, 7.0) for turn in range(12) for ring in (one if turn % 2 else (one - CENTRE)[:, ::-1] + CENTRE,)
    ]
    path = file(tmp_path, rings)
    with timed() as took:
        found = check(path)
    assert took.seconds < SECONDS
    assert "borders-tangled" in {one.code for one in found}


def test_an_index_is_not_made_of_a_tangle() -> None:
    district = load(bundled("solingen"))[0]
    with timed() as took, pytest.raises(ValueError, match="too tangled"):
        GeofenceIndex([replace(district, geometry=shapely.Polygon(comb(10_000)))])
    assert took.seconds < SECONDS


@pytest.mark.parametrize("left_s", [0.0, 0.0001, 0.8])
def test_a_tangle_that_is_refused_leaves_a_file_a_quarter_of_its_budget(left_s: float) -> None:
    budget = Budget(left_s=left_s)
    assert is_tangled(shapely.Polygon(tangle(20_000)), budget)
    assert budget.left_s == pytest.approx(left_s / 4)
