"""The QR code of a stele: it leads a phone to the district's page, where the settings name its address."""

from functools import lru_cache

import segno
from markupsafe import Markup

from warnsys.channels.common import district_link
from warnsys.channels.wording import CityInfo
from warnsys.settings import EXAMPLE

MOST_CHARS = 120
"""Of an address: a longer one makes a code that no phone reads off a screen some steps away."""
SCHEMES = ("https://", "http://")


def public_address(place: CityInfo, district: str) -> str:
    """Where a push about a district leads; "" where that is no address that a phone could open."""
    link = district_link(place, district)
    good = link.startswith(SCHEMES) and EXAMPLE not in link and len(link) <= MOST_CHARS and link.isprintable()
    return link if good else ""


@lru_cache(maxsize=1024)
def drawn_code(address: str) -> Markup:
    """An SVG in black on white with the quiet edge that readers need; no style, for our policy forbids it."""
    code = segno.make_qr(address, error="m")
    return Markup(code.svg_inline(omitsize=True, svgclass=None, lineclass=None, dark="#000", light="#fff"))  # noqa: S704 - drawn squares, no text
