"""The terminal's live view, at 80 columns and wider: all that holds stands there, and an advance notice as one."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from tests.support import NOON, City, city_rules, meaning, outcome, snapshot, tick
from warnsys import registry
from warnsys.channels import push
from warnsys.records import PushNotice, SteleRecord
from warnsys.replay.read import of_scenario
from warnsys.replay.run import Arrival, DecidedMessage, Replay, ReplayEvent, script, settings_of
from warnsys.simulation.scenario import load
from warnsys.view import LEAST_SENT, LiveView


class Letter(PushNotice):
    """Of a channel with a long name."""


Picture = tuple[datetime, str, dict[str, SteleRecord]]


def pictures(story: str, width: int, height: int) -> list[Picture]:
    """The view every five minutes of a story, with what the steles showed then."""
    scenario = load(story)
    material = of_scenario(scenario)
    settings = settings_of(None, material.sources)
    view = LiveView(scenario.title, ("ÜBUNG",), settings.cities[0].timezone)
    view.address, view.keys = "http://127.0.0.1:8080", "r: von vorn · q oder Strg-C: Ende"
    steles: dict[str, SteleRecord] = {}

    def hear(event: ReplayEvent) -> None:
        if isinstance(event, DecidedMessage):
            view.heard(event.decision.outcome)
        elif not isinstance(event, Arrival):
            view.heard(event)
            if isinstance(event, SteleRecord):
                steles[event.district] = event

    player, found, due = Replay(settings, hear), list[Picture](), scenario.start
    for step in script(material, settings.stage, settings.zones):
        at = step.at if isinstance(step, Arrival) else step
        if at > due and steles:
            view.now = at
            console = Console(width=width, height=height, force_terminal=False)
            with console.capture() as captured:
                console.print(view)
            found.append((at, captured.get(), dict(steles)))
            due = at + timedelta(minutes=5)
        player.take(step)
    return found


def drawn(city: City, width: int, height: int) -> str:
    view = LiveView("Sturm", ("ÜBUNG",), ZoneInfo("Europe/Berlin"))
    view.now = NOON
    for notice in city.notices:
        view.heard(notice)
    console = Console(width=width, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def row_of(picture: str, record: SteleRecord) -> str:
    """The line in which a district's row begins; a long name is cut or goes on below."""
    start = record.district_name.split()[0].rstrip(",")
    return next(line for line in picture.splitlines() if line.lstrip(" │").startswith(start))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 40), (150, 40), (150, 24), (200, 60)])
def test_the_view_fits_the_terminal_and_leaves_room_for_notices(width: int, height: int) -> None:
    for at, picture, _ in pictures("storm", width, height):
        lines = picture.splitlines()
        assert len(lines) <= height, at
        assert max(map(len, lines)) <= width
        assert "Mitteilungen, neueste zuerst" in picture
        below = next(number for number, line in enumerate(lines) if "Mitteilungen" in line)
        assert sum(line.startswith("│") for line in lines[below:]) >= LEAST_SENT
        assert "r: von vorn" in lines[-1]


def test_hundreds_of_messages_at_once_leave_room_for_what_holds() -> None:
    view = LiveView("Sturm", ("ÜBUNG",), ZoneInfo("Europe/Berlin"))
    view.chapter = ", ".join(f"message-{number} kommt" for number in range(500))
    console = Console(width=80, height=24, force_terminal=False)
    with console.capture() as captured:
        console.print(view)
    assert len(captured.get().splitlines()) <= 24


@pytest.mark.parametrize("story", ["storm", "snow"])
def test_at_80_columns_each_district_says_level_time_and_age_of_the_data(story: str) -> None:
    for at, picture, steles in pictures(story, 80, 24):
        for record in steles.values():
            row = row_of(picture, record)
            if record.as_of:
                assert f"{record.as_of.astimezone(at.tzinfo):%M}" in row
            if record.status == "warned":
                first = record.items[0]
                assert f"Stufe {first.level}" in row, picture
                assert ("Vorabinfo" in row) == (first.phase == "advance"), picture
                assert "bis " in row or "ab " in row, picture
                if len(record.items) > 1 and "+" in row:
                    assert f"+{len(record.items) - 1 + record.more} " in row


@pytest.mark.parametrize(("width", "height"), [(80, 24), (150, 40)])
def test_an_advance_notice_is_called_one_at_every_width(width: int, height: int) -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", urgency="Future", onset=120)), snapshot(0, "A"))
    assert "Vorabinfo" in row_of(drawn(city, width, height), city.stele())


@pytest.mark.parametrize("width", [80, 150])
@pytest.mark.parametrize(("height", "districts"), [(40, 1), (24, 5)])
def test_a_level_above_that_of_what_stands_first_is_said_at_every_size(width: int, height: int, districts: int) -> None:
    places = [f"d{number + 1}" for number in range(districts)]
    heat = outcome("H", meaning("Extreme", group="HEAT", ii="248", districts=places))
    storm = outcome("S", meaning("Severe", group="THUNDERSTORM", ii="42", districts=places))
    city = City(city_rules(districts)).take(tick(0), heat, storm, snapshot(0, "H", "S"))
    assert [item.level for item in city.stele().items] == [3, 4], "heat takes no whole screen, so the storm is first"
    picture = drawn(city, width, height)
    assert "Stufe 3 von 4" in row_of(picture, city.stele())
    above, _, _ = picture.partition("Mitteilungen")
    assert above.count("Stufe 4") == districts, picture


def test_a_higher_level_among_those_that_do_not_fit_is_said() -> None:
    storms = [outcome(f"S{number}", meaning("Severe", group=f"G{number}", ii="42")) for number in range(3)]
    heat = outcome("H", meaning("Extreme", group="HEAT", ii="248"))
    city = City(city_rules(1)).take(tick(0), *storms, heat, snapshot(0, "S0", "S1", "S2", "H"))
    assert [item.level for item in city.stele().items] == [3, 3, 3, 4]
    assert "… und 1 weitere, bis Stufe 4" in drawn(city, 150, 40)


def test_whom_notices_go_to_stands_in_one_column_however_long_a_channels_name_is() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    with registry.CHANNELS.beside(
        replace(push.CHANNEL, name="letter", record=Letter, called={"de": "Brief der Stadt"})
    ):
        view = LiveView("Sturm", ("ÜBUNG",), ZoneInfo("Europe/Berlin"))
        for notice in (*city.notices, *(Letter.model_validate(one.model_dump()) for one in city.push("staff"))):
            view.heard(notice)
        console = Console(width=150, height=40, force_terminal=False)
        with console.capture() as captured:
            console.print(view)
    picture = captured.get()
    below = picture[picture.index("Mitteilungen") :].splitlines()
    starts = {line.index(who) for line in below for who in ("öffentlich", "Stab") if who in line}
    assert "Brief der Stadt Stab" in picture
    assert len(starts) == 1, picture
