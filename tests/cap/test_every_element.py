"""Every element of CAP 1.2 is read into its field, at whatever place it stands and with blanks around it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.cap.oddities import CAP, SQUARE, area, message, swap
from warnsys.cap import Alert, Area, Circle, Finding, Info, Misleading, Reference, Resource, Unsafe, level, read_alert
from warnsys.cap.model import worst_level

WHOLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{CAP}">
  <identifier> city.1 </identifier><sender> s@example.org </sender><sent>2027-07-14T12:00:00-00:00</sent>
  <status>Actual</status><msgType>Update</msgType><source>lab</source><scope>Restricted</scope>
  <restriction>staff</restriction><addresses>a b</addresses><code>one</code><code> </code><code>two</code>
  <note>nota</note><references>r@example.org,city.0,2027-07-14T11:00:00-00:00
     r@example.org,city.00,2027-07-14T10:00:00-00:00</references><incidents>i1 i2</incidents>
  <info>
    <language>de-DE</language><category>Met</category><category>Safety</category><event>Sturm</event>
    <responseType>Prepare</responseType><responseType>Avoid</responseType><urgency>Expected</urgency>
    <severity>Extreme</severity><certainty>Observed</certainty><audience>alle</audience>
    <eventCode><valueName>II</valueName><value>52</value></eventCode>
    <eventCode><value>WIND</value><valueName>GROUP</valueName></eventCode>
    <effective>2027-07-14T12:01:00Z</effective><onset>2027-07-14T12:02:00Z</onset>
    <expires>2027-07-14T12:03:00+0100</expires><senderName>Labor</senderName><headline>Kopf</headline>
    <description>Text</description><instruction>Rat</instruction><web>https://x</web><contact>Amt</contact>
    <parameter><valueName>gusts</valueName><value>~55 [km/h]</value></parameter>
    <parameter><valueName>gusts</valueName><value>~60 [km/h]</value></parameter>
    <resource><resourceDesc>Bild</resourceDesc><mimeType>image/png</mimeType><size>1234567890123456789</size>
      <uri>https://x/y.png</uri><digest>abc</digest></resource>
    <resource><resourceDesc>Ton</resourceDesc><mimeType>audio/ogg</mimeType><size>12345678901234567</size></resource>
    <area><areaDesc> hier </areaDesc><geocode><valueName>EXCLUDE_POLYGON</valueName>
      <value>51.01,7.05 51.01,7.06 51.02,7.06 51.01,7.05</value></geocode>
      <polygon>{SQUARE}</polygon><polygon>52,8 52,8.1 52.1,8.1 52,8</polygon><circle>51.5,7.5 2.5</circle>
      <circle>-51.5,-7.5 0</circle><geocode><valueName>WARNCELLID</valueName><value>805122000</value></geocode>
      <altitude>100</altitude><ceiling>200.5</ceiling></area>
    <area><areaDesc>dort</areaDesc></area>
  </info>
</alert>"""
FIRST = ((7.0, 51.0), (7.1, 51.0), (7.1, 51.1), (7.0, 51.0))


def noon(minute: int) -> datetime:
    return datetime(2027, 7, 14, 12, minute, tzinfo=UTC)


def test_every_element_of_the_standard_is_read() -> None:
    assert read_alert(WHOLE.encode()) == Alert(
        identifier="city.1",
        sender="s@example.org",
        sent=noon(0),
        status="Actual",
        msg_type="Update",
        scope="Restricted",
        source="lab",
        restriction="staff",
        addresses="a b",
        codes=("one", "two"),
        note="nota",
        references=(
            Reference("city.0", "r@example.org", "2027-07-14T11:00:00-00:00"),
            Reference("city.00", "r@example.org", "2027-07-14T10:00:00-00:00"),
        ),
        incidents="i1 i2",
        infos=(
            Info(
                event="Sturm",
                urgency="Expected",
                severity="Extreme",
                certainty="Observed",
                language="de-DE",
                categories=("Met", "Safety"),
                response_types=("Prepare", "Avoid"),
                audience="alle",
                event_codes=(("II", "52"), ("GROUP", "WIND")),
                effective=noon(1),
                onset=noon(2),
                expires=datetime(2027, 7, 14, 11, 3, tzinfo=UTC),
                sender_name="Labor",
                headline="Kopf",
                description="Text",
                instruction="Rat",
                web="https://x",
                contact="Amt",
                parameters=(("gusts", "~55 [km/h]"), ("gusts", "~60 [km/h]")),
                resources=(
                    Resource("Bild", "image/png", None, "https://x/y.png", "abc"),
                    Resource("Ton", "audio/ogg", 12345678901234567),
                ),
                areas=(
                    Area(
                        "hier",
                        polygons=(FIRST, ((8.0, 52.0), (8.1, 52.0), (8.1, 52.1), (8.0, 52.0))),
                        circles=(Circle(7.5, 51.5, 2.5), Circle(-7.5, -51.5, 0.0)),
                        geocodes=(("WARNCELLID", "805122000"),),
                        excluded=(((7.05, 51.01), (7.06, 51.01), (7.06, 51.02), (7.05, 51.01)),),
                        altitude_ft=100.0,
                        ceiling_ft=200.5,
                    ),
                    Area("dort"),
                ),
            ),
        ),
        findings=(Finding("scope-private", "/alert/scope", "scope Restricted"),),
    )


def test_an_info_with_its_areas_first_is_read_as_well() -> None:
    def areas_first(text: str) -> str:
        start, end = text.index("<area>"), text.rindex("</area>") + 7
        return text[:start].replace("<language>", text[start:end] + "<language>") + text[end:]

    assert read_alert(areas_first(WHOLE).encode()).infos == read_alert(WHOLE.encode()).infos


def test_an_info_that_says_no_language_is_in_english() -> None:
    (info,) = read_alert(message(swap("<language>de-DE</language>", ""))).infos
    assert info.language == "en-US"


@pytest.mark.parametrize("msg_type", ["Cancel", "Ack", "Error"])
def test_only_an_alert_or_update_must_say_something(msg_type: str) -> None:
    def bare(text: str) -> str:
        return text.replace(">Alert<", f">{msg_type}<").replace(text[text.index("<info>") : text.index("</alert>")], "")

    assert read_alert(message(bare)).infos == ()


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("51,7 20039.9", True),
        ("51,7 20040", False),
        ("51,7 -1", False),
        ("90,180 1", True),
        ("-90,-180 1", True),
        ("90.1,7 1", False),
        ("51,180.1 1", True),
        ("51,200.1 1", False),
        ("51, 7 1", True),
        ("-90.1,7 1", False),
        ("51,-200 1", True),
        ("51,-200.1 1", False),
        ("51,7 nan", False),
        ("51,7 1_0", False),
        ("51,7 1 2", False),
        ("51,7,2 1", False),
        ("51,7 8,52 1", False),
    ],
)
def test_a_circle_lies_on_earth_or_is_refused_with_its_place(text: str, fine: bool) -> None:
    body = message(area(f"<circle>{text}</circle>"))
    if fine:
        assert len(read_alert(body).infos[0].areas[0].circles) == 1
        return
    with pytest.raises(Misleading) as refused:
        read_alert(body)
    assert (refused.value.code, refused.value.where) == ("circle", "/alert/info/area/circle")
    assert refused.value.text.startswith(repr(text))


@pytest.mark.parametrize("points", ["90,180 -90,-180 0,0 90,180", "51,7 51,7.1 51.1,7.1 51,7 51,7"])
def test_an_outline_may_reach_to_the_edges_of_the_earth_and_repeat_its_last_point(points: str) -> None:
    (read,) = read_alert(message(swap(SQUARE, points))).infos[0].areas[0].polygons
    assert len(read) == len(points.split())


@pytest.mark.parametrize("height", ["1_0", "inf", "nan", "-inf", "1,5"])
def test_a_height_is_a_number_or_refused(height: str) -> None:
    with pytest.raises(Misleading) as refused:
        read_alert(message(area(f"<ceiling>{height}</ceiling>")))
    assert (refused.value.code, refused.value.where) == ("number", "/alert/info/area/ceiling")


def test_a_height_that_says_nothing_is_none_and_a_band_of_one_height_is_one() -> None:
    empty = message(area("<altitude> </altitude><altitude>30</altitude><ceiling>30</ceiling><ceiling>30</ceiling>"))
    (read,) = read_alert(empty).infos[0].areas
    assert (read.altitude_ft, read.ceiling_ft) == (30.0, 30.0)
    assert read.altitude_m == read.ceiling_m == pytest.approx(9.144)


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ("<note>a</note><note>b</note>", "a / b"),
        ("<note>a</note><note> a </note>", "a"),
        ("<note/><note>b</note>", "b"),
        ("<note/><note> </note>", ""),
    ],
)
def test_of_a_text_that_stands_there_twice_all_is_read_once(head: str, kept: str) -> None:
    assert read_alert(message(swap("<info>", f"{head}<info>"))).note == kept


def test_values_that_differ_are_told_shortened_and_not_without_limit() -> None:
    scopes = "".join(f"<scope>{letter * 50}</scope>" for letter in "abcd")
    with pytest.raises(Misleading) as refused:
        read_alert(message(swap("<scope>Public</scope>", scopes)))
    assert refused.value.text == f"<scope> says {'a' * 40!r} and {'b' * 40!r} and {'c' * 40!r}"
    assert str(refused.value) == f"repeated at /alert/scope: {refused.value.text}"


@pytest.mark.parametrize(
    ("pair", "read"),
    [
        ("<valueName/><valueName>a</valueName><value/><value>b</value>", ("a", "b")),
        ("<valueName>a</valueName><valueName>a</valueName><value>b</value><value>b</value>", ("a", "b")),
        ("<valueName>a</valueName><valueName/><value>b</value><value/>", ("a", "b")),
        ("<valueName>a</valueName>", ("a", "")),
        ("<value>b</value>", ("", "b")),
        (" a = b=c ", ("a", "b=c")),
        ("", ("", "")),
    ],
)
def test_a_pair_is_read_by_its_parts(pair: str, read: tuple[str, str]) -> None:
    assert read_alert(message(swap("<area>", f"<parameter>{pair}</parameter><area>"))).infos[0].parameters == (read,)


def two_names(text: str) -> str:
    return swap("<area>", "<parameter><valueName>a</valueName><valueName>b</valueName></parameter><area>")(text)


def test_two_names_of_one_value_are_refused() -> None:
    with pytest.raises(Misleading) as refused:
        read_alert(message(two_names))
    assert refused.value.where == "/alert/info/parameter/valueName"


@pytest.mark.parametrize(
    "change",
    [
        swap("12:00:00+02:00</sent>", "12:00+02:00</sent>"),
        swap("T12:00:00+02:00</sent>", " 12:00:00.5+02:00</sent>"),
        swap("12:00:00+02:00</sent>", "10:00:00Z</sent>"),
        swap("12:00:00+02:00</sent>", "12:00:00.123456789+0200</sent>"),
    ],
)
def test_a_time_may_be_written_a_little_differently(change: Callable[[str], str]) -> None:
    sent = read_alert(message(change)).sent
    assert sent.replace(second=0, microsecond=0) == datetime(2027, 7, 14, 10, tzinfo=UTC)


@pytest.mark.parametrize(("year", "fine"), [("1999", False), ("2000", True), ("2199", True), ("2200", False)])
def test_a_year_lies_in_the_times_of_cap(year: str, fine: bool) -> None:
    body = message(swap("<sent>2027", f"<sent>{year}"))
    if fine:
        assert str(read_alert(body).sent.year) == year
    else:
        with pytest.raises(Misleading):
            read_alert(body)


def test_a_message_just_as_long_as_is_read_is_read() -> None:
    body = message()
    assert read_alert(body, max_bytes=len(body)).identifier == "A"
    with pytest.raises(Unsafe):
        read_alert(body, max_bytes=len(body) - 1)


def test_levels_are_counted_as_the_dwd_does_and_an_unknown_one_is_not_the_lowest() -> None:
    assert [level(severity) for severity in ("Minor", "Moderate", "Severe", "Extreme", "Unknown")] == [1, 2, 3, 4, 2]
    (info,) = read_alert(message()).infos
    assert worst_level(()) == 0
    assert worst_level((info, replace(info, severity="Minor"))) == 3
