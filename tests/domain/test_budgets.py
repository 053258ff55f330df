"""Whatever a message says or a city holds: it is settled within two seconds, and people get a handful of notices.

The budget is of an ordinary core's processor time (benchmarks/yardstick.py, docs/adr/0013).
"""

from collections.abc import Iterable

import pytest

from benchmarks.yardstick import timed
from tests.domain.messages import Message, Warned, outcome_of, rules
from tests.support import City, at, cancel, city_rules, distinct_ids, meaning, outcome, snapshot, tick
from warnsys.channels.sms import MAX_CHARS, gsm7_length
from warnsys.channels.still import MOST_NAMED
from warnsys.records import ImpactRecord, Outcome, PushNotice, SmsNotice
from warnsys.warning.matching import MOST_MEANINGS
from warnsys.warning.notify import MOST_CHANGES

BUDGET_S = 2.0
MANY, MANY_GROUPS = 2_000, 1_000


def take(city: City, *records: ImpactRecord) -> float:
    """The seconds of the slowest."""
    slowest = 0.0
    for record in records:
        with timed() as took:
            city.take(record)
        slowest = max(slowest, took.seconds)
    return slowest


def groups(count: int, severity: str = "Severe") -> Outcome:
    return outcome("A", *(meaning(severity, group=f"G{n}", ii="52") for n in range(count)))


def at_most_some_of_a_kind(city: City, most: int = MOST_CHANGES) -> bool:
    kinds: dict[tuple[str, str, str], int] = {}
    for one in city.notices:
        if isinstance(one, PushNotice | SmsNotice):
            key = type(one).__name__, one.audience, one.kind
            kinds[key] = kinds.get(key, 0) + 1
    return max(kinds.values()) <= most


@pytest.mark.parametrize("count", [MOST_MEANINGS, MANY_GROUPS])
def test_one_message_of_many_groups_is_settled_in_time_and_told_in_a_few_notices(count: int) -> None:
    city = City().take(tick(0))
    assert take(city, groups(count)) < BUDGET_S
    assert at_most_some_of_a_kind(city)
    last = city.push()[-1]
    assert last.more == count - MOST_CHANGES
    assert last.title["de"].replace(".", "").endswith(f" und {count - MOST_CHANGES} weitere")
    assert f" und {count - MOST_CHANGES} weitere " in city.sms()[-1].text.replace(".", "")
    assert gsm7_length(city.sms()[-1].text) <= MAX_CHARS
    assert all(one.more is None for one in city.push()[:-1])


def test_of_many_changes_the_worst_are_told_one_by_one() -> None:
    some = [meaning("Moderate", group=f"G{n}") for n in range(2 * MOST_CHANGES)]
    city = City().take(tick(0), outcome("A", *some, meaning("Extreme", group="Z"), meaning("Severe", group="Y")))
    assert [one.level for one in city.push()][:3] == [4, 3, 2]
    assert city.push()[-1].more == MOST_CHANGES + 2


def test_what_was_not_told_one_by_one_is_told_when_it_gets_worse_and_not_before() -> None:
    city = City().take(tick(0), groups(MOST_CHANGES + 5), snapshot(0, "A"))
    city.take(outcome("B", meaning(group=f"G{MOST_CHANGES + 2}"), sent=1, stamp=10), snapshot(10, "A", "B"))
    assert len(city.push()) == MOST_CHANGES
    city.take(outcome("C", meaning("Extreme", group=f"G{MOST_CHANGES + 3}"), sent=2, stamp=20))
    assert [(one.kind, one.reason, one.more) for one in city.push()[MOST_CHANGES:]] == [("update", "raised", None)]


def test_many_groups_that_end_with_one_record_are_told_in_a_few_notices() -> None:
    city = City().take(tick(0), groups(MANY_GROUPS), snapshot(0, "A"))
    before = len(city.push())
    assert take(city, cancel("B", "A", 10), snapshot(10, "B")) < BUDGET_S
    ended = city.push()[before:]
    assert {one.kind for one in ended} == {"ended"}
    assert len(ended) == MOST_CHANGES
    assert ended[-1].more == MANY_GROUPS - MOST_CHANGES
    assert city.status() == "clear"


def test_ends_beside_many_other_warnings_say_in_time_what_goes_on() -> None:
    names = [f"d{n + 1}" for n in range(40)]
    city = City(city_rules(40)).take(tick(0))
    for key, group in (("A", "G"), ("B", "H")):
        city.take(outcome(key, *(meaning(group=f"{group}{n}", districts=names, expires=240 + n) for n in range(40))))
    city.take(snapshot(0, "A", "B"), tick(10))
    assert take(city, cancel("C", "A", 10), snapshot(10, "C", "B")) < BUDGET_S
    assert city.push()[-1].kind == "ended"
    assert city.push()[-1].body["de"].count(" bis ") == MOST_NAMED


def test_a_few_notices_say_nothing_of_more() -> None:
    city = City().take(tick(0), outcome("A", meaning(group="RAIN"), meaning(group="WIND", ii="52")))
    assert [one.more for one in (*city.push(), *city.sms())] == [None] * 4
    assert all(b'"more"' not in one.to_bytes() for one in city.push())


def one_by_one(count: int, *, group: str = "RAIN") -> Iterable[Outcome]:
    return (outcome(f"A{n}", meaning(group=group.format(n), expires=240 + n)) for n in range(count))


@pytest.mark.parametrize("group", ["RAIN", "G{}"])
@pytest.mark.parametrize("districts", [2, 60])
def test_a_city_with_thousands_of_warnings_is_looked_at_in_time(group: str, districts: int) -> None:
    names = [f"d{n + 1}" for n in range(districts)]
    count = (MANY if group == "RAIN" else MANY_GROUPS) // (1 if districts == 2 else 20)
    burst = [outcome(f"A{n}", meaning(group=group.format(n), districts=names)) for n in range(count)]
    city = City(city_rules(districts)).take(tick(0), *burst)
    listed = snapshot(0, *(one.base_id for one in burst))
    last = outcome("Z", meaning("Extreme", districts=names, group="Z"), sent=1, stamp=10)
    dropped = [snapshot(minute, "Z") for minute in (20, 40, 60)]
    assert take(city, listed, tick(1), last, *dropped) < BUDGET_S
    assert city.standing() == ["Z"]
    assert [one.level for one in city.push() if one.group == "Z"] == [4]


@pytest.mark.parametrize("step", [0.01, 0.0, -0.01], ids=["on", "same", "back"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("circle", [False, True])
def test_a_long_chain_of_references_is_looked_at_in_time(step: float, backwards: bool, circle: bool) -> None:
    names = [f"A{n:04}" for n in range(MANY)]
    if backwards:
        names.reverse()
    chain = [
        outcome(name, meaning(), supersedes=[names[n - 1]] if n or circle else [], sent=50 + n * step)
        for n, name in enumerate(names)
    ]
    city = City()
    for one in chain:  # before the first tick nothing is looked at
        city.take(one)
    assert take(city, tick(1), snapshot(10, names[-1]), cancel("Z", names[-1], 20), snapshot(20, "Z")) < BUDGET_S


def test_one_message_with_thousands_of_predecessors_is_looked_at_in_time() -> None:
    city = City()
    city.take(*one_by_one(MANY))
    last = outcome("Z", meaning(), supersedes=[f"A{n}" for n in range(MANY)], sent=1, stamp=10)
    assert take(city, tick(1), last, snapshot(10, "Z")) < BUDGET_S
    assert city.standing() == ["Z"]


def test_thousands_of_messages_that_each_replace_one_are_looked_at_in_time() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(*(outcome(f"B{n}", meaning(), supersedes=["A"], sent=1, stamp=10) for n in range(MANY)))
    assert take(city, snapshot(10, *(f"B{n}" for n in range(MANY))), tick(11)) < BUDGET_S
    assert len(city.standing()) == MANY


def test_thousands_of_meanings_of_one_group_are_settled_in_time() -> None:
    same = [meaning(expires=240 + n) for n in range(MANY)]
    city = City().take(tick(0))
    assert take(city, outcome("A", *same), snapshot(0, "A"), cancel("B", "A", 10), snapshot(10, "B")) < BUDGET_S
    assert [one.kind for one in city.push()] == ["warn", "ended"]


# -- what is read of one message ------------------------------------------------------------------------------------


def of_many(*more: Warned, count: int = MOST_MEANINGS) -> Outcome:
    """A message through the real reader and matcher, the worst last."""
    many = (Warned("Moderate", ("d1",), 60 + n, group=f"G{n}", ii="52") for n in range(count))
    return outcome_of(Message("A", 0, (*many, *more)), 0)


def test_of_a_message_that_warns_of_too_much_the_worst_is_kept_and_said() -> None:
    more = Warned("Extreme", ("d1",), group="Z", ii="52"), Warned("Severe", ("d1",), group="Y", ii="52")
    one = of_many(*more)
    assert len(one.meanings) == MOST_MEANINGS
    assert (one.left_out, one.findings[0]) == (2, "infos-left-out")
    assert {"Extreme", "Severe"} <= {said.severity for said in one.meanings}
    assert "G0" not in {said.group for said in one.meanings}  # it ends first
    city = City(rules()).take(tick(0), one)
    assert city.situation.flags == ("left out 2 of A",)
    assert city.push()[-1].more == MOST_MEANINGS + 2 - MOST_CHANGES


def test_a_district_keeps_the_worst_that_it_is_warned_of_however_much_is_worse_elsewhere() -> None:
    one = of_many(Warned("Minor", ("d2",), 30, group="Z", ii="52"), Warned("Minor", ("d2",), 20, group="Y", ii="52"))
    assert [said.group for said in one.meanings if said.impacts[0].district == "d2"] == ["Z"]
    assert City(rules()).take(tick(0), one).status("d2") == "warned"


def test_a_message_that_warns_of_as_much_as_is_kept_is_kept_whole() -> None:
    one = of_many()
    assert (len(one.meanings), one.left_out, one.findings) == (MOST_MEANINGS, None, ("group-new",))


@pytest.mark.parametrize("languages", [["de-DE"], [f"{a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghij"]])
def test_of_thousands_of_infos_those_of_other_languages_are_found_in_time(languages: list[str]) -> None:
    says = (Warned("Severe", ("d1",), 60, languages=tuple(languages)),) * (MANY // len(languages))
    with timed() as took:
        one = outcome_of(Message("A", 0, says), 0)
    assert took.seconds < BUDGET_S
    assert len(one.meanings) == min(len(says), MOST_MEANINGS)


# -- one danger in many districts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True], ids=["one message", "a message each"])
def test_where_one_record_warns_more_districts_than_it_may_have_notices_each_hears_of_the_worst(apart: bool) -> None:
    names = [f"d{n}" for n in range(1, MOST_CHANGES + 6)]
    each = [meaning("Extreme", districts=[name], expires=100 + n) for n, name in enumerate(names)]
    city = City(city_rules(len(names)))
    messages = [outcome(f"A{n}", one) for n, one in enumerate(each)] if apart else [outcome("A", *each)]
    city.take(*messages, snapshot(0, *(one.base_id for one in messages)), tick(0))
    for told in (city.push(), city.sms(), city.push("staff"), city.sms("staff")):
        assert {name for one in told for name in one.districts} == set(names)
        assert len(told) <= MOST_CHANGES
        assert max(one.expires for one in told if one.expires) == at(100 + len(names) - 1)
    assert distinct_ids(city.notices)


def test_as_many_districts_that_were_told_of_different_ends_hear_of_the_later_one() -> None:
    names = [f"d{n}" for n in range(1, MOST_CHANGES + 3)]
    some = [meaning(districts=[name], expires=100 + n) for n, name in enumerate(names)]
    city = City(city_rules(len(names))).take(tick(0), outcome("A", *some), snapshot(0, "A"))
    before = len(city.push())
    longer = [one.model_copy(update={"expires": at(300)}) for one in some]
    city.take(tick(10), outcome("B", *longer, supersedes=["A"], sent=10, stamp=10), snapshot(10, "B"))
    assert [(one.reason, one.districts) for one in city.push()[before:]] == [("extended", tuple(sorted(names)))]
