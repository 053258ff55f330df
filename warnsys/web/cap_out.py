"""What holds in a district as CAP 1.2: for systems that read nothing else.

One alert with an info for each warning and language, its area the district's outline and cells. It is derived: sender
and identifier are ours, the original's id stands in `incidents`.
"""

from lxml import etree

from geofences import District
from warnsys.pipeline import CityRules
from warnsys.records import SteleItem, SteleRecord, Text

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
SENDER = "warnsys"


def write(record: SteleRecord, district: District, city: CityRules) -> bytes:
    """The record's items as one alert, UTF-8. Polygons are `lat,lon` pairs, as CAP has them."""
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item] # the stubs' error
    _add(root, "identifier", f"{SENDER}.{record.id}")
    _add(root, "sender", f"{SENDER}.{city.place.id}")
    _add(root, "sent", record.issued.isoformat(timespec="seconds").replace("Z", "-00:00"))
    _add(root, "status", "Exercise" if record.exercise else "Actual")
    _add(root, "msgType", "Alert")
    _add(root, "scope", "Public")
    _add(root, "note", "Derived from the alerts under incidents: what holds in one district at the time of sending.")
    _add(root, "incidents", " ".join(dict.fromkeys(item.base_id for item in record.items)))
    for item in record.items:
        for language, text in item.texts.items():
            _info(root, item, language, text, district)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _info(root: etree._Element, item: SteleItem, language: str, text: Text, district: District) -> None:
    info = _add(root, "info")
    _add(info, "language", language)
    _add(info, "category", "Met")
    _add(info, "event", text.event)
    _add(info, "responseType", "Prepare")
    _add(info, "urgency", item.urgency)
    _add(info, "severity", item.severity)
    _add(info, "certainty", item.certainty)
    _add(info, "onset", item.onset.isoformat(timespec="seconds"))
    if item.expires:
        _add(info, "expires", item.expires.isoformat(timespec="seconds"))
    _add(info, "senderName", item.credit["de"])
    _add(info, "headline", text.headline)
    _add(info, "description", text.description)
    _add(info, "instruction", text.instruction)
    area = _add(info, "area")
    _add(area, "areaDesc", district.name)
    for part in getattr(district.geometry, "geoms", [district.geometry]):
        _add(area, "polygon", " ".join(f"{lat:.6f},{lon:.6f}" for lon, lat, *_ in part.exterior.coords))
    for cell in sorted(district.warn_cells):
        code = _add(area, "geocode")
        _add(code, "valueName", "WARNCELLID")
        _add(code, "value", cell)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text if text is None else "".join(c for c in text if c in "\t\n" or c >= " ")
    return child
