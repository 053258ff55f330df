"""What is worked out of records once: as many as a board holds stay known, whatever comes and goes."""

from dataclasses import dataclass
from itertools import count

from warnsys.web.once import MOST_KEPT, Once


@dataclass(frozen=True)
class Named:
    base_id: str


def test_a_record_is_worked_out_once_and_another_in_its_place_anew() -> None:
    counted = count(1)
    once = Once[Named, int](lambda _: next(counted))
    first, second = Named("a"), Named("a")
    assert [once.of(first), once.of(first), once.of(second), once.of(second)] == [1, 1, 2, 2]


def test_a_new_record_among_many_has_none_but_the_oldest_worked_out_anew() -> None:
    """A page of many records would else take seconds each time that so many have come."""
    asked: list[str] = []
    once = Once[Named, None](lambda one: asked.append(one.base_id))
    records = [Named(str(number)) for number in range(MOST_KEPT + 1)]
    for one in records:
        once.of(one)
    del asked[:]
    for one in records[1:]:
        once.of(one)
    assert asked == []
    once.of(records[0])
    assert asked == ["0"]
