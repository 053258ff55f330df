"""What holds in a district, as the API says it: in short for lists, whole for one."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from geofences import District
from warnsys.pipeline import CityRules
from warnsys.records import Freshness, SteleRecord, worst_of
from warnsys.web.board import Board
from warnsys.web.lists import in_group

StatusNow = Literal["warned", "advance", "unconfirmed", "clear", "no_data"]
"""`advance`: nothing holds yet, and all that stands there are advance notices."""


class DistrictNow(BaseModel):
    """A district and what holds there. `no_data` where nothing reliable is known, `advance` where only advance notices
    stand: their `level` is that of what may come."""

    id: str
    name: str
    city: str
    status: StatusNow
    level: int
    advance: bool
    """Whether only advance notices stand; `level` is that of the worst warning otherwise."""
    advance_level: int
    """Of the worst advance notice, also beside a warning; 0 for none."""
    freshness: Freshness
    as_of: datetime | None
    valid_until: datetime | None
    exercise: bool


class Situation(BaseModel):
    """What holds in a district. Without `record` nothing reliable is known, which is not the same as no warning."""

    district: DistrictNow
    record: SteleRecord | None


def district_now(board: Board, city: CityRules, district: District) -> DistrictNow:
    record = board.stele(district.id)
    worst = worst_of(record.items) if record else None
    return DistrictNow(
        id=district.id, name=district.name, city=city.place.id,
        status=_status(record),
        level=worst.level if worst else 0,
        advance=worst is not None and worst.phase == "advance",
        advance_level=max((one.level for one in record.items if one.phase == "advance"), default=0) if record else 0,
        freshness=record.freshness if record else "none",
        as_of=record.as_of if record else None,
        valid_until=record.valid_until if record else None,
        exercise=board.exercise,
    )  # fmt: skip


def _status(record: SteleRecord | None) -> StatusNow:
    if record is None:
        return "no_data"
    phases = {item.phase for item in record.items} - {"expired"}
    return "advance" if record.status == "warned" and phases == {"advance"} else record.status


def may_hold(board: Board, district: District, level: int | None, group: str | None) -> bool:
    """Whether something from a level on and something of an event group stand in a district, or may stand there.

    A district of which something is not known is left out of no list: its absence would say that nothing stands there.
    """
    record = board.stele(district.id)
    if record is None or record.freshness != "fresh":
        return True
    return (level is None or any(item.level >= level for item in record.items)) and (
        record.more > 0 or in_group(group, *(item.group for item in record.items))
    )
