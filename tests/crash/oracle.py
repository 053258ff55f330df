"""What must stand on the topics after a run, worked out from the inputs as logged, by the pure functions alone.

Two halves: `warn.impacts` holds what `Matcher` gives for each record of `cap.alerts`, on every partition that has a
city; notices and states are the fold of `settle` over each partition of `warn.impacts`. What is missing though its
input was committed is lost; what is missing and not committed is only late. Repeats are counted, anything else is
strange. That a record was handled at all shows on `warn.state`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from streams.kafka.records import ConsumedRecord
from streams.kafka.topics import Topics
from streams.worker.remembered import RememberedPartition
from streams.worker.state import CLAIM, StoredChain, best_chain
from tests.crash.crew import Strike
from warnsys.headers import PUBLISHED
from warnsys.partition import Partition
from warnsys.pipeline import CityRules, CityState, ForeignStageError, channel_of, cities_for, matcher_for
from warnsys.records import AlertHeaders, ImpactRecord, Outcome, Snapshot, SteleRecord, Tick, read_impact_record
from warnsys.settings import LIVE, Settings
from warnsys.warning.facts import Ledger
from warnsys.warning.matching import Matcher, for_cities

CHANNELS = ("stele", "push", "sms")


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """A record as it stands on a topic."""

    partition: int
    offset: int
    timestamp: float
    """Seconds since 1970."""
    key: str
    value: bytes | None
    headers: Mapping[str, str]

    @property
    def covers(self) -> int:
        """Of a notice or a state: the offset of `warn.impacts` that it follows from."""
        return int(self.headers["covers"])


@dataclass(frozen=True)
class Logs:
    """All topics of a stage, each from its start, by name; and how far the group had committed in the end."""

    topics: Topics
    records: Mapping[str, tuple[Logged, ...]]
    """Everything that ever stood there."""
    kept_states: tuple[Logged, ...]
    """What compaction has left of `warn.state`: a worker that starts now finds this."""
    committed: Mapping[tuple[str, int], int]

    def of(self, topic: str) -> Iterator[Logged]:
        return iter(self.records[topic])

    def done(self, topic: str, record: Logged) -> bool:
        return record.offset < self.committed.get((topic, record.partition), 0)


@dataclass
class Findings:
    """Each entry says where and what; a good run has repeats only."""

    lost: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    """What nothing that was logged gives reason for."""
    states: list[str] = field(default_factory=list)
    """Partitions of which what is remembered is missing, or another than the fold's."""
    false_clears: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    """Districts whose last record on `warn.stele` is older than another one before it."""
    overtaken: list[str] = field(default_factory=list)
    """Records on `warn.stele` that came after one that covers more: a follower passes over them (README)."""
    overtaken_clears: int = 0
    """How many of them said `clear` where the other did not: what they would tell somebody who does not compare."""
    repeated: list[float] = field(default_factory=list)
    """When each repeat came, seconds since 1970."""

    @property
    def repeats(self) -> int:
        return len(self.repeated)

    @property
    def good(self) -> bool:
        return not (self.lost or self.late or self.strange or self.states or self.false_clears or self.outdated)

    def missing(self, what: str, *, done: bool) -> None:
        (self.lost if done else self.late).append(what)


def judge(settings: Settings, logs: Logs) -> Findings:
    matcher, findings = matcher_for(settings), Findings()
    _judge_match(matcher, list(cities_for(settings, matcher)), logs, findings)
    _judge_settle(cities_for(settings, matcher), logs, findings)
    _judge_steles(logs, findings)
    return findings


# -- cap.alerts, cap.extreme → warn.impacts ----------------------------------------------------------------------------


def _judge_match(matcher: Matcher, cities: list[str], logs: Logs, findings: Findings) -> None:
    topics, impacts = logs.topics, logs.topics.impacts.name
    came = [(topic.name, record) for topic in topics.messages for record in logs.of(topic.name)]
    by_partition = topics.by_partition(cities)
    found: dict[tuple[int, bytes, str], list[float]] = defaultdict(list)
    for record in logs.of(impacts):
        found[record.partition, record.value or b"", record.headers.get(PUBLISHED, "")].append(record.timestamp)
    expected: dict[tuple[int, bytes, str], list[tuple[str, Logged]]] = defaultdict(list)
    for topic, record in came:
        said, rejected = _decide(matcher, topics.stage, record)
        if rejected and not _was_rejected(logs, topic, record):
            findings.missing(f"rejection of {_place(topic, record)}", done=logs.done(topic, record))
        for partition, ours in by_partition.items():
            if said is None:
                break
            value = (for_cities(said, ours) if isinstance(said, Outcome) else said).to_bytes()
            expected[partition, value, record.headers.get(PUBLISHED, "")].append((topic, record))
    absent: dict[tuple[str, Logged], list[int]] = defaultdict(list)
    for what, sources in expected.items():
        stamps = found.get(what, [])
        missing = len(sources) - len(stamps)
        for source in sorted(sources, key=lambda each: logs.done(*each))[: max(missing, 0)]:
            absent[source].append(what[0])
        findings.repeated += sorted(stamps)[len(sources) :]
    for (topic, record), partitions in absent.items():
        findings.missing(f"{_place(topic, record)}, on {impacts} {sorted(partitions)}", done=logs.done(topic, record))
    for what in found.keys() - expected.keys():
        if not _is_tick(what[1]):
            findings.strange.append(f"{impacts}/{what[0]}: {what[1][:200]!r}")


def _decide(matcher: Matcher, stage: str, record: Logged) -> tuple[Outcome | Snapshot | None, bool]:
    """What a record of `cap.alerts` means, and whether its bytes belong on `warn.rejected`."""
    try:
        if record.headers.get("kind") == "snapshot":
            snapshot = Snapshot.from_bytes(record.value or b"")
            return (snapshot, False) if snapshot.stage == stage else (None, True)
        headers = AlertHeaders.model_validate(record.headers)
    except ValidationError:
        return None, True
    if headers.stage != stage:
        return None, True
    outcome = matcher.decide_bytes(record.value or b"", headers).outcome
    return outcome, outcome.decided == "rejected"


def _was_rejected(logs: Logs, topic: str, record: Logged) -> bool:
    place = (topic, str(record.partition), str(record.offset))
    return any(
        (kept.headers.get("topic"), kept.headers.get("partition"), kept.headers.get("offset")) == place
        and kept.value == record.value
        for kept in logs.of(logs.topics.rejected.name)
    )


def _is_tick(value: bytes) -> bool:
    try:
        return isinstance(read_impact_record(value), Tick)
    except ValidationError:
        return False


def _place(topic: str, record: Logged) -> str:
    return f"{topic}/{record.partition}@{record.offset}"


# -- warn.impacts → notices and states ------------------------------------------------------------------------------


def _judge_settle(cities: Mapping[str, CityRules], logs: Logs, findings: Findings) -> None:
    for partition in range(logs.topics.partitions):
        if ours := {c: rules for c, rules in cities.items() if logs.topics.partition_of(c) == partition}:
            _judge_partition(partition, ours, logs, findings)


def _judge_partition(partition: int, cities: Mapping[str, CityRules], logs: Logs, findings: Findings) -> None:
    impacts = logs.topics.impacts.name
    found: Counter[tuple[str, str]] = Counter()
    published: dict[tuple[str, str], list[Logged]] = defaultdict(list)
    for channel in CHANNELS:
        for record in logs.of(logs.topics.channel(channel).name):
            if record.partition == partition:
                published[channel, record.headers["id"]].append(record)
                found[channel, record.headers["id"]] += 1
    sets = [r for r in logs.of(logs.topics.state.name) if r.partition == partition and "covers" in r.headers]
    remembered = max((record.covers for record in sets), default=-1)
    kept = _restored(partition, logs)
    fold, last_done = Partition(cities), -1
    at_covers: tuple[Ledger, dict[str, CityState]] | None = None
    given: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
    for record in (record for record in logs.of(impacts) if record.partition == partition):
        done = logs.done(impacts, record)
        before = fold.ledger, dict(fold.states)
        try:
            said = _timed(record, logs.topics.stage)
            notices = fold.take(said)
        except (ValidationError, ForeignStageError):
            if not _was_rejected(logs, impacts, record):
                findings.missing(f"rejection of {_place(impacts, record)}", done=done)
            continue
        last_done = record.offset if done else last_done
        changed = before != (fold.ledger, fold.states)
        is_tick = isinstance(said, Tick) and logs.topics.stage == LIVE
        if changed and record.offset > remembered and (done or not is_tick):  # workers tell the time to the very end
            findings.missing(_place(impacts, record), done=done)
        if kept.covers == record.offset:
            at_covers = fold.ledger, dict(fold.states)
        for notice in notices:
            name = channel_of(notice), notice.id
            given[name][record.offset] = notice.to_bytes()
            if not found[name] and record.offset <= remembered:
                findings.missing(f"{name[0]} {notice.id} of {_place(impacts, record)}", done=done)
    for name, records in published.items():
        _judge_published(name, records, given.get(name, {}), findings)
    if wrong := _wrong(kept, last_done, at_covers):
        findings.states.append(f"partition {partition}: {wrong}")


def _timed(record: Logged, stage: str) -> ImpactRecord:
    said = read_impact_record(record.value or b"")
    if isinstance(said, Tick) and stage == LIVE:
        return said.model_copy(update={"appended": datetime.fromtimestamp(record.timestamp, UTC)})
    return said


def _judge_published(
    name: tuple[str, str], records: Iterable[Logged], given: Mapping[int, bytes], findings: Findings
) -> None:
    seen: set[int] = set()
    for record in records:
        if record.covers in seen:
            findings.repeated.append(record.timestamp)
        seen.add(record.covers)
        if given.get(record.covers) == record.value:
            continue
        what = f"{name[0]} {name[1]} at {record.partition}@{record.covers}"
        findings.strange.append(f"{what}: {'another content' if record.covers in given else 'not given there'}")
        if name[0] == "stele" and SteleRecord.from_bytes(record.value or b"").status == "clear":
            findings.false_clears.append(what)


def _restored(partition: int, logs: Logs) -> RememberedPartition:
    """As a worker would restore it."""
    topic, found = logs.topics.state.name, dict[str, ConsumedRecord]()
    for one in logs.kept_states:
        if one.partition == partition and one.key != CLAIM:
            found.pop(one.key, None)
            if one.value is not None:
                found[one.key] = ConsumedRecord(
                    topic, partition, one.offset, one.key.encode(), one.value, dict(one.headers), one.timestamp
                )
    return StoredChain("").restored(best_chain(found))


def _wrong(kept: RememberedPartition, last_done: int, folded: tuple[Ledger, dict[str, CityState]] | None) -> str:
    if kept.covers < 0:
        return "nothing is kept" if last_done >= 0 else ""
    if kept.covers < last_done:
        return f"what is kept covers {kept.covers}, but {last_done} was committed"
    if folded is None:
        return f"what is kept covers {kept.covers}, which no record of the input has"
    ledger, cities = folded
    other = [f"ledger.{name}" for name in Ledger.model_fields if getattr(ledger, name) != getattr(kept.ledger, name)]
    for city, expected in cities.items():
        state = kept.cities.get(city, CityState(city=city))
        other += [f"{city}.{n}" for n in CityState.model_fields if getattr(expected, n) != getattr(state, n)]
    return f"at {kept.covers} it differs from the fold's in {', '.join(other)}" if other else ""


# -- what followers see, and how long a takeover takes --------------------------------------------------------------


def _judge_steles(logs: Logs, findings: Findings) -> None:
    """In the order of the log: what came too late for a follower, and what it tells one that does not look."""
    newest: dict[str, Logged] = {}
    last: dict[str, Logged] = {}
    for record in logs.of(logs.topics.stele.name):
        district = record.key
        if (held := newest.get(district)) and record.covers < held.covers:
            findings.overtaken.append(f"{district}: {_place('stele', record)} covers {record.covers} < {held.covers}")
            findings.overtaken_clears += _status(record) == "clear" and _status(held) != "clear"
        else:
            newest[district] = record
        last[district] = record
    findings.outdated += [
        f"{district}: its last stele covers {record.covers}, an earlier one {newest[district].covers}"
        for district, record in last.items()
        if record.covers < newest[district].covers
    ]


def _status(record: Logged) -> str:
    return SteleRecord.from_bytes(record.value).status if record.value else ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A change set as it came to stand on `warn.state`: all up to `covers` was handled then, by `writer`."""

    at: float
    writer: str
    covers: int


def _kept(logs: Logs) -> dict[int, list[_Kept]]:
    """By partition, in the order of the log."""
    found: dict[int, list[_Kept]] = defaultdict(list)
    for record in logs.of(logs.topics.state.name):
        if record.value is not None and "covers" in record.headers:
            writer = record.key.partition("/")[2].rpartition(".")[0]
            found[record.partition].append(_Kept(record.timestamp, writer, record.covers))
    return found


def _came(logs: Logs) -> dict[int, dict[int, float]]:
    """By partition and offset when each record of `warn.impacts` came."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for record in logs.of(logs.topics.impacts.name):
        found[record.partition][record.offset] = record.timestamp
    return found


def takeovers(logs: Logs, strikes: Sequence[Strike]) -> list[list[float]]:
    """For each strike and partition that it took from a worker: seconds until another had handled the next record.

    Where another one was struck meanwhile, from then on; where the record came later than that, from its coming on. A
    state covers many records at once, so the next record is the first that no state before the strike covers.
    """
    came, by_partition = _came(logs), _kept(logs)
    found: list[list[float]] = []
    for strike in strikes:
        found.append([])
        for partition, kept in by_partition.items():
            before = [one for one in kept if one.at <= strike.at]
            if not before or before[-1].writer != strike.who:
                continue
            covered = max(one.covers for one in before)
            after = (one for one in kept if one.at > strike.at and one.writer != strike.who and one.covers > covered)
            if taken := next(after, None):
                first = came[partition][min(offset for offset in came[partition] if offset > covered)]
                others = (other.at for other in strikes if other.at < taken.at)
                found[-1].append(taken.at - max(first, strike.at, *others))
    return found


def delays(logs: Logs) -> list[float]:
    """For each record of `warn.impacts` that a state covers: seconds from its coming until the first such state."""
    came, found = _came(logs), list[float]()
    for partition, kept in _kept(logs).items():
        covered, waiting = -1, sorted(came[partition])
        for one in kept:
            if one.covers > covered:
                found += [one.at - came[partition][offset] for offset in waiting if covered < offset <= one.covers]
                covered = one.covers
    return found
