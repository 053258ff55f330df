"""Where everything stands on the report's timeline, in pixels; the template only draws."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LABELS = 250
"""Width of the column with the lanes' names."""
WIDTH = 1000
"""Width of the time itself."""
LETTER = 7.4
"""Width of a letter, about."""
ROW, GAP = 30, 4
BAR_ROW = 26
TARGET = 26
"""Marks nearer than this share one: a finger needs 24 pixels (WCAG 2.2, 2.5.8)."""
STEPS_MIN = (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
MAX_TICKS = 13


@dataclass(frozen=True, slots=True)
class Span:
    start: datetime
    end: datetime
    state: str
    words: str


@dataclass
class ReportLane:
    """One thing's states, one after the other."""

    name: str
    spans: list[Span] = field(default_factory=list)
    _since: datetime | None = None
    _state: tuple[str, str] = ("", "")

    def at(self, moment: datetime, state: str, words: str) -> None:
        if (state, words) != self._state:
            self.close(moment)
            self._since, self._state = moment, (state, words)

    def close(self, moment: datetime) -> None:
        """End what is open; what held for no time at all is left out."""
        if self._since is not None and self._since < moment:
            last = self.spans[-1] if self.spans else None
            start = self._since
            if last and last.end == start and (last.state, last.words) == self._state:
                start = self.spans.pop().start
            self.spans.append(Span(start, moment, *self._state))
        self._since = None


@dataclass(frozen=True, slots=True)
class Mark:
    at: datetime
    anchor: str
    level: int
    style: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class ReportBar:
    """A message, as long as it was listed."""

    start: datetime
    end: datetime
    anchor: str
    style: str
    words: str


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    style: str
    words: str
    text: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class ReportTick:
    x: float
    time: str
    day: str
    """The date where a new one begins."""


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    level: int
    style: str
    kind: str
    anchors: tuple[str, ...]
    words: str


class Timeline:
    """The drawing's parts. Lanes on top, then the data's freshness and the steles, then the notices and the alerts."""

    def __init__(
        self, start: datetime, end: datetime, zone: ZoneInfo, lanes: Sequence[ReportLane], data: ReportLane,
        marks: dict[str, list[Mark]], bars: Sequence[ReportBar], chapters: Sequence[tuple[datetime, str]],
        steles: Sequence[ReportLane] = (),
    ) -> None:  # fmt: skip
        self.start, self.end, self.zone = start, max(end, start + timedelta(minutes=1)), zone
        self.lanes, self.data = [*lanes, data, *steles], data
        self.labels, self.width, self.row = LABELS, LABELS + WIDTH + 24, ROW
        y = 50.0
        self.top = y
        self.names: list[tuple[str, float, str]] = []
        self.boxes: list[Box] = []
        for lane in self.lanes:
            if lane is data or (steles and lane is steles[0]):
                y += 10
            self.names.append((lane.name, y + ROW / 2, "lane"))
            self.boxes += [self._box(span, y) for span in lane.spans]
            y += ROW + GAP
        y += 10
        self.dots: list[Dot] = []
        for name, some in marks.items():
            self.names.append((name, y + ROW / 2, "channel"))
            self.dots += self._dots(some, y + ROW / 2)
            y += ROW + GAP
        y += 10
        self.bars: list[Box] = []
        rows = self._packed(bars)
        if rows:
            self.names.append((f"Meldungen ({len(bars)})", y + BAR_ROW / 2, "alerts"))
        for row in rows:
            for bar in row:
                self.bars.append(self._bar(bar, y))
            y += BAR_ROW
        self.bottom = y
        self.height = y + 12
        self.chapters = [(self.x(at), number) for number, (at, _) in enumerate(chapters, 1)]

    def x(self, at: datetime) -> float:
        part = (at - self.start) / (self.end - self.start)
        return round(LABELS + min(max(part, 0.0), 1.0) * WIDTH, 1)

    @property
    def ticks(self) -> Iterator["ReportTick"]:
        """Whole hours or the like, in local time."""
        minutes = (self.end - self.start) / timedelta(minutes=1)
        step = next((one for one in STEPS_MIN if minutes / one <= MAX_TICKS), STEPS_MIN[-1])
        at = self.start.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        day = None
        while at <= self.end:
            if at >= self.start:
                new = at.date() != day
                day = at.date()
                last = LABELS + WIDTH - self.x(at) < 20
                yield ReportTick(
                    self.x(at), "" if last else f"{at:%H:%M}", f"{at:%d.%m.%Y}" if new and not last else ""
                )
            at = (at.astimezone(UTC) + timedelta(minutes=step)).astimezone(self.zone)

    def _box(self, span: Span, y: float) -> Box:
        x, end = self.x(span.start), self.x(span.end)
        words = f"{self._clock(span.start)} bis {self._clock(span.end)}: {span.words}"
        return Box(x, y, round(max(end - x, 1.5), 1), span.state, words, _fitting(span.words, span.state, end - x))

    def _bar(self, bar: ReportBar, y: float) -> Box:
        x, end = self.x(bar.start), self.x(bar.end)
        words = f"{self._clock(bar.start)} bis {self._clock(bar.end)}: {bar.words}"
        width = round(max(end - x, 24), 1)
        x = min(x, LABELS + WIDTH - width)
        return Box(x, y, width, bar.style, words, _fitting(bar.words, "", end - x), bar.anchor)

    def _dots(self, marks: Sequence[Mark], y: float) -> Iterator[Dot]:
        groups: list[list[Mark]] = []
        for mark in sorted(marks, key=lambda one: one.at):
            if groups and self.x(mark.at) - self.x(groups[-1][0].at) < TARGET:
                groups[-1].append(mark)
            else:
                groups.append([mark])
        for group in groups:
            worst = max(group, key=lambda one: (one.kind in ("warn", "update"), one.level))
            more = f", und {len(group) - 1} weitere" if len(group) > 1 else ""
            anchors = tuple(mark.anchor for mark in group)
            yield Dot(self.x(group[0].at), y, worst.level, worst.style, worst.kind, anchors, group[0].words + more)

    def _packed(self, bars: Sequence[ReportBar]) -> list[list[ReportBar]]:
        """The bars in as few rows as they need, in the order of their begin."""
        rows: list[list[ReportBar]] = []
        for bar in sorted(bars, key=lambda one: (one.start, one.end)):
            for row in rows:
                if max(self.x(row[-1].end), self.x(row[-1].start) + 24) + 1 <= self.x(bar.start):
                    row.append(bar)
                    break
            else:
                rows.append([bar])
        return rows

    def _clock(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%d.%m. %H:%M}"


def _fitting(words: str, state: str, width: float) -> str:
    """As much of the words as the box has room for, as far as that can be told without the letters."""
    if state.startswith(("level-", "advance-")):
        short = f"Stufe {state[-1]}"
        mark = "Vorab: " if state.startswith("advance") else ""
        options = [words, f"{mark}{short} von 4", mark + short, state[-1]]
    else:
        options = [words]
    room = (width - 10) / LETTER
    found = next((option for option in options if len(option) <= room), "")
    if not found and not state.startswith(("level", "advance")) and room >= 8:
        return words[: int(room) - 1].rstrip() + "…"
    return found
