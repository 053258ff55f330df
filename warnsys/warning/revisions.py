"""One message, several contents: its revisions, of which the newest counts (docs/adr/0022).

The newest `sent` counts, then the stamp of the listing that had it first, then a hash: so it does not matter in which
order they come. The oldest has the message's own name; each other has one of its own and replaces those before it, as
an Update would, so that people are told by the same rules.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from warnsys.cap import dwd
from warnsys.cap.model import MsgType
from warnsys.records import EARLIEST, Impact, Meaning, Moment, Outcome, Part, utc

MOST_REVISIONS = 8
"""Of one message that are kept: the oldest, which has its name, and the newest."""
NOT_REAL = ("test", "exercise", "msgType", "scope")
"""How the reason begins why a message is not live: it says nothing here, also not of itself."""


class Fact(Part):
    """An accepted message that warns in this city or ends others. If it was revised, one of its contents."""

    base_id: str
    rules: str
    sent: Moment
    msg_type: MsgType
    listed_as: tuple[str, ...]
    supersedes: tuple[str, ...] = ()
    meanings: tuple[Meaning, ...] = ()
    left_out: int | None = None
    """How many meanings beyond these were left out; None for none."""
    digest: str | None = None
    """A hash of the content; None from a release that made none."""
    first: Moment | None = None
    """The stamp of the listing that had this content first."""
    of: str | None = None
    """The base id of the message, if this is a later revision of it; else None."""
    doubt: bool | None = None
    """True while only answers in doubt brought it: then it replaces nothing."""
    waits: Moment | None = None
    """Set if every listing that had it also had a successor of it: until this time it does not stand, so that the
    successor can be decided first."""

    sources: tuple[str, ...] | None = None
    """The sources that brought it; None for any. Another source may list somebody else's message under the same id."""
    kinds: dict[str, str] | None = None
    """By the message's own event group, the group under which it is told: that of its chain. None for the DWD's."""
    codes: tuple[str, ...] | None = None
    """Those groups of `kinds` that a code says, not the wording."""

    def impacts(self) -> Iterator[tuple[Meaning, Impact]]:
        return ((meaning, impact) for meaning in self.meanings for impact in meaning.impacts)


def is_real(outcome: Outcome) -> bool:
    """Whether it says anything here: a test never takes the place of a warning that has its identifier."""
    return outcome.decided != "not_live" or not outcome.reason.startswith(NOT_REAL)


def with_sender_in_ids(outcome: Outcome) -> Outcome:
    """Adds the sender to the ids of an outcome that an older release decided, which knew identifiers only."""
    sender = outcome.sender
    if outcome.digest is not None or not sender or dwd.is_senders(sender):
        return outcome
    supersedes = tuple(sorted(dwd.named(sender, identifier) for identifier in outcome.supersedes))
    return outcome.model_copy(update={"base_id": dwd.named(sender, outcome.base_id), "supersedes": supersedes})


def family(facts: Mapping[str, Fact], base_id: str) -> list[Fact]:
    """What is known of one message. What a release knew that had identifiers only is the one of the same time."""
    own = facts.get(base_id)
    return [*([own] if own else ()), *(fact for fact in facts.values() if fact.of == base_id)]


def adopt_sender_in(facts: dict[str, Fact], fact: Fact) -> None:
    """Changes `facts`: a message that an earlier release knew by its identifier alone gets its sender's name."""
    _, comma, identifier = fact.base_id.partition(",")
    old = facts.get(identifier) if comma else None
    if old and old.digest is None and old.sent == fact.sent and fact.base_id not in facts:
        del facts[identifier]
        facts[fact.base_id] = old.model_copy(update={"base_id": fact.base_id})


def same_content(one: Fact, other: Fact) -> bool:
    return one.sent == other.sent and (one.digest == other.digest or None in (one.digest, other.digest))


def in_order(base_id: str, contents: Iterable[Fact]) -> list[Fact]:
    """The contents of one message by their rank, each under its name, as many as are kept."""
    some = sorted(contents, key=_rank)
    if len(some) > MOST_REVISIONS:
        some = [some[0], *some[1 - MOST_REVISIONS :]]
    return [_called(fact, base_id, number) for number, fact in enumerate(some)]


def _called(fact: Fact, base_id: str, number: int) -> Fact:
    name, of = (revision_id(base_id, fact), base_id) if number else (base_id, None)
    return fact if (fact.base_id, fact.of) == (name, of) else fact.model_copy(update={"base_id": name, "of": of})


def revision_id(base_id: str, content: Fact | Outcome) -> str:
    """The name of a later content of a message."""
    sent = utc(content.sent) if content.sent else ""
    return f"{base_id}~{hashlib.sha256(f'{sent} {content.digest}'.encode()).hexdigest()[:10]}"


def _rank(fact: Fact) -> tuple[object, ...]:
    return fact.sent, fact.first or EARLIEST, fact.digest or ""


def renamed(before: Mapping[str, Fact], after: Mapping[str, Fact], base_id: str) -> dict[str, str]:
    """By its former name the present one of each content whose name changed, as an older one came later."""
    now, found = family(after, base_id), dict[str, str]()
    if len(now) < 2 and base_id in before:
        return found
    _, comma, identifier = base_id.partition(",")
    gone = [before[identifier]] if comma and identifier in before and identifier not in after else []
    for old in (*family(before, base_id), *gone):
        name = next((one.base_id for one in now if same_content(old, one)), old.base_id)
        if name != old.base_id:
            found[old.base_id] = name
    return found


def _sent_again(named: Fact | None, end: Fact) -> bool:
    """Says whether a message was sent after the Cancel that names it: its sender warns anew.

    An Update that seems older replaces it all the same, because a sender's clock may go behind.
    """
    return named is not None and end.msg_type == "Cancel" and named.sent > end.sent


def replaces(facts: Mapping[str, Fact]) -> Mapping[str, Sequence[str]]:
    """By message all that it replaces: what it names, and of revised messages the contents not sent after it.

    A later one was sent by somebody who knew of the end, and warns anew.
    """
    families: dict[str, list[Fact]] = {}
    for fact in facts.values():
        if fact.of:
            families.setdefault(fact.of, []).append(fact)
    found: dict[str, Sequence[str]] = {}
    for base_id, fact in facts.items():
        named = dict.fromkeys(i for i in fact.supersedes if not _sent_again(facts.get(i), fact))
        for other in fact.supersedes:
            named.update((one.base_id, None) for one in families.get(other, ()) if one.sent <= fact.sent)
        if fact.of and not fact.doubt:
            oldest = [facts[fact.of]] if fact.of in facts else []
            before = (one for one in (*oldest, *families[fact.of]) if _rank(one) < _rank(fact))
            named.update((one.base_id, None) for one in before)
        named.pop(base_id, None)
        found[base_id] = tuple(named)
    return found
