"""Bytes → `Alert`, or an error that says what is wrong and where.

Wrong in a way that endangers the meaning is refused; wrong in form only is mended and noted; what is merely new to us
is taken and noted. The parser loads no DTD, expands no entity and opens nothing.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    return _Reader(root, body).alert()


_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, remove_comments=True,
    remove_pis=True, remove_blank_text=True, huge_tree=False,
)  # fmt: skip


def _parse(body: bytes) -> etree._Element:
    try:
        root = etree.fromstring(body, _PARSER)
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

    def __init__(self, root: etree._Element, body: bytes) -> None:
        self.root, self.body = root, body
        self.prefix = f"{{{etree.QName(root).namespace}}}"
        self.value_name, self.value = f"{self.prefix}valueName", f"{self.prefix}value"
        self.count_areas = etree.XPath("count(c:area)", namespaces={"c": self.prefix[1:-1]})
        self.findings: list[Finding] = []
        self.groups: dict[etree._Element, dict[str, list[etree._Element]]] = {}
        self.rings: dict[str, Ring] = {}
        self.heights: dict[str, float | None] = {}
        self.first_alike: list[int] = []
        self.areas: dict[object, tuple[Area, ...]] = {}

    # -- elements ---------------------------------------------------------------------------------------------------

    def texts(self, parent: etree._Element, name: str) -> tuple[str, ...]:
        return tuple(stripped for child in self.children(parent, name) if (stripped := (child.text or "").strip()))

    def text(self, parent: etree._Element, name: str) -> str:
        for child in self.children(parent, name):
            if text := (child.text or "").strip():
                return text
        return ""

    def children(self, parent: etree._Element, name: str) -> Sequence[etree._Element]:
        """In the order of the document, but no areas; a parent is gone through once, whatever is asked of it."""
        groups = self.groups.get(parent)
        if groups is None:
            groups = self.groups[parent] = {}
            for child in self.before_areas(parent):
                groups.setdefault(child.tag, []).append(child)
        return groups.get(self.prefix + name, ())

    def before_areas(self, parent: etree._Element) -> Iterable[etree._Element]:
        """Without the areas where they stand at the end, as they should: there may be hundreds in each language."""
        first = next(parent.iterchildren(self.prefix + "area"), None)
        if first is not None:
            end = len(parent) - int(self.count_areas(parent))  # type: ignore[arg-type] # the stubs know no numbers
            if parent[end] is first:
                return parent[:end]  # type: ignore[index] # the stubs know no slices
        return parent

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
        return tuple(map(self.pair, self.children(parent, name)))

    def pair(self, pair: etree._Element) -> tuple[str, str]:
        """valueName and value; the first of each that says something."""
        name = value = ""
        for child in pair:
            if child.tag == self.value_name:
                name = name or (child.text or "").strip()
            elif child.tag == self.value:
                value = value or (child.text or "").strip()
        return name, value

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

    def height(self, element: etree._Element, parent: etree._Element, name: str) -> float | None:
        """In feet, None where nothing stands."""
        text = element.text or ""
        if text not in self.heights:
            self.heights[text] = _finite(text) if text.strip() else None
            if math.isnan(self.heights[text] or 0):
                raise Misleading("number", self.path(parent, name), f"{text!r} is no number")
        return self.heights[text]

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
        elements = self.children(root, "info")
        self.first_alike = _first_alike(self.body, elements)
        infos = tuple(self.info(number, info) for number, info in enumerate(elements))
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

    def info(self, number: int, info: etree._Element) -> Info:
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
            areas=self.same_areas(number, info),
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

    def same_areas(self, number: int, info: etree._Element) -> tuple[Area, ...]:
        """Every language repeats the same areas: what is written the same is read once."""
        key = self.first_alike[number], tuple(sorted(map(str, info.nsmap.items())))
        if key not in self.areas:
            self.areas[key] = tuple(map(self.area, info.iterchildren(self.prefix + "area")))
        return self.areas[key]

    def area(self, area: etree._Element) -> Area:
        """Its children are gone through once: a message for the whole country has hundreds of areas."""
        desc, altitude, ceiling = "", None, None
        polygons, excluded, circles = list[Ring](), list[Ring](), list[Circle]()
        geocodes = list[tuple[str, str]]()
        start = len(self.prefix)
        for child in area:
            name = child.tag[start:]
            if name == "geocode":
                code, value = self.pair(child)
                if code == EXCLUDE_POLYGON:
                    excluded.extend(self.outline(value, area, name))
                else:
                    geocodes.append((code, value))
            elif name == "areaDesc":
                desc = desc or (child.text or "").strip()
            elif name == "altitude":
                altitude = self.height(child, area, name) if altitude is None else altitude
            elif name == "ceiling":
                ceiling = self.height(child, area, name) if ceiling is None else ceiling
            elif name == "polygon":
                polygons.extend(self.outline(child.text or "", area, name))
            elif name == "circle":
                circles.append(self.circle(child))
        return Area(
            desc, tuple(polygons), tuple(circles), tuple(geocodes), tuple(excluded), altitude, ceiling
        )  # fmt: skip

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


def _first_alike(body: bytes, infos: Sequence[etree._Element]) -> list[int]:
    """For each info the number of the first one whose areas are written the same; its own where that is not sure.

    Compared are the bytes from the first area of the first info to its end. Every info begins with `<info`; where there
    are more or fewer of these than infos were found (in a comment, in CDATA; with other prefixes, with two bytes a
    character), each is read for itself. What is compared may begin too early or end too late, but leaves no area out.
    """
    alone = list(range(len(infos)))
    if len(infos) < 2:
        return alone
    prefix = f"{infos[0].prefix}:".encode() if infos[0].prefix else b""
    opening, areas, closing = b"<" + prefix + b"info", b"<" + prefix + b"area", b"</" + prefix + b"info"
    first = body[body.find(areas) : body.find(closing) + len(closing)]
    if not first or opening in first:
        return alone
    found, at = list[int](), body.find(opening)
    while at >= 0:
        begin = body.find(areas, at)
        same = body.startswith(first, begin) and opening not in body[at + 1 : begin]
        end = begin + len(first) if same else body.find(closing, at)
        found.append(0 if same else len(found))
        at = body.find(opening, end)
    return found if len(found) == len(infos) else alone


def _finite(text: str) -> float:
    """NaN for what is no finite number."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


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
