"""The terminal's live view: clock, a row a district, the notices as they go out, the latency. German, for operators.

It lies beside the rooms: processes draw it and commands print its lines, so in `warnsys.cli` it would close a circle.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import shorten
from zoneinfo import ZoneInfo

from rich.box import HEAVY_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from warnsys.channels.registry import called, channel_of, said_parts, tellers
from warnsys.channels.wording import moment
from warnsys.records import ChangeNotice, FeedStatus, Notice, Outcome, SteleItem, SteleRecord

NOTICES_KEPT = 20
WIDE = 120
"""Columns from which on levels and periods stand there in full."""
MOST_CHAPTER = 150
"""Letters of what just happened: in a burst that is the ids of hundreds of messages."""
LEAST_SENT = 4
"""Lines for the notices, whatever else there is to say."""
SENT_WIDTH = 48
"""Letters of a notice in a line of 80 columns."""
DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
LEVEL_STYLES = {1: "black on yellow", 2: "black on dark_orange", 3: "bold white on red3", 4: "bold white on purple4"}
STATUS_WORDS = {
    "warned": "gewarnt",
    "unconfirmed": "abgelaufen, Bestätigung steht aus",
    "clear": "keine Warnung",
    "no_data": "KEINE DATEN",
}
SHORT_LEVELS = {
    "warning": "Stufe {level} von 4",
    "advance": "Vorabinfo Stufe {level}",
    "expired": "vorbei? Stufe {level}",
}
"""Of the first warning, where a line has to do: an advance notice is called one."""
FRESHNESS_WORDS = {"fresh": "Stand", "incomplete": "UNVOLLSTÄNDIG", "stale": "VERALTET", "none": "noch kein Stand"}
FRESHNESS_SHORT = {**FRESHNESS_WORDS, "incomplete": "UNVOLLST."}
AUDIENCES = {"public": "öffentlich", "staff": "Stab"}


class LiveView:
    """What one terminal shows; told of everything by `heard`, drawn by rich."""

    def __init__(self, title: str, marks: tuple[str, ...], zone: ZoneInfo) -> None:
        self.now: datetime | None = None
        self.chapter = ""
        self.address = ""
        """Of the pages in a browser."""
        self.keys = ""
        """What keys do, where there are any."""
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
        """As much of each district as the terminal has lines for, so that some are left for the notices."""
        height, narrow = options.height or console.height, options.max_width < WIDE
        head, foot = self._head(), self._foot()
        for most, wrapped in ((3, True), (1, True), (1, False)):
            above: list[RenderableType] = [head, self._districts(most=most, narrow=narrow, wrapped=wrapped)]
            used = sum(len(console.render_lines(part, options.update(height=None))) for part in (*above, foot))
            if used + LEAST_SENT + 2 <= height:
                break
        yield from above
        yield self._sent(lines=max(LEAST_SENT, height - used - 3), each=2 if narrow else 1)
        yield foot

    def _head(self) -> Panel:
        clock = "--:--:--"
        if self.now:
            local = self.now.astimezone(self._zone)
            clock = f"{moment(self.now, self._zone, 'de', year=True)}:{local:%S}"
        text = Text(f"{self._title}   {clock}   {shorten(self.chapter, MOST_CHAPTER, placeholder=' …')}", style="bold")
        return Panel(text, title=" · ".join(self._marks), border_style="red" if self._marks else "")

    def _districts(self, *, most: int, narrow: bool, wrapped: bool) -> Table:
        table = Table(expand=True, show_lines=False, box=None if narrow else HEAVY_HEAD)
        table.add_column("Bezirk", max_width=14 if narrow else 30, no_wrap=not wrapped, overflow="ellipsis")
        table.add_column("Stufe", no_wrap=narrow)
        table.add_column("Was gilt", ratio=1, no_wrap=not wrapped, overflow="ellipsis")
        table.add_column("Daten", no_wrap=not narrow or not wrapped)
        for record in sorted(self._steles.values(), key=lambda record: record.district):
            holding = self._holding(record, most=most, narrow=narrow)
            table.add_row(
                record.district_name, self._level(record, narrow=narrow), holding, self._data(record, narrow=narrow)
            )
        return table

    def _level(self, record: SteleRecord, *, narrow: bool) -> Text:
        if not record.items or record.status != "warned":
            return Text(STATUS_WORDS[record.status], style="dim" if record.status == "clear" else "bold")
        first = record.items[0]
        style = LEVEL_STYLES[first.level] if first.phase == "warning" else "italic"
        short = SHORT_LEVELS[first.phase].format(level=first.level)
        return Text(f" {short if narrow else first.label['de']} ", style=style)

    def _holding(self, record: SteleRecord, *, most: int, narrow: bool) -> Text:
        lines = [self._period(item) if narrow else f"{item.event['de']} ({item.when['de']})" for item in record.items]
        for number, item in enumerate(record.items[:most]):
            if number:  # the first one's level has a column of its own
                kind = "Vorabinfo" if item.phase == "advance" else f"Stufe {item.level}"
                lines[number] = f"{kind}: {lines[number]}"
            lines[number] += " – unbestätigt" if item.phase == "expired" else ""
        total = len(record.items) + record.more
        higher = _higher(record.items, shown=most)
        up_to = f"bis Stufe {higher}" if higher else ""
        if most == 1 and total > 1:  # first, for the end of a line may be cut off
            if narrow:
                ahead = f"+{total - 1} ({up_to})" if up_to else f"+{total - 1}"
            else:
                ahead = f"(1 von {total}, {up_to})" if up_to else f"(1 von {total})"
            lines[0] = f"{ahead} {lines[0]}"
        elif total > most:
            lines[most:] = [f"… und {total - most} weitere" + (f", {up_to}" if up_to else "")]
        return Text("\n".join(lines[: most + 1] if most > 1 else lines[:1]))

    def _period(self, item: SteleItem) -> str:
        """A warning with its end or, where it has not begun, its begin before its name: a line may be cut off."""
        begun = self.now is None or item.onset <= self.now
        at = (item.expires if begun else item.onset) or item.onset
        local = at.astimezone(self._zone)
        today = self.now is None or local.date() == self.now.astimezone(self._zone).date()
        day = "" if today else f"{DAYS[local.weekday()]} "
        return f"{'bis' if begun and item.expires else 'ab'} {day}{local:%H:%M} {item.event['de']}"

    def _data(self, record: SteleRecord, *, narrow: bool) -> Text:
        stand = "" if record.as_of is None else f" {record.as_of.astimezone(self._zone):%H:%M}"
        style = "" if record.freshness == "fresh" else "bold red"
        words = FRESHNESS_SHORT if narrow else FRESHNESS_WORDS
        return Text(words[record.freshness] + stand, style=style)

    def _sent(self, *, lines: int, each: int) -> Panel:
        """The newest notices, in `each` lines at most."""
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True, style="cyan")
        grid.add_column(ratio=1, no_wrap=each == 1, overflow="ellipsis")
        width = max(len(called(one.name, "de")) for one in tellers())
        for notice in list(self._notices)[: max(1, lines // each)]:
            channel = f"{called(channel_of(notice), 'de'):<{width}}"
            said = " – ".join(said_parts(notice, "de"))
            clock = f"{notice.issued.astimezone(self._zone):%H:%M}"
            text = Text(said, style="bold" if notice.level == 4 and notice.kind != "ended" else "")
            if each > 1:
                text.truncate(each * SENT_WIDTH, overflow="ellipsis")
            grid.add_row(f"{clock} {channel} {AUDIENCES[notice.audience]:<10}", text)
        return Panel(grid, title="Mitteilungen, neueste zuerst", title_align="left", height=lines + 2)

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
        if self.keys:
            text.append(f"\n{self.keys}", style="dim")
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


def _higher(items: Sequence[SteleItem], *, shown: int) -> int | None:
    """Gives the highest level among the items that are not shown, if it is above all that are. Only items in the phase
    of the first one count."""
    alike = [(number, item.level) for number, item in enumerate(items) if item.phase == items[0].phase]
    levels = [level for number, level in alike if number < shown]
    highest = max((level for _, level in alike), default=0)
    return highest if levels and highest > max(levels) else None
