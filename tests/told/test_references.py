"""What a message says that it replaces is found in whatever form it says so; what is not found is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.told.play import Play, Said
from warnsys.cap import read_alert
from warnsys.cap.references import parts_of, triples

STORM = Said("2027-029")
NAME = "leitstelle@stadt.example"


@pytest.mark.parametrize(
    "references",
    [
        f"{NAME}, 2027-029, 2027-07-14T14:00:00+02:00",
        f"{NAME} , 2027-029 , 2027-07-14T12:00:00Z",
        f"{NAME},2027-029,2027-07-14 14:00:00+02:00",
        f"{NAME},\n  2027-029,\t20270714T140000",
        f"{NAME},2027-029,yesterday",
        f"{NAME},2027-029",
        "2027-029",
        ",2027-029,2027-07-14T12:00:00Z",
        "2027-029,2027-07-14T12:00:00Z",
        f"{NAME},2027-028,2027-07-14T11:00:00Z, {NAME},2027-029,2027-07-14T12:00:00Z",
        f"{NAME},2027-028,2027-07-14T11:00:00Z; {NAME},2027-029,2027-07-14T12:00:00Z;",
    ],
)
def test_what_references_name_is_ended_in_whatever_form_they_are_written(play: Play, references: str) -> None:
    end = Said("2027-030", sent=5, cancel=True, of=references)
    play.look(0, STORM)
    play.look(6, STORM, end)
    assert (play.told(), play.stands()) == (["ended cancelled Severe"], [])
    assert not [flag for flag in play.flags if flag.startswith("ends nothing")]


def test_a_form_that_was_mended_is_a_finding() -> None:
    said = Said("2027-030", sent=5, cancel=True, of=f"{NAME}, 2027-029, 2027-07-14T14:00:00+02:00")
    assert "reference-form" in {one.code for one in read_alert(said.body()).findings}
    assert "reference-form" not in {one.code for one in read_alert(Said(of=STORM.name).body()).findings}


@pytest.mark.parametrize(
    "references", [f"{NAME},2027-999,2027-07-14T12:00:00Z", "other@stadt.example,2027-029,2027-07-14T12:00:00Z", "?"]
)
def test_a_cancel_that_names_what_nobody_knows_is_said_to_end_nothing(play: Play, references: str) -> None:
    play.look(0, STORM)
    play.look(6, STORM, Said("2027-030", sent=5, cancel=True, of=references))
    assert play.stands() == ["Severe Großbrand"]
    assert f"ends nothing {NAME},2027-030" in play.flags
    assert not [one for one in play.offline.decisions if "ends 1" in one.outcome.reason]


part = st.text("ab@.-_19é", min_size=1, max_size=8)
named = st.tuples(part, part, st.sampled_from(("2027-07-14T12:00:00Z", "2027-07-14T14:00:00+02:00")))


@given(names=st.lists(named, min_size=1, max_size=4, unique=True), comma=st.sampled_from((",", ", ", " ,", " , ")),
       between=st.sampled_from((" ", "\n", "; ", ", ")))  # fmt: skip
def test_any_row_of_triples_is_read_as_the_same_messages(
    names: list[tuple[str, str, str]], comma: str, between: str
) -> None:
    assert [parts_of(one) for one in triples(between.join(comma.join(one) for one in names))] == names
