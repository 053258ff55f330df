"""`Alert` → bytes of CAP 1.2: the project's only writer.

Elements stand in the standard's order, times in UTC end in -00:00 (CAP 1.2, 3.3.2: never Z), numbers have no exponent.
`read_alert` gives the same alert again, but for its findings and for what the reader levels: blanks around texts,
empty ones, and a reference named twice. The form has no fractions of a second; they are cut off.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from lxml import etree

from warnsys.cap.areas import EXCLUDE_POLYGON
from warnsys.cap.document import NAMESPACES
from warnsys.cap.model import Alert, Area, Info, Named, Resource, Ring

NAMESPACE = NAMESPACES[0]
_PREFIX = f"{{{NAMESPACE}}}"


def write_alert(alert: Alert, *, pretty: bool = False) -> bytes:
    """UTF-8, on one line or `pretty`."""
    root = etree.Element(f"{_PREFIX}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item] # the stubs' error
    references = " ".join(f"{one.sender},{one.identifier},{one.sent}" for one in alert.references)
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", time(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "source", alert.source)
    _add(root, "scope", alert.scope)
    _add(root, "restriction", alert.restriction)
    _add(root, "addresses", alert.addresses)
    _add(root, "code", *alert.codes)
    _add(root, "note", alert.note)
    _add(root, "references", references)
    _add(root, "incidents", alert.incidents)
    for info in alert.infos:
        _info(etree.SubElement(root, f"{_PREFIX}info"), info)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True, pretty_print=pretty)


def time(moment: datetime) -> str:
    """As CAP has it."""
    text = moment.isoformat(timespec="seconds")
    return text if moment.utcoffset() else text.removesuffix("+00:00") + "-00:00"


def _info(info: etree._Element, said: Info) -> None:
    _add(info, "language", said.language)
    _add(info, "category", *said.categories)
    _add(info, "event", said.event)
    _add(info, "responseType", *said.response_types)
    _add(info, "urgency", said.urgency)
    _add(info, "severity", said.severity)
    _add(info, "certainty", said.certainty)
    _add(info, "audience", said.audience)
    _pairs(info, "eventCode", said.event_codes)
    _add(info, "effective", *_times(said.effective))
    _add(info, "onset", *_times(said.onset))
    _add(info, "expires", *_times(said.expires))
    _add(info, "senderName", said.sender_name)
    _add(info, "headline", said.headline)
    _add(info, "description", said.description)
    _add(info, "instruction", said.instruction)
    _add(info, "web", said.web)
    _add(info, "contact", said.contact)
    _pairs(info, "parameter", said.parameters)
    for resource in said.resources:
        _resource(etree.SubElement(info, f"{_PREFIX}resource"), resource)
    for area in said.areas:
        _area(etree.SubElement(info, f"{_PREFIX}area"), area)


def _resource(resource: etree._Element, said: Resource) -> None:
    _add(resource, "resourceDesc", said.desc)
    _add(resource, "mimeType", said.mime_type)
    _add(resource, "size", *([] if said.size is None else [str(said.size)]))
    _add(resource, "uri", said.uri)
    _add(resource, "digest", said.digest)


def _area(area: etree._Element, said: Area) -> None:
    """Holes go as the DWD writes them; who writes for other readers cuts its outlines so that they have none."""
    _add(area, "areaDesc", said.desc)
    _add(area, "polygon", *map(_ring, said.polygons))
    _add(area, "circle", *(f"{_number(c.lat)},{_number(c.lon)} {_number(c.radius_km)}" for c in said.circles))
    _pairs(area, "geocode", ((EXCLUDE_POLYGON, _ring(hole)) for hole in said.excluded))
    _pairs(area, "geocode", said.geocodes)
    _add(area, "altitude", *_numbers(said.altitude_ft))
    _add(area, "ceiling", *_numbers(said.ceiling_ft))


def _ring(ring: Ring) -> str:
    return " ".join(f"{_number(lat)},{_number(lon)}" for lon, lat in ring)


def _number(value: float) -> str:
    """All digits, and never an exponent."""
    return format(Decimal(repr(float(value))), "f")


def _numbers(value: float | None) -> Iterable[str]:
    return () if value is None else (_number(value),)


def _times(moment: datetime | None) -> Iterable[str]:
    return () if moment is None else (time(moment),)


def _pairs(parent: etree._Element, name: str, pairs: "Named | Iterable[tuple[str, str]]") -> None:
    for value_name, value in pairs:
        pair = etree.SubElement(parent, f"{_PREFIX}{name}")
        etree.SubElement(pair, f"{_PREFIX}valueName").text = value_name
        etree.SubElement(pair, f"{_PREFIX}value").text = value


def _add(parent: etree._Element, name: str, *texts: str) -> None:
    """An element for each text that is not empty."""
    for text in filter(None, texts):
        etree.SubElement(parent, f"{_PREFIX}{name}").text = text
