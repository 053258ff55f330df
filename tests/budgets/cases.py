"""Messages that are small or lawful in form and dear to read, to match or to carry: each a kind of attack or mishap.

All lie over Solingen, and are made with a seed, so that each run sees the same bytes.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

from geofences.overlap.sphere import Floats

LON, LAT = 7.08, 51.17
CENTRE = np.array([LON, LAT])
OURS, OTHERS = "805122000", "805111000"


def alert(*infos: str, identifier: str = "hostile", msg_type: str = "Alert", head: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{identifier}</identifier><sender>opendata@dwd.de</sender><sent>2027-07-14T12:00:00+00:00</sent>"
        f"<status>Actual</status><msgType>{msg_type}</msgType><scope>Public</scope>{head}{''.join(infos)}</alert>"
    ).encode()


def info(*areas: str, severity: str = "Severe", language: str = "de-DE", group: str = "RAIN", more: str = "") -> str:
    return (
        f"<info><language>{language}</language><category>Met</category><event>STARKREGEN</event>"
        f"<urgency>Immediate</urgency><severity>{severity}</severity><certainty>Likely</certainty>"
        f"{named('eventCode', 'GROUP', group)}<expires>2027-07-14T18:00:00+00:00</expires>{more}{''.join(areas)}</info>"
    )


def named(element: str, name: str, value: str) -> str:
    return f"<{element}><valueName>{name}</valueName><value>{value}</value></{element}>"


def area(*parts: str, desc: str = "x") -> str:
    return f"<area><areaDesc>{desc}</areaDesc>{''.join(parts)}</area>"


def cell(number: str) -> str:
    return named("geocode", "WARNCELLID", number)


def points(ring: Floats, digits: int = 5) -> str:
    """A ring of (lon, lat), closed, as CAP writes it."""
    return " ".join(f"{lat:.{digits}f},{lon:.{digits}f}" for lon, lat in np.vstack([ring, ring[:1]]).tolist())


def polygon(ring: Floats, digits: int = 5) -> str:
    return f"<polygon>{points(ring, digits)}</polygon>"


def hole(ring: Floats, digits: int = 5) -> str:
    return named("geocode", "EXCLUDE_POLYGON", points(ring, digits))


# -- rings ----------------------------------------------------------------------------------------------------------


def around(count: int, radius: float = 0.3, noise: float = 0.0, lon: float = LON, lat: float = LAT) -> Floats:
    """A round outline, each point moved a little."""
    turn = np.linspace(0, 2 * math.pi, count, endpoint=False)
    ring = np.column_stack([lon + radius * np.cos(turn), lat + radius * np.sin(turn)])
    return np.asarray(ring + np.random.default_rng(1).uniform(-noise, noise, ring.shape))


def tangle(count: int, size: float = 0.3, seed: int = 1) -> Floats:
    """Points that lost their order."""
    return np.asarray(np.random.default_rng(seed).uniform(-size, size, (count, 2)) + CENTRE)


def star(spikes: int) -> Floats:
    """Spikes that all touch in one point."""
    turn = np.sort(np.random.default_rng(1).uniform(0, 2 * math.pi, 2 * spikes)).reshape(-1, 2)
    ring = np.zeros((spikes, 3, 2))
    ring[:, 1:, 0], ring[:, 1:, 1] = 0.3 * np.cos(turn), 0.3 * np.sin(turn)
    return np.asarray(ring.reshape(-1, 2) + CENTRE)


def comb(teeth: int) -> Floats:
    """Slanting teeth: valid, and all of them within the boxes of all others."""
    x = np.arange(teeth) / teeth * 0.3
    ring = np.empty((2 * teeth, 2))
    ring[0::2] = np.column_stack([x, np.zeros(teeth)])
    ring[1::2] = np.column_stack([x + 0.3 + 0.15 / teeth, np.full(teeth, 0.3)])
    ring = np.vstack([ring, [[0.7, 0.0], [0.7, -0.1], [-0.1, -0.1]]])
    return np.asarray(ring + CENTRE - np.array([0.3, 0.1]))


def spiral(count: int) -> Floats:
    turn = np.linspace(0, 100 * math.pi, count // 2)
    arms = [
        np.column_stack([LON + r * np.cos(turn), LAT + r * np.sin(turn)])
        for r in (0.01 + turn / 1_000, 0.012 + turn / 1_000)
    ]
    return np.vstack([arms[0], arms[1][::-1]])


def squares(count: int, size: float, reach: float = 0.1) -> Iterable[Floats]:
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size
    for corner in np.random.default_rng(1).uniform(-reach, reach, (count, 2)) + CENTRE:
        yield corners + corner


def holed(count: int, seed: int = 0) -> Iterable[str]:
    """Areas of four random points with a hole of four others each."""
    rings = np.random.default_rng(seed).uniform(-0.3, 0.3, (count, 2, 4, 2)) + CENTRE
    return (area(polygon(outer), hole(inner)) for outer, inner in rings)


def circles(count: int) -> Iterable[str]:
    for lon, lat in (np.random.default_rng(1).uniform(-0.1, 0.1, (count, 2)) + CENTRE).tolist():
        yield f"<circle>{lat:.5f},{lon:.5f} {1 + lon:.3f}</circle>"


def references(count: int) -> str:
    return " ".join(f"opendata@dwd.de,2.49.0.0.276.0.DWD.{n},2027-07-14T10:00:00Z" for n in range(count))


_SHORT_INFO = (
    "<info><event>x</event><urgency>Past</urgency><severity>Minor</severity><certainty>Likely</certainty>"
    f"<area>{cell(OURS)}</area></info>"
)

# -- messages -------------------------------------------------------------------------------------------------------

CASES: dict[str, Callable[[], bytes]] = {
    "tangled outline": lambda: alert(info(area(polygon(tangle(1_300))))),
    "tangled outline beside a cell of ours": lambda: alert(info(area(polygon(tangle(1_300)), cell(OURS)))),
    "tangled outline beside a cell of others": lambda: alert(info(area(polygon(tangle(1_300)), cell(OTHERS)))),
    "tangle that just can be paid": lambda: alert(info(area(polygon(tangle(150))))),
    "noisy ring of 6,208 points": lambda: alert(info(area(polygon(around(6_208, noise=0.01))))),
    "slightly noisy ring of 6,208 points": lambda: alert(info(area(polygon(around(6_208, noise=0.0006))))),
    "200,000 points in disorder": lambda: alert(info(area(polygon(tangle(200_000))))),
    "honest ring of 200,000 points": lambda: alert(info(area(polygon(around(200_000), 6)))),
    "200 tangled rings in one area": lambda: alert(info(area(*(polygon(tangle(300, seed=n)) for n in range(200))))),
    "200 tangled rings in 200 areas": lambda: alert(info(*(area(polygon(tangle(300, seed=n))) for n in range(200)))),
    "200 tangled rings in 200 infos": lambda: alert(
        *(info(area(polygon(tangle(300, seed=n))), group=f"G{n}") for n in range(200))
    ),
    "star of 1,000 spikes": lambda: alert(info(area(polygon(star(1_000), 7)))),
    "comb of 2,000 teeth": lambda: alert(info(area(polygon(comb(2_000), 7)))),
    "comb of 50,000 teeth": lambda: alert(info(area(polygon(comb(50_000), 7)))),
    "spiral of 100,000 points": lambda: alert(info(area(polygon(spiral(100_000), 7)))),
    "tangled hole": lambda: alert(info(area(polygon(around(100)), hole(tangle(1_300, 0.1))))),
    "5,000 holes in 5,000 outlines": lambda: alert(
        info(area(*map(polygon, squares(5_000, 0.01)), *map(hole, squares(5_000, 0.005))))
    ),
    "1,000 holes in one outline": lambda: alert(info(area(polygon(around(400)), *map(hole, squares(1_000, 0.005))))),
    "1,000 overlapping outlines": lambda: alert(info(area(*map(polygon, squares(1_000, 0.1))))),
    "3,000 circles over each other": lambda: alert(info(area(*circles(3_000)))),
    "100,000 circles": lambda: alert(info(area(*circles(100_000)))),
    "circles beyond the earth": lambda: alert(info(area("<circle>51,7 30000</circle>"))),
    "a circle of no number": lambda: alert(info(area("<circle>51,7 NaN</circle>"))),
    "a circle of less than nothing": lambda: alert(info(area("<circle>51,7 -1</circle>"))),
    "a circle round half the earth": lambda: alert(info(area("<circle>51,7 10000</circle>"))),
    "coordinates of no number": lambda: alert(info(area("<polygon>NaN,7 51,8 52,7 NaN,7</polygon>"))),
    "coordinates beyond all numbers": lambda: alert(info(area("<polygon>1e999,7 51,8 52,7 1e999,7</polygon>"))),
    "65,000 areas": lambda: alert(
        info(*(f"<area><polygon>51,7 51,7.{n % 10}1 51.1,7.1 51,7</polygon></area>" for n in range(65_000)))
    ),
    "19,000 areas without cells": lambda: alert(
        info(*(f"<area><polygon>51,7 52,7.{n:05} 51.1,7.9 51,7</polygon></area>" for n in range(19_000)))
    ),
    "19,000 areas with cells and outlines": lambda: alert(
        info(*(area(cell(OURS), "<polygon>51,7 51,8 52,7 51,7</polygon>", desc="") for _ in range(19_000)))
    ),
    "19,000 circles": lambda: alert(info(area(*circles(19_000)))),
    "28,000 areas with cells and outlines": lambda: alert(
        info(*(area(cell(OURS), "<polygon>51,7 51,8 52,7 51,7</polygon>", desc="") for _ in range(28_000)))
    ),
    "1,000 areas of a tangle and a hole each": lambda: alert(info(*holed(1_000))),
    "9,000 areas of a tangle and a hole each": lambda: alert(info(*holed(9_000))),
    "9,000 areas of a tangle each": lambda: alert(info(*(area(polygon(tangle(4, seed=n))) for n in range(9_000)))),
    "9,000 holes in one outline": lambda: alert(
        info(area(polygon(around(300)), *(hole(tangle(4, seed=n)) for n in range(9_000))))
    ),
    "3,900 infos of a tangle each": lambda: alert(
        *(info(area(polygon(tangle(5, seed=n))), group=f"G{n}") for n in range(3_900))
    ),
    "1,900 infos of a tangle and a hole each": lambda: alert(
        *(info(*holed(1, n), group=f"G{n}") for n in range(1_900))
    ),
    "3,900 infos of one outline": lambda: alert(
        *(info(area(polygon(around(4, 0.2))), group=f"G{n}") for n in range(3_900))
    ),
    "1,000 infos of 18 circles": lambda: alert(*(info(area(*circles(18)), group=f"G{n}") for n in range(1_000))),
    "15,000 equal squares at 15,000 heights": lambda: alert(
        info(*(f"<area>{polygon(around(4, 0.2))}<altitude>{n}</altitude></area>" for n in range(15_000)))
    ),
    "9,000 tangles and holes at 9,000 heights": lambda: alert(
        info(*(each.replace("</area>", f"<altitude>{n}</altitude></area>") for n, each in enumerate(holed(9_000))))
    ),
    "900,000 empty elements": lambda: alert(info(area(cell(OURS)), more="<x/>" * 900_000)),
    "50,000 geocodes": lambda: alert(info(area(*(cell(f"8{n:08}") for n in range(50_000)), cell(OURS)))),
    "areas with 5,000 bands of heights": lambda: alert(
        info(*(f"<area>{polygon(ring)}<altitude>{n}</altitude></area>" for n, ring in enumerate(squares(5_000, 0.05))))
    ),
    "20,000 infos": lambda: alert(*(_SHORT_INFO for _ in range(20_000))),
    "2,000 infos in 40 languages": lambda: alert(
        *(info(area(cell(OURS)), language=f"l{n % 40}", group=f"G{n // 40}") for n in range(2_000))
    ),
    "2,000 infos with an outline each": lambda: alert(
        *(info(area(polygon(ring)), group=f"G{n}") for n, ring in enumerate(squares(2_000, 0.1)))
    ),
    "a text of a megabyte": lambda: alert(
        info(area(cell(OURS)), more=f"<headline>{'ä ' * 500_000}</headline><description>{'b' * 10**6}</description>")
    ),
    "elements within each other": lambda: alert(info(area(cell(OURS), "<a>" * 5_000 + "</a>" * 5_000))),
    "100,000 attributes": lambda: alert(
        info(area(cell(OURS)), more="<web " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>")
    ),
    "40,000 parameters": lambda: alert(
        info(area(cell(OURS)), more="".join(named("parameter", "gusts", f"{n} km/h") for n in range(40_000)))
    ),
    "a Cancel of 62,000 messages": lambda: alert(
        msg_type="Cancel", head=f"<references>{references(62_000)}</references>"
    ),
    "an Update of 62,000 messages": lambda: alert(
        info(area(cell(OURS))), msg_type="Update", head=f"<references>{references(62_000)}</references>"
    ),
    "1,000,000 references of no form": lambda: alert(
        info(area(cell(OURS))), msg_type="Update", head=f"<references>{'x ' * 1_000_000}</references>"
    ),
    "an identifier of 80 kB": lambda: alert(info(area(cell(OURS))), identifier="a" + ".DWD." * 16_000),
    "a million points": lambda: alert(info(area("<polygon>" + "51,7 52,8 51,8 " * 260_000 + "51,7</polygon>"))),
}
