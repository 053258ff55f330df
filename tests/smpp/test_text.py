"""Texts: a phone shows what was written, in as few SMS as it takes, and no character is cut in two."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warnsys.smpp import text
from warnsys.smpp.pdu import Tag
from warnsys.smpp.text import EXTENSION, GSM, UDHI, Coding, Segment, Split, count, segments

PLAIN = st.text(st.sampled_from([each for each in GSM if each != "\x1b"] + list(EXTENSION)), max_size=2_000)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=1_000)


def shown(coding: Coding, parts: tuple[Segment, ...]) -> str:
    """What a phone makes of the parts: each is read by itself."""
    octets = [(part.octets or part.tlvs.get(Tag.MESSAGE_PAYLOAD, b""), part.esm_class) for part in parts]
    return "".join(text.read(each, coding, esm_class) for each, esm_class in octets)


@given(PLAIN | ANY, st.sampled_from(Split), st.integers(0, 0xFFFF))
@example("€" * 81, Split.HEADER, 0)
@example("ä" * 152 + "€" + "ä" * 9, Split.HEADER, 256)
@example("x" * 66 + "🌪" * 40, Split.SAR, 0xFFFF)
def test_the_parts_of_a_text_read_as_the_text(written: str, split: Split, reference: int) -> None:
    coding, parts = segments(written, split, reference)
    assert shown(coding, parts) == written


@given(PLAIN | ANY)
def test_every_part_fits_an_sms_and_is_counted(written: str) -> None:
    coding, parts = segments(written, Split.HEADER, 1)
    assert count(written) == len(parts)
    for part in parts:
        head = part.octets[0] + 1 if part.esm_class & UDHI else 0
        body = len(part.octets) - head
        bits = 8 * body if coding is Coding.UCS_2 else 7 * body
        assert (8 * head + bits + 6) // 8 <= 140
        assert head == (6 if len(parts) > 1 else 0)


@given(PLAIN)
def test_what_the_gsm_alphabet_has_goes_in_it(written: str) -> None:
    coding, _ = segments(written, Split.HEADER, 1)
    assert coding is Coding.DEFAULT


@given(ANY, st.text(st.sampled_from("ßłЖ中🌪"), min_size=1, max_size=3).filter(lambda odd: odd != "ß" * len(odd)))
def test_one_character_more_takes_the_whole_text_to_ucs_2(written: str, odd: str) -> None:
    coding, _ = segments(written + odd, Split.HEADER, 1)
    assert coding is Coding.UCS_2


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("", 1), ("ä" * 160, 1), ("ä" * 161, 2), ("ä" * 306, 2), ("ä" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("Ж" * 70, 1), ("Ж" * 71, 2), ("Ж" * 134, 2), ("Ж" * 135, 3), ("🌪" * 35, 1), ("🌪" * 36, 2),
        ("🌪" * 67, 3),  # one pair that would be split goes whole into the next part
        ("x" * 152 + "€" + "x" * 152, 3),
    ],
)  # fmt: skip
def test_a_text_takes_so_many_sms(written: str, parts: int) -> None:
    assert count(written) == parts


def test_parts_say_in_a_header_of_their_own_what_they_are() -> None:
    _, parts = segments("x" * 300, Split.HEADER, 0x0207)
    assert [part.octets[:6] for part in parts] == [bytes((5, 0, 3, 7, 2, 1)), bytes((5, 0, 3, 7, 2, 2))]
    assert {part.esm_class for part in parts} == {UDHI}


def test_parts_say_in_optional_parameters_what_they_are() -> None:
    _, parts = segments("x" * 300, Split.SAR, 0x0207)
    assert parts[1].tlvs == {
        Tag.SAR_MSG_REF_NUM: b"\x02\x07", Tag.SAR_TOTAL_SEGMENTS: b"\x02", Tag.SAR_SEGMENT_SEQNUM: b"\x02"
    }  # fmt: skip
    assert {part.esm_class for part in parts} == {0}


def test_a_payload_goes_as_one_message_and_is_billed_as_many() -> None:
    _, parts = segments("x" * 300, Split.PAYLOAD, 7)
    assert [(part.octets, dict(part.tlvs)) for part in parts] == [(b"", {Tag.MESSAGE_PAYLOAD: b"x" * 300})]
    assert count("x" * 300) == 2


@pytest.mark.parametrize("split", Split)
def test_a_short_text_goes_as_it_is(split: Split) -> None:
    assert segments("Sturm", split, 7)[1] == (Segment(b"Sturm", 0, {}),)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ValueError, match=r"character 1 is half a surrogate pair \('\\ud83c'\); leave it out"):
        count("x\ud83cЖ")


def test_a_text_of_more_than_255_parts_is_refused() -> None:
    assert count("x" * 153 * 255) == 255
    with pytest.raises(ValueError, match="a text of 256 parts; an SMS has at most 255: shorten it"):
        count("x" * (153 * 255 + 1))


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_no_bytes_are_unreadable(octets: bytes, coding: int, esm_class: int) -> None:
    assert isinstance(text.read(octets, coding, esm_class), str)
