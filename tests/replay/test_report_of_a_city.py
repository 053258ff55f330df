"""The page of a replay about single warnings: what the lanes show, and what each notice is called."""

from typing import Any

from lxml import html

from tests.support import City, at, meaning, outcome, snapshot, tick
from warnsys.replay.report import Report

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
