"""What holds in a district, as the API says it: in short for lists, whole for one."""

from datetime import datetime

from pydantic import BaseModel

from geofences import District
from warnsys.pipeline import CityRules
from warnsys.records import DistrictStatus, Freshness, SteleRecord
from warnsys.web.board import Board


class DistrictNow(BaseModel):
    """A district and what holds there. `no_data` where nothing reliable is known."""

    id: str
    name: str
    city: str
    status: DistrictStatus
    level: int
    advance: bool
    """Whether the worst is an advance notice."""
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
    standing = [item for item in record.items if item.phase != "expired"] if record else []
    return DistrictNow(
        id=district.id, name=district.name, city=city.place.id,
        status=record.status if record else "no_data",
        level=max((item.level for item in standing), default=0),
        advance=bool(standing) and standing[0].phase == "advance",
        freshness=record.freshness if record else "none",
        as_of=record.as_of if record else None,
        valid_until=record.valid_until if record else None,
        exercise=board.exercise,
    )  # fmt: skip
