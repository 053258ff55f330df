"""Cuts components out of whole pages, and makes whole pages stand by themselves."""

import copy
from collections.abc import Iterable
from itertools import count

from lxml import html
from markupsafe import Markup

from warnsys.web.site import FOLDER

STATIC = FOLDER / "static"
_REFERS = ("id", "for", "aria-labelledby", "aria-describedby")
_HANGS = ("focus-visible", "hover")
"""What people do to a part, and the class under which the gallery shows it."""
_number = count()


def styles(*sheets: str) -> str:
    """The shipped styles; what is shown under focus or pointer is shown for the classes of that name, too."""
    text = "\n".join((STATIC / sheet).read_text("utf-8") for sheet in sheets)
    for name in _HANGS:
        text = text.replace(f":{name}", f":is(:{name}, .{name})")
    return text


def tree(page: str) -> html.HtmlElement:
    return html.document_fromstring(page)


def having(root: html.HtmlElement, kind: str) -> list[html.HtmlElement]:
    """The elements of a class that are to be seen, in their order."""
    found = root.xpath(f'.//*[contains(concat(" ", normalize-space(@class), " "), " {kind} ")]')
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, html.HtmlElement) and one.get("hidden") is None]


def looks(roots: Iterable[html.HtmlElement], kind: str) -> list[html.HtmlElement]:
    """Elements of a class, one of each look: by its own classes and those of what is in it."""
    found: dict[tuple[str, ...], html.HtmlElement] = {}
    for root in roots:
        for one in having(root, kind):
            classes = {str(each.tag) + "." + each.get("class", "") for each in one.iter() if isinstance(each.tag, str)}
            found.setdefault((one.get("class", ""), *sorted(classes)), one)
    return list(found.values())


def piece(element: html.HtmlElement, *, named: bool = True) -> Markup:
    """An element as it stands in the gallery: with ids of its own, unless it is known by them (`named` false)."""
    cut = copy.deepcopy(element)
    prefix = f"g{next(_number)}-"
    for one in cut.iter():
        for attribute in _REFERS if named else ():
            if (value := one.get(attribute)) is not None:
                one.set(attribute, " ".join(prefix + word for word in value.split()))
    return Markup(html.tostring(cut, encoding="unicode", with_tail=False))


def said(place: html.HtmlElement, text: str) -> html.HtmlElement:
    """A form or a mark with what forms.js says in it."""
    place = copy.deepcopy(place)
    place.append(html.fragment_fromstring(f'<span class="said" role="alert">{text}</span>'))
    return place


def sounding(place: html.HtmlElement, state: str) -> html.HtmlElement:
    """The buttons for the sound as dashboard.js shows them, `off` or `on`."""
    place = copy.deepcopy(place)
    for button in place.iter("button"):
        button.attrib.pop("hidden", None)
        button.text = button.get(f"data-{state}")
        if button.get("id") == "sound":
            button.set("class", state)
    return place


def minded(place: html.HtmlElement, kind: str, how: str = "focus-visible") -> html.HtmlElement:
    """A part whose first element of a class has the focus, or the pointer over it (`hover`)."""
    place = copy.deepcopy(place)
    (one, *_) = having(place, kind)
    one.set("class", f"{one.get('class')} {how}")
    return place


def alone(page: str, script: str = "") -> str:
    """A whole page that needs no server: with the styles in it, and no script but the one given."""
    root = tree(page)
    for one in list(root.iter("script", "noscript", "link", "meta")):
        sheet = one.get("href", "").removeprefix("/static/")
        if one.tag == "link" and sheet.endswith(".css") and "/" not in sheet:
            style = html.Element("style")
            style.text = styles(sheet)
            one.addnext(style)
        if one.tag != "meta" or one.get("http-equiv"):
            one.drop_tree()
    if script:
        added = html.Element("script")
        added.text = script
        root.find("body").append(added)
    return str(html.tostring(root, encoding="unicode", doctype="<!doctype html>"))


TURNING = 'const root = document.getElementById("live"), bornAt = performance.now();\n' + (
    STATIC / "stele.js"
).read_text("utf-8")
"""What sizes and turns stele and card, for a page to which no server answers."""
BLIND = TURNING + 'root.classList.add("blind"); document.getElementById("blind").hidden = false; prepare();'
"""As live.js does when a page's time is over."""
RESTING = TURNING + "paused = true; prepare();"
"""As after a reader's button."""
