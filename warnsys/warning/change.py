"""What is worth telling: the difference between what holds and what a channel was last told.

Compared are not messages but claims: for each audience, channel, event group and district, until when which grade was
told. So ten small extensions add up to one that is told, a second storm cell of the same group at no higher level is
no news, and a planned expiry, which was told from the start, is silent. Up is told to those whose minimum it reaches;
down to those who were told of more, even below their minimum, and to nobody else.
"""

import math
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from warnsys.records import Audience, Meaning, NoticeKind, Part, utc
from warnsys.warning.facts import Fact, Facts
from warnsys.warning.policy import Channel, Policy, Rule
from warnsys.warning.situation import Situation, Standing, grade

NAMESPACE = uuid.UUID("5c6bd9b5-35a5-5b0c-9f5d-9b1f4ad3a1d6")
Reason = Literal["entered", "raised", "extended", "shortened", "begins earlier", "begins later", "lowered", "ended"]


class Claim(Part):
    """Something of one grade was told to hold from `onset` until `until` (None: open-ended)."""

    grade: int
    onset: AwareDatetime
    until: AwareDatetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


Told = dict[str, dict[str, tuple[Claim, ...]]]
"""By `audience/channel/group` and district: the claims, highest grade first, one a grade."""

Held = dict[str, dict[str, bool]]
"""By district and base id: whether it stood (True) when changes were last looked for, or only earlier (False)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A material difference for one audience on one channel."""

    rule: Rule
    kind: NoticeKind
    reason: str
    cause: str
    """Base id of the message that caused it."""
    by_snapshot: tuple[str, ...]
    """Where it took a snapshot: `confirmed` (an end where the successor does not warn), `withdrawn` or `revived`, and
    its stamp. Empty where the message did it alone."""
    meaning: Meaning
    """What holds now (warn, update, lowered), or what has ended."""
    districts: tuple[str, ...]

    @property
    def channel(self) -> Channel:
        return self.rule.channel

    @property
    def audience(self) -> Audience:
        return self.rule.audience


def notice_id(stage: str, place: str, channel: str, audience: str, *cause: str) -> str:
    """The same cause gives the same id, whoever sends it and however often; nothing of the content is in it.

    `place` is a city or district; `cause` the message's base id, the kind of change, the event group, and the stamp
    where a snapshot took part. A live notice and one of an exercise never share an id.
    """
    return str(uuid.uuid5(NAMESPACE, "|".join((stage, place, channel, audience, *cause))))


def remember(situation: Situation, before: Held, known: Facts) -> Held:
    """What stands now, and what stood before as long as the facts are kept."""
    found: Held = {}
    for district, state in situation.districts.items():
        stood = dict.fromkeys((i for i in before.get(district, ()) if i in known.facts), False)
        stands = dict.fromkeys((one.fact.base_id for one in state.standing), True)
        if stood or stands:
            found[district] = dict(sorted({**stood, **stands}.items()))
    return found


def changes(
    known: Facts, situation: Situation, before: Held, told: Told, policy: Policy, stamp: datetime | None = None
) -> tuple[list[Change], Told]:
    """What each channel has to be told now, and what it has been told then.

    `stamp` is the present record's, if it is a snapshot.

    Only districts and groups are looked at in which a message newly stands or no longer does: time alone tells nobody
    anything.
    """
    scene = _Scene(known, situation, before, stamp or situation.as_of)
    found: list[Change] = []
    told = _still_valid(told, situation.now)
    for rule in policy.rules:
        for group, districts in scene.touched.items():
            key = f"{rule.audience}/{rule.channel}/{group}"
            differences = [
                difference
                for district in districts
                if (difference := scene.difference(rule, group, district, told.get(key, {}).get(district, ()), policy))
            ]
            first = not told.get(key)
            for kind, some in _by_kind(differences, first=first):
                if change := scene.change(rule, group, kind, some):
                    found.append(change)
            if differences:
                told = {**told, key: {**told.get(key, {}), **{d.district: d.now_told for d in differences}}}
    return sorted(found, key=_worst_first), _still_valid(told, situation.now)


@dataclass(frozen=True, slots=True)
class _Difference:
    district: str
    reason: Reason
    now_told: tuple[Claim, ...]
    silent: bool = False


def _by_kind(differences: Iterable[_Difference], *, first: bool) -> Iterator[tuple[NoticeKind, list[_Difference]]]:
    spoken = [difference for difference in differences if not difference.silent]
    ups = [difference for difference in spoken if difference.reason not in ("lowered", "ended")]
    if ups:
        yield ("warn" if first else "update"), ups
    for kind in ("lowered", "ended"):
        if downs := [difference for difference in spoken if difference.reason == kind]:
            yield kind, downs


def _worst_first(change: Change) -> tuple[object, ...]:
    return (-grade(change.meaning), change.rule.channel, change.rule.audience, change.cause, change.kind)


class _Scene:
    """One situation beside what stood before."""

    def __init__(self, known: Facts, situation: Situation, before: Held, stamp: datetime | None) -> None:
        self.facts, self.situation, self.before, self.stamp = known.facts, situation, before, stamp
        after = {d.district: {s.fact.base_id for s in d.standing} for d in situation.districts.values()}
        stood = {district: {i for i, stands in ids.items() if stands} for district, ids in before.items()}
        self.new = {district: ids - stood.get(district, set()) for district, ids in after.items()}
        self.gone = {district: ids - after.get(district, set()) for district, ids in stood.items()}
        self.touched: dict[str, list[str]] = {}
        """Districts by event group in which something newly stands or no longer does."""
        for district in sorted(after):
            for group in sorted(self.groups(self.new, district) | self.groups(self.gone, district)):
                self.touched.setdefault(group, []).append(district)

    def groups(self, ids: dict[str, set[str]], district: str) -> set[str]:
        return {
            meaning.group
            for base_id in ids.get(district, ())
            if (fact := self.facts.get(base_id))
            for meaning, impact in fact.impacts()
            if impact.district == district
        }

    def standing(self, district: str, group: str | None = None) -> Iterator[Standing]:
        """What stands unexpired in a district."""
        for one in self.situation.districts[district].standing:
            if one.phase != "expired" and group in (None, one.meaning.group):
                yield one

    def difference(
        self, rule: Rule, group: str, district: str, told: tuple[Claim, ...], policy: Policy
    ) -> _Difference | None:
        standing = list(self.standing(district, group))
        tellable = _claims(one.meaning for one in standing if rule.tells(one.meaning))
        whole = _claims(one.meaning for one in standing if not one.meaning.advance or rule.advance != "never")
        was, up, down = _top(told), _top(tellable), _top(whole)
        if up > was:
            return _Difference(district, "raised" if was else "entered", tellable)
        if was and down < was:
            replaced = any(
                one.fact.base_id in self.new[district] and grade(one.meaning) >= was and rule.tells(one.meaning)
                for one in self.standing(district)
            )
            return _Difference(district, "lowered" if down else "ended", tellable or whole, silent=replaced)
        if up and up == was and (reason := _moved(told, tellable, self.situation.now, policy)):
            return _Difference(district, reason, tellable)
        return None

    def change(self, rule: Rule, group: str, kind: NoticeKind, differences: list[_Difference]) -> Change | None:
        districts = tuple(difference.district for difference in differences)
        if kind == "ended":
            shown = self.ended(group, districts)
        else:
            shown = [(s.meaning, s.fact) for d in districts for s in self.standing(d, group)]
        if kind in ("warn", "update"):
            shown = [one for one in shown if rule.tells(one[0])]
        if not shown:
            return None
        meaning, fact = max(shown, key=lambda one: (grade(one[0]), one[1].sent, one[1].base_id))
        reason = min((difference.reason for difference in differences), key=_REASONS.index)
        cause, how = self.cause(kind, group, districts, fact)
        by_snapshot = (how, utc(self.stamp)) if how and self.stamp else ()
        return Change(rule, kind, reason, cause, by_snapshot, meaning, districts)

    def ended(self, group: str, districts: tuple[str, ...]) -> list[tuple[Meaning, Fact]]:
        facts = [self.facts[i] for i in sorted({i for d in districts for i in self.gone[d]}) if i in self.facts]
        return [(meaning, fact) for fact in facts for meaning in fact.meanings if meaning.group == group]

    def cause(self, kind: NoticeKind, group: str, districts: tuple[str, ...], shown: Fact) -> tuple[str, str]:
        """The message behind a change, and what a snapshot had to do with it."""

        def of_group(ids: dict[str, set[str]]) -> set[str]:
            return {
                i for d in districts for i in ids.get(d, ()) if i in self.facts and group in self.groups({d: {i}}, d)
            }

        new, gone = of_group(self.new), of_group(self.gone)
        if kind in ("warn", "update") and new:
            cause = shown.base_id if shown.base_id in new else min(new)
            return cause, "revived" if any(cause in self.before.get(district, ()) for district in districts) else ""
        successors = [fact for fact in self.facts.values() if gone.intersection(fact.supersedes)]
        if successors:
            last = max(successors, key=lambda fact: (fact.sent, fact.base_id)).base_id
            return last, "" if any(last in self.new[district] for district in districts) else "confirmed"
        return min(gone, default=shown.base_id), "withdrawn"


def _claims(meanings: Iterable[Meaning]) -> tuple[Claim, ...]:
    """One claim a grade, the highest first: the earliest begin and the latest end of all messages of that grade."""
    by_grade: dict[int, list[Meaning]] = {}
    for meaning in meanings:
        by_grade.setdefault(grade(meaning), []).append(meaning)
    found = []
    for rank, same in sorted(by_grade.items(), reverse=True):
        ends = [meaning.expires for meaning in same]
        until = None if None in ends else max(end for end in ends if end)
        found.append(Claim(grade=rank, onset=min(meaning.onset for meaning in same), until=until))
    return tuple(found)


def _top(claims: tuple[Claim, ...]) -> int:
    return claims[0].grade if claims else 0


def _still_valid(told: Told, now: datetime) -> Told:
    """Without the claims that ended as they were told to."""
    found: Told = {}
    for key, districts in told.items():
        kept = {d: valid for d, claims in districts.items() if (valid := tuple(c for c in claims if c.holds(now)))}
        if kept:
            found[key] = kept
    return found


def _moved(told: tuple[Claim, ...], now_told: tuple[Claim, ...], now: datetime, policy: Policy) -> Reason | None:
    """Whether begin or end moved by more than the policy's minutes since they were told."""
    least = timedelta(minutes=policy.retell_after_min).total_seconds()
    later = [
        _end(now_told, grade_) - _end(told, grade_)
        for grade_ in {claim.grade for claim in (*told, *now_told)}
        if _end(now_told, grade_) != _end(told, grade_)
    ]
    if max(later, default=0) > least:
        return "extended"
    begin = (now_told[0].onset - told[0].onset).total_seconds()
    if told[0].onset > now and abs(begin) > least:
        return "begins earlier" if begin < 0 else "begins later"
    return "shortened" if min(later, default=0) < -least else None


def _end(claims: tuple[Claim, ...], least: int) -> float:
    """Until when something of at least this grade holds, in seconds of the epoch."""
    ends = [math.inf if claim.until is None else claim.until.timestamp() for claim in claims if claim.grade >= least]
    return max(ends, default=0.0)


_REASONS: tuple[Reason, ...] = (
    "raised", "entered", "begins earlier", "extended", "begins later", "shortened", "lowered", "ended",
)  # fmt: skip
