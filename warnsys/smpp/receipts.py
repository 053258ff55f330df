"""Delivery receipts: what a centre reports of a message that it took (SMPP 3.4, section 5.2.12, appendix B).

A receipt says it in optional parameters, or in a text whose form the specification only suggests:
`id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:000 text:…`. Parameters count where both are there.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from warnsys.smpp import text
from warnsys.smpp.pdu import Message, Tag


class ReceiptState(StrEnum):
    """What became of a message, as far as its carrier says."""

    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Ids(StrEnum):
    """How a carrier writes one id in its answer to `submit_sm`, and in the receipt."""

    ALIKE = "alike"
    HEX_DECIMAL = "hex-decimal"
    """Hexadecimal in the answer, decimal in the receipt."""
    DECIMAL_HEX = "decimal-hex"

    def of_answer(self, message_id: str) -> str:
        """The id of an answer in the form that equals that of its receipt."""
        return _comparable(message_id, {"hex-decimal": 16, "decimal-hex": 10}.get(self))

    def of_receipt(self, message_id: str) -> str:
        """The id of a receipt in the form that equals that of its answer."""
        return _comparable(message_id, {"hex-decimal": 10, "decimal-hex": 16}.get(self))


@dataclass(frozen=True)
class Receipt:
    """What a centre says of one message."""

    message_id: str
    """In the form of `Taken.message_id`; empty where the receipt has none."""
    state: ReceiptState
    is_final: bool
    """False while a message is still on its way: its state is unknown until a further receipt."""
    said: str
    """The carrier's own word or number for the state."""
    error: str
    """The carrier's own code of why, empty where it gives none."""
    reference: int | None
    """`user_message_reference`, where the carrier hands it back (section 5.3.2.17)."""


STATES = dict(enumerate("ENROUTE DELIVRD EXPIRED DELETED UNDELIV ACCEPTD UNKNOWN REJECTD".split(), 1))
"""`message_state` (section 5.2.28), and the words of a receipt's text for them (appendix B)."""
ENDS = {
    "DELIVRD": ReceiptState.DELIVERED,
    "EXPIRED": ReceiptState.EXPIRED,
    "DELETED": ReceiptState.FAILED,
    "UNDELIV": ReceiptState.FAILED,
    "REJECTD": ReceiptState.FAILED,
    "UNKNOWN": ReceiptState.UNKNOWN,
}
"""What the words mean. `ENROUTE` is no end, and carriers send `ACCEPTD` before the phone has the message."""

_KIND = 0x3C
_RECEIPT = 0x04
_ON_THE_WAY = 0x20
_FIELD = re.compile(r"\b(id|stat|err):(\S*)", re.ASCII | re.IGNORECASE)


def read(message: Message, ids: Ids = Ids.ALIKE) -> Receipt | None:
    """The receipt that a `deliver_sm` is; None for a message from a phone. Never fails: what is odd stays unknown."""
    kind = message.esm_class & _KIND
    if kind not in (_RECEIPT, _ON_THE_WAY) and not (kind == 0 and Tag.RECEIPTED_MESSAGE_ID in message.tlvs):
        return None
    said = _fields(message)
    message_id = _string(message, Tag.RECEIPTED_MESSAGE_ID) or said.get("id", "")
    state = message.tlvs.get(Tag.MESSAGE_STATE, b"")
    word = STATES.get(int.from_bytes(state, "big")) if state else None
    word = word or said.get("stat", "").upper()
    reference = message.tlvs.get(Tag.USER_MESSAGE_REFERENCE, b"")
    return Receipt(
        message_id=ids.of_receipt(message_id),
        state=ENDS.get(word, ReceiptState.UNKNOWN) if kind != _ON_THE_WAY else ReceiptState.UNKNOWN,
        is_final=word in ENDS and kind != _ON_THE_WAY,
        said=word,
        error=said.get("err", "") or message.tlvs.get(Tag.NETWORK_ERROR_CODE, b"").hex(),
        reference=int.from_bytes(reference, "big") if len(reference) == 2 else None,
    )


def _fields(message: Message) -> dict[str, str]:
    """The fields before `text:`, behind which stand the words of the message itself."""
    octets = message.short_message or message.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    coding = message.data_coding if message.data_coding == text.Coding.UCS_2 else text.Coding.LATIN_1
    written = text.read(octets, coding, message.esm_class)
    end = re.search(r"\btext:", written, re.ASCII | re.IGNORECASE)
    found = _FIELD.finditer(written, 0, end.start() if end else len(written))
    return {field[1].lower(): field[2] for field in found}


def _string(message: Message, tag: Tag) -> str:
    return message.tlvs.get(tag, b"").split(b"\0", 1)[0].decode("latin-1")


def _comparable(message_id: str, base: int | None) -> str:
    """The id without zeros in front, which carriers fill receipts with, and as a decimal number where it is one."""
    plain = message_id.strip().casefold()
    if base is not None and plain.isascii() and plain.isalnum():
        try:
            return str(int(plain, base))
        except ValueError:
            pass
    return plain.lstrip("0") or plain[:1]
