"""The desk in a real browser: all of it at a glance, and nothing that an operator does loses the page."""

import asyncio
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, expect

from tests.support import meaning, outcome
from tests.web.conftest import served
from tests.web.states import ADVANCE, FAR, FLOOD, GALE, HEAT, SEVERE, STATES, Town
from tests.web.test_browser import PHONE, SETTLED, WIDE, comes_true, desk_in, opened
from tests.web.test_surroundings import with_neighbours

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTSIDE = """() => [...document.querySelectorAll('%s')].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && (box.top < 0 || box.left < 0 || box.bottom > innerHeight + 1 || box.right > innerWidth + 1);
}).map((one) => one.className.baseVal || one.className || one.tagName)"""
CUT = """() => [...document.querySelectorAll('%s')].filter((one) => one.scrollHeight > one.clientHeight + 1
  || one.scrollWidth > one.clientWidth + 1).map((one) => one.id || one.className)"""

BROKEN = """() => [...document.querySelectorAll('.badge')].flatMap((one) => [...one.childNodes]).filter((one) =>
  one.nodeType === Node.TEXT_NODE).flatMap((text) => [...text.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return range.getClientRects().length > 1;
  }).map(([word]) => word))"""


async def at_a_glance(page: Page) -> None:
    """Nothing scrolls: page, who was told, timeline, district names."""
    await page.locator(".map .place").first.wait_for()
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert await page.evaluate(OUTSIDE % ".panel, .map, .districts tr, .matrix td, .timeline, .strip summary") == []
    assert await page.evaluate(CUT % ".told .scroll, .time .scroll, .where, .time") == []
    assert await page.evaluate(BROKEN) == [], "a word in two pieces"


@pytest.mark.parametrize("state", [name for name in STATES if name != "no-data"])
async def test_at_1080p_everything_stands_without_scrolling(browser: Browser, state: str) -> None:
    town = STATES[state]()
    async with served(town) as address, opened(browser, address) as page:
        await at_a_glance(page)
        assert await page.evaluate("document.querySelector('.map').clientHeight") >= 260
    if state in ("extreme", "exercise"):
        await town.stop("push")
        async with served(town) as address, opened(browser, address) as page:
            await at_a_glance(page)


async def test_on_a_wall_of_4k_the_same_stands_twice_as_large(browser: Browser) -> None:
    async with (
        served(STATES["extreme"]()) as address,
        opened(browser, address, {"width": 3840, "height": 2160}) as page,
    ):
        await at_a_glance(page)
        assert await page.evaluate("Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize))") == 32


LATER = [one.model_copy(update={"key": f"{one.key}-later", "onset": onset, "until": until})
    for one, onset, until in ((GALE, 300, 400), (HEAT, 1380, 1800), (FLOOD, 120, 200))]  # fmt: skip
NINE = (SEVERE, FLOOD, GALE, HEAT, FAR, ADVANCE, *LATER)


def stormy(count: int, stage: str = "live") -> Town:
    """So many warnings and notices at once, each told."""
    town = Town(stage=stage).tick(-30)
    for number in range(1, count + 1):
        town.snap(2 * number - 30, *NINE[:number])
    return town.snap(0, *NINE[:count])


@pytest.mark.parametrize(
    ("count", "stage", "stopped"),
    [(6, "live", ()), (9, "live", ()), (9, "storm", ()), (9, "storm", ("push",)), (9, "storm", ("push", "sms"))],
)
async def test_at_1080p_of_many_warnings_the_matrix_scrolls_and_what_was_sent_keeps_its_room(
    browser: Browser, count: int, stage: str, stopped: tuple[Literal["push", "sms"], ...]
) -> None:
    town = stormy(count, stage)
    for channel in stopped:
        await town.stop(channel)
    async with served(town) as address, opened(browser, address) as page:
        await page.locator(".map .place").first.wait_for()
        await comes_true(page, SETTLED)
        assert await page.locator(".matrix tbody tr").count() == count
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert await page.evaluate(OUTSIDE % ".panel, .map, .districts tr, .timeline, .strip summary, .buttons") == []
        assert await page.evaluate(CUT % ".panel:not(.holds)") == []
        lines = "parseFloat(getComputedStyle(document.getElementById('log')).lineHeight)"
        assert await page.evaluate(f"document.getElementById('log').clientHeight / {lines}") >= 4
        await page.keyboard.press("t")
        await page.keyboard.press("End")
        await comes_true(page, REACHED, 5)


REACHED = """(({ top, bottom }) => document.querySelector('.matrix thead th').getBoundingClientRect().top >= top
  && document.querySelector('.matrix tbody tr:last-child').getBoundingClientRect().bottom <= bottom + 1)(
  document.querySelector('.told .scroll').getBoundingClientRect())"""
"""The last warning of the matrix is in sight, and so are the names of its columns."""


LEFTS = """[...document.querySelectorAll('.matrix tr')].map((row) => [...row.querySelectorAll('td, thead th + th')].map(
  (one) => Math.round(one.getBoundingClientRect().left)).join())"""


@pytest.mark.parametrize("width", [390, 360])
async def test_on_a_phone_all_of_who_was_told_is_in_sight_below_the_names_of_the_ways(
    browser: Browser, width: int
) -> None:
    town = stormy(9, "storm")
    await town.stop("push")
    town.tick(1)
    async with served(town) as address, opened(browser, address, {"width": width, "height": 844}) as page:
        await comes_true(page, SETTLED)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.evaluate(CUT % ".told .scroll, .matrix td, .matrix th:not(:first-child)") == []
        lefts = (
            "[...document.querySelectorAll('.matrix tr')].map((row) => [...row.querySelectorAll('td, thead th + th')]"
        )
        columns = await page.evaluate(f"{lefts}.map((one) => Math.round(one.getBoundingClientRect().left)).join())")
        assert len(columns) == 10
        assert len({*columns}) == 1, "what stands below the name of a way is of that way"
        await page.locator(".matrix tbody tr").last.evaluate("one => one.scrollIntoView({ block: 'end' })")
        assert await page.locator(".matrix thead").evaluate("one => one.getBoundingClientRect().top") >= 0
        found = await Axe().run(page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag22aa"]}})
        assert not found.response["violations"], found.generate_report()


BROKEN_OR_CUT = """(some) => some.flatMap((one) => {
  const found = [], walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  const { right } = one.closest(".panel, .mark").getBoundingClientRect();
  while (walker.nextNode()) {
    for (const { 0: word, index } of walker.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, index);
      range.setEnd(walker.currentNode, index + word.length);
      const rects = [...range.getClientRects()];
      if (rects.length > 1 || rects.some((rect) => rect.right > right)) found.push(word);
    }
  }
  return found;
})"""
"""The words that are broken or cut."""


async def test_on_a_phone_no_word_of_a_stop_and_of_the_sources_is_broken_or_cut(browser: Browser) -> None:
    town = STATES["stale"]().again()
    await town.stop("sms")
    town.tick(1)
    async with served(town) as address, opened(browser, address, {"width": 390, "height": 844}) as page:
        await comes_true(page, SETTLED)
        await expect(page.locator(".strip .more td.bad, .strip .more tr.bad").first).to_be_visible()
        assert await page.locator(".mark.stop span, .strip .more th, .strip .more td").evaluate_all(BROKEN_OR_CUT) == []
        assert await page.locator(".mark.stop > span").evaluate("(one) => one.clientWidth || one.offsetWidth") > 200


async def test_a_timeline_opens_at_the_present_and_stays_where_somebody_scrolled_it(browser: Browser) -> None:
    town = STATES["severe"]()
    async with served(town) as address, opened(browser, address, {"width": 390, "height": 844}) as page:
        await comes_true(page, SETTLED)
        place = page.locator(".time .scroll")
        left, right = await place.locator(".now").evaluate(
            "(one) => { const { left, right } = one.getBoundingClientRect(); return [left, right]; }"
        )
        assert 0 < left < right < 390
        await place.evaluate("(one) => { one.scrollLeft = 7; }")
        await page.evaluate("refresh()")
        assert await place.evaluate("(one) => one.scrollLeft") == 7


@pytest.mark.parametrize("state", ["calm", "extreme"])
async def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, state: str) -> None:
    async with served(STATES[state]()) as address, opened(browser, address, PHONE) as page:
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_an_acknowledgement_while_the_server_is_away_keeps_the_page_and_what_was_typed(browser: Browser) -> None:
    desk = desk_in("extreme")
    async with served(desk) as address:
        port = int(address.rpartition(":")[2])
        page = await browser.new_page(viewport=WIDE)
        await page.goto(address)
        await page.locator("input[name=by]").fill("Leitstelle A")
    await page.get_by_role("button", name="Gesehen").click()
    await expect(page.locator("form.seen .said")).to_contain_text("Nicht gesendet")
    assert await page.locator("input[name=by]").input_value() == "Leitstelle A"
    await expect(page.locator(".warning").get_by_text("Stufe 4 von 4")).to_be_visible()
    async with served(desk, port):
        await expect(page.locator("#lost")).to_be_hidden(timeout=60_000)
        await page.get_by_role("button", name="Gesehen").click()
        await expect(page.get_by_text("gesehen: Leitstelle A")).to_be_visible()
        await page.close()
    assert len(desk.done) == 1


async def test_the_way_to_a_stop_while_the_server_is_away_keeps_the_desk(browser: Browser) -> None:
    async with served(desk_in("extreme")) as address:
        page = await browser.new_page(viewport=WIDE)
        await page.goto(address)
        await comes_true(page, "source.readyState === EventSource.OPEN")
    await page.get_by_role("link", name="Push anhalten").click()
    await expect(page.get_by_text("Keine Antwort vom Server")).to_be_visible()
    await expect(page.locator(".warning").get_by_text("Stufe 4 von 4")).to_be_visible()
    await page.close()


@pytest.mark.parametrize("what", ["stop", "resume"])
async def test_an_order_while_the_server_is_away_can_be_given_again_as_it_was_typed(
    browser: Browser, what: str
) -> None:
    desk = desk_in("extreme")
    if what == "resume":
        await desk.stop("push")
    async with served(desk) as address:
        port = int(address.rpartition(":")[2])
        page = await browser.new_page(viewport=WIDE)
        await page.goto(f"{address}/{what}/push")
        await page.get_by_label("Grund").fill("Test der Sirenen")
        await page.get_by_label("Schicht oder Platz").fill("Platz 7")
    button = page.get_by_role("button", name="Jetzt")
    await button.click()
    await expect(page.locator(".said")).to_contain_text("Nicht gesendet")
    assert await page.get_by_label("Grund").input_value() == "Test der Sirenen"
    async with served(desk, port):
        await button.click()
        await expect(page.get_by_role("heading", name="Was jetzt gilt")).to_be_visible()
        await page.close()
    assert desk.done[-1].reason == "Test der Sirenen"  # type: ignore[union-attr]


async def test_what_the_broker_did_not_take_is_said_beside_the_form(browser: Browser) -> None:
    desk = desk_in("extreme")
    desk.broker = False
    async with served(desk) as address, opened(browser, address) as page:
        await page.locator("input[name=by]").fill("Leitstelle A")
        await page.get_by_role("button", name="Gesehen").click()
        await expect(page.locator("form.seen .said")).to_contain_text("Nicht als gesehen gemeldet")
        await page.evaluate("refresh()")
        await expect(page.locator("form.seen .said")).to_contain_text("Nicht als gesehen gemeldet")
        assert await page.locator("input[name=by]").input_value() == "Leitstelle A"


async def test_the_sound_button_says_what_it_does_also_after_a_reload(browser: Browser) -> None:
    async with served(desk_in("extreme")) as address, opened(browser, address) as page:
        sound = page.locator("#sound")
        await expect(sound).to_have_text("Ton aus: klicken zum Einschalten")
        await sound.click()
        await expect(sound).to_have_text("Ton an: klicken zum Ausschalten")
        await sound.click()
        await expect(sound).to_have_text("Ton aus: klicken zum Einschalten")
        await page.get_by_role("button", name="Ton prüfen und einschalten").click()
        await expect(sound).to_have_text("Ton an: klicken zum Ausschalten")
        await page.reload()
        said = "(one => one.textContent === one.dataset[audio.state === 'running' ? 'on' : 'off'])"
        await comes_true(page, f"{said}(document.querySelector('#sound'))")


async def test_a_refresh_keeps_where_a_list_was_scrolled_to_and_what_was_opened(browser: Browser) -> None:
    desk = STATES["extreme"]()
    async with served(desk) as address, opened(browser, address) as page:
        # A refresh of the page's own may replace both at any time: neither may be held while it does.
        await page.evaluate("document.getElementById('strip-line').click()")
        await page.evaluate("document.getElementById('log').scrollTo(0, 40)")
        await page.evaluate("refresh()")
        await comes_true(page, "document.getElementById('log').scrollTop === 40")
        await comes_true(page, "document.getElementById('strip').open")


async def test_a_lane_of_the_timeline_leads_by_keyboard_to_its_message(browser: Browser) -> None:
    async with served(STATES["severe"]()) as address, opened(browser, address) as page:
        await page.locator("a.lane").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Meldung").first).to_be_visible()


async def test_the_map_names_the_neighbours_without_asking_anybody_else(browser: Browser, tmp_path: Path) -> None:
    town = with_neighbours(tmp_path)
    async with served(town) as address:
        page = await browser.new_page(viewport=WIDE)
        asked = list[str]()
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(address)
        for name in ("Westort", "Ostort"):
            label = page.locator(".around-label", has_text=name)
            await expect(label).to_be_visible()
            assert await label.evaluate(
                "one => { const a = one.getBoundingClientRect(), b = one.closest('.map').getBoundingClientRect();"
                " return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom; }"
            )
        assert await page.locator(".map path.around").count() == 2
        assert all(url.startswith((address, "data:")) for url in asked)
        await page.close()


# -- keys -------------------------------------------------------------------------------------------------------------


async def focused(page: Page) -> str:
    said: str = await page.evaluate("document.activeElement.id || document.activeElement.className")
    return said


async def test_a_map_that_comes_late_is_not_drawn_over_a_newer_one(browser: Browser) -> None:
    desk = desk_in("calm")
    fetched, late = asyncio.Event(), asyncio.Event()

    async def held_up(route: Route) -> None:
        """The first answer is of before the warning, and comes after it."""
        answer = await route.fetch()
        fetched.set()
        await late.wait()
        await route.fulfill(response=answer)

    async with served(desk) as address, opened(browser, address) as page:
        await page.locator(".map .place").first.wait_for()
        await comes_true(page, SETTLED)  # so that no other map is asked for
        await page.route("**/api/districts.geojson", held_up, times=1)
        await page.evaluate("void (window.first = draw())")
        await fetched.wait()
        desk.take(outcome("A", meaning("Extreme"), stamp=1))
        warned = page.locator(".map [aria-label*='Stufe 4']")
        await expect(warned.first).to_be_visible()
        late.set()
        await page.evaluate("first")
        assert await warned.count()


async def test_keys_lead_to_the_places_of_the_desk_and_to_other_pages(browser: Browser) -> None:
    async with served(STATES["extreme"]()) as address, opened(browser, address) as page:
        await page.wait_for_load_state()
        for key, place in (("w", "panel-solingen"), ("t", "matrix-solingen"), ("z", "lanes-solingen"), ("a", "log"),
                           ("q", "strip-line"), ("s", "sound"), ("l", "now")):  # fmt: skip
            await page.keyboard.press(key)
            assert await focused(page) == place
        await page.keyboard.press("j")
        first = await focused(page)
        await page.keyboard.press("j")
        assert await focused(page) != first
        await page.keyboard.press("k")
        assert await focused(page) == first
        await page.evaluate("refresh()")
        assert await focused(page) == first, "a refresh keeps the place"
        await page.keyboard.press("g")
        assert await page.evaluate("document.activeElement.name") == "by"
        await page.keyboard.type("mb?")
        assert await page.locator("input[name=by]").first.input_value() == "mb?"
        await page.keyboard.press("Escape")
        await page.locator("#now").focus()
        for modifier in ("Control", "Alt", "Meta", "Shift"):
            await page.keyboard.press(f"{modifier}+m")
        assert page.url.rstrip("/") == address
        await page.keyboard.press("m")
        await expect(page.get_by_role("heading", name="Alle Meldungen")).to_be_visible()
        await page.wait_for_load_state()  # its text stands before its script has run
        await page.keyboard.press("/")
        assert await focused(page) == "q"
        await page.keyboard.type("l")
        assert await page.locator("#q").input_value() == "l"
        await page.locator("#list").focus()
        await page.keyboard.press("l")
        await expect(page.get_by_role("heading", name="Was jetzt gilt")).to_be_visible()


async def test_the_help_opens_beside_the_desk_also_while_the_server_is_away(browser: Browser) -> None:
    async with served(STATES["extreme"]()) as address:
        page = await browser.new_page(viewport=WIDE)
        await page.goto(address)
        await comes_true(page, "document.getElementById('help-page') !== null")
        await page.locator("#log").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Tasten und Zeichen")).to_be_visible()
    await expect(page.locator(".warning").get_by_text("Stufe 4 von 4")).to_be_visible()
    holds = await page.locator(".panel.holds").bounding_box()
    aside = await page.locator("#help").bounding_box()
    assert holds
    assert aside
    assert holds["x"] + holds["width"] <= aside["x"], "it covers nothing of what holds"
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    assert await focused(page) == "log"
    await page.close()


async def test_keys_can_be_switched_off_and_stay_so(browser: Browser) -> None:
    async with served(STATES["severe"]()) as address, opened(browser, address) as page:
        await comes_true(page, "document.getElementById('help-page') !== null")
        await page.get_by_role("link", name="Hilfe").click()
        found = await Axe().run(page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag22aa"]}})
        assert not found.response["violations"], found.generate_report()
        await page.get_by_role("button", name="Tasten an").click()
        await page.get_by_role("button", name="Schließen").click()
        await page.reload()
        await page.locator("#now").focus()
        await page.keyboard.press("?")
        await page.keyboard.press("m")
        assert page.url.rstrip("/") == address
        await expect(page.locator("#help")).to_be_hidden()
        await page.goto(f"{address}/hilfe")
        await page.get_by_role("button", name="Tasten aus").click()
        await page.locator("h1").click()
        await page.keyboard.press("m")
        await expect(page.get_by_role("heading", name="Alle Meldungen")).to_be_visible()
