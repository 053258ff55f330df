"""Pages in a real browser behind a proxy whose server is away: what it answers instead is never taken for ours."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.support import meaning, outcome
from tests.web.conftest import served, wired
from tests.web.test_browser import SETTLED, STELE, WIDE, comes_true, desk_in, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")
AGAIN_MS = 60_000
"""A stream that fell silent is missed after twelve seconds, the waiting page asks every ten."""


def answer(status: str, body: str = "", *headers: str) -> bytes:
    head = (f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers)
    return "\r\n".join((*head, "", body)).encode()


HTML = "Content-Type: text/html; charset=utf-8"
PORTAL = "<!doctype html><html><body><h1>Willkommen im WLAN</h1><div id=live></div></body></html>"
INSTEAD = {
    "502": answer("502 Bad Gateway", "<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>", HTML),
    "503": answer("503 Service Unavailable", "<html><body><h1>Wartung</h1></body></html>", HTML),
    "504 without a body": answer("504 Gateway Timeout"),
    "foreign page": answer("200 OK", PORTAL, HTML),
    "redirect to elsewhere": answer("301 Moved Permanently", "", "Location: http://127.0.0.1:9/portal"),
    "redirect to a foreign page here": answer("302 Found", "", "Location: /login"),
    "empty page": answer("200 OK", "", HTML),
    "empty text": answer("200 OK", "", "Content-Type: text/plain"),
    "half a page": answer("200 OK", '<!doctype html><div id="live" data-stream="/api/stream?x">', HTML),
}


async def side_by_side(test: Callable[[str, str], Awaitable[None]], cases: Iterable[tuple[str, str]]) -> None:
    """Runs the cases in pages of one browser at once: each waits for seconds until a page asks again."""

    async def named(path: str, kind: str) -> None:
        try:
            await test(path, kind)
        except Exception as error:
            error.add_note(f"{path} behind a proxy that answers: {kind}")
            raise

    async with asyncio.TaskGroup() as group:
        for path, kind in cases:
            group.create_task(named(path, kind))


def instead(kind: str) -> Callable[[bytes], bytes]:
    return lambda request: INSTEAD["foreign page" if request.startswith(b"GET /login ") else kind]


async def kept(page: Page) -> None:
    """Wait until the page is controlled, and was shown once under its worker."""
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    await expect(page.locator("#live")).to_be_visible(timeout=AGAIN_MS)  # not the waiting page
    await comes_true(page, "navigator.serviceWorker.controller !== null")


async def test_a_screen_that_restarts_behind_such_a_proxy_shows_its_last_state_and_recovers_by_itself(
    browser: Browser,
) -> None:
    async def restarts(path: str, kind: str) -> None:
        desk = desk_in("moderate")
        async with (
            served(desk) as there, wired(there) as (address, wire), await browser.new_context(viewport=STELE) as context
        ):  # fmt: skip
            page = await context.new_page()
            await page.goto(address + path)
            await kept(page)
            await page.close()
            wire.answers(instead(kind))
            page = await context.new_page()
            for _ in range(2):  # it may not spoil what is kept, either
                await page.goto(address + path)
                await expect(page.get_by_text("Stufe 2 von 4").first).to_be_visible(timeout=AGAIN_MS)
                await expect(page.locator("#lost")).to_be_visible(timeout=AGAIN_MS)
            desk.take(outcome("B", meaning("Extreme"), stamp=1))
            wire.answers(None)
            await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible(timeout=AGAIN_MS)
            await expect(page.locator("#lost")).to_be_hidden(timeout=AGAIN_MS)

    steles = [("/stele/d1", kind) for kind in INSTEAD]
    await side_by_side(restarts, [*steles, ("/embed/d1", "502"), ("/embed/d1", "foreign page")])


async def test_a_stele_that_nobody_opened_before_says_no_data_behind_such_a_proxy_and_recovers_by_itself(
    browser: Browser,
) -> None:
    async def opens(path: str, kind: str) -> None:
        desk = desk_in("moderate")
        async with (
            served(desk) as there, wired(there) as (address, wire), await browser.new_context(viewport=STELE) as context
        ):  # fmt: skip
            page = await context.new_page()
            await page.goto(f"{address}/stele/d1")
            await kept(page)
            wire.answers(instead(kind))
            await page.goto(address + path)
            no_data = page.get_by_role("heading", name="Keine verlässlichen Daten")
            await expect(no_data).to_be_visible(timeout=AGAIN_MS)
            wire.answers(None)
            await expect(page.locator("#live")).to_be_visible(timeout=AGAIN_MS)
            assert page.url == address + path

    await side_by_side(opens, [("/stele/d2", kind) for kind in ("502", "foreign page", "redirect to elsewhere")])


async def test_a_page_that_is_open_keeps_what_it_shows_behind_such_a_proxy_and_catches_up(browser: Browser) -> None:
    async def stays(path: str, kind: str) -> None:
        desk = desk_in("moderate")
        async with (
            served(desk) as there, wired(there) as (address, wire), opened(browser, address + path, WIDE) as page
        ):  # fmt: skip
            await comes_true(page, "source.readyState === EventSource.OPEN")
            wire.answers(instead(kind))
            await expect(page.locator("#lost")).to_be_visible(timeout=AGAIN_MS)
            await expect(page.get_by_text("Stufe 2 von 4").first).to_be_visible(timeout=AGAIN_MS)
            desk.take(outcome("B", meaning("Extreme"), stamp=1))
            wire.answers(None)
            await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible(timeout=AGAIN_MS)
            await expect(page.locator("#lost")).to_be_hidden(timeout=AGAIN_MS)

    desks = [("/", kind) for kind in INSTEAD if kind != "503"]
    await side_by_side(stays, [*desks, ("/stele/d1", "503"), ("/embed/d1", "foreign page")])


async def test_a_screen_with_a_wrong_address_says_so_and_does_not_ask_for_ever(browser: Browser) -> None:
    async with served(desk_in("moderate")) as address, await browser.new_context(viewport=STELE) as context:
        page = await context.new_page()
        await page.goto(address + "/stele/d1")
        await kept(page)
        found = await page.goto(address + "/stele/nowhere")
        assert found
        assert found.status == 404
        await expect(page.locator("#error-404")).to_contain_text("nowhere")


async def test_a_redirect_to_a_page_of_ours_is_followed(browser: Browser) -> None:
    async with served(desk_in("moderate")) as address, opened(browser, f"{address}/stele/d1", STELE) as page:
        await kept(page)
        await page.goto(f"{address}/stele/d1/")
        await expect(page.get_by_text("Stufe 2 von 4")).to_be_visible()
        assert page.url == f"{address}/stele/d1"


@pytest.mark.parametrize("made", ["before", "last"])
async def test_a_page_that_a_proxy_kept_is_never_taken_for_a_new_one(browser: Browser, made: str) -> None:
    desk = desk_in("calm")
    async with served(desk) as there, wired(there) as (address, wire), httpx.AsyncClient() as client:
        old = (await client.get(f"{there}/stele/d1")).text
        await asyncio.sleep(3)
        async with await browser.new_context(viewport=STELE, service_workers="block") as context:
            page = await context.new_page()
            desk.take(outcome("B", meaning("Extreme"), stamp=1))
            await page.goto(f"{address}/stele/d1")
            await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible()
            await comes_true(page, SETTLED)
            last = f"<!doctype html>{await page.evaluate('document.documentElement.outerHTML')}\n"
            copy = answer("200 OK", old if made == "before" else last, HTML)
            wire.answers(lambda request: copy if request.startswith(b"GET /stele/") else INSTEAD["502"])
            await expect(page.locator("#lost")).to_be_visible(timeout=AGAIN_MS)
            await expect(page.get_by_text("Stufe 4 von 4").first).to_be_visible()
            wire.answers(None)
            await expect(page.locator("#lost")).to_be_hidden(timeout=AGAIN_MS)
