"""Tracks three offsets per partition: next to process, handled, committed.

A record is *processed* when its agent has decided it and sent the results. It is *handled* when the results are
acknowledged and the state that follows from it is stored. An agent may process several records before it stores one
state for all of them, so `next` runs ahead of `done`. Only handled records are committed. An agent processes the
records of a partition in order, so a record with a higher offset than `next` proves that the records between were lost
on the way.
"""

from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class OffsetOrder(Enum):
    """Where a record stands relative to the one that is expected next."""

    NEXT = "next"
    REPEAT = "processed before"
    JUMP = "records before it are missing"
    FOREIGN = "of a partition that is not ours"


class OffsetTracker(Generic[Partition]):
    """The offsets of the partitions that this process owns."""

    def __init__(self) -> None:
        self.next: dict[Partition, int] = {}
        """The offset of the record to process next."""
        self.done: dict[Partition, int] = {}
        """All records below this offset are handled; equal to `next` or lower."""
        self._last: dict[Partition, int] = {}
        """The record that was processed last, since the partition was assigned or its log began anew."""
        self._committed: dict[Partition, int] = {}
        """The offset that the broker has acknowledged as committed."""

    def assign(self, starts: Mapping[Partition, int], committed: Mapping[Partition, int] = {}) -> None:
        """Replaces all partitions by these, each with the offset to begin at.

        `committed` has what the broker knows. What was handled above it is committed again.
        """
        self.next, self.done = dict(starts), dict(starts)
        self._last.clear()
        self._committed = {
            partition: min(start, committed.get(partition, start)) for partition, start in starts.items()
        }

    def revoke(self, partition: Partition) -> None:
        """Forgets a partition, because another process owns it now."""
        self.next.pop(partition, None)
        self.done.pop(partition, None)
        self._last.pop(partition, None)
        self._committed.pop(partition, None)

    def move(self, partition: Partition, offset: int) -> None:
        """Continues at another offset, because the log has lost the record at the next one, or begins anew.

        Records that are processed and not yet handled hold `done` back, unless `offset` is lower: then the log begins
        anew, and has them no more.
        """
        if partition not in self.next:
            return
        if not self.done[partition] < self.next[partition] <= offset:
            self.done[partition] = offset
            self._last.pop(partition, None)
        self.next[partition] = offset
        self._committed[partition] = min(offset, self._committed[partition])

    def compare(self, partition: Partition, offset: int) -> OffsetOrder:
        """Compares a record's offset with the one that is expected next."""
        expected = self.next.get(partition)
        if expected is None:
            return OffsetOrder.FOREIGN
        if offset == expected:
            return OffsetOrder.NEXT
        return OffsetOrder.REPEAT if offset < expected else OffsetOrder.JUMP

    def processed(self, partition: Partition, offset: int) -> None:
        """Marks a record as processed. It becomes handled when a later record is marked as handled."""
        if self.compare(partition, offset) is OffsetOrder.NEXT:
            self._last[partition] = offset
            self.next[partition] = offset + 1

    def handled(self, partition: Partition, offset: int) -> None:
        """Marks a record, and all before it, as handled.

        The record is the next one or the last processed one. Any other belongs to a partition that this process has
        lost, and changes nothing.
        """
        self.processed(partition, offset)
        if self._last.get(partition) == offset:
            self.done[partition] = self.next[partition]

    def to_commit(self) -> dict[Partition, int]:
        """Gives the offsets that the broker does not know yet. After a crash, the next owner begins to read there."""
        return {partition: offset for partition, offset in self.done.items() if offset > self._committed[partition]}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Notes what the broker has acknowledged. Offsets that it did not acknowledge stay in `to_commit`."""
        for partition, offset in offsets.items():
            if partition in self._committed:
                self._committed[partition] = max(offset, self._committed[partition])
