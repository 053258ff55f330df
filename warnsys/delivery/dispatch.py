"""Dispatch takes notices, gives out what is to be sent next, and writes down what became of it.

Each method writes into the ledger in whole transactions: a kill before, within or after it leaves a ledger from which
the next start goes on. It calls nobody and knows no clock; one thread uses it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import is_
from typing import Any

from warnsys.delivery.gate import Chance, Gate
from warnsys.delivery.intake import IncomingNotice, Intake
from warnsys.delivery.ledger import Count, DeliveryLedger, LedgerEntry
from warnsys.delivery.notices import subject, valid_until
from warnsys.delivery.outbox import Delivery, Final, Outbox, State
from warnsys.delivery.stops import Stops
from warnsys.delivery.target import Accepted, CallResult, ReceivedState, Target
from warnsys.gateways import TargetSettings
from warnsys.records import ChangeNotice, DeliveryCounts, GatewayStatus, Notice, OnActions, TargetStatus

PORTION = 500
"""How many deliveries are written down in one transaction: some tenths of a second."""


@dataclass
class Branch:
    """One target of a gateway, with what waits for it."""

    settings: TargetSettings
    target: Target[Any]
    outbox: Outbox
    accepted: float = 0.0
    """When it last took something over."""

    def recipients(self, notice: Notice) -> Sequence[str]:
        """Gives to whom a notice goes there; nobody if it is for others."""
        if self.settings.cities and notice.city not in self.settings.cities:
            return ()
        if isinstance(notice, ChangeNotice) and notice.audience not in self.settings.audiences:
            return ()
        return self.target.recipients(notice)


@dataclass
class Dispatch:
    """The work of one gateway in one environment."""

    gateway: str
    channel: str
    stage: str
    ledger: DeliveryLedger
    branches: Mapping[str, Branch]
    stops: Stops
    portion: int = PORTION
    intake: Intake = field(default_factory=Intake)
    changed: set[str] = field(default_factory=set)
    """The ids of the notices whose counts are not published yet."""
    ended: Counter[tuple[str, State]] = field(default_factory=Counter)

    @classmethod
    def of(
        cls, gateway: str, channel: str, stage: str, ledger: DeliveryLedger, chance: Chance,
        targets: Mapping[str, tuple[TargetSettings, Target[Any]]],
    ) -> "Dispatch":  # fmt: skip
        branches = {
            name: Branch(settings, target, Outbox(Gate(settings.at_once, settings.rate_per_s, chance)))
            for name, (settings, target) in targets.items()
        }
        return cls(gateway, channel, stage, ledger, branches, Stops(stage, channel))

    def restore(self, now: float) -> None:
        """Begins with what an earlier process left. Call it once the operators' orders are read."""
        self.changed.update(self.ledger.recent(now))
        self._put(self.ledger.restore(), now)

    def standing(self, target: str) -> list[Notice]:
        """Gives what a target was to have."""
        return self.ledger.standing(target)

    def take(self, arrivals: Iterable[IncomingNotice], now: float) -> None:
        """Takes notices; one that is known is a repeat. Once it returns their offsets may be committed."""
        while self.take_some(arrivals, now):
            arrivals = ()

    def take_some(self, arrivals: Iterable[IncomingNotice], now: float) -> int:
        """Takes notices, and writes down some of their deliveries, the worst first. Gives how many notices lack some.

        Call it again, also with none, until that is 0: the first of many recipients need not wait for the last.
        """
        ours = [one for one in arrivals if one.notice.stage == self.stage and one.notice.id not in self.intake]
        for one, places in self.ledger.missing(ours, self._recipients) if ours else ():
            self.intake.put(one, places)
        if some := self.intake.some(self.portion):
            self._put(self.ledger.take(some, now), now)
        return len(self.intake)

    def obey(self, actions: Iterable[tuple[OnActions, float]], now: float) -> None:
        """Takes orders, each with the broker's stamp, and stops what waits and must not be sent any more."""
        news = [self.stops.take(action, appended) for action, appended in actions]
        if any(news):
            for name, branch in self.branches.items():
                self._end(name, branch.outbox.stop(lambda each: self._held(each, now), now), "stopped", now)

    def next(self, target: str, now: float) -> list[Delivery]:
        """Gives what is to be sent to a target now; for each of them `answered` or `put_back` has to be called."""
        outbox = self.branches[target].outbox
        self._end(target, outbox.expired(now), "expired", now)
        found = outbox.take(now)
        self.ledger.write([LedgerEntry(each, "sending") for each in found], now)
        return found

    def put_back(self, target: str, deliveries: Sequence[Delivery], now: float) -> None:
        """Takes back what `next` gave and nobody was called with."""
        for each in deliveries:
            self.branches[target].outbox.put_back(each, now)
        self._write(target, [LedgerEntry(each, "waiting") for each in deliveries], now)

    def answered(self, target: str, answers: Sequence[tuple[Delivery, CallResult]], now: float) -> None:
        """Takes what a target answered."""
        branch, entries = self.branches[target], list[LedgerEntry]()
        for delivery, answer in answers:
            state = branch.outbox.answered(delivery, answer, now)
            if state == "waiting" and self._held(delivery, now):
                branch.outbox.stop(partial(is_, delivery), now)
                state = delivery.final("stopped")
            if isinstance(answer, Accepted):
                entries.append(LedgerEntry(delivery, state, receipt=answer.id))
                branch.accepted = now
            else:
                entries.append(LedgerEntry(delivery, state, code=answer.code, why=answer.why))
        self._write(target, entries, now)

    def receive(self, target: str, receipt: str, state: ReceivedState, code: str, now: float) -> bool:
        """Takes a receipt of a target. Gives whether it is of something that is written down as accepted there."""
        notice = self.ledger.receive(target, receipt, state, now, code if state != "delivered" else "")
        if notice is None:
            return False
        self.changed.add(notice)
        self.ended[target, state] += 1
        return True

    def wakes(self, target: str, now: float) -> float:
        """Gives when to ask for the next again, unless something happens before."""
        return self.branches[target].outbox.wakes(now)

    def news(self, most: int = 500) -> tuple[set[str], list[DeliveryCounts]]:
        """Gives some of the notices that have changed since they were given last, and what became of them."""
        ids = set(islice(self.changed, most))
        self.changed -= ids
        return ids, [self._counted(notice, count) for notice, count in self.ledger.counts(sorted(ids))]

    def untold(self, ids: Collection[str]) -> None:
        """Takes back what `news` gave and could not be told."""
        self.changed.update(ids)

    def endings(self) -> Counter[tuple[str, State]]:
        """Gives how many deliveries have come to which end since the last call, by target."""
        found, self.ended = self.ended, Counter()
        return found

    def status(self, now: float) -> GatewayStatus:
        return GatewayStatus(
            stage=self.stage, gateway=self.gateway, channel=self.channel, at=_moment(now),
            stopped=self.stops.active(now), targets=tuple(self._status(name, now) for name in self.branches),
        )  # fmt: skip

    def _recipients(self, notice: Notice) -> Mapping[str, Sequence[str]]:
        return {name: branch.recipients(notice) for name, branch in self.branches.items()}

    def _put(self, new: Iterable[tuple[str, Delivery]], now: float) -> None:
        """Puts deliveries into their outboxes, except those that a stop holds back or that have no target any more."""
        for target, delivery in new:
            self.changed.add(delivery.notice.id)
            branch = self.branches.get(target)
            if branch is None or self._held(delivery, now):
                self._end(target, [delivery], "stopped", now)
            else:
                for replaced in branch.outbox.put(delivery, now):
                    self.changed.discard(replaced.notice.id)

    def _held(self, delivery: Delivery, now: float) -> bool:
        return self.stops.holds(delivery.notice.city, delivery.appended, now)

    def _end(self, target: str, ended: Iterable[Delivery], state: Final, now: float) -> None:
        entries = [LedgerEntry(each, each.final(state), code=state) for each in ended]
        self._write(target, entries, now)

    def _write(self, target: str, entries: Sequence[LedgerEntry], now: float) -> None:
        self.ledger.write(entries, now)
        self.changed.update(one.delivery.notice.id for one in entries)
        self.ended.update((target, one.state) for one in entries if one.state != "waiting")

    def _counted(self, notice: Notice, count: Count) -> DeliveryCounts:
        states = dict(count.states)
        waiting = states.pop("waiting", 0) + states.pop("sending", 0)
        told = notice if isinstance(notice, ChangeNotice) else None
        return DeliveryCounts.model_validate(
            {
                "stage": self.stage, "exercise": notice.exercise, "gateway": self.gateway, "channel": self.channel,
                "target": count.target, "id": told.id if told else subject(notice), "city": notice.city,
                "level": told.level if told else None, "valid_until": valid_until(notice), "waiting": waiting,
                "calls": count.calls, "code": count.code, "at": _moment(count.at), **states,
            }
        )  # fmt: skip

    def _status(self, name: str, now: float) -> TargetStatus:
        branch = self.branches[name]
        waiting = [each.notice.issued for each in branch.outbox.all()]
        return TargetStatus(
            name=name, kind=branch.settings.kind, state=branch.outbox.gate.state(now), waiting=len(waiting),
            oldest=min(waiting, default=None), accepted=_moment(branch.accepted) if branch.accepted else None,
            code=branch.outbox.gate.code,
        )  # fmt: skip


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
