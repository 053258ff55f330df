"""What the desk shows in a real browser: what is not in force yet, holes, and what has room beside what."""

import json

import pytest
from playwright.async_api import Browser, Route, ViewportSize, expect

from tests.web.conftest import served
from tests.web.states import FAR, GALE, HEAT, SEVERE, STATES, Town
from tests.web.test_browser import TOWN, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAPTOP: ViewportSize = {"width": 1366, "height": 768}
OUTER = [[7.0, 51.1], [7.2, 51.1], [7.2, 51.25], [7.0, 51.25], [7.0, 51.1]]
HOLE = [[7.05, 51.13], [7.05, 51.2], [7.12, 51.2], [7.12, 51.13], [7.05, 51.13]]
VEILED = """(at) => {
  const held = [...maps.values()][0], [area] = document.querySelectorAll(".outline.casing");
  const { x, y } = held.map.latLngToLayerPoint(at), point = area.ownerSVGElement.createSVGPoint();
  [point.x, point.y] = [x, y];
  const seen = getComputedStyle(area).fill !== "none" && Number(area.getAttribute("fill-opacity")) > 0.1;
  return seen && area.isPointInFill(point);
}"""
LINES = """(some) => some.map((one) => {
  const all = document.createRange();
  all.selectNodeContents(one);
  return [one.textContent, all.getClientRects().length];
})"""


async def test_the_map_says_from_when_on_the_worst_warning_is_in_force(browser: Browser) -> None:
    town = Town().tick(-60).snap(-15, GALE, FAR).snap(0, GALE, FAR)
    async with served(town) as address, opened(browser, address) as page:
        place = page.locator(f'[data-district="{TOWN}"]')
        await expect(place).to_have_attribute("aria-label", "Solingen-Mitte: Stufe 3 von 4, ab 19:00")
        await expect(page.locator(".map-label", has_text="Mitte")).to_have_text("Mitte3/4, ab 19:00")
        await expect(page.locator(f"#district-{TOWN}")).to_contain_text("Stufe 3 von 4 ab 19:00")
        town.snap(301, GALE, FAR)
        await expect(place).to_have_attribute("aria-label", "Solingen-Mitte: Stufe 3 von 4")


async def test_the_area_of_a_warning_is_veiled_and_its_hole_is_not(browser: Browser) -> None:
    properties = {"level": 3, "advance": False, "event": "Sturm", "height": "", "radius_m": None}
    geometry = {"type": "Polygon", "coordinates": [OUTER, HOLE]}
    body = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": properties, "geometry": geometry}]}  # fmt: skip

    async def outlines(route: Route) -> None:
        await route.fulfill(content_type="application/geo+json", body=json.dumps(body))

    async with served(STATES["severe"]()) as address, opened(browser, "about:blank") as page:
        await page.route("**/api/outlines.geojson*", outlines)
        await page.goto(address)
        await page.locator(".outline.casing").first.wait_for(state="attached")
        assert await page.evaluate(VEILED, [51.12, 7.02])
        assert not await page.evaluate(VEILED, [51.16, 7.08])
        assert await page.locator(".outline.line").first.evaluate("(one) => getComputedStyle(one).fill") == "none"


DRAWN = """() => ["stroke-width of .place", "stroke-width of .outline.casing", "stroke-width of .outline.line",
  "width of .leaflet-control-zoom-in"].map((one) => {
  const [name, found] = one.split(" of ");
  return parseFloat(getComputedStyle(document.querySelector(found)).getPropertyValue(name));
})"""


async def test_on_a_wall_the_lines_and_the_buttons_of_the_map_grow_as_the_text_does(browser: Browser) -> None:
    async with served(STATES["severe"]()) as address, opened(browser, address) as page:
        await page.locator(".outline.casing").first.wait_for(state="attached")
        desk = await page.evaluate(DRAWN)
        await page.set_viewport_size({"width": 3840, "height": 2160})
        assert await page.evaluate(DRAWN) == pytest.approx([2 * one for one in desk], rel=0.01)


async def test_the_strip_of_the_sources_closes_when_they_are_well_again_unless_somebody_opened_it(
    browser: Browser,
) -> None:
    town = STATES["stale"]()
    async with served(town) as address, opened(browser, address) as page:
        strip = page.locator("#strip")
        await expect(strip).to_have_attribute("open", "")
        town.snap(1, HEAT, SEVERE)
        await expect(strip).not_to_have_attribute("open", "")
        await page.evaluate("document.getElementById('strip-line').click()")
        await expect(strip).to_have_attribute("open", "")
        town.snap(2, HEAT, SEVERE)
        await expect(page.locator("#strip-line")).to_contain_text("14:02")
        await expect(strip).to_have_attribute("open", "")


@pytest.mark.parametrize("hidden", ["from the start", "meanwhile"])
async def test_a_map_that_was_hidden_shows_the_whole_city_again(browser: Browser, hidden: str) -> None:
    """It is hidden while the page has no data."""
    show = "(shown) => document.querySelectorAll('.map').forEach((one) => { one.style.display = shown ? '' : 'none'; })"
    async with served(STATES["severe"]()) as address, opened(browser, "about:blank") as page:
        if hidden == "from the start":
            await page.add_init_script("document.documentElement.classList.add('early')")
            await page.route("**/static/warnsys.css", hide_maps)
        await page.goto(address)
        place = page.locator(f'.map [data-district="{TOWN}"]')
        if hidden == "meanwhile":
            await place.wait_for()
            await page.evaluate(show, arg=False)
            await page.wait_for_timeout(300)
            await page.evaluate(show, arg=True)
        else:
            await place.wait_for(state="attached")
            await page.wait_for_timeout(300)
            await page.evaluate("document.documentElement.classList.remove('early')")
        await expect(place).to_be_in_viewport(ratio=0.9)
        box, room = await place.bounding_box(), await page.locator(".map").first.bounding_box()
        assert box
        assert room
        assert box["width"] > 0.1 * room["width"]


async def hide_maps(route: Route) -> None:
    found = await route.fetch()
    await route.fulfill(response=found, body=await found.text() + "\n.early .map { display: none; }")


async def test_on_a_laptop_who_was_told_stands_above_the_fold(browser: Browser) -> None:
    async with served(STATES["severe"]()) as address, opened(browser, address, LAPTOP) as page:
        await page.locator(".map .place").first.wait_for()
        bottom = "() => document.querySelector('.panel.told tbody tr').getBoundingClientRect().bottom"
        assert 0 < await page.evaluate(bottom) < LAPTOP["height"]


@pytest.mark.parametrize("width", [390, 1280])
async def test_no_word_in_the_heads_of_the_report_is_in_two_pieces(browser: Browser, width: int) -> None:
    async with (
        served(STATES["extreme"]()) as address,
        opened(browser, f"{address}/lagebericht", {"width": width, "height": 800}) as page,
    ):
        heads = await page.locator(".report thead th").evaluate_all(LINES)
        assert ["Entscheidung", 1] in heads
        assert {count for _, count in heads} == {1}
