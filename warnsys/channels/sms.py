"""SMS: fixed slots within 160 characters of GSM-7. Level, event and end time are always said; district names give way.

ÜBUNG: Unwetterwarnung: heftiger Starkregen. Mitte, Wald. Mi 14.07. 17:00-20:00. Daten: DWD, gekürzt
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

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
from warnsys.smpp.text import ESCAPE, EXTENSION, GSM
from warnsys.warning.notify import Change
from warnsys.warning.policy import QUIET_GROUPS, Rule
from warnsys.warning.situation import Situation

MAX_CHARS = 160
"""One message of GSM-7 (3GPP TS 23.038); an extension character counts twice."""
MAX_EVENT, MAX_EVENT_AND_MORE, MAX_SOURCE = 42, 20, 20
CUT = "..."

GSM7 = frozenset(GSM) - {chr(ESCAPE)}
GSM7_EXTENSION = frozenset(EXTENSION)
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
    if _HAS.issuperset(line):
        return line
    return "".join(character if character in _HAS else _plain(character) for character in line)


def _plain(character: str) -> str:
    if unicodedata.category(character)[0] in "CM":  # controls, marks of direction, accents on their own
        return ""
    alike = unicodedata.normalize("NFKD", character).replace("⁄", "/")
    return "".join(part for part in alike if part in _HAS).strip() or "?"


def gsm7_length(text: str) -> int:
    return len(text) + sum(map(text.count, GSM7_EXTENSION))


def fitting(text: str, limit: int) -> str:
    """The text in GSM-7 within `limit` septets, cut at the end where it has more, the cut marked."""
    plain = gsm7(text)
    if gsm7_length(plain) <= limit:
        return plain
    while gsm7_length(plain) > limit - len(CUT):
        plain = plain[:-1]
    return plain.rstrip(" ,;") + CUT


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
    if change.kind == "ended" and aftermath(change, situation.now) and (dangers := words("aftermath")) not in draft:
        longer = _written((*draft, dangers, source), words, exercise=exercise)
        return longer if gsm7_length(longer) <= MAX_CHARS else text
    if advice.is_said(change):
        for what_to_do in advice.excerpts(advice.instruction(change.meaning, language)):
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

    whole = (text for part in advice.excerpts(instruction) if gsm7_length(text := written(part)) <= MAX_CHARS)
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

        Something gives way in this order: how the districts are written, and how much is said of what is new; how much
        is said of what goes on, and the reason of an end; the begin of what has begun; where something goes on, the end
        of the event's name; what is new, except that it was lowered; the times of what goes on. The districts give way
        last of all, but not of an end or a lowering in a part of the city, which would read as one everywhere. "Others
        still hold", which does not say what, comes only where nothing else fits.
        """
        timed, untimed, least = self._going_on()
        is_end, is_part = self.change.kind == "ended", len(self.change.districts) < len(self.place.districts)
        keeps_districts = is_part and self.change.kind in ("ended", "lowered")
        drafts = self._ended if is_end else self._told
        yield next(drafts((next(self._names()),), timed[:1]))  # it mostly fits, and the others need not be worded
        for places in ((*self._names(), *self._counts()), *(() if keeps_districts else (("",),))):
            yield from drafts(places, timed)
            for one in untimed:
                yield from drafts(places, (one,))
        yield from drafts((*self._names(), *self._counts()) if keeps_districts else ("",), (least,))
        yield from self._shortest(least)

    def _going_on(self) -> tuple[Sequence[tuple[str, ...]], Sequence[tuple[str, ...]], tuple[str, ...]]:
        """What still holds, and that something else may: versions with times, the fullest first; ever shorter ones
        without; and one that says no more than that. Beside a new or changed warning, too (`still`).

        Each is the sentences of one message, none where nothing goes on.
        """
        place, change, situation, words = self.place, self.change, self.situation, self.words
        some = still.still_holds(change, situation)
        also = (words("still-unknown-brief"),) if still.others_unknown(change, situation, some) else ()
        if not some:
            return ((words("still-unknown"),), also) if also else ((),), (), also

        def said(most: int, form: still.Form) -> tuple[str, ...]:
            return (still.sentence(place, change, some, situation.now, most=most, form=form)[words.language], *also)

        timed = (said(3, "full"), said(2, "full"), said(1, "full"), said(2, "brief"), said(1, "brief"))
        return timed, (said(1, "levels"), said(1, "group")), (words("still-some"), *also)

    def _told(self, places: Sequence[str], going_on: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        new, language, shortest = self._new, self.words.language, going_on[-1]
        what = (new.text[language], new.brief[language]) if new else ("",)
        times = (*self._times(),)
        with_news = ((),) if new and new.says_end else times
        for goes_on in going_on:
            for names, one in product(places, what):
                yield self._head(), *_of(names, one), *with_news[0], *goes_on
        heads = (self._head(), self._head(brief=True)) if shortest else (self._head(),)
        for head, when, names in product(heads, with_news, places):
            yield head, *_of(names, what[-1]), *when, *shortest
        if self.change.reason != "lowered":
            for when, names in product(times, places):
                yield heads[-1], *_of(names, ""), *when, *shortest

    def _times(self) -> Iterator[tuple[str, ...]]:
        """Ever briefer: of what begins later still the period, but at last the end if it was lowered."""
        yield (wording.capital(self._period()),)
        if self.change.meaning.onset <= self.situation.now or self.change.kind == "lowered":
            yield (wording.capital(self._end()),)

    def _ended(self, places: Sequence[str], going_on: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        """Where something goes on, it is said instead of the dangers that may remain, and the event's name may be
        cut."""
        words, change, shortest = self.words, self.change, going_on[-1]
        is_over, why = ended(change)[words.language], why_ended(change)[words.language]
        dangers = (words("aftermath"),) if aftermath(change, self.situation.now) else ()
        with_reason = words("sms-head-ended-why", ended=is_over, reason=why, event=self._event())
        for goes_on in going_on:
            for names in places:
                yield with_reason, *_of(names, ""), *(goes_on or dangers)
        for brief in (False, True) if shortest else (False,):
            for names in places:
                head = words("sms-head-ended", ended=is_over, event=self._event(brief=brief))
                yield head, *_of(names, ""), *(shortest or dangers)

    def _shortest(self, goes_on: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Level, event and end, that it was lowered, and that something goes on: this fits always."""
        if self.change.kind == "ended":
            yield from self._ended(("",), (goes_on,))
            return
        what = self._new.brief[self.words.language] if self._new and self.change.reason == "lowered" else ""
        for said in dict.fromkeys((_of("", what), ())):
            yield self._head(brief=bool(goes_on)), *said, wording.capital(self._end()), *goes_on

    # -- parts --

    @cached_property
    def _new(self) -> News | None:
        return news(self.change, self.situation, self.place.timezone)

    def _head(self, *, brief: bool = False) -> str:
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
    return (wording.capital(sentence),) if sentence else ()


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
