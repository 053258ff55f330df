"""Screenshots of dashboard and stele in every state that matters, and of the gallery, for the docs: `make screens`.

PNGs of few colours: large flat areas, so each stays below 100 kB, the gallery's below 900 kB.
"""

import asyncio
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.async_api import Browser, ViewportSize

from tests.web.conftest import chromium, served
from tests.web.states import STATES, Town
from tools.gallery.page import gallery

WIDE: ViewportSize = {"width": 1920, "height": 1080}
STELE: ViewportSize = {"width": 1080, "height": 1920}
COLOURS = 48
PHONE: ViewportSize = {"width": 412, "height": 915}
STELE_ONLY = ("moderate", "expired")
"""States that say nothing new of the dashboard."""
ON_PHONES = {"severe": ("start", "district"), "no-data": ("start",)}
"""States in which the pages for everybody are shown."""
SIZES: dict[str, tuple[str, ViewportSize, int]] = {
    "desk": ("/", WIDE, 960),
    "desk-wall": ("/", {"width": 3840, "height": 2160}, 960),
    "desk-phone": ("/", PHONE, 412),
    "stele-portrait": ("/stele/{district}", STELE, 405),
    "stele-landscape": ("/stele/{district}", WIDE, 720),
    "stele-phone": ("/stele/{district}", PHONE, 412),
}
"""Page, size, and the width of the picture in the docs, of the state "severe"."""
GALLERY_WIDTH, GALLERY_PICTURE = 1600, 720
LINK = "https://warnungen.solingen.example/district/{district}"


async def shoot(folder: Path, names: list[str]) -> None:
    async with chromium() as browser:
        for name in names:
            town = STATES[name]().linked(LINK)
            async with served(town) as address:
                for scheme in ("dark", "light") if name not in STELE_ONLY else ():
                    await _shot(browser, f"{address}/", WIDE, scheme, folder / f"dashboard-{name}-{scheme}.png")
                await _shot(browser, f"{address}/stele/{_district(town)}", STELE, "light", folder / f"stele-{name}.png")
                for page in ON_PHONES.get(name, ()):
                    path = page if page == "start" else f"{page}/{_district(town)}"
                    await _shot(browser, f"{address}/{path}", PHONE, "light", folder / f"{page}-{name}.png")


async def shoot_sizes(folder: Path) -> None:
    """Desk and stele in every size, as `NAME-now.png` beside the `NAME-before.png` of a page that was."""
    town = STATES["severe"]().linked(LINK)
    async with chromium() as browser, served(town) as address:
        for name, (path, size, width) in SIZES.items():
            at = address + path.format(district=_district(town))
            await _shot(browser, at, size, "light", folder / f"{name}-now.png", width)


async def shoot_gallery(folder: Path) -> None:
    with TemporaryDirectory() as scratch:
        page = Path(scratch) / "gallery.html"
        page.write_text(gallery().text(), "utf-8")
        async with chromium() as browser:
            size: ViewportSize = {"width": GALLERY_WIDTH, "height": 1000}
            await _shot(browser, page.as_uri(), size, "light", folder / "gallery.png", GALLERY_PICTURE, whole=True)


def _district(town: Town) -> str:
    return town.city.rules.place.districts[0].id


async def _shot(
    browser: Browser,
    address: str,
    size: ViewportSize,
    scheme: str,
    path: Path,
    width: int | None = None,
    *,
    whole: bool = False,
) -> None:
    """With `width` the picture is made so wide; `whole` is all of a page that is longer than the screen."""
    page = await browser.new_page(viewport=size, color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(address)
    await page.wait_for_timeout(700)  # the map's outlines come after the page
    picture = Image.open(io.BytesIO(await page.screenshot(full_page=whole))).convert("RGB")
    await page.close()
    if width:
        picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(shoot(Path(sys.argv[1]), sys.argv[2:] or list(STATES)))
    if not sys.argv[2:]:
        asyncio.run(shoot_sizes(Path(sys.argv[1])))
        asyncio.run(shoot_gallery(Path(sys.argv[1])))
