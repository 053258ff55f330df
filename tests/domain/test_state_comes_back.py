"""Every state comes back: whatever `settle` can make of a city can be written, and read as it was (law 11)."""

import importlib
import pkgutil
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import streams
import warnsys
from tests.domain.test_stop import stop
from tests.support import City, cancel, meaning, outcome, snapshot, tick
from warnsys.pipeline import CityState
from warnsys.records import ImpactRecord, Part, Record


def comes_back(state: CityState) -> bool:
    return CityState.from_bytes(state.to_bytes()) == state


def models() -> Iterator[type[BaseModel]]:
    """All kinds of what is written, and of their parts."""
    for package in (warnsys, streams):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    waiting: list[type[BaseModel]] = [Record, Part]
    found = set[type[BaseModel]]()
    while waiting:
        for model in waiting.pop().__subclasses__():
            if model not in found and model.__module__.split(".")[0] in ("warnsys", "streams"):
                found.add(model)
                waiting.append(model)
    yield from sorted(found, key=lambda model: (model.__module__, model.__qualname__))


def may_be_none(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return may_be_none(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return None in get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return any(may_be_none(one) for one in get_args(annotation))
    return annotation in (None, type(None), Any, object)


def values_of_dicts(annotation: Any) -> Iterator[Any]:
    """The kinds of values of every dictionary in it, however deep."""
    if get_origin(annotation) is dict:
        yield get_args(annotation)[1]
    for one in get_args(annotation):
        if not isinstance(one, str):
            yield from values_of_dicts(one)


def test_what_may_be_none_is_none_where_it_was_left_out() -> None:
    """`to_bytes` leaves out what is None: a field without a default could not be read again, another would change."""
    wrong = []
    for model in models():
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            if may_be_none(field.annotation) and default is not None:
                wrong.append((model.__qualname__, name, "no default" if default is PydanticUndefined else default))
            if any(map(may_be_none, values_of_dicts(field.annotation))):
                wrong.append((model.__qualname__, name, "a None in a dictionary is left out with its key"))
    assert wrong == []


def test_all_kinds_of_parts_of_a_state_are_looked_at() -> None:
    assert {"CityState", "Pause", "SteleSent", "Fact", "LogEntry", "Meaning"} <= {one.__name__ for one in models()}


@pytest.mark.parametrize("channel", ["push", "sms"])
def test_a_stop_comes_back_while_it_holds_when_it_is_resumed_and_after_its_end(channel: str) -> None:
    histories: list[list[ImpactRecord]] = [
        [stop(1, 60, channel)],
        [stop(1, 60, channel), stop(20, 20, channel)],
        [stop(1, 60, channel), tick(61)],
        [stop(1, 60, channel), tick(61), stop(62, 90, channel)],
        [stop(1, 60, channel), stop(20, 20, channel), stop(30, 90, channel), tick(91)],
    ]
    for orders in histories:
        city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
        for record in orders:
            assert comes_back(city.take(record).state), record


def test_a_stop_that_is_over_can_be_read_as_the_release_before_wrote_it() -> None:
    """It left out `held` when that was None."""
    city = City().take(tick(0), stop(1, 5), tick(6), snapshot(6))
    written = city.state.to_bytes()
    assert b'"stopped":{"push":{"at":"2027-07-14T12:01:00Z","until":"2027-07-14T12:05:00Z"}}' in written
    city.restart(state=CityState.from_bytes(written))
    assert [one.level for one in city.take(outcome("A", meaning("Extreme"), sent=7, stamp=7)).push()] == [4]


def test_after_stop_resume_and_restart_an_extreme_message_is_told_at_once() -> None:
    city = City().take(tick(0), snapshot(0), stop(1, 60), stop(5, 5), tick(6))
    city.restart()
    city.take(outcome("A", meaning("Extreme"), sent=7, stamp=7))
    assert [one.level for one in (*city.push(), *city.sms())] == [4, 4]


def test_what_ended_during_a_stop_comes_back_with_it() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), stop(1, 60), cancel("B", "A", 10))
    for record in (snapshot(10), tick(30), tick(60), tick(61)):
        assert comes_back(city.take(record).state)
        city.restart()
    assert [kind for kind, _ in city.told()] == ["warn", "ended"]
