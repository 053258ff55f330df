"""Times at the ends of what a calendar knows, and numbers that are none, break nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tests.support import City, at, live_tick, meaning, outcome, tick
from warnsys.records import (
    ImpactRecord,
    Outcome,
    Part,
    PushNotice,
    Record,
    Snapshot,
    SteleRecord,
    Tick,
    read_impact_record,
)

ZONES = [UTC, *(timezone(timedelta(hours=hours)) for hours in (-23, -14, 1, 14, 23))]
FIRST, LAST = at(0).min, at(0).max
ENDS = st.sampled_from([FIRST, LAST, LAST.replace(microsecond=0), LAST.replace(hour=0)])
TIMES = st.builds(
    lambda moment, zone: moment.replace(tzinfo=zone),
    st.one_of(
        ENDS, st.datetimes(FIRST, LAST), st.floats(-300, 300).map(at).map(lambda moment: moment.replace(tzinfo=None))
    ),
    st.sampled_from(ZONES),
)


@st.composite
def records(draw: st.DrawFn) -> ImpactRecord:
    number, time = draw(st.integers(0, 40)), TIMES
    match draw(st.sampled_from(["outcome", "snapshot", "tick"])):
        case "outcome":
            one = {**meaning(draw(st.sampled_from(["Minor", "Severe", "Extreme"]))).model_dump(), "onset": draw(time)}
            one["expires"] = draw(st.none() | time)
            said = outcome(draw(st.sampled_from("AB"))).model_dump()
            said |= {"meanings": [one], "sent": draw(time), "stamp": draw(st.none() | time)}
            return Outcome.model_validate(said)
        case "snapshot":
            said = {"stage": "live", "source": "dwd", "ids": ["A"], "date": draw(st.none() | time)}
            return Snapshot.model_validate({**said, "stamp": draw(time | st.just(at(number))), "checked": draw(time)})
        case _:
            whole = live_tick(number).model_dump() | {"appended": draw(time | st.just(at(number))), "at": draw(time)}
            whole["monotonic"] = draw(st.floats(allow_nan=False, allow_infinity=False) | st.just(60.0 * number))
            return Tick.model_validate(whole)


@given(st.lists(records(), max_size=8))
def test_no_time_of_a_record_breaks_a_city(said: list[ImpactRecord]) -> None:
    city = City(paced=False).take(live_tick(0), *said, live_tick(41), live_tick(42))
    city.restart()
    assert city.situation.districts
    for notice in city.notices:
        assert type(notice).from_bytes(notice.to_bytes()) == notice


def test_a_message_whose_content_becomes_one_of_long_ago_is_ended_for_who_was_told() -> None:
    """As a release without revisions of identifiers may send it; a tick of the year 2 stands in between."""
    long_ago = FIRST.replace(year=2, tzinfo=UTC)

    def said(severity: str, expires: object) -> Outcome:
        one = {**meaning(severity).model_dump(), "onset": long_ago, "expires": expires}
        return Outcome.model_validate({**outcome("A").model_dump(), "meanings": [one], "sent": long_ago, "stamp": None})

    listing = {"stage": "live", "source": "dwd", "ids": ["A"], "stamp": long_ago, "checked": long_ago}
    city = City(paced=False).take(live_tick(0), Snapshot.model_validate(listing), said("Severe", None))
    old = Tick.model_validate({"stage": "live", "at": long_ago, "process": "p", "monotonic": 0.0})
    city.take(old, said("Minor", long_ago), live_tick(41), live_tick(42))
    assert [notice.kind for notice in city.notices if isinstance(notice, PushNotice)] == ["warn"] * 2 + ["ended"] * 2


@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "9999-12-31T00:00:00+14:00"])
def test_an_end_in_the_year_9999_is_far_ahead_and_the_warning_holds(ends: str) -> None:
    one = {**meaning("Extreme").model_dump(), "expires": ends}
    city = City().take(tick(0), Outcome.model_validate({**outcome("A").model_dump(), "meanings": [one]}), tick(1))
    assert city.standing() == ["A"]
    assert city.told() == [("warn", "entered")]
    stele: SteleRecord = city.stele()
    assert stele.items[0].expires
    assert stele.items[0].expires.year == 9999
    assert city.take(Outcome.model_validate({**outcome("A").model_dump(), "meanings": [one]}), tick(2)).told() == [
        ("warn", "entered")
    ]


# -- numbers ---------------------------------------------------------------------------------------------------------


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _floats(annotation: Any) -> bool:
    return annotation is float or any(_floats(one) for one in get_args(annotation))


MODELS = {model for base in (Part, Record) for model in _models(base)}
PLACES = sorted(
    ((model, name) for model in MODELS for name, field in model.model_fields.items() if _floats(field.annotation)),
    key=lambda place: (place[0].__name__, place[1]),
)


@pytest.mark.parametrize(("model", "name"), PLACES)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_no_record_takes_a_number_that_is_none(model: type[BaseModel], name: str, number: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate_json(f'{{"{name}": {number}}}')
    assert "finite_number" in {error["type"] for error in refused.value.errors() if error["loc"][0] == name}


def test_the_floats_of_a_state_are_among_them() -> None:
    assert {(model.__name__, name) for model, name in PLACES} >= {
        ("Anchor", "monotonic"), ("Doubt", "since"), ("Tick", "monotonic"), ("Impact", "share"), ("Impact", "floor_m"),
    }  # fmt: skip


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_tick_that_counts_no_number_is_refused(number: float) -> None:
    said = {"kind": "tick", "stage": "live", "at": at(0).isoformat(), "process": "p", "monotonic": number}
    with pytest.raises(ValueError, match="finite"):
        read_impact_record(json.dumps(said).encode())
