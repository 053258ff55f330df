"""Nothing on stele and card is cut or stands on something else: sizes × moments × languages, measured in a browser."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.web.conftest import served
from tests.web.moments import MANY, MOMENTS, STORM
from tests.web.states import EXTREME, FLOOD, GALE, HEAT, SEVERE, Town
from tests.web.test_browser import SETTLED, TOWN, comes_true, opened
from warnsys.records import SteleItem

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZES: dict[str, ViewportSize] = {
    "landscape": {"width": 1920, "height": 1080},
    "4K": {"width": 3840, "height": 2160},
    "portrait": {"width": 1080, "height": 1920},
    "tile": {"width": 480, "height": 270},
    "embed": {"width": 300, "height": 250},
    "embed in English": {"width": 300, "height": 250},
}
PATHS = {"tile": f"/stele/{TOWN}?small=1", "embed": f"/embed/{TOWN}", "embed in English": f"/embed/{TOWN}?lang=en"}
LEVELS = {"de": "Stufe {} von 4", "en": "level {} of 4"}
ADVANCE_NOTICES = {"de": "Vorabinformation", "en": "Advance notice"}
MOST_PAGES = 40
LINK = "https://warnungen.solingen.example/district/{district}"

MEASURE, COLOURS = (Path(__file__).with_name(name).read_text("utf-8") for name in ("measure.js", "colours.js"))
TURN = "() => { paused = false; turnedAt = -1e9; turn(); }"


async def whole(page: Page, needed: list[str], where: str) -> dict[str, float]:
    found = await page.evaluate(MEASURE)
    assert not found["faults"], f"{where}: {found['faults'][:5]}"
    missing = [one for one in needed if one not in found["words"]]
    assert not missing, f"{where}: {missing} not in {found['words']!r}"
    return {"count": found["count"], "largest": found["largest"]}


def needed(first: SteleItem, language: str) -> list[str]:
    """What of the loudest item stands on every screen."""
    said = [first.event[language][1:], LEVELS[language].format(first.level), first.when[language]]
    return [*said, ADVANCE_NOTICES[language]] if first.phase == "advance" else said


@pytest.mark.parametrize(
    ("strip", "link"),
    [(True, ""), (False, ""), (True, LINK)],
    ids=["on the embedded broker", "on a Kafka", "with a code"],
)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_nothing_is_cut_or_stands_on_something_else_and_the_largest_is_always_there(
    browser: Browser, moment: str, strip: bool, link: str
) -> None:
    town = MOMENTS[moment]() if strip else MOMENTS[moment]().operated()
    town = town.linked(link) if link else town
    record = town.board.stele(TOWN)
    place = town.city.rules.place.district(TOWN).name
    first = record.items[0] if record and record.items and record.items[0].phase != "expired" else None
    async with served(town) as address, opened(browser, "about:blank") as page:
        for size, view in SIZES.items():
            if not strip and size not in PATHS:
                continue  # larger screens lose a smaller part to the strip
            if link and size in PATHS:
                continue  # tile and card have no code
            await page.set_viewport_size(view)
            if size in ("landscape", *PATHS):
                await page.goto(f"{address}{PATHS.get(size, f'/stele/{TOWN}')}")
            words = [place, *(needed(first, "en" if "English" in size else "de") if first else [])]
            assert await page.locator(".mark.embedded").count() == strip
            await page.evaluate("fit()")
            assert await page.locator(".code").count() == bool(link)
            languages = await page.evaluate("articles().map((one) => one.lang)")
            for language in languages or [""]:
                await page.evaluate("(one) => { pages.clear(); show(one); }", language)
                found = await whole(page, words, f"{moment}, {size}, {language}")
            for number in range(min(MOST_PAGES, int(found["count"]) - 1)):
                await page.evaluate(TURN)
                await whole(page, words, f"{moment}, {size}, page {number + 2}")
            if first:
                assert found["largest"] > 0.035 * min(view["width"], view["height"]), (
                    f"{moment}, {size}: {found['largest']} px"
                )


async def test_what_does_not_fit_comes_round_in_pages(browser: Browser) -> None:
    town = MOMENTS["many"]()
    record = town.board.stele(TOWN)
    assert record
    for size in ("embed", "tile", "landscape"):
        path = PATHS.get(size, f"/stele/{TOWN}")
        async with served(town) as address, opened(browser, address + path, SIZES[size]) as page:
            seen = ""
            for _ in range(int((await whole(page, [], size))["count"])):
                found = await page.evaluate(MEASURE)
                seen += found["words"]
                await page.evaluate(TURN)
            for item in record.items[1:]:
                assert item.event["de"][1:] in seen
                assert item.label["de"] in seen
                assert item.when["de"] in seen


DRILL = "sommergewitter"
CROWDED: dict[str, Callable[[], Town]] = {
    "incomplete": lambda: (
        Town(stage=DRILL).tick(-30).snap(-5, HEAT, SEVERE, broken=[FLOOD]).snap(0, HEAT, EXTREME, broken=[FLOOD])
    ),
    "stale": lambda: Town(stage=DRILL).tick(-30).snap(-25, HEAT, GALE, STORM).tick(0),
    "many": lambda: Town(stage=DRILL).tick(-30).snap(-25, STORM, *MANY, broken=[FLOOD]).tick(0),
}
"""Exercises with two bars above a warning and further ones."""
TILE = """() => {
  const size = (one) => parseFloat(getComputedStyle(one).fontSize);
  const all = (found) => [...document.querySelectorAll(found)].filter((one) => one.checkVisibility());
  const holds = all("body *").filter((one) => [...one.childNodes].some((node) => node.data?.trim()));
  return {
    event: size(document.querySelector("#first h1")),
    others: Math.max(...holds.filter((one) => !one.matches("#first h1")).map(size)),
    least: Math.min(...all("#first .grade b, #first .count, #first .when").map(size)),
    page: size(document.querySelector(".further .page-of")),
    bars: all(".mark").map((one) => one.clientHeight / size(one)),
  };
}"""
"""The sizes of what a tile shows, and how many of its letters each bar is high."""


@pytest.mark.parametrize("moment", CROWDED)
async def test_on_a_small_tile_the_warning_is_the_largest_and_each_further_one_stands_whole(
    browser: Browser, moment: str
) -> None:
    town = CROWDED[moment]()
    record = town.board.stele(TOWN)
    assert record
    async with served(town) as address, opened(browser, address + PATHS["tile"], SIZES["tile"]) as page:
        assert await page.locator(".mark:visible").count() == 3  # with the strip of the broker
        sizes = await page.evaluate(TILE)
        assert sizes["event"] > sizes["others"], sizes
        assert sizes["least"] >= 11, sizes
        assert sizes["page"] >= 9, sizes
        assert max(sizes["bars"]) < 2, sizes
        further, seen = record.items[1:], set[str]()
        for _ in range(int((await whole(page, needed(record.items[0], "de"), moment))["count"])):
            words = (await page.evaluate(MEASURE))["words"].partition("Außerdem")[2]
            wholly = {
                one.base_id for one in further
                if all(said in words for said in (one.event["de"][1:], one.label["de"], one.when["de"]))
            }  # fmt: skip
            assert wholly, f"{moment}: {words}"
            seen |= wholly
            await page.evaluate(TURN)
        assert seen == {one.base_id for one in further}


@pytest.mark.parametrize("size", ["landscape", "portrait", "tile", "embed"])
async def test_that_the_connection_is_lost_stands_on_nothing_and_cuts_nothing(browser: Browser, size: str) -> None:
    """The mark comes between two refreshes, and takes room from what stands there already."""
    town = MOMENTS["heat and storm"]().operated()
    record = town.board.stele(TOWN)
    assert record
    async with served(town) as address:
        page = await browser.new_page(viewport=SIZES[size])
        await page.goto(address + PATHS.get(size, f"/stele/{TOWN}"))
        await comes_true(page, SETTLED)
    await expect(page.locator("#lost")).to_contain_text("Verbindung")
    said = "Keine Verbindung" if size == "embed" else "keine Verbindung"
    await whole(page, [*needed(record.items[0], "de"), said], size)
    await page.close()


# -- contrast --------------------------------------------------------------------------------------------------------

Colour = tuple[float, float, float]
SEEN_AS: dict[str, tuple[Colour, Colour, Colour]] = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Of linear RGB, as Machado, Oliveira and Fernandes (2009) have them for severity 1."""


def linear(colour: list[int]) -> list[float]:
    return [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in colour]


def luminance(colour: list[int], eye: str) -> float:
    rgb = [min(1, max(0, sum(a * b for a, b in zip(row, linear(colour), strict=True)))) for row in SEEN_AS[eye]]
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(one: list[int], other: list[int], eye: str = "all") -> float:
    darker, lighter = sorted((luminance(one, eye), luminance(other, eye)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("moment", ["heat and storm", "extreme", "exercise", "no data"])
async def test_all_text_of_a_screen_that_is_full_or_without_data_has_a_contrast_of_seven(
    browser: Browser, moment: str
) -> None:
    async with served(MOMENTS[moment]()) as address:
        for scheme in ("light", "dark"):
            async with opened(browser, f"{address}/stele/{TOWN}", SIZES["portrait"], color_scheme=scheme) as page:
                assert await page.locator(".stele.no_data" if moment == "no data" else ".stele.full").count()
                for text, colour, ground in await page.evaluate(COLOURS):
                    for eye in SEEN_AS:
                        assert contrast(colour, ground, eye) >= 7, f"{scheme}, {eye}: {text} {colour} on {ground}"


# -- without data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "size"), [(f"/stele/{TOWN}", "portrait"), (f"/embed/{TOWN}", "embed")])
async def test_a_screen_whose_server_is_gone_is_grey_and_tells_what_was_last_known_by_itself(
    browser: Browser, path: str, size: str
) -> None:
    town = MOMENTS["heat and storm"]()
    async with served(town) as address:
        page = await browser.new_page(viewport=SIZES[size])
        await page.goto(address + path)
        await expect(page.locator("#first")).to_be_visible()
        await comes_true(page, SETTLED)
    await page.evaluate("goodUntil = 0")  # as when its record's time is over
    blind = page.locator("#blind")
    await expect(blind).to_be_visible()
    await expect(page.locator("#content")).to_be_hidden()
    text = await blind.inner_text()
    assert text.startswith("Keine verlässlichen Daten")
    assert "Stand 14:00, keine Verbindung" in text
    assert text.index("Stand 14:00") < text.index("Stufe 3 von 4") < text.index("Stufe 4 von 4")
    ground = await page.locator("#live").evaluate("(one) => getComputedStyle(one).backgroundColor")
    assert ground == "rgb(59, 64, 72)"
    for width, height in itertools.product((300, 480, 1080, 1920), (250, 1080, 1920)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate("fit()")
        if min(width, height) >= 480 or size == "embed":
            await whole(page, ["Keine verlässlichen Daten"], f"{path} {width} x {height}")
    await page.evaluate("bornAt -= 2 * 3600 * 1000")  # the storm has ended by its own end, the heat has not
    await expect(blind.get_by_text("Stufe 3 von 4")).to_be_hidden()
    await expect(blind.get_by_text("Stufe 4 von 4")).to_be_visible()
    await page.evaluate("bornAt -= 12 * 3600 * 1000")
    await expect(blind.get_by_text("Stufe 4 von 4")).to_be_hidden()
    await expect(blind.locator(".last-stand")).to_be_hidden()
    await expect(blind.get_by_text("Keine verlässlichen Daten", exact=True)).to_be_visible()
    await page.close()


async def test_languages_turn_in_time_also_while_data_are_refreshed(browser: Browser) -> None:
    town = MOMENTS["heat and storm"]()
    async with served(town) as address, opened(browser, f"{address}/stele/{TOWN}?turn_s=120") as page:
        since = await page.evaluate("turnedAt = -7000")  # so long ago that a timer of its own would show
        record = town.board.stele(TOWN)
        assert record
        await page.evaluate("document.getElementById('live').firstElementChild.id = 'before'")
        town.put("stele", TOWN, record.to_bytes())
        await expect(page.locator("#before")).to_have_count(0)  # all was put in anew
        assert await page.evaluate("turnedAt") == since
        shown = page.locator(".others article:not([data-later])")
        await expect(shown).to_have_attribute("lang", "en")
        for language in ("ar", "fr", "tr", "en"):
            await page.evaluate(TURN)
            await expect(shown).to_have_attribute("lang", language)


async def test_each_language_has_its_own_period(browser: Browser) -> None:
    town = MOMENTS["heat and storm"]()
    async with served(town) as address, opened(browser, f"{address}/stele/{TOWN}") as page:
        periods = await page.locator(".others .when").all_text_contents()
        assert len(set(periods)) == len(periods) == 4
