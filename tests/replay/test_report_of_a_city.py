"""The page of a replay about single warnings: what the lanes show, and what each notice is called."""

from typing import Any

from lxml import html

from tests.support import City, at, cancel, city_rules, meaning, outcome, snapshot, tick
from warnsys.records import ImpactRecord
from warnsys.replay.report import Report
from warnsys.warning.policy import Policy

HEADER = {
    "title": "Ein Tag", "warnsys": "0", "geofences": "0", "policy": "0", "sources": ["dwd"], "stage": "live",
    "cities": {"x": {"name": "Xstadt", "timezone": "Europe/Berlin", "districts": {"d1": "D1", "d2": "D2"}}},
    "from": at(0).isoformat(), "to": at(60).isoformat(),
}  # fmt: skip


def page_of(city: City) -> Any:
    report = Report(HEADER, city.rules.policy)
    for notice in city.notices:
        report(notice)
    return html.fromstring(report.html())


def text_of(found: Any) -> str:
    return " ".join(found.text_content().split())


def test_the_lane_of_a_district_shows_its_worst_and_that_of_the_steles_what_they_show() -> None:
    heat = outcome("H", meaning("Extreme", group="HEAT", ii="248"))
    storm = outcome("S", meaning("Severe", group="THUNDERSTORM", ii="42"))
    city = City().take(tick(0), heat, storm, snapshot(0, "H", "S"), tick(1))
    page = page_of(city)
    lanes = {one.get("class"): text_of(one.find("title")) for one in page.xpath("//svg//g[contains(@class, 'box')]")}
    assert lanes["box level-4"].endswith(": Extreme Unwetterwarnung, Stufe 4 von 4")
    assert lanes["box stele-full level-3"].endswith("Vollbild: schweres Gewitter, heftiger Starkregen (und 1 weitere)")
    assert "box level-3" not in lanes
    rows = [text_of(row) for row in page.xpath("//table//tr")]
    assert any(row.startswith("D1") and row.endswith("Extreme Unwetterwarnung, Stufe 4 von 4") for row in rows), rows


EVERYTHING = Policy.model_validate(
    {
        "rules": [{"audience": "public", "channel": "push", "warnings": "Moderate", "advance": "Severe"}],
        "defaults": False,
    }
)
LATER: dict[str, Any] = {"urgency": "Future", "onset": 300.0, "expires": 500.0}


def headings(city: City) -> list[tuple[str, str]]:
    """Of each notice: what the page calls it, and how its own title begins."""
    articles = page_of(city).xpath("//article[starts-with(@id, 'n')]")
    called = [text_of(one.find("h3")).partition(": ")[2].partition(", Stufe")[0] for one in articles]
    titles = [text_of(one.find("blockquote")).partition(":")[0].partition(",")[0] for one in articles]
    return list(zip(called, titles, strict=True))


def told_of_everything(*records: ImpactRecord) -> City:
    return City(city_rules(policy=EVERYTHING)).take(tick(0), *records)


def test_of_a_message_with_a_warning_and_an_advance_notice_each_is_called_what_it_is() -> None:
    both = outcome("A", meaning("Severe"), meaning("Severe", group="WIND", ii="54", **LATER))
    city = told_of_everything(both, snapshot(0, "A"), tick(1))
    assert headings(city) == [("Neue Warnung", "Unwetterwarnung"), ("Neue Vorabinformation", "Vorabinformation")]


def test_an_advance_notice_that_stays_when_its_warning_is_cancelled_is_called_one() -> None:
    notice, warning = outcome("A", meaning("Severe", **LATER)), outcome("W", meaning("Severe", expires=600))
    first = (notice, warning, snapshot(0, "A", "W"), tick(1))
    city = told_of_everything(*first, cancel("K", "W", stamp=6), snapshot(6, "A", "K"), tick(7))
    assert headings(city) == [
        ("Neue Vorabinformation", "Vorabinformation"),
        ("Änderung", "Unwetterwarnung"),
        ("Herabgestuft: Vorabinformation", "Vorabinformation"),
    ]


def test_the_end_of_an_advance_notice_is_called_one_and_that_of_a_warning_is_not() -> None:
    for told, called in (LATER, "Vorabinformation beendet"), ({}, "Beendet"):
        city = told_of_everything(outcome("A", meaning("Severe", **told)), snapshot(0, "A"), tick(1))
        city.take(cancel("K", "A", stamp=6), snapshot(6, "K"), tick(7))
        assert headings(city)[-1][0] == called
