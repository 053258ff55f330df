"""Every code that a message can be refused or noted with, what it means and what to do: the one list of them.

rejected  the meaning would have to be guessed, or the bytes are not safe: the message is not taken
mended    wrong in form only: taken, and said
new       unknown to us: taken, and said, for rejecting it would end real warnings
noted     right, and worth knowing
"""

from dataclasses import dataclass
from typing import Literal

Level = Literal["rejected", "mended", "new", "noted"]


@dataclass(frozen=True, slots=True)
class Code:
    level: Level
    meaning: str
    remedy: str


_SENDER = "ask the sender for the message again"
CODES: dict[str, Code] = {
    # the bytes
    "too-large": Code("rejected", "more bytes than are read", "ask the sender whether this is meant"),
    "not-xml": Code("rejected", "not well-formed XML, or in no known encoding", _SENDER),
    "dtd": Code("rejected", "a document type declaration; entities are never expanded", "have the sender looked at"),
    "not-cap": Code("rejected", "XML, but no CAP alert", "check the address of the source"),
    "encoding": Code("mended", "not in UTF-8; read as it declares", "ask the sender for UTF-8"),
    "xml-tail": Code("mended", "padding behind the XML, such as zeros; left out", "ask the sender"),
    "xml-head": Code("mended", "blanks or byte order marks before the XML; left out", "ask the sender"),
    "namespace-old": Code("mended", "CAP 1.0 or 1.1; read as 1.2", "ask the sender for CAP 1.2"),
    "namespace-form": Code(
        "mended", "CAP's namespace left out or miswritten; read as the one that is meant", "ask the sender for CAP 1.2"
    ),
    "signature": Code("noted", "an XML signature; kept with the bytes, neither checked nor trusted", "nothing to do"),
    # the ZIP
    "zip-broken": Code("rejected", "no whole ZIP; it says nothing, not even that nothing is warned", "fetch it again"),
    "zip-too-large": Code("rejected", "a ZIP of more bytes than are opened", "check the address of the source"),
    "zip-members": Code("rejected", "a ZIP of more members than are read", "check the address of the source"),
    "zip-ratio": Code("rejected", "a ZIP that unpacks to more than is read", "have the sender looked at"),
    "member-broken": Code("rejected", "a member that cannot be unpacked; those beside it are read", "fetch it again"),
    # the alert
    "missing": Code("rejected", "an element without which the message cannot be judged", _SENDER),
    "status": Code("rejected", "a status that CAP does not know", _SENDER),
    "msgType": Code("rejected", "a msgType that CAP does not know", _SENDER),
    "repeated": Code(
        "rejected", "an element that CAP has once and that decides something, twice with two values", _SENDER
    ),
    "repeated-text": Code(
        "mended", "an element that CAP has once, several times; texts for people are all read", "nothing to do"
    ),
    "infos-left-out": Code(
        "noted", "warns of more things than are kept of one message; the worst are, in each district", _SENDER
    ),
    "infos-many": Code("rejected", "more infos than real ones would fit into a message", "have the sender looked at"),
    "elements-many": Code("rejected", "more elements than any real one has", "have the sender looked at"),
    "info-missing": Code("rejected", "an Alert or Update that says nothing", _SENDER),
    "sender-missing": Code("mended", "no sender; taken as unknown", "ask the sender to name itself"),
    "sender-foreign": Code(
        "rejected", "a sender that the source does not allow", "ask the source, then add it to its senders"
    ),
    "scope-private": Code("noted", "addressed to others: read, and shown to nobody", "check the address of the source"),
    "scope-missing": Code("mended", "no scope; taken as Public", "ask the sender"),
    "scope-unknown": Code("new", "a scope that CAP does not know; taken as Public", "tell the project"),
    "code-form": Code("mended", "a code in other letters than CAP's; read as the one that is meant", "ask the sender"),
    "markup": Code(
        "mended",
        "tags or entities of HTML in a text; the whole text is read, without them, and called altered",
        "ask the sender for plain text",
    ),
    "reference-form": Code("mended", "a reference that is not sender,identifier,sent", "nothing to do"),
    "reference-long": Code(
        "mended", "a reference longer than any identifier that is taken; left out, it can name none", "ask the sender"
    ),
    "references-many": Code(
        "rejected",
        "a Cancel of more messages than one may end; what it names goes on",
        "ask the sender",
    ),
    "references-cut": Code(
        "mended", "an Update of more messages than one may replace; it replaces the newest, the others go on", _SENDER
    ),
    "name-long": Code("rejected", "an identifier or sender longer than any real one", "have the sender looked at"),
    "reference-missing": Code("noted", "an Update or Cancel that ends nothing, as it names nothing", "ask the sender"),
    "sent-future": Code("noted", "sent later than now by our clock", "check this machine's clock, then the sender's"),
    # times and numbers
    "time": Code("rejected", "a time that is none, or a day without a time", _SENDER),
    "time-year": Code("rejected", "a year that cannot be right, e.g. of the Buddhist era", _SENDER),
    "time-form": Code(
        "mended", "a time in another form than CAP's; read as the moment that is meant", "ask the sender"
    ),
    "time-midnight": Code("mended", "24:00 as the end of a day; read as 00:00 of the next", "nothing to do"),
    "time-without-offset": Code(
        "mended",
        "a time without offset; read by the clocks of the source's time zone, an end rather too late",
        "ask the sender for the offset",
    ),
    "number": Code("rejected", "a height that is no number", _SENDER),
    "heights": Code("rejected", "a lower limit of height above the upper one", _SENDER),
    "ends-before-onset": Code("noted", "ends before it begins: warns nobody at any time", "ask the sender"),
    "expires-never": Code("noted", "an end in the year 9999 or 2999; read as no end", "nothing to do"),
    "expires-missing": Code("noted", "no end: stands until it is cancelled or vanishes", "nothing to do"),
    # scales
    "urgency-unknown": Code("new", "an urgency that CAP does not know; read as Unknown", "tell the project"),
    "severity-unknown": Code("new", "a severity that CAP does not know; read as Unknown", "tell the project"),
    "certainty-unknown": Code("new", "a certainty that CAP does not know; read as Unknown", "tell the project"),
    # areas
    "polygon": Code("rejected", "a polygon that cannot be read", _SENDER),
    "coordinates": Code("rejected", "coordinates that are not on earth; perhaps lon,lat instead of lat,lon", _SENDER),
    "circle": Code("rejected", "a circle that cannot be read", _SENDER),
    "coordinates-placeholder": Code("mended", "-1,-1 among the points of an outline; left out", "ask the sender"),
    "coordinates-blanks": Code("mended", "blanks around the commas of coordinates; read without", "ask the sender"),
    "longitude-turned": Code("mended", "a longitude a little beyond 180°; read as it lies on earth", "nothing to do"),
    "outline-across-180": Code(
        "noted", "an outline with points more than 180° apart; read as one across the 180th meridian", "nothing to do"
    ),
    "shape-left-out": Code(
        "mended",
        "a shape or height that cannot be read, beside warn cells, which decide; left out, and no share told",
        "ask the sender",
    ),
    "circle-empty": Code("mended", "an empty circle; left out", "nothing to do"),
    "cells-in-one-value": Code(
        "mended", "several warn cells in one value, or other signs beside one; each cell is read", "ask the sender"
    ),
    "polygon-empty": Code("mended", "an empty polygon; left out", "nothing to do"),
    "polygon-point": Code("mended", "a polygon of one place only; read as a point", "ask the sender"),
    "polygon-open": Code("mended", "a polygon that does not end where it began; closed", "nothing to do"),
    "polygon-crossing": Code(
        "mended", "an outline that crosses itself; whatever it encloses in any way is warned", "ask the sender"
    ),
    "coordinates-swapped": Code(
        "noted", "an outline off Somalia, where Germany lies with lat and lon exchanged", "ask the sender"
    ),
    "geocode-empty": Code("mended", "a geocode without name or value; left out", "nothing to do"),
    "area-unplaced": Code(
        "noted",
        "no outline, circle or warn cell: warns nobody, for other geocodes are not known",
        "ask the sender",
    ),
    "update-unplaced": Code(
        "rejected", "warns and replaces others, but names no place; what it replaces goes on", "ask the sender"
    ),
    "update-over": Code(
        "rejected",
        "warns and replaces others, but ended an hour or more before it was sent; what it replaces goes on",
        "ask the sender",
    ),
    "areas-many": Code(
        "rejected", "more areas, outlines, circles or points than a real message can hold", "have the sender looked at"
    ),
    "area-missing": Code("noted", "an info without area warns nobody", "ask the sender"),
    "areas-differ": Code("noted", "languages with different areas; each is judged by its own", "nothing to do"),
    # what measuring an area may cost (geofences/overlap/budget.py); said of the outcome, not of the message
    "outline-hull": Code(
        "mended", "an outline crosses itself too often to be measured; read as its convex hull", "ask the sender"
    ),
    "outlines-hull": Code(
        "mended", "outlines cost too much to be joined; read as the convex hull of them all", "ask the sender"
    ),
    "outline-box": Code(
        "mended",
        "more outlines than are measured; whatever the boxes around the rest touch is warned",
        "ask the sender",
    ),
    "hole-left-out": Code(
        "mended", "a hole crosses itself or others too often to be cut; what lies in it is warned", "ask the sender"
    ),
    "circle-box": Code(
        "mended", "more circles than are drawn; the rest are read as boxes around them", "nothing to do"
    ),
    "share-left-out": Code(
        "noted", "outlines cost too much to be measured; the warn cells decide, as always", "nothing to do"
    ),
    # the DWD profile
    "profile-new": Code("new", "a version of the DWD profile that is new to us", "tell the project"),
    "event-new": Code("new", "an event number of the DWD that is new to us", "tell the project"),
    "group-new": Code("new", "an event group of the DWD that is new to us", "tell the project"),
    "awareness-green": Code("noted", "MeteoAlarm's level green: nothing is warned", "nothing to do"),
    "urgency-past": Code(
        "noted",
        "urgency Past: it stands on screens, quietly, and the public is told nothing",
        "nothing to do",
    ),
    "silent-update": Code(
        "noted", "the DWD wants nobody told of it; told where it changes something material", "nothing to do"
    ),
    "partial-clear": Code("noted", "a part is warned no more; what is left is listed", "nothing to do"),
    "cell-new": Code("new", "a warn cell that is not in the catalogue", "warnsys cells update FILE"),
}
"""By code, in the order of the documentation."""
