"""Messages of our own in the form of the DWD's, and its real ones, by the same names: rules are tried over both.

Nothing in ours is copied: the communes are a lattice with crooked borders around Solingen, whose squares bear numbers
from the catalogue of warn cells. As in real ones, outlines run along the borders of those that are listed, and
outlines and holes touch communes that are not.
"""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import sin
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import shapely
import shapely.affinity
import shapely.geometry

from geofences import District, bundled, load
from warnsys.cap import cells
from warnsys.simulation.message import SENDER, Outline, StoryMessage, Texts, write

SOLINGEN, WUPPERTAL = "805122000", "805124000"
LANGUAGES = ("de", "en", "fr", "es", "ar", "ru", "tr", "pl")
"""Of a message of the DWD, in its order."""


@dataclass(frozen=True)
class DwdMessages:
    snow: bytes
    """Snowfall above 200 m, for Solingen, too: as of 2019, in German only."""
    update: bytes
    """Of `snow`, for more communes."""
    light: bytes
    """Light snowfall, far from Solingen."""
    test: bytes
    """A ZIP with one message: a test, in eight languages, with a hole."""
    snow_id: str
    snow_corner: tuple[float, float]
    """The first point of its first outline."""


@cache
def real(corpus: Path) -> DwdMessages:
    folder = corpus / "dwd"
    snow, update, light = (
        (folder / f"{name}.xml").read_bytes()
        for name in ("schneefall-ab-200m-alert", "schneefall-ab-200m-update", "leichter-schneefall-alert")
    )
    test = (folder / "Z_CAP_C_EDZW_20240423_PVW_STATUS_with_test.zip").read_bytes()
    snow_id = "2.49.0.1.276.0.DWD.PVW.1548604620000.f431e879-0f99-4722-a76b-1c3bb1cbd3ac"
    return DwdMessages(snow, update, light, test, snow_id, (6.058056, 50.851021))


# -- communes ---------------------------------------------------------------------------------------------------------

COLUMNS, ROWS, CENTRE = 14, 10, (7, 5)
SIDE = 6
"""So many points of the lattice lie along a side of a commune."""
Place = tuple[int, int]
Point = tuple[float, float]


def _point(i: int, j: int) -> Point:
    """A point of the lattice, lon and lat, a little beside where it would be."""
    crooked = 0.005 * sin(12.9898 * i + 78.233 * j), 0.003 * sin(39.346 * i + 11.135 * j)
    return round(6.17 + 0.02 * i + crooked[0], 6), round(50.76 + 0.0125 * j + crooked[1], 6)


def _ring(first: Place, last: Place) -> tuple[Point, ...]:
    """The border of the communes from one corner to the other, without the point that closes it."""
    west, south, east, north = first[0] * SIDE, first[1] * SIDE, (last[0] + 1) * SIDE, (last[1] + 1) * SIDE
    return (
        *(_point(i, south) for i in range(west, east)),
        *(_point(east, j) for j in range(south, north)),
        *(_point(i, north) for i in range(east, west, -1)),
        *(_point(west, j) for j in range(north, south, -1)),
    )


def outline(first: Place, last: Place | None = None) -> shapely.Polygon:
    """Of one commune, or of all from one corner to the other."""
    return shapely.Polygon(_ring(first, last or first))


def _away(place: Place) -> int:
    return max(abs(place[0] - CENTRE[0]), abs(place[1] - CENTRE[1]))


@cache
def communes() -> dict[Place, str]:
    """The warn cell of each commune, Solingen's in the middle, from there outwards."""
    known = (cell for cell in sorted(cells.bundled()) if cell.startswith("805") and cell not in (SOLINGEN, WUPPERTAL))
    places = sorted(((x, y) for x in range(COLUMNS) for y in range(ROWS)), key=lambda place: (_away(place), place))
    return dict(zip(places, (SOLINGEN, WUPPERTAL, *known), strict=False))


def districts() -> list[District]:
    """Each commune as a district of one city."""
    names = cells.bundled()
    return [
        District(
            id=cell,
            name=names[cell],
            short_name=cell,
            city="nrw",
            warn_cells=frozenset({cell}),
            geometry=outline(place),
            ground_min_m=None,
            ground_max_m=None,
            ground_source="unknown",
        )
        for place, cell in communes().items()
    ]


def moved_boundary(file: Path) -> Path:
    """The outline of the bundled districts, about 30 m to the north-east."""
    city = shapely.union_all([district.geometry for district in load(bundled())])
    moved = shapely.affinity.translate(city, 3e-4, 2e-4)
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(moved)}
    ]}))  # fmt: skip
    return file


# -- messages ---------------------------------------------------------------------------------------------------------

SENT = datetime(2019, 1, 27, 16, 57, tzinfo=ZoneInfo("Europe/Berlin"))
SNOW_ID = "2.49.0.1.276.0.DWD.PVW.1548604620000.00000000-0000-4000-8000-000000000001"
UPDATE_ID = "2.49.0.1.276.0.DWD.PVW.1548613800000.00000000-0000-4000-8000-000000000002"
LIGHT_ID = "2.49.0.1.276.0.DWD.PVW.1544539320000.00000000-0000-4000-8000-000000000003"
TEST_ID = "2.49.0.0.276.0.DWD.PVW.1713860460000.00000000-0000-4000-8000-000000000004"
HOLES = tuple((CENTRE[0] + x, CENTRE[1] + y) for x in (-2, 2) for y in (-2, 2))
"""Communes that the snow spares."""


@cache
def ours() -> DwdMessages:
    near, far = _snow(3), _snow(4)
    snow, reference = _as_of_2019(_body(near, SNOW_ID)), (f"{SNOW_ID}.DEU", SENT)
    return DwdMessages(
        snow,
        _as_of_2019(_body(far, UPDATE_ID, reference)),
        _as_of_2019(_body(_light(), LIGHT_ID)),
        _zip(f"{TEST_ID}.MUL.xml", write(_test(), SENT.replace(2024, 4, 23, 10, 21), f"{TEST_ID}.MUL", **_NAMES)),
        SNOW_ID,
        near.outlines[0].ring[0],
    )


_NAMES: dict[str, Any] = {"cells": cells.bundled(), "note": "made up"}


def _snow(reach: int) -> StoryMessage:
    """For all communes so near to the middle, but for the holes; the update comes two hours and a half later."""
    (x, y), update = CENTRE, reach > 3
    return StoryMessage(
        key="update" if update else "snow",
        update="snow" if update else "",
        at=153 if update else 0,
        onset=423,
        until=1743,
        status="Actual",
        ii="71",
        groups=("SNOWFALL",),
        severity="Moderate",
        texts=_texts("SCHNEEFALL", "Es schneit oberhalb 200 m, acht bis vierzehn Zentimeter.", ("de", "en")),
        parameters=(("Schneefall", "8-14 [cm]"), ("Staulagen", "<20 [cm]")),
        cells=tuple(_listed(place for place in communes() if _away(place) <= reach and place not in HOLES)),
        outlines=(
            Outline(
                ring=_ring((x - reach, y - reach), (x + reach, y + reach)),
                holes=tuple(_ring(hole, hole) for hole in HOLES),
            ),
        ),
        floor_m=200,
    )


def _light() -> StoryMessage:
    return StoryMessage(
        key="light",
        at=0,
        until=1743,
        status="Actual",
        ii="70",
        groups=("SNOWFALL",),
        severity="Minor",
        texts=_texts("LEICHTER SCHNEEFALL", "Es schneit ein wenig.", ("de", "en")),
        parameters=(("Schneefall", "2-6 [cm]"),),
        cells=tuple(_listed((x, y) for x in range(5) for y in range(2))),
        outlines=(Outline(ring=_ring((0, 0), (4, 1))),),
    )


def _test() -> StoryMessage:
    """For three blocks of communes, one with a hole, and for the quarters of Cologne."""
    blocks = [((0, 0), (4, 3)), ((7, 3), (13, 9)), ((0, 5), (4, 8))]
    hole = (10, 6)
    listed = _listed(
        (x, y)
        for (west, south), (east, north) in blocks
        for x in range(west, east + 1)
        for y in range(south, north + 1)
        if (x, y) != hole
    )
    return StoryMessage(
        key="test",
        at=0,
        until=99,
        status="Test",
        ii="98",
        groups=("TEST",),
        severity="Minor",
        texts=_texts("TEST-WARNUNG", "Test: Heute scheint der Mond.", LANGUAGES),
        cells=(*listed, *(f"70531510{quarter}" for quarter in range(1, 10))),
        outlines=tuple(
            Outline(ring=_ring(*block), holes=(_ring(hole, hole),) if number == 1 else ())
            for number, block in enumerate(blocks)
        ),
    )


def _listed(places: Iterable[Place]) -> list[str]:
    return sorted(communes()[place] for place in places)


def _texts(event: str, description: str, languages: Iterable[str]) -> dict[str, Texts]:
    """German for itself; of the other languages only which it is."""
    german = Texts(event=event, headline=f"Amtliche WARNUNG vor {event}", description=description)
    return {one: german if one == "de" else Texts(event=one, headline=one, description=one) for one in languages}


def _body(message: StoryMessage, identifier: str, reference: tuple[str, datetime] | None = None) -> bytes:
    return write(message, SENT, f"{identifier}.DEU", reference=reference, **_NAMES)


def _as_of_2019(body: bytes) -> bytes:
    """In the profile before 2.1.13: one language, no response, and another sender."""
    german, _, _ = body.decode().partition("</info>")
    for new, old in (("2.1.13", "2.1"), ("<responseType>Prepare", "<responseType>None"), (SENDER, "CAP@dwd.de")):
        assert new in german
        german = german.replace(new, old)
    return f"{german}</info>\n</alert>".encode()


def _zip(name: str, body: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(name, body)
    return content.getvalue()
