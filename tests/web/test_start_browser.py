"""Start page and district's page in a real browser: by name, by position, without a script, without a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from shapely.geometry import Point

from tests.support import at, meaning, outcome
from tests.web.conftest import served
from tests.web.states import STATES, Town
from tests.web.test_browser import PHONE, SETTLED, TOWN, comes_true, desk_in, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")
MADE_UP = [[[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]],
    [[[20, 0], [22, 0], [21, 3], [20, 0]]]]  # fmt: skip
"""A square with a hole, and a triangle."""


def inside_of(town: Town, district: str) -> Point:
    return town.city.rules.place.district(district).geometry.representative_point()


@asynccontextmanager
async def standing_at(
    browser: Browser, address: str, place: Point | None, accuracy: float = 20, path: str = "/start"
) -> AsyncIterator[tuple[Page, list[str]]]:
    """The page of somebody who lets it have the position, with all that it asks for; None refuses."""
    allowed: dict[str, Any] = {"permissions": ["notifications"]}  # and so nothing else
    if place is not None:
        position = {"longitude": place.x, "latitude": place.y, "accuracy": accuracy}
        allowed = {"geolocation": position, "permissions": ["geolocation"]}
    context = await browser.new_context(viewport=PHONE, **allowed)
    page = await context.new_page()
    asked = list[str]()
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''} {request.headers}"))
    await page.goto(address + path)
    try:
        yield page, asked
    finally:
        await context.close()


async def test_the_position_finds_its_district_in_the_browser_and_is_sent_nowhere(browser: Browser) -> None:
    town = STATES["severe"]()
    place = inside_of(town, TOWN)
    async with served(town) as address, standing_at(browser, address, place) as (page, asked):
        await page.get_by_role("button", name="Meinen Standort verwenden").click()
        link = page.locator("#located a")
        await expect(link).to_have_text("Solingen-Mitte")
        await expect(page.locator("#located")).not_to_contain_text("genau")
        found = " ".join(asked)
        assert "/api/v1/districts.geojson" in found
        for number in (place.x, place.y):
            assert f"{number:.3f}" not in found
        await link.click()
        await expect(page.locator("main")).to_contain_text("Stufe 3 von 4")
        assert page.url == f"{address}/district/{TOWN}"


async def test_a_position_in_no_district_is_told_as_that_and_a_rough_one_too(browser: Browser) -> None:
    town = STATES["calm"]()
    async with served(town) as address:
        async with standing_at(browser, address, Point(13.4, 52.5)) as (page, _):
            await page.locator("#locate").click()
            await expect(page.locator("#located")).to_contain_text("in keinem dieser Bezirke")
            await expect(page.locator("#located a")).to_have_count(0)
        async with standing_at(browser, address, inside_of(town, TOWN), accuracy=3000, path="/start?lang=en") as (
            page,
            _,
        ):
            await page.locator("#locate").click()
            await expect(page.locator("#located a")).to_have_attribute("href", f"/district/{TOWN}?lang=en")
            await expect(page.locator("#located")).to_contain_text("exact to some 3000 m only")


async def test_who_gives_no_position_and_whom_no_outlines_reach_is_led_to_the_search(browser: Browser) -> None:
    town = STATES["calm"]()
    async with served(town) as address:
        async with standing_at(browser, address, None) as (page, _):
            await page.locator("#locate").click()
            await expect(page.locator("#located")).to_contain_text("Der Browser nennt keinen Standort.")
        async with standing_at(browser, address, inside_of(town, TOWN)) as (page, _):
            await page.route("**/districts.geojson", lambda route: route.abort())
            await page.locator("#locate").click()
            await expect(page.locator("#located")).to_contain_text("Bitte suchen Sie nach dem Namen.")


async def test_a_point_lies_in_polygons_outside_of_their_holes(browser: Browser) -> None:
    async with served(STATES["calm"]()) as address, opened(browser, f"{address}/start") as page:
        geometry = {"type": "MultiPolygon", "coordinates": MADE_UP}
        points = [[1, 1], [5, 5], [9, 5], [11, 5], [21, 1], [20.1, 2], [-1, 5], [5, 3.9]]
        found = await page.evaluate(
            "([geometry, points]) => points.map(([x, y]) => isWithin(geometry, x, y))", [geometry, points]
        )
        assert found == [True, False, True, False, True, False, False, True]
        one = {"type": "Polygon", "coordinates": MADE_UP[1]}
        assert await page.evaluate("(one) => isWithin(one, 21, 1)", one)


async def test_the_search_works_without_a_script_and_the_position_is_not_offered(browser: Browser) -> None:
    async with (
        served(STATES["severe"]()) as address,
        opened(browser, f"{address}/start?lang=en", PHONE, java_script_enabled=False) as page,
    ):
        await expect(page.locator("#locate")).to_be_hidden()
        await page.get_by_label("Find a district").fill("GRAEF")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-district]")).to_have_count(1)
        await page.get_by_role("link", name="Gräfrath").click()
        await expect(page.get_by_text("What holds now")).to_be_visible()


@pytest.mark.parametrize("path", ["/start", "/district/d1"])
async def test_a_new_warning_shows_by_itself_and_without_a_server_nothing_looks_calm(
    browser: Browser, path: str
) -> None:
    desk = desk_in("calm")
    async with served(desk) as address, opened(browser, address + path, PHONE) as page:
        await expect(page.get_by_text("Keine Wetterwarnung").first).to_be_visible()
        desk.take(outcome("A", meaning("Extreme"), stamp=1))
        await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible()
    desk = desk_in("calm")
    desk.now = at(2.75)  # its record is good for a quarter of a minute more
    async with served(desk) as address:
        page = await browser.new_page(viewport=PHONE)
        await page.goto(address + path)
        await expect(page.get_by_text("Keine Wetterwarnung").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Keine verlässlichen Daten")).to_be_visible(timeout=60_000)
    await expect(page.get_by_text("Keine Wetterwarnung").first).to_be_hidden()
    await page.close()


@pytest.mark.parametrize("path", ["/district/d1", "/stele/d1"])
async def test_a_page_without_a_server_names_nothing_that_has_ended_by_its_own_end(browser: Browser, path: str) -> None:
    desk = desk_in("calm").take(
        outcome("A", meaning("Extreme", expires=60), stamp=1),
        outcome("B", meaning("Severe", ii="52", expires=90), stamp=1),
    )
    async with served(desk) as address:
        page = await browser.new_page(viewport=PHONE)
        await page.goto(address + path)
        await comes_true(page, SETTLED)
    await page.evaluate("goodUntil = 0")  # as when its record's time is over
    blind = page.locator("#blind")
    await expect(blind.get_by_text("Stufe 4 von 4")).to_be_visible()
    await page.evaluate("bornAt -= 61 * 60 * 1000")
    await expect(blind.get_by_text("Stufe 4 von 4")).to_be_hidden()
    await expect(blind.get_by_text("Stufe 3 von 4")).to_be_visible()
    await page.evaluate("bornAt -= 30 * 60 * 1000")
    await expect(blind.get_by_text("Zuletzt bekannt")).to_be_hidden()
    await expect(blind.get_by_role("heading", name="Keine verlässlichen Daten")).to_be_visible()
    await page.close()


@pytest.mark.parametrize(("path", "speed"), [("/start", "later"), ("/district/d1", "soon"), ("/", "soon")])
async def test_the_page_of_all_districts_asks_once_a_second_at_most_the_others_at_once(
    browser: Browser, path: str, speed: str
) -> None:
    async with served(desk_in("calm")) as address, opened(browser, address + path, PHONE) as page:
        told = await page.evaluate(
            """() => {
                const asked = [];
                soon = () => asked.push("soon");
                later = () => asked.push("later");
                listen();
                return URGENT.map((kind) => {
                    asked.length = 0;
                    source.dispatchEvent(new Event(kind));
                    return [kind, asked[0]];
                });
            }"""
        )
        assert dict(told) == dict.fromkeys(["hello", "reload", "stele", "action", "process"], speed)


async def test_what_is_typed_into_the_search_outlasts_a_refresh(browser: Browser) -> None:
    desk = desk_in("calm")
    async with served(desk) as address, opened(browser, f"{address}/start", PHONE) as page:
        await page.locator("#q").fill("Distr")
        desk.take(outcome("A", meaning("Extreme"), stamp=1))
        await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible()
        await expect(page.locator("#q")).to_have_value("Distr")
        await expect(page.locator("#q")).to_be_focused()


@pytest.mark.parametrize("state", ["calm", "extreme", "no-data"])
async def test_nothing_is_wider_than_a_phone(browser: Browser, state: str) -> None:
    async with served(STATES[state]()) as address:
        for path in ("/start", f"/district/{TOWN}", f"/district/{TOWN}?lang=en"):
            async with opened(browser, address + path, {"width": 320, "height": 640}) as page:
                await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                assert await page.evaluate("document.documentElement.scrollWidth") <= 320
