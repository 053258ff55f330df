"""The page of a replay: it can be read without network, script, mouse or colours, and runs nothing from an alert."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from lxml import html
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from warnsys.replay.read import Material, of_scenario
from warnsys.replay.report import Report
from warnsys.replay.run import Replay, settings_of
from warnsys.simulation.scenario import load
from warnsys.warning.policy import Policy

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def page_of(material: Material, policy: Policy | None = None) -> str:
    settings = settings_of(None, material.sources)
    settings = settings.model_copy(update={"policy": policy or settings.policy})
    player = Replay(settings, lambda event: report(event))
    report = Report(player.header(material), settings.policy)
    player.play(material)
    return report.html()


@pytest.fixture(scope="module")
def storm() -> str:
    return page_of(of_scenario(load("storm")))


@pytest.fixture(scope="module")
def file(storm: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(storm, "utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: install it (Debian: chromium)"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.goto(file.as_uri())
    yield opened
    opened.close()


def text_of(found: Any) -> str:
    return " ".join(found.text_content().split())


def parsed(page: str) -> Any:
    """Without a type: what an XPath gives depends on it."""
    return html.fromstring(page)


# -- what it says ---------------------------------------------------------------------------------------------------


def test_same_replay_gives_the_same_page(storm: str) -> None:
    assert page_of(of_scenario(load("storm"))) == storm


def test_every_notice_stands_there_with_its_text_its_reason_and_its_cause(storm: str) -> None:
    notices = parsed(storm).xpath("//article[starts-with(@id, 'n')]")
    assert len(notices) == 33
    extreme = next(text_of(one) for one in notices if "Stufe 4 von 4" in text_of(one))
    assert "hochgestuft" in extreme
    assert "ÜBUNG" in extreme
    assert all(one.xpath(".//a[starts-with(@href, '#a')]") for one in notices)


def test_an_alert_says_whom_it_was_held_back_from_and_why(storm: str) -> None:
    alerts = [text_of(one) for one in parsed(storm).xpath("//article[starts-with(@id, 'a')]")]
    (heat,) = (said for said in alerts if "starke Hitze" in said)
    assert "Zurückgehalten: Warnungen gehen hier erst ab Stufe 2 hinaus." in heat
    assert "SMS, Öffentlichkeit Zurückgehalten: diese Art Ereignis geht nicht auf diesen Kanal." in heat
    (notice,) = (said for said in alerts if "Vorabinformation" in said)
    assert "Push, Öffentlichkeit Zurückgehalten: Vorabinformationen gehen nicht auf diesen Kanal." in notice
    assert "Push, Stab Neue Vorabinformation, Stufe 3" in notice


def test_an_alert_shows_its_raw_cap(storm: str) -> None:
    (first, *_) = parsed(storm).xpath("//article[starts-with(@id, 'a')]//pre")
    assert first.text_content().startswith("<?xml")
    assert "<identifier>2.49.0.0.276.0.DWD.PVW." in first.text_content()


def test_every_mark_and_bar_leads_to_something_and_has_a_name(storm: str) -> None:
    root = parsed(storm)
    links = root.xpath("//svg//a")
    assert len(links) > 20
    assert all(root.get_element_by_id(link.get("href")[1:]) is not None for link in links)
    assert all(link.get("aria-label") for link in links)


def test_levels_are_told_by_pattern_and_words_too(storm: str) -> None:
    boxes = parsed(storm).xpath("//svg//g[contains(@class, 'box level-4')]")
    assert boxes
    for box in boxes:
        assert "Stufe 4 von 4" in text_of(box)
        assert box.xpath(".//rect[@fill='url(#p4)']")


def test_an_outage_is_seen_as_old_data_beside_warnings_that_stay() -> None:
    root = parsed(page_of(of_scenario(load("outage"))))
    rows = [text_of(row) for row in root.xpath("//table//tr")]
    assert "Daten Mo 02.08. 17:41 Mo 02.08. 19:10 veraltet" in rows
    assert any(row.startswith("Wald Mo 02.08. 17:15") and "Unwetterwarnung, Stufe 3 von 4" in row for row in rows)


def test_a_storm_that_warns_nobody_still_gives_a_page() -> None:
    said = text_of(parsed(page_of(of_scenario(load("test-messages")))))
    assert "Niemandem war etwas mitzuteilen." in said
    assert "Testmeldung" in said


def test_a_channel_has_a_row_for_those_alone_whom_a_rule_tells() -> None:
    material = of_scenario(load("test-messages"))
    every = ["Push, Öffentlichkeit", "SMS, Öffentlichkeit", "Push, Stab", "SMS, Stab"]
    assert _rows(page_of(material)) == every
    rules = tuple(rule for rule in Policy().rules if rule.name != "public sms")
    assert _rows(page_of(material, Policy(rules=rules))) == [row for row in every if row != "SMS, Öffentlichkeit"]


def _rows(page: str) -> list[str]:
    names = [text_of(one) for one in parsed(page).xpath("//svg/text/title")]
    return [name for name in names if name.startswith(("Push, ", "SMS, "))]


# -- what it lets happen --------------------------------------------------------------------------------------------


def test_whatever_an_alert_says_stays_text(tmp_path: Path) -> None:
    bad = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    texts = {name: {"event": bad, "headline": bad, "description": bad, "instruction": bad} for name in ("de", "en")}
    alert = {
        "key": "x", "at": 0, "until": 30, "ii": 157, "groups": ["<b>X</b>"], "severity": "Severe",
        "cells": [805122000], "texts": texts,
    }  # fmt: skip
    story = {
        "title": bad, "start": "2027-01-01T00:00:00", "minutes": 40, "cells": {805122000: bad}, "alerts": [alert],
        "chapters": [{"at": 0, "title": bad}],
    }  # fmt: skip
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(story), "utf-8")
    made = page_of(of_scenario(load(path)))
    root = parsed(made)
    assert len(root.xpath("//script")) == 1
    assert root.xpath("//img | //b[text()='X']") == []
    assert bad in root.xpath("string(//h1)")


def test_the_page_lets_nothing_in_and_nothing_out(storm: str) -> None:
    policy = parsed(storm).xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert re.findall(r'(?:src|href|action)="(?!#)[^"]*"', storm) == []
    assert re.findall(r"url\((?!#)", storm) == []


# -- in a browser ---------------------------------------------------------------------------------------------------


def test_it_opens_from_disk_and_asks_the_network_for_nothing(browser: Browser, file: Path) -> None:
    opened = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(file.as_uri())
    opened.wait_for_load_state("networkidle")
    opened.close()
    assert asked == [file.as_uri()]
    assert said == []


@pytest.mark.parametrize("width", [1400, 400])
def test_axe_finds_nothing_serious(browser: Browser, file: Path, width: int) -> None:
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.goto(file.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    found = Axe().run(opened).response["violations"]
    opened.close()
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
    ] == []


def test_a_mark_that_has_the_focus_shows_its_message(page: Page) -> None:
    marks = page.locator("svg a.mark")
    marks.nth(3).focus()
    preview = page.locator("#preview article")
    expect(preview).to_be_in_viewport(ratio=0.9)
    expect(marks.nth(3)).to_be_in_viewport()
    expect(preview.locator("h3")).to_have_text(_heading(page, marks.nth(3)))
    page.keyboard.press("ArrowRight")
    expect(marks.nth(4)).to_be_focused()
    expect(preview.locator("h3")).to_have_text(_heading(page, marks.nth(4)))


def test_a_click_on_a_mark_shows_its_message_beside_it(page: Page) -> None:
    mark = page.locator("svg a.mark").nth(12)
    mark.click()
    expect(page.locator("#preview article h3")).to_have_text(_heading(page, mark))
    expect(mark).to_be_in_viewport()


def test_a_mark_that_stands_for_several_shows_them_all(browser: Browser, tmp_path: Path) -> None:
    texts = {name: {"event": "X", "headline": "X", "description": "X"} for name in ("de", "en")}
    common = {"until": 900, "severity": "Moderate", "cells": [805122000], "texts": texts}
    alerts = [
        {**common, "key": "rain", "at": 60, "ii": 61, "groups": ["RAIN"]},
        {**common, "key": "wind", "at": 62, "ii": 52, "groups": ["WIND"]},
    ]
    story = {"title": "Two at a time", "start": "2027-01-01T00:00:00", "minutes": 1440, "every_min": 10,
             "cells": {805122000: "Stadt Solingen"}, "alerts": alerts}  # fmt: skip
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(story), "utf-8")
    path = tmp_path / "two.html"
    path.write_text(page_of(of_scenario(load(tmp_path / "two.yaml"))), "utf-8")
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.goto(path.as_uri())
    mark = opened.locator("svg a.mark").first
    expect(mark.locator("text")).to_have_text("2+")
    mark.focus()
    expect(opened.locator("#preview article h3")).to_have_text(
        [re.compile("01:00 Push, Öffentlichkeit"), re.compile("01:02 Push, Öffentlichkeit")]
    )
    opened.close()


def _heading(page: Page, mark: Locator) -> str:
    article = page.locator(mark.get_attribute("href") or "none")
    return article.locator("h3").text_content() or ""


def test_tab_reaches_the_marks_in_the_order_of_time(page: Page) -> None:
    page.locator("svg a.mark").first.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == page.locator("svg a.mark").nth(
        1
    ).get_attribute("href")


def test_without_script_a_mark_still_leads_to_its_message(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(file.as_uri())
    mark = opened.locator("svg a.mark").nth(10)
    mark.click()
    target = opened.locator("article:target")
    expect(target).to_be_in_viewport()
    assert mark.get_attribute("href") == f"#{target.get_attribute('id')}"
    context.close()


def test_marks_are_large_enough_for_a_finger_and_lie_apart(page: Page) -> None:
    boxes = [one.bounding_box() for one in page.locator("svg a.mark").all()]
    found = [box for box in boxes if box]
    assert all(min(box["width"], box["height"]) >= 24 for box in found)
    for one in found:
        for other in found:
            apart = one is other or abs(one["y"] - other["y"]) > 20 or abs(one["x"] - other["x"]) >= 24
            assert apart


def test_on_paper_nothing_is_hidden_in_a_scrolling_pane(page: Page) -> None:
    page.emulate_media(media="print")
    cut = page.evaluate(
        "[...document.querySelectorAll('.pane, .scroll')].filter((a) => a.scrollHeight > a.clientHeight + 1).length"
    )
    assert cut == 0
