"""Screenshots of dashboard and stele in every state that matters, for the docs: `make screens`.

PNGs of few colours: large flat areas, so each stays below 100 kB.
"""

import asyncio
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, ViewportSize

from tests.web.conftest import chromium, served
from tests.web.states import STATES, Town

WIDE: ViewportSize = {"width": 1920, "height": 1080}
STELE: ViewportSize = {"width": 1080, "height": 1920}
COLOURS = 48
PHONE: ViewportSize = {"width": 412, "height": 915}
STELE_ONLY = ("moderate", "expired")
"""States that say nothing new of the dashboard."""
ON_PHONES = {"severe": ("start", "district"), "no-data": ("start",)}
"""States in which the pages for everybody are shown."""
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


def _district(town: Town) -> str:
    return town.city.rules.place.districts[0].id


async def _shot(browser: Browser, address: str, size: ViewportSize, scheme: str, path: Path) -> None:
    page = await browser.new_page(viewport=size, color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(address)
    await page.wait_for_timeout(700)  # the map's outlines come after the page
    picture = Image.open(io.BytesIO(await page.screenshot()))
    await page.close()
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(shoot(Path(sys.argv[1]), sys.argv[2:] or list(STATES)))
