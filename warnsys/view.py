"""The terminal's live view: clock, a row a district, the notices as they go out, the latency. German, for operators.

It lies beside the rooms: processes draw it and commands print its lines, so in `warnsys.cli` it would close a circle.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from warnsys.channels.registry import called, channel_of, said_parts
from warnsys.channels.wording import moment
from warnsys.records import ChangeNotice, FeedStatus, Notice, Outcome, SteleRecord

NOTICES_KEPT = 20
ROOMY_LINES = 40
"""From this height of the terminal on a district may take several lines."""
LEVEL_STYLES = {1: "black on yellow", 2: "black on dark_orange", 3: "bold white on red3", 4: "bold white on purple4"}
STATUS_WORDS = {
    "warned": "gewarnt",
    "unconfirmed": "abgelaufen, Bestätigung steht aus",
    "clear": "keine Warnung",
    "no_data": "KEINE DATEN",
}
FRESHNESS_WORDS = {"fresh": "Stand", "incomplete": "UNVOLLSTÄNDIG", "stale": "VERALTET", "none": "noch kein Stand"}
AUDIENCES = {"public": "öffentlich", "staff": "Stab"}


class LiveView:
    """What one terminal shows; told of everything by `heard`, drawn by rich."""

    def __init__(self, title: str, marks: tuple[str, ...], zone: ZoneInfo) -> None:
        self.now: datetime | None = None
        self.chapter = ""
        self.address = ""
        """Of the pages in a browser."""
        self.latency: Mapping[str, Mapping[str, float]] = {}
        self._title, self._marks, self._zone = title, marks, zone
        self._steles: dict[str, SteleRecord] = {}
        self._notices: deque[ChangeNotice] = deque(maxlen=NOTICES_KEPT)
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

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        roomy = height >= ROOMY_LINES
        above: list[RenderableType] = [self._head(), self._districts(roomy=roomy)]
        foot = self._foot()
        used = sum(len(console.render_lines(part, options.update(height=None))) for part in (*above, foot))
        yield from above
        yield self._sent(lines=max(3, height - used - 3))
        yield foot

    def _head(self) -> Panel:
        clock = "--:--:--"
        if self.now:
            local = self.now.astimezone(self._zone)
            clock = f"{moment(self.now, self._zone, 'de', year=True)}:{local:%S}"
        text = Text(f"{self._title}   {clock}   {self.chapter}", style="bold")
        return Panel(text, title=" · ".join(self._marks), border_style="red" if self._marks else "")

    def _districts(self, *, roomy: bool) -> Table:
        table = Table(expand=True, show_lines=False)
        for name, ratio in (("Bezirk", 4), ("Stufe", 5), ("Was gilt", 9), ("Daten", 4)):
            table.add_column(name, ratio=ratio, no_wrap=not roomy, overflow="ellipsis")
        for record in sorted(self._steles.values(), key=lambda record: record.district):
            holding = self._holding(record, most=3 if roomy else 1)
            table.add_row(record.district_name, self._level(record, roomy=roomy), holding, self._data(record))
        return table

    def _level(self, record: SteleRecord, *, roomy: bool) -> Text:
        if not record.items or record.status != "warned":
            return Text(STATUS_WORDS[record.status], style="dim" if record.status == "clear" else "bold")
        first = record.items[0]
        style = LEVEL_STYLES[first.level] if first.phase == "warning" else "italic"
        return Text(f" {first.label['de']} " if roomy else f" Stufe {first.level} von 4 ", style=style)

    def _holding(self, record: SteleRecord, *, most: int) -> Text:
        lines = [
            f"{item.event['de']} ({item.when['de']})" + (" – unbestätigt" if item.phase == "expired" else "")
            for item in record.items[:most]
        ]
        if most > 1 and len(record.items) > most:
            lines.append(f"… und {len(record.items) + record.more - most} weitere")
        return Text("\n".join(lines))

    def _data(self, record: SteleRecord) -> Text:
        stand = "" if record.as_of is None else f" {record.as_of.astimezone(self._zone):%H:%M}"
        style = "" if record.freshness == "fresh" else "bold red"
        return Text(FRESHNESS_WORDS[record.freshness] + stand, style=style)

    def _sent(self, *, lines: int) -> Panel:
        text = Text()
        for notice in list(self._notices)[:lines]:
            channel = f"{called(channel_of(notice), 'de'):<4}"
            said = " – ".join(said_parts(notice, "de"))
            clock = f"{notice.issued.astimezone(self._zone):%H:%M}"
            text.append(f"{clock} {channel} {AUDIENCES[notice.audience]:<10} ", style="cyan")
            text.append(f"{said}\n", style="bold" if notice.level == 4 and notice.kind != "ended" else "")
        text.no_wrap, text.overflow = True, "ellipsis"
        return Panel(text, title="Mitteilungen, neueste zuerst", title_align="left", height=lines + 2)

    def _foot(self) -> Text:
        counts = {
            name: list(self._outcomes.values()).count(name)
            for name in ("matched", "no_district", "not_live", "rejected")
        }
        words = "Meldungen: {matched} treffen zu, {no_district} anderswo, {not_live} nicht live, {rejected} unlesbar"
        text = Text(words.format(**counts))
        if self.address:
            text = Text(f"Lagebild im Browser: {self.address}/\n", style="bold") + text
        if total := self.latency.get("total"):
            text.append(f"   Laufzeit Feed → Kanal: Median {total['p50']:.0f} ms, 99 % {total['p99']:.0f} ms")
        if self._status and self._status.error:
            _, _, what = self._status.error.partition(": ")
            text.append(f"\nFeed {self._status.source}: {what or self._status.error}", style="bold red")
        return text


def line(notice: Notice, zone: ZoneInfo) -> str:
    """One notice in one line, for a terminal without a live view."""
    clock = moment(notice.issued, zone, "de")
    match notice:
        case SteleRecord():
            return f"{clock} stele {notice.district_name}: {notice.summary['de']}"
        case ChangeNotice():
            who = f"{channel_of(notice)} {AUDIENCES[notice.audience]}"
            return f"{clock} {who} {notice.kind}: {' – '.join(said_parts(notice, 'de'))}"
