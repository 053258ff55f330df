"""SMS: fixed slots within 160 characters of GSM-7. Level, event and end time are always said; district names give way.

ÜBUNG: Unwetterwarnung: heftiger Starkregen. Mitte, Wald. Mi 14.07. 17:00-20:00. Daten: DWD, gekürzt
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from warnsys.cap.model import level
from warnsys.channels import advice, still, wording
from warnsys.channels.common import common_fields
from warnsys.channels.events import event_name, short_event_name
from warnsys.channels.news import News, aftermath, ended, news, why_ended
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
MAX_EVENT, MAX_EVENT_AND_MORE, MAX_SOURCE = 42, 20, 20
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
    """The fullest text that one message holds. Level, event and end never give way, districts and what changed do.

    Of what still holds beside an end or a lowering, ever less is said, but never nothing. Where room is left, the
    message's own instruction is said in whole sentences.
    """
    words = messages(language)
    source = _source(change, words)
    for draft in _Drafts(place, change, situation, words).every():
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


@dataclass(frozen=True)
class _Drafts:
    """All sentences of one message in one language, except its source; in ever shorter versions."""

    place: CityInfo
    change: Change
    situation: Situation
    words: Messages

    def every(self) -> Iterator[tuple[str, ...]]:
        """From the fullest version to the shortest.

        Something gives way in this order: how the districts are written, and how much is said of what is new; then how
        much is said of what goes on; then the districts, and the end of the event's name. An end or a lowering in a
        part of the city keeps its districts, or it would read as one everywhere; they are counted where their names do
        not fit. "Others still hold", which does not say what, comes only where nothing else fits.
        """
        drafts = self._ended if self.change.kind == "ended" else self._told
        names, counts = tuple(self._names()), tuple(self._counts())
        sentences = tuple((one,) for one in self._going_on())
        *named, least = sentences or ((), ())
        is_end, is_part = self.change.kind == "ended", len(self.change.districts) < len(self.place.districts)
        is_less = is_part and self.change.kind in ("ended", "lowered")
        for going_on in (named, [least]):
            for places in (names, counts) if is_less else ((*names, *counts), ("",)):
                for one in going_on:
                    yield from drafts(places, one)
                if (is_less or places == ("",)) and (sentences or is_end):
                    yield from drafts(places, going_on[-1], brief=True)
            if not is_end:
                yield from self._with_end((*names, *counts) if is_less else (*names, *counts, ""), going_on[-1])
        yield from self._shortest(least)

    def _going_on(self) -> tuple[str, ...]:
        """Versions of one sentence on what still holds, and that something else may: two or more of them, the fullest
        first; none if nothing does. Beside a new or changed warning, too (`still`)."""
        place, change, situation, words = self.place, self.change, self.situation, self.words
        some = still.still_holds(change, situation)
        unknown = still.others_unknown(change, situation, some)
        if not some:
            return (words("still-unknown"), words("still-unknown-brief")) if unknown else ()
        shapes = ((3, False), (2, False), (1, False), (2, True), (1, True))
        said = (still.sentence(place, change, some, situation.now, most=most, brief=brief) for most, brief in shapes)
        told = (*(one[words.language] for one in said), words("still-some"))
        return tuple(f"{one} {words('still-unknown-brief')}" for one in told) if unknown else told

    def _told(
        self, places: Sequence[str], goes_on: tuple[str, ...], *, brief: bool = False
    ) -> Iterator[tuple[str, ...]]:
        new, language = self._new, self.words.language
        then = goes_on if new and new.says_end else (self._period(), *goes_on)
        for names in places:
            for what in (new.text[language], new.brief[language]) if new else ("",):
                yield self._head(brief=brief), *_of(names, what), *then

    def _ended(
        self, places: Sequence[str], goes_on: tuple[str, ...], *, brief: bool = False
    ) -> Iterator[tuple[str, ...]]:
        """If brief, without the reason. Where something goes on, it is said instead of the dangers that may remain, and
        the event's name may be cut."""
        words, change = self.words, self.change
        dangers = (words("aftermath"),) if aftermath(change, self.situation.now) else ()
        is_over, why = ended(change)[words.language], why_ended(change)[words.language]
        with_reason = words("sms-head-ended-why", ended=is_over, reason=why, event=self._event())
        events = (self._event(), self._event(brief=True)) if goes_on else (self._event(),)
        without = (words("sms-head-ended", ended=is_over, event=event) for event in events)
        for head in without if brief else (with_reason,):
            for names in places:
                yield head, *_of(names, ""), *(goes_on or dangers)

    def _with_end(self, places: Sequence[str], goes_on: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Briefer than `_told`. Of what has begun, the end instead of the period. Of what begins later still the
        period, but at last the end if it was lowered."""
        head, what = self._head(brief=bool(goes_on)), self._new.brief[self.words.language] if self._new else ""
        begins_later = self.change.meaning.onset > self.situation.now
        times = [self._period()] if begins_later else []
        if not begins_later or self.change.kind == "lowered":
            times.append(self._end())
        for when in times:
            for names in places:
                yield head, *_of(names, what), when, *goes_on
        if "" in places and self.change.reason != "lowered":
            yield head, when, *goes_on

    def _shortest(self, goes_on: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Level, event and end, that it was lowered, and that something goes on: this fits always."""
        if self.change.kind == "ended":
            yield from self._ended(("",), goes_on, brief=True)
            return
        what = self._new.brief[self.words.language] if self._new and self.change.reason == "lowered" else ""
        for said in dict.fromkeys((_of("", what), ())):
            yield self._head(brief=bool(goes_on)), *said, self._end(), *goes_on

    # -- parts --

    @cached_property
    def _new(self) -> News | None:
        return news(self.change, self.situation, self.place.timezone)

    def _head(self, *, brief: bool) -> str:
        key = "sms-head-advance" if self.change.meaning.advance else "sms-head"
        return self.words(key, level=self.words(_level_key(self.change.meaning)), event=self._event(brief=brief))

    def _event(self, *, brief: bool = False) -> str:
        """With how many more there are, where it stands for them."""
        event, more = event_name(self.change.meaning)[self.words.language], self.change.more
        if more:
            return self.words("sms-event-more", event=fitting(event, MAX_EVENT_AND_MORE), count=more)
        return fitting(event, MAX_EVENT_AND_MORE if brief else MAX_EVENT)

    def _names(self) -> Iterator[str]:
        """The districts by name; first with the height band, where there is one."""
        place, change, words = self.place, self.change, self.words
        whole = len(change.districts) == len(place.districts) > 1
        names = (place.district(district).short_name for district in change.districts)
        called = words("whole-city", city=place.name) if whole else ", ".join(names)
        if change.kind != "ended" and (height := wording.heights(change.meaning, change.districts)):
            yield f"{called}, {height[words.language]}"
        yield called

    def _counts(self) -> Iterator[str]:
        """How many districts, ever more briefly."""
        count, of_all = len(self.change.districts), len(self.place.districts)
        yield self.words("districts-of-city", city=self.place.name, count=count, all=of_all)
        yield self.words("districts", count=count, all=of_all)
        yield self.words("sms-districts", count=count)

    def _period(self) -> str:
        meaning, zone, words = self.change.meaning, self.place.timezone, self.words
        begin = wording.moment(meaning.onset, zone, words.language)
        if meaning.expires is None:
            return words("sms-period-open", begin=begin)
        if wording.same_day(meaning.onset, meaning.expires, zone):
            return words("sms-period", begin=begin, end=wording.clock(meaning.expires, zone))
        return words("sms-period", begin=begin, end=wording.moment(meaning.expires, zone, words.language))

    def _end(self) -> str:
        expires = self.change.meaning.expires
        if expires is None:
            return self.words("sms-until-open")
        return self.words("sms-until", end=wording.moment(expires, self.place.timezone, self.words.language))


def _of(names: str, what: str) -> tuple[str, ...]:
    """A sentence of where and what; nothing where both are empty."""
    sentence = ": ".join(filter(None, (names, what)))
    return (sentence,) if sentence else ()


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
