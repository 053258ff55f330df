"""What the public was told as an Atom feed (RFC 4287)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree

from geofences import District
from warnsys.channels.words import in_language
from warnsys.records import PushNotice
from warnsys.web.board import Board
from warnsys.web.views import without_control_characters

NAMESPACE = "http://www.w3.org/2005/Atom"


def write(notices: Sequence[PushNotice], board: Board, address: str, district: District | None = None) -> bytes:
    """Newest first, UTF-8; `address` is the feed's own, `district` the one that it is of, None for all."""
    names = district.name if district else ", ".join(city.place.name for city in board.cities.values())
    of = f"{','.join(board.cities)}:{district.id}" if district else ",".join(board.cities)
    root = etree.Element(f"{{{NAMESPACE}}}feed", nsmap={None: NAMESPACE})  # type: ignore[dict-item] # the stubs' error
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "de")
    mark = f"ÜBUNG ({board.stage}) – " if board.exercise else ""
    _add(root, "title", f"{mark}Wetterwarnungen für {names}")
    _add(root, "id", f"urn:warnsys:{board.stage}:{of}")
    _add(root, "link", rel="self", href=address)
    _add(root, "updated", _time(max((one.issued for one in notices), default=board.now())))
    author = _add(root, "author")
    _add(author, "name", "warnsys, Datenbasis: Deutscher Wetterdienst")
    for notice in notices:
        entry = _add(root, "entry")
        _add(entry, "id", f"urn:uuid:{notice.id}")
        _add(entry, "title", without_control_characters(in_language(notice.title, "de")))
        _add(entry, "updated", _time(notice.issued))
        _add(entry, "link", rel="alternate", href=notice.link)
        _add(entry, "summary", without_control_characters(in_language(notice.body, "de")))
        _add(entry, "category", term=notice.group.lower())
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    child.text = text
    return child
