"""A city's own folder, looked at as a feed does, through the real feed, matcher and settle, on a clock of our own."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Offline
from warnsys.records import FeedStatus, PushNotice, SmsNotice
from warnsys.settings import City, Settings, Source

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
DISTRICT = "solingen-1"
EVERYWHERE = "<polygon>51.0,6.9 51.0,7.2 51.3,7.2 51.3,6.9 51.0,6.9</polygon>"
EAST = "<polygon>51.0,7.06 51.0,7.2 51.3,7.2 51.3,7.06 51.0,7.06</polygon>"
"""The east of Solingen: solingen-1 is in it, solingen-2 is not."""


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@dataclass(frozen=True)
class Said:
    """A message by what matters in it; times are minutes from noon."""

    identifier: str = "2027-001"
    sender: str = "leitstelle@stadt.example"
    sent: float | str = 0
    severity: str = "Severe"
    event: str = "Großbrand"
    until: float | None = 240
    of: str = ""
    """`references`, as they stand in the message."""
    cancel: bool = False
    category: str = "Fire"
    languages: tuple[str, ...] = ("de-DE",)
    urgency: str = "Immediate"
    area: str = EVERYWHERE
    text: str = "Eigener Testtext."
    codes: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    status: str = "Actual"
    incidents: str = ""

    @property
    def name(self) -> str:
        """As a reference has it."""
        return f"{self.sender},{self.identifier},{_moment(self.sent)}"

    def body(self) -> bytes:
        kind = "Cancel" if self.cancel else "Update" if self.of else "Alert"
        references = f"<references>{self.of}</references>" if self.of else ""
        incidents = f"<incidents>{self.incidents}</incidents>" if self.incidents else ""
        infos = "".join(self._info(language) for language in self.languages)
        return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{self.identifier}</identifier>
<sender>{self.sender}</sender><sent>{_moment(self.sent)}</sent><status>{self.status}</status><msgType>{kind}</msgType>
<scope>Public</scope>{references}{incidents}{"" if self.cancel else infos}</alert>""".encode()

    def _info(self, language: str) -> str:
        expires = "" if self.until is None else f"<expires>{_moment(self.until)}</expires>"
        codes = "".join(_named("eventCode", *code) for code in self.codes)
        parameters = "".join(_named("parameter", *pair) for pair in self.parameters)
        return f"""<info><language>{language}</language><category>{self.category}</category><event>{self.event}</event>
<urgency>{self.urgency}</urgency><severity>{self.severity}</severity><certainty>Likely</certainty>{codes}
<onset>{_moment(0)}</onset>{expires}<senderName>Leitstelle</senderName><headline>{self.event}</headline>
<description>{self.text}</description>{parameters}<area><areaDesc>Solingen</areaDesc>{self.area}</area></info>"""


def _moment(minute: float | str) -> str:
    return minute if isinstance(minute, str) else at(minute).isoformat()


def _named(element: str, name: str, value: str) -> str:
    return f"<{element}><valueName>{name}</valueName><value>{value}</value></{element}>"


class Play:
    """What lies in the folder is set with each look; what is told is kept."""

    def __init__(self, folder: Path, start: float = 0) -> None:
        self.folder, self.now = folder, at(start)
        (folder / "warnsys.folder").touch()
        source = Source(name="own", folder=folder)
        city = City(id="solingen", name="Solingen", geofences=Path("geofences/data/solingen.geojson"))
        self.offline = Offline(Settings(cities=(city,), sources=(source,)))
        self.feed = DwdFeed(source, "live", httpx.AsyncClient(), self.offline, lambda: self.now)
        self._told = 0

    def look(self, minute: float, *messages: Said) -> FeedStatus:
        """At a minute these lie in the folder, in files `a.xml`, `b.xml` and so on."""
        for old in self.folder.glob("*.xml"):
            old.unlink()
        for letter, message in zip("abcdefghijkl", messages, strict=False):
            (self.folder / f"{letter}.xml").write_bytes(message.body())
        return self.again(minute)

    def again(self, minute: float) -> FeedStatus:
        """The same lies there still."""
        self.now, self._told = at(minute), len(self.offline.notices)
        self.offline.tick(self.now)
        return asyncio.run(self.feed.look())

    def told(self, channel: str = "push", audience: str = "public") -> list[str]:
        """Of the last look: kind, reason and severity."""
        kind = PushNotice if channel == "push" else SmsNotice
        found = [one for one in self.offline.notices[self._told :] if isinstance(one, kind)]
        return [f"{one.kind} {one.reason} {one.severity}" for one in found if one.audience == audience]

    @property
    def pushes(self) -> list[PushNotice]:
        """Of the last look, to the public."""
        found = [one for one in self.offline.notices[self._told :] if isinstance(one, PushNotice)]
        return [one for one in found if one.audience == "public"]

    @property
    def sms(self) -> list[SmsNotice]:
        found = [one for one in self.offline.notices[self._told :] if isinstance(one, SmsNotice)]
        return [one for one in found if one.audience == "public"]

    def stands(self, district: str = DISTRICT) -> list[str]:
        """Severity and event of what stands, worst first; what has expired is marked."""
        held = self.offline.situations()["solingen"].districts[district]
        return [
            f"{one.meaning.severity} {next(iter(one.meaning.texts.values())).event}"
            + (" expired" if one.phase == "expired" else "")
            for one in held.standing
        ]

    def status(self, district: str = DISTRICT) -> str:
        return self.offline.situations()["solingen"].districts[district].status

    @property
    def flags(self) -> tuple[str, ...]:
        return self.offline.situations()["solingen"].flags
