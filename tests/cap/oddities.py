"""Oddities that occur in real files, one made-up message each: what is found, and whether the message is taken."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
CELL = "<geocode><valueName>WARNCELLID</valueName><value>805122000</value></geocode>"
SQUARE = "51,7 51,7.1 51.1,7.1 51,7"


@dataclass(frozen=True)
class Oddity:
    name: str
    body: bytes
    verdict: str
    codes: tuple[str, ...]


def message(change: Callable[[str], str] = str, *, cap: str = CAP, encoding: str = "utf-8") -> bytes:
    """A plain message with nothing odd about it, then changed."""
    text = f"""<alert xmlns="{cap}"><identifier>A</identifier><sender>s@example.org</sender>
<sent>2027-07-14T12:00:00+02:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>de-DE</language><category>Met</category><event>Stürmische Böen</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Likely</certainty><onset>2027-07-14T12:00:00+02:00</onset>
<expires>2027-07-14T18:00:00+02:00</expires><headline>H</headline><description>D</description>
<area><areaDesc>x</areaDesc><polygon>{SQUARE}</polygon></area></info></alert>"""
    return change(text).encode(encoding)


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def polygon(points: str) -> Callable[[str], str]:
    return swap(SQUARE, points)


def without(element: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        start, end = text.index(f"<{element}>"), text.index(f"</{element}>") + len(element) + 3
        return text[:start] + text[end:]

    return change


def area(inside: str) -> Callable[[str], str]:
    return swap("</area>", f"{inside}</area>")


def code(name: str, value: str) -> Callable[[str], str]:
    return swap("<onset>", f"<eventCode><valueName>{name}</valueName><value>{value}</value></eventCode><onset>")


_MANY = " ".join(f"s,B{number},2027-07-14T12:00:00+02:00" for number in range(1_001))


def update(references: str, msg_type: str = "Update") -> Callable[[str], str]:
    def change(text: str) -> str:
        text = swap("<msgType>Alert<", f"<msgType>{msg_type}<")(text)
        return swap("<info>", f"<references>{references}</references><info>")(text)

    return change


def bundle(*members: tuple[str, bytes], tail: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, body in members:
            file.writestr(name, body)
    return packed.getvalue() + tail


def latin(text: str) -> str:
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>{text}'


def second_info(text: str) -> str:
    info = text[text.index("<info>") : text.index("</info>") + 7]
    other = info.replace("de-DE", "en").replace(SQUARE, "52,8 52,8.1 52.1,8.1 52,8")
    return text.replace("</alert>", f"{other}</alert>")


def packed(body: bytes) -> bytes:
    """A ZIP with this one member, whatever it is."""
    return bundle(("a.xml", body))


def damaged(content: bytes) -> bytes:
    at = content.index(b"Severe")
    return content[:at] + b"severe" + content[at + 6 :]


def encrypted(content: bytes) -> bytes:
    """Marked so in the member's head and in the directory."""
    marked = bytearray(content)
    for head, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        marked[content.index(head) + flags] |= 1
    return bytes(marked)


DTD = '<!DOCTYPE alert [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
SIGNED = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature></alert>'
BOW_TIE = "51,7 51.1,7.1 51.1,7 51,7.1 51,7"

ODDITIES = (
    Oddity("nothing odd", message(), "ok", ()),
    Oddity("CAP 1.1", message(cap=CAP.replace("1.2", "1.1")), "mended", ("namespace-old",)),
    Oddity("CAP 1.0", message(cap="http://www.incident.com/cap/1.0"), "mended", ("namespace-old",)),
    Oddity("ISO-8859-1, declared", message(latin, encoding="iso-8859-1"), "mended", ("encoding",)),
    Oddity("ISO-8859-1, not declared", message(encoding="iso-8859-1"), "rejected", ("not-xml",)),
    Oddity("an identifier of 600 characters", message(swap(">A<", f">{'A' * 600}<")), "rejected", ("name-long",)),
    Oddity("4,001 infos", message(swap("</alert>", "<info/>" * 4_000 + "</alert>")), "rejected", ("infos-many",)),
    Oddity(
        "200,000 empty elements",
        message(swap("</info>", "<x/>" * 200_000 + "</info>")),
        "rejected",
        ("elements-many",),
    ),
    Oddity("20,001 areas", message(swap("</info>", "<area/>" * 20_000 + "</info>")), "rejected", ("areas-many",)),
    Oddity("a reference of 600 characters", message(update(f"s,{'A' * 600},t s,B,t")), "mended", ("reference-long",)),
    Oddity("an Update of 1,001 messages", message(update(_MANY)), "mended", ("references-cut",)),
    Oddity("a Cancel of 1,001 messages", message(update(_MANY, "Cancel")), "rejected", ("references-many",)),
    Oddity("a signature", message(swap("</alert>", SIGNED)), "ok", ("signature",)),
    Oddity("a polygon that is not closed", message(polygon("51,7 51,7.1 51.1,7.1")), "mended", ("polygon-open",)),
    Oddity("a polygon that crosses itself", message(polygon(BOW_TIE)), "mended", ("polygon-crossing",)),
    Oddity("an empty polygon", message(area("<polygon/>")), "mended", ("polygon-empty",)),
    Oddity("six empty polygons", message(area("<polygon/>" * 6)), "mended", ("polygon-empty",)),
    Oddity("a number that is none", message(polygon("51,7 51,x 51.1,7.1 51,7")), "rejected", ("polygon",)),
    Oddity("a polygon of two points", message(polygon("51,7 51,7.1 51,7")), "rejected", ("polygon",)),
    Oddity("a latitude of 107", message(polygon("107,51 107,52 108,52 107,51")), "rejected", ("coordinates",)),
    Oddity("lat and lon exchanged", message(polygon("7,51 7.1,51 7.1,51.1 7,51")), "ok", ("coordinates-swapped",)),
    Oddity("a polygon with -1,-1", message(polygon("51,7 51,7.1 -1,-1 51.1,7.1 51,7")), "mended",
        ("coordinates-placeholder",)),
    Oddity("a polygon with -1,-1 for a point", message(polygon("51,7 -1,-1 51.1,7.1 51,7")), "rejected", ("polygon",)),
    Oddity("an underscore in a number", message(polygon("51,7 5_1,7.1 51.1,7.1 51,7")), "rejected", ("polygon",)),
    Oddity("NaN as a coordinate", message(polygon("51,7 nan,7.1 51.1,7.1 51,7")), "rejected", ("coordinates",)),
    Oddity("a circle", message(area("<circle>51,7 5</circle>")), "ok", ()),
    Oddity("a circle without radius", message(area("<circle>51,7</circle>")), "rejected", ("circle",)),
    Oddity("an empty circle", message(area("<circle/>")), "mended", ("circle-empty",)),
    Oddity("a polygon of two points beside a warn cell", message(area(CELL + "<polygon>51,7 51,7.1 51,7</polygon>")),
        "mended", ("shape-left-out",)),
    Oddity("blanks around commas", message(polygon("51, 7 51 ,7.1 51.1, 7.1 51,7")), "mended",
        ("coordinates-blanks",)),
    Oddity("a longitude of 182", message(polygon("51,178 51,182 52,182 52,178 51,178")), "mended",
        ("longitude-turned", "outline-across-180")),
    Oddity("an outline across the 180th meridian", message(polygon("51,178 51,-178 52,-178 52,178 51,178")), "ok",
        ("outline-across-180",)),
    Oddity("two cells in one value", message(area(CELL.replace("805", "805111000, 805"))), "mended",
        ("cells-in-one-value",)),
    Oddity("a ceiling of 0", message(area("<altitude>656</altitude><ceiling>0</ceiling>")), "ok", ()),
    Oddity("a geocode before the polygon", message(swap("<polygon>", "<geocode><valueName>X</valueName><value>1</value>"
        "</geocode><polygon>")), "ok", ()),
    Oddity("blank lines before the XML declaration", message(lambda text: f'\n\n<?xml version="1.0"?>{text}'), "mended",
        ("xml-head",)),
    Oddity("zeros behind the XML", message() + b"\0" * 200, "mended", ("xml-tail",)),
    Oddity("a sign & that begins no entity", message(swap(">H<", ">Wind & Wetter<")), "mended", ("markup",)),
    Oddity("a leap second", message(swap("T18:00:00+", "T18:00:60+")), "mended", ("time-form",)),
    Oddity("an end in the year 2999", message(swap("<expires>2027-07-14", "<expires>2999-12-31")), "ok",
        ("expires-never", "expires-missing")),
    Oddity("two byte order marks", "\ufeff\ufeff".encode() + message(), "mended", ("xml-head",)),
    Oddity("EXTREME in capitals", message(swap("Severe", " EXTREME ")), "mended", ("code-form",)),
    Oddity("scope private in small letters", message(swap("Public", "private")), "mended",
        ("code-form", "scope-private")),
    Oddity("a test's number under a name in small letters", message(code("ii", "98")), "mended", ("code-form",)),
    Oddity("a time in small letters", message(swap("T18:00:00+02:00", "t16:00:00z")), "mended", ("time-form",)),
    Oddity("no namespace", message(swap(f' xmlns="{CAP}"', "")), "mended", ("namespace-form",)),
    Oddity("UTF-8 declared as UTF-16", message(lambda text: f'<?xml version="1.0" encoding="utf-16"?>{text}'), "mended",
        ("encoding",)),
    Oddity("entities of HTML that XML does not know", message(swap(">H<", ">f&uuml;r&nbsp;alle<")), "mended",
        ("markup",)),
    Oddity("a polygon of one place", message(polygon("51,7 51,7 51,7 51,7")), "mended", ("polygon-point",)),
    Oddity("a cell in quotation marks", message(area(CELL.replace("805122000", '"805122000"'))), "mended",
        ("cells-in-one-value",)),
    Oddity("no scope", message(without("scope")), "mended", ("scope-missing",)),
    Oddity("an unknown scope", message(swap("Public", "Everybody")), "ok", ("scope-unknown",)),
    Oddity("a language of three letters", message(swap("de-DE", "deu")), "mended", ("code-form",)),
    Oddity("markup in a text", message(swap(">H<", ">Gro<b>ßer</b> Hagel<")), "mended", ("markup",)),
    Oddity("escaped markup in a text", message(swap(">H<", ">Gro&lt;b&gt;ßer&lt;/b&gt; Hagel<")), "mended",
        ("markup",)),
    Oddity("24:00 as an end", message(swap("T18:00:00+", "T24:00:00+")), "mended", ("time-midnight",)),
    Oddity("an end in the year 9999", message(swap("<expires>2027-07-14", "<expires>9999-12-31")), "ok",
        ("expires-never", "expires-missing")),
    Oddity("a year of the Buddhist era", message(swap("2027-", "2570-")), "rejected", ("time-year",)),
    Oddity("a time without offset", message(swap("18:00:00+02:00", "18:00:00")), "mended", ("time-without-offset",)),
    Oddity("a day without a time", message(swap("2027-07-14T18:00:00+02:00", "2027-07-14")), "rejected", ("time",)),
    Oddity("a second in ten million parts", message(swap("18:00:00+", "18:00:00.0000000+")), "ok", ()),
    Oddity("an end before the begin", message(swap("T18:00:00+02:00", "T10:00:00+02:00")), "ok",
        ("ends-before-onset",)),
    Oddity("a time that is none", message(swap("T18:00:00+02:00", "T25:00:00+02:00")), "rejected", ("time",)),
    Oddity("sent in the future", message(swap("<sent>2027", "<sent>2099")), "ok", ("sent-future",)),
    Oddity("a reference that is an identifier only", message(swap("<info>", "<references>B</references><info>")),
        "mended", ("reference-form",)),
    Oddity("a reference without sender and sent", message(swap("<info>", "<references>,B,</references><info>")),
        "mended", ("reference-form",)),
    Oddity("an Update without references", message(swap(">Alert<", ">Update<")), "ok", ("reference-missing",)),
    Oddity("two status that differ", message(swap("<msgType>", "<status>Test</status><msgType>")), "rejected",
        ("repeated",)),
    Oddity("two expires that differ", message(swap("<headline>", "<expires>2027-07-14T20:00:00+02:00</expires>"
        "<headline>")), "rejected", ("repeated",)),
    Oddity("two values of one parameter that differ", message(swap("<area>", "<parameter><valueName>gusts</valueName>"
        "<value>~55 [km/h]</value><value>~95 [km/h]</value></parameter><area>")), "rejected", ("repeated",)),
    Oddity("two status that agree", message(swap("<msgType>", "<status>Actual</status><msgType>")), "mended",
        ("repeated-text",)),
    Oddity("two headlines", message(swap("<description>", "<headline>I</headline><description>")), "mended",
        ("repeated-text",)),
    Oddity("scope Private", message(swap("Public", "Private")), "ok", ("scope-private",)),
    Oddity("no expires", message(without("expires")), "ok", ("expires-missing",)),
    Oddity("no sender", message(without("sender")), "mended", ("sender-missing",)),
    Oddity("no identifier", message(without("identifier")), "rejected", ("missing",)),
    Oddity("no sent", message(without("sent")), "rejected", ("missing",)),
    Oddity("no info", message(without("info")), "rejected", ("info-missing",)),
    Oddity("an unknown status", message(swap("Actual", "Real")), "rejected", ("status",)),
    Oddity("an unknown msgType", message(swap(">Alert<", ">Warn<")), "rejected", ("msgType",)),
    Oddity("an unknown severity", message(swap("Severe", "Terrible")), "ok", ("severity-unknown",)),
    Oddity("no certainty", message(without("certainty")), "ok", ("certainty-unknown",)),
    Oddity("no area", message(without("area")), "ok", ("area-missing",)),
    Oddity("languages with other areas", message(second_info), "ok", ("areas-differ",)),
    Oddity("an altitude that is no number", message(area("<altitude>high</altitude>")), "rejected", ("number",)),
    Oddity("an altitude above the ceiling", message(area("<altitude>900</altitude><ceiling>300</ceiling>")),
        "rejected", ("heights",)),
    Oddity("two altitudes that differ", message(area("<altitude>0</altitude><altitude>900</altitude>")), "rejected",
        ("repeated",)),
    Oddity("a geocode without value", message(area("<geocode><valueName>WARNCELLID</valueName><value/></geocode>")),
        "mended", ("geocode-empty",)),
    Oddity("an area with a foreign geocode only", message(swap(f"<polygon>{SQUARE}</polygon>", "<geocode><valueName>"
        "EMMA_ID</valueName><value>DE001</value></geocode>")), "ok", ("area-unplaced",)),
    Oddity("a geocode as CAP 1.0 has it", message(area("<geocode>FIPS6=006109</geocode>")), "ok", ()),
    Oddity("a new profile version", message(code("PROFILE_VERSION", "3.0")), "ok", ("profile-new",)),
    Oddity("a new event number", message(code("II", "997")), "ok", ("event-new",)),
    Oddity("a new event group", message(code("GROUP", "METEORITE")), "ok", ("group-new",)),
    Oddity("entities", DTD.encode() + message(), "rejected", ("dtd",)),
    Oddity("an external entity", EXTERNAL.encode() + message(swap(">H<", ">&x;<")), "rejected", ("dtd",)),
    Oddity("half a message", message()[:300], "rejected", ("not-xml",)),
    Oddity("an HTML page", b"<!doctype html><title>503</title>", "rejected", ("not-xml",)),
    Oddity("another XML", b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "rejected", ("not-cap",)),
    Oddity("nothing at all", b"", "rejected", ("not-xml",)),
    Oddity("3 MB", message(swap("<description>D", "<description>" + "D" * 3_000_000)), "ok", ()),
    Oddity("5 MB", message(swap("<description>D", "<description>" + "D" * 5_000_000)), "rejected", ("too-large",)),
    Oddity("no urgency", message(without("urgency")), "ok", ("urgency-unknown",)),
    Oddity("urgency Past", message(swap("Immediate", "Past")), "ok", ("urgency-past",)),
    Oddity("MeteoAlarm's green", message(lambda text: text.replace("Severe", "Minor").replace("<area>", "<parameter>"
        "<valueName>awareness_level</valueName><value>1; green; Minor</value></parameter><area>")), "ok",
        ("awareness-green",)),
    Oddity("marked as a silent update", message(swap("<info>", "<code>SILENT_UPDATE</code><info>")), "ok",
        ("silent-update",)),
    Oddity("marked as a partial clear", message(swap("<info>", "<code>PARTIAL_CLEAR</code><info>")), "ok",
        ("partial-clear",)),
    Oddity("half a ZIP", packed(message())[:-30], "rejected", ("zip-broken",)),
    Oddity("a damaged member of a ZIP", damaged(packed(message())), "rejected", ("member-broken",)),
    Oddity("an encrypted member of a ZIP", encrypted(packed(message())), "rejected", ("member-broken",)),
    Oddity("a member of 5 MB", packed(bytes(5_000_000)), "rejected", ("too-large",)),
)  # fmt: skip
