"""What is wrong, mended, new or worth knowing in files of CAP: `warnsys check`.

The reader's own findings, and those that need a clock, geometry or a catalogue, which the hot path does without.
"""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal

import numpy as np
import shapely

from geofences.overlap.budget import Budget
from geofences.overlap.tangles import PROBLEM, is_tangled
from geofences.polygons import crosses_180
from warnsys.cap import Alert, CapError, Finding, dwd, read_alert, read_bundle
from warnsys.cap.codes import CODES, Level
from warnsys.cap.document import ZONE
from warnsys.cap.languages import places
from warnsys.cap.model import Area, Info
from warnsys.disk import cap_files, content_of
from warnsys.warning.matching import is_swapped

ZIP_MAGIC = b"PK"
CLOCKS_DIFFER = timedelta(minutes=5)

CheckVerdict = Literal["ok", "mended", "rejected"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding with its level and what to do."""

    code: str
    level: Level
    xpath: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One message."""

    file: str
    """A member of a ZIP stands behind the ZIP's name and a slash."""
    identifier: str
    verdict: CheckVerdict
    findings: tuple[Advice, ...]

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def check(path: Path, now: datetime, known_cells: Collection[str] = (), zone: tzinfo = ZONE) -> Iterator[Checked]:
    """Every message of a CAP file, a ZIP, or a folder of them, in the order of names. Raises `OSError`.

    `known_cells` is the catalogue of warn cells; without it none is called new. `zone` is where the clocks go of a
    sender that writes times without an offset.
    """
    for file in cap_files(path):
        yield from check_content(str(file), content_of(file), now, known_cells, zone)


def check_content(
    file: str, content: bytes, now: datetime, known_cells: Collection[str] = (), zone: tzinfo = ZONE
) -> Iterator[Checked]:
    """Every message of a file's bytes: one, or those of a ZIP."""
    if not content.startswith(ZIP_MAGIC):
        yield check_message(file, content, now, known_cells, zone)
        return
    try:
        members = read_bundle(content)
    except CapError as error:
        yield _rejected(file, error)
        return
    for member in members:
        name = f"{file}/{member.name}"
        if member.error:
            yield _rejected(name, member.error)
        else:
            yield check_message(name, member.body, now, known_cells, zone)


def check_message(
    file: str, body: bytes, now: datetime, known_cells: Collection[str] = (), zone: tzinfo = ZONE
) -> Checked:
    try:
        alert = read_alert(body, zone=zone)
    except CapError as error:
        return _rejected(file, error)
    new_cells = dwd.new_cells(alert, known_cells) if known_cells else ()
    found = [*alert.findings, *dwd.findings(alert), *_examine(alert, now), *new_cells]
    once = {(one.code, one.text): one for one in reversed(found)}  # every language repeats what is odd
    told = tuple(_told(one.code, one.where, one.text) for one in found if once[one.code, one.text] is one)
    mended = any(one.level == "mended" for one in told)
    return Checked(file, alert.identifier, "mended" if mended else "ok", told)


def _rejected(file: str, error: CapError) -> Checked:
    return Checked(file, "", "rejected", (_told(error.code, error.where, error.text),))


def _told(code: str, where: str, text: str) -> Advice:
    known = CODES[code]
    remedy = "" if known.remedy == "nothing to do" or known.remedy in text else f"; {known.remedy}"
    return Advice(code, known.level, where, f"{text}: {known.meaning}{remedy}")


def _examine(alert: Alert, now: datetime) -> Iterator[Finding]:
    if alert.sent > now + CLOCKS_DIFFER:
        yield Finding("sent-future", "/alert/sent", f"sent {alert.sent.isoformat()}, now {now.isoformat()}")
    if alert.msg_type in ("Update", "Cancel") and not alert.references:
        yield Finding("reference-missing", "/alert/references", f"an {alert.msg_type} without references")
    for number, info in enumerate(alert.infos, 1):
        where = f"/alert/info[{number}]"
        if info.onset and info.expires and info.expires < info.onset and not dwd.is_all_clear(info):
            what = f"onset {info.onset.isoformat()}, expires {info.expires.isoformat()}"
            yield Finding("ends-before-onset", f"{where}/expires", what)
        if info.expires is None and not dwd.is_all_clear(info):
            yield Finding("expires-missing", f"{where}/expires", "no expires")
        if not info.areas:
            yield Finding("area-missing", f"{where}/area", "no area")
        if info.areas != alert.infos[0].areas and places(info.areas) != places(alert.infos[0].areas):
            yield Finding("areas-differ", f"{where}/area", f"{info.language} has other areas than the first language")
        else:
            yield from _areas(where, info) if number == 1 else ()


def _areas(where: str, info: Info) -> Iterator[Finding]:
    budget = Budget()
    for number, area in enumerate(info.areas, 1):
        if not (area.polygons or area.circles or dwd.warn_cells(area)):
            yield Finding("area-unplaced", f"{where}/area[{number}]", f"{area.desc!r} has no place")
        yield from _outlines(f"{where}/area[{number}]", area, budget)


def _outlines(place: str, area: Area, budget: Budget) -> Iterator[Finding]:
    for number, ring in enumerate(area.polygons, 1):
        points = np.array(ring)
        if len(set(ring)) == 1:  # said as a point
            continue
        if crosses_180(points):
            yield Finding("outline-across-180", f"{place}/polygon[{number}]", "points more than 180° apart")
            continue
        polygon = shapely.Polygon(points)  # several times faster than from pairs
        if is_tangled(polygon, budget):
            yield Finding("outline-hull", f"{place}/polygon[{number}]", f"{len(ring)} points whose {PROBLEM}")
        elif not polygon.is_valid:
            reason = shapely.is_valid_reason(polygon)
            yield Finding("polygon-crossing", f"{place}/polygon[{number}]", reason)
        if is_swapped(ring):
            lon, lat = ring[0]
            yield Finding("coordinates-swapped", f"{place}/polygon[{number}]", f"latitude {lat}, longitude {lon}")
