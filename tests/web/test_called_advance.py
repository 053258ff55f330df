"""An advance notice is called one in the report of a shift."""

from tests.support import meaning, outcome, snapshot, tick
from tests.web.sites import Desk
from tests.web.states import STATES


def announced() -> Desk:
    """A storm of level 3 is announced for the evening, and nothing holds."""
    return Desk().take(tick(0), outcome("A", meaning(urgency="Future", onset=600, expires=900)), snapshot(0, "A"))


def test_the_report_of_a_shift_calls_an_advance_notice_one() -> None:
    page = " ".join(announced().page("/lagebericht").split())
    assert 'Vorabinformation: <span class="badge level-3 advance">' in page
    assert "Advance notice: <span" in announced().page("/lagebericht?lang=en") or (
        "advance notice: <span" in announced().page("/lagebericht?lang=en")
    )


def test_a_warning_is_not_called_an_advance_notice() -> None:
    page = STATES["severe"]().page("/lagebericht")
    assert "Vorabinformation: <span" not in page
