"""What a change says that was not told before: not the whole text again, but how it differs.

It compares the log entry of what the channel was told (`Change.was`) with what holds now. Where one of the two was an
advance notice, that it became a warning (or the other way round) says more than the difference of the levels.
"""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.words import Value, say
from warnsys.records import Localised
from warnsys.warning.notify import Change
from warnsys.warning.situation import Situation, grade

WATER = ("RAIN", "THAW", "THUNDERSTORM")
"""Groups after which water may still rise."""


class News(NamedTuple):
    text: Localised
    brief: Localised
    """The same where there is little room."""
    says_end: bool = False
    """Whether the new end stands in both, so that the period need not be told again."""


def news(change: Change, situation: Situation, zone: ZoneInfo) -> News | None:
    """What is new to those who were told before; None where a warning is simply new. For an end see `why_ended`.

    Where districts were told different things before, only what is true is said: without amounts, and with "in part"
    where it is not true of all.
    """
    found = _of_one_district(change, situation, zone)
    partly = not change.same_reason or 0 < len(change.rose_in) < len(change.districts)
    if found is None or (change.same_before and not partly):
        return found
    brief = say("change-partly", news=found.brief) if partly else found.brief
    return News(brief, brief, says_end=found.says_end and change.same_reason)


def _of_one_district(change: Change, situation: Situation, zone: ZoneInfo) -> News | None:
    match change.reason:
        case "entered" if change.kind == "warn" or not change.stood_elsewhere:
            return None
        case "extended" | "shortened":
            return _end_moved(change, zone)
        case "announced":
            return _both("announced")
        case "now a warning" if _goes_on_announced(change, situation):
            return _both("beside-advance")
        case "begins earlier" | "begins later" if change.was:
            by = wording.duration(change.meaning.onset - change.was.onset)
            return _both(_key(change.reason), by=by)
        case "raised" | "lowered" | "now a warning" if change.was:
            return _graded(change)
    brief = say(f"brief-{_key(change.reason)}")
    return News(brief, brief)


def why_ended(change: Change) -> Localised:
    """`ended-…` of the catalogues."""
    dwd = change.reason == "withdrawn" and wording.is_dwd(change.meaning)
    return say(f"ended-{_key(change.reason)}{'-dwd' if dwd else ''}")


def ended(change: Change) -> Localised:
    """That what was told, a warning or an advance notice, has ended; a weather warning by the name that it had."""
    if change.advance:
        return say("ended-advance")
    told = change.was.level if change.was else level(change.meaning.severity)
    return say("ended-other" if wording.is_other(change.meaning) else f"ended-{told}")


def aftermath(change: Change, now: datetime) -> Localised:
    """That dangers may remain after the end; {} where nothing had begun: neither an advance notice has, nor a warning
    for later. Where districts were told different things, something may have begun in one of them."""
    told = change.meaning.onset if change.was is None else change.was.onset
    if change.same_before and (change.advance or min(change.meaning.onset, told) > now):
        return {}
    return say("aftermath-water" if change.meaning.group in WATER else "aftermath")


def _goes_on_announced(change: Change, situation: Situation) -> bool:
    """Says whether the advance notice that was told goes on, and the warning is a lesser one beside it."""
    now = change.meaning
    return all(
        any(one.advance and one.group == now.group and grade(one) > grade(now) for one in situation.in_force(district))
        for district in change.districts
    )


def _graded(change: Change) -> News:
    now, was = level(change.meaning.severity), change.was
    assert was is not None  # noqa: S101 - the caller looked
    if was.advance and not change.meaning.advance:
        key = "now-a-warning" if was.level == now else "now-a-warning-of"
        values: dict[str, Value] = {} if was.level == now else {"was": was.level, "now": now}
        return News(say(f"change-{key}", **values), say("brief-now-a-warning"))
    if change.meaning.advance and not was.advance:
        return _both("now-advance", was=was.level, now=now)
    if was.level == now:
        brief = say(f"brief-{_key(change.reason)}")
        return News(brief, brief)
    if now < was.level:
        return _both("lowered", was=was.level, now=now)
    # Beside or after what was told, something worse is new: nothing that was told has become worse.
    return _both("raised", was=was.level, now=now) if change.rose_in else News(say("brief-new"), say("brief-new"))


def _end_moved(change: Change, zone: ZoneInfo) -> News:
    expires = change.meaning.expires
    if expires is None:
        return News(say("change-extended-open"), say("change-extended-open"), says_end=True)
    key, end = _key(change.reason), wording.moments(expires, zone)
    brief = say(f"brief-{key}", end=end)
    if change.was is None or change.was.until is None:
        return News(brief, brief, says_end=True)
    text = say(f"change-{key}", by=wording.duration(expires - change.was.until), end=end)
    begins_after_a_gap = change.meaning.onset > change.was.until  # its begin is news, too
    return News(text, brief, says_end=not begins_after_a_gap)


def _both(key: str, **values: Value) -> News:
    return News(say(f"change-{key}", **values), say(f"brief-{key}"))


def _key(reason: str) -> str:
    """A reason as it stands in the keys of messages."""
    return reason.replace(" ", "-")
