"""Which record is the next to be taken, by partition, up to where all is handled, and what of it the broker knows.

Agents take the records of a partition one after the other, so one number says what was taken, and another what is
handled for good: an agent may take several before it remembers what came of them. A record that stands further on than
the next one proves that some were thrown away on the way.
"""

from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class Sequence(Enum):
    NEXT = "next"
    REPEAT = "handled before"
    JUMP = "records before it are missing"
    FOREIGN = "of a partition that is not ours"


class OffsetTracker(Generic[Partition]):
    def __init__(self) -> None:
        self.next: dict[Partition, int] = {}
        self.done: dict[Partition, int] = {}
        """Everything below has been handled; the same as `next`, or less."""
        self._known: dict[Partition, int] = {}  # what the broker has acknowledged

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """The partitions that are ours now, each with the offset to begin at; all others are not any more."""
        self.next, self.done, self._known = dict(starts), dict(starts), dict(starts)

    def revoke(self, partition: Partition) -> None:
        self.next.pop(partition, None)
        self.done.pop(partition, None)
        self._known.pop(partition, None)

    def move(self, partition: Partition, offset: int) -> None:
        """Go on from elsewhere: the log has no record at the next offset, and will have none."""
        if partition in self.next:
            self.next[partition] = self.done[partition] = offset
            self._known[partition] = min(offset, self._known[partition])

    def judge(self, partition: Partition, offset: int) -> Sequence:
        expected = self.next.get(partition)
        if expected is None:
            return Sequence.FOREIGN
        if offset == expected:
            return Sequence.NEXT
        return Sequence.REPEAT if offset < expected else Sequence.JUMP

    def taken(self, partition: Partition, offset: int) -> None:
        """An agent has worked on a record, and will call it handled with a later one."""
        if self.judge(partition, offset) is Sequence.NEXT:
            self.next[partition] = offset + 1

    def handled(self, partition: Partition, offset: int) -> None:
        """An agent's last word on a record and all before: on the next one, or on the last that was taken.

        What is neither is none of ours any more.
        """
        if self.next.get(partition) in (offset, offset + 1):
            self.next[partition] = self.done[partition] = offset + 1

    def to_commit(self) -> dict[Partition, int]:
        """By partition the offset to begin at after a crash, where the broker does not know it yet."""
        return {partition: offset for partition, offset in self.done.items() if offset > self._known[partition]}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """The broker has acknowledged; a commit that failed is simply asked for again."""
        for partition, offset in offsets.items():
            if partition in self._known:
                self._known[partition] = max(offset, self._known[partition])
