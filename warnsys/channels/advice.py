"""What to do: a message's own instruction, in whole sentences, from Severe on. Nothing is put in place of one."""

import re
from collections.abc import Iterator, Sequence

from warnsys.cap.model import level
from warnsys.channels.words import LANGUAGES
from warnsys.records import Localised, Meaning
from warnsys.warning.notify import Change
from warnsys.warning.text import shorten

SAID_FROM = level("Severe")
MAX_CHARS = 240
"""Of the instruction in brief: what a phone shows of a push unfolded, beside the period and what holds."""
MAX_CALL = 20
"""Of a sentence in capitals that says nothing by itself: "ACHTUNG!", "DANGER TO LIFE!"."""
TO_THE_READER = re.compile(r"\b[a-zäöüß]{2,30}n Sie\b", re.IGNORECASE)
"""What a sentence has that asks the reader to do something. The DWD's instructions first tell of dangers in German."""
SHORT_FORMS = frozenset("z b d h u a o ca bzw usw etc ggf evtl inkl mind max min nr st dr e g i approx no".split())
"""Words behind which a full stop ends no sentence."""


def instruction(meaning: Meaning, language: str) -> str:
    """The instruction in one line, in this language; "" where the message has none."""
    text = meaning.texts.get(language)
    line = " ".join(text.instruction.split()) if text else ""
    if line.isprintable():
        return line
    return "".join(character for character in line if character.isprintable())  # else it could turn the text round


def is_said(change: Change) -> bool:
    """Whether a change says what to do: something holds, and it is Severe or worse."""
    return change.kind != "ended" and level(change.meaning.severity) >= SAID_FROM


def briefly(change: Change) -> Localised:
    """The instruction, short; in another language of the message where it has none in the reader's. {} for none."""
    if not is_said(change):
        return {}
    own = {language: instruction(change.meaning, language) for language in (*LANGUAGES, *change.meaning.texts)}
    any_of_them = next((text for text in own.values() if text), "")
    return {lang: as_sentence(short(own[lang] or any_of_them, MAX_CHARS)) for lang in LANGUAGES} if any_of_them else {}


def as_sentence(sentence: str) -> str:
    """The sentence with a full stop, unless it ends with another sign."""
    return sentence if sentence.endswith((".", "!", "?", "]")) else f"{sentence}."


def short(text: str, limit: int) -> str:
    """As many whole sentences as fit (`excerpts`); if not even one fits, the text is cut, and the cut marked."""
    whole = next((found for found in excerpts(text) if len(found) <= limit), "")
    return whole or shorten(" ".join(text.split()), limit)


def excerpts(text: str) -> Iterator[str]:
    """The text; then ever fewer sentences from the first that asks the reader to do something; then from its beginning.

    A mere call such as "ACHTUNG!" stays with the sentence behind it.
    """
    whole = sentences(text)
    yield from _ever_fewer(whole, least=len(whole))
    asks = next((number for number, sentence in enumerate(whole) if TO_THE_READER.search(sentence)), 0)
    while asks and _is_a_call(whole[asks - 1]):
        asks -= 1
    yield from _ever_fewer(whole[asks:])
    yield from _ever_fewer(whole)


def _ever_fewer(whole: Sequence[str], least: int = 1) -> Iterator[str]:
    for count in range(len(whole), least - 1, -1):
        if count and not _is_a_call(whole[count - 1]):
            yield " ".join(whole[:count])


def _is_a_call(sentence: str) -> bool:
    return sentence.isupper() and len(sentence) <= MAX_CALL


def sentences(text: str) -> list[str]:
    found, words = list[str](), list[str]()
    for word in text.split():
        words.append(word)
        if _ends_a_sentence(word.rstrip("\"'”“»)")):
            found.append(" ".join(words))
            words = []
    return [*found, " ".join(words)] if words else found


def _ends_a_sentence(word: str) -> bool:
    if word.endswith((".", "!", "?")):
        last = word.rstrip(".").rpartition(".")[2].strip('("„').lower()
        return word[-1] != "." or not (last in SHORT_FORMS or last.isdigit())
    return False
