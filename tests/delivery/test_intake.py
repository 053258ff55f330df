"""What is written down next of what was read."""

from collections import Counter

import hypothesis.strategies as st
from hypothesis import given

from tests.delivery.notices import arrival, push
from warnsys.delivery.intake import Intake

SEVERITIES = st.sampled_from(["Minor", "Severe", "Extreme"])


def filled(*notices: tuple[str, str, str, int]) -> Intake:
    """Of each notice its id, severity, group, and how many recipients it has."""
    found = Intake()
    for name, severity, group, count in notices:
        found.put(arrival(push(name, severity=severity, group=group)), [("them", str(n)) for n in range(count)])
    return found


def ids(intake: Intake, most: int) -> list[str]:
    return [one.arrival.notice.id for one in intake.some(most)]


def test_an_extreme_notice_waits_for_none_but_its_own_subjects() -> None:
    intake = filled(("minor", "Minor", "RAIN", 9), ("older", "Minor", "WIND", 2), ("extreme", "Extreme", "WIND", 2))
    assert ids(intake, 3) == ["older", "older", "extreme"]
    assert ids(intake, 3) == ["extreme", "minor", "minor"]
    assert "minor" in intake
    assert len(intake) == 1


def test_a_notice_without_recipients_is_not_held() -> None:
    assert len(filled(("nobody", "Minor", "RAIN", 0))) == 0


@given(st.lists(st.tuples(SEVERITIES, st.sampled_from(["RAIN", "WIND"]), st.integers(0, 7))), st.integers(1, 5))
def test_each_delivery_is_given_once_each_subject_in_its_order_and_the_last_of_a_notice_is_known(
    said: list[tuple[str, str, int]], most: int
) -> None:
    intake = filled(*((f"n{number}", *one) for number, one in enumerate(said)))
    found = []
    while some := intake.some(most):
        assert len(some) == most or len(intake) == 0
        found += some
    counts = Counter(one.arrival.notice.id for one in found)
    assert counts == Counter({f"n{number}": count for number, (_, _, count) in enumerate(said)}) - Counter()
    assert len({(one.arrival.notice.id, one.recipient) for one in found}) == len(found)
    ends = {one.arrival.notice.id: one for one in found}
    assert [one for one in found if one.last] == [one for one in found if one is ends[one.arrival.notice.id]]
    numbers = [int(name[1:]) for name in counts]
    for group in ("RAIN", "WIND"):
        order = [number for number in numbers if said[number][1] == group]
        assert order == sorted(order)
