"""A level, a time, a date and a quantity each stay on one line."""

import pytest
from lxml import html
from playwright.async_api import Browser

from tests.web.conftest import served
from tests.web.states import town_in
from tests.web.test_browser import opened
from tests.web.test_largest import parts, said
from warnsys.web.views import measured, unbroken

QUANTITIES = """() => {
  const torn = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.checkVisibility()) continue;
    for (const found of node.data.matchAll(/[0-9]+\\s(?:km\\/h|cm|l\\/m²)/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      count += 1;
      if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) torn.push(found[0]);
    }
  }
  return { count, torn };
}"""
"""How many quantities stand on a page, and which of them stand on two lines."""


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Unwetterwarnung, Stufe 3 von 4", ["Stufe 3 von 4"]),
        ("Severe weather warning, level 3 of 4", ["level 3 of 4"]),
        ("heute, Mi 14.07. 15:00 bis 18:00 Uhr", ["Mi 14.07.", "18:00 Uhr"]),
        ("today, Wed 14 Jul 15:00 to 17:30", ["Wed 14 Jul"]),
        ("Wind & <b>Regen</b>", []),
    ],
)
def test_what_belongs_together_is_kept_together_and_nothing_else_changes(text: str, whole: list[str]) -> None:
    (made,) = parts(html.fromstring(f"<div><p>{unbroken(text)}</p></div>"), "//p")
    assert made.text_content() == text
    assert [one.text for one in made] == whole
    assert all(one.get("class") == "whole" for one in made)


@pytest.mark.parametrize("path", ["/stele/solingen-1", "/embed/solingen-1", "/start", "/district/solingen-1", "/"])
def test_on_every_page_the_end_of_a_warning_stays_beside_its_uhr(path: str) -> None:
    page = html.fromstring(town_in("extreme").page(path))
    periods = parts(page, "//*[contains(@class, 'when')]")
    ends = [one for one in periods if " Uhr" in one.text_content()]
    assert ends
    assert all(any(said(part).endswith(" Uhr") for part in parts(one, ".//span")) for one in ends)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("zwischen -2 °C und -5 °C", "zwischen -2\u00a0°C und -5\u00a0°C"),
        ("um 80 km/h (22 m/s, 44 kn)", "um 80\u00a0km/h (22\u00a0m/s, 44\u00a0kn)"),
        ("25 l/m² oberhalb 400 m", "25\u00a0l/m² oberhalb 400\u00a0m"),
        ("am 3 mal, Stufe 3 von 4, A3 kmu", "am 3 mal, Stufe 3 von 4, A3 kmu"),
    ],
)
def test_no_line_ends_between_a_number_and_its_unit(text: str, whole: str) -> None:
    assert measured(text) == whole


@pytest.mark.asyncio(loop_scope="module")
async def test_in_no_width_of_a_page_a_number_stands_without_its_unit(browser: Browser) -> None:
    town = town_in("severe")
    async with served(town) as address, opened(browser, "about:blank") as page:
        for path in ("/stele/solingen-1", "/district/solingen-1"):
            await page.goto(address + path)
            for width in (360, 390, 480, 720, 1080):
                await page.set_viewport_size({"width": width, "height": 1920})
                found = await page.evaluate(QUANTITIES)
                assert found["count"], path
                assert found["torn"] == [], f"{path}, {width}"
