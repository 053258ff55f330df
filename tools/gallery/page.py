"""The gallery's page: its sections, and what stands in each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, get_args

import jinja2
from fastapi.routing import APIRoute
from lxml import html
from markupsafe import Markup
from starlette.testclient import TestClient

from tests.web.states import Town
from tools.gallery.cutting import (
    BLIND,
    RESTING,
    STATIC,
    TURNING,
    alone,
    having,
    looks,
    minded,
    piece,
    said,
    sounding,
    styles,
    tree,
)
from tools.gallery.towns import TOWNS, posted
from warnsys.channels.wording import clock, moment
from warnsys.records import ChannelPause
from warnsys.web.held_back import HeldBack
from warnsys.web.orders import Ordered
from warnsys.web.site import ICONS, Pages, drawn
from warnsys.web.told import Cell
from warnsys.web.views import Item, district_view
from warnsys.web.words import words

TOWN = "solingen-1"
LEVELS = (1, 2, 3, 4)
WAYS: tuple[str, ...] = get_args(Cell.__annotations__["state"])
WHYS = ("held-advance", "held-never", "held-group", "held-below")
MACROS = {
    "badge": "Levels", "grade": "Levels", "scale": "Levels", "countdown": "Times", "marks": "Marks", "order": "Marks",
    "ordered": "Marks", "way": "Who was told", "story": "Who was told", "listed": "Cards", "further": "Cards",
    "last_known": "Cards", "last_plainly": "Pages", "over_plainly": "Pages", "message_row": "Pages",
    "received": "Pages", "sent": "Pages",
    "sight": "Pages", "keys": "Pages", "legend": "Pages", "meaning_of_marks": "Pages", "warning": "Pages",
    "held": "Pages", "told_to": "Pages", "lanes": "Pages", "sent_line": "Pages", "alarms": "Pages",
    "help_beside": "Pages", "patterns": "Pages", "checked": "Buttons and fields",
}  # fmt: skip
"""Each macro of the templates, and the section that shows it."""
ORDERS = ("stopping", "stopped", "resuming")
PORTRAIT, LANDSCAPE, SMALL, CARD, DESK, SHEET = (216, 384), (480, 270), (480, 270), (300, 250), (1280, 800), (640, 480)
NO_PAGES = ("/metrics", "/health/", "/api/", "/sw.js", "/stele/", "/embed/", "/umgebung.geojson")


@dataclass(frozen=True, slots=True)
class Shown:
    """One part in one state."""

    name: str
    part: Markup


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    says: str
    shown: tuple[Shown, ...]


def gallery() -> "Gallery":
    return Gallery({name: make() for name, make in TOWNS.items()})


@dataclass
class Gallery:
    """Over towns, each with its pages."""

    towns: dict[str, Town]

    def text(self) -> str:
        templates = jinja2.Environment(loader=jinja2.PackageLoader("tools.gallery", ""), autoescape=True)
        return templates.get_template("gallery.html").render(
            sections=self.sections, styles=Markup(styles("warnsys.css", "desk.css")), patterns=self._patterns
        )  # fmt: skip

    @cached_property
    def sections(self) -> list[Section]:
        return [
            Section("Tokens", "One set for all pages: `:root` in warnsys.css.", tuple(_tokens())),
            Section("Levels", "Colour, pattern and number; an advance notice is never filled.", tuple(self._levels())),
            Section("Times", "What a warning says of its time.", tuple(self._times())),
            Section("Marks", "What stands above a page.", tuple(self._marks())),
            Section("Buttons and fields", "At rest, under the focus, chosen, wrong.", tuple(self._controls())),
            Section("Warnings", "What holds, as the desk lists it.", tuple(self._warnings())),
            Section("Who was told", "A warning by channel and audience.", tuple(self._told())),
            Section("Districts, map and timeline", "Where, and when.", tuple(self._places())),
            Section("Sources", "A strip that opens when something is ill.", tuple(self._sources())),
            Section("Drawings", "static/icons.svg", tuple(Shown(name, drawn(name)) for name in sorted(ICONS))),
            Section("Cards", "300 by 250, as in another site.", tuple(self._cards())),
            Section("Steles", "Portrait, landscape and tile.", tuple(self._steles())),
            Section("Pages", "Whole, also in an exercise and without data.", tuple(self._pages())),
        ]

    # -- parts --------------------------------------------------------------------------------------------------------

    def _levels(self) -> Iterator[Shown]:
        for advance in (False, True):
            for level in LEVELS:
                name = f"level {level}{', advance notice' if advance else ''}"
                yield Shown(name, self._macro("parts.html", "badge", level, advance))
                yield Shown(f"{name}, short", self._macro("told.html", "grade", level, advance))
        for level in (0, *LEVELS):
            yield Shown(f"scale, {level}", Pages().part("parts.html", "scale")(level))
        for one in looks((one for desk in self._desks.values() for one in having(desk, "districts")), "badge"):
            yield Shown("a district", piece(one))

    def _times(self) -> Iterator[Shown]:
        item = self._items("heat and storm")[0]
        for name, one in {
            "begins": replace(item, starts_in_s=4000.0), "ends": replace(item, starts_in_s=-1.0, ends_in_s=4000.0),
            "open end": replace(item, starts_in_s=-1.0, ends_in_s=None), "expired": replace(item, phase="expired"),
        }.items():  # fmt: skip
            yield Shown(name, self._macro("parts.html", "countdown", one))

    def _marks(self) -> Iterator[Shown]:
        yield Shown("an exercise", self._macro("parts.html", "marks", True, "sommergewitter"))
        asked = self.towns["calm"].now
        order = ChannelPause(
            stage="live", channel="push", reason="Fehlalarm", by="Leitstelle A", at=asked,
            until=asked + timedelta(minutes=30),
        )  # fmt: skip
        for state in ORDERS:
            for late in (False, True) if state != "stopped" else (False,):
                one = Ordered(order, state != "resuming", () if state == "stopped" else ("Solingen",), late)
                part = self._macro("parts.html", "ordered", [one], moment, self._zone, "de")
                yield Shown(f"{one.state}{', not answered' if late else ''}", part)
        for mark in looks(self._desks.values(), "mark"):
            yield Shown("", piece(mark))
        (mark, *_) = having(self._desks["stopped"], "stop")
        yield Shown("an order that was not sent", piece(said(mark, words("de")("unsent"))))
        yield Shown("under the focus", piece(minded(mark, "button")))

    def _controls(self) -> Iterator[Shown]:
        desk = self._desks["stopped"]
        for state in ("off", "on"):
            (place,) = having(desk, "sound")
            yield Shown(f"sound {state}", piece(sounding(place, state), named=state == "on"))
        (buttons,) = having(self._desks["extreme"], "buttons")
        yield Shown("under the focus", piece(minded(buttons, "button")))
        (form, *_) = (one for one in having(self._desks["extreme"], "seen") if one.tag == "form")
        yield Shown("to acknowledge", piece(form))
        yield Shown("not sent", piece(said(form, words("de")("unsent"))))
        wrong = {"channel": "sms", "reason": "", "by": "Leitstelle A", "minutes": "30"}
        (sheet,) = having(tree(posted(self.towns["stopped"], "/act/stop", **wrong)), "sheet")
        yield Shown("a form that was wrong", piece(sheet))

    def _warnings(self) -> Iterator[Shown]:
        for one in looks(self._desks.values(), "warning"):
            yield Shown(
                "", Markup('<section class="panel holds"><ul class="warnings">{}</ul></section>').format(piece(one))
            )
        for kind in ("neighbours", "nothing"):
            for one in looks(self._desks.values(), kind):
                yield Shown("", Markup('<section class="panel holds">{}</section>').format(piece(one)))

    def _told(self) -> Iterator[Shown]:
        at = self.towns["calm"].now
        for state in WAYS:
            held = [Cell("push", "public", state, why, "Severe") for why in WHYS]  # type: ignore[arg-type]  # any state
            before = [0, 2] if state != "missing" else [0]
            whys = f"way-{state}"
            other = [
                Cell("push", "public", state, whys, at=at if level or state == "told" else None, level=level or 3)  # type: ignore[arg-type]  # any state
                for level in before
            ]
            for one in held if state == "held" else other:
                part = self._macro("told.html", "way", one, 3, lambda when: clock(when, self._zone)["de"])
                cell = Markup('<table class="matrix"><tr><td class="way {}">{}</td></tr></table>').format(state, part)
                yield Shown(f"{state}{', other level' if one.at and one.level == 2 else ''}", cell)
        for level, told in ((3, None), (3, at), (0, None)):
            back = HeldBack(at, "x", "schweres Gewitter", level, ("public", "staff"), told)
            part = self._macro("told.html", "story", back, lambda when: clock(when, self._zone)["de"], "de")
            yield Shown("held back", Markup('<div class="heldback"><ul><li>{}</li></ul></div>').format(part))
        for kind in ("told", "sent"):
            for one in looks((self._desks[name] for name in ("stopped", "resuming", "calm", "no data")), kind):
                if "panel" in one.get("class", "").split():
                    yield Shown("", piece(one))

    def _places(self) -> Iterator[Shown]:
        for name in ("stale", "no data", "expired", "advance", "a district without data"):
            for one in having(self._desks[name], "districts")[:1]:
                yield Shown(
                    f"districts, {name}", Markup('<section class="panel where">{}</section>').format(piece(one))
                )
        fills = [*(f"{kind}-{level}" for kind in ("level", "advance") for level in LEVELS), "no-data"]
        for fill in fills:
            yield Shown(fill, _place(f'<path class="place" fill="url(#{fill})" d="M2 2h96v56H2z"/>'))
        yield Shown(
            "a district under the focus", _place('<path class="place focus-visible" fill="none" d="M4 4h92v52H4z"/>')
        )
        for level in LEVELS:
            line = '<path class="outline {} level-{}" fill="none" stroke-width="{}" d="M5 50Q50-20 95 50"/>'
            yield Shown(f"outline, {level}", _place(line.format("casing", level, 6) + line.format("line", level, 3)))
        for name in ("with its night", "advance notice and gale", "expired"):
            (one,) = having(self._desks[name], "time")
            yield Shown(f"timeline, {name}", piece(one))
        (time,) = having(self._desks["extreme"], "time")
        yield Shown("a lane under the focus", piece(minded(time, "lane")))
        yield Shown("a lane under the pointer", piece(minded(time, "lane", "hover")))

    def _sources(self) -> Iterator[Shown]:
        for one in looks(self._desks.values(), "strip"):
            yield Shown("", piece(one))

    # -- whole screens ------------------------------------------------------------------------------------------------

    def _cards(self) -> Iterator[Shown]:
        for name in self.towns:
            yield _frame(f"card, {name}", self._text(name, f"/embed/{TOWN}"), CARD, TURNING)
        yield _frame("card, stopped by its reader", self._text("many", f"/embed/{TOWN}"), CARD, RESTING)
        for name in ("heat and storm", "many"):
            yield _frame(f"card, {name}, the server is gone", self._text(name, f"/embed/{TOWN}"), CARD, BLIND)
        yield _frame("card, without a script", self._text("many", f"/embed/{TOWN}?lang=en"), CARD, "")

        more = self._macro("parts.html", "further", self._items("heat and storm")[1:], 3, words("de")("besides"))
        yield Shown(
            "more than a record holds", Markup('<div class="embed-page"><div class="card">{}</div></div>').format(more)
        )

    def _steles(self) -> Iterator[Shown]:
        for name in self.towns:
            yield _frame(f"stele, {name}", self._text(name, f"/stele/{TOWN}"), PORTRAIT, TURNING)
        gone = self._text("heat and storm", f"/stele/{TOWN}")
        yield _frame("stele, stopped by a passer-by", gone, PORTRAIT, RESTING)
        yield _frame("stele, the server is gone", gone, PORTRAIT, BLIND)
        yield _frame("stele, never shown before", (STATIC / "waiting.html").read_text("utf-8"), PORTRAIT, "")
        for name in ("heat and storm", "advance", "moderate", "no data"):
            yield _frame(f"stele, landscape, {name}", self._text(name, f"/stele/{TOWN}"), LANDSCAPE, TURNING)
            yield _frame(f"stele, tile, {name}", self._text(name, f"/stele/{TOWN}?small=1"), SMALL, TURNING)
        yield _frame("stele, landscape, the server is gone", gone, LANDSCAPE, BLIND)

    def _pages(self) -> Iterator[Shown]:
        yield _frame("desk, an exercise", self._text("exercise", "/"), DESK, "")
        for name in ("extreme", "calm"):
            blind = self._text(name, "/").replace('id="live" class="desk', 'id="live" class="desk blind', 1)
            yield _frame(f"desk, {name}, the server is gone", blind, DESK, "")
        town = self.towns["stopped"]
        for path in _paths(town, town.operators):
            yield _frame(f"page {path}", self._text("stopped", path), DESK if path == "/" else SHEET, "")
        for path in _paths(town, town.public):
            yield _frame(f"public page {path}", town.public.get(path).text, SHEET, "")
        town.broker = False
        failed = posted(town, "/act/acknowledge", city="solingen", base_id="x", level="3", by="Leitstelle A")
        yield _frame("page, an order that failed", failed, SHEET, "")
        yield _frame("page, there is none", self._text("stopped", "/nothing"), SHEET, "")

    # -- from where ---------------------------------------------------------------------------------------------------

    @cached_property
    def _desks(self) -> dict[str, html.HtmlElement]:
        return {name: tree(self._text(name, "/")) for name in self.towns}

    def _text(self, town: str, path: str) -> str:
        return self.towns[town].operators.get(path, headers={"Accept": "text/html"}).text

    def _items(self, town: str) -> tuple[Item, ...]:
        board, city = self.towns[town].board.picture(), self.towns[town].city.rules
        return district_view(board, city, city.place.district(TOWN), "de").items

    @property
    def _patterns(self) -> Markup:
        (found,) = having(self._desks["calm"], "patterns")
        return piece(found, named=False)

    @property
    def _zone(self) -> Any:
        return self.towns["calm"].city.rules.place.timezone

    def _macro(self, template: str, name: str, *values: Any) -> Markup:
        """A macro in German, its drawings in it."""
        made = Pages().part(template, name)(words("de"), *values)
        return piece(tree(f"<div>{made}</div>").xpath("//body/div")[0])


def _place(inside: str) -> Markup:
    return Markup(f'<svg class="leaflet-container" viewBox="0 0 100 60" width="100" height="60">{inside}</svg>')


def _frame(name: str, page: str, size: tuple[int, int], script: str) -> Shown:
    frame = '<iframe title="{}" width="{}" height="{}" srcdoc="{}"></iframe>'
    return Shown(name, Markup(frame).format(name, *size, alone(page, script)))


def _tokens() -> Iterator[Shown]:
    """By name, each with what it does where that can be seen."""
    root = (STATIC / "warnsys.css").read_text("utf-8").partition(":root {")[2].partition("}")[0]
    for name, value in re.findall(r"(--[\w-]+): ([^;]+);", root):
        if value.startswith("#"):
            part = '<span class="swatch" style="background:var({0})"></span>'
        elif name.startswith("--t-"):
            part = '<span style="font-size:var({0})">Gewitter</span>'
        elif name.startswith("--s-"):
            part = '<span class="space" style="width:var({0})"></span>'
        elif name == "--ring":
            part = '<span class="swatch" style="outline:var({0})"></span>'
        elif name == "--raised":
            part = '<span class="swatch" style="box-shadow:var({0})"></span>'
        else:
            part = '<span class="swatch" style="border-radius:var({0})"></span>'
        yield Shown(f"{name}: {value}", Markup(part.format(name)))


def _paths(town: Town, site: TestClient) -> list[str]:
    """Every page of a site that takes no more than what a town has."""
    alert = next(one for one in town.board.alerts if one.endswith("storm"))
    known = {"alert": alert, "channel": "push", "district": TOWN}
    paths = [one.path for one in _asked(site.app)]
    fields: dict[str, set[str]] = {
        path: set(re.findall(r"{(\w+)}", path)) for path in paths if not path.startswith(NO_PAGES)
    }
    return [path.format(**known) for path, needs in fields.items() if needs <= known.keys()]


def _asked(site: Any) -> Iterator[APIRoute]:
    """What a site answers to a question, and the routers in it."""
    for route in site.routes:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from _asked(router)
        elif isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route
