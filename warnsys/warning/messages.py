"""How a city's facts grow by the messages that concern it.

Whatever the order and however often they come, the same is known in the end.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from warnsys.records import Outcome
from warnsys.warning.facts import (
    DECIDING,
    MEMORY_OPEN,
    MOST_NAMES,
    MOST_REFERENCES,
    MOST_SOURCES,
    Fact,
    Listing,
    last_seen,
)
from warnsys.warning.kinds import put_groups_in
from warnsys.warning.revisions import adopt_sender_in, family, in_order, is_real, same_content


def with_message(
    known: Mapping[str, Fact], fact: Fact, listings: Mapping[str, Listing], ruleset_version: str
) -> dict[str, Fact]:
    """Adds a message to facts. `listings` are those of the ledger.

    `ruleset_version` is the present one: a fact under it replaces one under an older version.
    """
    facts = dict(known)
    adopt_sender_in(facts, fact)
    before = family(facts, fact.base_id)
    revisions = in_order(fact.base_id, _with_content(before, fact, ruleset_version))
    revisions = [_bounded(one, known, listings) for one in revisions]
    for base_id in {one.base_id for one in before} - {one.base_id for one in revisions}:
        del facts[base_id]
    facts.update((one.base_id, one) for one in revisions)
    put_groups_in(facts, [one.base_id for one in revisions])
    return facts


def over_since(fact: Fact, listings: Mapping[str, Listing]) -> datetime:
    """Gives when a message was over: its last end, or when it was last listed."""
    ends = [fact.sent, *(meaning.expires or fact.sent + MEMORY_OPEN for meaning in fact.meanings)]
    return max((*ends, *(moment for i in fact.listed_as for moment in last_seen(listings.get(i)))))


def fact_of(outcome: Outcome, now: datetime | None) -> Fact | None:
    """Makes the fact of a message. Gives None if the message was not accepted, or says nothing here (a test).

    A message from an answer in doubt warns beside what it references, and ends nothing: the feed sends it again with a
    good answer.
    """
    if outcome.decided == "rejected" or outcome.sent is None or outcome.msg_type is None or not is_real(outcome):
        return None
    since = now or outcome.stamp
    # A message of the same listing replaces it, so it is no news until that one is decided.
    waits = since + DECIDING if outcome.replaced and not outcome.doubt and since else None
    return Fact(
        base_id=outcome.base_id,
        rules=outcome.rules,
        sent=outcome.sent,
        msg_type=outcome.msg_type,
        listed_as=(outcome.listed_id,),
        supersedes=() if outcome.doubt else outcome.supersedes,
        meanings=outcome.meanings,
        left_out=outcome.left_out,
        digest=outcome.digest,
        sources=(outcome.source,),
        first=None if outcome.doubt else outcome.stamp,
        doubt=outcome.doubt or None,
        waits=waits,
    )


def _with_content(before: Sequence[Fact], fact: Fact, ruleset_version: str) -> list[Fact]:
    """Gives the contents of one message with `fact` added, or joined with the same content if that is known.

    A copy from an answer in doubt adds nothing to a content that is not in doubt.
    """
    same = next((one for one in before if same_content(one, fact)), None)
    if same is None:
        return [*before, fact]
    if fact.doubt and not same.doubt:
        return list(before)
    joined = _join(same, fact, ruleset_version)
    return [joined if one is same else one for one in before]


def _join(one: Fact, other: Fact, ruleset_version: str) -> Fact:
    """Joins two copies of the same content: the one under the present rules counts, then the one with more languages.

    It takes listed ids, references and sources of both.
    """
    content = max(
        (one, other),
        key=lambda fact: (
            fact.rules == ruleset_version,
            sum(len(m.texts) for m in fact.meanings),
            fact.model_dump_json(),
        ),
    )
    # Under new geofences the content may have no meanings here any more. Then those of the other copy stay, without
    # impacts, because the end of the message may have to be told.
    earlier = () if content.meanings else (*one.meanings, *other.meanings)
    joined = {
        "meanings": content.meanings or tuple(meaning.model_copy(update={"impacts": ()}) for meaning in earlier),
        "listed_as": tuple(sorted({*one.listed_as, *other.listed_as})),
        "supersedes": tuple(sorted({*one.supersedes, *other.supersedes})),
        "digest": one.digest or other.digest,
        "first": min((moment for moment in (one.first, other.first) if moment), default=None),
        "doubt": (one.doubt and other.doubt) or None,
        "waits": min(one.waits, other.waits) if one.waits and other.waits else None,
        "base_id": one.base_id,
        "of": one.of,
        "sources": None if None in (one.sources, other.sources) else _union(one.sources, other.sources),
        "kinds": one.kinds or other.kinds,
        "codes": one.codes or other.codes,
    }
    if all(getattr(content, name) == value for name, value in joined.items()):
        return content
    return content.model_copy(update=joined)


def _union(one: Iterable[str] | None, other: Iterable[str] | None) -> tuple[str, ...]:
    """Joins the names of sources, as many as are kept."""
    return tuple(sorted({*(one or ()), *(other or ())})[:MOST_SOURCES])


def _bounded(fact: Fact, facts: Container[str], listings: Mapping[str, Listing]) -> Fact:
    """Limits the references and listed ids of one message. References to messages that are known here all stay."""
    if len(fact.supersedes) <= MOST_REFERENCES and len(fact.listed_as) <= MOST_NAMES:
        return fact
    known_here = [base_id for base_id in fact.supersedes if base_id in facts]
    others = [base_id for base_id in fact.supersedes if base_id not in facts]
    long_ago = datetime.min.replace(tzinfo=UTC)

    def when(listed_id: str) -> tuple[datetime, str]:
        return max(last_seen(listings.get(listed_id)), default=long_ago), listed_id

    listed_as = sorted(fact.listed_as, key=when, reverse=True)[:MOST_NAMES]
    references = sorted({*known_here, *others[:MOST_REFERENCES]})
    return fact.model_copy(update={"supersedes": tuple(references), "listed_as": tuple(sorted(listed_as))})


def without_details(facts: dict[str, Fact], base_ids: Iterable[str]) -> dict[str, Fact]:
    """Removes the meanings of some messages, and keeps their references: nobody has to be told of them any more."""
    bare = {i: facts[i].model_copy(update={"meanings": ()}) for i in base_ids if facts[i].meanings}
    return {**facts, **bare} if bare else facts
