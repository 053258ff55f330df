"""One chain is one event to people, whatever it is called. A message whose event group follows from its wording is told
under the group of the message that it replaces.

A message whose event text changes from "Gewitter orange" to "Gewitter gelb" would else end one event and begin another.
Where a code says that the kind changed (heat becomes storm) the new one is an event of its own, told as any.
"""

from collections.abc import Iterable, Sequence

from warnsys.cap.model import level
from warnsys.records import Meaning
from warnsys.warning.revisions import Fact, replaces

SAYS_NO_KIND = frozenset(
    "AMTLICHE WARNUNG WETTERWARNUNG UNWETTERWARNUNG STUFE GRÜN GELB ORANGE VIOLETT WARNING WATCH ADVISORY ALERT LEVEL "
    "GREEN YELLOW AMBER PURPLE VIGILANCE ALERTE VERTE JAUNE ROUGE VIOLETTE".split()
)
"""Words in names of events of many kinds: how bad it is, and that it is a warning."""
SAME_BEGIN = 5
"""Words count as alike if their first letters agree, up to so many: "Sturmlage" is taken for "Sturm"."""


def put_groups_in(facts: dict[str, Fact], learned: Iterable[str]) -> None:
    """Changes `facts`: what was learned, and what follows it in its chain, gets the groups of what it replaces."""
    some = [base_id for base_id in learned if base_id in facts and _has_kinds(facts[base_id])]
    if not some:
        return
    all_replaced = replaces(facts)
    followers: dict[str, list[str]] = {}
    for base_id, others in all_replaced.items():
        for other in others:
            followers.setdefault(other, []).append(base_id)
    while some:
        base_id = some.pop()
        fact = facts[base_id]
        before = [facts[i] for i in all_replaced[base_id] if i in facts and facts[i].kinds and _earlier(facts[i], fact)]
        facts[base_id] = called = _called(fact, max(before, key=_order) if before else None)
        if called.kinds != fact.kinds or base_id in learned:
            some += [i for i in followers.get(base_id, ()) if _earlier(fact, facts[i])]


def _order(fact: Fact) -> tuple[object, ...]:
    return fact.sent, fact.base_id


def _earlier(one: Fact, other: Fact) -> bool:
    return (one.sent, one.base_id) < (other.sent, other.base_id)


def _has_kinds(fact: Fact) -> bool:
    return bool(fact.kinds) or any(meaning.worded is not None for meaning in fact.meanings)


def _called(fact: Fact, before: Fact | None) -> Fact:
    """Gives a message with its groups set anew, after `before`, the newest of the messages that it replaces."""
    own = dict.fromkeys(one.own or one.group for one in sorted(fact.meanings, key=_badness, reverse=True))
    coded = {one.own or one.group for one in fact.meanings if one.worded is False}
    kept = fact.kinds or {}
    kinds = {group: kept.get(group, group) for group in own} or dict(kept)
    codes = set(fact.codes or ()) | {kinds[group] for group in coded if kinds[group] == group}
    if before and before.kinds and own:
        kinds = _following(list(own), coded, before)
        codes = {told for group, told in kinds.items() if (group in coded and told == group) or told in _codes(before)}
    meanings = tuple(_named(one, kinds.get(one.own or one.group, one.group)) for one in fact.meanings)
    changed = {"kinds": kinds, "codes": tuple(sorted(codes)) or None, "meanings": meanings}
    return (
        fact
        if all(getattr(fact, name) == value for name, value in changed.items())
        else fact.model_copy(update=changed)
    )


def _codes(fact: Fact) -> Sequence[str]:
    return fact.codes or ()


def _following(own: Sequence[str], coded: set[str], before: Fact) -> dict[str, str]:
    """Gives, by group of the message, the group that is told: its own, or that of the event which it continues.

    An event continues that event of the earlier message whose name is most like its own. If several are equally like
    one earlier event, the worst of them continues it. If both messages have a single event, that is one whatever it is
    called. Codes that differ are two events.
    """
    name_of = {told: name for name, told in reversed((before.kinds or {}).items())}  # the worst comes last, and stays
    single = len(own) == len(name_of) == 1
    words_alike = {
        (group, told): _words_alike(group, name_of[told])
        for group in own
        for told in name_of
        if group not in name_of and told not in own and not (group in coded and told in _codes(before))
    }
    found = {group: group for group in own}
    for (group, told), count in words_alike.items():
        of_the_event = [n for (_, other), n in words_alike.items() if other == told]
        of_other_events = [n for (one, other), n in words_alike.items() if one == group and other != told]
        is_best = count == max(of_the_event) and count > max(of_other_events, default=0)
        if single or (is_best and told not in found.values()):
            found[group] = told
    return found


def _words_alike(one: str, other: str) -> int:
    """Counts the words of a name that have their like in another: the same, or one with the same beginning."""
    others = {word[:SAME_BEGIN] for word in _telling(other)}
    return sum(word[:SAME_BEGIN] in others for word in _telling(one))


def _telling(name: str) -> list[str]:
    """Gives the words that say what kind of event it is: "Sturm-Warnung" is called as "Sturmwarnung"."""
    return [word for word in name.upper().replace("-", "").split() if len(word) > 3 and word not in SAYS_NO_KIND]


def _named(meaning: Meaning, group: str) -> Meaning:
    own = meaning.own or meaning.group
    if meaning.worded is None or meaning.group == group:
        return meaning
    return meaning.model_copy(update={"group": group, "own": None if group == own else own})


def _badness(meaning: Meaning) -> tuple[object, ...]:
    return level(meaning.severity), not meaning.advance, meaning.own or meaning.group
