"""What holds in a district as CAP 1.2: for systems that read nothing else.

One alert with an info for each warning and language, its area the district's outline and cells. It is derived: sender
and identifier are ours, the original's id stands in `incidents`.

What has expired and is not yet confirmed is left out. As Actual, Alert and Immediate it would be a new warning, as an
Update with urgency Past an all-clear that nobody gave; whoever has the earlier alert has its `expires`. CAP has no
holes, and most readers do not know the DWD's way to write them: an outline with holes is cut into some without.
"""

from collections.abc import Iterator

import shapely

from geofences import District
from warnsys.cap.model import METRES_PER_FOOT, Alert, Area, Info
from warnsys.cap.write import write_alert
from warnsys.pipeline import CityRules
from warnsys.records import SteleItem, SteleRecord

SENDER = "warnsys"
_NOTE = "Derived from the alerts under incidents: what holds in one district at the time of sending."


def write(record: SteleRecord, district: District, city: CityRules) -> bytes | None:
    """The record's items that have not expired as one alert, None where there are none."""
    items = [item for item in record.items if item.phase != "expired"]
    if not items:
        return None
    rings = tuple(
        tuple((round(lon, 6), round(lat, 6)) for lon, lat, *_ in part.exterior.coords)
        for part in without_holes(district.geometry)
    )
    infos = tuple(
        _info(item, language, Area(
            district.name,
            rings,
            geocodes=tuple(("WARNCELLID", cell) for cell in sorted(district.warn_cells)),
            altitude_ft=_feet(item.floor_m, if_none=0.0 if item.ceiling_m is not None else None),
            ceiling_ft=_feet(item.ceiling_m),
        ))
        for item in items
        for language in item.texts
    )  # fmt: skip
    alert = Alert(
        identifier=f"{SENDER}.{record.id}",
        sender=f"{SENDER}.{city.place.id}",
        sent=record.issued,
        status="Exercise" if record.exercise else "Actual",
        msg_type="Alert",
        scope="Public",
        note=_NOTE,
        incidents=" ".join(dict.fromkeys(item.base_id for item in items)),
        infos=infos,
    )
    return write_alert(alert)


def _info(item: SteleItem, language: str, area: Area) -> Info:
    text = item.texts[language]
    return Info(
        language=language,
        categories=("Met",),
        event=text.event,
        response_types=("Prepare",),
        urgency=item.urgency,
        severity=item.severity,
        certainty=item.certainty,
        onset=item.onset,
        expires=item.expires,
        sender_name=item.credit["de"],
        headline=text.headline,
        description=text.description,
        instruction=text.instruction,
        areas=(area,),
    )


def _feet(metres: float | None, if_none: float | None = None) -> float | None:
    return if_none if metres is None else round(metres / METRES_PER_FOOT, 5)


def without_holes(geometry: shapely.Geometry) -> Iterator[shapely.Polygon]:
    """Polygons without holes that cover the same: each is cut from north to south through a hole until none is left."""
    waiting = [geometry]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, shapely.Polygon):
            waiting += reversed(getattr(part, "geoms", ()))
        elif not part.interiors:
            yield part
        else:
            west, south, east, north = part.bounds
            hole = part.interiors[len(part.interiors) // 2].bounds
            middle = (hole[0] + hole[2]) / 2
            for left, right in ((middle, east), (west, middle)):
                waiting.append(part.intersection(shapely.box(left, south, right, north)))
