"""Forms that senders write though CAP has others: read as meant where that is plain, and said."""

from datetime import UTC, datetime

import pytest

from tests.cap.oddities import CAP, SQUARE, area, code, message, swap
from tests.cap.reading import codes, info, said
from warnsys.cap import CapError, Misleading, dwd, read_alert
from warnsys.cap.kinds import kind
from warnsys.cap.references import parts_of, triples

# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2027-07-14t16:00:00z", "2027-07-14t18:00:00+02:00", "2027-07-14T18:00:00 +02:00", "2027-07-14 18:00:00 +0200",
        "2027-07-14T 18:00:00+02:00", "2027-07-14\n18:00:00+02:00", "\u200b2027-07-14T18:00:00+02:00",
        "2027-07-14T18:00:00+02", "2027-07-14T18:00:00.123456789012+02:00", "2027-07-14T18:00:00,5+02:00",
        "2027-07-14T16:00:00 UTC", "2027-07-14T16:00:00GMT", "20270714T180000+0200", "20270714T160000Z",
    ],
)  # fmt: skip
def test_a_time_in_another_form_is_the_same_moment_and_said(written: str) -> None:
    body = message(swap("2027-07-14T18:00:00+02:00", written))
    expires = info(body).expires
    assert expires is not None
    assert expires.replace(microsecond=0) == datetime(2027, 7, 14, 16, tzinfo=UTC)
    assert codes(body) == ["time-form"]


def test_midnight_and_never_are_known_in_small_letters_too() -> None:
    midnight = message(swap("2027-07-14T18:00:00+02:00", "2027-07-14t24:00:00 +02:00"))
    assert info(midnight).expires == datetime(2027, 7, 14, 22, tzinfo=UTC)
    assert info(message(swap("2027-07-14T18:00:00+02:00", "9999-12-31t23:59:59z"))).expires is None


@pytest.mark.parametrize(
    "written", ["14.07.2027 18:00", "2027-07-14", "18:00", "2027-07-14T18", "2027-07-14T18:00 CET"]
)
def test_a_time_that_would_have_to_be_guessed_is_none(written: str) -> None:
    with pytest.raises(Misleading):
        read_alert(message(swap("2027-07-14T18:00:00+02:00", written)))


# -- codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ii", "Ii", "I I"])
@pytest.mark.parametrize("number", ["98", "99"])
def test_a_test_of_the_dwd_is_one_in_whatever_letters_its_number_is_named(name: str, number: str) -> None:
    body = message(code(name, number))
    assert dwd.is_test(read_alert(body))
    assert codes(body) == ["code-form"]


@pytest.mark.parametrize("name", ["GROUP", "Group", "group"])
@pytest.mark.parametrize("group", ["WIND", "wind", "Wind"])
def test_a_group_is_the_same_in_whatever_letters(name: str, group: str) -> None:
    assert kind(info(message(code(name, group)))) == ("WIND", None)


@pytest.mark.parametrize("name", ["awareness_level", "Awareness-Level", "AWARENESS LEVEL", "awarenessLevel"])
def test_meteoalarms_level_is_known_by_its_name_in_whatever_letters(name: str) -> None:
    green = f"<parameter><valueName>{name}</valueName><value>1; Green; Minor</value></parameter><area>"
    assert dwd.is_green(info(message(lambda text: text.replace("Severe", "Minor").replace("<area>", green))))


def test_several_codes_in_one_element_are_each_read() -> None:
    body = message(lambda text: text.replace(">Met<", ">Fire, health<").replace(
        "<urgency>", "<responseType>Shelter Prepare</responseType><urgency>"))  # fmt: skip
    assert (info(body).categories, info(body).response_types) == (("Fire", "Health"), ("Shelter", "Prepare"))
    assert codes(body) == ["code-form"] * 2


@pytest.mark.parametrize(
    "written", ["de_DE.UTF-8", "de - DE", "de\u2013DE", "de_DE@euro", "deutsch (DE)", "de-DE, en-GB", "\u200bde"]
)
def test_a_language_is_known_by_what_it_begins_with(written: str) -> None:
    body = message(swap("de-DE", written))
    assert info(body).language.partition("-")[0] == "de"
    assert codes(body) == ["code-form"]


@pytest.mark.parametrize(
    "written",
    ['"805122000"', "[805122000]", "805111000 und 805122000", "805122000.0", "\u200b805122000", "805122000 (Solingen)"],
)
def test_a_cell_is_found_among_whatever_stands_around_it_and_said(written: str) -> None:
    body = message(area(f"<geocode><valueName>WARNCELLID</valueName><value>{written}</value></geocode>"))
    assert "805122000" in dwd.warn_cells(info(body).areas[0])
    assert codes(body) == ["cells-in-one-value"]


# -- the bytes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", ["utf-16", "UTF-16LE", "UTF_8", "latin-1", "cp1252", "Windows_1252"])
def test_an_encoding_that_is_named_wrongly_is_read_as_the_bytes_are_and_said(declared: str) -> None:
    encoding = "utf-8" if "16" in declared else declared
    body = message(lambda text: f'<?xml version="1.0" encoding="{declared}"?>{text}', encoding=encoding)
    assert said(body) == said(message())
    assert "encoding" in codes(body)


@pytest.mark.parametrize("written", ["", f' xmlns="{CAP}/"', f' xmlns="{CAP.upper()}"', f' xmlns=" {CAP} "'])
@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-8"?>\n<!-- <alert> -->\n'])
def test_the_namespace_of_cap_is_known_where_it_is_left_out_or_miswritten(head: str, written: str) -> None:
    body = message(lambda text: head + text.replace(f' xmlns="{CAP}"', written))
    assert said(body) == said(message())
    assert codes(body) == ["namespace-form"]


@pytest.mark.parametrize("body", [b"<alert><title>x</title></alert>", b"<alert/>", b'<alert xmlns="urn:x"/>'])
def test_another_alert_is_no_cap(body: bytes) -> None:
    with pytest.raises(CapError):
        read_alert(body)


def test_entities_of_html_that_nobody_declared_are_the_characters_that_they_name() -> None:
    body = message(swap(">H<", ">Gefahr f&uuml;r&nbsp;Leib &amp; Leben<"))
    assert info(body).headline == "Gefahr für\u00a0Leib & Leben"
    assert codes(body) == ["markup"]
    with pytest.raises(CapError):
        read_alert(message(swap(">H<", ">&geheim;<")))


# -- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("<style>p > b {color:red}</style>Sturm", "Sturm"),
        ("<script>alert(1)</script>Sturm", "Sturm"),
        ("<p class='MsoNormal'><o:p>Sturm</o:p></p>", "Sturm"),
        ("Sturm<!-- bis > 5 -->böen", "Sturmböen"),
        ("<dfn>Sturm</dfn> und <acronym>UV</acronym>", "Sturm und UV"),
    ],
)
def test_what_is_no_text_of_a_page_is_left_out(written: str, plain: str) -> None:
    assert info(message(swap(">H<", f"><![CDATA[{written}]]><"))).headline == plain


# -- places ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", ["51.1,7.1 " * 4, "51.1,7.1 " * 5])
def test_a_closed_ring_of_one_place_is_a_point_and_said(points: str) -> None:
    body = message(swap(SQUARE, points))
    assert info(body).areas[0].polygons == (((7.1, 51.1),) * 4,)
    assert codes(body) == ["polygon-point"]


# -- references -----------------------------------------------------------------------------------------------------

TIME, LATER = "2027-07-14T14:00:00+02:00", "2027-07-14T12:05:00Z"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"s@x,Warnung 29 B,{TIME}", [("s@x", "Warnung 29 B", TIME)]),
        (f"s@x, Warnung 28 , {TIME} s@x,Warnung 29,{LATER}",
            [("s@x", "Warnung 28", TIME), ("s@x", "Warnung 29", LATER)]),
        (f"Leitstelle Solingen,29,{TIME}", [("Leitstelle Solingen", "29", TIME)]),
        (f"Leitstelle Solingen,28,{TIME};\nLeitstelle Solingen,29,{LATER}",
            [("Leitstelle Solingen", "28", TIME), ("Leitstelle Solingen", "29", LATER)]),
        (f"28 s@x,29,{TIME}", [("", "28", ""), ("s@x", "29", TIME)]),
        (f"\u200bs@x,29,{TIME}", [("s@x", "29", TIME)]),
    ],
)  # fmt: skip
def test_names_with_blanks_in_them_are_read_whole(text: str, names: list[tuple[str, str, str]]) -> None:
    assert [parts_of(one) for one in triples(text)] == names
