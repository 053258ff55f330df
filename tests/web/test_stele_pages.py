"""The texts of a stele turn in pages that end with a sentence, and no page has two words only."""

import pytest
from playwright.async_api import Browser

from tests.web.conftest import served
from tests.web.moments import MOMENTS, STORM, longer, other
from tests.web.states import Town
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
