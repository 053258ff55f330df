"""Which record is the next to be handled, by partition, and what of it the broker knows.

Agents handle the records of a partition one after the other, so one number says it all: everything below has been
handled, nothing from there on has. A record that stands further on proves that some were thrown away on the way.
"""

from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class Verdict(Enum):
    NEXT = "next"
    REPEAT = "handled before"
    JUMP = "records before it are missing"
    FOREIGN = "of a partition that is not ours"


class Ledger(Generic[Partition]):
    def __init__(self) -> None:
        self.next: dict[Partition, int] = {}
        self._known: dict[Partition, int] = {}  # what the broker has acknowledged

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """The partitions that are ours now, each with the offset to begin at; all others are not any more."""
        self.next, self._known = dict(starts), dict(starts)

    def revoke(self, partition: Partition) -> None:
        self.next.pop(partition, None)
        self._known.pop(partition, None)

    def move(self, partition: Partition, offset: int) -> None:
        """Go on from elsewhere: the log has no record at the next offset, and will have none."""
        if partition in self.next:
            self.next[partition] = offset
            self._known[partition] = min(offset, self._known[partition])

    def judge(self, partition: Partition, offset: int) -> Verdict:
        expected = self.next.get(partition)
        if expected is None:
            return Verdict.FOREIGN
        if offset == expected:
            return Verdict.NEXT
        return Verdict.REPEAT if offset < expected else Verdict.JUMP

    def handled(self, partition: Partition, offset: int) -> None:
        """An agent's last word on a record. What is not the next one is none of ours any more."""
        if self.judge(partition, offset) is Verdict.NEXT:
            self.next[partition] = offset + 1

    def to_commit(self) -> dict[Partition, int]:
        """By partition the offset to begin at after a crash, where the broker does not know it yet."""
        return {partition: offset for partition, offset in self.next.items() if offset > self._known[partition]}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """The broker has acknowledged; a commit that failed is simply asked for again."""
        for partition, offset in offsets.items():
            if partition in self._known:
                self._known[partition] = max(offset, self._known[partition])
