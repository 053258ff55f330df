"""Extreme messages that touch a city's Kreis or its districts and warn nobody in it: for operators to look at."""

from dataclasses import replace
from functools import lru_cache

from geofences import GeofenceIndex
from warnsys.cap import dwd
from warnsys.cap.model import Info, level
from warnsys.channels import wording
from warnsys.pipeline import CityRules
from warnsys.records import Outcome
from warnsys.warning.areas import areas_of
from warnsys.warning.matching import LIVE_TYPES
from warnsys.web.alerts import Neighbour, in_one_language, is_actual, is_live, read
from warnsys.web.board import Board
from warnsys.web.views import without_control_characters

EXTREME = 4
MOST_READ = 50
"""Messages of one look, the newest; Extreme ones are rare."""
MOST_NAMES = 3
LEAST_SHARE = 1e-6
"""Of a district under an outline: any that can be told from none."""


def nearby(index: GeofenceIndex, board: Board, city: CityRules, language: str) -> list[Neighbour]:
    """What holds by the newest list of each source, in its words."""
    found = []
    listed = [id_ for ids in board.listed.values() for id_ in ids if id_ in board.alerts]
    outcomes = {one.listed_id: one for one in board.outcomes.values()}
    extreme = [id_ for id_ in listed if b"xtreme" in board.alerts[id_].body.lower()][-MOST_READ:]
    alerts = {id_: alert for id_ in extreme if (alert := read(board.alerts[id_]))}
    real = {id_: alert for id_, alert in alerts.items() if is_actual(alert, exercise=board.exercise)}
    ended = {base_id for alert in real.values() for base_id in dwd.replaced(alert)}
    for id_, alert in real.items():
        if _warns(outcomes.get(id_), city) or dwd.base_id(alert) in ended or alert.msg_type not in LIVE_TYPES[:2]:
            continue
        for info in in_one_language(alert, language):
            if level(info.severity) != EXTREME or dwd.is_all_clear(info) or not is_live(info, board.now()):
                continue
            if _cells_touch(info, city) or city.place.id in _under(index, info):
                begin = info.onset or info.effective or alert.sent
                when = wording.period(begin, info.expires, city.place.timezone)[language]
                names = tuple(dict.fromkeys(without_control_characters(area.desc) for area in info.areas))[:MOST_NAMES]
                advance = info.urgency == "Future"
                found.append(
                    Neighbour(dwd.base_id(alert), names, EXTREME, advance, without_control_characters(info.event), when)
                )
    return found


def _warns(outcome: Outcome | None, city: CityRules) -> bool:
    """Whether somebody in the city is warned by it; one that is not decided yet is still to be told."""
    if outcome is None:
        return True
    return any(impact.city == city.place.id for meaning in outcome.meanings for impact in meaning.impacts)


def _cells_touch(info: Info, city: CityRules) -> bool:
    """Whether a cell has the first five digits of the city's commune key: its Kreis, or what lies in it."""
    own = {cell[1:6] for district in city.place.districts for cell in district.warn_cells}
    return any(cell[1:6] in own for area in info.areas for cell in dwd.warn_cells(area))


@lru_cache(maxsize=256)
def _under(index: GeofenceIndex, info: Info) -> frozenset[str]:
    """The cities of the districts under an outline or circle, whatever cells and heights decide."""
    shapes = [replace(area, cells=(), floor_m=None, ceiling_m=None) for area in areas_of(info)]
    found = index.match(shapes, min_share=LEAST_SHARE) if any(area.has_shape for area in shapes) else None
    return frozenset(index.districts[position].city for position in found.warned_at) if found else frozenset()
