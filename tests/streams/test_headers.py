"""Numbers in headers: read where they are numbers, as good as not there where they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnsys import headers

ODD = (
    "",
    "yesterday",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e400",
    "1" * 5000,
    "٣",
    "²",
    "1_000",
    " 1",
    "0x10",
    "abc",
    "\0",
    "1,5",
)


@pytest.mark.parametrize("text", [*ODD, None])
def test_what_is_no_whole_number_is_none(text: str | None) -> None:
    assert headers.whole(text) is None


@pytest.mark.parametrize("text", ["yesterday", "NaN", "-inf", "1e400", "9" * 5000, "٣", "²", "-1", "1e300", ""])
def test_a_time_that_is_none_is_not_known(text: str) -> None:
    assert headers.published({headers.PUBLISHED: text}) is None
    assert headers.covers_at({headers.COVERS_AT: text}) is None


def test_what_we_write_is_read_again() -> None:
    assert headers.published({headers.PUBLISHED: repr(1815568320.123456)}) == 1815568320.123456
    assert headers.covers({headers.COVERS: "9223372036854"}) == 9223372036854


@given(st.text() | st.floats().map(repr) | st.integers().map(str))
def test_nothing_raises(text: str) -> None:
    said = {headers.PUBLISHED: text, headers.COVERS: text, headers.COVERS_AT: text}
    found = headers.published(said), headers.covers(said), headers.covers_at(said)
    assert all(one is None or one >= -1 for one in found)


@given(st.floats() | st.integers().map(float))
def test_a_timestamp_that_is_no_time_moves_no_clock(seconds: float) -> None:
    assert 1970 <= headers.record_time(seconds).year <= 3000
