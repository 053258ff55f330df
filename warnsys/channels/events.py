"""Short names of events: an SMS has no room for an alert's text.

The DWD's numbers are named by the catalogues, some otherwise in an advance notice. A number that is new to us is called
by its group, and a new group by the alert's own event.
"""

from functools import lru_cache

from warnsys.cap.dwd import event_key
from warnsys.channels.words import LANGUAGES, known, say
from warnsys.records import Localised, Meaning
from warnsys.warning.text import shorten

MAX_CHARS, MAX_SHORT = 42, 24


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
    """The same in at most `MAX_SHORT` characters: without what comes along, else the group, else cut."""
    heads: Localised = {language: name.split(",", 1)[0] for language, name in event_name(meaning).items()}
    if max(map(len, heads.values())) > MAX_SHORT and meaning.worded is None and known(f"group-{meaning.group}"):
        return say(f"group-{meaning.group}")
    return {language: shorten(head, MAX_SHORT) for language, head in heads.items()}


@lru_cache
def _named(ii: str, group: str, *, advance: bool) -> Localised:
    for key in (f"event-{event_key(ii, advance=advance)}", f"group-{group}"):
        if known(key):
            return say(key)
    return {}
