"""What is worth telling: the difference between what holds and what a channel was last told.

Compared are not messages but claims: for each audience, channel, event group and district, until when which grade was
told. So ten small extensions add up to one that is told, a second storm cell of the same group at no higher level is
no news, and a planned expiry, which was told from the start, is silent. Up is told to those whose minimum it reaches;
down to those who were told of more, even below their minimum, and to nobody else.
"""

import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, get_args

from warnsys.records import Audience, Meaning, NoticeKind
from warnsys.warning.facts import Fact, Facts
from warnsys.warning.notification_log import (
    LogEntries,
    LogEntry,
    NotificationLog,
    higher,
    joined,
    moved_begin,
    moved_end,
    remembered,
    top,
)
from warnsys.warning.policy import Channel, Policy, Rule
from warnsys.warning.scene import Held, Scene
from warnsys.warning.situation import Situation, grade

NAMESPACE = uuid.UUID("5c6bd9b5-35a5-5b0c-9f5d-9b1f4ad3a1d6")
Reason = Literal[
    "raised", "now a warning", "announced", "entered", "revived", "begins earlier", "extended", "begins later",
    "shortened", "lowered", "cancelled", "superseded", "withdrawn", "expired",
]  # fmt: skip
"""Why a change is told; of several at once, the first. `docs/reference/lifecycle.md` shows each in a story.

* `entered`: nothing was told here before. `revived`: it had been withdrawn, and its source lists it again.
* `raised`, `lowered`: the level told before, and another now. `now a warning`: an advance notice was told.
* `announced`: beside a warning that goes on, an advance notice of something worse, or of what comes later.
* `extended`, `shortened`, `begins earlier`, `begins later`: by more than the policy's minutes.
* `cancelled`, `superseded` (by an update that does not warn here), `withdrawn` (its source lists it no more) and
  `expired` (earlier than was told): nothing of the group is left.
"""
MOST_CHANGES = 20
"""Of one kind that one record tells one audience on one channel: DWD has twelve groups of events."""
_ORDER: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Change:
    """A material difference for one audience on one channel."""

    rule: Rule
    kind: NoticeKind
    reason: Reason
    cause: str
    """Base id of the message that caused it."""
    by_snapshot: tuple[str, ...]
    """Where it took a snapshot: `confirmed` (an end where the successor does not warn), `withdrawn`, `expired` or
    `revived`, and its source and stamp. Empty where the message did it alone."""
    meaning: Meaning
    """What holds now (warn, update, lowered), from the first begin to the last end of all messages of that grade: to
    people they are one event. Else what has ended."""
    districts: tuple[str, ...]
    was: LogEntry | None = None
    """What this channel had been told of the group in these districts: where begin or end moved, the claim that moved,
    else the highest. None where it had been told nothing."""
    shown: tuple[str, ...] = ()
    """Base id and number of `meaning`, where it is not the first of the message that caused this."""
    more: int = 0
    """How many further changes of its kind it stands for, none worse, and meanings that its message had beyond."""

    @property
    def channel(self) -> Channel:
        return self.rule.channel

    @property
    def audience(self) -> Audience:
        return self.rule.audience

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from every other change for this audience on this channel, and nothing of its content."""
        return (self.cause, self.kind, self.meaning.group, *self.by_snapshot, *self.shown)


def notice_id(stage: str, place: str, channel: str, audience: str, *cause: str) -> str:
    """The same cause gives the same id, whoever sends it and however often; nothing of the content is in it.

    `place` is a city or district; `cause` the message's base id, the kind of change, the event group, and the stamp
    where a snapshot took part. A live notice and one of an exercise never share an id.
    """
    parts = (part.replace("\\", "\\\\").replace("|", "\\|") for part in (stage, place, channel, audience, *cause))
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


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
    known: Facts, situation: Situation, before: Held, told: NotificationLog, policy: Policy, snapshot: str = ""
) -> tuple[list[Change], NotificationLog]:
    """What each channel has to be told now, and what it has been told then.

    `snapshot` names, by source and stamp, the one that the present record is or came with, if any.

    Only districts and groups are looked at in which a message newly stands or no longer does: time alone tells nobody
    anything.
    """
    scene = _Changes(known, situation, before, snapshot)
    found: list[Change] = []
    told = dict(told)
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
                found += scene.changes(rule, group, kind, some)
            if differences:
                told[key] = {**told.get(key, {}), **{d.district: d.now_told for d in differences}}
    return _at_most(sorted(found, key=_worst_first), known), remembered(told, situation.now, scene.top)


def _at_most(worst_first: Iterable[Change], known: Facts) -> list[Change]:
    """Of one record an audience gets so many of a kind on a channel; the last of them says how many more there are."""
    told: dict[tuple[Rule, NoticeKind], list[Change]] = {}
    for change in worst_first:
        told.setdefault((change.rule, change.kind), []).append(change)
    found = []
    for some in told.values():
        said = some[:MOST_CHANGES]
        left_out = {change.cause: _left_out(known, change) for change in some}
        more = len(some) - len(said) + sum(left_out.values())
        found += [*said[:-1], replace(said[-1], more=more)] if more else said
    return sorted(found, key=_worst_first)


def _left_out(known: Facts, change: Change) -> int:
    fact = known.facts.get(change.cause) if change.kind in ("warn", "update") else None
    return (fact and fact.left_out) or 0


@dataclass(frozen=True, slots=True)
class _Difference:
    district: str
    kind: Literal["up", "lowered", "ended"]
    reason: Reason
    was: LogEntry | None
    now_told: LogEntries
    moved_at: int | None = None
    """Where an end moved, at which grade."""
    silent: bool = False


def _by_kind(differences: Iterable[_Difference], *, first: bool) -> Iterator[tuple[NoticeKind, list[_Difference]]]:
    spoken = [difference for difference in differences if not difference.silent]
    kinds: tuple[tuple[Literal["up", "lowered", "ended"], NoticeKind], ...] = (
        ("up", "warn" if first else "update"), ("lowered", "lowered"), ("ended", "ended"),
    )  # fmt: skip
    for kind, notice_kind in kinds:
        if some := [difference for difference in spoken if difference.kind == kind]:
            yield notice_kind, some


def _worst_first(change: Change) -> tuple[object, ...]:
    return (-grade(change.meaning), change.rule.channel, change.rule.audience, change.cause, change.kind)


class _Changes(Scene):
    """What has to be told of one scene."""

    def difference(self, rule: Rule, group: str, district: str, told: LogEntries, policy: Policy) -> _Difference | None:
        now, least = self.situation.now, timedelta(minutes=policy.retell_after_min)
        live = [one.meaning for one in self.live(district, group)]
        tellable = self.claims(rule, live)
        valid = tuple(claim for claim in told if claim.holds(now))
        up, was = top(tellable), top(valid)
        if up > top(told):
            return _Difference(district, "up", self.why_up(group, district, told, tellable), _first(told), tellable)
        if was > up:
            told_of = [meaning for meaning in live if not meaning.advance or rule.advance != "never"]
            whole = self.claims(None, told_of)
            if was > top(whole):
                return self.down(rule, group, district, valid, tellable or whole, least)
        if up == was > 0 or (up and self.new_of(group, (district,))):  # or goes on beyond its told end
            return self.moved(district, valid or told, told, tellable, least)
        return None

    def why_up(self, group: str, district: str, told: LogEntries, tellable: LogEntries) -> Reason:
        if told:
            turned = all(claim.advance for claim in told) and not tellable[0].advance
            beside = _beside(told[0], tellable[0], tellable)
            return "now a warning" if turned else "announced" if beside else "raised"
        known = self.before.get(district, {})
        news = self.new_of(group, (district,))
        return "revived" if news and news <= known.keys() else "entered"

    def moved(
        self, district: str, valid: LogEntries, told: LogEntries, tellable: LogEntries, least: timedelta
    ) -> _Difference | None:
        """Begin or end, by enough to be told."""
        end = moved_end(told, tellable, self.situation.now, least)
        begin = moved_begin(valid, tellable, self.situation.now, least)
        reason: Reason
        if begin and not (end and end.by > 0):
            reason = "begins later" if begin > timedelta() else "begins earlier"
            return _Difference(district, "up", reason, _first(valid), tellable)
        if end is None:
            return None
        later: Reason = "announced" if _beside(end.was, end.now, tellable) else "extended"
        reason = later if end.by > 0 else "shortened"
        return _Difference(district, "up", reason, end.was, tellable, end.grade)

    def down(
        self, rule: Rule, group: str, district: str, valid: LogEntries, left: LogEntries, least: timedelta
    ) -> _Difference | None:
        """Less than was told. While an end waits for its confirmation, nobody is told that anything is over."""
        was = valid[0]
        waiting = [one.meaning for one in self.waiting(district, group)]
        if any(grade(meaning) >= was.grade or (not left and rule.tells(meaning)) for meaning in waiting):
            return None
        reason = self.why_ended(group, (district,))
        turned = bool(left) and all(claim.advance for claim in valid) and not left[0].advance
        planned = reason == "expired" and was.end - self.last_end(group, district) <= least.total_seconds()
        replaced = self.newly(rule, district) >= was.grade
        if left:
            reason = "now a warning" if turned else "lowered"
        return _Difference(district, "lowered" if left else "ended", reason, was, left, silent=planned or replaced)

    def changes(self, rule: Rule, group: str, kind: NoticeKind, differences: Iterable[_Difference]) -> Iterator[Change]:
        """One for all districts where the same meaning of the same message is told; an end is told once."""
        alike: dict[tuple[str, int], list[_Difference]] = {}
        shown: dict[str, tuple[str, int]] = {}
        for difference in differences:
            shown[difference.district] = which = self.shown(rule, group, difference)
            alike.setdefault(("", 0) if kind == "ended" else which, []).append(difference)
        for some in alike.values():
            worst = max(some, key=lambda difference: difference.was.grade if difference.was else 0)
            yield self.change(rule, group, kind, some, shown[worst.district])

    def shown(self, rule: Rule, group: str, difference: _Difference) -> tuple[str, int]:
        """The message that a notice shows for a district, and which of its meanings.

        Where an end moved it is what holds longest at the grade where it moved, else the worst.
        """
        if difference.kind == "ended":
            found = self.ended(group, (difference.district,))
        else:
            found = [(one.meaning, one.fact) for one in self.live(difference.district, group)]
            found = [one for one in found if rule.tells(one[0]) or difference.kind == "lowered"]
            found = [one for one in found if not one[0].advance or rule.advance != "never"]
        moved_at = difference.moved_at

        def key(one: tuple[Meaning, Fact]) -> tuple[object, ...]:
            meaning, fact = one
            first = 0.0 if moved_at is None or grade(meaning) < moved_at else _end(meaning)
            return first, grade(meaning), _end(meaning), fact.sent, fact.base_id

        meaning, fact = max(found, key=key) if len(found) > 1 else found[0]
        return fact.base_id, self.position(meaning, fact)

    def change(
        self, rule: Rule, group: str, kind: NoticeKind, differences: list[_Difference], shown: tuple[str, int]
    ) -> Change:
        base_id, position = shown
        districts = tuple(difference.district for difference in differences)
        reason = min((difference.reason for difference in differences), key=_ORDER.index)
        was: LogEntry | None = None
        for difference in differences:
            if difference.reason == reason:
                was = higher(was, difference.was)
        cause, how = self.cause(kind, group, districts, base_id)
        by_snapshot = (how, self.snapshot) if how else ()
        meaning = self.facts[base_id].meanings[position]
        if period := joined(c for d in differences for c in d.now_told if c.grade == grade(meaning)):
            meaning = meaning.model_copy(update={"onset": period.onset, "expires": period.until})
        which = () if kind == "ended" or shown == (cause, 0) else (base_id, str(position))
        return Change(rule, kind, reason, cause, by_snapshot, meaning, districts, was, which)

    def why_ended(self, group: str, districts: Sequence[str]) -> Reason:
        if last := self.replaced_at_last_by(self.gone_of(group, districts)):
            return "cancelled" if last.msg_type == "Cancel" else "superseded"
        ended = self.ended(group, districts)
        over = all(meaning.expires and meaning.expires <= self.situation.now for meaning, _ in ended)
        return "expired" if ended and over else "withdrawn"

    def cause(self, kind: NoticeKind, group: str, districts: Sequence[str], shown: str) -> tuple[str, str]:
        """The message behind a change, and what a snapshot had to do with it. `shown` is a base id."""
        new, gone = self.new_of(group, districts), self.gone_of(group, districts)
        if kind in ("warn", "update") and new:
            cause = shown if shown in new else min(new)
            return cause, "revived" if any(cause in self.before.get(district, ()) for district in districts) else ""
        if last := self.replaced_by(gone):
            newly = any(last.base_id in self.new[district] for district in districts)
            return last.base_id, "" if newly else "confirmed"
        return min(gone, default=shown), self.why_ended(group, districts)


def _beside(was: LogEntry, now: LogEntry, tellable: LogEntries) -> bool:
    """Whether what is new is an advance notice, while the warning that was told goes on."""
    return now.advance and not was.advance and any(not claim.advance for claim in tellable)


def _first(claimed: LogEntries) -> LogEntry | None:
    return claimed[0] if claimed else None


def _end(meaning: Meaning) -> float:
    return math.inf if meaning.expires is None else meaning.expires.timestamp()
