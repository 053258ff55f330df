"""Whatever stands in one message, it is decided within two seconds and 512 MiB."""

import pytest

from tests.budgets.__main__ import measure
from tests.budgets.cases import CASES

SECONDS, MEBIBYTES = 2.0, 512


@pytest.mark.parametrize("name", CASES)
def test_no_message_costs_more_than_two_seconds_and_half_a_gibibyte(name: str) -> None:
    cost = measure(name)
    assert cost["seconds"] <= SECONDS, cost
    assert cost["mebibytes"] <= MEBIBYTES, cost
