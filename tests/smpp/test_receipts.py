"""Receipts: what a carrier says of a message is told as it is meant, and never as more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnsys.smpp import Ids, ReceiptState
from warnsys.smpp.pdu import Message, Tag
from warnsys.smpp.receipts import Receipt, read

FORM = "id:{id} sub:001 dlvrd:001 submit date:2707141200 done date:2707141201 stat:{stat} err:{err} text:{text}"


def receipt(text: str, *, coding: int = 0, kind: int = 4, tlvs: dict[int, bytes] | None = None) -> Receipt:
    octets = text.encode("utf-16-be" if coding == 8 else "latin-1")
    found = read(Message(esm_class=kind, data_coding=coding, short_message=octets, tlvs=tlvs or {}))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("stat", "state", "is_final"),
    [
        ("DELIVRD", ReceiptState.DELIVERED, True),
        ("delivrd", ReceiptState.DELIVERED, True),
        ("EXPIRED", ReceiptState.EXPIRED, True),
        ("UNDELIV", ReceiptState.FAILED, True),
        ("REJECTD", ReceiptState.FAILED, True),
        ("DELETED", ReceiptState.FAILED, True),
        ("UNKNOWN", ReceiptState.UNKNOWN, True),
        ("ACCEPTD", ReceiptState.UNKNOWN, False),
        ("ENROUTE", ReceiptState.UNKNOWN, False),
        ("BUFFRED", ReceiptState.UNKNOWN, False),
        ("", ReceiptState.UNKNOWN, False),
    ],
)
def test_a_text_tells_the_state(stat: str, state: ReceiptState, is_final: bool) -> None:
    found = receipt(FORM.format(id="a1", stat=stat, err="054", text="Sturm"))
    assert (found.message_id, found.state, found.is_final, found.error) == ("a1", state, is_final, "054")


def test_a_receipt_in_ucs_2_reads_as_any_other() -> None:
    assert receipt(FORM.format(id="77", stat="DELIVRD", err="000", text="Ж"), coding=8).state is ReceiptState.DELIVERED


def test_the_words_of_the_message_itself_decide_nothing() -> None:
    found = receipt(FORM.format(id="77", stat="UNDELIV", err="001", text="id:78 stat:DELIVRD"))
    assert (found.message_id, found.state) == ("77", ReceiptState.FAILED)


def test_parameters_count_before_the_text() -> None:
    tlvs = {
        int(Tag.RECEIPTED_MESSAGE_ID): b"abc\0", int(Tag.MESSAGE_STATE): b"\x03",
        int(Tag.USER_MESSAGE_REFERENCE): b"\x01\x02", int(Tag.NETWORK_ERROR_CODE): b"\x03\x00\x15",
    }  # fmt: skip
    found = receipt("id:77 stat:DELIVRD", tlvs=tlvs)
    assert found == Receipt("abc", ReceiptState.EXPIRED, True, "EXPIRED", "030015", 258)


def test_a_state_that_the_specification_does_not_know_leaves_it_to_the_text() -> None:
    assert receipt("id:77 stat:DELIVRD", tlvs={Tag.MESSAGE_STATE: b"\x63"}).state is ReceiptState.DELIVERED


def test_parameters_alone_make_a_receipt() -> None:
    tlvs = {int(Tag.RECEIPTED_MESSAGE_ID): b"abc\0", int(Tag.MESSAGE_STATE): b"\x02"}
    assert receipt("", kind=0, tlvs=tlvs).state is ReceiptState.DELIVERED


def test_a_receipt_in_a_payload_is_one() -> None:
    found = receipt("", tlvs={Tag.MESSAGE_PAYLOAD: b"id:77 stat:DELIVRD"})
    assert (found.message_id, found.state) == ("77", ReceiptState.DELIVERED)


def test_news_of_a_message_on_its_way_are_no_end() -> None:
    found = receipt("id:77 stat:DELIVRD", kind=0x20)
    assert (found.state, found.is_final) == (ReceiptState.UNKNOWN, False)


def test_a_message_from_a_phone_is_no_receipt_whatever_it_says() -> None:
    assert read(Message(short_message=b"id:77 stat:DELIVRD")) is None


@pytest.mark.parametrize(
    ("ids", "answer", "receipted"),
    [
        (Ids.ALIKE, "0000A1", "a1"),
        (Ids.ALIKE, "4711", "0000004711"),
        (Ids.ALIKE, "0", "0000"),
        (Ids.HEX_DECIMAL, "1F", "31"),
        (Ids.HEX_DECIMAL, "10", "0000000016"),
        (Ids.DECIMAL_HEX, "31", "1f"),
        (Ids.HEX_DECIMAL, "not-a-number", "NOT-A-NUMBER"),
    ],
)
def test_the_two_forms_of_an_id_are_comparable(ids: Ids, answer: str, receipted: str) -> None:
    assert ids.of_answer(answer) == ids.of_receipt(receipted)


@given(st.integers(0, 2**64), st.integers(0, 2**64))
def test_ids_are_the_same_only_where_their_numbers_are(one: int, other: int) -> None:
    assert (Ids.HEX_DECIMAL.of_answer(f"{one:x}") == Ids.HEX_DECIMAL.of_receipt(f"{other:010}")) == (one == other)


@given(
    st.binary(max_size=254), st.integers(0, 255), st.integers(0, 255), st.sampled_from(Ids),
    st.dictionaries(st.sampled_from([int(tag) for tag in Tag]), st.binary(max_size=20)),
)  # fmt: skip
def test_no_message_makes_reading_fail(octets: bytes, kind: int, coding: int, ids: Ids, tlvs: dict[int, bytes]) -> None:
    read(Message(esm_class=kind, data_coding=coding, short_message=octets, tlvs=tlvs), ids)
