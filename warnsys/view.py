"""The terminal's live view: clock, a row a district, the notices as they go out, the latency. German, for operators."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from warnsys.channels.wording import moment
from warnsys.records import FeedStatus, Notice, Outcome, PushNotice, SmsNotice, SteleRecord

NOTICES_SHOWN = 9
LEVEL_STYLES = {1: "black on yellow", 2: "black on dark_orange", 3: "bold white on red3", 4: "bold white on purple4"}
STATUS_WORDS = {
    "warned": "gewarnt",
    "unconfirmed": "abgelaufen, Bestätigung steht aus",
    "clear": "keine Warnung",
    "no_data": "KEINE DATEN",
}
FRESHNESS_WORDS = {"fresh": "aktuell", "incomplete": "UNVOLLSTÄNDIG", "stale": "VERALTET", "none": "noch kein Stand"}
AUDIENCES = {"public": "öffentlich", "staff": "Stab"}


class LiveView:
    """What one terminal shows; told of everything by `heard`, drawn by `render`."""

    def __init__(self, title: str, marks: tuple[str, ...], zone: ZoneInfo) -> None:
        self.now: datetime | None = None
        self.chapter = ""
        self.latency: Mapping[str, Mapping[str, float]] = {}
        self._title, self._marks, self._zone = title, marks, zone
        self._steles: dict[str, SteleRecord] = {}
        self._notices: deque[PushNotice | SmsNotice] = deque(maxlen=NOTICES_SHOWN)
        self._outcomes: dict[str, str] = {}
        self._status: FeedStatus | None = None

    def heard(self, said: Notice | Outcome | FeedStatus) -> None:
        match said:
            case SteleRecord():
                self._steles[said.district] = said
            case Outcome():
                self._outcomes[said.listed_id] = said.decided
            case FeedStatus():
                self._status = said
            case _:
                self._notices.appendleft(said)

    def render(self) -> RenderableType:
        return Group(self._head(), self._districts(), self._sent(), self._foot())

    def _head(self) -> Panel:
        clock = "--:--:--"
        if self.now:
            local = self.now.astimezone(self._zone)
            clock = f"{moment(self.now, self._zone, 'de', year=True)}:{local:%S}"
        text = Text(f"{clock}   {self.chapter}", style="bold")
        marks = " · ".join(self._marks)
        return Panel(
            text, title=f"{self._title} – {marks}" if marks else self._title, border_style="red" if marks else ""
        )

    def _districts(self) -> Table:
        table = Table(expand=True, title="Lage", title_justify="left")
        for name, ratio in (("Bezirk", 3), ("Stufe", 3), ("Was gilt", 7), ("Daten", 3)):
            table.add_column(name, ratio=ratio)
        for record in sorted(self._steles.values(), key=lambda record: record.district):
            table.add_row(record.district_name, self._level(record), self._holding(record), self._data(record))
        return table

    def _level(self, record: SteleRecord) -> Text:
        if not record.items or record.status != "warned":
            return Text(STATUS_WORDS[record.status], style="dim" if record.status == "clear" else "bold")
        first = record.items[0]
        style = LEVEL_STYLES[first.level] if first.phase == "warning" else "italic"
        return Text(f" {first.label['de']} ", style=style)

    def _holding(self, record: SteleRecord) -> Text:
        lines = [
            f"{item.event['de']} ({item.when['de']})" + (" – unbestätigt" if item.phase == "expired" else "")
            for item in record.items[:3]
        ]
        if len(record.items) > 3:
            lines.append(f"… und {len(record.items) - 3} weitere")
        return Text("\n".join(lines))

    def _data(self, record: SteleRecord) -> Text:
        stand = "" if record.as_of is None else f"\nStand {record.as_of.astimezone(self._zone):%H:%M}"
        style = "" if record.freshness == "fresh" else "bold red"
        return Text(FRESHNESS_WORDS[record.freshness] + stand, style=style)

    def _sent(self) -> Panel:
        lines = Text()
        for notice in self._notices:
            channel = "Push" if isinstance(notice, PushNotice) else "SMS "
            said = f"{notice.title['de']} – {notice.body['de']}" if isinstance(notice, PushNotice) else notice.text
            clock = f"{notice.issued.astimezone(self._zone):%H:%M}"
            lines.append(f"{clock} {channel} {AUDIENCES[notice.audience]:<10} ", style="cyan")
            lines.append(f"{said}\n", style="bold" if notice.level == 4 and notice.kind != "ended" else "")
        lines.no_wrap, lines.overflow = True, "ellipsis"
        return Panel(lines, title="Mitteilungen, neueste zuerst", title_align="left", height=NOTICES_SHOWN + 2)

    def _foot(self) -> Text:
        counts = {
            name: list(self._outcomes.values()).count(name)
            for name in ("matched", "no_district", "not_live", "rejected")
        }
        words = "Meldungen: {matched} treffen zu, {no_district} anderswo, {not_live} nicht live, {rejected} unlesbar"
        text = Text(words.format(**counts))
        if total := self.latency.get("total"):
            text.append(f"   Laufzeit Feed → Kanal: Median {total['p50']:.0f} ms, 99 % {total['p99']:.0f} ms")
        if self._status and self._status.error:
            text.append(f"\nFeed: {self._status.error}", style="bold red")
        return text


def line(notice: Notice, zone: ZoneInfo) -> str:
    """One notice in one line, for a terminal without a live view."""
    clock = moment(notice.issued, zone, "de")
    match notice:
        case SteleRecord():
            return f"{clock} stele {notice.district_name}: {notice.summary['de']}"
        case PushNotice():
            said = f"{notice.title['de']} – {notice.body['de']}"
            return f"{clock} push {AUDIENCES[notice.audience]} {notice.kind}: {said}"
        case SmsNotice():
            return f"{clock} sms {AUDIENCES[notice.audience]} {notice.kind}: {notice.text}"
