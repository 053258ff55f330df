"""Decides what is worth telling: the difference between what holds and what a channel was last told.

The notification log keeps, for each audience, channel, event group and district, which grade was told until when. This
module compares the situation with that log, not message with message. Therefore:

* Ten small extensions add up to one that is told.
* A second storm cell of the same group at no higher level is no news.
* A planned expiry is silent, because its time was told from the start.

A rise is told to those whose minimum it reaches. A fall is told to those who were told of more, also below their
minimum, and to nobody else.
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
    moved_begin,
    moved_end,
    one_entry,
    top,
    without_ended,
)
from warnsys.warning.policy import Channel, Policy, Rule
from warnsys.warning.scene import Held, Scene
from warnsys.warning.situation import Situation, grade

NAMESPACE = uuid.UUID("5c6bd9b5-35a5-5b0c-9f5d-9b1f4ad3a1d6")
Reason = Literal[
    "raised", "now a warning", "announced", "entered", "revived", "begins earlier", "extended", "begins later",
    "shortened", "lowered", "cancelled", "superseded", "withdrawn", "expired",
]  # fmt: skip
"""Why a change is told; if several apply, the first of this list. `docs/reference/lifecycle.md` shows each in a story.

* `entered`: nothing was told here before. `revived`: it had been withdrawn, and its source lists it again.
* `raised`, `lowered`: the level is another than the one told. `now a warning`: only an advance notice was told.
* `announced`: a warning goes on, and an advance notice of something worse or later comes beside it.
* `extended`, `shortened`, `begins earlier`, `begins later`: end or begin moved by more than the policy's minutes.
* `cancelled`, `superseded` (by an update that does not warn here), `withdrawn` (its source no longer lists it) and
  `expired` (earlier than was told): the warning that was told is over, and nothing of its group is left.
"""
MOST_CHANGES = 20
"""One record tells one audience on one channel so many changes of one kind at most. DWD has twelve groups of events."""
_ORDER: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Change:
    """A difference that one audience is told on one channel."""

    rule: Rule
    kind: NoticeKind
    reason: Reason
    cause: str
    """Base id of the message that caused it."""
    by_snapshot: tuple[str, ...]
    """How a snapshot took part, then its source and stamp. Empty if a message caused the change alone. `confirmed` is
    an end where the successor does not warn; the others are `withdrawn`, `expired` and `revived`."""
    meaning: Meaning
    """What holds now; for the kind `ended`, what has ended. Its period goes from the first begin to the last end of all
    messages of that grade, because they are one event to people."""
    districts: tuple[str, ...]
    was: LogEntry | None = None
    """What this channel was last told of the group in these districts: the entry whose begin or end moved, else the
    highest entry. None if the channel was told nothing."""
    shown: tuple[str, ...] = ()
    """Base id and number of `meaning`. Empty for an end, and if `meaning` is the first one of the message `cause`."""
    more: int = 0
    """How many others it stands for: changes of its kind that are no worse, and meanings that were left out."""

    @property
    def channel(self) -> Channel:
        return self.rule.channel

    @property
    def audience(self) -> Audience:
        return self.rule.audience

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes this change different from all others of its audience and channel; its content takes no part."""
        return (self.cause, self.kind, self.meaning.group, *self.by_snapshot, *self.shown)


def notice_id(stage: str, place: str, channel: str, audience: str, *cause: str) -> str:
    """Makes the id of a notice. The same cause gives the same id, whoever sends it and how often.

    `place` is a city or district; `cause` the message's base id, the kind of change, the event group, and the stamp
    where a snapshot took part. A live notice and one of an exercise never share an id.
    """
    parts = (part.replace("\\", "\\\\").replace("|", "\\|") for part in (stage, place, channel, audience, *cause))
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


def remember(situation: Situation, before: Held, known: Facts) -> Held:
    """Gives, by district, the messages that stand now (True) and those that stood earlier (False), if still facts."""
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
    """Gives what each channel has to be told now, and the notification log after that.

    `snapshot` names a snapshot by source and stamp: the present record itself, or the one that the record came with.

    It compares only districts and groups in which a message newly stands or no longer stands: time that passes is no
    news by itself.
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
    return _at_most(sorted(found, key=_worst_first), known), without_ended(told, situation.now, scene.top)


def _at_most(worst_first: Iterable[Change], known: Facts) -> list[Change]:
    """Limits the changes of one record, audience, channel and kind. The last one says how many more there are."""
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
    """Gives how many meanings the message behind a change had beyond those that were kept."""
    fact = known.facts.get(change.cause) if change.kind in ("warn", "update") else None
    return (fact and fact.left_out) or 0


@dataclass(frozen=True, slots=True)
class _Difference:
    """What differs in one district from what one rule's channel was told of one group."""

    district: str
    kind: Literal["up", "lowered", "ended"]
    reason: Reason
    was: LogEntry | None
    now_told: LogEntries
    moved_at: int | None = None
    """The grade whose end moved; None if no end moved."""
    silent: bool = False
    """True if nobody is told of it; the log notes it all the same."""


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
    """Finds what has to be told of one scene."""

    def difference(self, rule: Rule, group: str, district: str, told: LogEntries, policy: Policy) -> _Difference | None:
        """Compares what holds of a group in a district with what a rule's channel was told. None: nothing to tell."""
        now, least = self.situation.now, timedelta(minutes=policy.retell_after_min)
        live = [one.meaning for one in self.live(district, group)]
        tellable = self.log_entries(rule, live)
        still_told = tuple(entry for entry in told if entry.holds(now))
        grade_now, grade_told = top(tellable), top(still_told)

        worse_than_ever_told = grade_now > top(told)
        if worse_than_ever_told:
            return _Difference(district, "up", self.why_up(group, district, told, tellable), _first(told), tellable)

        if grade_now < grade_told:
            whatever_its_level = self.log_entries(None, [one for one in live if not rule.leaves_out(one)])
            less_than_told = top(whatever_its_level) < grade_told
            if less_than_told:
                return self.down(rule, group, district, still_told, tellable or whatever_its_level, least)

        as_bad_as_told = grade_now == grade_told > 0
        goes_on_beyond_its_told_end = grade_now > 0 and bool(self.new_of(group, (district,)))
        if as_bad_as_told or goes_on_beyond_its_told_end:
            return self.moved(district, still_told or told, told, tellable, least)
        return None

    def why_up(self, group: str, district: str, told: LogEntries, tellable: LogEntries) -> Reason:
        """Gives the reason of a rise: more holds than was ever told."""
        if told:
            turned = all(entry.advance for entry in told) and not tellable[0].advance
            beside = _beside(told[0], tellable[0], tellable)
            return "now a warning" if turned else "announced" if beside else "raised"
        known = self.before.get(district, {})
        news = self.new_of(group, (district,))
        return "revived" if news and news <= known.keys() else "entered"

    def moved(
        self, district: str, valid: LogEntries, told: LogEntries, tellable: LogEntries, least: timedelta
    ) -> _Difference | None:
        """Gives the difference if the begin or the end moved by enough to be told, else None."""
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
        """Gives the difference where less holds than was told: it was lowered, or it ended. `left` is what still holds.

        None while an end waits for its confirmation: until then nobody is told that anything is over.
        """
        was = valid[0]
        unconfirmed = [one.meaning for one in self.waiting(district, group)]
        if any(grade(meaning) >= was.grade or (not left and rule.tells(meaning)) for meaning in unconfirmed):
            return None
        reason = self.why_ended(group, (district,))
        ended_as_told = reason == "expired" and was.end - self.last_end(group, district) <= least.total_seconds()
        something_as_bad_is_told_instead = self.newly(rule, district) >= was.grade
        silent = ended_as_told or something_as_bad_is_told_instead
        if not left:
            return _Difference(district, "ended", reason, was, left, silent=silent)
        advance_notice_became_warning = all(entry.advance for entry in valid) and not left[0].advance
        reason = "now a warning" if advance_notice_became_warning else "lowered"
        return _Difference(district, "lowered", reason, was, left, silent=silent)

    def changes(self, rule: Rule, group: str, kind: NoticeKind, differences: Iterable[_Difference]) -> Iterator[Change]:
        """Makes one change for all districts that are told the same meaning. An end is one change for all districts."""
        alike: dict[tuple[str, int], list[_Difference]] = {}
        shown: dict[str, tuple[str, int]] = {}
        for difference in differences:
            if (which := self.shown(rule, group, difference)) is None:
                continue  # every message of the group is forgotten: there is nothing that can be said to be over
            shown[difference.district] = which
            alike.setdefault(("", 0) if kind == "ended" else which, []).append(difference)
        for some in alike.values():
            worst = max(some, key=lambda difference: difference.was.grade if difference.was else 0)
            yield self.change(rule, group, kind, some, shown[worst.district])

    def shown(self, rule: Rule, group: str, difference: _Difference) -> tuple[str, int] | None:
        """Gives the message that a notice shows for a district, and the number of its meaning.

        This is the worst meaning; if an end moved, the one that holds longest at that grade. None where no message of
        the group is known any more.
        """
        if difference.kind == "ended":
            found = self.ended(group, (difference.district,)) or self.known(group, difference.district)
        else:
            found = [(one.meaning, one.fact) for one in self.live(difference.district, group)]
            found = [one for one in found if rule.tells(one[0]) or difference.kind == "lowered"]
            found = [one for one in found if not one[0].advance or rule.advance != "never"]
        moved_at = difference.moved_at

        def key(one: tuple[Meaning, Fact]) -> tuple[object, ...]:
            meaning, fact = one
            first = 0.0 if moved_at is None or grade(meaning) < moved_at else _end(meaning)
            return first, grade(meaning), _end(meaning), fact.sent, fact.base_id

        if not found:
            return None
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
        if period := one_entry(c for d in differences for c in d.now_told if c.grade == grade(meaning)):
            meaning = meaning.model_copy(update={"onset": period.onset, "expires": period.until})
        which = () if kind == "ended" or shown == (cause, 0) else (base_id, str(position))
        return Change(rule, kind, reason, cause, by_snapshot, meaning, districts, was, which)

    def why_ended(self, group: str, districts: Sequence[str]) -> Reason:
        """Gives the reason why messages of a group no longer stand in these districts."""
        if last := self.replaced_at_last_by(self.gone_of(group, districts)):
            return "cancelled" if last.msg_type == "Cancel" else "superseded"
        ended = self.ended(group, districts)
        over = all(meaning.expires and meaning.expires <= self.situation.now for meaning, _ in ended)
        return "expired" if ended and over else "withdrawn"

    def cause(self, kind: NoticeKind, group: str, districts: Sequence[str], shown: str) -> tuple[str, str]:
        """Gives the base id of the message behind a change, and how a snapshot took part in it ("" if none did)."""
        new, gone = self.new_of(group, districts), self.gone_of(group, districts)
        if kind in ("warn", "update") and new:
            cause = shown if shown in new else min(new)
            return cause, "revived" if any(cause in self.before.get(district, ()) for district in districts) else ""
        if last := self.replaced_by(gone):
            newly = any(last.base_id in self.new[district] for district in districts)
            return last.base_id, "" if newly else "confirmed"
        return min(gone, default=shown), self.why_ended(group, districts)


def _beside(was: LogEntry, now: LogEntry, tellable: LogEntries) -> bool:
    """Says whether an advance notice is the news, and the warning that was told goes on beside it."""
    return now.advance and not was.advance and any(not entry.advance for entry in tellable)


def _first(entries: LogEntries) -> LogEntry | None:
    return entries[0] if entries else None


def _end(meaning: Meaning) -> float:
    return math.inf if meaning.expires is None else meaning.expires.timestamp()
