"""Stores what the settle agent remembers of a partition in the compacted topic `warn.state` (docs/adr/0025).

A save writes one **change set**: the entries of ledger and cities that changed, a line each, `[path, value]`, or
`[path]` for one that is gone. A large set goes in several records. Its last one says which record of `warn.impacts` all
of it covers; until that is there, the set does not count. Each record names the one before it, so they form a chain:

    ← 41 ← 42 ← 43 ← 44, covers 5000        tail 41: no entry of an earlier set is needed

While the log is more than twice what lives in it, each set also carries on the oldest entries, twice as many bytes as
have changed. So the tail moves, and what is older is cleared.

Of several whole chains the one is read whose end covers most. Every process writes under keys of its own, so one that
lost its partition and writes late replaces nothing. It also must not clear what its successor needs. So a process
writes a claim before it reads. It clears records only while the offsets of its own records show that nobody else has
written since it read. If somebody else has, it reads again first; if it finds another's claim, it clears nothing any
more. So where it clears, nobody has claimed between its reading and its newest record. Whoever claims later reads that
record, and needs nothing that it made superfluous.

If the log of `warn.impacts` was made anew, its offsets begin at 0 again. What is remembered then counts one log more
(`covers_log`).
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic_core import from_json, to_json

from streams.kafka.readers import incoming
from streams.kafka.records import ConsumedRecord, Headers, ProducerRecord, Progress, Sender
from streams.kafka.topics import MIB, Topics
from streams.worker.previous import remembered_before
from streams.worker.remembered import EntryTree, Path, RememberedPartition, changed_entries, value_at
from warnsys.headers import COVERS, COVERS_AT, COVERS_LOG, covers, covers_at, covers_log, whole

PART_BYTES = MIB
"""A record of a change set has about so many bytes at most; one entry may have more."""
AFTER, TAIL = "after", "tail"
"""Headers: the key of the record before, and the number of the first record that is needed."""
CLAIM = "claim"
"""The key of the record that says who has begun to read."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One record of `warn.state`: a change set, or a part of a large one."""

    record: ConsumedRecord
    key: str
    number: int
    tail: int

    @classmethod
    def of(cls, found: tuple[str, ConsumedRecord]) -> "StoredPart | None":
        """Gives the record as a part; None if it is none."""
        key, record = found
        number, tail = whole(key.partition("/")[0]), whole(record.headers.get(TAIL))
        return None if number is None or tail is None else cls(record, key, number, tail)

    @property
    def after(self) -> str:
        return self.record.headers.get(AFTER, "")

    @property
    def covers(self) -> tuple[int, float] | None:
        """Offset and timestamp; None if it is not the last part of its set."""
        offset, at = covers(self.record.headers), covers_at(self.record.headers)
        return None if offset is None or at is None else (offset, at)

    @property
    def covers_log(self) -> int:
        return covers_log(self.record.headers)

    def entries(self) -> Iterator[tuple[Path, Any, int]]:
        """Gives path, value and size of each entry. Raises `ValueError`."""
        for line in self.record.value.splitlines():
            path, *value = from_json(line)
            yield tuple(path), value[0] if value else None, len(line)


def best_chain(records: Mapping[str, ConsumedRecord]) -> list[StoredPart]:
    """Gives the whole chain whose end covers most, the oldest first; an empty one if there is none."""
    found = {one.key: one for one in map(StoredPart.of, records.items()) if one}
    ends = [one for one in found.values() if one.covers]
    for end in sorted(ends, key=lambda one: (one.covers_log, one.covers, one.number), reverse=True):
        chain = [end]
        while chain[-1].number > end.tail and (before := found.get(chain[-1].after)):
            chain.append(before)
        if chain[-1].number <= end.tail:
            return chain[::-1]
    return []


@dataclass
class StoredChain:
    """What this process knows of the sets of a partition."""

    writer: str
    """Tells this process from all others, and from itself after it has lost the partition."""
    saved: RememberedPartition = field(default_factory=RememberedPartition)
    """What stands in the chain."""
    last: str = ""
    """The key of the newest record."""
    number: int = 0
    live: dict[Path, tuple[int, int]] = field(default_factory=dict[Path, tuple[int, int]])
    """By entry, the number of the record that has its value, and its size. The oldest come first."""
    keys: dict[int, str] = field(default_factory=dict[int, str])
    """By number, the keys of the chain's records."""
    others: list[str] = field(default_factory=list[str])
    """The keys of what does not belong to the chain."""
    end: int = 0
    """The offset after the last record, as long as nobody else has written."""
    sizes: dict[int, int] = field(default_factory=dict[int, int])
    """By number, the bytes of the chain's records."""
    credit: int = 0
    """How many bytes of old entries may be carried on."""

    def restored(self, chain: Sequence["StoredPart"]) -> RememberedPartition:
        """Takes a chain that was read, the oldest record first. Gives what is remembered."""
        if not chain:
            return self.saved
        document = EntryTree()
        for one in chain:
            self.number, self.last = one.number, one.key
            self.keys[one.number], self.sizes[one.number] = one.key, len(one.record.value)
            for path, value, size in one.entries():
                document.take(path, value)
                self.live.pop(path, None)
                if value is not None:
                    self.live[path] = one.number, size
        offset, at = chain[-1].covers or (-1, 0.0)
        self.saved = document.remembered(chain[-1].record, offset, at, chain[-1].covers_log)
        return self.saved

    def written(
        self, lines: Sequence["EntryLine"], remembered: RememberedPartition
    ) -> list[tuple[str, bytes, Headers]]:
        """Adds entries as a further set. Gives key, value and headers of each record of it."""
        found: list[tuple[str, bytes, Headers]] = []
        for part in _parts(lines):
            self.number += 1
            before, self.last = self.last, f"{self.number}/{self.writer}"
            self.keys[self.number] = self.last
            for path, is_gone, line in part:
                self.live.pop(path, None)
                if not is_gone:
                    self.live[path] = self.number, len(line)
            body = b"\n".join(line for _, _, line in part)
            self.sizes[self.number] = len(body)
            found.append((self.last, body, {AFTER: before}))
        for _, _, headers in found:
            headers[TAIL] = str(self.tail)
        found[-1][2].update({
            COVERS: str(remembered.covers), COVERS_AT: repr(remembered.covers_at),
            COVERS_LOG: str(remembered.covers_log),
        })  # fmt: skip
        self.saved = replace(remembered, unreadable={})
        return found

    @property
    def tail(self) -> int:
        """The number of the oldest record that is needed."""
        return next(iter(self.live.values()), (self.number, 0))[0]

    def carried_on(self, changed: Collection[Path], remembered: RememberedPartition) -> Iterator["EntryLine"]:
        """Gives the oldest unchanged entries that fit into `credit`.

        `save` adds to `credit` twice the bytes that have changed. It is void once the log is no more than twice what
        lives in it.
        """
        lives = sum(size for _, size in self.live.values())
        if sum(size for number, size in self.sizes.items() if number >= self.tail) <= 2 * lives:
            self.credit = 0
        for path, (_, size) in self.live.items():
            if path not in changed:
                if size > self.credit:
                    return
                self.credit -= size
                yield path, False, _line(path, value_at(remembered, path))


class KafkaStateStore:
    """Keeps it in `warn.state`."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        sender: Sender,
        progress: Progress,
        name: str = "",
        *,
        security: Mapping[str, Any] = {},
    ) -> None:
        self._security, self._progress, self._name = security, progress, name
        self._bootstrap, self._topic, self._sender = bootstrap, topics.state.name, sender
        self._chains: dict[int, StoredChain] = {}
        """By partition."""

    async def load(self, partition: int) -> RememberedPartition:
        known = self._chains[partition] = StoredChain(self._writer())
        await self._sender.send([ProducerRecord(self._topic, partition, CLAIM, known.writer.encode())])
        records, known.end = await self._read(partition)
        records.pop(CLAIM, None)
        chain = best_chain(records)
        remembered = known.restored(chain)
        # Releases up to 0.2.0 wrote no header `AFTER`.
        of_earlier_release = remembered_before({key: one for key, one in records.items() if AFTER not in one.headers})
        if not chain or _covered(of_earlier_release) > _covered(remembered):
            known, remembered = StoredChain(known.writer, end=known.end), of_earlier_release
            self._chains[partition] = known
        known.others = [key for key in records if key not in known.keys.values()]
        return remembered

    async def save(self, partition: int, remembered: RememberedPartition) -> None:
        known = self._chains.setdefault(partition, StoredChain(self._writer()))
        lines = [(path, value is None, _line(path, value)) for path, value in changed_entries(known.saved, remembered)]
        bad, changed = known.saved.unreadable, {path for path, _, _ in lines}
        lines += [(path, True, _line(path, None)) for path in known.live if _city(path) in bad and path not in changed]
        if not lines:
            return
        known.credit += 2 * sum(len(line) for _, _, line in lines)
        lines += list(known.carried_on({path for path, _, _ in lines}, remembered))
        written = known.written(lines, remembered)
        await self._sender.send([ProducerRecord(self._topic, partition, *one) for one in written])
        known.end += len(written)
        await self._clear(partition, known)

    async def _clear(self, partition: int, known: StoredChain) -> None:
        """Clears what nobody needs, if nobody else has written since this process has read."""
        if known.end != self._progress.end(self._topic, partition):
            records, known.end = await self._read(partition)
            if (claim := records.pop(CLAIM, None)) is None or claim.value != known.writer.encode():
                known.end = -1  # somebody else has begun to read, and may need it
            known.others = [key for key in records if key not in known.keys.values()]
            return
        gone = [number for number in known.keys if number < known.tail]
        keys = [*known.others, *(known.keys.pop(number) for number in gone)]
        known.sizes = {number: size for number, size in known.sizes.items() if number >= known.tail}
        if keys:
            await self._sender.send([ProducerRecord(self._topic, partition, key, None) for key in keys])
            known.end, known.others = known.end + len(keys), []

    def _writer(self) -> str:
        """Gives a new name for each tenure of a partition, so that this process also differs from itself before."""
        return f"{self._name}.{uuid.uuid4().hex}"

    async def _read(self, partition: int) -> tuple[dict[str, ConsumedRecord], int]:
        """Gives the last record of each key, without those that were cleared, and the end of the log."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_bytes=64 * MIB,
            max_partition_fetch_bytes=16 * MIB, fetch_max_wait_ms=10, **self._security,
        )  # fmt: skip
        source = TopicPartition(self._topic, partition)
        found: dict[str, ConsumedRecord] = {}
        await reader.start()
        try:
            reader.assign([source])
            await reader.seek_to_beginning(source)
            end = (await reader.end_offsets([source]))[source]
            while await reader.position(source) < end:
                for record in (await reader.getmany(source, timeout_ms=200)).get(source, ()):
                    put_into(found, record)
        finally:
            await reader.stop()
        return found, end


def put_into(found: dict[str, ConsumedRecord], record: Any) -> None:
    """Takes the next record of the topic into the last ones by key. An empty value is no tombstone."""
    key = (record.key or b"").decode("utf-8", "replace")
    found.pop(key, None)
    if record.value is not None:
        found[key] = incoming(record)


def _covered(remembered: RememberedPartition) -> tuple[int, int]:
    return remembered.covers_log, remembered.covers


EntryLine = tuple[Path, bool, bytes]
"""An entry, whether it is gone, and how it is written."""


def _city(path: Path) -> str:
    """Gives the city of an entry; "" for the ledger's."""
    return path[1] if path[0] == "city" else ""


def _line(path: Path, value: Any) -> bytes:
    return to_json([path] if value is None else [path, value], exclude_none=True)


def _parts(lines: Iterable[EntryLine]) -> Iterator[list[EntryLine]]:
    """Splits entries into records."""
    part, size = list[EntryLine](), 0
    for line in lines:
        if part and size + len(line[2]) > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line[2])
    yield part
