"""PDUs: what is written is read, and no bytes bring the reader down."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnsys.smpp.pdu import (
    BODIES,
    HEADER,
    MAX_OCTETS,
    Bind,
    BindResp,
    Body,
    Command,
    Header,
    Malformed,
    Message,
    MessageResp,
    Pdu,
    Tag,
    decode,
    encode,
    read_header,
)
from warnsys.smpp.status import CommandStatus, is_permanent, name


def words(room: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=0xFF), max_size=room - 1)


OCTET = st.integers(0, 255)
TLVS = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=40), max_size=5)
FIELDS: dict[type[Body], dict[str, st.SearchStrategy[Any]]] = {
    Body: {},
    Bind: {
        "system_id": words(16), "password": words(65), "system_type": words(13), "address_range": words(41),
        "interface_version": OCTET, "addr_ton": OCTET, "addr_npi": OCTET,
    },
    BindResp: {"system_id": words(16)},
    MessageResp: {"message_id": words(65)},
    Message: {
        "service_type": words(6), "source_addr": words(21), "destination_addr": words(21),
        "schedule_delivery_time": words(17), "validity_period": words(17), "short_message": st.binary(max_size=254),
        **dict.fromkeys(
            ("source_addr_ton", "source_addr_npi", "dest_addr_ton", "dest_addr_npi", "esm_class", "protocol_id",
             "priority_flag", "registered_delivery", "replace_if_present_flag", "data_coding", "sm_default_msg_id"),
            OCTET,
        ),
    },
}  # fmt: skip


@st.composite
def pdus(draw: st.DrawFn) -> Pdu:
    command = draw(st.sampled_from(Command))
    kind = BODIES.get(command, Body)
    body = draw(st.builds(kind, tlvs=TLVS, **FIELDS[kind]))
    return Pdu(command, draw(st.integers(0, 0x7FFF_FFFF)), body, draw(st.integers(0, 0xFFFF_FFFF)))


def read_back(octets: bytes) -> Pdu:
    header = read_header(octets[: HEADER.size])
    assert header.length == len(octets)
    return decode(header, octets[HEADER.size :])


@given(pdus())
def test_what_is_written_is_read_as_it_was(pdu: Pdu) -> None:
    assert read_back(encode(pdu)) == pdu


@given(pdus(), st.data())
def test_a_damaged_pdu_is_read_or_called_malformed_and_nothing_else(pdu: Pdu, data: st.DataObject) -> None:
    octets = bytearray(encode(pdu))
    at = data.draw(st.integers(HEADER.size - 1, len(octets) - 1))
    octets[at] = data.draw(OCTET)
    cut = data.draw(st.integers(HEADER.size, len(octets)))
    with suppress(Malformed):
        decode(read_header(bytes(octets[: HEADER.size])), bytes(octets[HEADER.size : cut]))


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=400))
def test_bytes_of_anybody_are_read_or_called_malformed_and_nothing_else(head: bytes, rest: bytes) -> None:
    for command in (int.from_bytes(head[4:8]), *Command):
        with suppress(Malformed):
            decode(Header(16 + len(rest), command, 0, 1), rest)
    with suppress(Malformed):
        read_header(head)


def test_a_submit_stands_in_the_bytes_as_the_specification_lists_it() -> None:
    body = Message(
        source_addr_ton=5, source_addr="Solingen", dest_addr_ton=1, dest_addr_npi=1, destination_addr="49212555",
        validity_period="000000003000000R", registered_delivery=1, short_message=b"Sturm",
        tlvs={Tag.USER_MESSAGE_REFERENCE: b"\x00\x07"},
    )  # fmt: skip
    written = encode(Pdu(Command.SUBMIT_SM, 3, body))
    assert written == (
        b"\x00\x00\x00\x4c" b"\x00\x00\x00\x04" b"\x00\x00\x00\x00" b"\x00\x00\x00\x03"
        b"\x00" b"\x05\x00Solingen\x00" b"\x01\x0149212555\x00" b"\x00\x00\x00"
        b"\x00" b"000000003000000R\x00" b"\x01\x00\x00\x00" b"\x05Sturm" b"\x02\x04\x00\x02\x00\x07"
    )  # fmt: skip


@pytest.mark.parametrize("length", [0, 15, MAX_OCTETS + 1, 0xFFFF_FFFF])
def test_a_length_that_no_pdu_has_is_refused_before_anything_is_read(length: int) -> None:
    with pytest.raises(Malformed, match=f"a PDU of {length} octets; it has 16 to 70000"):
        read_header(HEADER.pack(length, Command.ENQUIRE_LINK, 0, 1))


@pytest.mark.parametrize(
    ("command", "octets", "said"),
    [
        (0x103, b"", "command 0x00000103 is not known here"),
        (Command.SUBMIT_SM_RESP, b"12", "message_id from octet 0 on has no NUL at its end"),
        (Command.DELIVER_SM, b"\0\1", "the body ends with octet 2, before source_addr_npi"),
        (Command.DELIVER_SM, b"\0" * 16 + b"\x09abc", "short_message shall have 9 octets, and 3 are left"),
        (Command.ENQUIRE_LINK, b"\2\4\0", "3 octets are left, too few for an optional parameter"),
        (Command.ENQUIRE_LINK, b"\2\4\0\2\1", "parameter 0x0204 shall have 2 octets, and 1 are left"),
    ],
)
def test_what_is_malformed_says_where(command: int, octets: bytes, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(read_header(HEADER.pack(16 + len(octets), command, 0, 1)), octets)
    assert str(caught.value) == said


@pytest.mark.parametrize("command", [each for each in Command if each.is_response])
def test_an_answer_without_a_body_is_one(command: Command) -> None:
    assert read_back(HEADER.pack(16, command, CommandStatus.ESME_RSYSERR, 9)).status == CommandStatus.ESME_RSYSERR


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (Bind(system_id="a" * 16), "system_id has 16 characters and SMPP room for 15; shorten it"),
        (Bind(password="p\0"), "password has a character that SMPP cannot carry; write it in ASCII"),
        (Bind(password="€"), "password has a character that SMPP cannot carry; write it in ASCII"),
        (Bind(addr_ton=256), "addr_ton is 256; it is an octet, 0 to 255"),
        (Message(short_message=b"x" * 255), "short_message has 255 octets and SMPP room for 254; split it"),
        (Body(tlvs={0x424: b"x" * 65_536}), "parameter 0x0424 has 65536 octets and SMPP room for 65535; split it"),
        (Body(tlvs={1: b"x" * 40_000, 2: b"x" * 40_000}), "a PDU of 80024 octets; at most 70000 are sent"),
    ],
)
def test_what_smpp_has_no_room_for_is_not_written(body: Body, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode(Pdu(Command.ENQUIRE_LINK, 1, body))


def test_neither_numbers_nor_texts_nor_passwords_show() -> None:
    shown = repr(Pdu(Command.SUBMIT_SM, 1, Message(destination_addr="49212555", short_message=b"Sturm")))
    assert "49212555" not in shown
    assert "Sturm" not in shown
    assert "secret" not in repr(Bind(password="secret"))


def test_only_what_is_wrong_with_the_message_itself_is_permanent() -> None:
    assert is_permanent(CommandStatus.ESME_RINVDSTADR)
    assert not is_permanent(CommandStatus.ESME_RTHROTTLED)
    assert not is_permanent(0x0401)
    assert (name(0x58), name(0x401)) == ("ESME_RTHROTTLED (0x58)", "0x00000401, the carrier's own")
