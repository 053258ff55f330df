"""SMS: fixed slots within 160 characters of GSM-7. Level, event and end time are never cut; district names give way.

ÜBUNG: Unwetterwarnung: heftiger Starkregen. Mitte, Wald. Mi 14.07. 17:00-20:00. Daten: DWD, gekürzt
"""

import unicodedata
from collections.abc import Iterable, Iterator

from warnsys.cap.model import level
from warnsys.channels import advice, still, wording
from warnsys.channels.common import common_fields
from warnsys.channels.events import event_name, short_event_name
from warnsys.channels.news import ended, news, why_ended
from warnsys.channels.registry import Channel
from warnsys.channels.wording import CityInfo
from warnsys.channels.words import LANGUAGES, Messages, messages
from warnsys.records import Meaning, SmsNotice
from warnsys.settings import LIVE
from warnsys.warning.notify import Change
from warnsys.warning.policy import QUIET_GROUPS, Rule
from warnsys.warning.situation import Situation

MAX_CHARS = 160
"""One message of GSM-7 (3GPP TS 23.038); an extension character counts twice."""
MAX_EVENT, MAX_EVENT_AND_MORE, MAX_SOURCE = 42, 24, 20
CUT = "..."

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("^{}\\[~]|€")
_HAS = GSM7 | GSM7_EXTENSION
_SUBSTITUTES = str.maketrans(
    {
        "²": "2", "³": "3", "°": " Grad", "–": "-", "—": "-", "…": "...", "„": '"', "“": '"', "”": '"', "‚": "'",
        "‘": "'", "’": "'", "\u00a0": " ", "[": "(", "]": ")", "ẞ": "ß", "µ": "u", "×": "x", "·": ".",
    }
)  # fmt: skip


def notice(place: CityInfo, change: Change, situation: Situation, stage: str) -> SmsNotice:
    """The message, in the first language of the rule."""
    language = change.rule.languages[0]
    text = text_that_fits(place, change, situation, exercise=stage != LIVE, language=language)
    return _notice(place, change, situation, stage, text, language)


def beside(place: CityInfo, change: Change, situation: Situation, stage: str) -> Iterator[SmsNotice]:
    """What the rule has beside it: the message in further languages, and second messages that say what to do."""
    first, *others = change.rule.languages
    for language in others:
        text = text_that_fits(place, change, situation, exercise=stage != LIVE, language=language)
        yield _notice(place, change, situation, stage, text, language)
    for language in (first, *others) if _has_second(change) else ():
        said = text_that_fits(place, change, situation, exercise=stage != LIVE, language=language)
        if text := second_text(change, said, exercise=stage != LIVE, language=language):
            yield _notice(place, change, situation, stage, text, language, part=2)


def _notice(
    place: CityInfo, change: Change, situation: Situation, stage: str, text: str, language: str, part: int = 1
) -> SmsNotice:
    other = () if language == LANGUAGES[0] else (f"language {language}",)
    return SmsNotice(
        **common_fields(place, change, situation, stage, *other, *((f"part {part}",) if part > 1 else ())),
        text=text,
        language=language if other else None,
        part=part if part > 1 else None,
    )


def gsm7(text: str) -> str:
    """The text in one line, in characters that GSM-7 has; others are written otherwise, or as a question mark."""
    line = " ".join(unicodedata.normalize("NFC", text).translate(_SUBSTITUTES).split())
    return "".join(character if character in _HAS else _plain(character) for character in line)


def _plain(character: str) -> str:
    if unicodedata.category(character)[0] in "CM":  # controls, marks of direction, accents on their own
        return ""
    alike = unicodedata.normalize("NFKD", character).replace("⁄", "/")
    return "".join(part for part in alike if part in _HAS).strip() or "?"


def gsm7_length(text: str) -> int:
    return len(text) + sum(character in GSM7_EXTENSION for character in text)


def fitting(text: str, limit: int) -> str:
    """The text in GSM-7 within `limit` septets, cut at the end where it has more, the cut marked."""
    plain = gsm7(text)
    if gsm7_length(plain) <= limit:
        return plain
    while gsm7_length(plain) > limit - len(CUT):
        plain = plain[:-1]
    return plain.rstrip() + CUT


def text_that_fits(
    place: CityInfo, change: Change, situation: Situation, *, exercise: bool, language: str = "de"
) -> str:
    """The fullest text that one message holds: districts and what changed give way, level, event and end never.

    Of what still holds beside an end or a lowering, ever less is said, but never nothing. Where room is left, the
    message's own instruction is said in whole sentences.
    """
    words = messages(language)
    source = _source(change, words)
    for draft in _every_draft(place, change, situation, words):
        text = _written((*draft, source), words, exercise=exercise)
        if gsm7_length(text) <= MAX_CHARS:
            break
    if advice.is_said(change):
        for what_to_do in advice.beginnings(advice.instruction(change.meaning, language)):
            longer = _written((*draft, what_to_do, source), words, exercise=exercise)
            if gsm7_length(longer) <= MAX_CHARS:
                return longer
    return text


def second_text(change: Change, first: str, *, exercise: bool, language: str) -> str:
    """What to do, in a message of its own; "" where the alert does not say it, or the first message has all of it."""
    words = messages(language)
    instruction, source = gsm7(advice.instruction(change.meaning, language)), _source(change, words)
    if not instruction or advice.as_sentence(instruction) in first:
        return ""

    def written(what_to_do: str) -> str:
        event = fitting(short_event_name(change.meaning)[language], MAX_EVENT_AND_MORE)
        said = words("sms-do", level=level(change.meaning.severity), event=event, instruction=what_to_do)
        return _written((said, source), words, exercise=exercise)

    whole = (text for part in advice.beginnings(instruction) if gsm7_length(text := written(part)) <= MAX_CHARS)
    room = MAX_CHARS - gsm7_length(written(""))
    return next(whole, None) or written(fitting(instruction, room))


def _has_second(change: Change) -> bool:
    """Only with news: it does not come again where an end moved, nor after a lowering."""
    least, meaning = change.rule.second, change.meaning
    if least == "never" or meaning.advance or level(meaning.severity) < level(least):
        return False
    return change.kind in ("warn", "update") and change.reason in ("entered", "revived", "raised", "now a warning")


def _written(sentences: Iterable[str], words: Messages, *, exercise: bool) -> str:
    *said, source = sentences
    text = " ".join((*(one if one.endswith(("!", "?")) else f"{one.removesuffix('.')}." for one in said), source))
    return gsm7(words("sms-exercise", text=text) if exercise else text)


def _source(change: Change, words: Messages) -> str:
    dwd = wording.is_dwd(change.meaning)
    return words("sms-source", source="DWD" if dwd else fitting(change.meaning.sender_name, MAX_SOURCE))


def _level_key(meaning: Meaning) -> str:
    return f"level-{'other-' if wording.is_other(meaning) else ''}{level(meaning.severity)}"


def _every_draft(place: CityInfo, change: Change, situation: Situation, words: Messages) -> Iterator[tuple[str, ...]]:
    """The sentences, ever more briefly: first with the districts, then without, then with a short name of the event.

    That something goes on is said without what it is only where nothing else fits.
    """
    drafts = _drafts_ended if change.kind == "ended" else _drafts
    event, places = _event(change, words.language), tuple(_places(place, change, words))
    if not (goes_on := _going_on(place, change, situation, words)):
        for names in (places, ()):
            yield from drafts(place, change, words, event, names, ())
        return
    *named, least = goes_on
    for sentences in (named, (least,)):
        for names in (places, ()):
            for one in sentences:
                yield from drafts(place, change, words, event, names, (one,))
        yield from drafts(place, change, words, fitting(event, MAX_EVENT_AND_MORE), (), (sentences[-1],))


def _going_on(place: CityInfo, change: Change, situation: Situation, words: Messages) -> tuple[str, ...]:
    """What still holds, or that something may, ever more briefly: at least two sentences, or none if neither is so."""
    if some := still.still_holds(change, situation):
        shapes = ((3, False), (2, False), (1, False), (2, True), (1, True))
        said = (still.sentence(place, change, some, situation.now, most=most, brief=brief) for most, brief in shapes)
        return (*(one[words.language] for one in said), words("still-some"))
    if still.may_hold(change, situation):
        return words("still-unknown"), words("still-unknown-brief")
    return ()


def _drafts(
    place: CityInfo, change: Change, words: Messages, event: str, places: tuple[str, ...], goes_on: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    meaning, language = change.meaning, words.language
    called = {"level": words(_level_key(meaning)), "event": event}
    head = words("sms-head-advance" if meaning.advance else "sms-head", **called)
    new = news(change, place.timezone)
    said = (new.text[language], new.brief[language]) if new else ()
    then = goes_on if new and new.says_end else (_period(meaning, place, words), *goes_on)
    for names in places:
        yield from ((head, f"{names}: {what}", *then) for what in said)
        if not said:
            yield head, names, *then
    if not places:
        yield from ((head, what, *then) for what in said)
        if not said:
            yield head, *then
        yield head, _end(meaning, place, words), *goes_on


def _drafts_ended(
    _place: CityInfo, change: Change, words: Messages, event: str, places: tuple[str, ...], goes_on: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Where something goes on, it is said instead of the dangers that may remain."""
    is_over = ended(change)[words.language]
    with_reason = words("sms-head-ended-why", ended=is_over, reason=why_ended(change)[words.language], event=event)
    without, remaining = words("sms-head-ended", ended=is_over, event=event), goes_on or (words("aftermath"),)
    for names in places:
        yield with_reason, names, *remaining
    if not places:
        yield with_reason, *remaining
        yield without, *remaining


def _event(change: Change, language: str) -> str:
    """With how many more there are, where it stands for them."""
    event = event_name(change.meaning)[language]
    if not change.more:
        return fitting(event, MAX_EVENT)
    return messages(language)("sms-event-more", event=fitting(event, MAX_EVENT_AND_MORE), count=change.more)


def _places(place: CityInfo, change: Change, words: Messages) -> Iterator[str]:
    """The districts, ever more briefly; first with the height band, where there is one."""
    districts = change.districts
    whole = len(districts) == len(place.districts) > 1
    count, of_all = len(districts), len(place.districts)
    if whole:
        names = words("whole-city", city=place.name)
    else:
        names = ", ".join(place.district(district).short_name for district in districts)
    if change.kind != "ended" and (height := wording.heights(change.meaning, districts)):
        yield f"{names}, {height[words.language]}"
    yield names
    yield words("districts-of-city", city=place.name, count=count, all=of_all)
    yield words("districts", count=count, all=of_all)
    yield words("sms-districts", count=count)


def _period(meaning: Meaning, place: CityInfo, words: Messages) -> str:
    zone = place.timezone
    begin = wording.moment(meaning.onset, zone, words.language)
    if meaning.expires is None:
        return words("sms-period-open", begin=begin)
    if wording.same_day(meaning.onset, meaning.expires, zone):
        return words("sms-period", begin=begin, end=wording.clock(meaning.expires, zone))
    return words("sms-period", begin=begin, end=wording.moment(meaning.expires, zone, words.language))


def _end(meaning: Meaning, place: CityInfo, words: Messages) -> str:
    if meaning.expires is None:
        return words("sms-until-open")
    return words("sms-until", end=wording.moment(meaning.expires, place.timezone, words.language))


def _parts(notice: SmsNotice, _language: str) -> tuple[str, ...]:
    return (notice.text,)


CHANNEL = Channel(
    name="sms",
    order=30,
    called={"de": "SMS", "en": "SMS"},
    record=SmsNotice,
    key="the notice's id",
    parts=_parts,
    word=notice,
    beside=beside,
    rules=(
        Rule(audience="public", channel="sms", warnings="Severe", except_groups=QUIET_GROUPS),
        Rule(audience="staff", channel="sms", warnings="Severe", advance="Severe"),
    ),
)
