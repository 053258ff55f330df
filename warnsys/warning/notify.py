"""Decides what is worth telling: the difference between what holds and what a channel was last told.

The notification log (`notification_log`) keeps, for each audience, channel, event group and district, the grades
(level; advance notice or not) that were told, with begin and end. The situation is compared with that log, so:

* Ten small extensions add up to one that is told.
* A second storm cell of the same group is no news if its grade is no higher, and its begin and end hardly differ.
* A planned expiry is silent, because its time was told from the start.

A rise is told to those whose minimum it reaches. A fall is told to those who were told the higher grade, even if what
is left is below their minimum, and to nobody else. A fall is silent if it was planned. It is also silent if something
new that is as bad is told beside it. But what is left after the fall may be news itself, for it may hold at times for
which nothing as bad was told (`Difference.tells_news`): then the fall is told in both cases.

For each audience, channel (`Policy.rules_by_name`), event group and district `changes` asks `difference` what differs.
Differences that have the same effect (`Effect`) and show one meaning (what a message warns of, in all its languages)
become one `Change`, and so do all ends of a group. A message is "new" in a district if it stands there and did not
before, "gone" if it is the other way round; `scene` has the other words.
"""

import functools
import math
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from warnsys.records import Audience, Meaning, NoticeKind
from warnsys.warning.difference import Difference, Effect, Reason, SceneComparison
from warnsys.warning.facts import Fact
from warnsys.warning.notification_log import LogEntry, NotificationLog, higher, one_entry, without_ended
from warnsys.warning.policy import Channel, Policy, Rule, Rules
from warnsys.warning.scene import StandingByMessage
from warnsys.warning.situation import Situation, grade

NAMESPACE = uuid.UUID("5c6bd9b5-35a5-5b0c-9f5d-9b1f4ad3a1d6")
MOST_CHANGES = 20
"""Limit of changes per audience, channel and kind that follow from one record. Above it, changes of one group, grade,
reason and snapshot become one for all their districts. The DWD has seventeen event groups, so its records are hardly
ever cut."""
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
    """Empty if a message alone caused the change. Else two strings: what a snapshot did, and which snapshot.

    The first is one of five: `revived`, `expired`, `withdrawn` (also if new geofences took the message from the
    districts), `confirmed`, or `replaced`. With `confirmed`, `cause` is a successor that a snapshot confirmed
    (`situation`), so the messages that it replaces ended in all districts. With `replaced`, it is a successor that
    stood here before, or was over when it came: only this record showed what it replaces. The second is "source
    stamp"; if the record brought no snapshot, only the stamp `situation.as_of`."""
    meaning: Meaning
    """What holds now; for the kind `ended`, what has ended. Its begin and end span all that holds at its grade in these
    districts, because that is one event to people."""
    districts: tuple[str, ...]
    was: LogEntry | None = None
    """What this channel was last told of the group in these districts: the entry whose begin or end moved, else the
    highest entry. None if the log has nothing."""
    came_late_to: tuple[str, ...] = ()
    """Equals `districts` if `cause` is new in one of them and stood in another district before this record, else
    empty. New geofences lead to that. If `_joined` joins several changes to one, that keeps the value of the first, so
    the id does not depend on the others."""
    shown_in_id: tuple[str, ...] = ()
    """The part of `identity` that says which meaning is shown: base id of its message, and its index there. Empty for
    an end, and if the notice shows the first meaning of `cause`: then `cause` says it."""
    rose_in: tuple[str, ...] = ()
    """If it is `raised`: the districts in which what was told has itself become worse, for `cause` replaced it before
    its end. In the others something worse came beside it, or after it."""
    stood_elsewhere: bool = False
    """True if the reason is `entered`, and a warning of this group, of this grade or a higher one, stood in any
    district of the city but those that it entered now. If an advance notice is shown, earlier advance notices count,
    too."""
    same_reason: bool = True
    """False if the reason is not that of all these districts."""
    same_before: bool = True
    """False if the districts with this reason were told different things before, or if these districts hear of
    different times now: `was` or `meaning` is then true of some of them only."""
    more: int = 0
    """How many changes `MOST_CHANGES` cut off after this one, plus how many meanings the matcher did not keep."""

    @property
    def channel(self) -> Channel:
        return self.rule.channel

    @property
    def audience(self) -> Audience:
        return self.rule.audience

    @property
    def advance(self) -> bool:
        """Whether it tells of an advance notice: for an end, whether what was told was one."""
        return self.was.advance if self.kind == "ended" and self.was else self.meaning.advance

    @property
    def identity(self) -> tuple[str, ...]:
        """Unique among the changes of its audience and channel that follow from one record. It depends on no level,
        time or word of `meaning`."""
        return (self.cause, self.kind, self.meaning.group, *self.by_snapshot, *self.shown_in_id, *self.came_late_to)


def notice_id(stage: str, place: str, channel: str, audience: str, *identity: str) -> str:
    """Makes the id of a notice. The same identity gives the same id, whoever sends it and how often.

    `place` is a city, or a district for the record of its stele (a public screen). `identity` is that of the change;
    for the record of a stele it names the record of `warn.impacts` that led to it. A live notice and one of an exercise
    never share an id.
    """
    parts = (part.replace("\\", "\\\\").replace("|", "\\|") for part in (stage, place, channel, audience, *identity))
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


def remember(situation: Situation, before: StandingByMessage, facts: Collection[str]) -> StandingByMessage:
    """Gives what the next record compares with: by district, each message that stands (True), and each that stood
    earlier and is still among the facts (False)."""
    found: StandingByMessage = {}
    for district, state in situation.districts.items():
        stood = dict.fromkeys((i for i in before.get(district, ()) if i in facts), False)
        stands = dict.fromkeys((one.fact.base_id for one in state.standing), True)
        if stood or stands:
            found[district] = dict(sorted({**stood, **stands}.items()))
    return found


def changes(
    facts: Mapping[str, Fact],
    situation: Situation,
    before: StandingByMessage,
    told: NotificationLog,
    policy: Policy,
    snapshot: str = "",
) -> tuple[list[Change], NotificationLog]:
    """Gives what each channel has to be told now, the worst first, and the notification log after that.

    `policy` has only the channels to compare now, `before` what stood when they were last compared, `told` is the log.
    `snapshot` names, as "source stamp", the snapshot that led here: the record itself, or the one that its message came
    with. If it is "", the stamp `situation.as_of` takes its place.

    Only event groups and districts in which a message is new or gone are compared: time alone is no news.
    """
    comparison = _Changes(facts, situation, before, snapshot)
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
        for group, differences in comparison.mark_silent(rule, by_group).items():
            key, told_here = keys[group], told.get(keys[group], {})
            for kind, some in _by_kind(differences, first=not told_here):
                found += comparison.joined(rule, group, kind, some)
            if differences:
                told[key] = {**told_here, **{one.district: one.now_told for one in differences}}
    rules = {f"{rule.audience}/{rule.channel}": rule for rule in policy.rules_by_name}

    def highest(audience_and_channel: str, group: str, district: str) -> int:
        return comparison.top_standing(district, group, rules.get(audience_and_channel))

    return _at_most(sorted(found, key=_worst_first), facts), without_ended(told, situation.now, highest)


def _at_most(worst_first: Iterable[Change], facts: Mapping[str, Fact]) -> list[Change]:
    """Keeps the worst `MOST_CHANGES` changes of each rule and kind. The last one says how many more there are."""
    by_rule_and_kind: dict[tuple[str, NoticeKind], list[Change]] = {}
    for change in worst_first:
        by_rule_and_kind.setdefault((change.rule.name, change.kind), []).append(change)
    found = []
    for some in by_rule_and_kind.values():
        left_out_by_message = {change.cause: _left_out_by_matcher(facts, change) for change in some}
        if len(some) > MOST_CHANGES:
            some = _over_districts(some)
        kept = some[:MOST_CHANGES]
        more = len(some) - len(kept) + sum(left_out_by_message.values())
        found += [*kept[:-1], replace(kept[-1], more=more)] if more else kept
    return sorted(found, key=_worst_first)


def _over_districts(worst_first: Iterable[Change]) -> list[Change]:
    """Joins the changes that are one event to people: those of one group and grade that differ in district, words or
    times alone. So none is cut off only because many districts are warned."""
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
    was = functools.reduce(higher, (change.was for change in changes))
    districts = tuple(sorted({district for change in changes for district in change.districts}))
    rose_in = tuple(sorted({district for change in changes for district in change.rose_in}))
    stood_elsewhere = any(change.stood_elsewhere for change in changes)
    same_reason = all(change.same_reason for change in changes)
    times = {(one.onset, one.expires) for one in meanings}
    same_before = len(times) == 1 and all(change.same_before and change.was == was for change in changes)
    return replace(
        changes[0],
        meaning=meaning,
        districts=districts,
        was=was,
        rose_in=rose_in,
        stood_elsewhere=stood_elsewhere,
        same_reason=same_reason,
        same_before=same_before,
    )


def _left_out_by_matcher(facts: Mapping[str, Fact], change: Change) -> int:
    """Counts the meanings of the causing message that the matcher left out, because there were too many."""
    if change.kind not in ("warn", "update"):
        return 0
    fact = facts.get(change.cause)
    return (fact and fact.left_out) or 0


def _by_kind(differences: Iterable[Difference], *, first: bool) -> Iterator[tuple[NoticeKind, list[Difference]]]:
    """Groups differences by the kind of notice that tells them. `first`: the log has nothing of the group anywhere."""
    told = [difference for difference in differences if not difference.silent]
    kinds: dict[Effect, NoticeKind] = {"warn": "warn" if first else "update", "lower": "lowered", "end": "ended"}
    for effect, kind in kinds.items():
        if some := [difference for difference in told if difference.effect == effect]:
            yield kind, some


def _worst_first(change: Change) -> tuple[object, ...]:
    return (-grade(change.meaning), change.rule.channel, change.rule.audience, change.cause, change.kind)


class _Changes(SceneComparison):
    """Joins the differences of a city to changes."""

    def joined(self, rule: Rule, group: str, kind: NoticeKind, differences: Iterable[Difference]) -> Iterator[Change]:
        """Joins the differences that show the same meaning into one change, and all ends into one."""
        alike: dict[tuple[str, int] | None, list[Difference]] = {}
        shown: dict[str, tuple[str, int]] = {}
        for difference in differences:
            if (to_show := self.to_show(rule, group, difference)) is None:
                continue  # every message of the group is forgotten: there is nothing that can be said to be over
            shown[difference.district] = to_show
            alike.setdefault(None if kind == "ended" else to_show, []).append(difference)
        for some in alike.values():
            worst = max(some, key=lambda difference: difference.was.grade if difference.was else 0)
            yield self.make_change(rule, group, kind, some, shown[worst.district])

    def to_show(self, rule: Rule, group: str, difference: Difference) -> tuple[str, int] | None:
        """Gives what a notice shows for a district: the base id of a message, and the index of one of its meanings.

        It takes the worst of the candidates. If some of them are preferred, only these count.

        | effect, news             | candidates                         | preferred                       |
        |--------------------------|------------------------------------|---------------------------------|
        | `end`                    | all that is gone, else all known   | not left out by the rule, and   |
        |                          |                                    | no worse than was told          |
        | `lower`                  | live, not left out by the rule     | told by the rule                |
        | `warn`                   | live, told by the rule             |                                 |
        | `lower`, `lesser_grade`  | live, not left out, of that grade  | told by the rule                |
        | `warn`, `lesser_grade`   | live, told, of that grade          |                                 |
        | `warn`, `moved_grade`    | live, told by the rule             | of that grade, the last to end  |

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
            if (lesser_grade := difference.lesser_grade) is not None:
                found = [one for one in found if grade(one[0]) == lesser_grade]
            found = [one for one in found if rule.tells(one[0])] or found
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
        self, rule: Rule, group: str, kind: NoticeKind, differences: list[Difference], shown: tuple[str, int]
    ) -> Change:
        """Joins differences of one kind to one change, which shows one meaning: `shown` as `to_show` gives it."""
        base_id, index = shown
        districts = tuple(difference.district for difference in differences)
        reasons = {difference.reason for difference in differences}
        # "announced" says that a warning goes on, so it is the reason only if it is that of all these districts.
        reason = min(reasons - {"announced"} or reasons, key=_ORDER.index)
        told_before = [difference.was for difference in differences if difference.reason == reason]
        was = functools.reduce(higher, told_before)
        cause, how = self.cause(kind, group, districts, base_id)
        by_snapshot = (how, self.snapshot) if how else ()
        meaning = self.facts[base_id].meanings[index]
        of_its_grade = [entry for one in differences for entry in one.now_told if entry.grade == grade(meaning)]
        if period := one_entry(of_its_grade):
            meaning = meaning.model_copy(update={"onset": period.onset, "expires": period.until})
        shown_in_id = () if kind == "ended" or shown == (cause, 0) else (base_id, str(index))
        if isinstance(rule, Rules):
            rule = rule.that_tell(meaning)
        cause_stood = any(ids.get(cause) for ids in self.before.values())
        came_late_to = districts if cause in self.new_of(group, districts) and cause_stood else ()
        entered = [one.district for one in differences if one.reason == "entered"]
        same_times = len({(entry.onset, entry.until) for entry in of_its_grade}) <= 1
        return Change(
            rule, kind, reason, cause, by_snapshot, meaning, districts, was, came_late_to, shown_in_id,
            rose_in=self.rose_in(group, cause, differences),
            stood_elsewhere=reason == "entered" and self.stood_elsewhere(meaning, entered),
            same_reason=len(reasons) == 1, same_before=same_times and all(one == was for one in told_before),
        )  # fmt: skip

    def rose_in(self, group: str, cause: str, differences: Iterable[Difference]) -> tuple[str, ...]:
        """Gives the districts where a message replaced what was told of a group, before the end that was told."""
        now = self.situation.now
        raised = [(one.district, one.was) for one in differences if one.reason == "raised" and one.was]
        replaced = self.all_replaced_by(cause) if raised else set[str]()
        found = []
        for district, was in raised:
            gone = self.gone_meanings(group, (district,))
            told = {fact.base_id for meaning, fact in gone if grade(meaning) == was.grade}
            if was.holds(now) and told & replaced:
                found.append(district)
        return tuple(found)

    def stood_elsewhere(self, meaning: Meaning, entered: Collection[str]) -> bool:
        """Says whether something of the group and grade of a meaning, or above, stood outside of some districts."""
        stood = self.stood(meaning.group, with_advance=meaning.advance)
        return any(top >= grade(meaning) for district, top in stood.items() if district not in entered)

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
            if came_now:
                return successor.base_id, ""
            # A successor that is not new here ends the message in one of two ways:
            # - A snapshot confirmed the successor. Then the message stands nowhere any more. A Cancel, and an update
            #   that does not warn here, end a message only in this way.
            # - The successor stood here before, or was over when it came: only this record showed what it replaces.
            #   Then the message ends only where the successor warns, and may still stand in other districts.
            # Only a message that still stands somewhere tells the two apart; else the second counts as the first.
            # Another source may list the message anew, and the same successor then ends it a second time. The snapshot
            # is in the id in both ways, so this second end has an id of its own.
            states = self.situation.districts.values()
            stands = any(one.fact.base_id in gone for state in states for one in state.standing)
            return successor.base_id, "replaced" if stands else "confirmed"
        without_successor = self.why_gone(group, districts)  # so "withdrawn" or "expired"
        return min(gone, default=shown), without_successor  # any of them, but always the same


def _end(meaning: Meaning) -> float:
    """Gives the end of a meaning in seconds since 1970; infinite if there is none."""
    return math.inf if meaning.expires is None else meaning.expires.timestamp()
