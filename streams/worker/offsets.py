"""Tracks three offsets per partition: next to process, processed, committed.

An agent takes the records of a partition in order. It may take several records before it stores their result, so `next`
runs ahead of `done`. A record with a higher offset than `next` proves that records between were lost on the way.
"""

from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class Sequence(Enum):
    """Where a record stands beside the one that is expected next."""

    NEXT = "next"
    REPEAT = "handled before"
    JUMP = "records before it are missing"
    FOREIGN = "of a partition that is not ours"


class OffsetTracker(Generic[Partition]):
    """The offsets of the partitions that this process owns."""

    def __init__(self) -> None:
        self.next: dict[Partition, int] = {}
        """The offset of the record to process next."""
        self.done: dict[Partition, int] = {}
        """All records below this offset are processed; equal to `next` or lower."""
        self._known: dict[Partition, int] = {}
        """The offset that the broker has acknowledged as committed."""

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """Replaces all partitions by these, each with the offset to begin at."""
        self.next, self.done, self._known = dict(starts), dict(starts), dict(starts)

    def revoke(self, partition: Partition) -> None:
        self.next.pop(partition, None)
        self.done.pop(partition, None)
        self._known.pop(partition, None)

    def move(self, partition: Partition, offset: int) -> None:
        """Continues at another offset, because the log will never have a record at the next one."""
        if partition in self.next:
            self.next[partition] = self.done[partition] = offset
            self._known[partition] = min(offset, self._known[partition])

    def judge(self, partition: Partition, offset: int) -> Sequence:
        """Compares a record's offset with the one that is expected next."""
        expected = self.next.get(partition)
        if expected is None:
            return Sequence.FOREIGN
        if offset == expected:
            return Sequence.NEXT
        return Sequence.REPEAT if offset < expected else Sequence.JUMP

    def taken(self, partition: Partition, offset: int) -> None:
        """Marks a record as processed. Its state is stored later, together with that of a later record."""
        if self.judge(partition, offset) is Sequence.NEXT:
            self.next[partition] = offset + 1

    def handled(self, partition: Partition, offset: int) -> None:
        """Marks a record, and all before it, as processed for good.

        The record is the next one or the last taken one. Any other belongs to a partition that this process has lost,
        and changes nothing.
        """
        if self.next.get(partition) in (offset, offset + 1):
            self.next[partition] = self.done[partition] = offset + 1

    def to_commit(self) -> dict[Partition, int]:
        """Gives the offsets that the broker does not know yet. After a crash, the next owner begins to read there."""
        return {partition: offset for partition, offset in self.done.items() if offset > self._known[partition]}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Notes what the broker has acknowledged. After a failed commit `to_commit` gives the same offsets again."""
        for partition, offset in offsets.items():
            if partition in self._known:
                self._known[partition] = max(offset, self._known[partition])
