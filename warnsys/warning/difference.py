"""Compares one event group in one district with what a channel was last told of it: what differs, and why.

Where a message is new or gone, `SceneComparison.difference` finds that more holds than was told, less, or as much at
other times. `notify` joins the differences to changes; `scene` has the words "new", "gone", "live" and "unconfirmed".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from warnsys.warning.notification_log import (
    LogEntries,
    LogEntry,
    begins_before,
    moved_begin,
    moved_end,
    now_a_warning,
    says_more,
    top_grade,
)
from warnsys.warning.policy import Policy, Rule
from warnsys.warning.scene import Scene
from warnsys.warning.situation import grade

Reason = Literal[
    "raised", "now a warning", "announced", "entered", "revived", "begins earlier", "extended", "begins later",
    "shortened", "lowered", "cancelled", "superseded", "withdrawn", "expired",
]  # fmt: skip
"""Why a change is told. If it joins districts with different reasons, it bears the first of them in this list, but
`announced` only if all have that. Within one district the methods of `SceneComparison` decide.
`docs/reference/lifecycle.md` has a table, and stories of most.

* If the log has nothing of the group here: `entered`, a warning is new; `revived`, a withdrawn one is listed again.
* `now a warning`, in three cases:
    * What holds worst is a warning, and the log has only advance notices.
    * A warning holds beside a worse advance notice. Among the log entries of the warning's grade or above is an advance
      notice, but no warning whose end is still to come.
    * A warning holds beside something worse, and begins before all log entries of the warning's grade or above. The
      earliest of these entries is an advance notice.
* `raised`, `lowered`: the grade differs from the one that was told, and no other reason of this list applies. Of one
  level, a warning is above an advance notice.
* `announced`: a warning goes on, and an advance notice of something worse or later comes beside it.
* `extended`, `shortened`, `begins earlier`, `begins later`: end or begin moved by more than the policy's minutes;
  `extended` also by less, if the end that was told has passed. Of a lesser warning beside a worse one, `begins earlier`
  says that it begins before all log entries of its grade or above, and `extended` that it holds between two worse ones,
  when nothing as bad was told.
* If the warning that was told is over, and the group has no other warning here, except what the rule never tells
  (`Rule.leaves_out`): `cancelled` by a Cancel; `superseded` by an update; `withdrawn`, its source no longer lists it,
  or new geofences took it from the district; `expired`, earlier than was told. An advance notice of a higher grade that
  was told may still hold. If one of a lower grade is left, the reason is `lowered`; if one of a higher grade is new, it
  is `raised`.
"""
Effect = Literal["warn", "lower", "end"]
"""What a difference leads to. `warn`: what is new, worse, or begins or ends at another time is told. `lower`: less than
was told holds. `end`: nothing is left. It is also an `end` if only advance notices are left that were told, too, and of
a higher grade than the warning: a comparison of grades would not see that this warning is over. If only an advance
notice of a lower grade is left, such as one of the same level, that is `lower`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs in one district from what one rule's channel was told of one event group."""

    district: str
    effect: Effect
    reason: Reason
    was: LogEntry | None
    """The log entry compared with, as in `Change.was`."""
    now_told: LogEntries
    """What the log says of the district from now on."""
    moved_grade: int | None = None
    """The grade of what now ends at another time. None if the news is not an end that moved."""
    lesser_grade: int | None = None
    """The grade of the warning that the notice has to show although something else holds beside it, mostly something as
    bad or worse. None if it may show the worst. There are four cases:

    * All log entries of its grade or above are advance notices.
    * It begins before all log entries of its grade or above.
    * An advance notice stands beside it.
    * It holds between two worse ones, when nothing as bad was told."""
    tells_news: bool = False
    """Only for a fall: True if what is left is news itself, so that the fall is never silent. What is left holds at
    times for which nothing as bad was told, or stands beside an advance notice of something as bad or worse."""
    silent: bool = False
    """True if nobody is told of it; the log notes it all the same."""


class SceneComparison(Scene):
    """Finds what differs between a scene and what each channel was told."""

    def difference(self, rule: Rule, group: str, district: str, told: LogEntries, policy: Policy) -> Difference | None:
        """Compares what is live of a group in a district with what a rule's channel was told. None: nothing to note."""
        now, tolerance = self.situation.now, timedelta(minutes=policy.retell_after_min)
        live = [one.meaning for one in self.live(district, group)]
        tellable = self.log_entries(rule, live)
        still_told = tuple(entry for entry in told if entry.holds(now))
        grade_now, grade_still_told = top_grade(tellable), top_grade(still_told)

        worse_than_all_told = grade_now > top_grade(told)
        if worse_than_all_told:
            reason = self.why_worse(group, district, told, tellable)
            if reason == "announced" and (
                beside := self.beside_advance(rule, group, district, told, tellable, tolerance)
            ):
                return beside
            return Difference(district, "warn", reason, _top_entry(told), tellable)

        if grade_now < grade_still_told:
            # Count what is left at any level. Only what this audience never hears of (`leaves_out`) does not count.
            without_minimum = self.log_entries(None, [one for one in live if not rule.leaves_out(one)])
            less_than_told = top_grade(without_minimum) < grade_still_told
            if less_than_told:
                return self.less(rule, group, district, still_told, tellable, without_minimum, tolerance)

        # Three cases are left:
        # 1. As much holds as is still told.
        # 2. More holds than is still told, but not more than an entry that is over.
        # 3. Nothing fell, but the rule has a higher minimum now: it no longer tells something as bad as was told.
        # Cases 2 and 3 are looked at only if something is new, or if all that was told is over.
        as_bad_as_told = grade_now == grade_still_told > 0
        something_new, all_told_is_over = bool(self.new_of(group, (district,))), not still_told
        if as_bad_as_told or (grade_now > 0 and (something_new or all_told_is_over)):
            # If all entries are over, these count: their begins have passed, so no begin counts as moved.
            told_for_begin = still_told or told
            return (
                self.beside_advance(rule, group, district, still_told, tellable, tolerance)
                or self.moved(district, told, told_for_begin, tellable, tolerance)
                or self.in_a_gap(district, told_for_begin, tellable, tolerance)
            )
        return None

    def beside_advance(
        self, rule: Rule, group: str, district: str, told: LogEntries, tellable: LogEntries, tolerance: timedelta
    ) -> Difference | None:
        """Compares the warnings alone with what was told of them, if an advance notice holds as well. If all were
        compared together, the advance notice could hide that a warning rose, fell, moved or ended.

        None if no advance notice holds, if no warning was told, or if the warnings are as told.
        """
        warnings_told, warnings = (tuple(one for one in some if not one.advance) for some in (told, tellable))
        no_advance_holds = len(warnings) == len(tellable)
        if not warnings_told or no_advance_holds:
            return None
        if warnings:
            return self.warnings_changed(group, district, told, tellable, tolerance)
        return self.only_advance_left(rule, group, district, warnings_told[0], tellable, tolerance)

    def warnings_changed(
        self, group: str, district: str, told: LogEntries, tellable: LogEntries, tolerance: timedelta
    ) -> Difference | None:
        """Gives the difference where warnings rose, fell or moved beside an advance notice. Notices of it name the
        advance notice as well (`channels/still.py`). None if the warnings are as told.

        While something unconfirmed is as bad as the warning that was told, nothing counts as fallen.
        """
        warnings_told, warnings = (tuple(one for one in some if not one.advance) for some in (told, tellable))
        grade_was, grade_now, now_told = top_grade(warnings_told), top_grade(warnings), tellable
        if any(grade(one.meaning) >= grade_was > grade_now for one in self.unconfirmed(district, group)):
            now_told = _beside(told, tellable)
        elif grade_now != grade_was:
            reason: Reason = "raised" if grade_now > grade_was else "lowered"
            effect: Effect = "warn" if grade_now > grade_was else "lower"
            return Difference(
                district, effect, reason, _top_entry(warnings_told), tellable, lesser_grade=grade_now, tells_news=True
            )
        if one := self.moved(district, warnings_told, warnings_told, warnings, tolerance):
            grade_shown = one.lesser_grade or one.moved_grade or grade_now
            return replace(one, now_told=now_told, lesser_grade=grade_shown)
        return None

    def only_advance_left(
        self, rule: Rule, group: str, district: str, was: LogEntry, tellable: LogEntries, tolerance: timedelta
    ) -> Difference | None:
        """Gives the difference where, of all that is live and told by the rule, only advance notices are left. The
        warning in the log, `was`, has ended, or fell below the rule's minimum. None while a warning that the rule tells
        is unconfirmed."""
        unconfirmed = (one.meaning for one in self.unconfirmed(district, group))
        if any(not meaning.advance and rule.tells(meaning) for meaning in unconfirmed):
            return None
        live = (one.meaning for one in self.live(district, group))
        warnings_left = self.log_entries(None, [one for one in live if not one.advance and not rule.leaves_out(one)])
        if not warnings_left:
            reason = self.why_gone(group, (district,))
            planned = self.is_planned(reason, was, group, district, tolerance)
            return Difference(district, "end", reason, was, tellable, silent=planned)
        if warnings_left[0].grade >= was.grade:
            return None  # as bad as the warning that was told: nothing fell, but the rule has a higher minimum now
        now_told, lesser = _beside(tellable, warnings_left), warnings_left[0].grade
        return Difference(district, "lower", "lowered", was, now_told, lesser_grade=lesser, tells_news=True)

    def in_a_gap(
        self, district: str, told: LogEntries, tellable: LogEntries, tolerance: timedelta
    ) -> Difference | None:
        """Gives the difference where a lesser warning holds at times for which nothing as bad was told.

        This is asked last, after `moved`. So these times lie in a gap between two worse warnings that were told: else
        they would have been a moved begin or end. Nothing here looks for the two.
        """
        more = next(
            (one for one in tellable if not one.advance and says_more(one, told, self.situation.now, tolerance)), None
        )
        if more is None:
            return None
        before = [one for one in told if one.onset <= more.onset + tolerance and one.end < more.end]
        was = max(before, key=lambda one: one.end, default=_top_entry(told))
        return Difference(district, "warn", "extended", was, tellable, moved_grade=more.grade, lesser_grade=more.grade)

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

    def moved(
        self, district: str, told: LogEntries, told_for_begin: LogEntries, tellable: LogEntries, tolerance: timedelta
    ) -> Difference | None:
        """Gives the difference where as much holds as was told, at other times. The first of these is told:

        1. A lesser warning of which only advance notices were told, or that begins before what was told of its grade.
        2. A begin that moved to an earlier time.
        3. An end that moved to a later time.
        4. A begin that moved to a later time.
        5. An end that moved to an earlier time.

        Only moves by more than `tolerance` count. But once the end that was told has passed, a later end is news at any
        size: so ends are compared with `told`, which has entries that are over, too. Begins are compared with
        `told_for_begin`, which has no entries that are over unless all are. None if nothing has to be told.
        """
        now = self.situation.now
        if lesser := now_a_warning(told, tellable, now):
            was = next(entry for entry in told if entry.advance)
            return Difference(district, "warn", "now a warning", was, tellable, lesser_grade=lesser.grade)
        if lesser := begins_before(told_for_begin, tellable, now, tolerance):
            as_bad = (entry for entry in told_for_begin if entry.grade >= lesser.grade)
            first = min(as_bad, key=lambda entry: entry.onset)
            why: Reason = "now a warning" if first.advance else "begins earlier"
            return Difference(district, "warn", why, first, tellable, lesser_grade=lesser.grade)
        end = moved_end(told, tellable, self.situation.now, tolerance)
        begin_moved_by = moved_begin(told_for_begin, tellable, self.situation.now, tolerance)
        ends_later = end is not None and end.by > 0
        reason: Reason
        if begin_moved_by and (begin_moved_by < timedelta() or not ends_later):
            reason = "begins later" if begin_moved_by > timedelta() else "begins earlier"
            return Difference(district, "warn", reason, _top_entry(told_for_begin), tellable)
        if end is None:
            return None
        if not ends_later:
            reason = "shortened"
        elif _announced(end.was, end.now, tellable):
            reason = "announced"
        else:
            reason = "extended"
        return Difference(district, "warn", reason, end.was, tellable, moved_grade=end.now.grade)

    def less(
        self,
        rule: Rule,
        group: str,
        district: str,
        still_told: LogEntries,
        tellable: LogEntries,
        without_minimum: LogEntries,
        tolerance: timedelta,
    ) -> Difference | None:
        """Gives the difference where less holds than was told: it was lowered, or it ended.

        What still holds is `tellable`; if the rule tells nothing of it, `without_minimum`.

        Something unconfirmed delays this: something as bad as what was told, or, if nothing is left, anything that the
        rule tells. Meanwhile this gives what `moved` gives, if something holds at times that were not told; else None.

        None as well if nothing is left only because the rule has changed (`rule_now_leaves_out`).
        """
        was, left = still_told[0], tellable or without_minimum
        if not left and self.rule_now_leaves_out(rule, group, district, was):
            return None
        news = any(says_more(entry, still_told, self.situation.now, tolerance) for entry in tellable)
        unconfirmed = [one.meaning for one in self.unconfirmed(district, group)]
        if any(grade(meaning) >= was.grade or (not left and rule.tells(meaning)) for meaning in unconfirmed):
            if news and (one := self.moved(district, still_told, still_told, tellable, tolerance)):
                return replace(one, now_told=_beside(still_told, tellable))
            return None
        reason = self.why_gone(group, (district,))
        silent = self.is_planned(reason, was, group, district, tolerance) and not news
        if not left:
            return Difference(district, "end", reason, was, left, silent=silent)
        advance_notice_became_warning = _only_advance(still_told) and not left[0].advance
        reason = "now a warning" if advance_notice_became_warning else "lowered"
        return Difference(district, "lower", reason, was, left, tells_news=news, silent=silent)

    def rule_now_leaves_out(self, rule: Rule, group: str, district: str, was: LogEntry) -> bool:
        """Says whether what was told still holds, so that the rule must have changed and now leaves it out.

        There are two signs of that, and each is enough:

        * Messages that are not new have the grade and the times of `was`. No message is gone that was as bad and that
          the rule tells; others may be gone.
        * Something as bad as `was` is live, at whatever times, and no message of the group is gone.
        """
        live, gone = self.live(district, group), self.gone_meanings(group, (district,))
        not_new = [one.meaning for one in live if one.fact.base_id not in self.new[district]]
        told_is_gone = any(rule.tells(meaning) and grade(meaning) >= was.grade for meaning, _ in gone)
        as_told = was in self.log_entries(None, not_new) and not told_is_gone
        as_bad = any(grade(one.meaning) >= was.grade for one in live)
        return as_told or (as_bad and not self.gone_of(group, (district,)))

    def is_planned(self, reason: Reason, was: LogEntry, group: str, district: str, tolerance: timedelta) -> bool:
        """Says whether what was told expired, and not much before the end that was told."""
        return reason == "expired" and was.end - self.last_end(group, district) <= tolerance.total_seconds()

    def mark_silent(self, rule: Rule, by_group: Mapping[str, Sequence[Difference]]) -> dict[str, list[Difference]]:
        """Gives all differences. Falls and ends are marked as silent in each district where something new of at least
        their grade is told, of whatever group: they would sound like an all-clear. A fall that tells news is told."""
        news: dict[str, int] = {}
        falls_and_ends = []
        for group, differences in by_group.items():
            for one in differences:
                if one.effect == "warn" or (one.tells_news and not one.silent):
                    news[one.district] = max(news.get(one.district, 0), self.worst_new(rule, one.district, group))
                elif not one.silent and one.was:
                    falls_and_ends.append((one.was.grade, group, one.district, one.effect))
        silent = set()
        # The worst fall comes first. A lowered warning often comes as a new message that replaces the old one. If that
        # is told, it is news, and silences lesser falls.
        for grade_was, group, district, effect in sorted(falls_and_ends, reverse=True):
            if news.get(district, 0) >= grade_was:
                silent.add((group, district))
            elif effect == "lower":
                news[district] = max(news.get(district, 0), self.worst_new(rule, district, group))
        return {
            group: [replace(one, silent=True) if (group, one.district) in silent else one for one in differences]
            for group, differences in by_group.items()
        }

    def why_gone(self, group: str, districts: Sequence[str]) -> Reason:
        """Gives the reason why messages of a group are gone in these districts."""
        if last := self.last_successor(self.gone_of(group, districts)):
            return "cancelled" if last.msg_type == "Cancel" else "superseded"
        gone = self.gone_meanings(group, districts)
        all_expired = all(meaning.expires and meaning.expires <= self.situation.now for meaning, _ in gone)
        return "expired" if gone and all_expired else "withdrawn"


def _announced(was: LogEntry, is_now: LogEntry, tellable: LogEntries) -> bool:
    """Says whether the news is an advance notice, and the warning that was told goes on beside it."""
    return is_now.advance and not was.advance and not _only_advance(tellable)


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
