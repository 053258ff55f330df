"""What one message means: which districts it warns, by which rule, and if none, why not.

No clock is asked here: whether a message has expired is judged where the time is known. A message that warns nobody
may still end others (an Update that left the city, a Cancel), so what it supersedes is told in any case.
"""

import hashlib
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from geofences import Budget, GeofenceIndex, Match, Matches
from geofences.match import Least
from geofences.overlap.budget import ALERT_S
from geofences.shapes import TOUCHED
from warnsys.cap import dwd, languages
from warnsys.cap.digest import digest
from warnsys.cap.document import ZONE
from warnsys.cap.errors import CapError, Misleading
from warnsys.cap.kinds import kind
from warnsys.cap.model import Alert, Info, level
from warnsys.cap.read import PRIVATE_SCOPES, read_alert
from warnsys.records import AlertHeaders, Decided, Impact, Meaning, Outcome, Text
from warnsys.warning.areas import areas_of
from warnsys.warning.crowd import crowd
from warnsys.warning.text import direction, shorten

LIVE_TYPES = ("Alert", "Update", "Cancel")
MAX_LANGUAGES = 16
HEADLINE_CHARS, EVENT_CHARS, BODY_CHARS = 300, 120, 4_000
"""Budget of a text on the topics; 16 languages at these lengths stay below 400 kB."""

MOST_MEANINGS, MOST_IMPACTS = 250, 20_000
"""What one message may warn of (DWD's of one or two things), and of all that in how many districts together."""


@dataclass(frozen=True)
class Matcher:
    """The rules by which messages are decided: geofences, thresholds, and whether this is an exercise."""

    index: GeofenceIndex
    min_share: Mapping[str, float] = field(default_factory=dict)
    """Least share of a district by source, for messages without warn cells."""
    min_part: Mapping[str, float] = field(default_factory=dict)
    """Least part of one shape by source, where it covers less of the district."""
    exercise: bool = False
    senders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Whose messages are taken, by source; everybody's where none are named."""
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """Whose clocks go where a source's messages write times without an offset, where not Berlin's."""
    known_cells: Container[str] | None = None
    """The catalogue of warn cells; a message with others says so. Without one, none is new."""

    @property
    def rules(self) -> str:
        """Version of everything that decides; outcomes under another one have to be decided again."""
        by_source: tuple[object, ...] = sorted(self.min_share.items()), sorted(self.senders.items())
        if self.min_part:
            by_source += (sorted(self.min_part.items()),)
        if self.zones:
            by_source += (sorted((name, zone.key) for name, zone in self.zones.items()),)
        return hashlib.sha256(f"{self.index.version} {by_source}".encode()).hexdigest()[:12]

    def decide_bytes(self, body: bytes, headers: AlertHeaders) -> "Decision":
        """Read a message and decide it. Never raises for what stands in the message: that is an outcome, too."""
        try:
            alert = self.read(body, headers.source)
        except CapError as error:
            return self.refuse(headers, error)
        return self.decide(alert, headers)

    def read(self, body: bytes, source: str) -> Alert:
        """The message that a source brought. Raises `CapError`.

        One that somebody else put into the source is `Misleading`: it must neither warn nor end.
        """
        alert = read_alert(body, zone=self.zones.get(source, ZONE))
        allowed = self.senders.get(source)
        if allowed and alert.sender not in allowed:
            what = f"{alert.sender!r} is not a sender of the source {source!r}, only {', '.join(allowed)}"
            raise Misleading("sender-foreign", "/alert/sender", what)
        return alert

    def refuse(self, headers: AlertHeaders, error: CapError) -> "Decision":
        """The outcome of a message that cannot be read."""
        return Decision(self._outcome(headers, None, "rejected", str(error)), None, ())

    def decide(self, alert: Alert, headers: AlertHeaders) -> "Decision":
        """Decide a message for all districts. The outcome holds the impacts on all cities."""
        if reason := self._why_not_live(alert):
            return Decision(self._outcome(headers, alert, "not_live", reason), alert, ())
        if alert.msg_type == "Cancel":
            named = dwd.replaced(alert)
            reason = f"cancel: names {len(named)}, warns nobody"
            outcome = self._outcome(headers, alert, "not_live", reason, supersedes=named)
            return Decision(outcome, alert, ())
        least = Least(
            self.min_share.get(headers.source, Least().share), self.min_part.get(headers.source, Least().part)
        )
        meanings, matches, costly = [], [], dict[str, None]()
        budget = Budget()
        rest = list[list[Info]]()
        for infos in languages.alike(alert):
            if dwd.is_all_clear(infos[0]):
                continue
            if not any(dwd.warn_cells(area) for area in infos[0].areas):
                if budget.spent:
                    rest.append(infos)
                    continue
                budget.spend(ALERT_S)
            areas = areas_of(infos[0], budget)
            found = self.index.match(areas, min_share=least.share, min_part=least.part, budget=budget)
            matches.append(found)
            matched = any(match.matched for match in found.concerned)
            meaning = _meaning(alert, infos, found.concerned) if matched else None
            if told := budget.told():
                by_cell = any(area.cells for area in areas)
                costly.update(dict.fromkeys(("share-left-out",) if by_cell else told))
                meaning = meaning and _explained(meaning, told)
            if meaning:
                meanings.append(meaning)
        more, more_left_out = self._crowd(alert, rest)
        meanings += more
        if rest:
            costly[TOUCHED] = None
        supersedes, (meanings, left_out) = dwd.replaced(alert), _worst(meanings)
        left_out += more_left_out
        if left_out:
            costly["infos-left-out"] = None
        if not matches:
            decided: Decided = "not_live"
            reason = "all clear"
        elif meanings:
            decided, reason = "matched", meanings[0].impacts[0].reason
        else:
            decided, reason = "no_district", _common_reason(matches[0].reasons)
        outcome = self._outcome(
            headers, alert, decided, reason, supersedes=supersedes, meanings=tuple(meanings), left_out=left_out,
            costly=costly,
        )  # fmt: skip
        return Decision(outcome, alert, tuple(matches))

    def _crowd(self, alert: Alert, rest: list[list[Info]]) -> tuple[list[Meaning], int]:
        """What the infos mean for which the budget does not suffice, and how many of these are left out."""
        if not rest:
            return [], 0
        near, found = crowd(self.index, [infos[0] for infos in rest])
        if not any(match.matched for match in found.concerned):
            return [], 0
        worst = sorted(near, key=lambda number: _badness(rest[number][0]), reverse=True)[:MOST_MEANINGS]
        meanings = (_meaning(alert, rest[number], found.concerned) for number in sorted(worst))
        return [_explained(meaning, (TOUCHED,)) for meaning in meanings], len(near) - len(worst)

    def _why_not_live(self, alert: Alert) -> str:
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
        costly: Iterable[str] = (),
    ) -> Outcome:
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
            "rules": self.rules,
        }
        if alert is None:
            return Outcome.model_validate({**common, "base_id": headers.id})
        new_cells = () if self.known_cells is None else dwd.new_cells(alert, self.known_cells)
        findings = (*alert.findings, *dwd.findings(alert), *new_cells)
        codes = [*costly, *(finding.code for finding in findings)]
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
                "findings": tuple(dict.fromkeys(codes))[:20],
            }
        )


@dataclass(frozen=True)
class Decision:
    """An outcome with what only those need who ask for the reasons."""

    outcome: Outcome
    alert: Alert | None
    """None where the message could not be read."""
    found: tuple[Matches, ...]
    """One a meaning; none where districts were not asked."""

    @property
    def matches(self) -> tuple[Match, ...]:
        """One a district, the worst of its meanings; none where districts were not asked."""
        return tuple(
            max(each, key=lambda match: (match.matched, match.share or 0)) for each in zip(*self.found, strict=True)
        )


def for_cities(outcome: Outcome, cities: Iterable[str]) -> Outcome:
    """The outcome as far as it concerns some cities; what it supersedes concerns them all."""
    wanted = frozenset(cities)
    meanings = (
        meaning.model_copy(update={"impacts": tuple(i for i in meaning.impacts if i.city in wanted)})
        for meaning in outcome.meanings
    )
    return outcome.model_copy(update={"meanings": tuple(meaning for meaning in meanings if meaning.impacts)})


def live_at(meaning: Meaning, moment: datetime) -> bool:
    """Whether a meaning has not expired: an `expires` that is absent never comes (CAP 1.2, 3.2.2)."""
    return meaning.expires is None or moment < meaning.expires


def _worst(meanings: list[Meaning]) -> tuple[list[Meaning], int]:
    """As many as a message may have, in its order, and how many are left out.

    Each district keeps the worst that it is warned of; of the rest the worst stay.
    """
    if len(meanings) <= MOST_MEANINGS and sum(len(meaning.impacts) for meaning in meanings) <= MOST_IMPACTS:
        return meanings, 0
    ranked = sorted(range(len(meanings)), key=lambda number: _badness(meanings[number]), reverse=True)
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


def _explained(meaning: Meaning, larger: Sequence[str]) -> Meaning:
    """Whom shapes warn that were read as larger than drawn is told so; whom a cell warns is warned as ever."""
    impacts = (
        one if one.via == "cell" else one.model_copy(update={"reason": f"{one.reason}, {', '.join(larger)}"})
        for one in meaning.impacts
    )
    return meaning.model_copy(update={"impacts": tuple(impacts)})


def _badness(meaning: Meaning | Info) -> tuple[int, bool, float]:
    ends = math.inf if meaning.expires is None else meaning.expires.timestamp()
    return level(meaning.severity), meaning.urgency != "Future", ends


def _meaning(alert: Alert, infos: list[Info], matches: Iterable[Match]) -> Meaning:
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
            if match.matched and match.via
        ),
    )


def _texts(infos: Sequence[Info]) -> dict[str, Text]:
    """By language. Of several that differ in their region only, the first: de-AT is German."""
    found: dict[str, Text] = {}
    for info in infos:
        found.setdefault(info.language.split("-")[0].lower(), _text(info))
    return found


def other_category(info: Info) -> str | None:
    """CAP's first category, where none of them is weather; None where it is, or where nothing is said."""
    categories = [category.strip() for category in info.categories if category.strip()]
    if not categories or any(category.casefold() == "met" for category in categories):
        return None
    return shorten(categories[0], 20)


def _text(info: Info) -> Text:
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
    return reasons[0] if len(reasons) == 1 else "; ".join(sorted(reasons)[:3]) if reasons else "no districts"
