"""What the routes of both sites share: the site they belong to, its pages, its pictures and who is signed in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException

from geofences import District
from warnsys.channels.registry import called, channel_of, pausable, said_parts
from warnsys.channels.words import in_language
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules
from warnsys.reach import Reach
from warnsys.records import Action
from warnsys.settings import Settings
from warnsys.warning.matching import Matcher
from warnsys.warning.text import direction
from warnsys.web.board import Board
from warnsys.web.errors import UnknownValueError
from warnsys.web.names import NameForms, forms_of
from warnsys.web.pictures import STANDS_S, Pictures
from warnsys.web.reasons import in_words
from warnsys.web.security import CHALLENGE, Operators
from warnsys.web.views import measured, span, unbroken, without_control_characters
from warnsys.web.words import LANGUAGES, words

FOLDER = Path(__file__).parent


def _icons() -> dict[str, str]:
    """By name what is between the tags of each symbol of static/icons.svg."""
    symbols = (FOLDER / "static" / "icons.svg").read_text("utf-8").split('<symbol id="')[1:]
    each = (symbol.partition('" viewBox="0 0 24 24">') for symbol in symbols)
    return {name: rest.partition("</symbol>")[0] for name, _, rest in each}


ICONS = _icons()


async def pictured(request: Request) -> Board:
    """The board as it is now, for an answer. A coroutine, so it runs in the loop, between two records."""
    pictures: Pictures = request.app.state.pictures
    return pictures.now()


BoardPicture = Annotated[Board, Depends(pictured)]


class NamedDistrict(NamedTuple):
    """A district as the search goes through them."""

    city: CityRules
    district: District
    forms: NameForms
    """Of its names and its city's."""


@dataclass(frozen=True)
class Site:
    """What routes need."""

    settings: Settings
    matcher: Matcher
    board: Board
    act: Callable[[Action], Awaitable[None]]
    """Puts an operator's action onto its topic. Raises what the broker says."""
    metrics: Metrics = field(default_factory=Metrics)
    alive: Callable[[], bool] = lambda: True
    """Whether what feeds the board is at work."""
    stands_s: float = STANDS_S
    """How old a picture may be."""
    reach: Reach = field(default_factory=Reach)
    """Which cells of the districts the DWD does not have."""

    @cached_property
    def pictures(self) -> Pictures:
        """Of the board, for both sites."""
        return Pictures(self.board, self.stands_s)

    @cached_property
    def named_districts(self) -> tuple[NamedDistrict, ...]:
        """Of all cities, which stay the same while a process runs."""
        return tuple(
            NamedDistrict(city, one, forms_of(f"{city.place.name} {one.name} {one.short_name}"))
            for city in self.board.cities.values()
            for one in city.place.districts
        )

    def district(self, district_id: str, given_in: str = "path") -> tuple[CityRules, District]:
        """Raises `UnknownValueError` where there is none, which names the parameter `district` and where it stood."""
        for city in self.board.cities.values():
            for district in city.place.districts:
                if district.id == district_id:
                    return city, district
        raise UnknownValueError("district", f"no district {district_id!r}", given_in)

    def city(self, city_id: str) -> CityRules:
        """Raises `UnknownValueError` where there is none."""
        if city_id not in self.board.cities:
            raise UnknownValueError("city", f"no city {city_id!r}")
        return self.board.cities[city_id]


@cache
def _templates() -> jinja2.Environment:
    """All templates, each compiled once for all pages of the process."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "plain": without_control_characters,
        "in_language": in_language,
        "direction": direction,
        "span": span,
        "reason": in_words,
        "unbroken": unbroken,
        "measured": measured,
    }
    found.globals |= {
        "icon": drawn, "drawn": drawn, "called": called, "channel_of": channel_of, "parts": said_parts,
        "pausable": pausable,
    }  # fmt: skip
    return found


class Pages:
    """Renders templates. `embedded`: each page says that it runs on the embedded broker, which keeps nothing."""

    def __init__(self, *, embedded: bool = False) -> None:
        self._embedded = embedded

    def part(self, name: str, part: str) -> Callable[..., Markup]:
        """A macro of a template."""
        made: Callable[..., Markup] = getattr(_templates().get_template(name).module, part)
        return made

    def render(
        self, name: str, language: str, board: Board, values: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        return HTMLResponse(self.text(name, language, board, values), status)

    def text(self, name: str, language: str, board: Board, values: Mapping[str, Any]) -> str:
        return _templates().get_template(name).render(
            t=words(language), lang=language, other="en" if language == "de" else "de", board=board,
            exercise=board.exercise, stage=board.stage, served=board.pictured_at,
            embedded=self._embedded, **values,
        )  # fmt: skip


def drawn(name: str) -> Markup:
    """A drawing of static/icons.svg: an event group's, or another's that stands there.

    It is within the page, so it stays when the server is gone, and does not vanish for a moment with each refresh.
    """
    known = name.lower() if name.lower() in ICONS else "warning"
    inside = Markup(ICONS[known])  # noqa: S704 - our own file
    return Markup('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(inside)


def language_of(request: Request) -> str:
    """By the switch (`?lang=en`), else German."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def signed_in(operators: Operators) -> Callable[[Request], Awaitable[str]]:
    """A dependency: the operator's name. Raises HTTPException 401."""

    async def name(request: Request) -> str:
        if found := await operators.name(request):
            return found
        raise HTTPException(401, "sign in as an operator", CHALLENGE)

    return name
