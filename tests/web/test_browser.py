"""The pages in a real browser: in step with the topics, honest when nobody answers, for everybody."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.support import at, meaning, outcome, snapshot, tick
from tests.web.conftest import served, wired
from tests.web.sites import Desk, settings
from tests.web.states import SEVERE, STATES, Town
from warnsys.records import Snapshot
from warnsys.simulation.message import Texts, write

pytestmark = pytest.mark.asyncio(loop_scope="module")
WIDE: ViewportSize = {"width": 1920, "height": 1080}
STELE: ViewportSize = {"width": 1080, "height": 1920}
PHONE: ViewportSize = {"width": 360, "height": 640}
OPEN = settings(open=True)
PAGES = ("/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/lagebericht", "/alert/A", "/stop/push",
    "/meldungen", "/hilfe", "/bezirk/d1")  # fmt: skip
TOWN = "solingen-1"


def desk_in(state: str) -> Desk:
    desk = Desk(OPEN)
    match state:
        case "calm":
            desk.take(tick(0), snapshot(0))
        case "moderate":
            desk.take(tick(0), outcome("A", meaning("Moderate")), snapshot(0, "A"))
        case "extreme":
            desk.take(tick(0), outcome("A", meaning("Extreme")), outcome("B", meaning("Minor", group="HEAT", ii="247")),
                snapshot(0, "A", "B"))  # fmt: skip
        case "advance":
            later = meaning("Severe", urgency="Future", onset=600, expires=900)
            desk.take(tick(0), outcome("A", later), snapshot(0, "A"))
        case "expired":
            desk.take(tick(0), outcome("A", meaning(expires=5)), snapshot(0, "A")).later(6).take(tick(6))
        case "stale":
            desk.take(tick(0), outcome("A", meaning()), snapshot(0, "A")).later(30).take(tick(30))
    return desk


@asynccontextmanager
async def opened(browser: Browser, address: str, size: ViewportSize = WIDE, **context: object) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport=size, **context)  # type: ignore[arg-type]
    await page.goto(address)
    try:
        yield page
    finally:
        await page.close()


SETTLED = "shown && shown === asked && !soonAt && !laterAt"
"""What the stream says first is shown, so nothing is put in anew by itself."""


async def comes_true(page: Page, expression: str, seconds: float = 30) -> None:
    """Wait until the expression is true on the page. It is asked from here: the page's CSP forbids it to evaluate."""
    end = asyncio.get_running_loop().time() + seconds
    while not await page.evaluate(expression):
        assert asyncio.get_running_loop().time() < end, f"not true within {seconds} s: {expression}"
        await asyncio.sleep(0.05)


async def test_a_new_alert_shows_on_both_pages_by_itself(browser: Browser) -> None:
    desk = desk_in("calm")
    async with (
        served(desk) as address,
        opened(browser, f"{address}/") as dashboard,
        opened(browser, f"{address}/stele/d1", STELE) as stele,
    ):
        await expect(dashboard.get_by_text("Keine Wetterwarnung").first).to_be_visible()
        desk.take(outcome("A", meaning("Extreme"), stamp=1))
        await expect(stele.get_by_text("Stufe 4 von 4")).to_be_visible()
        await expect(dashboard.locator(".warning").get_by_text("Stufe 4 von 4")).to_be_visible()
        await expect(dashboard.locator("#announcer")).to_contain_text("Stufe 4 von 4")
        await dashboard.evaluate("refresh()")  # what a screen reader has not read out yet is still there
        await expect(dashboard.locator("#announcer")).to_contain_text("Stufe 4 von 4")
        assert (await dashboard.title()).startswith("⚠")


async def test_a_stele_whose_server_is_gone_turns_to_no_data_by_itself(browser: Browser) -> None:
    desk = desk_in("calm")
    desk.now = at(2.75)  # its record is good for a quarter of a minute more
    async with served(desk) as address:
        page = await browser.new_page(viewport=STELE)
        await page.goto(f"{address}/stele/d1")
        await expect(page.get_by_role("heading", name="Keine Wetterwarnung")).to_be_visible()
    await expect(page.get_by_role("heading", name="Keine verlässlichen Daten")).to_be_visible(timeout=60_000)
    await expect(page.get_by_role("heading", name="Keine Wetterwarnung")).to_be_hidden()
    await page.close()


async def test_a_page_catches_up_when_the_web_process_is_back(browser: Browser) -> None:
    desk = desk_in("calm")
    async with served(desk) as address:
        port = int(address.rpartition(":")[2])
        page = await browser.new_page(viewport=WIDE)
        await page.goto(f"{address}/")
    await expect(page.get_by_text("Keine Verbindung")).to_be_visible()
    desk.take(outcome("A", meaning("Severe"), stamp=1))
    async with served(desk, port):
        await expect(page.locator(".warning").get_by_text("Stufe 3 von 4")).to_be_visible(timeout=60_000)
        await expect(page.get_by_text("Keine Verbindung")).to_be_hidden()
        await page.close()


async def test_a_page_misses_the_pings_of_a_stream_that_died_without_a_word(browser: Browser) -> None:
    desk = desk_in("calm")
    async with served(desk) as there, wired(there) as (address, wire), opened(browser, f"{address}/") as page:
        await expect(page.get_by_text("Keine Wetterwarnung").first).to_be_visible()
        await comes_true(page, "source.readyState === EventSource.OPEN")
        wire.cut_streams()
        desk.take(outcome("A", meaning("Severe"), stamp=1))
        await expect(page.locator(".warning").get_by_text("Stufe 3 von 4")).to_be_visible(timeout=30_000)
        wire.dead = True
        await expect(page.get_by_text("Keine Verbindung")).to_be_visible(timeout=40_000)


async def test_a_stele_that_restarts_without_a_network_shows_its_last_state_marked(browser: Browser) -> None:
    desk = desk_in("moderate")
    async with served(desk) as address, await browser.new_context(viewport=STELE) as context:
        page = await context.new_page()
        await page.goto(f"{address}/stele/d1")
        await page.evaluate("navigator.serviceWorker.ready")
        await page.reload()
        await page.close()
        await context.set_offline(True)
        page = await context.new_page()
        await page.goto(f"{address}/stele/d1")
        await expect(page.get_by_text("Stufe 2 von 4")).to_be_visible()
        await expect(page.get_by_text("Gespeicherter Stand")).to_be_visible()


async def test_an_acknowledgement_by_keyboard_alone_shows_on_a_second_dashboard(browser: Browser) -> None:
    desk = desk_in("extreme")
    async with served(desk) as address, opened(browser, f"{address}/") as first, opened(browser, address) as second:
        await comes_true(first, SETTLED)  # else that refresh may take the focus from the button
        await first.locator("input[name=by]").focus()
        await first.keyboard.type("Leitstelle A")
        await first.keyboard.press("Tab")
        await first.keyboard.press("Enter")
        await expect(second.get_by_text("gesehen: Leitstelle A")).to_be_visible()
        assert desk.done


async def test_a_channel_is_stopped_in_two_steps_and_every_dashboard_shows_it(browser: Browser) -> None:
    desk = desk_in("extreme")
    async with served(desk) as address, opened(browser, f"{address}/") as first, opened(browser, address) as second:
        await first.get_by_role("link", name="Push anhalten").click()
        await first.get_by_label("Grund").fill("Fehlalarm")
        await first.get_by_label("Schicht oder Platz").fill("Leitstelle A")
        await first.get_by_role("button", name="Jetzt anhalten").click()
        for page in (first, second):
            await expect(page.get_by_text("Push ist angehalten")).to_be_visible()


async def test_a_channel_is_resumed_in_two_steps(browser: Browser) -> None:
    desk = desk_in("extreme")
    await desk.stop("push")
    async with served(desk) as address, opened(browser, address) as page:
        await page.get_by_role("link", name="Wieder aufnehmen").click()
        assert desk.board.stopped()
        await page.get_by_label("Grund").fill("geprüft")
        await page.get_by_label("Schicht oder Platz").fill("Leitstelle A")
        await page.get_by_role("button", name="Jetzt wieder aufnehmen").click()
        await expect(page.get_by_text("Push ist angehalten")).to_be_hidden()
        assert not desk.board.stopped()


async def test_a_blocked_sound_is_said_large_and_can_be_tried_and_repeats_until_acknowledged(browser: Browser) -> None:
    desk = desk_in("extreme")
    async with served(desk) as address, opened(browser, address) as page:
        sound = page.locator("#sound")
        await expect(sound).to_have_text("Ton aus: klicken zum Einschalten")
        await expect(sound).to_have_css("font-size", "20.8px")
        assert await page.evaluate("alarm === null")
        await page.get_by_role("button", name="Ton prüfen").click()
        await expect(sound).to_have_text("Ton an: klicken zum Ausschalten")
        assert await page.evaluate("alarm.loop")
        await page.locator("input[name=by]").fill("Leitstelle A")
        await page.get_by_role("button", name="Gesehen").click()
        await expect(page.get_by_text("gesehen: Leitstelle A")).to_be_visible()
        await page.wait_for_load_state()  # its text stands before its script has run
        assert await page.evaluate("alarm === null")


async def test_a_district_on_the_map_is_reached_by_tab_and_leads_to_its_row(browser: Browser) -> None:
    async with served(STATES["severe"]()) as address, opened(browser, address) as page:
        place = page.get_by_role("button", name="Gräfrath: Stufe 3 von 4")
        await page.wait_for_load_state()
        await comes_true(page, SETTLED)  # what the stream says first is shown: nothing is drawn anew after that
        await place.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="Gräfrath", exact=True)).to_be_focused()


@pytest.mark.parametrize("path", ["/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/meldungen", "/bezirk/d1"])
async def test_pages_read_without_javascript(browser: Browser, path: str) -> None:
    async with (
        served(desk_in("extreme")) as address,
        opened(browser, address + path, java_script_enabled=False) as page,
    ):
        await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible()


OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules of axe that look at colours."""


@pytest.mark.parametrize("state", STATES)
async def test_no_page_in_no_state_violates_wcag(browser: Browser, state: str) -> None:
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    town = STATES[state]()
    paths = ["/", f"/stele/{TOWN}", f"/embed/{TOWN}", "/start", f"/district/{TOWN}"]
    if state == "extreme":
        await town.stop("push")
        alert = next(iter(town.board.alerts))
        paths += ["/start?q=x&lang=en", f"/district/{TOWN}?lang=en"]
        paths += ["/?lang=en", "/lagebericht", f"/alert/{alert}", "/stop/sms", "/resume/push", f"/stele/{TOWN}?small=1"]
        paths += ["/meldungen", "/meldungen?hours=x&lang=en", "/bezirk/solingen-2", "/hilfe"]
    async with served(town) as address:
        for path in paths:
            size = STELE if path.startswith("/stele") else WIDE
            async with opened(browser, address + path, size, color_scheme="light") as page:
                if path == "/":
                    await page.locator(".map .place").first.wait_for()
                found = await Axe().run(page, options=rules)
                assert not found.response["violations"], f"{path}: {found.generate_report()}"
                await page.emulate_media(color_scheme="dark")  # nothing but colours differs
                found = await Axe().run(page, options=OF_COLOURS)
                assert not found.response["violations"], f"{path} dark: {found.generate_report()}"


async def test_a_stele_shows_every_text_whole_or_cuts_it_with_dots(browser: Browser) -> None:
    async with served(STATES["extreme"]()) as address, opened(browser, f"{address}/stele/{TOWN}", STELE) as page:
        spilt = "one => one.scrollHeight - one.clientHeight"
        assert await page.locator("#content").evaluate(spilt) <= 1
        assert await page.locator(".others").evaluate(spilt) <= 1
        assert not await page.locator("#content.cut").count()


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_asks_anybody_else_or_reports_an_error(browser: Browser, path: str) -> None:
    async with served(desk_in("extreme")) as address:
        page = await browser.new_page(viewport=WIDE)
        asked, errors = list[str](), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(address + path)
        await page.wait_for_timeout(500)
        await page.close()
        assert asked
        assert all(url.startswith((address, "data:")) for url in asked)
        assert not errors


async def test_the_further_languages_of_a_stele_can_be_chosen_and_stay(browser: Browser) -> None:
    desk = desk_in("extreme")
    found = []
    for record in desk.board.steles.values():
        texts = {**record.items[0].texts, **dict.fromkeys(("en", "ar", "tr"), record.items[0].texts["de"])}
        items = tuple(item.model_copy(update={"texts": texts}) for item in record.items)
        found.append(record.model_copy(update={"items": items}))

    def put() -> None:
        for record in found:
            desk.put("stele", record.district, record.to_bytes())

    put()
    async with served(desk) as address, opened(browser, f"{address}/stele/d1", STELE) as page:
        await page.get_by_role("button", name="العربية").click()
        shown = page.locator(".others article:not([data-later])")
        await expect(shown).to_have_attribute("dir", "rtl")
        await expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
        put()
        await page.wait_for_timeout(1_000)
        await expect(shown).to_have_attribute("lang", "ar")


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}\u202e\u2066"


def hostile_town(text: str, status: str = "Actual") -> Town:
    """A message with a hostile text in every field that has one, in every language."""
    texts = Texts(event=text, headline=text, description=text, instruction=text)
    told = dict.fromkeys(("de", "en", "ar"), texts)
    alert = SEVERE.model_copy(update={"texts": told, "parameters": ((text[:200], text[:200]),)})
    town = Town().tick(-1)
    body = write(alert, at(0), f"{text[:100]}.MUL", cells=dict.fromkeys(alert.cells, text), note=text)
    for name in ("contact", "web", "senderName"):
        body = re.sub(rf"<{name}>[^<]*</{name}>".encode(), f"<{name}>{escape(text)}</{name}>".encode(), body)
    town.hear("hostile", body)
    town.take(Snapshot(stage="live", source="dwd", stamp=town.now, checked=town.now, ids=("hostile",)))
    return town.tick(0)


@pytest.mark.parametrize("more", ["", "W" * 100_000, "W W " * 25_000], ids=["short", "word", "words"])
async def test_hostile_texts_in_every_field_run_nothing_and_break_no_layout(browser: Browser, more: str) -> None:
    town = hostile_town(HOSTILE + more)
    assert town.board.steles[TOWN].items
    run, asked = list[str](), list[str]()
    async with served(town) as address:
        pages = [
            ("/", WIDE),
            (f"/stele/{TOWN}", STELE),
            (f"/embed/{TOWN}", PHONE),
            ("/alert/hostile", WIDE),
            ("/lagebericht", WIDE),
            ("/start", PHONE),
            (f"/district/{TOWN}", PHONE),
            ("/meldungen", WIDE),
            (f"/bezirk/{TOWN}", PHONE),
        ]
        for path, size in pages:
            page = await browser.new_page(viewport=size)
            page.on("dialog", lambda dialog: run.append(dialog.message))
            page.on("pageerror", lambda error: run.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            await page.goto(address + path)
            await page.wait_for_timeout(700)
            wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            shown = await page.evaluate("document.body.innerText")
            await page.close()
            assert not run, path
            assert wider <= 0, path
            assert not set(shown) & set("\u202e\u2066") or path == "/alert/hostile", path
    assert all(url.startswith((address, "data:")) and not url.endswith("/x") for url in asked)
