"""Links: one takes over where another cannot, none sends twice what may have arrived, and a sick one is left alone."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.smpp.fake import CARRIER, Centre, carrier, drop, ignore, refuse, running, until
from warnsys.smpp import (
    Attempt,
    Declined,
    Incoming,
    Link,
    Links,
    Mode,
    NotBound,
    Session,
    Sms,
    Submitted,
    Taken,
    Unanswered,
    World,
)
from warnsys.smpp.carrier import Carrier
from warnsys.smpp.links import FAILURES, LONGEST_PAUSE_S, TAKE_OVER_S, BackOff, Breaker, Rate
from warnsys.smpp.pdu import Command, Message
from warnsys.smpp.status import CommandStatus

NOON = datetime(2027, 7, 14, 12, tzinfo=UTC)
BUSY = Declined(CommandStatus.ESME_RTHROTTLED, False, "busy")
WRONG = Declined(CommandStatus.ESME_RINVDSTADR, True, "no such number")
SILENT = Unanswered("no answer")


class Time:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self, chance: float = 0.0) -> None:
        self.s = 0.0
        self.slept: list[float] = []
        self.world = World(lambda: self.s, lambda: NOON + timedelta(seconds=self.s), self.sleep, lambda: chance)

    async def sleep(self, seconds: float) -> None:
        self.s += seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Scripted:
    """A session that answers as it is told, with ids of its own then."""

    def __init__(self, *answers: Submitted) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[Message, float, float | None]] = []
        self.over = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return not self.over.is_set()

    async def submit(self, message: Message, *, valid_s: float, patience_s: float | None = None) -> Submitted:
        self.sent.append((message, valid_s, patience_s))
        return self.answers.pop(0) if self.answers else Taken(f"id-{len(self.sent)}")

    async def incoming(self) -> AsyncGenerator[Incoming, None]:
        await self.over.wait()
        if False:
            yield

    async def ended(self) -> str:
        return "it ended"

    async def close(self) -> None:
        self.over.set()


def connects_to(*sessions: "Scripted | NotBound") -> Callable[[Carrier], Awaitable[Session]]:
    """Each attempt finds the next."""
    found = iter(sessions)

    async def connect(_: Carrier) -> Session:
        session = next(found, None)
        if session is None:
            await asyncio.Event().wait()
        if isinstance(session, NotBound):
            raise session
        return cast("Session", session)

    return connect


async def nowhere(carrier: str, item: Incoming) -> None: ...


def sms(text: str = "Sturm", seconds: float = 600) -> Sms:
    return Sms("+49212555", text, NOON + timedelta(seconds=seconds), 7)


@asynccontextmanager
async def up(time: Time, *sessions: Scripted, **changed: Any) -> AsyncGenerator[Links, None]:
    """Links to `first`, `second` and so on."""
    names = ("first", "second", "third")
    made = [
        Link(replace(CARRIER, name=name, **changed), time.world, connects_to(session))
        for name, session in zip(names, sessions, strict=False)
    ]
    links = Links(made, time.world)
    task = asyncio.create_task(links.run(nowhere))
    for _ in range(20):
        await asyncio.sleep(0)
    yield links
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


# -- which link sends -------------------------------------------------------------------------------------------------


async def test_the_first_link_sends_while_it_can() -> None:
    first, second = Scripted(), Scripted()
    async with up(Time(), first, second) as links:
        assert await links.send(sms()) == (Attempt("first", ("id-1",), Taken("id-1")),)
    assert (len(first.sent), len(second.sent)) == (1, 0)


async def test_parts_go_one_after_the_other_and_all_ids_are_told() -> None:
    first = Scripted()
    async with up(Time(), first) as links:
        (attempt,) = await links.send(sms("x" * 400))
    assert attempt == Attempt("first", ("id-1", "id-2", "id-3"), Taken("id-3"))


@pytest.mark.parametrize("refused", [BUSY, WRONG])
async def test_what_one_link_refuses_goes_to_the_next(refused: Declined) -> None:
    async with up(Time(), Scripted(refused), Scripted()) as links:
        attempts = await links.send(sms())
    assert [(each.carrier, each.outcome) for each in attempts] == [("first", refused), ("second", Taken("id-1"))]


async def test_parts_that_were_taken_before_one_was_refused_keep_their_ids_and_all_go_to_the_next() -> None:
    first, second = Scripted(Taken("a"), BUSY), Scripted()
    async with up(Time(), first, second) as links:
        attempts = await links.send(sms("x" * 400))
    assert attempts == (Attempt("first", ("a",), BUSY), Attempt("second", ("id-1", "id-2", "id-3"), Taken("id-3")))


async def test_what_may_have_arrived_is_not_sent_again() -> None:
    second = Scripted()
    async with up(Time(), Scripted(SILENT), second) as links:
        assert await links.send(sms()) == (Attempt("first", (), SILENT),)
    assert second.sent == []


async def test_a_link_that_is_down_is_passed_over() -> None:
    first = Scripted()
    async with up(Time(), first, Scripted()) as links:
        first.over.set()
        await asyncio.sleep(0)
        assert [each.carrier for each in await links.send(sms())] == ["second"]


async def test_a_link_that_only_receives_sends_nothing() -> None:
    async with up(Time(), Scripted(), mode=Mode.RECEIVER) as links:
        assert await links.send(sms()) == ()


async def test_a_message_waits_briefly_for_a_link_and_to_its_end_for_the_last() -> None:
    first, second = Scripted(BUSY), Scripted()
    async with up(Time(), first, second) as links:
        await links.send(sms(seconds=600))
    assert [patience for _, _, patience in first.sent + second.sent] == [TAKE_OVER_S, 600]


async def test_nothing_leaves_after_its_end() -> None:
    first = Scripted()
    async with up(Time(), first) as links:
        assert await links.send(sms(seconds=0)) == ()
    assert first.sent == []


async def test_while_no_link_is_up_a_message_waits_until_its_end() -> None:
    time = Time()
    links = Links([Link(CARRIER, time.world)], time.world)
    assert await links.send(sms(seconds=30)) == ()
    assert time.s == pytest.approx(30, abs=0.3)


def test_no_link_at_all_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="give at least one carrier"):
        Links([])


async def test_a_rate_spaces_the_messages_and_what_holds_shrinks_meanwhile() -> None:
    first = Scripted()
    async with up(Time(), first, rate_per_s=0.5) as links:
        await links.send(sms("x" * 400))
    assert [valid_s for _, valid_s, _ in first.sent] == [600, 598, 596]


async def test_a_turn_that_comes_too_late_is_the_next_links() -> None:
    first, second = Scripted(), Scripted()
    async with up(Time(), first, second, rate_per_s=0.1) as links:
        assert [(await links.send(sms()))[-1].carrier for _ in range(2)] == ["first", "second"]


# -- links that come back ---------------------------------------------------------------------------------------------


async def test_a_link_that_was_lost_is_connected_again_after_ever_longer_pauses() -> None:
    time = Time()
    sessions = [Scripted() for _ in range(3)]
    for each in sessions:
        each.over.set()
    link = Link(CARRIER, time.world, connects_to(*sessions, NotBound("nobody there"), last := Scripted()))
    task = asyncio.create_task(link.run(nowhere))
    for _ in range(60):
        await asyncio.sleep(0)
    assert time.slept == [0.5, 1, 2, 4]
    assert link.is_up
    assert (link.down_because, link.login_refused) == (None, False)
    task.cancel()
    await asyncio.wait([task])
    assert not last.is_up


async def test_a_carrier_that_refuses_the_login_is_not_hammered_and_said_to_need_somebody() -> None:
    time = Time()
    wrong = NotBound("wrong password", permanent=True)
    link = Link(CARRIER, time.world, connects_to(wrong, wrong))
    task = asyncio.create_task(link.run(nowhere))
    for _ in range(20):
        await asyncio.sleep(0)
    assert time.slept == [LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert (link.login_refused, link.down_because) == (True, "wrong password")
    task.cancel()
    await asyncio.wait([task])


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20))
def test_pauses_grow_to_their_longest_and_chance_shortens_them_by_half_at_most(chances: list[float]) -> None:
    drawn = iter(chances)
    back_off = BackOff(World(chance=lambda: next(drawn)), 0.5, 60)
    for number in range(len(chances)):
        whole = min(0.5 * 2**number, 60)
        assert whole / 2 <= back_off.next() <= whole


# -- rate and breaker -------------------------------------------------------------------------------------------------


@given(st.floats(0.1, 1_000), st.lists(st.floats(0, 5), min_size=2, max_size=50))
def test_no_two_turns_are_closer_than_the_rate_allows(per_s: float, waits: list[float]) -> None:
    time = Time()
    rate, turns = Rate(per_s, time.world.clock), []
    for wait in waits:
        time.s += wait
        if (turn := rate.turn(60)) is not None:
            turns.append(time.s + turn)
    gaps = (later - earlier for earlier, later in pairwise(turns))
    assert all(gap >= 1 / per_s - 1e-6 for gap in gaps)


def failing(breaker: Breaker, times: int) -> Iterator[bool]:
    for _ in range(times):
        yield breaker.admits(10)
        breaker.failed()


def test_a_breaker_opens_after_some_failures_in_a_row_and_lets_one_try_after_a_pause() -> None:
    time = Time()
    breaker = Breaker(time.world)
    assert list(failing(breaker, FAILURES)) == [True] * FAILURES
    assert breaker.is_open
    assert not breaker.admits(10)
    time.s += 0.5
    assert [breaker.admits(10), breaker.admits(10)] == [True, False]  # one tries, others wait for what it finds
    breaker.failed()
    time.s += 0.9
    assert not breaker.admits(10)  # the pause has doubled
    time.s += 0.1
    assert breaker.admits(10)
    breaker.succeeded()
    assert [breaker.admits(10), breaker.admits(10)] == [True, True]
    assert not breaker.is_open


def test_a_success_between_them_makes_failures_harmless() -> None:
    breaker = Breaker(Time().world)
    for _ in range(10):
        list(failing(breaker, FAILURES - 1))
        breaker.succeeded()
    assert not breaker.is_open


async def test_a_sick_link_is_left_alone_and_tried_again_later() -> None:
    time = Time()
    first, second = Scripted(*[SILENT] * FAILURES), Scripted()
    async with up(time, first, second) as links:
        by = [(await links.send(sms()))[-1].carrier for _ in range(FAILURES + 2)]
        time.s += LONGEST_PAUSE_S
        by.append((await links.send(sms()))[-1].carrier)
    assert by == ["first"] * FAILURES + ["second"] * 2 + ["first"]


async def test_wrong_numbers_make_no_link_sick() -> None:
    first = Scripted(*[WRONG] * 10)
    async with up(Time(), first, Scripted()) as links:
        for _ in range(10):
            await links.send(sms())
    assert len(first.sent) == 10


# -- on centres that fail ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def two_centres(take: Callable[[str, Incoming], Awaitable[None]]) -> AsyncGenerator[Any, None]:
    async with asyncio.timeout(20), running(Centre()) as one, running(Centre()) as other:
        links = Links([Link(carrier(one, answer_s=0.2)), Link(carrier(other, name="second"))])
        task = asyncio.create_task(links.run(take))
        await until(lambda: all(link.is_up for link in links.links))
        yield one, other, links
        task.cancel()
        await asyncio.wait([task])


def now(seconds: float = 60) -> Sms:
    return Sms("+49212555", "Sturm", datetime.now(UTC) + timedelta(seconds=seconds), 7)


async def test_the_second_carrier_takes_over_while_the_first_is_away_and_gives_back() -> None:
    async with two_centres(nowhere) as (one, _, links):
        one.meet(Command.SUBMIT_SM, drop)
        first = (await links.send(now()))[-1]
        second = (await links.send(now()))[-1]
        assert isinstance(first.outcome, Unanswered)
        assert (second.carrier, second.outcome) == ("second", Taken("id-1"))
        await until(lambda: links.links[0].is_up)
        assert (await links.send(now()))[-1].carrier == "first"


async def test_receipts_of_both_come_with_their_carriers_name() -> None:
    taken = []

    async def take(name: str, item: Incoming) -> None:
        taken.append((name, item.receipt and item.receipt.message_id))

    async with two_centres(take) as (one, other, _):
        one.lines[0].receipt("a")
        other.lines[0].receipt("b")
        await until(lambda: len(taken) == 2)
        assert sorted(taken) == [("first", "a"), ("second", "b")]


async def test_where_a_receipt_cannot_be_stored_all_ends_and_nothing_is_acknowledged() -> None:
    async def take(name: str, item: Incoming) -> None:
        raise OSError("the disk is full")

    async with asyncio.timeout(20), running(Centre()) as one:
        links = Links([Link(carrier(one))])
        task = asyncio.create_task(links.run(take))
        await until(lambda: links.links[0].is_up)
        one.lines[0].receipt("a")
        with pytest.raises(ExceptionGroup) as caught:
            await task
    assert caught.group_contains(OSError, match="the disk is full")
    assert one.answers == []


async def test_of_two_hundred_messages_through_faults_each_has_its_outcome_and_none_is_lost() -> None:
    async with two_centres(nowhere) as (one, other, links):
        one.meet(
            Command.SUBMIT_SM,
            *[refuse(CommandStatus.ESME_RTHROTTLED)] * 3, drop, *[refuse(CommandStatus.ESME_RSYSERR)] * 4, ignore, drop,
        )  # fmt: skip
        all_attempts = await asyncio.gather(*(links.send(now()) for _ in range(200)))
        outcomes = [attempts[-1].outcome for attempts in all_attempts]
        taken = [outcome for outcome in outcomes if isinstance(outcome, Taken)]
        unknown = [outcome for outcome in outcomes if isinstance(outcome, Unanswered)]
        assert len(taken) + len(unknown) == 200
        assert len(unknown) <= 2 * CARRIER.window + 1  # two dropped connections, one answer that never came
        accepted = next(one.ids) - 1 + next(other.ids) - 1
        assert len(taken) <= accepted <= 200
