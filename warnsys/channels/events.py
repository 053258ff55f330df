"""Short names of events: an SMS has no room for an alert's text.

The DWD's numbers are named by the catalogues, some otherwise in an advance notice. A number that is new to us is called
by its group, and a new group by the alert's own event.
"""

import re
from functools import lru_cache

from warnsys.cap.dwd import event_key
from warnsys.channels.words import LANGUAGES, known, say
from warnsys.records import Localised, Meaning
from warnsys.warning.text import shorten

MAX_CHARS, MAX_SHORT = 42, 24
_HOW_EXTREME = re.compile(r"extrem(e|ely)? ")


def event_name(meaning: Meaning) -> Localised:
    """What a meaning warns of, in at most `MAX_CHARS` characters a language."""
    own = {language: shorten(text.event, MAX_CHARS) for language, text in meaning.texts.items() if text.event}
    ours = meaning.worded is None or not own  # else somebody else's words, whatever code stands beside them
    if ours and (found := _named(meaning.ii, meaning.group, advance=meaning.advance)):
        return found
    unknown = say("event-unknown")
    any_of_them = own.get("de") or own.get("en") or next(iter(own.values()), "")
    return {language: own.get(language) or any_of_them or unknown[language] for language in LANGUAGES}


def short_event_name(meaning: Meaning) -> Localised:
    """The same in at most `MAX_SHORT` characters: without what comes along and how extreme, else the group, or cut.

    Each language by itself: a name that is short in one must not become vague because it is long in another.
    """
    vague = _group(meaning)
    heads = {language: name.split(",", 1)[0] for language, name in event_name(meaning).items()}
    heads = {
        language: head if len(head) <= MAX_SHORT else _HOW_EXTREME.sub("", head) for language, head in heads.items()
    }
    return {
        language: head if len(head) <= MAX_SHORT else vague.get(language) or shorten(head, MAX_SHORT)
        for language, head in heads.items()
    }


def group_name(meaning: Meaning) -> Localised:
    """Its event group's name; in somebody else's words, or in a new group, the short name."""
    return _group(meaning) or short_event_name(meaning)


def _group(meaning: Meaning) -> Localised:
    group = f"group-{meaning.group}"
    return say(group) if meaning.worded is None and known(group) else {}


@lru_cache
def _named(ii: str, group: str, *, advance: bool) -> Localised:
    for key in (f"event-{event_key(ii, advance=advance)}", f"group-{group}"):
        if known(key):
            return say(key)
    return {}
