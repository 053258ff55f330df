"""A message of a story as CAP XML, in the exact form of DWD's profile 2.1.13.

What is tested with stories has to read what DWD writes: one info a language with the same facts, outlines before
communes, holes as geocodes, heights in feet, the last point of a ring doubled. Nothing here comes from the DWD: the
status is Exercise unless the story says otherwise, and a `<note>` says so, too.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from warnsys.cap.dwd import NO_CEILING_FT
from warnsys.cap.model import (
    METRES_PER_FOOT,
    Alert,
    Area,
    Certainty,
    Info,
    Reference,
    Ring,
    Severity,
    Status,
    Urgency,
)
from warnsys.cap.write import time, write_alert

SENDER = "opendata@dwd.de"
PROFILE_VERSION = "2.1.13"
LICENCE = "© GeoBasis-DE / BKG 2021 (Daten modifiziert)"
AREA_COLORS = {"Minor": "255 235 59", "Moderate": "251 140 0", "Severe": "229 57 53", "Extreme": "136 14 79"}

StoryPoint = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""Longitude and latitude in degrees."""
Points = Annotated[tuple[StoryPoint, ...], Field(min_length=3)]
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


class StoryMessage(Strict):
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
    def _makes_sense(self) -> "StoryMessage":
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


def minutes_after(start: datetime, minute: float) -> datetime:
    """So many minutes after `start` in the same time zone, also across a change of the clocks."""
    return (start.astimezone(UTC) + timedelta(minutes=minute)).astimezone(start.tzinfo)


def write(
    message: StoryMessage,
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
    sent = minutes_after(start, message.at)
    alert = Alert(
        identifier=identifier,
        sender=SENDER,
        sent=sent,
        status=message.status,
        msg_type="Update" if message.update else "Cancel" if message.cancel else "Alert",
        source="PVW",
        scope="Public",
        codes=(f"id:{identifier.rpartition('.')[0]}",),
        note=note if message.status != "Actual" else "",
        references=(Reference(reference[0], SENDER, time(reference[1])),) if reference else (),
        infos=tuple(_info(message, language, start, cells) for language in message.texts),
    )
    return write_alert(alert, pretty=True)


def _info(message: StoryMessage, language: str, start: datetime, cells: Mapping[str, str]) -> Info:
    sent, texts = minutes_after(start, message.at), message.texts[language]
    return Info(
        language="de-DE" if language == "de" else language,
        categories=("Met",),
        event=texts.event,
        response_types=("AllClear" if message.cancel else "Prepare",),
        urgency=message.urgency,
        severity=message.severity,
        certainty=message.certainty,
        event_codes=(
            ("PROFILE_VERSION", message.profile),
            ("LICENSE", LICENCE),
            ("II", message.ii),
            *(("GROUP", group) for group in message.groups),
            ("AREA_COLOR", AREA_COLORS.get(message.severity, AREA_COLORS["Moderate"])),
        ),
        effective=sent,
        onset=sent if message.onset is None else minutes_after(start, message.onset),
        expires=None if message.until is None else minutes_after(start, message.until),
        sender_name="Deutscher Wetterdienst",
        headline=texts.headline,
        description=texts.description,
        instruction=texts.instruction,
        web="https://dwd.de/warnungen",
        contact="Deutscher Wetterdienst",
        parameters=message.parameters,
        areas=tuple(_areas(message, cells)),
    )


def _areas(message: StoryMessage, cells: Mapping[str, str]) -> Iterator[Area]:
    """The profile's two kinds of areas: outlines without cells, then communes without outlines."""
    floor = 0.0 if message.floor_m is None else round(message.floor_m / METRES_PER_FOOT, 5)
    ceiling = NO_CEILING_FT if message.ceiling_m is None else round(message.ceiling_m / METRES_PER_FOOT, 5)
    for outline in message.outlines:
        holes = tuple(map(_ring, outline.holes))
        yield Area(
            "polygonal event area", (_ring(outline.ring),), excluded=holes, altitude_ft=floor, ceiling_ft=ceiling
        )
    for cell in message.cells:
        yield Area(cells[cell], geocodes=(("WARNCELLID", cell),), altitude_ft=floor, ceiling_ft=ceiling)


def _ring(points: Points) -> Ring:
    closed = (*points, points[0], points[0])  # DWD doubles the closing point
    return tuple((round(lon, 6), round(lat, 6)) for lon, lat in closed)
