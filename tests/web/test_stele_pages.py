"""The texts of a stele turn in pages that end with a sentence, and no page has two words only."""

import pytest
from playwright.async_api import Browser

from tests.web.conftest import served
from tests.web.moments import MOMENTS, STORM, longer, other
from tests.web.states import FLOOD, HEAT, Town
from tests.web.test_browser import TOWN, opened
from tests.web.test_layout import SIZES, TURN

pytestmark = pytest.mark.asyncio(loop_scope="module")

ON_TWO_PAGES = """() => pagers().flatMap(shownSentences).filter((one) =>
  new Set(lines(one, one.closest(".pager")).map((line) => line.page)).size > 1).map((one) => one.textContent)"""
LAST_WORDS = """() => pagers().filter((one) => shownSentences(one).length).map((one) => {
  const { count } = columns(one);
  return [count, shownSentences(one).filter((part) => lines(part, one).some((line) => line.page === count - 1))
    .map((part) => part.textContent).join("")];
})"""


@pytest.mark.parametrize("size", ["portrait", "landscape"])
@pytest.mark.parametrize("moment", ["heat and storm", "long"])
async def test_a_page_ends_with_a_sentence(browser: Browser, moment: str, size: str) -> None:
    async with (
        served(MOMENTS[moment]()) as address,
        opened(browser, f"{address}/stele/{TOWN}", SIZES[size]) as page,
    ):
        assert await page.evaluate("pagers().some((one) => columns(one).count > 1)") or moment != "long"
        assert await page.evaluate(ON_TWO_PAGES) == []


async def test_no_last_page_has_two_words_and_a_later_page_says_what_it_goes_on_with(browser: Browser) -> None:
    texts = {
        name: text.model_copy(update={"instruction": "Take care."}) if name == "en" else text
        for name, text in longer(STORM, 2).texts.items()
    }
    town = Town().tick(-60)
    brief = other(STORM, "brief", texts=texts)
    town.snap(-5, brief).snap(0, brief)
    async with served(town) as address, opened(browser, f"{address}/stele/{TOWN}", SIZES["landscape"]) as page:
        for _, said in await page.evaluate(LAST_WORDS):
            assert said.strip() != "Take care."
    async with (
        served(MOMENTS["long"]()) as address,
        opened(browser, f"{address}/stele/{TOWN}", SIZES["portrait"]) as page,
    ):
        assert (await page.locator(".words .page-of").inner_text()).startswith("1/")
        await page.evaluate(TURN)
        assert (await page.locator(".others .page-of").inner_text()).startswith("English · 2/")


TOGETHER = """() => pagers().flatMap((one) => {
  const start = one.getBoundingClientRect().left - one.scrollLeft, { step } = columns(one);
  const page = (rect) => Math.floor(((rect.left + rect.right) / 2 - start) / step);
  const pages = (part) => [...new Set([...part.getClientRects()].filter(({ width }) => width > 1).map(page))];
  const torn = [...one.querySelectorAll("h2")].filter((head) => pages(head).length > 1).map((head) => head.textContent);
  const words = [], walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.checkVisibility()) continue;
    for (const found of walker.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, found.index);
      range.setEnd(walker.currentNode, found.index + found[0].length);
      words.push([found[0], pages(range)[0]]);
    }
  }
  const alone = words.filter(([word, at], n) => word === "ACHTUNG!" && words[n + 1][1] !== at).map(([word]) => word);
  return [...torn, ...alone];
})"""
"""The headlines that stand on two pages, and the exclamations whose sentence stands on the next."""


async def test_an_exclamation_stays_with_its_sentence_and_a_headline_is_whole(browser: Browser) -> None:
    danger = "ACHTUNG! Hinweis auf mögliche Gefahren: Örtlich kann es Blitzschlag geben. Es besteht Lebensgefahr!"
    headline = "Official SEVERE WEATHER WARNING of SEVERE THUNDERSTORM with HURRICANE-FORCE GUSTS, HEAVY RAIN and HAIL"
    changed = {"de": {"instruction": danger}, "en": {"headline": headline}}
    texts = {name: text.model_copy(update=changed.get(name, {})) for name, text in STORM.texts.items()}
    storm = other(STORM, "danger", texts=texts)
    town = Town(stage="sommergewitter").tick(-30).snap(-25, HEAT, storm, broken=[FLOOD]).tick(0)
    async with served(town) as address, opened(browser, f"{address}/stele/{TOWN}", SIZES["portrait"]) as page:
        paged = 0
        for height in range(1640, 2100, 20):
            await page.set_viewport_size({"width": 1080, "height": height})
            await page.evaluate("fit()")
            paged += await page.evaluate("pagers().some((one) => columns(one).count > 1)")
            assert await page.evaluate(TOGETHER) == [], height
        assert paged
