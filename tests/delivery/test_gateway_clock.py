"""The time by which a gateway ends what is too old: no clock alone moves it."""

import logging
from dataclasses import dataclass

import pytest

from tests.delivery.notices import T0, moment
from warnsys.delivery.clock import GatewayClock
from warnsys.records import Tick

HOUR = 3600.0


@dataclass
class Machine:
    """The true time, and by how much each clock is off; in seconds after noon."""

    now: float = 0.0
    wall_off: float = 0.0
    broker_off: float = 0.0

    def tick(self) -> Tick:
        return Tick(stage="live", at=moment(self.now + self.wall_off), process="p", monotonic=1000 + self.now)

    def pass_time(self, clock: GatewayClock, seconds: float) -> None:
        for _ in range(int(seconds / 10)):
            self.now += 10
            clock.hear(T0 + self.now + self.broker_off)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> GatewayClock:
    return GatewayClock(machine.tick)


def off(machine: Machine, clock: GatewayClock) -> float:
    return clock() - T0 - machine.now


def test_until_the_broker_was_heard_it_is_the_machines(machine: Machine, clock: GatewayClock) -> None:
    machine.wall_off = 7
    assert off(machine, clock) == 7


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
@pytest.mark.parametrize("which", ["wall_off", "broker_off"])
def test_one_clock_that_is_set_moves_nothing(machine: Machine, clock: GatewayClock, which: str, jump: float) -> None:
    clock.hear(T0)
    machine.pass_time(clock, 60)
    setattr(machine, which, jump)
    assert off(machine, clock) == pytest.approx(0)
    machine.pass_time(clock, HOUR)
    assert off(machine, clock) == pytest.approx(0, abs=1)


def test_without_a_broker_it_goes_on_by_the_clock_that_nobody_sets(machine: Machine, clock: GatewayClock) -> None:
    clock.hear(T0)
    machine.now, machine.wall_off = 6 * HOUR, -HOUR
    assert off(machine, clock) == pytest.approx(0)


def test_a_machine_that_starts_ahead_ends_nothing_too_early(machine: Machine, clock: GatewayClock) -> None:
    machine.wall_off = HOUR
    clock.hear(T0)
    assert off(machine, clock) == pytest.approx(0)


def test_a_machine_that_starts_behind_is_told_by_a_citys_notice(machine: Machine, clock: GatewayClock) -> None:
    machine.wall_off = -HOUR
    clock.hear(T0)
    assert off(machine, clock) == -HOUR, "nobody knows better yet, and nothing ends too early"
    clock.learn(moment(-5))
    assert off(machine, clock) == pytest.approx(-5)
    machine.pass_time(clock, HOUR)
    assert off(machine, clock) == pytest.approx(0, abs=5)


def test_a_notice_alone_moves_nothing(machine: Machine, clock: GatewayClock) -> None:
    clock.hear(T0)
    clock.learn(moment(HOUR))
    assert off(machine, clock) == pytest.approx(0)


def test_a_clock_that_is_off_is_told_once_and_when_it_is_right_again(
    machine: Machine, clock: GatewayClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    clock.hear(T0)
    machine.wall_off = -HOUR
    machine.pass_time(clock, 60)
    assert [record.getMessage() for record in caplog.records] == [
        "of the clocks that say how long a notice is sent: clock worker -3600 s"
    ]
    machine.wall_off = 0
    machine.pass_time(clock, 60)
    assert caplog.records[-1].getMessage().endswith("all agree again")
