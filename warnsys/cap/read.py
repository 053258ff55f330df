"""Bytes → `Alert`, or an error that says what is wrong and where.

Wrong in a way that endangers the meaning is refused; wrong in form only is mended and noted; what is merely new to us
is taken and noted.
"""

from collections.abc import Container
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import get_args

from lxml import etree

from warnsys.cap import dwd, forms
from warnsys.cap.areas import AreaReader
from warnsys.cap.document import NAMESPACES, ZONE, Document
from warnsys.cap.errors import Misleading, NotCap, Unsafe
from warnsys.cap.mended import whole_xml
from warnsys.cap.model import Alert, Certainty, Info, MsgType, Named, Reference, Resource, Severity, Status, Urgency
from warnsys.cap.once import parse_once
from warnsys.cap.references import parts_of, triples

MAX_BYTES = 4 * 1024 * 1024
"""All of Germany in eight languages exceeds 1 MB; nothing seen comes near this."""

MAX_DIGITS = 19
"""Of a number of bytes; Python refuses to read thousands of digits."""

MAX_NAME = 500
"""Characters of an identifier or a sender: both are keys and headers, and real ones have some 90."""

MAX_REFERENCES = 1_000
"""That one message may carry; the DWD's have a handful."""

MAX_INFOS = 4_000
"""Real ones have a kilobyte each, so that more never fit into a message that is read; DWD's has eight."""

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def read_alert(body: bytes, *, max_bytes: int = MAX_BYTES, zone: tzinfo = ZONE) -> Alert:
    """Read one CAP message; `zone` is where the clocks go of a sender that writes times without an offset.

    Raises `Unsafe` for DTDs, entities and too many bytes, `NotCap` for anything that is not a well-formed alert, and
    `Misleading` where a value that decides who is warned, when or of what cannot be understood.
    """
    if len(body) > max_bytes:
        raise Unsafe("too-large", "/", f"{len(body)} bytes, at most {max_bytes} are read")
    body, head = forms.without_head(body)
    said = list[tuple[str, str]]()
    try:
        root, alike = parse_once(body)
    except NotCap:
        body, said = whole_xml(body)
        if not said:
            raise
        root, alike = parse_once(body)
    document = Document(root, zone)
    for code, what in said:
        document.note(code, root, "", what)
    if head:
        document.note("xml-head", root, "", head)
    return _alert(document, alike)


def _alert(document: Document, alike: Container[int]) -> Alert:
    root = document.root
    msg_type = document.one_of(_MSG_TYPES, root, "msgType")
    document.required(root, "sent")
    sent = document.time(root, "sent")
    assert sent is not None  # noqa: S101 - required above
    document.sent_at(sent)
    sender, scope = _name(document, "sender"), document.coded(_SCOPES, root, "scope")
    if not sender:
        document.note("sender-missing", root, "sender", "no sender; taken as unknown")
    if scope in PRIVATE_SCOPES:
        document.note("scope-private", root, "scope", f"scope {scope}")
    elif not scope:
        document.note("scope-missing", root, "scope", "no scope; taken as Public")
    elif scope not in _SCOPES:
        document.note("scope-unknown", root, "scope", f"scope {scope!r}; taken as Public")
    _note_form(document)
    elements = document.children(root, "info")
    if len(elements) > MAX_INFOS:
        raise Misleading("infos-many", "/alert/info", f"{len(elements)} infos, at most {MAX_INFOS} are read")
    if not elements and msg_type in ("Alert", "Update"):
        raise Misleading("info-missing", "/alert/info", f"an {msg_type} without <info> says nothing")
    areas = AreaReader(document, alike)
    document.required(root, "identifier")
    return Alert(
        identifier=_name(document, "identifier"),
        sender=sender,
        sent=sent,
        status=document.one_of(_STATUSES, root, "status"),
        msg_type=msg_type,
        scope=scope,
        source=document.text(root, "source"),
        restriction=document.plain(root, "restriction"),
        addresses=document.text(root, "addresses"),
        codes=document.texts(root, "code"),
        note=document.plain(root, "note"),
        references=_references(document, msg_type),
        incidents=document.text(root, "incidents"),
        infos=tuple(_info(document, areas, number, info) for number, info in enumerate(elements)),
        findings=tuple(dict.fromkeys(document.findings)),
    )


def _note_form(document: Document) -> None:
    """What is told of the document as a whole."""
    root = document.root
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    if encoding.upper() not in ("UTF-8", "US-ASCII", "ASCII"):
        document.note("encoding", root, "", f"encoded as {encoding}")
    if document.namespace != NAMESPACES[0]:
        document.note("namespace-old", root, "", f"in the namespace {document.namespace}")
    if next(root.iterchildren(SIGNATURE), None) is not None:
        document.note("signature", root, "Signature", "signed; the signature is not checked")


def _name(document: Document, element: str) -> str:
    name = document.text(document.root, element)
    if len(name) > MAX_NAME:
        what = f"{len(name)} characters, at most {MAX_NAME} are taken"
        raise Misleading("name-long", document.path(document.root, element), what)
    return name


def _references(document: Document, msg_type: MsgType) -> tuple[Reference, ...]:
    """All that a message names. Of an Update with too many the newest are kept; a Cancel that would end so much is
    refused: what it names goes on, and operators are told."""
    root, found = document.root, list[Reference]()
    text = " ".join(texts := document.texts(root, "references"))
    if len(texts) > 1:
        document.note("repeated-text", root, "references", f"<references> stands there {len(texts)} times")
    named = triples(text)
    if sorted(named) != sorted(set(text.split())):
        document.note("reference-form", root, "references", f"{text[:MAX_NAME]!r} read as {len(named)} messages")
    if (count := len(named)) > MAX_REFERENCES:
        what = f"{count} references, at most {MAX_REFERENCES} are taken"
        if msg_type == "Cancel":
            raise Misleading("references-many", document.path(root, "references"), what)
        document.note("references-cut", root, "references", f"{what}: the newest")
        newest = sorted(range(count), key=lambda place: (_moment(named[place].rpartition(",")[2]), place))
        named = [named[place] for place in sorted(newest[-MAX_REFERENCES:])]
    for triple in named:
        sender, identifier, sent = parts_of(triple)
        if not sender and not sent:
            document.note("reference-form", root, "references", f"{triple[:MAX_NAME]!r} taken as a bare identifier")
        elif not sender or not sent:
            document.note("reference-form", root, "references", f"{triple[:MAX_NAME]!r} lacks sender or sent")
        if len(identifier) > MAX_NAME:
            document.note("reference-long", root, "references", f"one of {len(identifier)} characters, left out")
        elif identifier:
            found.append(Reference(identifier, sender[:MAX_NAME], sent[:MAX_NAME]))
    return tuple(found)


def _moment(sent: str) -> datetime:
    """For an order only: what is no time is the newest, as it may be."""
    if len(sent) > MAX_TIME:
        return _NEWEST
    try:
        moment = datetime.fromisoformat(sent)
    except ValueError:
        return _NEWEST
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _info(document: Document, areas: AreaReader, number: int, info: etree._Element) -> Info:
    markup = document.noted("markup")
    read = Info(
        language=document.language(info),
        categories=document.codes(CATEGORIES, info, "category"),
        event=document.plain(info, "event"),
        response_types=document.codes(RESPONSE_TYPES, info, "responseType"),
        urgency=document.graded(_URGENCIES, info, "urgency"),
        severity=document.graded(_SEVERITIES, info, "severity"),
        certainty=document.graded(_CERTAINTIES, info, "certainty"),
        audience=document.plain(info, "audience"),
        event_codes=_event_codes(document, info),
        effective=document.time(info, "effective"),
        onset=document.time(info, "onset"),
        expires=document.time(info, "expires"),
        sender_name=document.plain(info, "senderName"),
        headline=document.plain(info, "headline"),
        description=document.plain(info, "description"),
        instruction=document.plain(info, "instruction"),
        web=document.text(info, "web"),
        contact=document.plain(info, "contact"),
        parameters=document.named(info, "parameter", _PARAMETERS),
        resources=tuple(_resource(document, resource) for resource in document.children(info, "resource")),
        areas=areas.areas(number, info),
    )
    return replace(read, altered=True) if document.noted("markup") > markup else read


def _event_codes(document: Document, info: etree._Element) -> Named:
    """What decides in the DWD's letters."""
    found = list(document.named(info, "eventCode", _EVENT_CODES))
    for place, (name, value) in enumerate(found):
        if name == "GROUP" and (group := forms.code(value, dwd.KNOWN_GROUPS)) != value:
            document.note("code-form", info, "eventCode", f"{value!r} read as {group}")
            found[place] = name, group
    return tuple(found)


def _resource(document: Document, resource: etree._Element) -> Resource:
    size = document.text(resource, "size")
    return Resource(
        desc=document.plain(resource, "resourceDesc"),
        mime_type=document.text(resource, "mimeType"),
        size=int(size) if size.isdecimal() and len(size) < MAX_DIGITS else None,
        uri=document.text(resource, "uri"),
        digest=document.text(resource, "digest"),
    )


PRIVATE_SCOPES = ("Private", "Restricted")
"""Addressed to others: read, and shown to nobody."""

MAX_TIME = 40
_NEWEST = datetime.max.replace(tzinfo=UTC)
_STATUSES: dict[str, Status] = {value: value for value in get_args(Status)}
_MSG_TYPES: dict[str, MsgType] = {value: value for value in get_args(MsgType)}
_URGENCIES: dict[str, Urgency] = {value: value for value in get_args(Urgency)}
_SEVERITIES: dict[str, Severity] = {value: value for value in get_args(Severity)}
_CERTAINTIES: dict[str, Certainty] = {value: value for value in get_args(Certainty)}
_SCOPES = dict.fromkeys(("Public", *PRIVATE_SCOPES))
CATEGORIES = dict.fromkeys("Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other".split())
_EVENT_CODES = dict.fromkeys(("II", "GROUP", "PROFILE_VERSION"))
_PARAMETERS = dict.fromkeys(("awareness_level", "awareness_type"))
"""Names of values that decide something."""

RESPONSE_TYPES = dict.fromkeys("Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None".split())
