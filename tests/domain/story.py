"""A lifecycle story: what arrives when, and what each channel, each audience and the steles make of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from tests.domain.messages import Message, outcome_of, rules
from tests.support import NOON, City, snapshot, tick
from warnsys.records import Outcome, PushNotice, SmsNotice
from warnsys.warning.situation import DistrictSituation

READERS = ("public push", "public SMS", "staff push", "staff SMS")


@dataclass(frozen=True)
class Look:
    """The feed brings new messages, and a snapshot that lists these keys."""

    at: float
    lists: str
    """Keys, blank between them."""
    news: tuple[Message, ...] = ()
    source: str = "dwd"


@dataclass(frozen=True)
class Late:
    """Messages alone, without a snapshot: late or lost ones."""

    at: float
    news: tuple[Message, ...]
    source: str = "dwd"


@dataclass(frozen=True)
class Story:
    name: str
    """As its test is called."""
    tells: str
    """What happens, in a sentence."""
    steps: tuple[Look | Late, ...]
    heard: tuple[str, ...] = ()
    """`minute who: kind, reason, level, districts, begin to end`."""
    shown: tuple[str, ...] = ()
    """`minute district: status and level` whenever a stele changes."""
    sources: tuple[str, ...] = ("dwd",)
    starts: float = 0
    """Minutes from noon; all others of the story count from here."""
    decided: tuple[str, ...] = ()
    """Messages that mean nothing here, with the beginning of the reason that operators see."""
    says: tuple[str, ...] = ()
    """What stands in the body of the last push to the public, in German."""


@dataclass(frozen=True)
class Played:
    heard: tuple[str, ...]
    shown: tuple[str, ...]
    decided: tuple[str, ...]
    notices: tuple[PushNotice | SmsNotice, ...]


def play(story: Story) -> Played:
    """Tell a story to a city, a tick every minute."""
    city = City(rules(story.sources))
    heard: list[str] = []
    shown: list[str] = []
    decided: list[str] = []
    last = {district.id: "no_data" for district in city.rules.place.districts}
    minute, start = story.steps[0].at, story.starts
    taken: list[PushNotice | SmsNotice] = []

    def note() -> None:
        new = [notice for notice in city.notices if isinstance(notice, PushNotice | SmsNotice)]
        city.notices.clear()
        taken.extend(new)
        heard.extend(_heard(new, minute, start))
        states = {d.district: _shown(d) for d in city.situation.districts.values()}
        shown.extend(f"{minute:g} {where}: {state}" for where, state in _alike(states, last))
        last.update(states)

    for step in story.steps:
        while minute < step.at:
            city.take(tick(start + minute))
            note()
            minute = min(minute + 1, step.at)
        city.take(tick(start + minute))
        note()
        for message in step.news:
            outcome = _outcome(message, step, start)
            city.take(outcome)
            if outcome.decided in ("not_live", "rejected"):
                decided.append(f"{message.key}: {outcome.reason}")
            note()
        if isinstance(step, Look):
            city.take(snapshot(start + step.at, *step.lists.split(), source=step.source))
            note()
    return Played(tuple(heard), tuple(shown), tuple(decided), tuple(taken))


def _outcome(message: Message, step: Look | Late, start: float) -> Outcome:
    stamp = start + (step.at if isinstance(step, Look) else message.at)
    return outcome_of(_later(message, start), stamp).model_copy(update={"source": step.source})


def _later(message: Message, start: float) -> Message:
    says = tuple(
        replace(
            said,
            until=None if said.until is None else said.until + start,
            onset=None if said.onset is None else said.onset + start,
        )
        for said in message.says
    )
    return replace(message, at=message.at + start, says=says)


def _heard(notices: Iterable[PushNotice | SmsNotice], minute: float, start: float) -> Iterator[str]:
    """Those that say the same to several readers in one line."""
    lines: dict[str, list[str]] = {}
    for notice in notices:
        who = f"{notice.audience} {'push' if isinstance(notice, PushNotice) else 'SMS'}"
        lines.setdefault(_line(notice, start), []).append(who)
    for line, readers in lines.items():
        yield f"{minute:g} {'all' if len(readers) == 4 else ', '.join(sorted(readers, key=READERS.index))}: {line}"


def _line(notice: PushNotice | SmsNotice, start: float) -> str:
    what = notice.kind if notice.reason == notice.kind else f"{notice.kind}, {notice.reason}"
    said = f"{what}, level {notice.level}, {' '.join(notice.districts)}"
    if notice.kind == "ended":
        return said
    until = "open" if notice.expires is None else f"{_minute(notice.expires) - start:g}"
    return f"{said}, {_minute(notice.onset) - start:g} to {until}"


def _minute(moment: datetime) -> float:
    return (moment - NOON).total_seconds() / 60


def _shown(district: DistrictSituation) -> str:
    levels = [f"{one.phase} {one.meaning.severity}" for one in district.standing]
    return f"{district.status}, {levels[0]}" if district.status == "warned" else district.status


def _alike(states: dict[str, str], last: dict[str, str]) -> Iterable[tuple[str, str]]:
    changed: dict[str, list[str]] = {}
    for district, state in states.items():
        if last.get(district) != state:
            changed.setdefault(state, []).append(district)
    return ((" ".join(districts), state) for state, districts in changed.items())
