"""What the messages themselves tell beside their outcome: outlines for the map, and warnings for neighbouring communes.

Read from the bytes on the board, each message once. Neither warns anybody: who is warned stands in the records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from shapely.geometry import mapping

from warnsys.cap import Alert, CapError, dwd, read_alert
from warnsys.cap.model import Info, level
from warnsys.cap.read import PRIVATE_SCOPES
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.channels.words import in_language
from warnsys.pipeline import CityRules
from warnsys.records import Impact, Meaning, Text
from warnsys.warning.areas import areas_of
from warnsys.warning.matching import LIVE_TYPES
from warnsys.web.board import Board, HeldAlert
from warnsys.web.views import without_control_characters


def read(held: HeldAlert) -> Alert | None:
    """A message, None where it cannot be read."""
    return _read(held.body, held.zone)


@lru_cache(maxsize=64)
def _read(body: bytes, zone: tzinfo) -> Alert | None:
    try:
        return read_alert(body, zone=zone)
    except CapError:
        return None


# -- outlines ---------------------------------------------------------------------------------------------------------


def as_features(board: Board, language: str) -> Iterator[dict[str, Any]]:
    """The areas of what holds, as GeoJSON features: polygons with their holes, circles as points with a radius."""
    holding = {}
    for district in board.steles:
        record = board.stele(district)
        for item in record.items if record else ():
            holding[item.base_id] = item
    for base_id, item in holding.items():
        outcome = board.outcome(base_id)
        held = board.alerts.get(outcome.listed_id) if outcome else None
        if held is None:
            continue
        said = {
            "alert": base_id, "level": item.level, "advance": item.phase == "advance",
            "event": in_language(item.event, language),
        }  # fmt: skip
        for geometry, radius_m, height in _shapes(held.body, held.zone, item.ii):
            properties = {**said, "height": height.get(language, ""), "radius_m": radius_m}
            yield {"type": "Feature", "properties": properties, "geometry": geometry}


@lru_cache(maxsize=64)
def _shapes(
    body: bytes, zone: tzinfo, number: str
) -> tuple[tuple[dict[str, Any], float | None, Mapping[str, str]], ...]:
    alert = _read(body, zone)
    infos = [info for info in alert.infos if dwd.event_number(info) == number] if alert else []
    found: list[tuple[dict[str, Any], float | None, Mapping[str, str]]] = []
    for area in areas_of(infos[0]) if infos else ():
        height = _height(area.floor_m, area.ceiling_m)
        found += [(mapping(polygon), None, height) for polygon in area.polygons if not polygon.is_empty]
        found += [
            ({"type": "Point", "coordinates": (circle.lon, circle.lat)}, circle.radius_m, height)
            for circle in area.circles
        ]
    return tuple(found)


def _height(floor_m: float | None, ceiling_m: float | None) -> Mapping[str, str]:
    band = Impact(city="", district="", via="area", reason="", floor_m=floor_m, ceiling_m=ceiling_m)
    return wording.height_band(band)


# -- neighbours -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A warning that holds in neighbouring communes."""

    base_id: str
    names: tuple[str, ...]
    level: int
    advance: bool
    event: str
    when: str


def neighbours(board: Board, city: CityRules, cells: Mapping[str, str], language: str) -> list[Neighbour]:
    """What the newest list of each source says for some warn cells, worst first."""
    found = []
    listed = [id_ for ids in board.listed.values() for id_ in ids if id_ in board.alerts]
    alerts = [alert for id_ in listed if (alert := _naming(cells, board.alerts[id_]))]
    real = [alert for alert in alerts if is_actual(alert, exercise=board.exercise)]
    ended = {base_id for alert in real for base_id in dwd.replaced(alert)}
    for alert in real:
        if alert.msg_type not in LIVE_TYPES[:2] or dwd.base_id(alert) in ended:
            continue
        for info in in_one_language(alert, language):
            names = tuple(name for cell, name in cells.items() if any(cell in dwd.warn_cells(a) for a in info.areas))
            if names and not dwd.is_all_clear(info) and is_live(info, board.now()):
                begin = info.onset or info.effective or alert.sent
                when = wording.period(begin, info.expires, city.place.timezone)[language]
                advance = info.urgency == "Future"
                event = without_control_characters(event_name(_meaning(info, begin, language))[language])
                found.append(Neighbour(dwd.base_id(alert), names, level(info.severity), advance, event, when))
    return sorted(found, key=lambda one: (one.advance, -one.level, one.names))


def is_actual(alert: Alert, *, exercise: bool) -> bool:
    """Whether a message is no test, not private, and of this stage: no other one warns or ends anything."""
    return not dwd.is_test(alert) and alert.scope not in PRIVATE_SCOPES and (alert.status == "Actual" or exercise)


def _naming(cells: Mapping[str, str], held: HeldAlert) -> Alert | None:
    """The message where it names one of the cells."""
    return None if held.cells.isdisjoint(cells) else read(held)


def in_one_language(alert: Alert, language: str) -> list[Info]:
    """The infos of a language; all where it has none."""
    return [info for info in alert.infos if info.language.startswith(language)] or list(alert.infos)


def _meaning(info: Info, onset: datetime, language: str) -> Meaning:
    """As far as its event's name needs it."""
    text = Text(event=info.event, headline=info.headline, description="", instruction="")
    return Meaning(
        ii=dwd.event_number(info), group=dwd.leading_group(info), urgency=info.urgency, severity=info.severity,
        certainty=info.certainty, onset=onset, texts={"de": text, language: text},
    )  # fmt: skip


def is_live(info: Info, now: datetime) -> bool:
    """Whether it has not expired."""
    return info.expires is None or now < info.expires
