"""What may take over a screen, and which channel tells whom."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import NOON, City, city_rules, meaning, outcome, tick
from warnsys.channels.registry import called, channel_of
from warnsys.cli.policy_table import policy_table
from warnsys.records import ChangeNotice
from warnsys.settings import Settings, SettingsError, parse
from warnsys.warning.policy import QUIET_GROUPS, Minimum, Policy, Rule, default_rules


@pytest.mark.parametrize(
    ("severity", "shown"), [("Minor", "tile"), ("Moderate", "banner"), ("Severe", "full"), ("Extreme", "full")]
)
def test_a_warning_takes_as_much_of_a_screen_as_its_level_deserves(severity: str, shown: str) -> None:
    assert Policy().presentation(meaning(severity), NOON) == shown


@pytest.mark.parametrize(
    ("banner", "full", "shown"),
    [
        ("never", "never", "tile"),
        ("never", "Severe", "full"),
        ("Minor", "never", "banner"),
        ("Severe", "Extreme", "banner"),
        ("Extreme", "Extreme", "tile"),
    ],
)
def test_a_city_may_ask_for_less(banner: Minimum, full: Minimum, shown: str) -> None:
    assert Policy(banner_from=banner, full_from=full).presentation(meaning("Severe"), NOON) == shown


@pytest.mark.parametrize("group", ["FROST", "FOG", "HEAT", "UV"])
def test_what_comes_slowly_never_takes_a_whole_screen(group: str) -> None:
    assert Policy().presentation(meaning("Extreme", group=group), NOON) == "banner"


@pytest.mark.parametrize(("onset", "shown"), [(60, "full"), (61, "tile")])
def test_a_warning_is_a_tile_until_its_onset_is_near(onset: float, shown: str) -> None:
    assert Policy().presentation(meaning("Severe", onset=onset), NOON) == shown


def test_an_advance_notice_is_a_tile_however_bad_and_near() -> None:
    assert Policy().presentation(meaning("Extreme", urgency="Future"), NOON) == "tile"


def test_the_rules_of_some_channels_are_the_same_rules() -> None:
    policy = Policy()
    assert policy.only(policy.channels) is policy
    assert {rule.channel for rule in policy.only(("sms",)).rules} == {"sms"}
    assert policy.only(("sms",)).rules == tuple(rule for rule in policy.rules if rule.channel == "sms")


# -- rules of the settings over the defaults ------------------------------------------------------------------------

PUBLIC_PUSH = {"audience": "public", "channel": "push", "warnings": "Severe"}


def settings_with(**policy: Any) -> Settings:
    return parse({"cities": [{"id": "x", "name": "X", "geofences": "x"}], "policy": policy})


def test_one_own_rule_leaves_all_others_as_they_are() -> None:
    policy = settings_with(rules=[PUBLIC_PUSH]).policy
    assert [rule.name for rule in policy.rules] == [rule.name for rule in default_rules()]
    assert policy.rules[0].warnings == "Severe"
    assert policy.rules[1:] == default_rules()[1:]


def test_an_own_rule_stands_in_place_of_the_default_with_all_that_it_says() -> None:
    own = {"audience": "public", "channel": "sms", "warnings": "Extreme"}
    (rule,) = (rule for rule in settings_with(rules=[own]).policy.rules if rule.name == "public sms")
    assert (rule.warnings, rule.advance, rule.except_groups) == ("Extreme", "never", ())


@pytest.mark.parametrize("policy", [{}, {"rules": []}, {"retell_after_min": 10}])
def test_without_own_rules_the_defaults_hold(policy: dict[str, Any]) -> None:
    assert settings_with(**policy).policy.rules == default_rules()


def test_without_the_defaults_only_own_rules_hold() -> None:
    policy = settings_with(rules=[PUBLIC_PUSH], defaults=False).policy
    assert [rule.name for rule in policy.rules] == ["public push"]


def test_settings_read_again_are_the_same() -> None:
    for policy in (
        settings_with(rules=[PUBLIC_PUSH]).policy,
        settings_with(rules=[PUBLIC_PUSH], defaults=False).policy,
    ):
        assert settings_with(**policy.model_dump()).policy == policy


def test_settings_under_which_nobody_would_hear_of_the_worst_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"nobody would be told.*Extreme and Immediate.*defaults = false"):
        settings_with(rules=[], defaults=False)


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: rule.name)
def test_whatever_a_rule_leaves_out_the_worst_is_told(rule: Any) -> None:
    least = {"audience": rule.audience, "channel": rule.channel, "warnings": "never", "except_groups": ["RAIN"]}
    policy = settings_with(rules=[least], defaults=False).policy
    city = City(city_rules(policy=policy)).take(tick(0), outcome("A", meaning("Extreme")))
    (told,) = (one for one in city.notices if isinstance(one, ChangeNotice))
    assert (channel_of(told), told.audience) == (rule.channel, rule.audience)


def test_several_own_rules_of_one_name_hold_together() -> None:
    rules = [{**PUBLIC_PUSH, "except_groups": ["RAIN"]}, {**PUBLIC_PUSH, "warnings": "Extreme"}]
    policy = settings_with(rules=rules, defaults=False).policy
    told = City(city_rules(policy=policy)).take(tick(0), outcome("A", meaning("Severe", group="WIND", ii="55")))
    assert len(told.push()) == 1
    assert not City(city_rules(policy=policy)).take(tick(0), outcome("A", meaning("Severe"))).push()


def test_the_table_says_where_each_rule_comes_from_and_how_to_have_it_as_before() -> None:
    lines = list(policy_table(settings_with(rules=[PUBLIC_PUSH]).policy))
    assert "  public push  warnings from Severe, no advance notices (settings)" in lines
    assert "  public sms   warnings from Severe, no advance notices, without FROST, FOG, HEAT, UV (default)" in lines
    assert "public sms, staff push, staff sms" in lines[-1]
    assert "defaults = false" in lines[-1]


@pytest.mark.parametrize("policy", [{}, {"rules": [PUBLIC_PUSH], "defaults": False}])
def test_the_table_says_nothing_of_a_change_where_there_is_none(policy: dict[str, Any]) -> None:
    assert not [line for line in policy_table(settings_with(**policy).policy) if "defaults = false" in line]


def test_the_table_says_which_audience_is_told_of_nothing() -> None:
    lines = list(policy_table(settings_with(rules=[PUBLIC_PUSH], defaults=False).policy))
    assert lines[-1] == "  staff: no channel tells them of anything; add a rule under [[policy.rules]]"


# -- the table of the documentation ---------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs/reference/policy.md"


def column_of(rule: Rule) -> tuple[str, ...]:
    """How the page tells a default rule: its name and what stands below it."""
    assert rule.except_groups in ((), QUIET_GROUPS), f"the table has no row that says this of {rule.name}"
    advance = "no" if rule.advance == "never" else f"from {rule.advance}"
    return (
        f"{rule.audience} {called(rule.channel, 'en')}".casefold(),
        rule.warnings,
        advance,
        "never" if rule.except_groups else "yes",
    )


def test_the_page_has_a_column_for_each_default_rule_of_the_channels() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")][:5]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert [row[0] for row in rows] == ["from level", "advance notices", "frost, fog, heat, UV"]
    columns = list(zip((name.casefold() for name in head), *rows, strict=True))[2:]
    assert columns == [column_of(rule) for rule in default_rules()], f"write the rules of the channels into {PAGE}"
