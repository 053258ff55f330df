"""The card for phones and other sites, in a browser: its pages turn only while nobody minds, and all can be read."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.conftest import served
from tests.web.moments import MOMENTS
from tests.web.test_browser import TOWN, opened
from tests.web.test_layout import SIZES

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = "() => { turnedAt = -1e9; turn(); }"
CARD = f"/embed/{TOWN}"


async def page_of(page: Page) -> str:
    return await page.locator(".further .page-of").inner_text()


async def test_the_pages_of_a_card_turn_by_themselves(browser: Browser) -> None:
    async with served(MOMENTS["many"]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        first = await page_of(page)
        assert first.startswith("1/")
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("2/")


async def test_a_card_is_stopped_by_keyboard_and_stays_so_for_the_visit(browser: Browser) -> None:
    async with served(MOMENTS["many"]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Blättern anhalten")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.reload()
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("1/")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Weiter blättern")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Nächste Seite")).to_be_focused()
        await page.keyboard.press("Enter")
        assert (await page_of(page)).startswith("2/"), "a stopped card can be read to its end"
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("3/"), "it goes on when it is bidden to, also with the focus in it"


async def test_a_card_rests_while_the_focus_is_in_it_or_somebody_points_at_it(browser: Browser) -> None:
    async with served(MOMENTS["many"]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        await page.mouse.move(150, 200)
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("1/")
        await page.keyboard.press("Tab")
        await page.mouse.move(150, 5)  # the strip above the card
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("1/")
        await page.evaluate("document.activeElement.blur()")
        await page.evaluate("turn()")
        assert (await page_of(page)).startswith("1/"), "it stays as long again"
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("2/")


async def test_a_pointer_or_a_focus_that_somebody_left_in_a_card_does_not_stop_it_for_ever(browser: Browser) -> None:
    left = "movedAt = performance.now() - ALONE_MS"
    async with served(MOMENTS["many"]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        await page.mouse.move(150, 200)
        await page.evaluate(left)
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("2/")
        await page.mouse.move(150, 210)
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("2/"), "somebody has come back"
        await page.keyboard.press("Tab")
        await page.evaluate(left)
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("3/")
        await page.keyboard.press("Tab")
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("3/"), "somebody has come back"


async def test_a_pointer_that_stands_still_while_the_page_moves_under_it_is_nobody(browser: Browser) -> None:
    still = "document.body.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, screenX: 7, screenY: 7 }))"
    async with served(MOMENTS["many"]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        await page.mouse.move(150, 200)
        await page.evaluate(still)
        await page.evaluate("movedAt = performance.now() - ALONE_MS")
        await page.evaluate(still)
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("2/")


async def test_a_card_does_not_turn_by_itself_for_those_who_wish_for_less_motion(browser: Browser) -> None:
    async with (
        served(MOMENTS["many"]()) as address,
        opened(browser, address + CARD, SIZES["embed"], reduced_motion="reduce") as page,
    ):
        await page.evaluate(LATER)
        assert (await page_of(page)).startswith("1/")
        await page.get_by_role("button", name="Nächste Seite").click()
        assert (await page_of(page)).startswith("2/")


async def test_the_buttons_of_a_card_are_named_in_its_language_and_are_there_only_where_pages_turn(
    browser: Browser,
) -> None:
    async with (
        served(MOMENTS["many"]()) as address,
        opened(browser, f"{address}{CARD}?lang=en", SIZES["embed"]) as page,
    ):
        await expect(page.get_by_role("button", name="Stop turning pages")).to_be_visible()
        await expect(page.get_by_role("button", name="Next page")).to_be_visible()
    async with served(MOMENTS["moderate"]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        await expect(page.locator(".first")).to_be_visible()
        await expect(page.get_by_role("button")).to_have_count(0)


async def test_a_refresh_takes_neither_the_focus_nor_the_rest_from_a_card(browser: Browser) -> None:
    town = MOMENTS["many"]()
    async with served(town) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.evaluate("document.getElementById('live').firstElementChild.id = 'before'")
        await page.evaluate("refresh()")
        await expect(page.locator("#before")).to_have_count(0)
        await expect(page.get_by_role("button", name="Weiter blättern")).to_be_focused()


async def test_a_card_in_a_frame_that_may_keep_nothing_can_be_stopped(browser: Browser) -> None:
    refused = (
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
    )
    async with served(MOMENTS["many"]()) as address, opened(browser, "about:blank", SIZES["embed"]) as page:
        await page.add_init_script(refused)
        await page.goto(address + CARD)
        await page.get_by_role("button", name="Blättern anhalten").click()
        await expect(page.get_by_role("button", name="Weiter blättern")).to_be_visible()


async def test_without_a_script_all_of_a_card_stands_one_below_the_other(browser: Browser) -> None:
    town = MOMENTS["many"]()
    record = town.board.stele(TOWN)
    assert record
    async with (
        served(town) as address,
        opened(browser, address + CARD, SIZES["embed"], java_script_enabled=False) as page,
    ):
        await expect(page.locator(".further li .what")).to_have_count(len(record.items) - 1)
        clipped = await page.evaluate(
            """() => [...document.querySelectorAll(".card *")].filter((one) => one.checkVisibility()
              && !one.closest("svg, .visually-hidden") && getComputedStyle(one).overflow !== "visible"
              && one.scrollHeight > one.clientHeight + 1).map((one) => one.className)"""
        )
        assert clipped == []
        places = await page.locator(".further li").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().top)"
        )
        assert places == sorted(set(places))
        assert await page.evaluate("document.documentElement.scrollHeight") > places[-1]
        await expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("moment", ["calm", "expired", "no data"])
async def test_what_a_card_says_without_a_warning_in_force_is_not_in_the_colour_of_an_alarm(
    browser: Browser, moment: str
) -> None:
    async with served(MOMENTS[moment]()) as address, opened(browser, address + CARD, SIZES["embed"]) as page:
        alarm = await page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--alarm')")
        grounds = await page.locator(".card, .card *").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).backgroundColor)"
        )
        red = tuple(int(alarm.strip()[at : at + 2], 16) for at in (1, 3, 5))
        assert f"rgb{red}" not in grounds
