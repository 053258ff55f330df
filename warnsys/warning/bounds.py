"""How much a city remembers: what may grow by input has a bound, whatever comes in (docs/adr/0013).

A state is weighed when enough came in since the last time. If it is too heavy, it lets go of what matters least, the
oldest first: references that nobody knows, what is listed and warns elsewhere, what is over, then long texts, and only
then of what is in force: the least of it, and never the worst of a district. What was let go is said to operators.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pydantic_core import to_json

from warnsys.records import Meaning, Text
from warnsys.warning.facts import (
    FORGOT_FOR,
    MEMORY_OPEN,
    Fact,
    Facts,
    Forgot,
    KnownSnapshot,
    Listing,
    last_seen,
)
from warnsys.warning.learning import last_stamps
from warnsys.warning.matching import live_at
from warnsys.warning.notification_log import NotificationLog, top_grade
from warnsys.warning.revisions import replaces
from warnsys.warning.scene import StandingByMessage
from warnsys.warning.situation import Situation, grade

MIB = 1024 * 1024
MOST_BYTES = 6 * MIB
"""Of a city's state as JSON; the topic takes 8 MiB."""
WEIGH_AFTER = MIB // 4
"""Bytes of records that came in, after which a state is weighed again: it grows by a few times as much at most."""
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
class Needs:
    """What a city cannot do without."""

    standing: Mapping[str, tuple[int, frozenset[str]]]
    """By base id the highest grade of what stands, 0 for what has expired, and the districts."""
    ends_to_tell: Collection[str]
    """The messages whose end a paused channel may still have to tell."""
    worst: Collection[str] = ()
    """By district the message that warns worst: what is live before what has expired."""


def needs(facts: Facts, situation: Situation | None, ends_to_tell: Collection[str]) -> Needs:
    """Before the first tick everything that warns is taken to stand."""
    standing: dict[str, tuple[int, frozenset[str]]] = {}
    worst: dict[str, tuple[int, str]] = {}
    if situation is None:
        for fact in facts.facts.values():
            for meaning, impact in fact.impacts():
                _add(standing, fact.base_id, grade(meaning), impact.district)
                worst[impact.district] = max(worst.get(impact.district, (0, "")), (grade(meaning), fact.base_id))
    else:
        for state in situation.districts.values():
            for one in state.standing:  # the worst first
                rank = 0 if one.phase == "expired" else grade(one.meaning)
                _add(standing, one.fact.base_id, rank, state.district)
                worst.setdefault(state.district, (rank, one.fact.base_id))
    return Needs(standing, ends_to_tell, frozenset(base_id for _, base_id in worst.values()))


def _add(standing: dict[str, tuple[int, frozenset[str]]], base_id: str, rank: int, district: str) -> None:
    before, districts = standing.get(base_id, (0, frozenset[str]()))
    standing[base_id] = max(before, rank), districts if district in districts else districts | {district}


def lighter_held(held: StandingByMessage) -> StandingByMessage:
    """Where it is much, only what stood last: what stood before only makes the word "revived"."""
    if size(held) <= MOST_HELD_BYTES:
        return held
    return {district: {i: True for i, stood in ids.items() if stood} for district, ids in held.items()}


def held_of(held: StandingByMessage, facts: Facts) -> StandingByMessage:
    """Without what was let go."""
    return {d: kept for d, ids in held.items() if (kept := {i: s for i, s in ids.items() if i in facts.facts})}


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


def lighter(facts: Facts, too_much: int, need: Needs) -> Facts:
    """Without what matters least, by about so many bytes; `forgot` says what that was."""
    scales = _Scales(facts, too_much, need)
    for step in (
        scales.unknown_references, scales.elsewhere, scales.over, scales.replacements, scales.texts, scales.least,
    ):  # fmt: skip
        if scales.too_much <= 0:
            break
        step()
    return scales.taken()


def size(value: object) -> int:
    return len(to_json(value, exclude_none=True))


class _Scales:
    def __init__(self, facts: Facts, too_much: int, need: Needs) -> None:
        self.before, self.too_much, self.need = facts, too_much, need
        self.facts, self.listings, self.snapshots = dict(facts.facts), dict(facts.listings), dict(facts.snapshots)
        self.early = facts.early
        self.forgot: dict[str, int] = {}
        self.replaces = replaces(facts.facts)
        self.replaced = {base_id for some in self.replaces.values() for base_id in some}

    def taken(self) -> Facts:
        now = self.before.now
        past = self.before.forgot
        counts = dict(past.counts) if past and now and past.at and now - past.at < FORGOT_FOR else {}
        for what, count in self.forgot.items():
            counts[what] = counts.get(what, 0) + count
        return self.before.model_copy(
            update={
                "facts": self.facts,
                "listings": self.listings,
                "snapshots": self.snapshots,
                "early": self.early,
                "forgot": Forgot(at=now, counts=counts),
            }
        )

    def _drop(self, what: str, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if self.too_much <= 0:
                return
            if fact.base_id in self.facts:
                if self._may_hold(fact):
                    last_end = max(meaning.expires or fact.sent + MEMORY_OPEN for meaning in fact.meanings)
                    known = {i: self.listings[i] for i in fact.listed_as if i in self.listings}
                    self.listings.update((i, listing.undecided(last_end)) for i, listing in known.items())
                del self.facts[fact.base_id]
                self.too_much -= size(fact) + len(fact.base_id)
                self.forgot[what] = self.forgot.get(what, 0) + 1

    def _may_hold(self, fact: Fact) -> bool:
        """Says whether a message stands, or may again if its source lists it: it has not expired, nor was replaced."""
        if fact.base_id in self.need.standing:
            return True
        now = self.before.now
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

    def elsewhere(self) -> None:
        """What waits for its time, snapshots between the witnesses, and what is listed in none of the others, and
        concerns nothing here. Spared is some of what left a listing together with a warning in force, because it tells
        that the warning was dropped.
        """
        if self.early:
            self.too_much -= size(self.early)
            self.forgot["early"] = sum(map(len, self.early.values()))
            self.early = {}
        spare = [(seen, source) for source, some in self.snapshots.items() for seen in _spare(some)]
        for seen, source in sorted(spare, key=lambda one: one[0].stamp):
            if self.too_much <= 0:
                return
            self.snapshots[source] = tuple(one for one in self.snapshots[source] if one is not seen)
            self.too_much -= size(seen)
            self.forgot["snapshots"] = self.forgot.get("snapshots", 0) + 1
        here = {i for fact in self.facts.values() for i in fact.listed_as}
        here.update(i for some in self.snapshots.values() for seen in some for i in seen.ids)
        now = self.before.now
        stamps = last_stamps(self.before, self.facts.values(), now) if now else set()
        others = sorted(((i, listing) for i, listing in self.listings.items() if i not in here), key=_age)
        spared = 0
        for listed_id, listing in reversed(others):
            if any((source, seen.last) in stamps for source, seen in listing.sightings.items()):
                spared += size(listing) + len(listed_id)
                if spared <= MOST_SPARED_BYTES:
                    here.add(listed_id)
        for listed_id, listing in others:
            if self.too_much <= 0:
                return
            if listed_id not in here:
                del self.listings[listed_id]
                self.too_much -= size(listing) + len(listed_id)
                self.forgot["listings"] = self.forgot.get("listings", 0) + 1

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
