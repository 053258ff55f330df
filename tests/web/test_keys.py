"""The keys that the help names are those that the pages have, and the legend says what the desk draws."""

import re

import pytest

from tests.web.sites import LOGIN, Desk
from tests.web.states import town_in
from warnsys.web.site import FOLDER

SCRIPT = (FOLDER / "static" / "keys.js").read_text("utf-8")
IN_SCRIPT = {"j", "k", "g"}
"""What no single element has."""


def named(text: str) -> set[str]:
    return {key for found in re.findall(r'aria-keyshortcuts="([^"]+)"', text) for key in found.split()}


def helped() -> set[str]:
    return set(re.findall(r"<kbd>([^<]+)</kbd>", Desk().page("/hilfe"))) - {"Esc"}


def test_the_help_names_every_key_of_the_desk_and_no_other() -> None:
    town = town_in("extreme")
    assert named(town.page("/")) | IN_SCRIPT == helped()
    assert all(f'"{key}"' in SCRIPT or f"{key}:" in SCRIPT for key in IN_SCRIPT)


@pytest.mark.parametrize(
    "path", ["/meldungen", "/lagebericht", "/alert/2.49.0.0.276.0.DWD.PVW.extreme", "/hilfe", "/bezirk/solingen-2"]
)
def test_a_key_means_the_same_on_every_page(path: str) -> None:
    town = town_in("extreme")
    assert named(town.page(path)) <= helped()
    assert "/static/keys.js" in town.page(path)


@pytest.mark.parametrize("path", ["/", "/meldungen", "/lagebericht", "/hilfe", "/stop/push", "/bezirk/solingen-2"])
def test_a_key_stands_once_on_a_page_of_one_city_and_does_nothing_but_lead(path: str) -> None:
    text = town_in("extreme").page(path)
    found = re.findall(r'<(\w+)[^>]* aria-keyshortcuts="([^"]+)"', text)
    assert len({keys for _, keys in found}) == len(found)
    assert not [keys for tag, keys in found if tag == "button" and keys != "s"]


def test_the_help_is_a_page_in_both_languages_for_operators() -> None:
    assert "Tasten und Zeichen" in Desk().page("/hilfe")
    assert "Keys and marks" in Desk().page("/hilfe?lang=en")
    assert Desk().operators.get("/hilfe").status_code == 401
    assert Desk().operators.get("/hilfe", auth=LOGIN).text.count('id="help-page"') == 1


def test_the_desk_has_a_legend_of_its_colours() -> None:
    text = Desk().page("/")
    legend = text[text.index('class="legend"') :].partition("</p>")[0]
    for mark in ("level-1", "level-2", "level-3", "level-4", "badge advance", "badge no_data"):
        assert mark in legend
    assert "Stufen 1 bis 4" in legend
    assert "Vorabinformation" in legend
