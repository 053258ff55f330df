"""What a message says, in the few words of a list: of its outcome where that tells it, else of its bytes.

An outcome elsewhere has no words, and to read thousands of messages whole takes seconds. So their bytes are searched
for a few elements; the page of one message has read it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from itertools import chain

from warnsys.cap.model import level
from warnsys.channels.events import MAX_CHARS, event_name
from warnsys.records import Localised, Outcome
from warnsys.warning.text import shorten
from warnsys.web.alerts import read
from warnsys.web.board import MAX_ALERTS, HeldAlert
from warnsys.web.once import Once
from warnsys.web.views import without_control_characters
from warnsys.web.words import LANGUAGES

HEADLINE_CHARS, AREA_CHARS = 160, 60
MOST_AREAS = 4
"""Named in a list; of the others it is said how many they are."""
_ELEMENT = re.compile(
    rb"<(?:[A-Za-z_][A-Za-z0-9_.-]{0,30}:)?(info|language|event|urgency|severity|headline|areaDesc)[ \t\r\n]{0,9}>"
    rb"(?:<!\[CDATA\[)?([^<]*)"
)
_LEVELS = {"Minor": level("Minor"), "Severe": level("Severe"), "Extreme": level("Extreme")}
_Said = dict[bytes, list[bytes]]
"""What one info says, by element."""


@dataclass(frozen=True, slots=True)
class InBrief:
    """One message in a list. Texts are by language, German and English; level 0 where it has none."""

    level: int
    advance: bool
    events: Localised
    headlines: Localised
    areas: tuple[str, ...]
    more_areas: int


NOTHING_SAID = InBrief(0, False, dict.fromkeys(LANGUAGES, ""), dict.fromkeys(LANGUAGES, ""), (), 0)
"""Of a message whose bytes are not kept any more, or say nothing."""


def in_brief(outcome: Outcome | None, held: HeldAlert | None) -> InBrief:
    """As the desk calls it where somebody is warned, else as the message calls itself."""
    if outcome is not None and outcome.meanings:
        return _OF_OUTCOMES.of(outcome)
    return _of_bytes(held) if held else NOTHING_SAID


def searched(outcome: Outcome | None, held: HeldAlert | None) -> str:
    """All that a search looks at, in small letters: names, events, headlines and areas, in every language."""
    names = [outcome.listed_id, outcome.base_id] if outcome else []
    told = [event_name(meaning) for meaning in outcome.meanings] if outcome else []
    found = [*names, *(name for one in told for name in one.values())]
    if held:
        infos = _infos(held)
        wanted = (info.get(tag, []) for info in infos for tag in (b"event", b"headline", b"areaDesc"))
        found += [held.headers.id, _text(b"\n".join(chain.from_iterable(wanted)))]
    elif outcome:
        found += [
            text for one in outcome.meanings for each in one.texts.values() for text in (each.event, each.headline)
        ]
    return "\n".join(found).casefold()


def _of_outcome(outcome: Outcome) -> InBrief:
    worst = max(outcome.meanings, key=lambda one: (not one.advance, level(one.severity)))
    events = {language: without_control_characters(name) for language, name in event_name(worst).items()}
    any_text = next(iter(worst.texts.values()), None)
    texts = {language: worst.texts.get(language) or any_text for language in LANGUAGES}
    headlines = {language: _short(text.headline if text else "", HEADLINE_CHARS) for language, text in texts.items()}
    return InBrief(level(worst.severity), worst.advance, events, headlines, (), 0)


_OF_OUTCOMES = Once(_of_outcome)
_KNOWN: dict[str, tuple[tuple[int, int], InBrief]] = {}
"""By listed id, with the hash and length of its bytes: a message is published again every ten minutes as it was."""


def _of_bytes(held: HeldAlert) -> InBrief:
    mark = hash(held.body), len(held.body)
    known = _KNOWN.get(held.headers.id)
    if known is None or known[0] != mark:
        if len(_KNOWN) > 2 * MAX_ALERTS:
            _KNOWN.clear()
        known = _KNOWN[held.headers.id] = mark, _summed_up(_infos(held))
    return known[1]


def _summed_up(infos: list[_Said]) -> InBrief:
    if not infos:
        return NOTHING_SAID
    worst = max(infos, key=_how_bad)
    chosen = {
        language: max(
            (one for one in infos if _one(one, b"language").startswith(language)), key=_how_bad, default=worst
        )
        for language in LANGUAGES
    }
    areas = list(dict.fromkeys(chosen[LANGUAGES[0]].get(b"areaDesc", [])))
    return InBrief(
        _level(worst), _one(worst, b"urgency") == "Future",
        {language: _short(_one(one, b"event"), MAX_CHARS) for language, one in chosen.items()},
        {language: _short(_one(one, b"headline"), HEADLINE_CHARS) for language, one in chosen.items()},
        tuple(_short(_text(area), AREA_CHARS) for area in areas[:MOST_AREAS]), max(0, len(areas) - MOST_AREAS),
    )  # fmt: skip


def _infos(held: HeldAlert) -> list[_Said]:
    """What its infos say; of one in an encoding that has none of these bytes (UTF-16), as it is read."""
    found = list(_found(held.body))
    if not found and (alert := read(held)):
        for info in alert.infos:
            said: Mapping[bytes, list[str]] = {
                b"language": [info.language], b"event": [info.event], b"urgency": [info.urgency],
                b"severity": [info.severity], b"headline": [info.headline],
                b"areaDesc": [area.desc for area in info.areas],
            }  # fmt: skip
            found.append({tag: [text.encode() for text in texts] for tag, texts in said.items()})
    return found


def _found(body: bytes) -> Iterator[_Said]:
    info: _Said | None = None
    for tag, text in _ELEMENT.findall(body):
        if tag == b"info":
            if info is not None:
                yield info
            info = {}
        elif info is not None:
            info.setdefault(tag, []).append(text)
    if info is not None:
        yield info


def _how_bad(info: _Said) -> tuple[bool, int]:
    return _one(info, b"urgency") != "Future", _level(info)


def _level(info: _Said) -> int:
    """What is not known counts as Moderate, as everywhere."""
    return _LEVELS.get(_one(info, b"severity"), level("Unknown"))


def _one(info: _Said, tag: bytes) -> str:
    return _text(info[tag][0]).strip() if info.get(tag) else ""


def _text(value: bytes) -> str:
    return unescape(value.decode("utf-8", "replace").replace("]]>", ""))


def _short(text: str, most: int) -> str:
    return shorten(" ".join(without_control_characters(text).split()), most)
