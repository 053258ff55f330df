"""What a record is for a partition: the ledger takes it once, and the cities that it can change settle it each."""

from dataclasses import dataclass, replace
from datetime import datetime

from warnsys.records import ImpactRecord, Outcome, Snapshot, Tick
from warnsys.warning.bounds import ledger_within_bounds
from warnsys.warning.evidence import Witnesses
from warnsys.warning.facts import Ledger
from warnsys.warning.learning import NO_NEEDS, Needs, learn_outcome, learn_snapshot, learn_time
from warnsys.warning.revisions import with_sender_in_ids


@dataclass(frozen=True)
class LearnedRecord:
    """A record that a ledger has taken."""

    record: ImpactRecord
    before: Ledger
    """The ledger without the record."""
    witnesses: Witnesses
    """What follows from the ledger with it."""

    @property
    def ledger(self) -> Ledger:
        return self.witnesses.ledger

    @property
    def now(self) -> datetime | None:
        return self.ledger.now

    @property
    def time_went_back(self) -> bool:
        return self.before.now is not None and self.now is not None and self.now < self.before.now

    def unreadable(self, reason: str) -> "LearnedRecord":
        """Gives the same for a message that cannot be read."""
        update = {
            "decided": "rejected", "reason": reason[:300], "supersedes": (), "meanings": (), "sent": None,
            "msg_type": None,
        }  # fmt: skip
        return replace(self, record=self.record.model_copy(update=update))


def learn(record: ImpactRecord, known: Witnesses, needs: Needs = NO_NEEDS) -> LearnedRecord:
    """Lets a ledger take a record. `needs` says what the cities need of the ledger."""
    before, version = known.ledger, known.ruleset_version
    match record:
        case Outcome():
            record = with_sender_in_ids(record)
            ledger = learn_outcome(before, record, version)
        case Snapshot():
            ledger = learn_snapshot(before, record, version)
        case Tick():
            ledger = learn_time(before, record, version, needs)
        case _:
            return LearnedRecord(record, before, known)
    return LearnedRecord(record, before, Witnesses(ledger_within_bounds(ledger, needs), version, known))
