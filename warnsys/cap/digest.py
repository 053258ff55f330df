"""What a message says, as a hash: the same in whatever form it is written, another where anything of it was revised.

The form of a time, the order of languages and what is between elements do not count, and not when it was sent. Of the
DWD's, which may come once a language, only what all languages share counts.
"""

import hashlib
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain

from warnsys.cap import dwd
from warnsys.cap.model import Alert, Area, Info, Ring

CHARS = 16


def digest(alert: Alert) -> str:
    """Of everything that decides what is warned of, where and when, and of all texts of others than the DWD."""
    shared = dwd.is_senders(alert.sender)
    areas: dict[int, str] = {}  # languages share them
    for info in alert.infos:
        if id(info.areas) not in areas:
            areas[id(info.areas)] = _areas(info.areas, shared=shared)
    said = sorted({repr((_said(info, shared=shared), areas[id(info.areas)])) for info in alert.infos})
    whole = alert.status, alert.msg_type, alert.scope.casefold(), dwd.replaced(alert), said
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:CHARS]


def _said(info: Info, *, shared: bool) -> tuple[object, ...]:
    decides = (
        info.urgency, info.severity, info.certainty, _time(info.effective), _time(info.onset), _time(info.expires),
        sorted(info.response_types), sorted(info.categories), sorted(info.event_codes),
    )  # fmt: skip
    if shared:
        return decides
    texts = info.event, info.sender_name, info.headline, info.description, info.instruction, info.web, info.contact
    return *decides, info.language.casefold(), texts, info.parameters


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""


def _areas(areas: Iterable[Area], *, shared: bool) -> str:
    found = hashlib.sha256()
    for area in areas:
        said = "" if shared else area.desc, sorted(area.geocodes), area.circles, area.altitude_ft, area.ceiling_ft
        found.update(repr(said).encode())
        for ring in chain(area.polygons, (((0.0, 0.0),),), area.excluded):
            found.update(_points(ring))
    return found.hexdigest()


def _points(ring: Ring) -> bytes:
    return array("d", chain.from_iterable(ring)).tobytes()
