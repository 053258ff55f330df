"""An Extreme message beside a city that warns nobody in it is shown to operators, and to nobody else."""

import pytest

from tests.cap.oddities import CELL, message
from tests.support import snapshot
from tests.web.sites import Desk
from tests.web.states import EXTREME, Town
from warnsys.simulation.message import StoryMessage
from warnsys.web.alerts import neighbours

TITLE = "In der Nähe, hier niemand gewarnt"
APART = "805315000"
"""No cell of Solingen, and not of its Kreis."""


class Beside(Town):
    """Solingen, whose messages name one cell instead of Wuppertal's."""

    cell = b"805124000"

    def _written(self, message: StoryMessage) -> bytes:
        return super()._written(message).replace(b">805124000<", b">" + self.cell + b"<")


def town(cell: str = "", **changes: object) -> Town:
    message: StoryMessage = EXTREME.model_copy(update={"update": "", **changes})
    found = Beside()
    if cell:
        found.cell, message = cell.encode(), message.model_copy(update={"cells": ("805124000",)})
    found.tick(-4)
    return found.snap(0, message)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"cell": "905122001"}, True),
        ({"cell": "805122001"}, True),
        ({"cell": APART}, True),  # its outline lies over Solingen
        ({"cell": "905122001", "severity": "Severe"}, False),
        ({"cell": "905122001", "until": -1}, False),
        ({"cell": "905122001", "status": "Test"}, False),
        ({}, False),  # it warns the city
    ],
)
def test_an_extreme_message_that_touches_the_kreis_and_warns_nobody_here_is_shown(
    changes: dict[str, object], shown: bool
) -> None:
    found = town(**changes)  # type: ignore[arg-type]
    assert (TITLE in found.page("/")) == shown
    assert TITLE not in found.page("/stele/solingen-1")


def test_an_extreme_message_far_from_the_city_is_not_shown() -> None:
    assert TITLE not in town(cell=APART, outlines=()).page("/")


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ((">Actual<", ">Test<"), True),
        ((">Actual<", ">Exercise<"), True),
        (("<scope>Public<", "<scope>Private<"), True),
        ((">Actual<", ">Actual<"), False),
    ],
)
def test_only_a_real_message_ends_a_neighbours_warning(changed: tuple[str, str], shown: bool) -> None:
    desk, extreme = (
        Desk(),
        message().replace(b"Severe", b"Extreme").replace(b"</areaDesc>", b"</areaDesc>" + CELL.encode()),
    )
    references = b"</scope><references>s@example.org,A,2027-07-14T12:00:00+02:00</references>"
    update = extreme.replace(b">A<", b">T<").replace(b">Alert<", b">Cancel<").replace(b"</scope>", references)
    desk.put_alert("A", extreme)
    old, new = changed
    desk.put_alert("T", update.replace(old.encode(), new.encode()))
    desk.put("impacts", "", snapshot(0, "A", "T").to_bytes())
    found = neighbours(desk.board, desk.city.rules, {"805122000": "Solingen"}, "de")
    assert bool([one for one in found if one.level == 4]) == shown
