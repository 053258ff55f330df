"""One time from several clocks: no single one moves it, and what went wrong comes back (docs/adr/0014)."""

from datetime import timedelta

import pytest

from tests.support import City, at, live_tick, meaning, outcome, snapshot, tick
from warnsys.records import Snapshot, Tick

SECOND = 1 / 60
DAY = 1440.0
WRONG = (DAY, -DAY, 90.0, -90.0, 1.5, -1.5)


def now(city: City) -> float:
    """Minutes since noon."""
    found = city.ledger.now
    assert found is not None
    return (found - at(0)) / timedelta(minutes=1)


def seen(stamp: float, *ids: str, checked: float | None = None, date: float | None = None) -> Snapshot:
    """A snapshot with what the feed's clock and the server's said."""
    said = snapshot(stamp, *ids)
    return said.model_copy(
        update={
            "checked": at(stamp if checked is None else checked),
            "date": None if date is None else at(date),
        }
    )


def one_wrong(which: str, minutes: float, wrong: float, process: str | None = "p") -> Tick:
    broker, worker = (wrong, 0.0) if which == "broker" else (0.0, wrong)
    return live_tick(minutes, broker=broker, worker=worker, process=process)


def flags(city: City) -> list[str]:
    return [flag for flag in city.situation.flags if flag.startswith(("clock", "stamp ahead"))]


def warned() -> City:
    """Severe A stands, and all clocks are right."""
    return City(paced=False).take(
        live_tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"), live_tick(10 * SECOND)
    )


# -- one clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("which", ["broker", "worker"])
def test_one_wrong_clock_moves_nobodys_time_and_is_an_alarm(which: str, wrong: float) -> None:
    city = warned()
    for step in range(2, 30):
        city.take(one_wrong(which, step * 10 * SECOND, wrong))
        assert now(city) == pytest.approx(step * 10 * SECOND, abs=1)
    assert flags(city) == [f"clock {which} {round(wrong * 60):+d} s"]
    assert city.take(live_tick(5)).situation.now == at(5)
    assert flags(city) == []


@pytest.mark.parametrize("which", ["broker", "worker"])
def test_one_wrong_clock_moves_nobodys_time_in_ticks_of_an_older_release(which: str) -> None:
    city = City(paced=False).take(live_tick(0, process=None))
    for step in range(1, 30):
        city.take(one_wrong(which, step * 10 * SECOND, DAY, process=None))
        assert now(city) == pytest.approx(step * 10 * SECOND, abs=1)
    assert flags(city) == [f"clock {which} +86400 s"]


def test_a_frozen_clock_of_the_broker_keeps_nothing_fresh() -> None:
    city = City(paced=False).take(live_tick(0), snapshot(0), live_tick(0))
    for step in range(1, 120):
        minute = step * 10 * SECOND
        city.take(live_tick(minute, broker=-minute))
        assert now(city) == pytest.approx(minute, abs=1.2)
    assert city.situation.freshness == "stale"


def test_a_frozen_clock_of_the_worker_moves_nothing() -> None:
    city = warned()
    for step in range(2, 120):
        city.take(live_tick(step * 10 * SECOND, worker=-step * 10 * SECOND))
    assert now(city) == pytest.approx(119 * 10 * SECOND)


def test_with_both_frozen_the_clock_that_nobody_sets_goes_on_and_data_become_stale() -> None:
    city = City(paced=False).take(live_tick(0), snapshot(0), live_tick(0))
    assert city.status() == "clear"
    for step in range(1, 56):
        city.take(live_tick(0, monotonic=step * 10 * SECOND))
    assert now(city) == pytest.approx(55 * 10 * SECOND, abs=1)
    assert flags(city)


def test_at_the_first_tick_of_all_the_earlier_of_two_clocks_counts() -> None:
    assert now(City().take(live_tick(0, broker=DAY))) == 0
    assert now(City().take(live_tick(0, worker=DAY))) == 0


def test_after_a_restart_the_clock_counts_that_goes_on_from_the_last_time() -> None:
    for which, wrong in (("broker", DAY), ("worker", -DAY)):
        assert now(warned().take(one_wrong(which, 1, wrong, process="q"))) == 1


# -- broker and worker together --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [DAY, -DAY, 3.0, -3.0])
def test_a_jump_of_broker_and_worker_together_moves_nothing_for_ten_minutes(wrong: float) -> None:
    city = warned()
    for step in range(2, 60):
        city.take(live_tick(step * 10 * SECOND, broker=wrong, worker=wrong))
        assert now(city) == pytest.approx(step * 10 * SECOND)
        assert city.standing() == ["A"]
    assert len(flags(city)) == 2


def test_and_never_while_a_witness_contradicts() -> None:
    city = warned()
    for minute in range(1, 60):
        city.take(seen(minute - 1, "A", checked=minute), live_tick(minute, broker=DAY, worker=DAY))
        assert now(city) == minute


def test_a_jump_that_lasts_and_that_nobody_contradicts_is_believed() -> None:
    """The time was wrong from the start, and both clocks were mended."""
    city = City(paced=False).take(live_tick(0, broker=-DAY, worker=-DAY), live_tick(1, broker=-DAY, worker=-DAY))
    for step in range(2, 15):
        city.take(live_tick(step))
    assert now(city) == 14


def test_a_servers_clock_that_agrees_makes_a_jump_forward_believed_at_once() -> None:
    city = City(paced=False).take(live_tick(0, broker=-DAY, worker=-DAY), live_tick(1, broker=-DAY, worker=-DAY))
    assert now(city.take(seen(1, checked=2, date=2), live_tick(2))) == 2


def test_the_feeds_clock_alone_is_no_witness_for_a_jump_forward() -> None:
    """All three may be one machine's clock; a jump forward hides warnings."""
    city = warned().take(seen(DAY + 1, "A", checked=DAY + 1), live_tick(1, broker=DAY, worker=DAY))
    assert now(city) == 1
    assert city.standing() == ["A"]


def test_time_that_went_too_far_ahead_comes_back_with_the_first_snapshot_that_agrees() -> None:
    city = City(paced=False).take(live_tick(0, broker=DAY, worker=DAY), live_tick(1, broker=DAY, worker=DAY))
    city.take(outcome("A", meaning("Extreme"), stamp=2), seen(2, "A"), live_tick(2))
    assert now(city) == 2
    assert ("warn", "entered") in city.told()
    assert city.stele().issued == at(2)


def test_what_was_believed_while_the_time_was_ahead_outranks_nothing_later() -> None:
    city = City(paced=False).take(
        live_tick(0, broker=360, worker=360), seen(359), seen(360), live_tick(1, broker=360, worker=360)
    )
    assert city.status() == "clear"
    city.take(outcome("A", meaning("Moderate"), stamp=2), seen(2, "A"), live_tick(2))
    assert (now(city), city.standing(), city.situation.as_of) == (2, ["A"], at(2))
    for minute in range(3, 400, 5):
        city.take(live_tick(minute))
    assert city.situation.freshness == "stale"
    assert city.status() != "clear"


def test_a_state_of_the_previous_release_with_a_time_a_day_ahead_heals() -> None:
    city = City(paced=False).take(tick(DAY), outcome("A", meaning("Severe"), stamp=0))
    city.restart()
    for step in range(3):
        city.take(live_tick(step * 10 * SECOND))
    assert now(city) == pytest.approx(20 * SECOND)
    assert city.standing() == ["A"]


def test_after_a_long_silence_the_time_is_right_again_within_three_ticks_or_with_a_snapshot() -> None:
    slow = warned()
    for step in range(3):
        slow.take(live_tick(60 + step * 10 * SECOND, process="q"))
    assert now(slow) == pytest.approx(60 + 20 * SECOND)
    fast = warned().take(seen(59, "A", checked=60), live_tick(60, process="q"))
    assert now(fast) == 60
    assert fast.situation.freshness == "fresh"


def test_in_a_backlog_the_snapshots_of_the_silence_count_once_the_time_is_right() -> None:
    city = warned().take(live_tick(60, process="q"))
    for minute in range(10, 51, 10):
        city.take(seen(minute, "A"))
    for step in range(1, 4):
        city.take(live_tick(60 + step * 10 * SECOND, process="q"))
    assert now(city) > 60
    assert city.situation.as_of == at(50)


def test_while_a_dead_feeds_last_snapshot_contradicts_what_the_clocks_say_its_data_are_not_fresh() -> None:
    city = City(paced=False).take(live_tick(0), snapshot(0), live_tick(1))
    city.take(snapshot(10), *(live_tick(60 + step * 10 * SECOND, process="q") for step in range(4)))
    assert now(city) < 60
    assert (city.situation.freshness, city.status()) == ("stale", "no_data")


def test_in_ticks_of_an_older_release_a_jump_is_harmless_while_right_snapshots_come_beside() -> None:
    city = City(paced=False).take(live_tick(0, process=None), outcome("A", meaning("Severe")), snapshot(0, "A"))
    for minute in range(1, 12):
        city.take(live_tick(minute, broker=DAY, worker=DAY, process=None), snapshot(minute, "A"))
        assert city.standing() == ["A"]
        assert now(city) <= minute
    city.take(outcome("B", meaning("Extreme", group="WIND"), stamp=12), snapshot(12, "A", "B"))
    assert [notice.cause for notice in city.push()] == ["A", "B"]
    assert now(city.take(live_tick(12, process=None))) == 12


def test_what_a_tick_says_of_its_own_stamp_is_not_sent() -> None:
    assert "appended" not in Tick.from_bytes(live_tick(0).to_bytes()).model_dump(exclude_none=True)


def test_a_restart_forgets_nothing_of_the_clocks() -> None:
    straight, again = warned(), warned()
    for step in range(2, 90):
        said = live_tick(step * 10 * SECOND, broker=DAY, worker=DAY if step % 7 else 0)
        straight.take(said)
        again.restart()
        again.take(said)
    assert (straight.state, straight.ledger) == (again.state, again.ledger)


# -- stamps ----------------------------------------------------------------------------------------------------------


def test_a_snapshot_ahead_of_the_citys_time_never_counts_also_when_its_time_has_come() -> None:
    city = City(paced=False).take(live_tick(0), outcome("A", meaning("Moderate", expires=None)), snapshot(0, "A"))
    city.take(live_tick(1), snapshot(360), snapshot(365), live_tick(2))
    assert (city.standing(), city.situation.as_of) == (["A"], at(0))
    assert flags(city) == ["clock feed dwd +21780 s", "stamp ahead dwd +21780 s"]
    for minute in range(3, 400):
        city.take(live_tick(minute))
    assert (city.standing(), city.situation.freshness) == (["A"], "stale")


def test_the_alarm_of_a_stamp_ahead_ends_with_the_first_that_is_right() -> None:
    city = City(paced=False).take(live_tick(0), snapshot(360), live_tick(1))
    assert flags(city)
    assert flags(city.take(snapshot(1), live_tick(2))) == []


def test_a_message_ahead_of_the_citys_time_is_told_at_once_and_outranks_nothing() -> None:
    city = City(paced=False).take(live_tick(0), outcome("A", meaning("Moderate")), snapshot(0, "A"))
    city.take(outcome("B", meaning("Extreme", group="WIND"), stamp=360))
    assert [notice.cause for notice in city.push()] == ["A", "B"]
    city.take(live_tick(1), *(snapshot(minute, "A") for minute in (10, 20)), live_tick(20))
    assert city.standing() == ["A"]


def test_a_message_of_an_answer_in_doubt_is_told_at_once_whatever_its_stamp() -> None:
    city = City(paced=False).take(live_tick(400), *(snapshot(minute) for minute in (390, 395, 400)), live_tick(400.1))
    city.take(outcome("B", meaning("Extreme", expires=700), stamp=40).model_copy(update={"doubt": True}))
    assert [notice.cause for notice in city.push()] == ["B"]
    assert city.take(live_tick(401), snapshot(405), live_tick(405)).standing() == ["B"]


def test_what_was_seen_to_leave_comes_not_back_by_an_answer_in_doubt() -> None:
    city = City(paced=False).take(live_tick(0), outcome("A", meaning("Moderate")), snapshot(0, "A", "O"))
    city.take(outcome("O", decided="no_district"), live_tick(15), *(snapshot(minute, "O") for minute in (5, 10, 15)))
    assert city.standing() == []
    count = len(city.push())
    city.take(outcome("A", meaning("Moderate"), stamp=15).model_copy(update={"doubt": True}), live_tick(16))
    assert (city.standing(), len(city.push())) == ([], count)


def test_an_update_ahead_of_the_citys_time_ends_nothing_where_it_does_not_warn() -> None:
    city = City(paced=False).take(live_tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    city.take(outcome("B", meaning("Severe", districts=("d1",)), stamp=360, supersedes=["A"]), snapshot(1, "A"))
    assert (city.standing("d1"), city.standing("d2")) == (["B"], ["A"])


def test_stamps_before_the_first_tick_are_judged_by_it() -> None:
    city = City(paced=False).take(outcome("A", meaning("Moderate"), stamp=360), snapshot(360, "A"), snapshot(0))
    city.take(live_tick(0))
    assert (city.situation.as_of, city.standing()) == (at(0), ["A"])


def test_a_feeds_clock_that_is_ahead_keeps_no_snapshot_in_decision() -> None:
    city = City(paced=False).take(live_tick(0), snapshot(0), live_tick(0))
    city.take(seen(1, "B", checked=360), live_tick(1))
    assert city.situation.freshness == "fresh"
    assert city.take(live_tick(3)).situation.freshness == "incomplete"


# -- times that no clock in order shows ------------------------------------------------------------------------------

EXTREMES = ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00")
REACHES = [1e300, -1e300, 1e15, -1e15, 1e9]


@pytest.mark.parametrize("time", EXTREMES)
@pytest.mark.parametrize("field", ["checked", "date", "stamp"])
def test_a_snapshot_with_a_time_that_cannot_be_is_no_witness_and_breaks_no_tick(field: str, time: str) -> None:
    city = warned()
    city.take(Snapshot.model_validate({**seen(1, "A").model_dump(), field: time}))
    for step in range(6, 40):
        city.take(live_tick(step * 10 * SECOND))
        assert now(city) == pytest.approx(step * 10 * SECOND)
    assert city.standing() == ["A"]
    city.restart()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("time", EXTREMES)
@pytest.mark.parametrize("fields", [["at"], ["appended"], ["at", "appended"]])
def test_a_clock_that_shows_what_cannot_be_moves_nothing(fields: list[str], time: str, known: bool) -> None:
    city = warned()
    for step in range(2, 100):
        said = live_tick(step * 10 * SECOND, process="p" if known else None)
        city.take(Tick.model_validate({**said.model_dump(), "appended": said.appended, **dict.fromkeys(fields, time)}))
        assert now(city) == pytest.approx(step * 10 * SECOND)
    assert city.standing() == ["A"]
    assert flags(city)
    assert now(city.take(live_tick(1000 * SECOND))) == pytest.approx(1000 * SECOND)


@pytest.mark.parametrize("time", EXTREMES)
@pytest.mark.parametrize("fields", [["at"], ["appended"], ["at", "appended"]])
def test_a_first_tick_that_cannot_be_is_forgotten_within_three_ticks(fields: list[str], time: str) -> None:
    first = live_tick(0)
    city = City(paced=False).take(
        Tick.model_validate({**first.model_dump(), "appended": first.appended, **dict.fromkeys(fields, time)})
    )
    for step in range(1, 4):
        city.take(live_tick(step * 10 * SECOND))
    assert now(city) == pytest.approx(30 * SECOND)


@pytest.mark.parametrize("monotonic", REACHES)
@pytest.mark.parametrize("process", ["p", "q"])
def test_a_reading_that_no_clock_has_counted_to_moves_nothing(process: str, monotonic: float) -> None:
    city = warned()
    city.take(live_tick(0.5, process=process).model_copy(update={"monotonic": monotonic}))
    for step in range(4, 9):
        city.take(live_tick(step * 10 * SECOND))
        assert now(city) == pytest.approx(step * 10 * SECOND)


@pytest.mark.parametrize("time", EXTREMES)
def test_an_exercises_tick_that_cannot_be_moves_nothing(time: str) -> None:
    city = City().take(tick(0), Tick.model_validate({**tick(1).model_dump(), "at": time}))
    assert now(city) == 0


# -- a time that one clock alone says --------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [True, False])
@pytest.mark.parametrize("process", ["p", None])
@pytest.mark.parametrize("wrong", [-180.0, -DAY, -1.6, 180.0, DAY])
@pytest.mark.parametrize("which", ["broker", "worker"])
def test_a_first_time_of_one_clock_is_right_with_the_first_witness(
    which: str, wrong: float, process: str | None, date: bool
) -> None:
    city = City(paced=False)
    for step in range(30):
        city.take(one_wrong(which, step * 10 * SECOND, wrong, process))
    minute = 300 * SECOND
    city.take(outcome("A", meaning("Extreme"), stamp=minute), seen(minute, "A", date=minute if date else None))
    for step in range(30, 90):
        city.take(one_wrong(which, step * 10 * SECOND, wrong, process))
        assert now(city) == pytest.approx(step * 10 * SECOND, abs=0.5)
    assert (city.standing(), city.situation.freshness) == (["A"], "fresh")
    assert city.stele().valid_until > at(890 * SECOND)
    city.restart()


@pytest.mark.parametrize("silence", [70 * SECOND, 20.0, 600.0])
@pytest.mark.parametrize("wrong", [-180.0, -DAY, 180.0, DAY])
@pytest.mark.parametrize("which", ["broker", "worker"])
def test_after_a_silence_one_wrong_clock_puts_no_time_back_and_the_first_witness_decides(
    which: str, wrong: float, silence: float
) -> None:
    city = warned()
    for step in range(20):
        before = now(city)
        city.take(one_wrong(which, silence + step * 10 * SECOND, wrong, "q"))
        assert before <= now(city) <= silence + step * 10 * SECOND + 0.01
    minute = silence + 200 * SECOND
    city.take(seen(minute, "A"), one_wrong(which, minute, wrong, "q"))
    assert now(city) == pytest.approx(minute, abs=1)


@pytest.mark.parametrize("which", ["broker", "worker"])
def test_a_first_time_of_one_clock_is_right_once_both_agree(which: str) -> None:
    city = City(paced=False)
    for step in range(10):
        city.take(one_wrong(which, step * 10 * SECOND, -180))
    assert now(city.take(live_tick(2))) == 2


def test_a_feeds_clock_moves_no_time_that_two_clocks_have_agreed_on() -> None:
    city = warned().take(seen(180, "A", checked=180), one_wrong("broker", 0.5, 180))
    assert now(city) == 0.5


def test_an_old_tick_that_comes_again_moves_nothing() -> None:
    city = warned().take(*(live_tick(minute) for minute in (1, 2, 60, 61)))
    city.take(live_tick(1).model_copy(update={"appended": at(61)}), live_tick(61 + 10 * SECOND))
    assert now(city) == pytest.approx(61 + 10 * SECOND, abs=1)
