"""What may take over a screen, and which channel tells whom."""

import pytest

from tests.support import NOON, meaning
from warnsys.warning.policy import Minimum, Policy


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
    assert policy.only(("push", "sms")) is policy
    assert {rule.channel for rule in policy.only(("sms",)).rules} == {"sms"}
    assert policy.only(("sms",)).rules == tuple(rule for rule in policy.rules if rule.channel == "sms")
