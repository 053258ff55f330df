"""Whatever happens in whatever order: a gateway that is killed between any two of its steps, and within each.

The machine plays the topic, the receiver, the clock, the operator and the kills; the gateway is the real one, on a real
ledger of SQLite. The receiver notes each call. It may take the notice, refuse it, take it and say nothing, or not
get it and say nothing.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from tests.delivery.notices import T0, arrival, dispatch, push
from tests.delivery.test_stops import answer, order
from warnsys.delivery.dispatch import Dispatch
from warnsys.delivery.ledger import DeliveryLedger
from warnsys.delivery.outbox import Delivery
from warnsys.delivery.schema import brought_up
from warnsys.delivery.store import sqlite_engine
from warnsys.delivery.target import Accepted, CallResult, Declined, Unanswered
from warnsys.records import OnActions, PushNotice

AT_ONCE = 2
RECIPIENTS = ("one", "two")
ANSWERS: dict[str, CallResult] = {
    "taken": Accepted("id"), "busy": Declined("http_503"), "never": Declined("http_400", permanent=True),
    "taken, unsaid": Unanswered("timeout"), "lost, unsaid": Unanswered("timeout"),
}  # fmt: skip


class Killed(Exception):
    """The process ended within a step."""


class Mortal(DeliveryLedger):
    dies = False

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with super()._transaction() as connection:
            yield connection
            if self.dies:
                raise Killed


class GatewayMachine(RuleBasedStateMachine):
    gateway: Dispatch

    @initialize()
    def begin(self) -> None:
        self.engine = sqlite_engine(make_url("sqlite://"))
        self.store = self.engine.connect()
        brought_up(self.store)
        self.now = T0
        self.stop = 0.0, 0.0, True
        """When the newest order was given, until when it holds, and whether the city has answered."""
        self.topic: list[tuple[PushNotice, float]] = []
        self.read = self.committed = 0
        self.orders: list[tuple[OnActions, float]] = []
        self.in_flight: list[Delivery] = []
        self.calls: list[tuple[str, str, float]] = []
        """Notice, recipient and time of each call, in their order."""
        self.taken: set[tuple[str, str]] = set()
        """What the receiver has."""
        self.excused: Counter[tuple[str, str]] = Counter()
        """How often a call may be made again: it was refused for now, or nobody knows its answer."""
        self.start()

    def start(self) -> None:
        self.gateway = dispatch(self.store, recipients=RECIPIENTS, at_once=AT_ONCE, kind=Mortal)
        self.gateway.portion = 1
        self.left = 0
        """Of how many notices that were read not all recipients are written down."""
        self.gateway.obey(self.orders, self.now)
        self.gateway.restore(self.now)
        self.read, self.in_flight = self.committed, []

    # -- what happens -----------------------------------------------------------------------------------------------

    @rule(
        severity=st.sampled_from(["Minor", "Severe", "Extreme"]), group=st.sampled_from(["RAIN", "WIND"]),
        audience=st.sampled_from(["public", "staff"]), valid_s=st.sampled_from([5, 60, 3600]),
    )  # fmt: skip
    def a_notice_is_published(self, severity: str, group: str, audience: str, valid_s: int) -> None:
        at = self.now - T0
        name = f"n{len(self.topic)}"
        self.topic.append((push(name, at, severity, group=group, audience=audience, ttl_s=valid_s), at))

    @rule(seconds=st.sampled_from([0.5, 2.0, 30.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(how_many=st.integers(1, 3))
    def the_gateway_reads(self, how_many: int) -> None:
        found = self.topic[self.read : self.read + how_many]
        self.left = self.gateway.take_some([arrival(notice, at) for notice, at in found], self.now)
        self.read += len(found)

    @precondition(lambda self: self.left)
    @rule()
    def the_gateway_writes_down_more(self) -> None:
        self.left = self.gateway.take_some([], self.now)

    @precondition(lambda self: not self.left)
    @rule()
    def what_was_read_is_committed(self) -> None:
        self.committed = self.read

    @rule()
    def the_gateway_sends(self) -> None:
        free = [each for each in self.waiting() if not self.stands_behind(each)]
        room = self.gateway.branches["them"].outbox.gate.room(self.now)
        found = self.gateway.next("them", self.now)
        for each in found:
            assert self.now < each.until, "nothing is sent after its end"
            assert not self.stopped(each), "nothing is sent that a stop holds back"
            self.calls.append((each.notice.id, each.recipient, self.now))
        urgent = [each for each in free if each.due <= self.now < each.until and not each.precedence[0]]
        assert len([each for each in found if each in urgent]) >= min(room, len(urgent)), "Extreme goes before all"
        self.in_flight += found
        assert len(self.in_flight) <= AT_ONCE

    def stands_behind(self, each: Delivery) -> bool:
        """Says whether an older one of its warning waits or is in flight."""
        return any(
            other.line == each.line and other.number < each.number
            for other in self.gateway.branches["them"].outbox.all()
        )

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, AT_ONCE - 1), what=st.sampled_from(sorted(ANSWERS)))
    def the_receiver_answers(self, which: int, what: str) -> None:
        each = self.in_flight.pop(which % len(self.in_flight))
        self.received(each, has_it="taken" in what, sure=what in ("taken", "never"))
        self.gateway.answered("them", [(each, ANSWERS[what])], self.now)

    @rule(has_it=st.booleans())
    def the_gateway_is_killed(self, has_it: bool) -> None:
        """Between two steps: it does not know whether what is in flight has arrived."""
        for each in self.in_flight:
            self.received(each, has_it=has_it, sure=False)
        self.start()

    @rule(step=st.sampled_from(["take", "next", "answered"]), has_it=st.booleans())
    def the_gateway_is_killed_within_a_step(self, step: str, has_it: bool) -> None:
        """What it was about to write down is not written."""
        Mortal.dies = True
        with suppress(Killed):
            if step == "take":
                self.the_gateway_reads(3)
            elif step == "next":
                self.gateway.next("them", self.now)
            elif self.in_flight:
                self.gateway.answered("them", [(self.in_flight[0], Accepted())], self.now)
        Mortal.dies = False
        self.the_gateway_is_killed(has_it)

    def received(self, each: Delivery, *, has_it: bool, sure: bool) -> None:
        place = each.notice.id, each.recipient
        if has_it:
            self.taken.add(place)
        if not sure:
            self.excused[place] += 1

    @rule(minutes=st.sampled_from([0, 1, 30]), answers=st.booleans())
    def an_operator_stops_or_resumes_the_channel(self, minutes: int, answers: bool) -> None:
        self.now += 0.001  # of two orders of one time the first counts
        said = order(self.now - T0, minutes)
        new: list[tuple[OnActions, float]] = [(said, self.now)]
        if answers:
            new.append((answer(said, stopped=minutes > 0), self.now))
        self.orders += new
        self.stop = self.now, self.now + minutes * 60, answers
        self.gateway.obey(new, self.now)
        assert not [each for each in self.waiting() if self.stopped(each)], "what waits is stopped at once"

    def stopped(self, each: Delivery) -> bool:
        """Says whether the newest order stops it: it came before the order, or nobody holds back what comes now."""
        began, ends, answered = self.stop
        return each.appended < began or (self.now < ends and not answered)

    def waiting(self) -> list[Delivery]:
        """The worst first."""
        waits = [each for each in self.gateway.branches["them"].outbox.all() if each not in self.in_flight]
        return sorted(waits, key=lambda each: (each.precedence, each.number))

    # -- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def an_older_notice_never_follows_a_newer_one_of_its_warning(self) -> None:
        newest: dict[tuple[str, str, str], int] = {}
        for name, recipient, _ in self.calls:
            notice, number = self.topic[int(name[1:])][0], int(name[1:])
            line = notice.audience, notice.group, recipient
            assert number >= newest.get(line, 0), f"{name} after n{newest[line]}"
            newest[line] = number

    @invariant()
    def a_call_is_made_again_only_if_it_was_refused_or_its_answer_is_not_known(self) -> None:
        for place, calls in Counter(call[:2] for call in self.calls).items():
            assert calls <= 1 + self.excused[place], place

    def teardown(self) -> None:
        """At the end everything is read and nothing fails: what became of each notice is known, and true."""
        if not hasattr(self, "store"):
            return
        self.the_gateway_reads(len(self.topic) + 1)
        while self.left:
            self.the_gateway_writes_down_more()
        for each in self.in_flight:
            self.taken.add((each.notice.id, each.recipient))
        self.gateway.answered("them", [(each, Accepted()) for each in self.in_flight], self.now)
        for _ in range(1000):
            for each in (found := self.gateway.next("them", self.now)):
                self.taken.add((each.notice.id, each.recipient))
            self.gateway.answered("them", [(each, Accepted()) for each in found], self.now)
            wakes = self.gateway.wakes("them", self.now)
            if wakes == float("inf"):
                break
            self.now = max(self.now, wakes)
        ids = [notice.id for notice, _ in self.topic]
        self.gateway.untold(ids)
        counts = {one.id: one for one in self.gateway.news()[1]}
        assert sorted(counts) == sorted(ids), "no notice is lost"
        for name, one in counts.items():
            has_it = sum(place[0] == name for place in self.taken)
            assert one.waiting == 0
            assert one.accepted + one.failed + one.expired + one.stopped + one.unknown == len(RECIPIENTS)
            assert one.accepted <= has_it <= one.accepted + one.unknown, (name, one)
        self.store.close()
        self.engine.dispose()


TestGateway = GatewayMachine.TestCase
TestGateway.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
