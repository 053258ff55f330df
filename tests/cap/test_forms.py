"""What is wrong in form only is mended and said; what it means stays what it was."""

import codecs
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cap.oddities import CAP, message, swap, without
from tests.cap.reading import codes, info, said
from warnsys.cap import Misleading, NotCap, forms, read_alert
from warnsys.check import check_message
from warnsys.warning.matching import _text

NOW = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'
MARK = "\ufeff"


# -- before the XML -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    ["\n", "\r\n\r\n", " \t\n", MARK * 2, MARK * 3, f"{MARK}\n", f"\n{MARK}", f" {MARK} {MARK}\r\n", "ï»¿", "\u200b\n"],
    ids=ascii,
)
@pytest.mark.parametrize("declared", [DECLARED, '<?xml version="1.0"?>'])
def test_what_stands_before_the_xml_declaration_is_left_out_and_said(head: str, declared: str) -> None:
    plain = message(lambda text: declared + text)
    body = head.encode() + plain
    assert said(body) == said(plain)
    assert codes(body) == ["xml-head"]


@pytest.mark.parametrize("tail", [b"\0" * 200, b"\n\x1a", b"\r\n\0"])
def test_padding_behind_the_xml_is_left_out_and_said(tail: bytes) -> None:
    assert said(message() + tail) == said(message())
    assert codes(message() + tail) == ["xml-tail"]


@pytest.mark.parametrize("tail", [b"\0<x/>", b"x", b"\0x"])
def test_anything_else_behind_the_xml_is_refused(tail: bytes) -> None:
    with pytest.raises(NotCap):
        read_alert(message() + tail)


def test_within_cdata_an_ampersand_is_right_as_it_is_whatever_else_is_mended() -> None:
    body = message(swap(">H<", "><![CDATA[A & B]]> &uuml;ber C & D<"))
    assert info(body).headline == "A & B über C & D"
    named = swap("<identifier>", "<identifier><![CDATA[a&b]]>")
    body = message(lambda text: named(text).replace(f' xmlns="{CAP}"', ""))
    assert read_alert(body).identifier.startswith("a&b")
    assert codes(body) == ["namespace-form"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_zeros_within_utf_16_are_no_padding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="UTF-16"?>{message().decode()}'.replace(f' xmlns="{CAP}"', "")
    with pytest.raises(NotCap, match="CAP"):
        read_alert(text.encode(encoding))


def test_a_message_that_is_full_of_ampersands_is_refused() -> None:
    with pytest.raises(NotCap):
        read_alert(message(swap(">H<", f">{'&' * 10_001}<")))


def test_an_ampersand_that_begins_no_entity_is_one() -> None:
    body = message(swap(">H<", ">Wind & Wetter, http://x.de/?a=1&b=2 &amp; &#38;<"))
    assert info(body).headline == "Wind & Wetter, http://x.de/?a=1&b=2 & &"
    assert set(codes(body)) == {"markup"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("head", [MARK * 2, f"{MARK}\n", f"\n{MARK}", f"{MARK}\r\n\r\n{MARK}"], ids=ascii)
def test_blanks_and_marks_before_utf_16_are_left_out_too(encoding: str, head: str) -> None:
    text = message().decode()
    body = f'{head}<?xml version="1.0" encoding="UTF-16"?>{text}'.encode(encoding)
    assert said(body) == said(text.encode())
    assert codes(body) == ["xml-head", "encoding"]


@pytest.mark.parametrize("body", [message(), codecs.BOM_UTF8 + message(), b"\n\n" + message()])
def test_one_mark_or_blank_lines_before_an_element_are_right_as_they_are(body: bytes) -> None:
    assert codes(body) == []


@given(st.binary(max_size=30), st.sampled_from([b"<?xml version='1.0'?>", b"<alert/>", b"", b"<\0?\0"]))
def test_without_its_head_a_document_has_no_head(head: bytes, rest: bytes) -> None:
    body, _ = forms.without_head(head + rest)
    assert (head + rest).endswith(body.lstrip(codecs.BOM_UTF8 + codecs.BOM_UTF16_LE))
    assert forms.without_head(body) == (body, "")


# -- codes ----------------------------------------------------------------------------------------------------------

VALUES = {
    "status": "Actual", "msgType": "Alert", "scope": "Public", "urgency": "Immediate", "severity": "Severe",
    "certainty": "Likely", "category": "Met",
}  # fmt: skip


@pytest.mark.parametrize("element", VALUES)
@pytest.mark.parametrize("form", [str.upper, str.lower, str.swapcase, " \n{}\t ".format, "\u00a0{}\u200b".format])
def test_a_code_means_the_same_however_its_letters_are_written(element: str, form: Callable[[str], str]) -> None:
    value = VALUES[element]
    body = message(swap(f">{value}</{element}>", f">{form(value)}</{element}>"))
    assert said(body) == said(message())
    assert set(codes(body)) <= {"code-form"}


@given(st.data())
def test_any_letter_case_of_any_code_is_read_as_the_code(data: st.DataObject) -> None:
    body = message()
    for value in VALUES.values():
        upper = data.draw(st.lists(st.booleans(), min_size=len(value), max_size=len(value)))
        written = "".join(c.upper() if up else c.lower() for c, up in zip(value, upper, strict=True))
        body = body.replace(f">{value}<".encode(), f">{written}<".encode(), 1)
    assert said(body) == said(message())


@pytest.mark.parametrize("written", ["EXTREME", "extreme", " Extreme ", "eXTREME", "Extreme."])
def test_the_worst_severity_is_the_worst_in_any_letters_and_said(written: str) -> None:
    body = message(swap("Severe", written))
    assert info(body).severity == "Extreme"
    assert codes(body) == ["code-form"] * (written.strip() != "Extreme")


@pytest.mark.parametrize("scope", ["private", "PRIVATE", " Private ", "restricted", "RESTRICTED", "\u00a0private"])
def test_a_private_scope_is_private_in_any_letters(scope: str) -> None:
    alert = read_alert(message(swap("Public", scope)))
    assert alert.scope in ("Private", "Restricted")
    assert "scope-private" in [one.code for one in alert.findings]


@pytest.mark.parametrize("written", ["ALLCLEAR", "allclear", " AllClear", "All Clear", "all-clear"])
def test_a_response_type_means_the_same_in_any_letters(written: str) -> None:
    body = message(swap("<urgency>", f"<responseType>{written}</responseType><urgency>"))
    assert info(body).response_types == ("AllClear",)


@pytest.mark.parametrize("severity", ["Terrible", "Extremely bad", "5", "", "none"])
def test_an_unknown_severity_is_unknown_and_said_never_the_least(severity: str) -> None:
    body = message(swap("Severe", severity))
    assert info(body).severity == "Unknown"
    assert codes(body) == ["severity-unknown"]


def test_a_message_without_scope_is_for_everybody_and_says_so() -> None:
    alert = read_alert(message(without("scope")))
    assert (alert.scope, [one.code for one in alert.findings]) == ("", ["scope-missing"])


# -- languages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("de_DE", "de-DE"), ("deu", "de"), ("ger", "de"), ("DE", "de"), ("de-AT", "de-AT"), ("DEU_de", "de-DE"),
        ("de_at", "de-AT"), ("Deutsch", "de"), ("eng", "en"), ("ENG-GB", "en-GB"), ("zh_Hans", "zh-Hans"),
        ("fre", "fr"), ("x!", "x!"),
    ],
)  # fmt: skip
def test_a_language_is_known_by_any_of_its_codes(written: str, meant: str) -> None:
    body = message(swap("de-DE", written))
    assert info(body).language == meant
    assert codes(body) == ["code-form"] * (written.lower() != meant.lower())


@given(st.from_regex(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}", fullmatch=True))
def test_the_form_of_a_language_is_its_own_form(written: str) -> None:
    assert forms.language(forms.language(written)) == forms.language(written)
    assert forms.language(written.swapcase()) == forms.language(written)


# -- markup ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Warnung vor <i>großem</i> Hagel", "Warnung vor großem Hagel"),
        ("Hagel bis <b>5 cm</b>.<br/>Fenster zu.", "Hagel bis 5 cm. Fenster zu."),
        ("<p>Nicht ins Freie.</p>", "Nicht ins Freie."),
        ("<p>Eins.</p><p>Zwei.</p>", "Eins. Zwei."),
        ("<b>W</b>arnung", "Warnung"),
        ("<b>Sehr</b> <i>großer</i> Hagel", "Sehr großer Hagel"),
        ("<ul><li>Türen zu</li><li>Keller meiden</li></ul>", "Türen zu Keller meiden"),
        ("Hagel &lt;b&gt;groß&lt;/b&gt;", "Hagel groß"),
        ("Bis 5 cm.&lt;br /&gt;Zu.", "Bis 5 cm. Zu."),
        ("&lt;a href='https://example.org'&gt;mehr&lt;/a&gt;", "mehr"),
        ("<![CDATA[<p class='x'>Sturm &amp; Regen</p>]]>", "Sturm & Regen"),
        ("Gefahr f&amp;uuml;r Leib", "Gefahr für Leib"),
        ("a&amp;nbsp;b", "a b"),
        ("&lt;STRONG&gt;Sturm&lt;/STRONG&gt;", "Sturm"),
        ("&lt;&lt;b&gt;b&gt;Sturm", "Sturm"),
        ("&amp;lt;b&amp;gt;Sturm", "Sturm"),
    ],
)
@pytest.mark.parametrize("element", ["headline", "description"])
def test_of_a_text_with_markup_the_whole_is_read_without_it_and_called_altered(
    element: str, written: str, plain: str
) -> None:
    letter = element[0].upper()
    body = message(swap(f"<{element}>{letter}<", f"<{element}>{written}<"))
    one = info(body)
    assert getattr(one, element) == plain
    assert set(codes(body)) == {"markup"}
    assert _text(one).shortened


def test_markup_is_taken_out_of_whatever_people_read() -> None:
    given = "Sturm &lt;b&gt;groß&lt;/b&gt;"
    body = message(swap("Stürmische Böen", given)).replace(b"<areaDesc>x", f"<areaDesc>{given}".encode())
    body = body.replace(b"<headline>", f"<senderName>{given}</senderName><headline>".encode())
    one = info(body)
    assert (one.event, one.sender_name, one.areas[0].desc) == ("Sturm groß",) * 3


@pytest.mark.parametrize(
    "text", ["5 < 6 > 4", "<Ortsname>", "Regen & Wind", "<https://www.dwd.de>", "<info@dwd.de>", "R&D; x", "<2 cm"]
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    written = text.replace("&", "&amp;").replace("<", "&lt;")
    body = message(swap(">H<", f">{written}<"))
    assert (info(body).headline, codes(body)) == (text, [])
    assert not _text(info(body)).shortened


def test_a_code_or_time_with_markup_in_it_is_read_whole() -> None:
    body = message(swap("<severity>Severe<", "<severity><b>Ext</b>reme<"))
    body = body.replace(b"T18:00:00+02:00<", b"T19:00:<b>00</b>+02:00<")
    assert info(body).severity == "Extreme"
    assert info(body).expires == datetime(2027, 7, 14, 17, tzinfo=UTC)
    assert codes(body) == ["markup", "markup"]


@given(st.text(st.sampled_from("<>&b/; p!-ab"), max_size=40))
def test_a_plain_text_is_its_own_plain_text(text: str) -> None:
    assert forms.plain(forms.plain(text)) == forms.plain(text)


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["24:00:00", "24:00", "24:00:00.0", "24:00:00.000"])
@pytest.mark.parametrize("offset", ["+02:00", "+0200"])
def test_24_o_clock_is_midnight_of_the_next_day(clock: str, offset: str) -> None:
    body = message(swap("T18:00:00+02:00", f"T{clock}{offset}"))
    assert info(body).expires == datetime(2027, 7, 14, 22, tzinfo=UTC)
    assert codes(body) == ["time-midnight"]


def test_24_o_clock_is_read_at_the_end_of_a_month_of_a_year_in_utc_and_without_offset() -> None:
    assert info(message(swap("2027-07-14T18:00:00+02:00", "2028-02-28T24:00:00Z"))).expires == datetime(
        2028, 2, 29, tzinfo=UTC
    )
    assert info(message(swap("2027-07-14T18:00:00+02:00", "2027-12-31T24:00:00"))).expires == datetime(
        2027, 12, 31, 23, tzinfo=UTC
    )


@pytest.mark.parametrize("clock", ["24:00:01", "24:01:00", "25:00:00", "24:30"])
def test_a_time_after_24_o_clock_is_none(clock: str) -> None:
    with pytest.raises(Misleading):
        read_alert(message(swap("T18:00:00+", f"T{clock}+")))


@pytest.mark.parametrize(
    "end",
    [
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T24:00:00Z",
        "9999-12-31",
        "9999-01-01T00:00",
        "2999-12-31T23:59:59+01:00",
    ],
)
def test_an_end_in_the_year_9999_or_2999_is_none_and_said(end: str) -> None:
    body = message(swap("2027-07-14T18:00:00+02:00", end))
    assert info(body).expires is None
    assert codes(body) == ["expires-never"]


def test_a_leap_second_is_read_as_the_one_before_it() -> None:
    body = message(swap("T18:00:00+02:00", "T23:59:60+02:00"))
    assert info(body).expires == datetime(2027, 7, 14, 21, 59, 59, tzinfo=UTC)
    assert codes(body) == ["time-form"]


@pytest.mark.parametrize("year", ["9998", "2570", "2200"])
def test_any_other_year_far_away_is_refused(year: str) -> None:
    with pytest.raises(Misleading):
        read_alert(message(swap("<expires>2027", f"<expires>{year}")))


def test_a_begin_in_the_year_9999_is_refused() -> None:
    with pytest.raises(Misleading):
        read_alert(message(swap("<onset>2027", "<onset>9999")))


def ends(expires: str, *, sent: str = "2027-10-30T20:00:00+02:00", zone: str = "Europe/Berlin") -> datetime | None:
    body = message(swap("2027-07-14T12:00:00+02:00</sent>", f"{sent}</sent>"))
    body = body.replace(b"2027-07-14T18:00:00+02:00", expires.encode())
    (one,) = read_alert(body, zone=ZoneInfo(zone)).infos
    return one.expires


@pytest.mark.parametrize(
    ("expires", "utc"),
    [
        ("2027-10-31T12:00:00", datetime(2027, 10, 31, 11, tzinfo=UTC)),  # winter time by then
        ("2027-10-31T01:30:00", datetime(2027, 10, 30, 23, 30, tzinfo=UTC)),
        ("2027-10-31T02:30:00", datetime(2027, 10, 31, 1, 30, tzinfo=UTC)),  # comes twice: the later
        ("2027-11-01T00:00:00", datetime(2027, 10, 31, 23, tzinfo=UTC)),
        ("2027-03-28T02:30:00", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),  # never comes: the later
        ("2027-03-28T12:00:00", datetime(2027, 3, 28, 10, tzinfo=UTC)),
        ("2027-07-14T12:00:00", datetime(2027, 7, 14, 10, tzinfo=UTC)),
    ],
)
def test_a_time_without_offset_gets_the_one_of_the_zone_at_that_time(expires: str, utc: datetime) -> None:
    assert ends(expires) == utc


def test_the_zone_is_the_sources() -> None:
    expires = ends("2027-10-31T12:00:00", sent="2027-10-30T20:00:00+01:00", zone="Europe/London")
    assert expires == datetime(2027, 10, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("sent", ["2027-07-14T10:00:00Z", "2027-07-14T10:00:00-00:00", "2027-07-14T05:00:00-05:00"])
def test_where_sent_has_another_offset_than_the_zone_an_end_is_the_later_and_a_begin_the_earlier(sent: str) -> None:
    body = message(swap("2027-07-14T12:00:00+02:00</sent>", f"{sent}</sent>"))
    body = body.replace(b"12:00:00+02:00</onset>", b"12:00:00</onset>").replace(b"18:00:00+02:00", b"18:00:00")
    one = info(body)
    assert one.onset == datetime(2027, 7, 14, 10, tzinfo=UTC)
    assert one.expires == datetime(2027, 7, 14, 23 if "-05" in sent else 18, tzinfo=UTC)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2190, 1, 1)))  # noqa: DTZ001 - without an offset on purpose
def test_an_end_without_offset_is_never_read_earlier_than_it_can_be_meant(moment: datetime) -> None:
    moment, zone = moment.replace(microsecond=0), ZoneInfo("Europe/Berlin")
    read = ends(moment.isoformat())
    assert read is not None
    assert read == max(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def test_each_thing_that_is_mended_is_said_by_the_check() -> None:
    body = b"\n" + message(
        lambda text: (
            DECLARED + text.replace("Severe", "SEVERE").replace(">H<", "><b>H</b><").replace("T18:00:00+", "T24:00:00+")
        )
    )
    found = check_message("x", body, NOW)
    assert found.verdict == "mended"
    assert {one.code for one in found.findings} == {"xml-head", "code-form", "markup", "time-midnight"}
    assert CAP.encode() in body
