"""The QR code of a stele, and its quiet nights."""

import re
from datetime import timedelta

import pytest
import segno
from lxml import html
from playwright.async_api import Browser, expect

from tests.support import meaning, outcome, snapshot, tick
from tests.web.conftest import served
from tests.web.sites import Desk
from tests.web.states import ADVANCE, GUSTS, STATES, Town
from tests.web.test_browser import STELE, TOWN, opened
from tests.web.test_largest import parts
from warnsys.simulation.message import StoryMessage
from warnsys.web.qr import MOST_CHARS

LINK = "https://warnungen.example/district/{district}"


def codes(of: Desk, path: str = "/stele/d1") -> list[html.HtmlElement]:
    return parts(html.fromstring(of.public.get(path).text), "//*[@class='code']")


def calm(link: str = LINK) -> Desk:
    return Desk().take(tick(0), snapshot(0)).linked(link)


def test_a_stele_has_a_code_with_the_districts_address_and_says_it_in_words() -> None:
    desk = calm()
    (code,) = codes(desk)
    address = "https://warnungen.example/district/d1"
    assert (code.get("role"), code.get("aria-label")) == ("img", f"QR-Code: {address}")
    assert "Auf dem Telefon: warnungen.example/district/d1" in desk.public.get("/stele/d1").text
    drawn = html.tostring(code, encoding="unicode")
    (modules,) = re.findall(r'stroke="#000" d="([^"]+)"', drawn)
    assert modules in segno.make_qr(address, error="m").svg_inline(omitsize=True)
    assert "style" not in drawn


@pytest.mark.parametrize("state", STATES)
def test_it_stands_in_every_state(state: str) -> None:
    assert len(codes(STATES[state]().linked(LINK), f"/stele/{TOWN}")) == 1


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/warnungen/{city}/{district}", "", "javascript:alert(1)", "ftp://warnungen.example/",
        "warnungen.example", f"https://warnungen.example/{'x' * MOST_CHARS}", "https://warnungen.example/\u202e",
    ],
)  # fmt: skip
def test_without_an_address_that_a_phone_opens_there_is_none(link: str) -> None:
    desk = calm(link)
    assert codes(desk) == []
    assert "Auf dem Telefon" not in desk.public.get("/stele/d1").text


def test_a_tile_and_a_card_have_none() -> None:
    assert codes(calm(), "/stele/d1?small=1") == codes(calm(), "/embed/d1") == []


def test_a_hostile_address_in_the_settings_is_text() -> None:
    text = calm('https://warnungen.example/"><script>alert(1)</script>').public.get("/stele/d1").text
    assert "<script>alert" not in text


# -- quiet at night -------------------------------------------------------------------------------------------------


def quiet(desk: Desk, path: str = "/stele/d1") -> bool:
    (live,) = parts(html.fromstring(desk.public.get(path).text), "//*[@id='live']")
    return live.get("data-quiet") is not None


@pytest.mark.parametrize("state", STATES)
def test_only_what_is_calm_by_fresh_data_may_be_quiet(state: str) -> None:
    assert quiet(STATES[state](), f"/stele/{TOWN}") == (state == "calm")


def test_nothing_is_quiet_while_no_record_comes() -> None:
    desk = calm()
    assert quiet(desk)
    assert not quiet(desk.later(1))
    desk.later(0).board.connected = False
    assert not quiet(desk)


def test_a_record_that_is_clear_and_not_fresh_is_not_quiet() -> None:
    desk = calm()
    held = desk.board.steles["d1"]
    for freshness in ("stale", "incomplete", "none"):
        desk.board.steles["d1"] = held.model_copy(update={"freshness": freshness})
        assert not quiet(desk)


def at_night(minute: float, *messages: StoryMessage) -> Town:
    town = Town().tick(minute - 60)
    return town.snap(minute - 5, *messages).snap(minute, *messages)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("minute", "dark"), [(470, False), (490, True), (950, True), (970, False)])
async def test_from_ten_to_six_a_screen_on_which_nothing_stands_is_dark(
    browser: Browser, minute: float, dark: bool
) -> None:
    """By the city's clocks, which are two hours ahead of UTC in July; minutes count from noon UTC."""
    async with served(at_night(minute)) as address, opened(browser, f"{address}/stele/{TOWN}", STELE) as page:
        assert await page.locator(".night").count() == dark
        ground = await page.locator("#live").evaluate("(one) => getComputedStyle(one).backgroundColor")
        assert (ground == "rgb(0, 0, 0)") == dark
        assert await page.evaluate("document.getAnimations().length") == 0
        town_time = timedelta(minutes=minute) + timedelta(hours=14)
        await expect(page.locator("#time")).to_contain_text(f"{town_time.seconds // 3600:02}:")
        if dark:
            await page.evaluate("lost('Keine Verbindung'); clock()")
            assert not await page.locator(".night").count(), "it must be seen that the connection is lost"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("message", [GUSTS, ADVANCE])
async def test_whatever_is_in_force_or_announced_lights_the_screen_at_night(
    browser: Browser, message: StoryMessage
) -> None:
    standing = message.model_copy(update={"at": 480, "onset": 600, "until": 900})
    town = at_night(600, standing)
    record = town.board.stele(TOWN)
    assert record is not None
    assert record.items
    async with served(town) as address, opened(browser, f"{address}/stele/{TOWN}", STELE) as page:
        await expect(page.locator("#first")).to_be_visible()
        assert not await page.locator(".night").count()


@pytest.mark.asyncio(loop_scope="module")
async def test_without_a_script_there_is_no_clock(browser: Browser) -> None:
    async with (
        served(at_night(600)) as address,
        opened(browser, f"{address}/stele/{TOWN}", STELE, java_script_enabled=False) as page,
    ):
        await expect(page.get_by_role("heading", name="Keine Wetterwarnung")).to_be_visible()
        await expect(page.locator("#time")).to_have_text("")


def test_a_warning_is_never_quiet() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Minor")), snapshot(0, "A"))
    assert not quiet(desk)
