"""Bytes → `Alert`, or an error that says what is wrong and where.

Wrong in a way that endangers the meaning is refused; wrong in form only is mended and noted; what is merely new to us
is taken and noted. The parser loads no DTD, expands no entity and opens nothing.
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar, get_args

from lxml import etree

from warnsys.cap.errors import Misleading, NotCap, Unsafe
from warnsys.cap.model import (
    Alert,
    Area,
    Certainty,
    Circle,
    Finding,
    Info,
    MsgType,
    Named,
    Reference,
    Resource,
    Ring,
    Severity,
    Status,
    Urgency,
)

MAX_BYTES = 4 * 1024 * 1024
"""All of Germany in eight languages exceeds 1 MB; nothing seen comes near this."""

NAMESPACES = tuple(f"urn:oasis:names:tc:emergency:cap:1.{minor}" for minor in (2, 1))
OLDEST_NAMESPACE = "http://www.incident.com/cap/1.0"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
EXCLUDE_POLYGON = "EXCLUDE_POLYGON"

T = TypeVar("T")


def read_alert(body: bytes, *, max_bytes: int = MAX_BYTES) -> Alert:
    """Read one CAP message.

    Raises `Unsafe` for DTDs, entities and too many bytes, `NotCap` for anything that is not a well-formed alert, and
    `Misleading` where a value that decides who is warned, when or of what cannot be understood.
    """
    if len(body) > max_bytes:
        raise Unsafe("too-large", "/", f"{len(body)} bytes, at most {max_bytes} are read")
    root = _parse(body)
    return _Reader(root).alert()


def _parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, remove_comments=True,
        remove_pis=True, huge_tree=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise NotCap("not-xml", f"line {error.lineno}", f"{error.msg}") from error
    except ValueError as error:
        raise NotCap("not-xml", "/", str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unsafe("dtd", "/", "a document type declaration; CAP has none, and entities are never expanded")
    name = etree.QName(root)
    if name.localname != "alert" or name.namespace not in (*NAMESPACES, OLDEST_NAMESPACE):
        raise NotCap("not-cap", f"/{name.localname}", f"expected a CAP alert, found {root.tag!r}")
    return root


class _Reader:
    """Reads one document; keeps what it noticed on the way."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.prefix = f"{{{etree.QName(root).namespace}}}"
        self.findings: list[Finding] = []
        self.rings: dict[str, Ring] = {}
        self.areas: dict[tuple[tuple[object, str | None], ...], Area] = {}  # every language repeats the same areas

    # -- elements ---------------------------------------------------------------------------------------------------

    def texts(self, parent: etree._Element, name: str) -> tuple[str, ...]:
        return tuple(stripped for child in self.children(parent, name) if (stripped := (child.text or "").strip()))

    def text(self, parent: etree._Element, name: str) -> str:
        found = self.texts(parent, name)
        return found[0] if found else ""

    def children(self, parent: etree._Element, name: str) -> Iterator[etree._Element]:
        return parent.iterchildren(self.prefix + name)

    def required(self, parent: etree._Element, name: str) -> str:
        if not (found := self.text(parent, name)):
            raise Misleading("missing", self.path(parent, name), f"<{name}> is missing or empty")
        return found

    def path(self, parent: etree._Element, name: str = "") -> str:
        full = self.root.getroottree().getelementpath(parent).replace(self.prefix, "").removeprefix(".")
        return "/".join(part for part in ("/alert", full.strip("/"), name) if part)

    def note(self, code: str, parent: etree._Element, name: str, text: str) -> None:
        self.findings.append(Finding(code, self.path(parent, name), text))

    def named(self, parent: etree._Element, name: str) -> Named:
        return tuple((self.text(pair, "valueName"), self.text(pair, "value")) for pair in self.children(parent, name))

    # -- values -----------------------------------------------------------------------------------------------------

    def time(self, parent: etree._Element, name: str) -> datetime | None:
        if not (text := self.text(parent, name)):
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise Misleading("time", self.path(parent, name), f"{text!r} is no CAP time") from None
        if not 2000 <= moment.year < 2200:
            raise Misleading("time-year", self.path(parent, name), f"the year of {text!r} cannot be right")
        if moment.tzinfo is None:
            self.note("time-without-offset", parent, name, f"{text!r} has no offset; read as UTC")
            moment = moment.replace(tzinfo=UTC)
        return moment

    def number(self, parent: etree._Element, name: str) -> float | None:
        if not (text := self.text(parent, name)):
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise Misleading("number", self.path(parent, name), f"{text!r} is no number")
        return value

    def one_of(self, known: dict[str, T], parent: etree._Element, name: str) -> T:
        """A code that decides about the whole message."""
        text = self.required(parent, name)
        if text not in known:
            raise Misleading(name, self.path(parent, name), f"{text!r} is none of {', '.join(known)}")
        return known[text]

    def graded(self, known: dict[str, T], parent: etree._Element, name: str) -> T:
        """A code on a scale that has an Unknown: what is not on the scale is read as that, and told."""
        text = self.text(parent, name)
        if text not in known:
            self.note(
                f"{name}-unknown",
                parent,
                name,
                f"{text!r} is not one of CAP's values; read as Unknown",
            )
        return known.get(text, known["Unknown"])

    def outline(self, text: str, parent: etree._Element, name: str) -> Iterator[Ring]:
        """The ring of a polygon, or nothing (and a note) where the polygon is empty."""
        if not text.strip():
            self.note("polygon-empty", parent, name, "an empty polygon, left out")
            return
        if text not in self.rings:
            self.rings[text] = _ring(text, lambda: self.path(parent, name))
            first, last = text.split(maxsplit=1)[0], text.rsplit(maxsplit=1)[-1]
            if first != last:
                self.note("polygon-open", parent, name, f"begins at {first}, ends at {last}")
        yield self.rings[text]

    # -- the message ------------------------------------------------------------------------------------------------

    def alert(self) -> Alert:
        root = self.root
        msg_type = self.one_of(_MSG_TYPES, root, "msgType")
        self.required(root, "sent")
        sent = self.time(root, "sent")
        assert sent is not None  # noqa: S101 - required above
        if not self.text(root, "sender"):
            self.note("sender-missing", root, "sender", "no sender; taken as unknown")
        self.form()
        infos = tuple(self.info(info) for info in self.children(root, "info"))
        if not infos and msg_type in ("Alert", "Update"):
            raise Misleading("info-missing", "/alert/info", f"an {msg_type} without <info> says nothing")
        return Alert(
            identifier=self.required(root, "identifier"),
            sender=self.text(root, "sender"),
            sent=sent,
            status=self.one_of(_STATUSES, root, "status"),
            msg_type=msg_type,
            scope=self.text(root, "scope"),
            source=self.text(root, "source"),
            restriction=self.text(root, "restriction"),
            addresses=self.text(root, "addresses"),
            codes=self.texts(root, "code"),
            note=self.text(root, "note"),
            references=self.references(root),
            incidents=self.text(root, "incidents"),
            infos=infos,
            findings=tuple(self.findings),
        )

    def form(self) -> None:
        """What is told of the document as a whole."""
        root = self.root
        encoding = root.getroottree().docinfo.encoding or "UTF-8"
        if encoding.upper() not in ("UTF-8", "US-ASCII", "ASCII"):
            self.note("encoding", root, "", f"encoded as {encoding}")
        if not self.prefix.startswith(f"{{{NAMESPACES[0]}"):
            self.note("namespace-old", root, "", f"in the namespace {self.prefix[1:-1]}")
        if next(root.iterchildren(SIGNATURE), None) is not None:
            self.note("signature", root, "Signature", "signed; the signature is not checked")
        if (scope := self.text(root, "scope")) in ("Private", "Restricted"):
            self.note("scope-private", root, "scope", f"scope {scope}")

    def references(self, root: etree._Element) -> tuple[Reference, ...]:
        found = []
        for triple in self.text(root, "references").split():
            sender, comma, rest = triple.partition(",")
            identifier, _, sent = rest.partition(",")
            if not comma:
                sender, identifier = "", triple
                self.note("reference-form", root, "references", f"{triple!r} taken as a bare identifier")
            elif not sender or not sent:
                self.note("reference-form", root, "references", f"{triple!r} lacks sender or sent")
            if identifier:
                found.append(Reference(identifier, sender, sent))
        return tuple(found)

    def info(self, info: etree._Element) -> Info:
        return Info(
            language=self.text(info, "language") or "en-US",
            categories=self.texts(info, "category"),
            event=self.text(info, "event"),
            response_types=self.texts(info, "responseType"),
            urgency=self.graded(_URGENCIES, info, "urgency"),
            severity=self.graded(_SEVERITIES, info, "severity"),
            certainty=self.graded(_CERTAINTIES, info, "certainty"),
            audience=self.text(info, "audience"),
            event_codes=self.named(info, "eventCode"),
            effective=self.time(info, "effective"),
            onset=self.time(info, "onset"),
            expires=self.time(info, "expires"),
            sender_name=self.text(info, "senderName"),
            headline=self.text(info, "headline"),
            description=self.text(info, "description"),
            instruction=self.text(info, "instruction"),
            web=self.text(info, "web"),
            contact=self.text(info, "contact"),
            parameters=self.named(info, "parameter"),
            resources=tuple(self.resource(resource) for resource in self.children(info, "resource")),
            areas=tuple(self.area(area) for area in self.children(info, "area")),
        )

    def resource(self, resource: etree._Element) -> Resource:
        size = self.text(resource, "size")
        return Resource(
            desc=self.text(resource, "resourceDesc"),
            mime_type=self.text(resource, "mimeType"),
            size=int(size) if size.isdecimal() else None,
            uri=self.text(resource, "uri"),
            digest=self.text(resource, "digest"),
        )

    def area(self, area: etree._Element) -> Area:
        content = tuple((element.tag, element.text) for element in area.iter())
        if content not in self.areas:
            self.areas[content] = self.new_area(area)
        return self.areas[content]

    def new_area(self, area: etree._Element) -> Area:
        geocodes = self.named(area, "geocode")
        polygons = [
            ring for child in self.children(area, "polygon") for ring in self.outline(child.text or "", area, "polygon")
        ]
        holes = [value for name, value in geocodes if name == EXCLUDE_POLYGON]
        return Area(
            desc=self.text(area, "areaDesc"),
            polygons=tuple(polygons),
            circles=tuple(self.circle(child) for child in self.children(area, "circle")),
            geocodes=tuple((name, value) for name, value in geocodes if name != EXCLUDE_POLYGON),
            excluded=tuple(ring for value in holes for ring in self.outline(value, area, "geocode")),
            altitude_ft=self.number(area, "altitude"),
            ceiling_ft=self.number(area, "ceiling"),
        )

    def circle(self, circle: etree._Element) -> Circle:
        """`lat,lon radius`, the radius in kilometres."""
        try:
            centre, radius_text = (circle.text or "").split()
            ((lon, lat),) = _points(centre)
            radius = float(radius_text)
        except ValueError:
            raise Misleading("circle", self.path(circle), f"{circle.text!r} is no circle: lat,lon radius") from None
        if not _on_earth(lon, lat) or not 0 <= radius < 20_040:
            raise Misleading("circle", self.path(circle), f"{circle.text!r} is not on earth")
        return Circle(lon, lat, radius)


def _ring(text: str, where: Callable[[], str]) -> Ring:
    """`lat,lon lat,lon …` → closed ring of (lon, lat); DWD doubles the last point, which does no harm."""
    try:
        points = _points(text)
    except ValueError:
        raise Misleading("polygon", where(), "a pair is not two numbers 'lat,lon'") from None
    for lon, lat in points:
        if not _on_earth(lon, lat):
            raise Misleading("coordinates", where(), f"latitude {lat}, longitude {lon} is not on earth")
    if len(set(points)) < 3:
        raise Misleading("polygon", where(), "fewer than three different points")
    return tuple(points if points[0] == points[-1] else [*points, points[0]])


def _points(text: str) -> list[tuple[float, float]]:
    return [(float(lon), float(lat)) for lat, lon in (pair.split(",") for pair in text.split())]


def _on_earth(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90


_STATUSES: dict[str, Status] = {value: value for value in get_args(Status)}
_MSG_TYPES: dict[str, MsgType] = {value: value for value in get_args(MsgType)}
_URGENCIES: dict[str, Urgency] = {value: value for value in get_args(Urgency)}
_SEVERITIES: dict[str, Severity] = {value: value for value in get_args(Severity)}
_CERTAINTIES: dict[str, Certainty] = {value: value for value in get_args(Certainty)}
