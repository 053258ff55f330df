"""Texts within their budget, and which way they run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnsys.warning.text import CUT, direction, shorten


@pytest.mark.parametrize(
    ("language", "runs"),
    [("ar", "rtl"), ("AR-SY", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"), ("de-DE", "ltr"), ("tr", "ltr"), ("", "ltr")],
)
def test_a_text_runs_as_the_script_of_its_language_does_whatever_its_region_or_case(language: str, runs: str) -> None:
    assert direction(language) == runs


def test_a_text_that_just_fits_is_whole() -> None:
    assert shorten("x" * 50, 50) == "x" * 50


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("eins zwei drei vier fünf", 20, f"eins zwei drei{CUT}"),  # at the last blank that leaves room for the mark
        ("einsz weidreivierfünfsechs", 20, f"einsz weidreivie{CUT}"),  # in a word where a blank would cost over half
        ("x" * 30, 20, f"{'x' * 16}{CUT}"),
        ("eins  zwei  drei vierfünf", 17, f"eins  zwei{CUT}"),  # no blank before the mark
        ("x" * 50 + " " + "y" * 200, 100, f"{'x' * 50} {'y' * 45}{CUT}"),  # of long ones at most 40 characters are lost
        ("x" * 60 + " " + "y" * 200, 100, f"{'x' * 60}{CUT}"),
    ],
)
def test_a_longer_one_is_cut_at_a_word_and_the_cut_is_marked(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@given(text=st.text(max_size=300), limit=st.integers(12, 200))
def test_no_text_is_longer_than_its_budget(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
