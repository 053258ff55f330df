"""Decides what is worth telling: the difference between what holds and what a channel was last told.

The notification log (`notification_log`) keeps, for each audience, channel, event group and district, the grades
(level; advance notice or not) that were told, with begin and end. The situation is compared with that log, so:

* Ten small extensions add up to one that is told.
* A second storm cell of the same group is no news if its grade is no higher, and its begin and end hardly differ.
* A planned expiry is silent, because its time was told from the start.

A rise is told to those whose minimum it reaches. A fall is told to those who were told the higher grade, even if what
is left is below their minimum, and to nobody else. It is not told if it was planned, or if something new that is as bad
is told beside it.

For each audience, channel (`Policy.rules_by_name`), event group and district `changes` asks `_Comparison.difference`.
Differences that have the same effect (`_Effect`) and show one meaning (what a message warns of, in all its languages)
become one `Change`, and so do all ends of a group. A message is "new" in a district if it stands there and did not
before, "gone" if it is the other way round; `scene` has the other words.
"""

import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, get_args

from warnsys.records import Audience, Meaning, NoticeKind
from warnsys.warning.facts import Fact, Facts
from warnsys.warning.notification_log import (
    LogEntries,
    LogEntry,
    NotificationLog,
    begins_before,
    higher,
    moved_begin,
    moved_end,
    now_a_warning,
    one_entry,
    says_more,
    top_grade,
    without_ended,
)
from warnsys.warning.policy import Channel, Policy, Rule, Rules
from warnsys.warning.scene import Scene, StandingByMessage
from warnsys.warning.situation import Situation, grade

NAMESPACE = uuid.UUID("5c6bd9b5-35a5-5b0c-9f5d-9b1f4ad3a1d6")
Reason = Literal[
    "raised", "now a warning", "announced", "entered", "revived", "begins earlier", "extended", "begins later",
    "shortened", "lowered", "cancelled", "superseded", "withdrawn", "expired",
]  # fmt: skip
"""Why a change is told. If it joins districts with different reasons, it bears the first of them in this list; within
one district `difference` and `moved` decide. `docs/reference/lifecycle.md` tells a story of each.

* If the log has nothing of the group here: `entered`, a warning is new; `revived`, a withdrawn one is listed again.
* `now a warning`: a warning holds, and of its grade and above only advance notices are still told.
* If the grade differs from the one that was told, and it is no `now a warning`: `raised` or `lowered`. Of one level, a
  warning is above an advance notice.
* `announced`: a warning goes on, and an advance notice of something worse or later comes beside it.
* `extended`, `shortened`, `begins earlier`, `begins later`: end or begin moved by more than the policy's minutes;
  `extended` also by less, if the end that was told has passed. `begins earlier` is also something lesser that begins
  before all that was told.
* If the warning that was told is over, and nothing of its group is left here but what the rule leaves out: `cancelled`
  by a Cancel; `superseded` by an update that warns of nothing else here; `withdrawn`, its source no longer lists it;
  `expired`, earlier than was told.
"""
MOST_CHANGES = 20
"""Limit of changes per audience, channel and kind that follow from one record. Above it, changes of one group, grade
and reason become one for all their districts. The DWD has seventeen event groups: its records are hardly ever cut."""
_ORDER: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Change:
    """What one audience is told on one channel, about one event group, in one or more districts."""

    rule: Rule
    kind: NoticeKind
    reason: Reason
    cause: str
    """Base id of the message that caused it."""
    by_snapshot: tuple[str, ...]
    """Empty if a message alone caused the change. Else what the snapshot did, and which snapshot.

    It did one of: `revived`, `withdrawn`, `expired`, or `confirmed` (a successor had come, and this snapshot proved
    that it ends the message here; a Cancel always needs one). The snapshot is "source stamp"; if the record itself
    brought none, only the stamp `situation.as_of`."""
    meaning: Meaning
    """What holds now; for the kind `ended`, what has ended. Its begin and end span all that holds at its grade in these
    districts, because that is one event to people."""
    districts: tuple[str, ...]
    was: LogEntry | None = None
    """What this channel was last told of the group in these districts: the entry whose begin or end moved, else the
    highest entry. None if the log has nothing."""
    came_late_to: tuple[str, ...] = ()
    """These districts, if `cause` stood elsewhere before it stood here, as it does under new geofences."""
    shown_in_id: tuple[str, ...] = ()
    """Base id of the message that contains `meaning`, and the index of `meaning` there. Empty for an end, and if it
    would be the first meaning of `cause`."""
    more: int = 0
    """How many changes `MOST_CHANGES` cut off after this one, plus how many meanings the matcher did not keep."""

    @property
    def channel(self) -> Channel:
        return self.rule.channel

    @property
    def audience(self) -> Audience:
        return self.rule.audience

    @property
    def identity(self) -> tuple[str, ...]:
        """Unique among the changes of its audience and channel that follow from one record. It depends on no level,
        time or word of `meaning`."""
        return (self.cause, self.kind, self.meaning.group, *self.by_snapshot, *self.shown_in_id, *self.came_late_to)


def notice_id(stage: str, place: str, channel: str, audience: str, *identity: str) -> str:
    """Makes the id of a notice. The same identity gives the same id, whoever sends it and how often.

    `place` is a city or district. `identity` is that of a change; for a stele's record, that of the record that led to
    it. A live notice and one of an exercise never share an id.
    """
    parts = (part.replace("\\", "\\\\").replace("|", "\\|") for part in (stage, place, channel, audience, *identity))
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


def remember(situation: Situation, before: StandingByMessage, known: Facts) -> StandingByMessage:
    """Gives what the next record compares with: by district, each message that stands (True), and each that stood
    earlier and is still among the facts (False)."""
    found: StandingByMessage = {}
    for district, state in situation.districts.items():
        stood = dict.fromkeys((i for i in before.get(district, ()) if i in known.facts), False)
        stands = dict.fromkeys((one.fact.base_id for one in state.standing), True)
        if stood or stands:
            found[district] = dict(sorted({**stood, **stands}.items()))
    return found


def changes(
    known: Facts,
    situation: Situation,
    before: StandingByMessage,
    told: NotificationLog,
    policy: Policy,
    snapshot: str = "",
) -> tuple[list[Change], NotificationLog]:
    """Gives what each channel has to be told now, the worst first, and the notification log after that.

    `policy` has only the channels to compare now, `before` what stood when they were last compared. `told` is the log,
    `snapshot` is
    "source stamp" of the snapshot that the record is, or that its message came with; if it is "", the stamp
    `situation.as_of` stands in its place.

    Only event groups and districts in which a message is new or gone are compared: time alone is no news.
    """
    comparison = _Comparison(known, situation, before, snapshot)
    found: list[Change] = []
    told = dict(told)
    for rule in policy.rules_by_name:
        keys = {group: f"{rule.audience}/{rule.channel}/{group}" for group in comparison.touched}
        by_group = {}
        for group, districts in comparison.touched.items():
            told_here = told.get(keys[group], {})
            by_group[group] = [
                difference
                for district in districts
                if (difference := comparison.difference(rule, group, district, told_here.get(district, ()), policy))
            ]
        for group, differences in comparison.silenced(rule, by_group).items():
            key, told_here = keys[group], told.get(keys[group], {})
            for kind, some in _by_kind(differences, first=not told_here):
                found += comparison.joined(rule, group, kind, some)
            if differences:
                told[key] = {**told_here, **{one.district: one.now_told for one in differences}}
    rules = {f"{rule.audience}/{rule.channel}": rule for rule in policy.rules_by_name}

    def highest(name: str, group: str, district: str) -> int:
        return comparison.top_standing(district, group, rules.get(name))

    return _at_most(sorted(found, key=_worst_first), known), without_ended(told, situation.now, highest)


def _at_most(worst_first: Iterable[Change], known: Facts) -> list[Change]:
    """Keeps the worst `MOST_CHANGES` changes of each rule and kind. The last one says how many more there are."""
    by_rule_and_kind: dict[tuple[str, NoticeKind], list[Change]] = {}
    for change in worst_first:
        by_rule_and_kind.setdefault((change.rule.name, change.kind), []).append(change)
    found = []
    for some in by_rule_and_kind.values():
        left_out_by_message = {change.cause: _left_out(known, change) for change in some}
        if len(some) > MOST_CHANGES:
            some = _over_districts(some)
        kept = some[:MOST_CHANGES]
        more = len(some) - len(kept) + sum(left_out_by_message.values())
        found += [*kept[:-1], replace(kept[-1], more=more)] if more else kept
    return sorted(found, key=_worst_first)


def _over_districts(worst_first: Iterable[Change]) -> list[Change]:
    """Joins the changes that are one event to people: those of one group and grade that differ in district, words or
    times alone. So none is cut off, even if many districts are warned."""
    alike: dict[tuple[object, ...], list[Change]] = {}
    for change in worst_first:
        key = change.rule, change.reason, change.by_snapshot, change.meaning.group, grade(change.meaning)
        alike.setdefault(key, []).append(change)
    return [_joined(some) if len(some) > 1 else some[0] for some in alike.values()]


def _joined(changes: Sequence[Change]) -> Change:
    """Gives the first change for the districts of all, from the earliest begin to the latest end."""
    meanings = [change.meaning for change in changes]
    meaning = meanings[0].model_copy(
        update={
            "onset": min(meaning.onset for meaning in meanings),
            "expires": max(meanings, key=_end).expires,
            "impacts": tuple(impact for meaning in meanings for impact in meaning.impacts),
        }
    )
    was: LogEntry | None = None
    for change in changes:
        was = higher(was, change.was)
    districts = tuple(sorted({district for change in changes for district in change.districts}))
    return replace(changes[0], meaning=meaning, districts=districts, was=was)


def _left_out(known: Facts, change: Change) -> int:
    """Counts the meanings of the causing message that were not kept."""
    if change.kind not in ("warn", "update"):
        return 0
    fact = known.facts.get(change.cause)
    return (fact and fact.left_out) or 0


_Effect = Literal["warn", "lower", "end"]
"""What a difference leads to. `warn`: what is new, worse, or begins or ends at another time is told. `lower`: less than
was told holds. `end`: nothing is left."""


@dataclass(frozen=True, slots=True)
class _Difference:
    """What differs in one district from what one rule's channel was told of one event group."""

    district: str
    effect: _Effect
    reason: Reason
    was: LogEntry | None
    """The log entry compared with, as in `Change.was`."""
    now_told: LogEntries
    """What the log says of the district from now on."""
    moved_grade: int | None = None
    """The grade of what now ends at another time. None if the news is not an end that moved."""
    lesser_grade: int | None = None
    """The grade of the lesser warning that is the news: it begins before all that was told, or only advance notices
    were told of it. None if the news is something else."""
    says_more: bool = False
    """True if, after a fall, something is left that holds at times for which nothing as bad was told."""
    silent: bool = False
    """True if nobody is told of it; the log notes it all the same."""


def _by_kind(differences: Iterable[_Difference], *, first: bool) -> Iterator[tuple[NoticeKind, list[_Difference]]]:
    """Groups differences by the kind of notice that tells them. `first`: the log has nothing of the group anywhere."""
    told = [difference for difference in differences if not difference.silent]
    kinds: dict[_Effect, NoticeKind] = {"warn": "warn" if first else "update", "lower": "lowered", "end": "ended"}
    for effect, kind in kinds.items():
        if some := [difference for difference in told if difference.effect == effect]:
            yield kind, some


def _worst_first(change: Change) -> tuple[object, ...]:
    return (-grade(change.meaning), change.rule.channel, change.rule.audience, change.cause, change.kind)


class _Comparison(Scene):
    """Finds what differs between a scene and what each channel was told."""

    def difference(self, rule: Rule, group: str, district: str, told: LogEntries, policy: Policy) -> _Difference | None:
        """Compares what is live of a group in a district with what a rule's channel was told. None: nothing to note."""
        now, tolerance = self.situation.now, timedelta(minutes=policy.retell_after_min)
        live = [one.meaning for one in self.live(district, group)]
        tellable = self.log_entries(rule, live)
        still_told = tuple(entry for entry in told if entry.holds(now))
        grade_now, grade_told = top_grade(tellable), top_grade(still_told)

        worse_than_log = grade_now > top_grade(told)
        if worse_than_log:
            reason = self.why_worse(group, district, told, tellable)
            beside = self.beside_announced(district, told, tellable, tolerance) if reason == "announced" else None
            return beside or _Difference(district, "warn", reason, _top_entry(told), tellable)

        if grade_now < grade_told:
            # Count what is left at any level. Only what this audience never hears of (`leaves_out`) does not count.
            without_minimum = self.log_entries(None, [one for one in live if not rule.leaves_out(one)])
            less_than_told = top_grade(without_minimum) < grade_told
            if less_than_told:
                return self.less(rule, group, district, still_told, tellable, without_minimum, tolerance)

        as_bad_as_told = grade_now == grade_told > 0
        live_and_something_new = grade_now > 0 and (bool(self.new_of(group, (district,))) or not still_told)
        if as_bad_as_told or live_and_something_new:
            told_for_begin = still_told or told  # if all is over, every begin has passed, so none counts as moved
            return self.moved(district, told, told_for_begin, tellable, tolerance)
        return None

    def why_worse(self, group: str, district: str, told: LogEntries, tellable: LogEntries) -> Reason:
        """Gives the reason why something worse holds than the log has."""
        if not told:
            new = self.new_of(group, (district,))
            all_stood_earlier = new <= self.before.get(district, {}).keys()
            return "revived" if new and all_stood_earlier else "entered"
        if _only_advance(told) and not tellable[0].advance:
            return "now a warning"
        if _announced(told[0], tellable[0], tellable):
            return "announced"
        return "raised"

    def beside_announced(
        self, district: str, told: LogEntries, tellable: LogEntries, tolerance: timedelta
    ) -> _Difference | None:
        """Gives the difference of the warnings beside which an advance notice comes; None if they are as told.

        It is told in place of the advance notice, because a notice names beside it what is worse.
        """
        was, warnings = (tuple(one for one in some if not one.advance) for some in (told, tellable))
        grade_was, grade_now = top_grade(was), top_grade(warnings)
        if grade_now != grade_was:
            reason: Reason = "raised" if grade_now > grade_was else "lowered"
            effect: _Effect = "warn" if grade_now > grade_was else "lower"
            return _Difference(
                district, effect, reason, _top_entry(was), tellable, lesser_grade=grade_now, says_more=True
            )
        if one := self.moved(district, was, was, warnings, tolerance):
            shown = one.lesser_grade or one.moved_grade or grade_now
            return replace(one, now_told=tellable, lesser_grade=shown)
        return None

    def moved(
        self, district: str, told: LogEntries, told_for_begin: LogEntries, tellable: LogEntries, tolerance: timedelta
    ) -> _Difference | None:
        """Gives the difference where nothing worse and nothing less holds than was told. The first of these is told:

        1. A lesser warning of which only advance notices were told, or that begins before all that was told.
        2. A begin that moved to an earlier time.
        3. An end that moved to a later time.
        4. A begin that moved to a later time.
        5. An end that moved to an earlier time.

        Only moves by more than `tolerance` count. But if a warning goes on beyond the end that was told, that is news
        at any size. So ends are compared with `told`, which has entries that are over, too. Begins are compared with
        `told_for_begin`, which has them only if everything is over. None if nothing has to be told.
        """
        now = self.situation.now
        if lesser := now_a_warning(told, tellable, now):
            was = next(entry for entry in told if entry.advance)
            return _Difference(district, "warn", "now a warning", was, tellable, lesser_grade=lesser.grade)
        if lesser := begins_before(told_for_begin, tellable, now, tolerance):
            as_bad = (entry for entry in told_for_begin if entry.grade >= lesser.grade)
            first = min(as_bad, key=lambda entry: entry.onset)
            why: Reason = "now a warning" if first.advance else "begins earlier"
            return _Difference(district, "warn", why, first, tellable, lesser_grade=lesser.grade)
        end = moved_end(told, tellable, self.situation.now, tolerance)
        begin = moved_begin(told_for_begin, tellable, self.situation.now, tolerance)
        ends_later = end is not None and end.by > 0
        reason: Reason
        if begin and (begin < timedelta() or not ends_later):
            reason = "begins later" if begin > timedelta() else "begins earlier"
            return _Difference(district, "warn", reason, _top_entry(told_for_begin), tellable)
        if end is None:
            return None
        if not ends_later:
            reason = "shortened"
        elif _announced(end.was, end.now, tellable):
            reason = "announced"
        else:
            reason = "extended"
        return _Difference(district, "warn", reason, end.was, tellable, end.now.grade)

    def less(
        self,
        rule: Rule,
        group: str,
        district: str,
        still_told: LogEntries,
        tellable: LogEntries,
        without_minimum: LogEntries,
        tolerance: timedelta,
    ) -> _Difference | None:
        """Gives the difference where less holds than was told: it was lowered, or it ended.

        What still holds is `tellable`; if the rule tells nothing of it, `without_minimum`.

        None as long as something unconfirmed delays it: something as bad as what was told, or, if nothing is left,
        anything that the rule tells. Meanwhile only what holds at times that were not told is told, and nothing is
        called over. None, too, if nothing is left and what was told is still live: only the rule has
        changed. It is still live if something that is not new has the grade and times that were told, or if something
        as bad is live and nothing is gone.
        """
        was, left = still_told[0], tellable or without_minimum
        live = self.live(district, group)
        told_is_gone = any(
            rule.tells(meaning) and grade(meaning) >= was.grade for meaning, _ in self.gone_meanings(group, (district,))
        )
        not_new = [one.meaning for one in live if one.fact.base_id not in self.new[district]]
        as_told = was in self.log_entries(None, not_new) and not told_is_gone
        as_bad = any(grade(one.meaning) >= was.grade for one in live)
        if not left and (as_told or (as_bad and not self.gone_of(group, (district,)))):
            return None
        news = any(says_more(entry, still_told, self.situation.now, tolerance) for entry in tellable)
        unconfirmed = [one.meaning for one in self.unconfirmed(district, group)]
        if any(grade(meaning) >= was.grade or (not left and rule.tells(meaning)) for meaning in unconfirmed):
            if news and (one := self.moved(district, still_told, still_told, tellable, tolerance)):
                return replace(one, now_told=_beside(still_told, tellable))
            return None
        reason = self.why_gone(group, (district,))
        as_planned = reason == "expired" and was.end - self.last_end(group, district) <= tolerance.total_seconds()
        silent = as_planned and not news
        if not left:
            return _Difference(district, "end", reason, was, left, silent=silent)
        advance_notice_became_warning = _only_advance(still_told) and not left[0].advance
        reason = "now a warning" if advance_notice_became_warning else "lowered"
        return _Difference(district, "lower", reason, was, left, says_more=news, silent=silent)

    def silenced(self, rule: Rule, by_group: Mapping[str, Sequence[_Difference]]) -> dict[str, list[_Difference]]:
        """Where something new is told in a district, of whatever group, makes falls and ends of no higher grade silent
        there: they would sound like an all-clear. A fall that says more than was told is told all the same."""
        news: dict[str, int] = {}
        falls = []
        for group, differences in by_group.items():
            for one in differences:
                if one.effect == "warn" or (one.says_more and not one.silent):
                    news[one.district] = max(news.get(one.district, 0), self.worst_new(rule, one.district, group))
                elif not one.silent and one.was:
                    falls.append((one.was.grade, group, one.district, one.effect))
        silent = set()
        for was, group, district, effect in sorted(falls, reverse=True):  # a fall that is told tells what is new there
            if news.get(district, 0) >= was:
                silent.add((group, district))
            elif effect == "lower":
                news[district] = max(news.get(district, 0), self.worst_new(rule, district, group))
        return {
            group: [replace(one, silent=True) if (group, one.district) in silent else one for one in differences]
            for group, differences in by_group.items()
        }

    def joined(self, rule: Rule, group: str, kind: NoticeKind, differences: Iterable[_Difference]) -> Iterator[Change]:
        """Joins the differences that show the same meaning into one change, and all ends into one."""
        alike: dict[tuple[str, int] | None, list[_Difference]] = {}
        shown: dict[str, tuple[str, int]] = {}
        for difference in differences:
            if (to_show := self.to_show(rule, group, difference)) is None:
                continue  # every message of the group is forgotten: there is nothing that can be said to be over
            shown[difference.district] = to_show
            alike.setdefault(None if kind == "ended" else to_show, []).append(difference)
        for some in alike.values():
            worst = max(some, key=lambda difference: difference.was.grade if difference.was else 0)
            yield self.make_change(rule, group, kind, some, shown[worst.district])

    def to_show(self, rule: Rule, group: str, difference: _Difference) -> tuple[str, int] | None:
        """Gives what a notice shows for a district: the base id of a message, and the index of one of its meanings.

        What the rule leaves out is shown only for an end, if nothing else is known. Of the rest it is:

        | effect, news                          | taken from what is | the worst meaning                     |
        |---------------------------------------|--------------------|---------------------------------------|
        | `end`                                 | gone, else known   | no worse than was told                |
        | `lower`                               | live               | that the rule tells, else of any level |
        | `warn`                                | live               | that the rule tells                   |
        | `warn`, a lesser one (`lesser_grade`) | live               | of that grade                         |
        | `warn`, an end moved (`moved_grade`)  | live               | of that grade that ends last          |

        None if no message of the group is known any more.
        """
        if difference.effect == "end":
            gone = self.gone_meanings(group, (difference.district,)) or self.known_meanings(group, difference.district)
            told = difference.was.grade if difference.was else 0
            found = [one for one in gone if not rule.leaves_out(one[0]) and grade(one[0]) <= told] or gone
        else:
            whatever_minimum = difference.effect == "lower"
            found = [
                (one.meaning, one.fact)
                for one in self.live(difference.district, group)
                if not rule.leaves_out(one.meaning) and (whatever_minimum or rule.tells(one.meaning))
            ]
            found = [one for one in found if rule.tells(one[0])] or found
        if (lesser_grade := difference.lesser_grade) is not None:
            found = [one for one in found if grade(one[0]) == lesser_grade]
        moved_grade = difference.moved_grade

        def rank(one: tuple[Meaning, Fact]) -> tuple[object, ...]:
            meaning, fact = one
            end_that_moved = _end(meaning) if moved_grade is not None and grade(meaning) == moved_grade else 0.0
            return end_that_moved, grade(meaning), _end(meaning), fact.sent, fact.base_id

        if not found:
            return None
        meaning, fact = max(found, key=rank) if len(found) > 1 else found[0]
        return fact.base_id, self.position(meaning, fact)

    def make_change(
        self, rule: Rule, group: str, kind: NoticeKind, differences: list[_Difference], shown: tuple[str, int]
    ) -> Change:
        """Joins differences of one kind to one change, which shows one meaning: `shown` as `to_show` gives it."""
        base_id, index = shown
        districts = tuple(difference.district for difference in differences)
        reason = min((difference.reason for difference in differences), key=_ORDER.index)
        was: LogEntry | None = None
        for difference in differences:
            if difference.reason == reason:
                was = higher(was, difference.was)
        cause, how = self.cause(kind, group, districts, base_id)
        by_snapshot = (how, self.snapshot) if how else ()
        meaning = self.facts[base_id].meanings[index]
        of_its_grade = [entry for one in differences for entry in one.now_told if entry.grade == grade(meaning)]
        if period := one_entry(of_its_grade):
            meaning = meaning.model_copy(update={"onset": period.onset, "expires": period.until})
        shown_in_id = () if kind == "ended" or shown == (cause, 0) else (base_id, str(index))
        if isinstance(rule, Rules):
            rule = rule.that_tell(meaning)
        stood_elsewhere = any(ids.get(cause) for ids in self.before.values())
        came_late_to = districts if cause in self.new_of(group, districts) and stood_elsewhere else ()
        return Change(rule, kind, reason, cause, by_snapshot, meaning, districts, was, came_late_to, shown_in_id)

    def why_gone(self, group: str, districts: Sequence[str]) -> Reason:
        """Gives the reason why messages of a group are gone in these districts."""
        if last := self.last_successor(self.gone_of(group, districts)):
            return "cancelled" if last.msg_type == "Cancel" else "superseded"
        gone = self.gone_meanings(group, districts)
        all_expired = all(meaning.expires and meaning.expires <= self.situation.now for meaning, _ in gone)
        return "expired" if gone and all_expired else "withdrawn"

    def cause(self, kind: NoticeKind, group: str, districts: Sequence[str], shown: str) -> tuple[str, str]:
        """Gives the base id of the message that caused a change, and how a snapshot took part ("" if none did).

        `shown` is the base id of the message that the notice shows.
        """
        new, gone = self.new_of(group, districts), self.gone_of(group, districts)
        if kind in ("warn", "update") and new:
            cause = shown if shown in new else min(new)  # any of them, but always the same
            # It is new now, and `before` has it as False: it stood, went and came back.
            stood_earlier = any(cause in self.new[one] and cause in self.before.get(one, ()) for one in districts)
            return cause, "revived" if stood_earlier else ""
        if successor := self.direct_successor(gone):
            came_now = any(successor.base_id in self.new[district] for district in districts)
            return successor.base_id, "" if came_now else "confirmed"
        return min(gone, default=shown), self.why_gone(group, districts)  # any of them, but always the same


def _announced(was: LogEntry, now: LogEntry, tellable: LogEntries) -> bool:
    """Says whether the news is an advance notice, and the warning that was told goes on beside it."""
    return now.advance and not was.advance and not _only_advance(tellable)


def _beside(told: LogEntries, tellable: LogEntries) -> LogEntries:
    """Gives the entries of the log once `tellable` is told beside what it has: one entry per grade."""
    grades = {entry.grade for entry in tellable}
    both = (*(entry for entry in told if entry.grade not in grades), *tellable)
    return tuple(sorted(both, key=lambda entry: -entry.grade))


def _only_advance(entries: LogEntries) -> bool:
    return all(entry.advance for entry in entries)


def _top_entry(entries: LogEntries) -> LogEntry | None:
    """Gives the entry of the highest grade; None if there is none."""
    return entries[0] if entries else None


def _end(meaning: Meaning) -> float:
    """Gives the end of a meaning in seconds since 1970; infinite if there is none."""
    return math.inf if meaning.expires is None else meaning.expires.timestamp()
