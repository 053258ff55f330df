"""A carrier's settings: what they make of a text, and what is no setting or number at all."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.smpp.fake import CARRIER
from warnsys.smpp import Split
from warnsys.smpp.carrier import LONGEST_S, validity_period
from warnsys.smpp.pdu import Tag


def test_a_number_goes_without_its_plus_as_an_international_one() -> None:
    (message,) = CARRIER.messages("+49212555", "Sturm", 7)
    assert (message.dest_addr_ton, message.dest_addr_npi, message.destination_addr) == (1, 1, "49212555")


@pytest.mark.parametrize(
    ("source", "sent"),
    [("Solingen", (5, 0, "Solingen")), ("+49212", (1, 1, "49212")), ("80808", (0, 1, "80808"))],
)
def test_the_form_of_the_sender_says_its_kind(source: str, sent: tuple[int, int, str]) -> None:
    (message,) = replace(CARRIER, source=source).messages("+49212555", "Sturm", 7)
    assert (message.source_addr_ton, message.source_addr_npi, message.source_addr) == sent


def test_a_carrier_may_want_its_short_codes_otherwise() -> None:
    (message,) = replace(CARRIER, source="80808", source_ton=3, source_npi=0).messages("+49212555", "Sturm", 7)
    assert (message.source_addr_ton, message.source_addr_npi) == (3, 0)


@pytest.mark.parametrize("split", Split)
def test_every_part_asks_for_a_receipt_and_carries_the_callers_key(split: Split) -> None:
    messages = list(replace(CARRIER, split=split).messages("+49212555", "Ж" * 200, 0x0102))
    assert len(messages) == (1 if split is Split.PAYLOAD else 3)
    assert {(each.registered_delivery, each.tlvs[Tag.USER_MESSAGE_REFERENCE]) for each in messages} == {(1, b"\1\2")}


def test_a_carrier_that_refuses_parameters_gets_none() -> None:
    messages = replace(CARRIER, reference=False).messages("+49212555", "x" * 300, 7)
    assert [dict(each.tlvs) for each in messages] == [{}, {}]


@pytest.mark.parametrize("to", ["", "+49 212", "0212/555", "++49212", "+49212555x", "+" + "1" * 21, "٠١٢٣٤"])
def test_what_is_no_number_is_refused_and_not_quoted(to: str) -> None:
    with pytest.raises(ValueError, match=f"a phone number of {len(to)} characters, not all digits") as caught:
        list(CARRIER.messages(to, "Sturm", 7))
    assert not to or to not in str(caught.value)


def test_a_key_of_more_than_16_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="reference 65536; it has 16 bits"):
        list(CARRIER.messages("+49212555", "Sturm", 65_536))


@pytest.mark.parametrize("wrong", [{"window": 0}, {"rate_per_s": 0}, {"answer_s": -1.0}])
def test_a_carrier_without_room_or_time_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"carrier first: .*all are above 0"):
        replace(CARRIER, **wrong)


def test_the_password_does_not_show() -> None:
    assert "secret" not in repr(CARRIER)


@given(st.floats(1, LONGEST_S))
def test_a_validity_is_what_is_left_rounded_down_to_seconds(seconds: float) -> None:
    written = validity_period(seconds)
    days, hours, minutes, rest = (int(written[at : at + 2]) for at in (4, 6, 8, 10))
    assert (written[:4], written[12:]) == ("0000", "000R")
    assert ((days * 24 + hours) * 60 + minutes) * 60 + rest == int(seconds)


def test_a_validity_beyond_a_month_is_a_month() -> None:
    assert validity_period(1e9) == "000030000000000R"


def test_without_a_second_left_there_is_no_validity() -> None:
    with pytest.raises(ValueError, match=r"a validity of 0\.9 s; a message without a second left is not sent"):
        validity_period(0.9)
