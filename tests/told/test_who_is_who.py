"""A message is who sent it and under which identifier: two senders are two, another content is a revision."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, city_rules, essence, meaning, outcome, snapshot, tick
from tests.told.play import EAST, Play, Said
from warnsys.cap import dwd
from warnsys.records import Outcome

FIRE = Said("2027-001", "feuerwehr@stadt.example", severity="Extreme")
WATER = Said("2027-001", "stadtwerke@stadt.example", 5, "Moderate", "Trinkwasser abkochen", category="Health")


# -- two senders, one identifier ------------------------------------------------------------------------------------


def test_two_senders_with_one_identifier_are_two_warnings(play: Play) -> None:
    play.look(0, FIRE)
    play.look(6, FIRE, WATER)
    assert play.told() == ["warn entered Moderate"]
    play.look(12, FIRE, WATER)
    assert (play.stands(), play.told()) == (["Extreme Großbrand", "Moderate Trinkwasser abkochen"], [])


def test_the_end_of_one_senders_message_is_not_the_end_of_anothers(play: Play) -> None:
    end = Said("2027-002", WATER.sender, 10, cancel=True, of=WATER.name)
    play.look(0, FIRE, WATER)
    play.look(10, FIRE, WATER, end)
    assert play.stands() == ["Extreme Großbrand"]


def test_of_two_senders_with_one_identifier_the_one_that_leaves_is_withdrawn(play: Play) -> None:
    """Whichever lies in the first file: a name in a listing is one message's, whoever lies beside it."""
    play.look(0, FIRE, WATER)
    for minute in (6, 12):
        play.look(minute, WATER)
    assert play.stands() == ["Moderate Trinkwasser abkochen"]


def test_nobody_overwrites_a_warning_of_the_dwd_by_its_identifier(play: Play) -> None:
    own = replace(FIRE, identifier="2.49.0.0.276.0.DWD.PVW.1815568320000.e2552890.MUL", sender="opendata@dwd.de")
    other = replace(own, sender="x@example.org", sent=5, severity="Minor", event="Scherz")
    play.look(0, own)
    play.look(6, own, other)
    assert play.stands() == ["Extreme Großbrand", "Minor Scherz"]


def test_the_dwds_messages_keep_their_names_and_so_their_notices_ids() -> None:
    identifier = "2.49.0.0.276.0.DWD.PVW.1815568320000.e2552890"
    assert dwd.named("opendata@dwd.de", f"{identifier}.MUL") == dwd.named("CAP@dwd.de", identifier) == identifier


def test_a_sender_is_the_same_in_whatever_letter_case(play: Play) -> None:
    end = Said("2027-002", FIRE.sender.upper(), 10, cancel=True, of=f"{FIRE.sender.title()},2027-001,x")
    play.look(0, FIRE)
    play.look(10, FIRE, end)
    assert play.stands() == []


names = st.text("ab,%@.2~", max_size=5)


@given(one=st.tuples(names, names), other=st.tuples(names, names))
def test_two_messages_share_a_name_only_if_sender_and_identifier_are_the_same(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    if one[0] and one[1] and other[0] and other[1]:
        assert (dwd.named(*one) == dwd.named(*other)) == (one == other)


# -- one identifier, another content ----------------------------------------------------------------------------------


def test_the_same_identifier_raised_is_told_as_an_update_would_be(play: Play) -> None:
    play.look(0, Said(until=120))
    play.look(6, Said(sent=5, severity="Extreme", until=600))
    assert play.told() == play.told("sms") == ["update raised Extreme"]
    assert play.stands() == ["Extreme Großbrand"]
    assert "identifier reused leitstelle@stadt.example,2027-001" in play.flags
    play.look(12, Said(sent=5, severity="Extreme", until=600))
    assert play.told() == []


def test_raised_lowered_and_raised_again_are_three_notices(play: Play) -> None:
    ids = []
    for number, severity in enumerate(("Severe", "Extreme", "Severe", "Extreme")):
        play.look(number * 6, Said(sent=number * 6, severity=severity))
        ids += [one.id for one in play.pushes]
    assert len(ids) == len(set(ids)) == 4


@pytest.mark.parametrize(
    ("revised", "told", "stands"),
    [
        (Said(sent=5, severity="Moderate"), ["lowered lowered Moderate"], ["Moderate Großbrand"]),
        (Said(sent=5, until=600), ["update extended Severe"], ["Severe Großbrand"]),
        (Said(sent=5, area=EAST), ["ended superseded Severe"], ["Severe Großbrand"]),
        (Said(sent=5, text="Fenster zu."), [], ["Severe Großbrand"]),
        (Said(sent=5, severity="Extreme", languages=("de-DE",)), ["update raised Extreme"], ["Extreme Großbrand"]),
        (Said(sent="2027-07-14T14:00:00+02:00", severity="Extreme"), ["update raised Extreme"], ["Extreme Großbrand"]),
        (Said(severity="Extreme"), ["update raised Extreme"], ["Extreme Großbrand"]),
    ],
    ids=["lowered", "extended", "shrunk", "reworded", "fewer languages", "other form of sent", "same sent"],
)
def test_the_newest_content_counts_whatever_of_it_changed(
    play: Play, revised: Said, told: list[str], stands: list[str]
) -> None:
    play.look(0, Said(languages=("de-DE", "en")))
    play.look(6, revised)
    assert (play.told(), play.stands()) == (told, stands)
    assert any(flag.startswith("identifier reused") for flag in play.flags)


def test_an_older_content_that_comes_later_changes_nothing(play: Play) -> None:
    play.look(0, Said(sent=0, severity="Extreme"))
    play.look(6, Said(sent=-10, severity="Minor"))
    assert (play.told(), play.stands()) == ([], ["Extreme Großbrand"])


def test_a_cancel_under_the_identifier_of_what_it_ends_ends_it(play: Play) -> None:
    play.look(0, Said())
    play.look(6, Said(sent=5, cancel=True, of=Said().name))
    assert (play.told(), play.stands()) == (["ended cancelled Severe"], [])


def test_what_is_sent_again_after_its_cancel_warns_anew(play: Play) -> None:
    end = Said("2027-002", sent=10, cancel=True, of=Said().name)
    play.look(0, Said())
    play.look(10, Said(), end)
    assert play.stands() == []
    play.look(20, Said(sent=20), end)
    assert (play.told(), play.stands()) == (["warn entered Severe"], ["Severe Großbrand"])


def test_a_test_never_takes_the_place_of_a_warning_with_its_identifier(play: Play) -> None:
    play.look(0, Said())
    play.look(6, Said(sent=5, status="Test"))
    assert (play.told(), play.stands()) == ([], ["Severe Großbrand"])


def test_the_same_message_in_another_form_is_no_revision(play: Play) -> None:
    play.look(0, Said(sent="2027-07-14T12:00:00Z"))
    play.look(6, Said(sent="2027-07-14T14:00:00+02:00"))
    assert (play.told(), play.flags) == ([], ())


# -- the state ------------------------------------------------------------------------------------------------------

severities = st.sampled_from(("Minor", "Moderate", "Severe", "Extreme"))


@st.composite
def contents(draw: st.DrawFn) -> Outcome:
    """One of a few messages, of which any may be revised; a digest tells one content from another."""
    minute, severity = draw(st.sampled_from((0.0, 5.0, 10.0))), draw(severities)
    where, until = draw(st.sampled_from((("d1",), ("d1", "d2")))), draw(st.sampled_from((60.0, 200.0)))
    ends = draw(st.sampled_from(((), (), ("A",))))
    said = outcome(
        draw(st.sampled_from(("A", "B"))), meaning(severity, districts=where, expires=until), sent=minute,
        stamp=draw(st.sampled_from((0.0, 5.0, 10.0))), msg_type="Update" if ends else "Alert",
    )  # fmt: skip
    ends = () if said.base_id in ends else ends
    return said.model_copy(update={"digest": f"{severity} {where} {until} {ends}", "supersedes": ends})


@given(story=st.lists(contents(), max_size=5), data=st.data())
def test_any_order_with_any_repetition_ends_in_the_same_situation(story: list[Outcome], data: st.DataObject) -> None:
    def ends(records: list[Outcome]) -> object:
        return essence(City().take(tick(0), *records, snapshot(10, "A", "B"), tick(12)).situation)

    again = data.draw(st.lists(st.sampled_from(story))) if story else []
    assert ends(data.draw(st.permutations([*story, *again]))) == ends(story)


def test_an_older_content_that_comes_late_renames_what_stands_and_tells_nobody() -> None:
    newer, older = (outcome("A", meaning(s), sent=m) for s, m in (("Extreme", 10), ("Minor", 0)))
    city = City().take(tick(0), newer.model_copy(update={"digest": "n"}))
    told = len(city.push())
    city.take(older.model_copy(update={"digest": "o"}), snapshot(10, "A"), tick(12))
    assert len(city.push()) == told
    assert [one.meaning.severity for one in city.situation.districts["d1"].standing] == ["Extreme"]


def test_a_state_of_an_earlier_release_knows_its_message_again_and_tells_it_once() -> None:
    """That release knew it by its identifier; its matcher may run beside this release's."""
    old = outcome("2027-001", meaning("Extreme")).model_copy(update={"sender": "feuerwehr@stadt.example"})
    city = City().take(tick(0), old.model_copy(update={"sender": ""}), snapshot(0, "2027-001"))
    city.restart()
    told = len(city.push())
    new = old.model_copy(update={"base_id": "feuerwehr@stadt.example,2027-001", "digest": "d"})
    for some in permutations((old, new)):
        city.take(*some)
    assert len(city.push()) == told
    assert city.standing() == ["feuerwehr@stadt.example,2027-001"]


def test_what_an_earlier_release_decides_beside_this_one_is_known_by_its_sender() -> None:
    old = outcome("2027-001", meaning("Extreme")).model_copy(update={"sender": "feuerwehr@stadt.example"})
    end = outcome("2027-002", supersedes=["2027-001"], msg_type="Cancel", decided="not_live", sent=10, stamp=10)
    city = City().take(tick(0), old, snapshot(0, "2027-001"))
    city.take(end.model_copy(update={"sender": "feuerwehr@stadt.example"}), snapshot(10, "2027-002"))
    assert city.standing() == []


def test_a_message_revised_without_end_keeps_a_state_small() -> None:
    city = City().take(tick(0))
    for minute in range(40):
        said = outcome("A", meaning(), sent=minute, stamp=minute).model_copy(update={"digest": f"{minute}"})
        city.take(tick(minute), said, snapshot(minute, "A"))
    assert len(city.state.facts) <= 8
    assert len(city.standing()) == 1


def test_another_sources_message_of_the_same_name_keeps_nobodys_warning_alive() -> None:
    """Both list an "A", each its own; the DWD drops its."""
    own = outcome("A", meaning("Extreme"))
    other = outcome("A", meaning("Minor"), source="city").model_copy(update={"base_id": "x@stadt.example,A"})
    city = City(city_rules(sources=("dwd", "city"))).take(tick(0), own, other, outcome("O", decided="no_district"))
    for minute in (0, 10, 20):
        listed = ("A", "O") if minute == 0 else ("O",)
        city.take(snapshot(minute, *listed), snapshot(minute, "A", source="city"), tick(minute))
    assert city.standing() == ["x@stadt.example,A"]


def test_a_revision_that_warns_no_more_is_told_at_once_and_waits_for_no_later_record() -> None:
    one = outcome("A", meaning()).model_copy(update={"digest": "1"})
    end = outcome("A", msg_type="Cancel", decided="not_live", sent=5, stamp=0).model_copy(update={"digest": "2"})
    city = City().take(tick(0), one, snapshot(0, "A"), end)
    assert city.told() == [("warn", "entered"), ("ended", "cancelled")]
