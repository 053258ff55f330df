"""PDUs of SMPP 3.4 as values and as bytes: those that a sender of messages needs.

Sections are those of the "Short Message Peer to Peer Protocol Specification v3.4", issue 1.2. Fields have its names.
Reading is bounded and never trusts a length: what is no PDU raises `Malformed`. Errors and `repr` show no password, no
number and no text.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, Protocol

from warnsys.smpp.status import CommandStatus

HEADER = struct.Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (section 3.2)."""
MAX_OCTETS = 70_000
"""Of a PDU: a `message_payload` of 64 KiB, and room for the rest."""
MAX_SEQUENCE = 0x7FFF_FFFF
RESPONSE = 0x8000_0000


class Malformed(ValueError):
    """Bytes that are no PDU, or none that is known here; the message says where they stop making sense."""


class Command(IntEnum):
    """`command_id` (section 5.1.2.1)."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    GENERIC_NACK = RESPONSE
    BIND_RECEIVER_RESP = RESPONSE | 0x01
    BIND_TRANSMITTER_RESP = RESPONSE | 0x02
    SUBMIT_SM_RESP = RESPONSE | 0x04
    DELIVER_SM_RESP = RESPONSE | 0x05
    UNBIND_RESP = RESPONSE | 0x06
    BIND_TRANSCEIVER_RESP = RESPONSE | 0x09
    ENQUIRE_LINK_RESP = RESPONSE | 0x15

    @property
    def is_response(self) -> bool:
        return self >= RESPONSE

    @property
    def response(self) -> "Command":
        return Command(self | RESPONSE)


class Tag(IntEnum):
    """Optional parameters that are read or written here (section 5.3.2)."""

    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    RECEIPTED_MESSAGE_ID = 0x001E
    USER_MESSAGE_REFERENCE = 0x0204
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


# -- how a field stands in the bytes (section 3.1) --------------------------------------------------------------------


class _Wire(Protocol):
    def write(self, name: str, value: Any) -> bytes: ...

    def read(self, name: str, octets: bytes, at: int) -> tuple[Any, int]: ...


@dataclass(frozen=True)
class _String:
    """A C-octet string of at most `room` octets with its NUL. Latin-1 keeps every octet that a carrier may send."""

    room: int

    def write(self, name: str, value: str) -> bytes:
        try:
            octets = value.encode("latin-1")
        except UnicodeEncodeError:
            octets = b"\0"
        if b"\0" in octets:
            raise ValueError(f"{name} has a character that SMPP cannot carry; write it in ASCII")
        if len(octets) >= self.room:
            raise ValueError(f"{name} has {len(octets)} characters and SMPP room for {self.room - 1}; shorten it")
        return octets + b"\0"

    def read(self, name: str, octets: bytes, at: int) -> tuple[str, int]:
        end = octets.find(b"\0", at)
        if end < 0:
            raise Malformed(f"{name} from octet {at} on has no NUL at its end")
        return octets[at:end].decode("latin-1"), end + 1


class _Octet:
    def write(self, name: str, value: int) -> bytes:
        if not 0 <= value <= 0xFF:
            raise ValueError(f"{name} is {value}; it is an octet, 0 to 255")
        return bytes((value,))

    def read(self, name: str, octets: bytes, at: int) -> tuple[int, int]:
        if at >= len(octets):
            raise Malformed(f"the body ends with octet {len(octets)}, before {name}")
        return octets[at], at + 1


class _Counted:
    """`sm_length` and `short_message`: at most 254 octets (section 5.2.22)."""

    room = 254

    def write(self, name: str, value: bytes) -> bytes:
        if len(value) > self.room:
            raise ValueError(f"{name} has {len(value)} octets and SMPP room for {self.room}; split it")
        return bytes((len(value),)) + value

    def read(self, name: str, octets: bytes, at: int) -> tuple[bytes, int]:
        length, at = _Octet().read(f"the length of {name}", octets, at)
        if at + length > len(octets):
            raise Malformed(f"{name} shall have {length} octets, and {len(octets) - at} are left")
        return octets[at : at + length], at + length


def _string(room: int, *, secret: bool = False) -> Any:
    return field(default="", repr=not secret, metadata={"wire": _String(room)})


def _octet(default: int = 0) -> Any:
    return field(default=default, metadata={"wire": _Octet()})


# -- bodies -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Body:
    """What follows the header: nothing of its own here, as of `enquire_link`, `unbind` and `generic_nack`."""

    tlvs: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    """Optional parameters by tag; those that nobody here knows are kept (section 3.3)."""


@dataclass(frozen=True, kw_only=True)
class Bind(Body):
    """How a client introduces itself (section 4.1.1)."""

    system_id: str = _string(16)
    password: str = _string(65, secret=True)
    """The specification has room for 8 characters; carriers give longer ones."""
    system_type: str = _string(13)
    interface_version: int = _octet(0x34)
    addr_ton: int = _octet()
    addr_npi: int = _octet()
    address_range: str = _string(41)


@dataclass(frozen=True, kw_only=True)
class BindResp(Body):
    """How the centre introduces itself (section 4.1.2)."""

    system_id: str = _string(16)


@dataclass(frozen=True, kw_only=True)
class Message(Body):
    """A message to a phone (`submit_sm`, section 4.4.1), or from one or about one (`deliver_sm`, section 4.6.1)."""

    service_type: str = _string(6)
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: str = _string(21, secret=True)
    dest_addr_ton: int = _octet()
    dest_addr_npi: int = _octet()
    destination_addr: str = _string(21, secret=True)
    esm_class: int = _octet()
    protocol_id: int = _octet()
    priority_flag: int = _octet()
    schedule_delivery_time: str = _string(17)
    validity_period: str = _string(17)
    registered_delivery: int = _octet()
    replace_if_present_flag: int = _octet()
    data_coding: int = _octet()
    sm_default_msg_id: int = _octet()
    short_message: bytes = field(default=b"", repr=False, metadata={"wire": _Counted()})


@dataclass(frozen=True, kw_only=True)
class MessageResp(Body):
    """The centre's id of a message (section 4.4.2); empty in the answer to a `deliver_sm` (section 4.6.2)."""

    message_id: str = _string(65)


BODIES: Mapping[Command, type[Body]] = {
    Command.BIND_RECEIVER: Bind,
    Command.BIND_TRANSMITTER: Bind,
    Command.BIND_TRANSCEIVER: Bind,
    Command.BIND_RECEIVER_RESP: BindResp,
    Command.BIND_TRANSMITTER_RESP: BindResp,
    Command.BIND_TRANSCEIVER_RESP: BindResp,
    Command.SUBMIT_SM: Message,
    Command.DELIVER_SM: Message,
    Command.SUBMIT_SM_RESP: MessageResp,
    Command.DELIVER_SM_RESP: MessageResp,
}
"""The bodies that have fields; of all other commands it is `Body`."""


_KINDS: tuple[type[Body], ...] = (Body, *BODIES.values())
_WIRES: Mapping[type[Body], tuple[tuple[str, _Wire], ...]] = {
    kind: tuple((each.name, each.metadata["wire"]) for each in fields(kind) if "wire" in each.metadata)
    for kind in _KINDS
}


# -- PDUs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pdu:
    """One request or response."""

    command: Command
    sequence: int
    body: Body = field(default_factory=Body)
    status: int = CommandStatus.ESME_ROK


@dataclass(frozen=True)
class Header:
    """The first 16 octets; `command` may be one that is not known here."""

    length: int
    command: int
    status: int
    sequence: int

    @property
    def is_response(self) -> bool:
        return self.command >= RESPONSE


def encode(pdu: Pdu) -> bytes:
    """The bytes of a PDU. Raises `ValueError` for a field that SMPP has no room for."""
    body = b"".join((*_written_fields(pdu.body), *_written_tlvs(pdu.body.tlvs)))
    length = HEADER.size + len(body)
    if length > MAX_OCTETS:
        raise ValueError(f"a PDU of {length} octets; at most {MAX_OCTETS} are sent: split the message")
    return HEADER.pack(length, pdu.command, pdu.status, pdu.sequence) + body


def read_header(octets: bytes) -> Header:
    """Reads 16 octets. Raises `Malformed` for a length that no PDU has: nobody knows then where the next one begins."""
    header = Header(*HEADER.unpack(octets))
    if not HEADER.size <= header.length <= MAX_OCTETS:
        raise Malformed(f"a PDU of {header.length} octets; it has {HEADER.size} to {MAX_OCTETS}")
    return header


def decode(header: Header, octets: bytes) -> Pdu:
    """The PDU of a header and the octets behind it. Raises `Malformed`; the stream is still in step then."""
    try:
        command = Command(header.command)
    except ValueError:
        raise Malformed(f"command {header.command:#010x} is not known here") from None
    kind = BODIES.get(command, Body)
    if command.is_response and not octets:  # left out where the status is an error (section 4.4.2), by some always
        return Pdu(command, header.sequence, kind(), header.status)
    values: dict[str, Any] = {}
    at = 0
    for name, wire in _WIRES[kind]:
        values[name], at = wire.read(name, octets, at)
    return Pdu(command, header.sequence, kind(**values, tlvs=_read_tlvs(octets, at)), header.status)


def _written_fields(body: Body) -> Iterator[bytes]:
    for name, wire in _WIRES[type(body)]:
        yield wire.write(name, getattr(body, name))


def _written_tlvs(tlvs: Mapping[int, bytes]) -> Iterator[bytes]:
    for tag, value in tlvs.items():
        if len(value) > 0xFFFF:
            raise ValueError(f"optional parameter {tag:#06x} has {len(value)} octets and SMPP room for 65535; split it")
        yield struct.pack(">HH", tag, len(value)) + value


def _read_tlvs(octets: bytes, at: int) -> dict[int, bytes]:
    tlvs: dict[int, bytes] = {}
    while at < len(octets):
        if at + 4 > len(octets):
            raise Malformed(f"{len(octets) - at} octets are left, too few for an optional parameter")
        tag, length = struct.unpack_from(">HH", octets, at)
        at += 4
        if at + length > len(octets):
            raise Malformed(f"parameter {tag:#06x} shall have {length} octets, and {len(octets) - at} are left")
        tlvs[tag] = octets[at : at + length]
        at += length
    return tlvs
