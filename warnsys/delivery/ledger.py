"""The ledger of a gateway: what was taken, and what became of each delivery. Each of its steps is one transaction."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, func, insert, select, update

from warnsys.delivery.intake import IncomingNotice, NewDelivery, Place
from warnsys.delivery.outbox import Delivery, State
from warnsys.delivery.schema import deliveries, notices
from warnsys.records import Notice, SteleRecord

T = TypeVar("T")
OPEN = ("waiting", "sending")
AT_ONCE = 500
"""Of how many notices the store is asked at once."""
LONGEST_WORDS = 1000
"""Of what a receiver says."""
KEPT_S = 30 * 24 * 3600.0
"""How long a notice is remembered after its `valid_until`: longer than any topic keeps it."""


def batched(found: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(found)
    while some := list(islice(rest, size)):
        yield some


Recipients = Callable[[Notice], Mapping[str, Sequence[str]]]
"""To whom a notice goes, by target."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What became of a delivery, to be written down."""

    delivery: Delivery
    state: State
    receipt: str = ""
    code: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """What became of one notice at one target."""

    number: int
    """Of the notice in the ledger."""
    target: str
    states: Mapping[str, int]
    calls: int
    code: str
    at: float


class DeliveryLedger:
    """Remembers for one gateway of one environment; `name` is of both."""

    def __init__(self, connection: Connection, name: str, read: Callable[[bytes], Notice]) -> None:
        self._connection, self._name, self._read = connection, name, read
        self._begun: dict[str, int] = {}
        """The numbers of notices that are not written down as a whole."""

    def missing(
        self, arrivals: Iterable[IncomingNotice], recipients: Recipients
    ) -> list[tuple[IncomingNotice, list[Place]]]:
        """Gives the notices that are not written down as a whole, and for whom they still have to be."""
        wanted = {one.notice.id: one for one in arrivals}
        with self._transaction() as connection:
            begun = self._stored(connection, list(wanted))
            found = []
            for name, one in wanted.items():
                number, whole = begun.get(name, (None, False))
                if whole:
                    continue
                known: Collection[Place] = ()
                if number is not None:
                    self._begun[name], known = number, self._known(connection, number)
                places = dict.fromkeys((to, each) for to, them in recipients(one.notice).items() for each in them)
                found.append((one, [place for place in places if place not in known]))
        return found

    def take(self, some: Sequence[NewDelivery], now: float) -> list[tuple[str, Delivery]]:
        """Writes down deliveries, and their notices where these are new. Gives them, each with its target.

        A stele's record takes the place of an older one that is not in flight.
        """
        new = {one.arrival.notice.id: one.arrival for one in some if one.arrival.notice.id not in self._begun}
        whole = [one.arrival.notice.id for one in some if one.last]
        found = [
            (one.target, Delivery(0, one.arrival.notice, one.arrival.appended, one.recipient, until=one.arrival.until))
            for one in some
        ]
        with self._transaction() as connection:
            numbers = self._insert(connection, notices, [self._notice(one) for one in new.values()])
            self._begun.update(zip(new, numbers, strict=True))
            for target, each in found:
                if isinstance(each.notice, SteleRecord):
                    self._forget_older(connection, target, each.line)
            rows = [self._row(self._begun[each.notice.id], target, each, now) for target, each in found]
            for (_, each), number in zip(found, self._insert(connection, deliveries, rows), strict=True):
                each.number = number
            ended = [{"b_number": self._begun.pop(name)} for name in whole]
            if ended:
                change = update(notices).where(notices.c.number == bindparam("b_number")).values(whole=True)
                connection.execute(change, ended)
        return found

    def write(self, entries: Sequence[LedgerEntry], now: float) -> None:
        """Writes down what becomes of deliveries: `sending` before the call, the rest after its answer."""
        if not entries:
            return
        rows = [
            {
                "b_number": one.delivery.number, "b_state": one.state, "b_calls": one.delivery.calls,
                "b_doubtful": one.delivery.doubtful, "b_receipt": one.receipt[:500], "b_code": one.code[:100],
                "b_why": one.why[:LONGEST_WORDS],
            }
            for one in entries
        ]  # fmt: skip
        change = (
            update(deliveries)
            .where(deliveries.c.number == bindparam("b_number"))
            .values(
                state=bindparam("b_state"), calls=bindparam("b_calls"), doubtful=bindparam("b_doubtful"),
                receipt=bindparam("b_receipt"), code=bindparam("b_code"), why=bindparam("b_why"), at=now,
            )
        )  # fmt: skip
        with self._transaction() as connection:
            connection.execute(change, rows)

    def restore(self) -> list[tuple[str, Delivery]]:
        """Gives what has to be sent, each with its target, in the order in which it was taken.

        What was in flight when the process ended may have arrived.
        """
        mine = and_(deliveries.c.gateway == self._name, deliveries.c.state.in_(OPEN))
        wanted = (
            select(deliveries, notices.c.value, notices.c.appended, notices.c.until)
            .join(notices, notices.c.number == deliveries.c.notice)
            .where(mine)
            .order_by(deliveries.c.number)
        )
        with self._transaction() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.gateway == self._name, deliveries.c.state == "sending")
                .values(state="waiting", doubtful=True, code="killed")
            )
            rows = connection.execute(wanted).all()
        read = dict[int, Notice]()
        return [(row.target, self._delivery(row, read)) for row in rows]

    def standing(self, target: str) -> list[Notice]:
        """Gives the notices that a target was to have: of a stele only the newest is remembered."""
        mine = and_(deliveries.c.gateway == self._name, deliveries.c.target == target)
        wanted = select(notices.c.value).join(deliveries, notices.c.number == deliveries.c.notice).where(mine)
        with self._transaction() as connection:
            return [self._read(bytes(value)) for value in connection.execute(wanted).scalars()]

    def receive(self, target: str, receipt: str, state: State, now: float, code: str = "") -> str | None:
        """Takes a receipt: what became of a delivery that a receiver accepted under that name. Gives its notice's id.

        None where no such delivery is known. What has ended before keeps its end.
        """
        wanted = (
            select(deliveries.c.number, deliveries.c.state, notices.c.notice)
            .join(notices, notices.c.number == deliveries.c.notice)
            .where(
                deliveries.c.gateway == self._name, deliveries.c.target == target, deliveries.c.receipt == receipt
            )
        )  # fmt: skip
        with self._transaction() as connection:
            row = connection.execute(wanted).first()
            if row and row.state in ("accepted", "unknown"):
                change = update(deliveries).where(deliveries.c.number == row.number)
                connection.execute(change.values(state=state, code=code, at=now))
        return row.notice if row else None

    def recent(self, since: float) -> list[str]:
        """Gives the ids of the notices that were valid then, or later."""
        wanted = select(notices.c.notice).where(notices.c.gateway == self._name, notices.c.until >= since)
        with self._transaction() as connection:
            return list(connection.execute(wanted).scalars())

    def counts(self, ids: Iterable[str]) -> list[tuple[Notice, Count]]:
        """Gives what became of these notices, at each target."""
        found = list[tuple[Notice, Count]]()
        for some in batched(ids, AT_ONCE):
            found += self._counts(some)
        return found

    def _counts(self, ids: Sequence[str]) -> list[tuple[Notice, Count]]:
        changed = select(notices.c.number).where(notices.c.gateway == self._name, notices.c.notice.in_(ids))
        wanted = (
            select(
                deliveries.c.notice, deliveries.c.target, deliveries.c.state, func.count().label("how_many"),
                func.sum(deliveries.c.calls).label("calls"), func.max(deliveries.c.at).label("at"),
            )
            .where(deliveries.c.notice.in_(changed))
            .group_by(deliveries.c.notice, deliveries.c.target, deliveries.c.state)
        )  # fmt: skip
        codes = (
            select(deliveries.c.notice, deliveries.c.target, deliveries.c.code)
            .where(deliveries.c.notice.in_(changed), deliveries.c.code != "")
            .order_by(deliveries.c.at)
        )
        values = select(notices.c.number, notices.c.value).where(notices.c.number.in_(changed))
        with self._transaction() as connection:
            groups = connection.execute(wanted).all()
            said = {(row.notice, row.target): row.code for row in connection.execute(codes)}
            read = {row.number: self._read(bytes(row.value)) for row in connection.execute(values)}
        found = dict[tuple[int, str], Count]()
        for row in groups:
            place = row.notice, row.target
            before = found.get(place, Count(row.notice, row.target, {}, 0, said.get(place, ""), 0.0))
            states = {**before.states, row.state: row.how_many}
            found[place] = Count(*place, states, before.calls + row.calls, before.code, max(before.at, row.at))
        return [(read[one.number], one) for _, one in sorted(found.items())]

    def forget(self, now: float) -> None:
        """Lets go of what was over long ago."""
        old = and_(notices.c.gateway == self._name, notices.c.until < now - KEPT_S)
        with self._transaction() as connection:
            connection.execute(delete(notices).where(old))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._connection.begin():
            yield self._connection

    def _stored(self, connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
        """Gives of the notices that stand here their numbers, and whether all their deliveries do, too."""
        found = dict[str, tuple[int, bool]]()
        asked = select(notices.c.notice, notices.c.number, notices.c.whole)
        for some in batched(ids, AT_ONCE):
            rows = connection.execute(asked.where(notices.c.gateway == self._name, notices.c.notice.in_(some)))
            found.update((row.notice, (row.number, row.whole)) for row in rows)
        return found

    def _known(self, connection: Connection, notice: int) -> set[Place]:
        asked = select(deliveries.c.target, deliveries.c.recipient).where(deliveries.c.notice == notice)
        return {(row.target, row.recipient) for row in connection.execute(asked)}

    def _insert(self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> Sequence[int]:
        """Gives the numbers of new rows."""
        if not rows:
            return ()
        numbered = insert(table).returning(table.c.number, sort_by_parameter_order=True)
        return connection.execute(numbered, rows).scalars().all()

    def _notice(self, one: IncomingNotice) -> dict[str, Any]:
        return {
            "gateway": self._name, "notice": one.notice.id, "value": one.value, "appended": one.appended,
            "until": one.until, "whole": False,
        }  # fmt: skip

    def _row(self, notice: int, target: str, one: Delivery, now: float) -> dict[str, Any]:
        return {
            "gateway": self._name, "notice": notice, "target": target, "recipient": one.recipient, "line": one.line,
            "state": "waiting", "calls": 0, "doubtful": False, "receipt": "", "code": "", "why": "", "at": now,
        }  # fmt: skip

    def _forget_older(self, connection: Connection, target: str, line: str) -> None:
        """Of a stele only the newest record is kept: there is one each minute."""
        older = and_(
            deliveries.c.gateway == self._name, deliveries.c.target == target, deliveries.c.line == line,
            deliveries.c.state != "sending",
        )  # fmt: skip
        gone = connection.execute(select(deliveries.c.notice).where(older)).scalars().all()
        connection.execute(delete(deliveries).where(older))
        used = select(deliveries.c.notice).where(deliveries.c.notice == notices.c.number)
        connection.execute(delete(notices).where(notices.c.number.in_(gone), ~used.exists()))

    def _delivery(self, row: Row[Any], read: dict[int, Notice]) -> Delivery:
        notice = read.get(row.notice) or read.setdefault(row.notice, self._read(bytes(row.value)))
        return Delivery(row.number, notice, row.appended, row.recipient, row.calls, row.doubtful, until=row.until)
