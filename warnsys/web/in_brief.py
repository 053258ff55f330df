"""What a message says, in the few words of a list: of its outcome where that tells it, else of its bytes.

An outcome elsewhere has no words, and to read thousands of messages whole takes half a minute: their areas do. So only
a few elements are read, by the parser and the rules that read the whole, without the areas but their names; and each
message once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple, get_args

from lxml import etree

from warnsys.cap import forms
from warnsys.cap.document import Document, parse
from warnsys.cap.errors import CapError
from warnsys.cap.mended import whole_xml
from warnsys.cap.model import Severity, Urgency, level
from warnsys.cap.read import MAX_BYTES
from warnsys.channels.events import MAX_CHARS, event_name
from warnsys.records import Localised, Outcome
from warnsys.warning.text import shorten
from warnsys.web.board import Board, HeldAlert
from warnsys.web.once import Once, keep
from warnsys.web.views import without_control_characters
from warnsys.web.words import LANGUAGES

HEADLINE_CHARS, AREA_CHARS = 160, 60
MOST_AREAS = 4
"""Named in a list; of the others it is said how many they are."""
MOST_SEARCHED = 20_000
"""Characters to search that are kept of a message; what has more is read anew for each search."""
_URGENCIES: dict[str, Urgency] = {value: value for value in get_args(Urgency)}
_SEVERITIES: dict[str, Severity] = {value: value for value in get_args(Severity)}
_INFO_ENDS = b"</", b"info>"
_END = re.compile(rb"</((?:[A-Za-z_][A-Za-z0-9_.-]{0,30}:)?)alert[ \t\r\n]{0,99}>")


@dataclass(frozen=True, slots=True)
class InBrief:
    """One message in a list. Texts are by language, German and English; level 0 where it has none."""

    level: int
    advance: bool
    events: Localised
    headlines: Localised
    areas: tuple[str, ...]
    more_areas: int
    every_event: Mapping[str, tuple[str, ...]]
    """Also those of its other warnings."""


_NOTHING: Localised = dict.fromkeys(LANGUAGES, "")
NOTHING_SAID = InBrief(0, False, _NOTHING, _NOTHING, (), 0, dict.fromkeys(LANGUAGES, ()))
"""Of a message whose bytes are not kept any more, or say nothing."""


def in_brief(outcome: Outcome | None, held: HeldAlert | None) -> InBrief:
    """As the desk calls it where somebody is warned, else as the message calls itself."""
    if outcome is not None and outcome.meanings:
        return _OF_OUTCOMES.of(outcome)
    return _gist(held).brief if held else NOTHING_SAID


def event_of(board: Board, outcome: Outcome, language: str) -> str:
    """The event that a message is about: of a Cancel, that of what it ends, where this is known; "" where none is."""
    if outcome.msg_type == "Cancel" and not outcome.meanings:
        ended = [one for name in outcome.supersedes if (one := board.outcome(name)) and one.meanings]
        if ended:
            return ", ".join(dict.fromkeys(in_brief(one, None).events[language] for one in ended))
    return in_brief(outcome, board.alerts.get(outcome.listed_id)).events[language]


def names_of(outcome: Outcome | None, held: HeldAlert | None) -> str:
    """What a search looks at beside `text_of`, in small letters: the names that we give a message and its events.

    With the texts of its outcome where its bytes are not kept any more.
    """
    if outcome is None:
        return ""
    told = (name for meaning in outcome.meanings for name in event_name(meaning).values())
    texts = (text for meaning in outcome.meanings for text in meaning.texts.values()) if held is None else ()
    said = (word for text in texts for word in (text.event, text.headline))
    return "\n".join((outcome.listed_id, outcome.base_id, *told, *said)).casefold()


def text_of(held: HeldAlert) -> str:
    """What a search looks at, in small letters: events, headlines and areas, in every language of the message."""
    return kept_text_of(held) or _text(held.body, _infos(held.body))


def kept_text_of(held: HeldAlert) -> str:
    """The same; "" where it is too long to be kept."""
    return _gist(held).text


def _of_outcome(outcome: Outcome) -> InBrief:
    worst = max(outcome.meanings, key=lambda one: (not one.advance, level(one.severity)))
    events = {language: without_control_characters(name) for language, name in event_name(worst).items()}
    any_text = next(iter(worst.texts.values()), None)
    texts = {language: worst.texts.get(language) or any_text for language in LANGUAGES}
    headlines = {language: _short(text.headline if text else "", HEADLINE_CHARS) for language, text in texts.items()}
    names = [event_name(one) for one in outcome.meanings]
    every = {language: _each(one[language] for one in names) for language in LANGUAGES}
    return InBrief(level(worst.severity), worst.advance, events, headlines, (), 0, every)


_OF_OUTCOMES = Once(_of_outcome)


class _Gist(NamedTuple):
    mark: tuple[int, int]
    """The hash and length of its bytes: a message is published again every ten minutes as it was."""
    brief: InBrief
    text: str
    """To search in small letters; "" where it is too long to be kept."""


_KNOWN: dict[str, _Gist] = {}
"""By listed id."""


def _gist(held: HeldAlert) -> _Gist:
    mark = hash(held.body), len(held.body)
    known = _KNOWN.get(held.headers.id)
    if known is None or known.mark != mark:
        infos = _infos(held.body)
        text = _text(held.body, infos)
        gist = _Gist(mark, _summed_up(infos), text if len(text) <= MOST_SEARCHED else "")
        known = keep(_KNOWN, held.headers.id, gist)
    return known


def _text(body: bytes, infos: list["_Info"]) -> str:
    """What a search looks at, in small letters; of what cannot be read, all that stands there."""
    if not infos:
        return body[:MAX_BYTES].decode("utf-8", "replace").casefold()
    said = (text for info in infos for text in (info.event, info.headline, *info.areas))
    return "\n".join(dict.fromkeys(said)).casefold()


def _summed_up(infos: list["_Info"]) -> InBrief:
    if not infos:
        return NOTHING_SAID
    worst = max(infos, key=_how_bad)
    spoken = {language: [one for one in infos if one.language.startswith(language)] for language in LANGUAGES}
    chosen = {language: max(spoken[language], key=_how_bad, default=worst) for language in LANGUAGES}
    areas = list(dict.fromkeys(chosen[LANGUAGES[0]].areas))
    return InBrief(
        worst.level, worst.advance,
        {language: _short(one.event, MAX_CHARS) for language, one in chosen.items()},
        {language: _short(one.headline, HEADLINE_CHARS) for language, one in chosen.items()},
        tuple(_short(area, AREA_CHARS) for area in areas[:MOST_AREAS]), max(0, len(areas) - MOST_AREAS),
        {language: _each(_short(one.event, MAX_CHARS) for one in ours or infos) for language, ours in spoken.items()},
    )  # fmt: skip


def _how_bad(info: "_Info") -> tuple[bool, int]:
    return not info.advance, info.level


def _each(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(without_control_characters(name) for name in names if name))


def _short(text: str, most: int) -> str:
    return shorten(" ".join(without_control_characters(text).split()), most)


# -- reading ----------------------------------------------------------------------------------------------------------


class _Info(NamedTuple):
    language: str
    event: str
    headline: str
    level: int
    advance: bool
    areas: Sequence[str]


def _infos(body: bytes) -> list[_Info]:
    """As `read_alert` reads them, also where it refuses the message for something else; none where they are unsure."""
    if len(body) > MAX_BYTES:
        return []
    body, _ = forms.without_head(body)
    try:
        return _of_short(body) or _of_whole(body)
    except CapError:
        mended, said = whole_xml(body)
    try:
        return _of_whole(mended) if said else []
    except CapError:
        return []


def _of_whole(body: bytes) -> list[_Info]:
    document = Document(parse(body))
    return [
        _info(
            document, info, [document.plain(area, "areaDesc") for area in info.iterchildren(f"{document.prefix}area")]
        )
        for info in document.children(document.root, "info")
    ]


def _of_short(body: bytes) -> list[_Info]:
    """Without XML being made of the areas; nothing where comments and the like make that unsure. In UTF-8 only."""
    if (short := _without_areas(body)) is None:
        return []
    root = parse(short.body)
    document = Document(root)
    infos = document.children(root, "info")
    if (root.getroottree().docinfo.encoding or "UTF-8").upper() != "UTF-8" or len(infos) != len(short.areas):
        return []
    return [_info(document, info, areas) for info, areas in zip(infos, short.areas, strict=True)]


def _info(document: Document, info: etree._Element, areas: Sequence[str]) -> _Info:
    severity = document.graded(_SEVERITIES, info, "severity")
    advance = document.graded(_URGENCIES, info, "urgency") == "Future"
    event, headline = document.plain(info, "event"), document.plain(info, "headline")
    return _Info(document.language(info), event, headline, level(severity), advance, areas)


class _WithoutAreas(NamedTuple):
    body: bytes
    areas: list[list[str]]
    """Their names, by info."""


def _without_areas(body: bytes) -> _WithoutAreas | None:
    """What is left where nothing but areas with a name each is left out; None where that is not sure."""
    end = _END.match(body, max(body.rfind(b"</"), 0))
    if end is None or b"<!" in body or body.find(b"<?", 1) > 0:  # at 0 XML is declared
        return None
    opening, closing, last = (mark + end[1] + name for mark, name in ((b"<", b"area>"), (b"</", b"area>"), _INFO_ENDS))
    kept, areas, at = list[bytes](), list[list[str]](), 0
    while (ends := body.find(last, at)) >= 0:
        begin, until = body.find(opening, at, ends), body.rfind(closing, at, ends) + len(closing)
        if begin < 0:
            begin = until = ends
        if (names := _names(body[begin:until], end[1].decode())) is None:
            return None
        areas.append(names)
        kept += body[at:begin], body[until : ends + len(last)]
        at = ends + len(last)
    return _WithoutAreas(b"".join((*kept, body[at:])), areas)


def _names(areas: bytes, prefix: str) -> list[str] | None:
    """Of areas one after the other; None where something else stands between them, or one has no name or several."""
    opening, closing, blank = f"<{prefix}area", f"</{prefix}area>", "[ \\t\\r\\n]{0,99}"
    text = closing + areas.decode("utf-8", "replace")
    names = re.findall(re.escape(closing) + f"{blank}{opening}>{blank}{opening}Desc>([^<]{{0,999}})</", text)
    if text.count(opening) != 2 * len(names) or text.count(closing) != len(names) + 1:
        return None
    return [forms.plain(unescape(name).strip()) if "&" in name else name.strip() for name in names]
