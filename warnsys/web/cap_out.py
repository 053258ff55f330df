"""What holds in a district as CAP 1.2: for systems that read nothing else.

One alert with an info for each warning and language. Its area is the district's outline, and those warn cells that no
other district has: a reader that knows cells only must not warn the whole city. It is derived: sender and identifier
are ours, the original's id stands in `incidents`.

An identifier stands for one state, whoever asks and whichever process answers (`warnsys/channels/cap_chain.py`). What
holds otherwise than before is an Update of all before it, and what was ended is a Cancel of them for a day.

What has expired and is not yet confirmed is left out. As Actual, Alert and Immediate it would be a new warning, as an
Update with urgency Past an all-clear that nobody gave; whoever has the earlier alert has its `expires`. CAP has no
holes, and most readers do not know the DWD's way to write them: an outline with holes is cut into some without.
"""

from collections.abc import Iterator
from datetime import timedelta

import shapely

from geofences import District
from warnsys.cap.model import METRES_PER_FOOT, Alert, Area, Info, MsgType, Reference
from warnsys.cap.read import CATEGORIES
from warnsys.cap.write import time, write_alert
from warnsys.channels.words import in_language
from warnsys.pipeline import CityRules
from warnsys.records import SteleItem, SteleRecord

SENDER = "warnsys"
CANCEL_STAYS = timedelta(days=1)
"""How long a Cancel is given; who comes later has the `expires` of what it had."""
_NOTE = "Derived from the alerts under incidents: what holds in one district at the time of sending."
_ENDED = "What the alerts under references warned of was ended there."
_EXERCISE = {"de": "ÜBUNG", "en": "EXERCISE"}


def write(record: SteleRecord, district: District, city: CityRules) -> bytes | None:
    """The record's items that have not expired as one alert; the end of those before, None where there is neither."""
    items = [item for item in record.items if item.phase != "expired"]
    sender, chain = f"{SENDER}.{city.place.id}", record.cap
    ended = not items and record.status == "clear" and len(chain) > 1
    if not items and not (ended and record.issued - chain[0].sent <= CANCEL_STAYS):
        return None
    called: MsgType = "Cancel" if ended else "Update" if len(chain) > 1 else "Alert"
    rings = tuple(
        tuple((round(lon, 6), round(lat, 6)) for lon, lat, *_ in part.exterior.coords)
        for part in without_holes(district.geometry)
    )
    infos = tuple(
        _info(item, language, record.exercise, Area(
            district.name,
            rings,
            geocodes=tuple(("WARNCELLID", cell) for cell in sorted(_own_cells(district, city))),
            altitude_ft=_feet(item.floor_m, if_none=0.0 if item.ceiling_m is not None else None),
            ceiling_ft=_feet(item.ceiling_m),
        ))
        for item in items
        for language in item.texts
    )  # fmt: skip
    alert = Alert(
        identifier=f"{SENDER}.{chain[0].identifier if chain else record.id}",
        sender=sender,
        sent=chain[0].sent if chain else record.issued,
        status="Exercise" if record.exercise else "Actual",
        msg_type=called,
        scope="Public",
        note=_ENDED if ended else _NOTE,
        references=tuple(Reference(f"{SENDER}.{one.identifier}", sender, time(one.sent)) for one in chain[1:]),
        incidents=" ".join(dict.fromkeys(item.base_id for item in items)),
        infos=infos,
    )
    return write_alert(alert)


def _own_cells(district: District, city: CityRules) -> frozenset[str]:
    others = (one.warn_cells for one in city.place.districts if one.id != district.id)
    return district.warn_cells.difference(*others)


def _info(item: SteleItem, language: str, exercise: bool, area: Area) -> Info:
    text = item.texts[language]
    mark = f"{_EXERCISE.get(language[:2], _EXERCISE['en'])} – " if exercise else ""
    return Info(
        language=language,
        categories=(_category(item),),
        event=mark + text.event,
        response_types=("Prepare",),
        urgency=item.urgency,
        severity=item.severity,
        certainty=item.certainty,
        onset=item.onset,
        expires=item.expires,
        sender_name=in_language(item.credit, language),
        headline=mark + text.headline,
        description=mark + text.description,
        instruction=text.instruction,
        areas=(area,),
    )


def _category(item: SteleItem) -> str:
    """As CAP has it: what is none of its categories is "Other"."""
    if item.category is None:
        return "Met"
    return item.category if item.category in CATEGORIES else "Other"


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
