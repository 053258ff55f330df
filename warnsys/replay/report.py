"""A replay as one page to read: it gathers what happened, and hands it to the template.

The page needs no network and no script: marks are links to what they stand for. Whatever an alert says is escaped by
the template; the page's policy lets nothing run but its own few lines.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from warnsys.cap.model import level
from warnsys.channels.events import event_name
from warnsys.channels.registry import called, channel_of, said_parts, tellers
from warnsys.channels.wording import label, moment
from warnsys.records import ChangeNotice, Outcome, SteleItem, SteleRecord, worst_of
from warnsys.replay.beside import Comparison
from warnsys.replay.run import Arrival, DecidedMessage, ReplayEvent
from warnsys.replay.timeline import Mark, ReportBar, ReportLane, Span, Timeline
from warnsys.replay.words import ADVANCE_KINDS, AUDIENCES, DECIDED, FRESHNESS, KINDS, LOUDNESS, REASONS, STATUS, why_not
from warnsys.warning.policy import Policy

FOLDER = Path(__file__).with_name("page")
MAX_RAW = 60_000
"""Characters of one message's CAP, and a hundred times as many of all: what is longer is cut, and the page says so."""
MAX_ELSEWHERE = 200


@dataclass
class ReportedAlert:
    """One message that concerns the city, as the page tells of it."""

    anchor: str
    at: datetime
    outcome: Outcome
    body: bytes
    findings: tuple[str, ...]
    districts: tuple[Any, ...]
    until: datetime | None = None
    """When the snapshots no longer list it."""
    caused: list["Sent"] = field(default_factory=list)


@dataclass
class Sent:
    anchor: str
    notice: ChangeNotice


class Report:
    """Hears a replay; `html` gives the page."""

    def __init__(self, header: dict[str, Any], policy: Policy) -> None:
        self._header, self._policy = header, policy
        city = next(iter(header["cities"].values()))
        self.zone = ZoneInfo(city["timezone"])
        several = len(header["cities"]) > 1
        names = {
            district: f"{one['name']}: {name}" if several else name
            for one in header["cities"].values()
            for district, name in one["districts"].items()
        }
        self.start, self.end = (datetime.fromisoformat(header[name]) for name in ("from", "to"))
        self._lanes = {district: ReportLane(name) for district, name in names.items()}
        self._data = ReportLane("Daten")
        self._steles = {district: ReportLane(name) for district, name in names.items()}
        self._alerts: dict[tuple[str, str], ReportedAlert] = {}
        """By source and the id under which it lists them."""
        self._by_base: dict[str, ReportedAlert] = {}
        self._listed: list[ReportedAlert] = []
        """Those that the newest snapshots have."""
        self._elsewhere: list[tuple[datetime, Outcome]] = []
        self._sent: list[Sent] = []
        self._refused: list[Arrival] = []
        self._chapters: list[tuple[datetime, str]] = []
        self._counts = {"snapshots": 0, **dict.fromkeys(DECIDED, 0)}

    def __call__(self, event: ReplayEvent) -> None:
        match event:
            case Arrival():
                self._arrived(event)
            case DecidedMessage():
                self._decided(event)
            case SteleRecord():
                self._shown(event)
            case ChangeNotice():
                sent = Sent(f"n{len(self._sent) + 1}", event)
                self._sent.append(sent)
                if alert := self._of_base(event.cause):
                    alert.caused.append(sent)

    # -- gathering --------------------------------------------------------------------------------------------------

    def _arrived(self, arrival: Arrival) -> None:
        if arrival.shot.title:
            self._chapters.append((arrival.at, arrival.shot.title))
        if arrival.error:
            self._refused.append(arrival)
        if arrival.snapshot is None:
            return
        self._counts["snapshots"] += 1
        listed = set(arrival.snapshot.ids)
        for alert in self._listed:
            if alert.outcome.source == arrival.shot.source and alert.outcome.listed_id not in listed:
                alert.until = arrival.at
        self._listed = [alert for alert in self._listed if alert.until is None]

    def _decided(self, event: DecidedMessage) -> None:
        outcome = event.decision.outcome
        place = outcome.source, outcome.listed_id
        if known := self._alerts.get(place):
            if known.until:
                known.until = None  # listed once more
                self._listed.append(known)
            return
        self._counts[outcome.decided] += 1
        if outcome.decided == "no_district":
            self._elsewhere.append((event.at, outcome))
            return
        anchor = f"a{len(self._alerts) + 1}"
        alert = ReportedAlert(anchor, event.at, outcome, event.body, outcome.findings, event.decision.matches)
        self._alerts[place] = alert
        self._by_base.setdefault(outcome.base_id, alert)
        self._listed.append(alert)

    def _shown(self, record: SteleRecord) -> None:
        """The district by the worst that stands there, the stele by what it shows largest."""
        first = record.items[0] if record.items else None
        words, worst = STATUS[record.status], worst_of(record.items) or first
        if record.status == "warned" and worst:
            words = worst.label["de"]
        self._lanes[record.district].at(record.issued, _state(record, worst), words)
        look = _state(record, first)
        if first and record.status == "warned":
            look = f"stele-{first.presentation} {look}"
        shows = f"{LOUDNESS[first.presentation]}: {first.event['de']}" if first else words
        more = len(record.items) - 1 + record.more
        self._steles[record.district].at(record.issued, look, f"{shows} (und {more} weitere)" if more > 0 else shows)
        if record.district == next(iter(self._lanes)):
            self._data.at(record.issued, f"data-{record.freshness}", FRESHNESS[record.freshness])

    def _of_base(self, base_id: str) -> ReportedAlert | None:
        return self._by_base.get(base_id)

    # -- the page ---------------------------------------------------------------------------------------------------

    def html(self, comparison: Comparison | None = None) -> str:
        """The page, when all has been heard; with what differs from another replay, where there is one."""
        for lane in (*self._lanes.values(), *self._steles.values(), self._data):
            lane.close(self.end)
        ruled = {(rule.channel, rule.audience) for rule in self._policy.rules}
        every = ((one.name, audience) for audience in AUDIENCES for one in tellers())
        rows = [way for way in every if way in ruled]
        marks = {
            f"{called(channel, 'de')}, {AUDIENCES[audience]}": [
                Mark(
                    sent.notice.issued,
                    sent.anchor,
                    sent.notice.level,
                    self._level_of(sent),
                    sent.notice.kind,
                    self.heading(sent),
                )
                for sent in self._sent
                if channel_of(sent.notice) == channel and sent.notice.audience == audience
            ]
            for channel, audience in rows
        }
        bars = [
            ReportBar(alert.at, alert.until or self.end, alert.anchor, _style(alert.outcome), self.title_of(alert))
            for alert in self._alerts.values()
        ]
        timeline = Timeline(
            self.start, self.end, self.zone, list(self._lanes.values()), self._data, marks, bars, self._chapters,
            steles=self._stele_lanes(),
        )  # fmt: skip
        style, script = ((FOLDER / name).read_text("utf-8") for name in ("report.css", "report.js"))
        page: str = _template().render(
            page=self, t=timeline, comparison=comparison, header=self._header, counts=self._counts, sent=self._sent,
            alerts=list(self._alerts.values()), elsewhere=self._elsewhere[:MAX_ELSEWHERE],
            elsewhere_more=max(0, len(self._elsewhere) - MAX_ELSEWHERE), refused=self._refused,
            chapters=self._chapters, style=Markup(style), script=Markup(script),  # noqa: S704 - our own files
            style_hash=_hash(style), script_hash=_hash(script), decided=DECIDED, reasons=REASONS,
            parts=said_parts,
            by_channel={name: len(some) for name, some in marks.items()}, raw=self._raws(),
        )  # fmt: skip
        return page

    def _stele_lanes(self) -> list[ReportLane]:
        """What the steles showed; those that showed the same all the time share a lane."""
        alike: dict[tuple[Span, ...], list[str]] = {}
        for district, lane in self._steles.items():
            alike.setdefault(tuple(lane.spans), []).append(district)
        names = {district: lane.name for district, lane in self._steles.items()}
        return [
            ReportLane("Stelen" if len(alike) == 1 else f"Stelen: {', '.join(names[i] for i in some)}", list(spans))
            for spans, some in alike.items()
        ]

    def clock(self, at: datetime) -> str:
        return moment(at, self.zone, "de")

    def places(self, notice: ChangeNotice) -> str:
        city = self._header["cities"][notice.city]
        if set(notice.districts) == set(city["districts"]):
            return f"ganz {city['name']}"
        return ", ".join(city["districts"].get(district, district) for district in notice.districts)

    def _level_of(self, sent: Sent) -> str:
        return f"{'advance' if sent.notice.advance else 'level'}-{sent.notice.level}"

    def kind_of(self, sent: Sent) -> str:
        """What the notice is, in a few words."""
        return (ADVANCE_KINDS if sent.notice.advance else KINDS)[sent.notice.kind]

    def heading(self, sent: Sent) -> str:
        notice = sent.notice
        who = f"{called(channel_of(notice), 'de')}, {AUDIENCES[notice.audience]}"
        return f"{self.clock(notice.issued)} {who}: {self.kind_of(sent)}, Stufe {notice.level} von 4"

    def title_of(self, alert: ReportedAlert) -> str:
        """An alert in a few words: what it is, or why it is none."""
        meaning = next(iter(alert.outcome.meanings), None)
        if meaning:
            return f"{event_name(meaning)['de']} – {label(meaning)['de']}"
        if alert.outcome.msg_type == "Cancel":
            return "Aufhebung"
        if alert.outcome.reason.startswith("test"):
            return "Testmeldung"
        return DECIDED[alert.outcome.decided].capitalize()

    def cause_of(self, sent: Sent) -> ReportedAlert | None:
        return self._of_base(sent.notice.cause)

    def who_hears(self, alert: ReportedAlert) -> list[tuple[str, str, list[Sent]]]:
        """For each audience and channel: what it was told because of an alert, or why it was not."""
        found = []
        for rule in self._policy.rules:
            told = [
                s for s in alert.caused if (channel_of(s.notice), s.notice.audience) == (rule.channel, rule.audience)
            ]
            why = "" if told else why_not(rule, alert.outcome.meanings)
            found.append((f"{called(rule.channel, 'de')}, {AUDIENCES[rule.audience]}", why, told))
        return found

    def _raws(self) -> dict[str, str]:
        """The CAP of the messages as text, by anchor."""
        left, found = 100 * MAX_RAW, {}
        for alert in self._alerts.values():
            text = alert.body.decode("utf-8", "replace")
            part = text[: min(MAX_RAW, max(left, 0))]
            left -= len(part)
            note = f"\n[… gekürzt, {len(text)} Zeichen in allem]" if len(part) < len(text) else ""
            found[alert.anchor] = "".join(c if c in "\n\t" or ord(c) >= 32 else "\ufffd" for c in part) + note
        return found


def _state(record: SteleRecord, item: SteleItem | None) -> str:
    """How a district is drawn because of one of its warnings."""
    if item is None or record.status != "warned":
        return record.status
    return f"advance-{item.level}" if item.phase == "advance" else f"level-{item.level}"


def _style(outcome: Outcome) -> str:
    meaning = next(iter(outcome.meanings), None)
    if meaning is None:
        return outcome.decided
    return f"{'advance' if meaning.advance else 'level'}-{level(meaning.severity)}"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["iso"] = lambda at: at.astimezone(UTC).isoformat()
    return environment.get_template("report.html")
