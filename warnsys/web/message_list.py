"""Every message that the board holds, for operators to look through: what was decided of it, and where it leads.

Nothing is left out silently: what no decision is known of, or what cannot be read, is listed as that. No level hides
either: nobody has decided how bad it is.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from operator import attrgetter
from typing import Literal, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from warnsys.headers import whole
from warnsys.records import Outcome
from warnsys.warning.revisions import is_real
from warnsys.web.board import Board, HeldAlert
from warnsys.web.in_brief import InBrief, in_brief, kept_text_of, names_of, text_of
from warnsys.web.unreadable import OF_FEEDS, Rejected, refusals

ListState = Literal["matched", "no_district", "cancel", "not_live", "rejected", "undecided"]
"""`cancel`: a Cancel that is no test; it ends warnings and has no level. `undecided`: no decision of it is known."""
STATES: tuple[ListState, ...] = get_args(ListState)
MOST = 200
"""On a page."""
HOURS = 24
"""How far back where nothing is said."""
MOST_EVENTS = 100
"""Names that are offered."""
FIRST_YEAR, LAST_YEAR = 2000, 2999
_START = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_FIELD_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")


class MessageFilter(BaseModel):
    """What a form asks for, as it was typed; "" asks for nothing."""

    model_config = ConfigDict(frozen=True)

    decided: str = Field("", max_length=20)
    level: str = Field("", max_length=10)
    """And worse."""
    event: str = Field("", max_length=100)
    source: str = Field("", max_length=100)
    district: str = Field("", max_length=100)
    q: str = Field("", max_length=200)
    """Words that all stand in identifier, event, headline or area."""
    hours: str = Field("", max_length=10)
    since: str = Field("", max_length=40, alias="from")
    """By the clocks of the city, as is `to`; with one of them, `hours` is not asked."""
    until: str = Field("", max_length=40, alias="to")
    before: str = Field("", max_length=100)
    """The last row of the page before."""

    def address(self, language: str, **other: str) -> str:
        """Of this list, with something else asked."""
        asked = {**self.model_dump(by_alias=True), **other, "lang": "en" if language == "en" else ""}
        return f"/meldungen?{urlencode({name: value for name, value in asked.items() if value})}"


class WrongFilterError(ValueError):
    """What was typed into a field makes no sense; its text is `wrong-FIELD`."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True)
class ListedMessage:
    """One row. What a list asks of it is worked out once."""

    key: str
    """Names it among those of its time."""
    at: datetime
    """When it was first known of."""
    last: datetime
    """When it came last: an unreadable one comes again and again."""
    state: ListState
    id: str
    source: str
    outcome: Outcome | None = None
    held: HeldAlert | None = None
    """None where its bytes are not kept any more: then it has no page."""
    refused: Rejected | None = None
    stands: bool = False
    """Whether it is one that the desk lists as unreadable now."""
    timed: bool = True
    """False where only the broker's time is known in an exercise, whose time is the story's: no span leaves it out."""

    @property
    def reason(self) -> str:
        return self.outcome.reason if self.outcome else self.refused.reason if self.refused else ""

    @cached_property
    def brief(self) -> InBrief:
        found = in_brief(self.outcome, self.held)
        return replace(found, level=0, advance=False) if self.state == "cancel" else found

    @cached_property
    def districts(self) -> frozenset[str]:
        """Those that it warns, by id."""
        meanings = self.outcome.meanings if self.outcome else ()
        return frozenset(impact.district for meaning in meanings for impact in meaning.impacts)

    @cached_property
    def place(self) -> tuple[int, str]:
        """Where it stands in the list, also when others have come or gone."""
        return max(0, (self.at - _START) // _TICK), short_name(self.key)

    @cached_property
    def _names(self) -> str:
        return f"{self.id.casefold()}\n{names_of(self.outcome, self.held)}"

    def is_as_it_was(self, at: datetime, outcome: Outcome | None, held: HeldAlert | None) -> bool:
        """Whether it is the row of these; what was refused has its rows made anew."""
        return self.outcome is outcome and self.held is held and self.refused is None and self.at == at

    @cached_property
    def _text(self) -> str:
        return kept_text_of(self.held) if self.held else ""

    def says(self, words: Iterable[str]) -> bool:
        """Whether all words, in small letters, stand in its ids, events, headlines or areas."""
        names, text = self._names, ""
        for word in words:
            if word in names:
                continue
            text = text or self._text or (text_of(self.held) if self.held else "")
            if word not in text:
                return False
        return True


@dataclass(frozen=True, slots=True)
class MessagePage:
    """The newest that are asked for, and what there is beside them."""

    rows: tuple[ListedMessage, ...]
    counts: dict[ListState, int]
    """Of all that is asked for but the decision, on whatever page."""
    older: str
    """Where the next page begins; "" where there is none."""
    events: tuple[str, ...]
    sources: tuple[str, ...]
    reaches: datetime | None
    """When the oldest message that the board holds was first known of."""
    held: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a form asks for, understood."""

    since: datetime
    until: datetime | None
    level: int
    words: tuple[str, ...]
    before: tuple[int, str] | None
    asked: MessageFilter

    def of(self, known: Sequence[ListedMessage], language: str) -> list[ListedMessage]:
        """Those asked for, whatever was decided of them, and on whatever page they are.

        A list has thousands of rows: each of these steps only looks at what it has to.
        """
        asked, since, until, least = self.asked, self.since, self.until, self.level
        found = [
            one for one in known
            if not one.timed or (one.last >= since and (until is None or one.at < until))
        ]  # fmt: skip
        if asked.source:
            found = [one for one in found if one.source == asked.source]
        if asked.district:
            found = _concerning(known, found, asked.district)
        if least:
            found = [one for one in found if one.state in ("rejected", "undecided") or not 0 < one.brief.level < least]
        if asked.event:
            part = asked.event.casefold()
            found = [one for one in found if any(part in name.casefold() for name in one.brief.every_event[language])]
        return [one for one in found if one.says(self.words)] if self.words else found


class KnownMessages:
    """Every message of a board that goes on: the row of one that is as it was stays, with what was worked out of it.

    From any thread. Holds the messages that the board held when it was last asked.
    """

    def __init__(self) -> None:
        self._rows = dict[str, ListedMessage]()

    def of(self, board: Board) -> list[ListedMessage]:
        """Newest first."""
        rows = list(_known(board, self._rows))
        self._rows = {one.key: one for one in rows}
        return sorted(rows, key=attrgetter("place"), reverse=True)


def listed_messages(
    known: Sequence[ListedMessage], asked: MessageFilter, now: datetime, zone: ZoneInfo, language: str
) -> MessagePage:
    """Those of `KnownMessages.of` that are asked for. Raises `WrongFilterError`."""
    wanted = _understood(asked, now, zone)
    found = wanted.of(known, language)
    shown = [one for one in found if one.state == asked.decided] if asked.decided else found
    if wanted.before is not None:
        shown = [one for one in shown if one.place < wanted.before]
    counts = Counter(one.state for one in found)
    names = sorted({name for every in {one.brief.every_event[language] for one in found} for name in every})
    older = shown[MOST - 1].place if len(shown) > MOST else None
    return MessagePage(
        tuple(shown[:MOST]), {state: counts[state] for state in STATES}, f"{older[0]}.{older[1]}" if older else "",
        tuple(names[:MOST_EVENTS]), tuple(sorted({one.source for one in known if one.source})),
        min((one.at for one in known if one.timed), default=None), len(known),
    )  # fmt: skip


def of_district(known: Sequence[ListedMessage], district: str, now: datetime) -> list[ListedMessage]:
    """Those of `KnownMessages.of` that warn a district, and the Cancels of such ones, as far back as the list goes
    where nothing is said."""
    since = now - timedelta(hours=HOURS)
    return _concerning(known, [one for one in known if not one.timed or one.last >= since], district)


def _concerning(known: Iterable[ListedMessage], some: Iterable[ListedMessage], district: str) -> list[ListedMessage]:
    """Those of some that warn a district, or end what warned it."""
    warned = {one.outcome.base_id for one in known if one.outcome and district in one.districts}
    return [
        one for one in some
        if district in one.districts
        or (one.state == "cancel" and one.outcome and not warned.isdisjoint(one.outcome.supersedes))
    ]  # fmt: skip


def state_of(outcome: Outcome) -> ListState:
    """What is said of a decided message: a Cancel that is real has a state of its own."""
    if outcome.decided == "not_live" and outcome.msg_type == "Cancel" and is_real(outcome):
        return "cancel"
    return outcome.decided


def short_name(key: str) -> str:
    """Of a row, for an address; the row keeps it when others come and go."""
    return blake2b(key.encode(errors="replace"), digest_size=8).hexdigest()


def refused_as(board: Board, name: str) -> Rejected | None:
    """What was refused, by the short name of its row."""
    return next((one for one in board.rejected if refused_name(one) == name), None)


def refused_name(refused: Rejected) -> str:
    """The short name of its row."""
    return short_name(_key(refused))


def _key(refused: Rejected) -> str:
    return f"{refused.key} {refused.place} {refused.agent} {refused.reason}"


# -- what the board holds ---------------------------------------------------------------------------------------------


def _known(board: Board, rows: Mapping[str, ListedMessage]) -> Iterator[ListedMessage]:
    """Every message once; what was refused and can be read by now, as both. Of `rows`, those that are as they were."""
    refused = refusals(board)
    refused_by_feeds = {one.what.key for one in refused if one.what.agent == OF_FEEDS}
    decided = set(refused_by_feeds)
    for base_id, outcome in board.outcomes.items():
        at, known = board.known_since[base_id], rows.get(base_id)
        if known and known.state != "rejected" and known.is_as_it_was(at, outcome, board.alerts.get(known.id)):
            decided.add(known.id)
            yield known
            continue
        decided.add(outcome.listed_id)
        if outcome.decided == "rejected" and outcome.listed_id in refused_by_feeds:
            continue
        held = board.alerts.get(outcome.listed_id)
        yield ListedMessage(base_id, at, at, state_of(outcome), outcome.listed_id, outcome.source, outcome, held)
    for one in refused:
        what, held = one.what, board.alerts.get(one.what.key)
        source = one.outcome.source if one.outcome else held.headers.source if held else ""
        yield ListedMessage(
            _key(what), one.at, one.last, "rejected", what.key, source, one.outcome, held, what, one.stands, one.timed
        )  # fmt: skip
    for listed_id, held in board.alerts.items():
        if listed_id in decided:
            continue
        journey = board.history.journeys.get(listed_id)
        at, known = journey.published if journey else held.at, rows.get(listed_id)
        if known and known.is_as_it_was(at, None, held):
            yield known
            continue
        yield ListedMessage(
            listed_id, at, max(at, held.at), "undecided", listed_id, held.headers.source, None, held,
            timed=not board.exercise,
        )  # fmt: skip


# -- what was typed ---------------------------------------------------------------------------------------------------


def _understood(asked: MessageFilter, now: datetime, zone: ZoneInfo) -> _Wanted:
    if asked.decided and asked.decided not in STATES:
        raise WrongFilterError("filter")
    level, hours = whole(asked.level or "0"), whole(asked.hours or str(HOURS))
    if level is None or level > 4:
        raise WrongFilterError("filter")
    if hours is None or not 1 <= hours <= 9999:
        raise WrongFilterError("hours")
    since, until = _local(asked.since, zone), _local(asked.until, zone, end=True)
    if since is None:
        since = _START if until else now - timedelta(hours=hours)
    return _Wanted(since, until, level, tuple(asked.q.casefold().split()), _cursor(asked.before), asked)


def _local(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime | None:
    """A time by the city's clocks; as an end, that of its minute or day, and of an hour that comes twice the later."""
    if not (text := text.strip()):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongFilterError("time") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise WrongFilterError("time")
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone, fold=int(end))
    if not end:
        return found.astimezone(UTC)
    if _is_day(text):
        return (found + timedelta(days=1)).astimezone(UTC)
    return found.astimezone(UTC) + timedelta(minutes=1)


def has_field_form(text: str) -> bool:
    """Whether a field of type `datetime-local` shows it: it drops any other text, and what was asked for with it."""
    return not text or bool(_FIELD_FORM.fullmatch(text))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _cursor(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    at, _, key = text.partition(".")
    if (number := whole(at)) is None:
        raise WrongFilterError("filter")
    return number, key
