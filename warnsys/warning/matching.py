"""What one message means: which districts it warns, by which rule, and if none, why not.

This asks no clock: whether a message has expired is judged where the time is known. A message that warns nobody may
still end others (an Update that left the city, a Cancel), so its outcome always says what it supersedes.
"""

import hashlib
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from geofences import Budget, GeofenceIndex, Match, Matches
from geofences.match import Least
from geofences.overlap.budget import INFO_S
from geofences.shapes import TOUCHED
from warnsys.cap import dwd, languages
from warnsys.cap.digest import digest
from warnsys.cap.document import ZONE
from warnsys.cap.errors import CapError, Misleading
from warnsys.cap.kinds import kind
from warnsys.cap.model import Alert, Info, Ring, level
from warnsys.cap.read import PRIVATE_SCOPES, read_alert
from warnsys.records import AlertHeaders, Decided, Impact, Meaning, Outcome, Text
from warnsys.warning.areas import areas_of
from warnsys.warning.crowd import crowd
from warnsys.warning.text import direction, shorten

SENT_LATE = timedelta(hours=1)
"""A message may be sent so long after the end of what it warns of."""
LIVE_TYPES = ("Alert", "Update", "Cancel")
"""Messages of any other msgType warn nobody and end nothing."""
MAX_LANGUAGES = 16
HEADLINE_CHARS, EVENT_CHARS, BODY_CHARS = 300, 120, 4_000
"""Texts on the topics are cut to these lengths: then 16 languages stay below 400 kB."""

MOST_MEANINGS, MOST_IMPACTS = 250, 20_000
"""An outcome has at most so many meanings, and so many impacts in all of them together. The DWD's have one or two
meanings."""


@dataclass(frozen=True)
class Matcher:
    """The rules by which messages are decided: geofences, thresholds, and whether this is an exercise."""

    index: GeofenceIndex
    min_share: Mapping[str, float] = field(default_factory=dict)
    """By source, the share of a district from which a message without warn cells warns it."""
    min_part: Mapping[str, float] = field(default_factory=dict)
    """By source, the part of one shape from which that shape warns the district in which the part lies."""
    exercise: bool = False
    senders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By source, whose messages are taken; everybody's if none are named."""
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """By source, the time zone of times without an offset, if it is not Berlin's."""
    known_cells: Container[str] | None = None
    """The catalogue of warn cells: a message with other cells gets a finding. None: no cell is new."""

    @property
    def ruleset_version(self) -> str:
        """The rule set version: a hash of all that decides. Outcomes under another one have to be decided again."""
        by_source: tuple[object, ...] = sorted(self.min_share.items()), sorted(self.senders.items())
        if self.min_part:
            by_source += (sorted(self.min_part.items()),)
        if self.zones:
            by_source += (sorted((name, zone.key) for name, zone in self.zones.items()),)
        return hashlib.sha256(f"{self.index.version} {by_source}".encode()).hexdigest()[:12]

    def decide_bytes(self, body: bytes, headers: AlertHeaders) -> "Decision":
        """Reads a message and decides it. Never raises for what the message says: that is an outcome, too."""
        try:
            alert = self.read(body, headers.source)
        except CapError as error:
            return self.refuse(headers, error)
        return self.decide(alert, headers)

    def read(self, body: bytes, source: str) -> Alert:
        """Reads a message that a source brought. Raises `CapError`.

        A message of a sender that the source does not allow is `Misleading`: it must neither warn nor end.
        """
        alert = read_alert(body, zone=self.zones.get(source, ZONE))
        allowed = self.senders.get(source)
        if allowed and alert.sender.casefold() not in {sender.casefold() for sender in allowed}:
            what = f"{alert.sender!r} is not a sender of the source {source!r}, only {', '.join(allowed)}"
            raise Misleading("sender-foreign", "/alert/sender", what)
        return alert

    def refuse(self, headers: AlertHeaders, error: CapError) -> "Decision":
        """Gives the outcome of a message that cannot be read."""
        return Decision(self._outcome(headers, None, "rejected", str(error)), None, ())

    def decide(self, alert: Alert, headers: AlertHeaders) -> "Decision":
        """Decides a message for all districts. The outcome holds the impacts on all cities."""
        if reason := self._why_not_live(alert):
            return Decision(self._outcome(headers, alert, "not_live", reason), alert, ())
        supersedes = dwd.replaced(alert)
        if alert.msg_type == "Cancel":
            reason = f"cancel: names {len(supersedes)}, warns nobody"
            return Decision(self._outcome(headers, alert, "not_live", reason, supersedes=supersedes), alert, ())
        if error := _misleading(alert, replaces=bool(supersedes)):
            return self.refuse(headers, error)
        found = self._match(alert, headers.source)
        meanings, left_out = _worst(found.meanings, alert.sent)
        left_out += found.left_out
        if left_out:
            found.codes["infos-left-out"] = None
        decided: Decided
        if not found.matches:
            decided, reason = "not_live", "all clear"
        elif meanings:
            decided, reason = "matched", meanings[0].impacts[0].reason
        else:
            decided, reason = "no_district", _common_reason(found.matches[0].reasons)
        outcome = self._outcome(
            headers, alert, decided, reason, supersedes=supersedes, meanings=tuple(meanings), left_out=left_out,
            codes=found.codes,
        )  # fmt: skip
        return Decision(outcome, alert, tuple(found.matches))

    def _match(self, alert: Alert, source: str) -> "_Matched":
        """Matches the infos of a message with the districts, one info of each meaning; an all-clear warns nobody.

        When the budget is spent, infos without warn cells are put off, and are all matched at once in the end.
        """
        min_share = self.min_share.get(source, Least().share)
        min_part = self.min_part.get(source, Least().part)
        found, budget, put_off = _Matched(), Budget(), list[list[Info]]()
        for infos in languages.alike(alert):
            if dwd.is_all_clear(infos[0]):
                continue
            cells_decide = any(dwd.warn_cells(area) for area in infos[0].areas)
            if not cells_decide and budget.exhausted:
                put_off.append(infos)
                continue
            if not cells_decide:
                budget.try_pay(INFO_S)
            areas = areas_of(infos[0], budget)
            matches = self.index.match(areas, min_share=min_share, min_part=min_part, budget=budget)
            found.matches.append(matches)
            meaning = _meaning(alert, infos, matches.warned) if matches.warned else None
            # Matches and shares are found when they are asked for, and pay then: so what was enlarged is known now.
            enlarged = budget.take_codes()
            if enlarged:
                found.codes.update(dict.fromkeys(("share-left-out",) if cells_decide else enlarged))
            if meaning:
                found.meanings.append(_explained(meaning, enlarged))
        if put_off:
            found.codes[TOUCHED] = None
            more, found.left_out = self._match_at_once(alert, put_off)
            found.meanings += more
        return found

    def _match_at_once(self, alert: Alert, put_off: list[list[Info]]) -> tuple[list[Meaning], int]:
        """Gives the meanings of infos that the budget could not pay for, and how many of them are left out."""
        near, matches = crowd(self.index, [infos[0] for infos in put_off])
        if not matches.warned:
            return [], 0
        worst = sorted(near, key=lambda number: _badness(put_off[number][0], alert.sent), reverse=True)[:MOST_MEANINGS]
        meanings = (_meaning(alert, put_off[number], matches.warned) for number in sorted(worst))
        return [_explained(meaning, (TOUCHED,)) for meaning in meanings], len(near) - len(worst)

    def _why_not_live(self, alert: Alert) -> str:
        """Gives the reason why a message says nothing here, "" if it does. `revisions.NOT_REAL` lists how it begins."""
        if dwd.is_test(alert):
            return f"test: status {alert.status}" + "".join(
                f", II {number}" for number in sorted({dwd.event_number(info) for info in alert.infos} - {""})
            )
        if alert.status == "Exercise" and not self.exercise:
            return "exercise"
        if alert.msg_type not in LIVE_TYPES:
            return f"msgType {alert.msg_type}"
        if alert.scope in PRIVATE_SCOPES:
            return f"scope {alert.scope}"
        return ""

    def _outcome(
        self,
        headers: AlertHeaders,
        alert: Alert | None,
        decided: Decided,
        reason: str,
        *,
        supersedes: tuple[str, ...] = (),
        meanings: tuple[Meaning, ...] = (),
        left_out: int = 0,
        codes: Iterable[str] = (),
    ) -> Outcome:
        """Makes the outcome of a message, with up to 20 codes of findings: first `codes`, then the message's own."""
        common = {
            "stage": headers.stage,
            "source": headers.source,
            "listed_id": headers.id,
            "stamp": headers.stamp,
            "doubt": headers.doubt,
            "alone": headers.alone,
            "replaced": headers.replaced,
            "decided": decided,
            "reason": shorten(reason, 300),
            "rules": self.ruleset_version,
        }
        if alert is None:
            return Outcome.model_validate({**common, "base_id": headers.id})
        new_cells = () if self.known_cells is None else dwd.new_cells(alert, self.known_cells)
        findings = (*alert.findings, *dwd.findings(alert), *new_cells)
        all_codes = [*codes, *(finding.code for finding in findings)]
        return Outcome.model_validate(
            {
                **common,
                "base_id": dwd.base_id(alert),
                "sent": alert.sent,
                "sender": alert.sender,
                "digest": digest(alert),
                "msg_type": alert.msg_type,
                "supersedes": supersedes,
                "meanings": meanings,
                "left_out": left_out or None,
                "findings": tuple(dict.fromkeys(all_codes))[:20],
            }
        )


@dataclass
class _Matched:
    """What the districts say to the infos of one message."""

    meanings: list[Meaning] = field(default_factory=list)
    """The meanings that warn a district."""
    matches: list[Matches] = field(default_factory=list)
    """Of each info that the budget could pay for, whether it warns or not."""
    codes: dict[str, None] = field(default_factory=dict)
    """Codes of what was taken as larger than drawn, in their order."""
    left_out: int = 0
    """How many infos that may warn were left out."""


@dataclass(frozen=True)
class Decision:
    """An outcome, with what explains it."""

    outcome: Outcome
    alert: Alert | None
    """None if the message could not be read."""
    found: tuple[Matches, ...]
    """The matches of each meaning; empty if no district was asked."""

    @property
    def matches(self) -> tuple[Match, ...]:
        """One match per district, that of its worst meaning; empty if no district was asked."""
        return tuple(
            max(each, key=lambda match: (match.matched, match.share or 0)) for each in zip(*self.found, strict=True)
        )


def _misleading(alert: Alert, *, replaces: bool) -> Misleading | None:
    """Gives why a message that warns may not be believed: where or when it warns is surely a mistake.

    If it were believed and `replaces` others, it would end them though it means to warn on. Geocodes that we do not
    know are a place: that of somebody else.
    """
    live = [info for info in alert.infos if not dwd.is_all_clear(info)]
    areas = [area for info in live for area in info.areas]
    for ring in (ring for area in areas if not dwd.warn_cells(area) for ring in area.polygons):
        if is_swapped(ring):
            text = "lies off Somalia, where Germany lies with lat and lon exchanged"
            return Misleading("coordinates", "/alert/info/area/polygon", text)
    if not live or not replaces:
        return None
    if not any(area.polygons or area.circles or area.geocodes for area in areas):
        return Misleading("update-unplaced", "/alert/info/area", "names no place, though it replaces what warned")
    begun = alert.sent - SENT_LATE
    if all(info.expires and info.expires < begun and info.urgency != "Past" for info in live):
        return Misleading("update-over", "/alert/info/expires", "ended before it was sent, though it says no all-clear")
    return None


def is_swapped(ring: Ring) -> bool:
    """Whether an outline lies off Somalia, where Germany lies with lat and lon exchanged."""
    return all(47 <= lon <= 56 and 5 <= lat <= 16 for lon, lat in ring)


def for_cities(outcome: Outcome, cities: Iterable[str]) -> Outcome:
    """Gives the outcome without the impacts on other cities. What it supersedes concerns every city."""
    wanted = frozenset(cities)
    meanings = (
        meaning.model_copy(update={"impacts": tuple(i for i in meaning.impacts if i.city in wanted)})
        for meaning in outcome.meanings
    )
    return outcome.model_copy(update={"meanings": tuple(meaning for meaning in meanings if meaning.impacts)})


def live_at(meaning: Meaning, moment: datetime) -> bool:
    """Says whether a meaning has not expired. Without `expires` it never does (CAP 1.2, 3.2.2)."""
    return meaning.expires is None or moment < meaning.expires


def _worst(meanings: list[Meaning], sent: datetime) -> tuple[list[Meaning], int]:
    """Gives as many meanings as an outcome may have, in the message's order, and how many are left out.

    Each district keeps the worst meaning that warns it, whatever the limit. Of the others the worst stay.
    """
    if len(meanings) <= MOST_MEANINGS and sum(len(meaning.impacts) for meaning in meanings) <= MOST_IMPACTS:
        return meanings, 0
    ranked = sorted(range(len(meanings)), key=lambda number: _badness(meanings[number], sent), reverse=True)
    kept, warned, rest = set[int](), set[str](), list[int]()
    for number in ranked:
        districts = {impact.district for impact in meanings[number].impacts}
        if districts <= warned:
            rest.append(number)
        else:
            kept.add(number)
            warned |= districts
    room = MOST_IMPACTS - sum(len(meanings[number].impacts) for number in kept)
    for number in rest[: max(0, MOST_MEANINGS - len(kept))]:
        room -= len(meanings[number].impacts)
        if room < 0:
            break
        kept.add(number)
    return [meanings[number] for number in sorted(kept)], len(meanings) - len(kept)


def _explained(meaning: Meaning, enlarged: Sequence[str]) -> Meaning:
    """Adds to the reason of each impact by area why shapes were taken as larger than drawn: the codes `enlarged`."""
    if not enlarged:
        return meaning
    impacts = (
        one if one.via == "cell" else one.model_copy(update={"reason": f"{one.reason}, {', '.join(enlarged)}"})
        for one in meaning.impacts
    )
    return meaning.model_copy(update={"impacts": tuple(impacts)})


def _badness(meaning: Meaning | Info, sent: datetime) -> tuple[bool, int, bool, float, float]:
    """Ranks a meaning of a message that was sent then: what was over is the least.

    Then by level, a warning before an advance notice, the earlier begin, and the later end.
    """
    begin = max(meaning.onset or sent, sent)
    over = meaning.expires is not None and meaning.expires <= sent
    ends = math.inf if meaning.expires is None else meaning.expires.timestamp()
    return not over, level(meaning.severity), meaning.urgency != "Future", -begin.timestamp(), ends


def _meaning(alert: Alert, infos: list[Info], matches: Iterable[Match]) -> Meaning:
    """Makes a meaning of infos that differ in language only, with an impact for each district that is warned.

    If a shape of the message could not be read, no share is given: it would be too small.
    """
    first = infos[0]
    unread = any(finding.code == "shape-left-out" for finding in alert.findings)
    group, worded = kind(first)
    return Meaning(
        ii=dwd.event_number(first),
        group=group,
        worded=worded,
        category=other_category(first),
        urgency=first.urgency,
        severity=first.severity,
        certainty=first.certainty,
        onset=first.onset or first.effective or alert.sent,
        expires=first.expires,
        texts=_texts(infos[:MAX_LANGUAGES]),
        parameters=tuple((shorten(name, 80), shorten(value, 80)) for name, value in first.parameters[:40]),
        sender_name=shorten(first.sender_name or alert.sender, 120),
        web=first.web if first.web.startswith(("https://", "http://")) else "",
        impacts=tuple(
            Impact(
                city=match.district.city,
                district=match.district.id,
                via=match.via,
                share=None if unread else match.share,
                reason=match.reason,
                floor_m=match.floor_m,
                ceiling_m=match.ceiling_m,
            )
            for match in matches
            if match.via
        ),
    )


def _texts(infos: Sequence[Info]) -> dict[str, Text]:
    """Gives the texts by primary language: de-AT is German. Of several with the same one the first counts."""
    found: dict[str, Text] = {}
    for info in infos:
        found.setdefault(info.language.split("-")[0].lower(), _text(info))
    return found


def other_category(info: Info) -> str | None:
    """Gives the first CAP category if none of them is weather (Met). None if one is, or if there is none."""
    categories = [category.strip() for category in info.categories if category.strip()]
    if not categories or any(category.casefold() == "met" for category in categories):
        return None
    return shorten(categories[0], 20)


def _text(info: Info) -> Text:
    """Gives the texts of an info, shortened to what topics take."""
    event, headline = shorten(info.event, EVENT_CHARS), shorten(info.headline, HEADLINE_CHARS)
    description, instruction = shorten(info.description, BODY_CHARS), shorten(info.instruction, BODY_CHARS)
    whole = (info.event, info.headline, info.description, info.instruction)
    return Text(
        event=event,
        headline=headline,
        description=description,
        instruction=instruction,
        shortened=info.altered or (event, headline, description, instruction) != whole,
        dir=direction(info.language),
    )


def _common_reason(reasons: Sequence[str]) -> str:
    """Joins the distinct reasons why districts were not matched, three at most."""
    return reasons[0] if len(reasons) == 1 else "; ".join(sorted(reasons)[:3]) if reasons else "no districts"
