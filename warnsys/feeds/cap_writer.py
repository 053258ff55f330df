"""A message of a story as CAP XML, in the exact form of DWD's profile 2.1.13.

What is tested with stories has to read what DWD writes: one info a language with the same facts, outlines before
communes, holes as geocodes, heights in feet, the last point of a ring doubled. Nothing here comes from the DWD: the
status is Exercise unless the story says otherwise, and a `<note>` says so, too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, model_validator

from warnsys.cap.dwd import NO_CEILING_FT
from warnsys.cap.model import METRES_PER_FOOT, Certainty, Severity, Status, Urgency

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
SENDER = "opendata@dwd.de"
PROFILE_VERSION = "2.1.13"
LICENCE = "© GeoBasis-DE / BKG 2021 (Daten modifiziert)"
AREA_COLORS = {"Minor": "255 235 59", "Moderate": "251 140 0", "Severe": "229 57 53", "Extreme": "136 14 79"}

Point = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""Longitude and latitude in degrees."""
Points = Annotated[tuple[Point, ...], Field(min_length=3)]
"""The corners of a ring, each once."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Outline(Strict):
    ring: Points
    holes: tuple[Points, ...] = ()


class Texts(Strict):
    """What a message says in one language."""

    event: str
    headline: str
    description: str
    instruction: str = ""


class Message(Strict):
    """One message of a story; times are minutes since the story's start."""

    key: str = Field(pattern=r"^[a-z0-9-]+$")
    at: float = Field(ge=-10_080)
    """When it is sent; before the story's start where it stands from the start on."""
    onset: float | None = None
    """When its event begins; with the message where nothing stands."""
    until: float | None = None
    """When it expires; without it, never."""
    vanish_at: float | None = None
    """When snapshots drop it without a word."""
    update: str = ""
    cancel: str = ""
    """Key of the predecessor that it updates or cancels."""
    broken: bool = False
    """Whether only the first half of its bytes gets through."""
    status: Status = "Exercise"
    ii: str
    groups: tuple[str, ...]
    profile: str = PROFILE_VERSION
    severity: Severity
    urgency: Urgency = "Immediate"
    certainty: Certainty = "Likely"
    texts: dict[str, Texts]
    """By language: "de" and "en" at least."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Quantities with their units; names may repeat."""
    cells: tuple[str, ...] = ()
    outlines: tuple[Outline, ...] = ()
    floor_m: float | None = None
    ceiling_m: float | None = None
    """Heights above sea level between which it holds, in metres."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "Message":
        if self.update and self.cancel:
            raise ValueError("either updates or cancels; write one of the two")
        if missing := {"de", "en"} - set(self.texts):
            raise ValueError(f"texts in {', '.join(sorted(missing))} are missing")
        for name, minute in (("until", self.until), ("vanish_at", self.vanish_at)):
            if minute is not None and minute <= self.at:
                raise ValueError(f"{name} has to be later than at")
        if not self.cells and not self.outlines:
            raise ValueError("warns nowhere; write cells, outlines or both")
        return self

    @property
    def predecessor(self) -> str:
        return self.update or self.cancel


def moment(start: datetime, minute: float) -> datetime:
    """So many minutes after `start` in the same time zone, also across a change of the clocks."""
    return (start.astimezone(UTC) + timedelta(minutes=minute)).astimezone(start.tzinfo)


def write(
    message: Message,
    start: datetime,
    identifier: str,
    *,
    reference: tuple[str, datetime] | None = None,
    cells: Mapping[str, str],
    note: str,
) -> bytes:
    """The message as UTF-8 XML.

    `start` is the story's start, with offset; `reference` is identifier and sent of the predecessor; `cells` are the
    names of warn cells.
    """
    sent = moment(start, message.at)
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item] # the stubs' error
    _add(root, "identifier", identifier)
    _add(root, "sender", SENDER)
    _add(root, "sent", _time(sent))
    _add(root, "status", message.status)
    _add(root, "msgType", "Update" if message.update else "Cancel" if message.cancel else "Alert")
    _add(root, "source", "PVW")
    _add(root, "scope", "Public")
    _add(root, "code", f"id:{identifier.rpartition('.')[0]}")
    if message.status != "Actual":
        _add(root, "note", note)
    if reference:
        _add(root, "references", f"{SENDER},{reference[0]},{_time(reference[1])}")
    for language, texts in message.texts.items():
        info = _add(root, "info")
        _add(info, "language", "de-DE" if language == "de" else language)
        _facts_and_texts(info, message, texts, start)
        _areas(info, message, cells)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True, pretty_print=True)


def _facts_and_texts(info: etree._Element, message: Message, texts: Texts, start: datetime) -> None:
    sent = moment(start, message.at)
    _add(info, "category", "Met")
    _add(info, "event", texts.event)
    _add(info, "responseType", "AllClear" if message.cancel else "Prepare")
    _add(info, "urgency", message.urgency)
    _add(info, "severity", message.severity)
    _add(info, "certainty", message.certainty)
    for name, value in (
        ("PROFILE_VERSION", message.profile),
        ("LICENSE", LICENCE),
        ("II", message.ii),
        *(("GROUP", group) for group in message.groups),
        ("AREA_COLOR", AREA_COLORS.get(message.severity, AREA_COLORS["Moderate"])),
    ):
        _add_pair(info, "eventCode", name, value)
    _add(info, "effective", _time(sent))
    _add(info, "onset", _time(sent if message.onset is None else moment(start, message.onset)))
    if message.until is not None:
        _add(info, "expires", _time(moment(start, message.until)))
    _add(info, "senderName", "Deutscher Wetterdienst")
    _add(info, "headline", texts.headline)
    _add(info, "description", texts.description)
    _add(info, "instruction", texts.instruction)
    _add(info, "web", "https://dwd.de/warnungen")
    _add(info, "contact", "Deutscher Wetterdienst")
    for name, value in message.parameters:
        _add_pair(info, "parameter", name, value)


def _areas(info: etree._Element, message: Message, cells: Mapping[str, str]) -> None:
    """The profile's two kinds of areas: outlines without cells, then communes without outlines."""
    for outline in message.outlines:
        area = _add(info, "area")
        _add(area, "areaDesc", "polygonal event area")
        _add(area, "polygon", _ring(outline.ring))
        for hole in outline.holes:
            _add_pair(area, "geocode", "EXCLUDE_POLYGON", _ring(hole))
        _heights(area, message)
    for cell in message.cells:
        area = _add(info, "area")
        _add(area, "areaDesc", cells[cell])
        _add_pair(area, "geocode", "WARNCELLID", cell)
        _heights(area, message)


def _heights(area: etree._Element, message: Message) -> None:
    floor, ceiling = message.floor_m, message.ceiling_m
    _add(area, "altitude", str(0.0 if floor is None else round(floor / METRES_PER_FOOT, 5)))
    _add(area, "ceiling", str(NO_CEILING_FT if ceiling is None else round(ceiling / METRES_PER_FOOT, 5)))


def _ring(points: Points) -> str:
    closed = (*points, points[0], points[0])  # DWD doubles the closing point
    return " ".join(f"{round(lat, 6)},{round(lon, 6)}" for lon, lat in closed)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text
    return child


def _add_pair(parent: etree._Element, name: str, value_name: str, value: str) -> None:
    pair = _add(parent, name)
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)
