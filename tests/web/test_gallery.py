"""The gallery of components has everything: each rule of the styles, each state of the code, each macro and drawing."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import jinja2
import pytest
import pytest_asyncio
from jinja2 import nodes
from lxml import html
from playwright.async_api import Browser, Page

from tests.web.test_browser import WIDE, opened
from tools.gallery.cutting import STATIC
from tools.gallery.page import LEVELS, MACROS, ORDERS, WAYS, Gallery, gallery
from warnsys.records import DistrictStatus, Presentation
from warnsys.web.site import FOLDER, ICONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_SHOWN = {
    ".leaflet-container .leaflet-bar a": "Leaflet draws it: the pictures of the desk have it",
    ".leaflet-tooltip.map-label": "Leaflet draws it",
    ".map-label::before": "Leaflet draws it",
    ".leaflet-tooltip.around-label": "Leaflet draws it",
    ".leaflet-container .around": "Leaflet draws it",
    ".districts .later": "the worst warnings of these towns are in force",
    **dict.fromkeys((".code svg", ".stele .code", ".night .code"), "the towns have no address for it"),
    **dict.fromkeys((".stele .foot.coded", ".coded footer", ".coded .controls"), "the towns have no address for it"),
    **dict.fromkeys((".page .blind > main", ".page .blind > .late"), "a page turns blind when its server is gone"),
    **dict.fromkeys((".list .rejected b", ".list .undecided b"), "no message of these towns is in such a state"),
    **dict.fromkeys((".edge-0", ".edge-unknown"), "only the lists of districts and messages have such an edge"),
}
"""Rules for which no part of the gallery stands, and why."""

RULES = Path(__file__).with_name("rules.js").read_text("utf-8")


@pytest.fixture(scope="module")
def shown() -> Gallery:
    return gallery()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(shown: Gallery, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    file = tmp_path_factory.mktemp("gallery") / "gallery.html"
    file.write_text(shown.text(), "utf-8")
    async with opened(browser, file.as_uri(), WIDE) as page:
        yield page


def classes(shown: Gallery) -> set[str]:
    """Each set of classes of an element, as a selector would name it, in all of the gallery."""
    text = shown.text()
    found = set[str]()
    for document in (text, *(frame.get("srcdoc", "") for frame in html.document_fromstring(text).iter("iframe"))):
        for one in html.document_fromstring(document).iter():
            names = (one.get("class") or "").split()
            found |= {".".join(["", first, second]) for first in names for second in names} | {
                f".{one}" for one in names
            }
    return found


@pytest.fixture(scope="module")
def seen(shown: Gallery) -> set[str]:
    return classes(shown)


async def test_every_state_that_the_code_knows_is_shown(seen: set[str]) -> None:
    wanted = {f".badge.level-{level}" for level in LEVELS} | {f".warning.edge-{level}" for level in LEVELS}
    wanted |= {f".{kind}.level-{level}" for kind in ("stele", "card") for level in (0, *LEVELS)}
    wanted |= {f".{kind}.{loud}" for kind in ("stele", "card") for loud in (*get_args(Presentation), "calm", "no_data")}
    wanted |= {f".way.{state}" for state in WAYS}
    wanted |= {f".badge.{status}" for status in get_args(DistrictStatus) if status != "warned"}
    wanted |= {".warning.advance", ".warning.over", ".warning.remembered", ".lane.over", ".strip.ill"}
    assert wanted <= seen, wanted - seen


async def test_every_order_is_shown_answered_and_not(shown: Gallery) -> None:
    names = [one.name for section in shown.sections if section.title == "Marks" for one in section.shown]
    assert {*ORDERS, "stopping, not answered", "resuming, not answered"} <= set(names)


async def test_every_macro_has_its_section(shown: Gallery) -> None:
    found = set[str]()
    for template in (FOLDER / "templates").glob("*.html"):
        parsed = jinja2.Environment(autoescape=True).parse(template.read_text("utf-8"))
        found |= {one.name for one in parsed.find_all(nodes.Macro)}
    assert found == MACROS.keys()
    assert set(MACROS.values()) <= {section.title for section in shown.sections}


async def test_every_drawing_and_every_token_is_shown(shown: Gallery) -> None:
    names = {one.name.partition(":")[0] for section in shown.sections for one in section.shown}
    root = (STATIC / "warnsys.css").read_text("utf-8").partition("}")[0]
    assert ICONS.keys() | set(re.findall(r"(--[\w-]+):", root)) <= names


async def test_every_rule_of_the_styles_dresses_something_in_the_gallery(page: Page) -> None:
    dressed: dict[str, bool] = {}
    for frame in page.frames:
        for selector, found in (await frame.evaluate(RULES)).items():
            dressed[selector] = dressed.get(selector, False) or found
    missing = {selector for selector, found in dressed.items() if not found}
    assert len(dressed) > 200
    assert missing == NOT_SHOWN.keys()


async def test_where_the_system_chooses_the_colours_levels_and_alarms_are_still_seen(
    shown: Gallery, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "gallery.html"
    file.write_text(shown.text(), "utf-8")
    style = "(one, name) => getComputedStyle(one)[name]"
    async with opened(browser, file.as_uri(), WIDE, forced_colors="active") as page:
        filled, empty = page.locator(".scale .on").first, page.locator(".scale span:not(.on)").first
        assert await filled.evaluate(style, "backgroundColor") != await empty.evaluate(style, "backgroundColor")
        assert await page.locator(".badge.level-3").first.evaluate(style, "backgroundColor") == "rgb(229, 57, 53)"
        assert await page.locator(".mark.alarm").first.evaluate(style, "borderTopWidth") == "6px"
        assert await page.locator(".way.stopped").first.evaluate(style, "borderTopWidth") == "2px"
