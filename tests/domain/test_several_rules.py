"""Several rules of one audience and channel hold together: what one of them tells is told, and told once."""

import pytest

from tests.support import City, cancel, city_rules, distinct_ids, meaning, outcome, snapshot, tick
from warnsys.warning.policy import Policy, Rule

WARNINGS = Rule(audience="staff", channel="push", warnings="Moderate")
ADVANCE = Rule(audience="staff", channel="push", warnings="never", advance="Severe")
NOTICE = meaning("Severe", urgency="Future", onset=60)


def city(*rules: Rule) -> City:
    return City(city_rules(policy=Policy(rules=rules, defaults=False))).take(tick(0))


@pytest.mark.parametrize("rules", [(WARNINGS, ADVANCE), (ADVANCE, WARNINGS)], ids=["warnings first", "advance first"])
def test_a_rule_does_not_end_what_another_of_its_name_told(rules: tuple[Rule, Rule]) -> None:
    both = city(*rules).take(outcome("A", NOTICE), snapshot(0, "A"))
    both.take(tick(10), outcome("B", NOTICE, sent=10, stamp=10), snapshot(10, "A", "B"), tick(11))
    assert both.told("staff") == [("warn", "entered")]
    both.take(cancel("C", "A", 20), cancel("D", "B", 20), snapshot(20, "C", "D"))
    assert both.told("staff") == [("warn", "entered"), ("ended", "cancelled")]


def test_rules_of_different_minimums_tell_no_pair_of_shorter_and_longer() -> None:
    severe = Rule(audience="public", channel="push", warnings="Severe")
    moderate = Rule(audience="public", channel="push", warnings="Moderate", except_groups=("FROST",))
    both = city(severe, moderate)
    both.take(outcome("A", meaning("Severe", expires=120), meaning("Moderate", expires=480)), snapshot(0, "A"))
    for n in (10, 11, 12):
        both.take(tick(n), outcome(f"B{n}", meaning("Moderate", expires=300), sent=n, stamp=n))
    assert both.told() == [("warn", "entered")]


def test_where_a_rule_tells_less_from_now_on_nothing_that_holds_is_called_ended() -> None:
    changed = city(WARNINGS.model_copy(update={"advance": "Severe"})).take(outcome("A", NOTICE), snapshot(0, "A"))
    changed.restart(city_rules(policy=Policy(rules=(WARNINGS,), defaults=False)))
    changed.take(tick(10), outcome("B", NOTICE, sent=10, stamp=10), snapshot(10, "A", "B"))
    assert changed.told("staff") == [("warn", "entered")]
    changed.take(cancel("C", "A", 20), cancel("D", "B", 20), snapshot(20, "C", "D"))
    assert changed.told("staff") == [("warn", "entered"), ("ended", "cancelled")]


@pytest.mark.parametrize(("severity", "languages"), [("Severe", [None]), ("Extreme", [None, "en"])])
def test_an_sms_comes_in_the_languages_of_all_rules_that_tell_it(severity: str, languages: list[str | None]) -> None:
    german = Rule(audience="public", channel="sms", warnings="Severe")
    english = Rule(audience="public", channel="sms", warnings="Extreme", languages=("en", "de"))
    told = city(german, english).take(outcome("A", meaning(severity, urgency="Expected")), snapshot(0, "A")).sms()
    assert [one.language for one in told] == languages
    assert distinct_ids(told)


def test_where_a_rule_tells_less_from_now_on_a_lesser_one_that_is_over_ends_nothing_that_holds() -> None:
    changed = city(WARNINGS.model_copy(update={"advance": "Severe", "warnings": "Minor"}))
    changed.take(outcome("A", NOTICE), outcome("M", meaning("Minor", expires=20)), snapshot(0, "A", "M"))
    changed.restart(city_rules(policy=Policy(rules=(WARNINGS,), defaults=False)))
    before = len(changed.told("staff"))
    changed.take(tick(21), snapshot(22, "A"), tick(23))
    assert changed.told("staff")[before:] == []
