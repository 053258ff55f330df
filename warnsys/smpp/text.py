"""Texts as SMS carry them: the GSM alphabet (3GPP TS 23.038), UCS-2, and parts of a long text (3GPP TS 23.040).

A text goes in the GSM alphabet where that has all its characters, else in UCS-2: UTF-16, as every phone reads it. In
SMPP each character of the GSM alphabet takes an octet; the centre packs them to seven bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from warnsys.smpp.pdu import Tag

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet, each character at its number (TS 23.038, section 6.2.1)."""
EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65
}  # fmt: skip
"""What stands behind an escape (section 6.2.1.1)."""
ESCAPE = 0x1B
UDHI = 0x40
"""Of `esm_class`: the text begins with a user data header (SMPP 3.4, section 5.2.12)."""
MAX_PARTS = 255

_NUMBERS = {character: number for number, character in enumerate(GSM) if number != ESCAPE}
_EXTENDED = {number: character for character, number in EXTENSION.items()}


class Coding(IntEnum):
    """`data_coding` (SMPP 3.4, section 5.2.19)."""

    DEFAULT = 0
    LATIN_1 = 3
    UCS_2 = 8


class Split(StrEnum):
    """How the parts of a long text say that they belong together."""

    HEADER = "header"
    """A user data header before each part, with a reference of eight bits: every centre passes it on."""
    SAR = "sar"
    """Optional parameters `sar_…`, from which the centre makes that header (SMPP 3.4, sections 5.3.2.22 to 24)."""
    PAYLOAD = "payload"
    """The whole text in `message_payload`, which the centre splits (section 5.3.2.32): one id, one receipt."""


@dataclass(frozen=True)
class Segment:
    """What one `submit_sm` carries of a text."""

    octets: bytes
    esm_class: int
    tlvs: Mapping[int, bytes]


def gsm(text: str) -> bytes | None:
    """The text in the GSM alphabet, an octet a septet; None where it has a character that the alphabet has not."""
    octets = bytearray()
    for character in text:
        if character in EXTENSION:
            octets += bytes((ESCAPE, EXTENSION[character]))
        elif character in _NUMBERS:
            octets.append(_NUMBERS[character])
        else:
            return None
    return bytes(octets)


def coding_of(text: str) -> Coding:
    """The coding in which a text goes out."""
    return Coding.UCS_2 if gsm(text) is None else Coding.DEFAULT


def count(text: str) -> int:
    """How many SMS a text takes, as carriers bill them."""
    return len(_pieces(text)[1])


def segments(text: str, split: Split, reference: int) -> tuple[Coding, tuple[Segment, ...]]:
    """A text as what its messages carry. `reference`, 0 to 65535, tells the parts of one text from those of another.

    Raises `ValueError` for half a surrogate pair, and for a text of more than 255 parts.
    """
    coding, pieces = _pieces(text)
    if len(pieces) == 1:
        return coding, (Segment(pieces[0], 0, {}),)
    if split is Split.PAYLOAD:
        return coding, (Segment(b"", 0, {Tag.MESSAGE_PAYLOAD: b"".join(pieces)}),)
    total = len(pieces)
    if split is Split.HEADER:  # a header of 5 octets with one element, 0, of 3 octets (TS 23.040, section 9.2.3.24.1)
        heads = (bytes((5, 0, 3, reference & 0xFF, total, number)) for number in range(1, total + 1))
        return coding, tuple(Segment(head + piece, UDHI, {}) for head, piece in zip(heads, pieces, strict=True))
    shared = {int(Tag.SAR_MSG_REF_NUM): (reference & 0xFFFF).to_bytes(2, "big")}
    shared[Tag.SAR_TOTAL_SEGMENTS] = bytes((total,))
    numbers = ({Tag.SAR_SEGMENT_SEQNUM: bytes((number,))} for number in range(1, total + 1))
    return coding, tuple(Segment(piece, 0, shared | number) for number, piece in zip(numbers, pieces, strict=True))


def read(octets: bytes, coding: int, esm_class: int = 0) -> str:
    """The text that octets stand for, without a user data header. Never fails: what cannot be read becomes U+FFFD."""
    if esm_class & UDHI and octets:
        octets = octets[octets[0] + 1 :]
    if coding == Coding.UCS_2:
        return octets.decode("utf-16-be", "replace")
    if coding == Coding.DEFAULT:
        return _from_gsm(octets)
    return octets.decode("latin-1")


def _from_gsm(octets: bytes) -> str:
    """An escape before what is no extension shows as a space, and the character by itself (TS 23.038, 6.2.1.1)."""
    characters: list[str] = []
    escaped = False
    for octet in octets:
        if escaped and octet in _EXTENDED:
            characters[-1] = _EXTENDED[octet]
            escaped = False
        else:
            escaped = octet == ESCAPE
            characters.append(" " if escaped else GSM[octet] if octet < len(GSM) else "�")
    return "".join(characters)


def _pieces(text: str) -> tuple[Coding, tuple[bytes, ...]]:
    """A text cut at the most that a part holds, never within an escape or a surrogate pair; at least one piece."""
    septets = gsm(text)
    if septets is not None:
        coding, octets, alone, one_of_many = Coding.DEFAULT, septets, 160, 153
    else:
        try:
            coding, octets, alone, one_of_many = Coding.UCS_2, text.encode("utf-16-be"), 140, 134
        except UnicodeEncodeError as error:
            raise ValueError(
                f"character {error.start} is half a surrogate pair ({error.object[error.start]!a}); leave it out"
            ) from None
    if len(octets) <= alone:
        return coding, (octets,)
    pieces = []
    begin = 0
    while begin < len(octets):
        end = min(begin + one_of_many, len(octets))
        if end < len(octets) and _is_split(octets, end, coding):
            end -= 1 if coding is Coding.DEFAULT else 2
        pieces.append(octets[begin:end])
        begin = end
    if len(pieces) > MAX_PARTS:
        raise ValueError(f"a text of {len(pieces)} parts; an SMS has at most {MAX_PARTS}: shorten it")
    return coding, tuple(pieces)


def _is_split(octets: bytes, at: int, coding: Coding) -> bool:
    """Whether a cut there parts what belongs together. No escape stands behind another: `gsm` writes none."""
    return octets[at - 1] == ESCAPE if coding is Coding.DEFAULT else 0xD8 <= octets[at - 2] <= 0xDB
