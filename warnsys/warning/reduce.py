"""Makes a city's state smaller that the broker does not take; warnings in force are dropped last (docs/adr/0016).

A warning that is dropped counts as undecided, so its city is incomplete and never clear.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from warnsys.records import Meaning
from warnsys.warning.city import CityState
from warnsys.warning.facts import Fact, Facts
from warnsys.warning.matching import live_at
from warnsys.warning.situation import grade
from warnsys.warning.trouble import LOST

MOST_REFERENCES = 100
MOST_WARNINGS = 50
LONGEST_TEXT = 500


def reduced(state: CityState, why: str) -> Iterator[CityState]:
    """Gives smaller and smaller states; the last one holds only the trouble that says why."""
    state = state.model_copy(update={"troubles": {**state.troubles, LOST: why}})
    warning = {base_id: _brief(fact) for base_id, fact in state.facts.facts.items() if fact.meanings}
    listed = {i for seen in state.facts.snapshots.values() for one in seen for i in one.ids}
    here = listed | {i for fact in warning.values() for i in fact.listed_as}
    facts = state.facts.model_copy(
        update={"facts": warning, "listings": {i: one for i, one in state.facts.listings.items() if i in here}}
    )
    yield state.model_copy(update={"facts": facts})
    short = {base_id: _shortened(fact) for base_id, fact in warning.items()}
    yield state.model_copy(update={"facts": facts.model_copy(update={"facts": short})})
    now = state.facts.now
    worst = sorted(short.values(), key=lambda fact: -_live_grade(fact, now))
    for most in (MOST_WARNINGS, 1):
        kept = {fact.base_id: fact for fact in worst[:most]}
        yield state.model_copy(update={"facts": _only(facts, kept), "held": {}, "stopped": {}})
    yield CityState(city=state.city, troubles={LOST: why})


def _live_grade(fact: Fact, now: datetime | None) -> int:
    """Gives the highest grade that a message warns of and that is not over; 0 if all of it is."""
    return max((grade(meaning) for meaning in fact.meanings if now is None or live_at(meaning, now)), default=0)


def _only(facts: Facts, kept: Mapping[str, Fact]) -> Facts:
    listings = {i: facts.listings[i] for fact in kept.values() for i in fact.listed_as if i in facts.listings}
    return Facts(now=facts.now, facts=dict(kept), listings=listings)


def _brief(fact: Fact) -> Fact:
    return fact.model_copy(update={"supersedes": fact.supersedes[:MOST_REFERENCES]})


def _shortened(fact: Fact) -> Fact:
    return fact.model_copy(update={"meanings": tuple(map(_in_short, fact.meanings))})


def _in_short(meaning: Meaning) -> Meaning:
    texts = {
        language: text.model_copy(
            update={
                "description": text.description[:LONGEST_TEXT], "instruction": text.instruction[:LONGEST_TEXT],
                "shortened": True,
            }
        )
        for language, text in meaning.texts.items()
        if language in ("de", "en")
    }  # fmt: skip
    return meaning.model_copy(update={"texts": texts or dict(list(meaning.texts.items())[:1]), "parameters": ()})
