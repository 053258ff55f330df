"""How much a city and a ledger remember: what may grow by input has a bound, whatever comes in (docs/adr/0013).

Each is weighed when enough came in since the last time. If it is too heavy, it lets go of what matters least, the
oldest first. A ledger: what is early, snapshots between the witnesses, what is listed and no city needs, and at last
references to what never came. A city: references that nobody knows, what is over, then long texts, and only then of
what is in force: the least of it, and never the worst of a district. What was let go is said to operators.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json

from warnsys.records import Meaning, Text
from warnsys.warning.facts import (
    FORGOT_FOR,
    MEMORY_OPEN,
    Fact,
    Forgot,
    Gap,
    KnownSnapshot,
    Ledger,
    Listing,
    last_seen,
)
from warnsys.warning.learning import Needs, with_loose
from warnsys.warning.matching import live_at
from warnsys.warning.notification_log import NotificationLog, top_grade
from warnsys.warning.revisions import replaces
from warnsys.warning.scene import StandingByMessage
from warnsys.warning.situation import Situation, grade

MIB = 1024 * 1024
MOST_BYTES = 6 * MIB
"""Of a city's state, or of a ledger, as JSON."""
WEIGH_AFTER = MIB // 4
"""Bytes of records that came in, after which it is weighed again: it grows by a few times as much at most."""
HEAVY, LIGHT = 4 * MIB, 3 * MIB
"""From the first on it lets go of something, until it has the second."""
MOST_HELD_BYTES = MOST_TOLD_BYTES = MIB // 2
"""Of what stood last, and of what each channel was told, in a state that is too heavy."""
MOST_SPARED_BYTES = MIB // 4
"""Of listings that tell that a source dropped what it listed, in a state that is too heavy."""
KEPT_LOOKS = 4
"""Of the newest snapshots of a source, and of the newest that list anything, in a state that is too heavy."""
SHORT_CHARS = 200
"""Of a description or instruction whose text had to give way."""
SHORT_LANGUAGES = ("de", "en")


@dataclass(frozen=True, slots=True)
class CityNeeds:
    """What a city cannot do without."""

    standing: Mapping[str, tuple[int, frozenset[str]]]
    """By base id the highest grade of what stands, 0 for what has expired, and the districts."""
    ends_to_tell: Collection[str]
    """The messages whose end a paused channel may still have to tell."""
    worst: Collection[str] = ()
    """By district the message that warns worst: what is live before what has expired."""


def needs(facts: Mapping[str, Fact], situation: Situation | None, ends_to_tell: Collection[str]) -> CityNeeds:
    """Before the first tick everything that warns is taken to stand."""
    standing: dict[str, tuple[int, frozenset[str]]] = {}
    worst: dict[str, tuple[int, str]] = {}
    if situation is None:
        for fact in facts.values():
            for meaning, impact in fact.impacts():
                _add(standing, fact.base_id, grade(meaning), impact.district)
                worst[impact.district] = max(worst.get(impact.district, (0, "")), (grade(meaning), fact.base_id))
    else:
        for state in situation.districts.values():
            for one in state.standing:  # the worst first
                rank = 0 if one.phase == "expired" else grade(one.meaning)
                _add(standing, one.fact.base_id, rank, state.district)
                worst.setdefault(state.district, (rank, one.fact.base_id))
    return CityNeeds(standing, ends_to_tell, frozenset(base_id for _, base_id in worst.values()))


def _add(standing: dict[str, tuple[int, frozenset[str]]], base_id: str, rank: int, district: str) -> None:
    before, districts = standing.get(base_id, (0, frozenset[str]()))
    standing[base_id] = max(before, rank), districts if district in districts else districts | {district}


def lighter_held(held: StandingByMessage) -> StandingByMessage:
    """Where it is much, only what stood last: what stood before only makes the word "revived"."""
    if size(held) <= MOST_HELD_BYTES:
        return held
    return {district: {i: True for i, stood in ids.items() if stood} for district, ids in held.items()}


def held_of(held: StandingByMessage, facts: Collection[str]) -> StandingByMessage:
    """Without what was let go."""
    return {d: kept for d, ids in held.items() if (kept := {i: s for i, s in ids.items() if i in facts})}


def lighter_told(told: NotificationLog) -> NotificationLog:
    """Where it is much, only the highest grades: what is forgotten would be told again, and its end not."""
    too_much = size(told) - MOST_TOLD_BYTES
    if too_much <= 0:
        return told
    kept = dict(told)
    for key in sorted(told, key=lambda key: (max(map(top_grade, told[key].values()), default=0), key)):
        if too_much <= 0:
            break
        too_much -= size(kept.pop(key)) + len(key)
    return kept


class Lighter(NamedTuple):
    """What a city has left."""

    facts: dict[str, Fact]
    gaps: dict[str, Gap]
    forgot: Forgot | None


def lighter(
    facts: Mapping[str, Fact],
    gaps: Mapping[str, Gap],
    forgot: Forgot | None,
    now: datetime | None,
    too_much: int,
    need: CityNeeds,
) -> Lighter:
    """Takes from a city what matters least, about so many bytes; `forgot` says what that was."""
    scales = _Scales(facts, gaps, now, too_much, need)
    for step in (scales.unknown_references, scales.over, scales.replacements, scales.texts, scales.least):
        if scales.too_much <= 0:
            break
        step()
    return Lighter(scales.facts, scales.gaps, _forgot(forgot, scales.forgot, now))


def ledger_within_bounds(ledger: Ledger, needs: Needs) -> Ledger:
    """Weighs a ledger once `WEIGH_AFTER` bytes have come in; above `HEAVY` it makes it smaller, to `LIGHT` if that can
    be."""
    if ledger.grown < WEIGH_AFTER:
        return ledger
    ledger = ledger.model_copy(update={"grown": 0})
    weight = len(ledger.to_bytes())
    return lighter_ledger(ledger, weight - LIGHT, needs) if weight > HEAVY else ledger


def lighter_ledger(ledger: Ledger, too_much: int, needs: Needs) -> Ledger:
    """Takes from a ledger what matters least, about so many bytes; `forgot` says what that was.

    Spared is some of what left a listing together with a warning in force, because it tells that the warning was
    dropped.
    """
    forgot: dict[str, int] = {}
    update: dict[str, object] = {}
    if ledger.early:
        too_much -= size(ledger.early)
        forgot["early"] = sum(map(len, ledger.early.values()))
        update["early"] = {}
    snapshots = dict(ledger.snapshots)
    spare = [(seen, source) for source, some in snapshots.items() for seen in _spare(some)]
    for seen, source in sorted(spare, key=lambda one: one[0].stamp):
        if too_much > 0:
            snapshots[source] = tuple(one for one in snapshots[source] if one is not seen)
            too_much -= size(seen)
            forgot["snapshots"] = forgot.get("snapshots", 0) + 1
    listed = {i for some in snapshots.values() for seen in some for i in seen.ids}
    listings, stamps, spared = dict(ledger.listings), needs.last_stamps(ledger), 0
    free = [(i, one) for i, one in listings.items() if i not in listed and i not in needs.listed_as]
    free.sort(key=_age)
    kept = set[str]()
    for listed_id, listing in reversed(free):
        if any((source, seen.last) in stamps for source, seen in listing.sightings.items()):
            spared += size(listing) + len(listed_id)
            if spared <= MOST_SPARED_BYTES:
                kept.add(listed_id)
    for listed_id, listing in free:
        if too_much > 0 and listed_id not in kept:
            del listings[listed_id]
            too_much -= size(listing) + len(listed_id)
            forgot["listings"] = forgot.get("listings", 0) + 1
    loose = dict(ledger.loose)
    for fact in sorted(loose.values(), key=lambda fact: (fact.sent, fact.base_id)):
        if too_much > 0:
            del loose[fact.base_id]
            too_much -= size(fact) + len(fact.base_id)
            forgot["references"] = forgot.get("references", 0) + 1
    update |= {"snapshots": snapshots, "listings": listings, "forgot": _forgot(ledger.forgot, forgot, ledger.now)}
    return with_loose(ledger.model_copy(update=update), loose)


def _forgot(past: Forgot | None, more: Mapping[str, int], now: datetime | None) -> Forgot:
    counts = dict(past.counts) if past and now and past.at and now - past.at < FORGOT_FOR else {}
    for what, count in more.items():
        counts[what] = counts.get(what, 0) + count
    return Forgot(at=now, counts=counts)


def size(value: object) -> int:
    return len(to_json(value, exclude_none=True))


class _Scales:
    def __init__(
        self,
        facts: Mapping[str, Fact],
        gaps: Mapping[str, Gap],
        now: datetime | None,
        too_much: int,
        need: CityNeeds,
    ) -> None:
        self.now, self.too_much, self.need = now, too_much, need
        self.facts, self.gaps = dict(facts), dict(gaps)
        self.forgot: dict[str, int] = {}
        self.replaces = replaces(facts)
        self.replaced = {base_id for some in self.replaces.values() for base_id in some}

    def _drop(self, what: str, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if self.too_much <= 0:
                return
            if fact.base_id in self.facts:
                if self._may_hold(fact):
                    last_end = max(meaning.expires or fact.sent + MEMORY_OPEN for meaning in fact.meanings)
                    for i in fact.listed_as:
                        gap = self.gaps.get(i, Gap())
                        self.gaps[i] = gap.model_copy(update={"let_go": max(gap.let_go or last_end, last_end)})
                del self.facts[fact.base_id]
                self.too_much -= size(fact) + len(fact.base_id)
                self.forgot[what] = self.forgot.get(what, 0) + 1

    def _may_hold(self, fact: Fact) -> bool:
        """Says whether a message stands, or may again if its source lists it: it has not expired, nor was replaced."""
        if fact.base_id in self.need.standing:
            return True
        now = self.now
        unexpired = any(now is None or live_at(meaning, now) for meaning, _ in fact.impacts())
        return unexpired and fact.base_id not in self.replaced

    def _oldest(self, facts: Iterable[Fact]) -> list[Fact]:
        return sorted(facts, key=lambda fact: (fact.sent, fact.base_id))

    def _needed(self, fact: Fact) -> bool:
        return fact.base_id in self.need.standing or fact.base_id in self.need.ends_to_tell

    def unknown_references(self) -> None:
        """Messages that warn nobody here, and end nothing that is known here."""
        useless = [f for f in self.facts.values() if not f.meanings and not self._needed(f) and not self._ends(f)]
        self._drop("references", self._oldest(useless))

    def _ends(self, fact: Fact) -> bool:
        return any(i in self.facts for i in self.replaces[fact.base_id])

    def over(self) -> None:
        """What neither stands nor ends what is known."""
        self._drop("past", self._oldest(f for f in self.facts.values() if not self._needed(f) and not self._ends(f)))

    def replacements(self) -> None:
        """What ended something: the latest that ended each message stays."""
        last: dict[str, Fact] = {}
        for fact in self._oldest(self.facts.values()):
            last.update(dict.fromkeys(self.replaces[fact.base_id], fact))
        kept = {fact.base_id for base_id, fact in last.items() if base_id in self.need.standing}
        others = [f for f in self.facts.values() if not self._needed(f) and f.base_id not in kept]
        self._drop("replacements", self._oldest(others))

    def texts(self) -> None:
        """Long texts and rare languages, of the least first."""
        for fact in self._least():
            if self.too_much <= 0:
                return
            short = fact.model_copy(update={"meanings": tuple(_short(meaning) for meaning in fact.meanings)})
            if (less := size(fact) - size(short)) > 0:
                self.facts[fact.base_id] = short
                self.too_much -= less
                self.forgot["texts"] = self.forgot.get("texts", 0) + 1

    def least(self) -> None:
        """Of what is in force the least, and never the worst of a district."""
        self._drop("warnings", [fact for fact in self._least() if fact.base_id not in self.need.worst])

    def _least(self) -> list[Fact]:
        def rank(fact: Fact) -> tuple[object, ...]:
            return self.need.standing.get(fact.base_id, (0,))[0], fact.sent, fact.base_id

        return sorted((fact for fact in self.facts.values() if fact.meanings), key=rank)


def _spare(newest_first: tuple[KnownSnapshot, ...]) -> tuple[KnownSnapshot, ...]:
    """All but the newest few and the newest few that list anything, and the oldest."""
    listing = [one for one in newest_first if one.ids]
    kept = (*newest_first[:KEPT_LOOKS], *listing[:KEPT_LOOKS], newest_first[-1])
    return tuple(one for one in newest_first if not any(one is other for other in kept))


def _age(one: tuple[str, Listing]) -> tuple[float, str]:
    return max((moment.timestamp() for moment in last_seen(one[1])), default=0.0), one[0]


def _short(meaning: Meaning) -> Meaning:
    texts = {language: text for language, text in meaning.texts.items() if language in SHORT_LANGUAGES}
    texts = texts or dict(list(meaning.texts.items())[:1])
    short = {language: _cut(text) for language, text in texts.items()}
    return meaning.model_copy(update={"texts": short, "parameters": meaning.parameters[:10]})


def _cut(text: Text) -> Text:
    if max(len(text.description), len(text.instruction)) <= SHORT_CHARS:
        return text
    cut = {"description": text.description[:SHORT_CHARS], "instruction": text.instruction[:SHORT_CHARS]}
    return text.model_copy(update={**cut, "shortened": True})
