"""What is over when it is first looked at is told to nobody; an end that is evident is one."""

from dataclasses import replace
from itertools import permutations

import pytest

from tests.domain.messages import Message, Warned, outcome_of, rules
from tests.support import City, at, snapshot, tick
from tests.told.play import EAST, Play, Said

STORM = Said("2027-021", sent=-60, severity="Extreme", event="Sturm", category="Met")
LOWERED = Said("2027-022", sent=-30, severity="Minor", event="Sturm", category="Met", of=STORM.name)
FIRE = Said("2027-023", sent=-50)
OUT = Said("2027-024", sent=-20, cancel=True, of=FIRE.name)


def everything(play: Play) -> list[str]:
    return [line for channel in ("push", "sms") for who in ("public", "staff") for line in play.told(channel, who)]


@pytest.mark.parametrize("order", list(permutations((STORM, LOWERED, FIRE, OUT)))[::5])
def test_what_was_over_before_the_first_look_is_told_to_nobody(play: Play, order: tuple[Said, ...]) -> None:
    play.look(0, *order)
    assert (everything(play), play.stands()) == ([], ["Minor Sturm"])


def test_what_holds_in_the_end_is_told_and_the_worst_of_it_first(play: Play) -> None:
    raised = replace(LOWERED, identifier="2027-025", sent=-10, severity="Extreme", of=LOWERED.name)
    play.look(0, LOWERED, FIRE, raised, STORM)
    assert play.told() == ["warn entered Extreme", "warn entered Severe"]


def test_of_a_chain_only_the_last_is_told(play: Play) -> None:
    last = replace(LOWERED, identifier="2027-025", sent=-10, severity="Moderate", of=LOWERED.name)
    play.look(0, STORM, LOWERED, last)
    assert (play.told(), play.told("sms"), play.stands()) == (["warn entered Moderate"], [], ["Moderate Sturm"])


def test_where_the_replacement_no_longer_warns_nobody_is_told_of_what_was(play: Play) -> None:
    play.look(0, STORM, replace(LOWERED, area=EAST, severity="Severe"))
    assert play.told() == ["warn entered Severe"]
    assert (play.stands("solingen-2"), play.status("solingen-2")) == ([], "clear")


def test_after_an_outage_who_was_told_hears_the_end_and_who_was_not_hears_nothing(play: Play) -> None:
    play.look(-55, STORM)
    assert play.told() == ["warn entered Extreme"]
    play.look(0, STORM, LOWERED, FIRE, OUT)
    assert play.told() == ["lowered lowered Minor"]


def test_of_two_contents_of_one_message_in_a_listing_only_the_newest_is_told(play: Play) -> None:
    play.look(0, Said(sent=-20, severity="Extreme"), Said(sent=-10, severity="Moderate"))
    assert (play.told(), play.told("sms")) == (["warn entered Moderate"], [])


@pytest.mark.parametrize(
    "end", [replace(OUT, status="Test"), replace(OUT, sent=-70)], ids=["a test", "sent before what it names"]
)
def test_what_only_seems_to_be_replaced_is_told(play: Play, end: Said) -> None:
    play.look(0, FIRE, end)
    assert "warn entered Severe" in play.told()


def test_what_was_marked_as_replaced_is_told_when_what_replaces_it_turns_out_unreadable() -> None:
    said, end = Message("A", 0, (Warned(),)), Message("C", 10, (), ("A",), cancel=True, broken=True)
    city = City(rules()).take(tick(20), outcome_of(said, 20).model_copy(update={"replaced": True}))
    assert (city.standing(), city.push()) == ([], [])
    city.take(outcome_of(end, 20), snapshot(20, "A", "C"))
    assert (city.standing(), city.told()) == (["A"], [("warn", "entered")])


def test_what_was_marked_as_replaced_is_told_when_what_replaces_it_never_comes() -> None:
    said = outcome_of(Message("A", 0, (Warned(),)), 20).model_copy(update={"replaced": True})
    city = City(rules()).take(tick(20), said, tick(20.9))
    assert city.push() == []
    assert city.take(tick(21.1)).told() == [("warn", "entered")]


# -- an end that is evident -----------------------------------------------------------------------------------------


def test_what_expired_and_stays_listed_is_over_once_a_listing_from_well_after_its_end_is_complete(play: Play) -> None:
    storm = Said(until=30)
    play.look(0, storm)
    play.look(29, storm)
    play.again(31)
    assert play.status() == "unconfirmed"
    play.look(46, storm)
    assert (play.status(), play.told()) == ("clear", [])


def test_a_late_extension_of_what_is_still_listed_is_told_as_one(play: Play) -> None:
    play.look(0, Said(until=30))
    play.look(35, Said(until=30), Said("2027-002", sent=33, until=120, of=Said().name))
    assert play.told() == ["update extended Severe"]


def test_without_a_listing_after_its_end_nothing_is_clear(play: Play) -> None:
    play.look(0, Said(until=30))
    for minute in (31, 45, 600):
        play.offline.tick(at(minute))
        assert play.status() == "unconfirmed"


def test_an_unreadable_message_beside_it_keeps_what_expired_unconfirmed(play: Play) -> None:
    play.look(0, Said(until=30))
    (play.folder / "z.xml").write_bytes(b"<alert")
    for minute in (46, 51):
        play.again(minute)
    assert play.status() == "unconfirmed"
