"""What is written is read as it was, in the form that the standard asks for."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.cap.test_every_element import WHOLE
from tests.like_dwd import ours
from warnsys.cap import CapError, forms, read_alert, read_bundle
from warnsys.cap.model import (
    Alert,
    Area,
    Certainty,
    Circle,
    Info,
    MsgType,
    Reference,
    Resource,
    Severity,
    Status,
    Urgency,
)
from warnsys.cap.read import CATEGORIES, RESPONSE_TYPES
from warnsys.cap.write import write_alert

ORDER = {
    "alert": """identifier sender sent status msgType source scope restriction addresses code note references incidents
        info""",
    "info": """language category event responseType urgency severity certainty audience eventCode effective onset
        expires senderName headline description instruction web contact parameter resource area""",
    "resource": "resourceDesc mimeType size uri derefUri digest",
    "area": "areaDesc polygon circle geocode altitude ceiling",
    "eventCode": "valueName value",
    "parameter": "valueName value",
    "geocode": "valueName value",
}
"""CAP 1.2, appendix A."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")

letters = st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"], include_characters="\n\t\r<&>\"'")
texts = st.text(letters, max_size=12).map(str.strip).filter(lambda text: forms.plain(text) == text)
"""As they are read: without markup."""
something = texts.filter(bool)
words = st.text(
    st.characters(codec="utf-8", categories=["L", "N"], include_characters=".-_@:/"), min_size=1, max_size=9
)
pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
zones = st.one_of(
    st.just(UTC), st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)
times = st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=zones).map(  # noqa: DTZ001 - zones follow
    lambda moment: moment.replace(microsecond=0)
)
lons, lats = st.floats(-180, 180), st.floats(-90, 90)
points = st.tuples(lons, lats).filter(lambda point: point != (-1, -1))
rings = (
    st.lists(points, min_size=3, max_size=6, unique=True)
    .filter(lambda found: len({(x + 0.0, y + 0.0) for x, y in found}) > 2)
    .map(lambda found: (*found, found[0]))
)
heights = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def areas(draw: st.DrawFn) -> Area:
    altitude, ceiling = draw(heights), draw(heights)
    if altitude is not None and ceiling is not None and altitude > ceiling:
        altitude, ceiling = ceiling, altitude
    return Area(
        desc=draw(texts),
        polygons=tuple(draw(st.lists(rings, max_size=2))),
        circles=tuple(draw(st.lists(st.builds(Circle, lons, lats, st.floats(0, 20_000)), max_size=2))),
        geocodes=tuple(
            draw(st.lists(st.tuples(something.filter(lambda name: name != "EXCLUDE_POLYGON"), something), max_size=2))
        ),
        excluded=tuple(draw(st.lists(rings, max_size=2))),
        altitude_ft=altitude,
        ceiling_ft=ceiling,
    )


resources = st.builds(
    Resource, desc=texts, mime_type=texts, size=st.one_of(st.none(), st.integers(0, 10**17)), uri=texts, digest=texts
)
CODES = {**CATEGORIES, **RESPONSE_TYPES}
several = st.lists(something.filter(lambda text: forms.code(text, CODES) == text), max_size=2).map(tuple)
"""Codes as they are read: a known one in other letters is not what was written."""
infos = st.builds(
    Info,
    event=texts,
    urgency=st.sampled_from(get_args(Urgency)),
    severity=st.sampled_from(get_args(Severity)),
    certainty=st.sampled_from(get_args(Certainty)),
    language=something.map(forms.language),
    categories=several,
    response_types=several,
    audience=texts,
    event_codes=pairs,
    effective=st.none() | times,
    onset=st.none() | times,
    expires=st.none() | times,
    sender_name=texts,
    headline=texts,
    description=texts,
    instruction=texts,
    web=texts,
    contact=texts,
    parameters=pairs,
    resources=st.lists(resources, max_size=2).map(tuple),
    areas=st.lists(areas(), max_size=2).map(tuple),
)
alerts = st.builds(
    Alert,
    identifier=something,
    sender=texts,
    sent=times,
    status=st.sampled_from(get_args(Status)),
    msg_type=st.sampled_from(get_args(MsgType)),
    scope=texts,
    source=texts,
    restriction=texts,
    addresses=texts,
    codes=several,
    note=texts,
    references=st.lists(
        st.builds(Reference, words, st.just("") | words, st.just("") | words), max_size=3, unique=True
    ).map(tuple),
    incidents=texts,
    infos=st.lists(infos, min_size=1, max_size=2).map(tuple),
)


def again(alert: Alert) -> Alert:
    """Findings tell of the bytes that were read, not of what they say."""
    return replace(read_alert(write_alert(alert)), findings=())


@given(alert=alerts)
def test_any_alert_that_is_written_is_read_as_it_was(alert: Alert) -> None:
    assert again(alert) == alert
    assert replace(read_alert(write_alert(alert, pretty=True)), findings=()) == alert


def test_every_element_survives() -> None:
    alert = replace(read_alert(WHOLE.encode()), findings=())
    assert again(alert) == alert


def test_eight_languages_holes_and_heights_survive() -> None:
    (member,) = read_bundle(ours().test)
    for body in (member.body, ours().snow, ours().update):
        alert = replace(read_alert(body), findings=())
        assert again(alert) == alert
    assert len(read_alert(member.body).infos) == 8
    snow = again(read_alert(ours().snow)).infos[0].areas[0]
    assert (len(snow.excluded), snow.altitude_ft, snow.ceiling_ft) == (4, 656.16798, 9842.5197)


def test_every_real_message_survives(corpus: Path) -> None:
    count = 0
    for path in sorted(corpus.rglob("*")):
        if path.suffix not in (".xml", ".cap", ".zip"):
            continue
        content = path.read_bytes()
        for body in [m.body for m in read_bundle(content)] if path.suffix == ".zip" else [content]:
            try:
                alert = replace(read_alert(body), findings=())
            except CapError:
                continue
            levelled = replace(alert, sent=alert.sent.replace(microsecond=0))
            assert again(levelled) == levelled, path
            count += 1
    assert count > 20


@given(alert=alerts)
def test_elements_stand_in_the_order_of_the_standard(alert: Alert) -> None:
    assert_form(etree.fromstring(write_alert(alert)))


def assert_form(root: etree._Element) -> None:
    """Elements stand in the order of the standard, and times have the form that it asks for."""
    for element in root.iter():
        name = etree.QName(element).localname
        if name in ORDER:
            found = [etree.QName(child).localname for child in element]
            assert found == sorted(found, key=ORDER[name].split().index)
        if name in ("sent", "effective", "onset", "expires"):
            assert TIME.fullmatch(element.text or "")
            assert not (element.text or "").endswith("+00:00")


def test_utc_is_written_as_the_standard_asks() -> None:
    alert = Alert("i", "s", datetime(2027, 7, 14, 12, tzinfo=UTC), "Actual", "Cancel", "Public")
    assert b"<sent>2027-07-14T12:00:00-00:00</sent>" in write_alert(alert)


def test_numbers_have_no_exponent() -> None:
    area = Area("a", (((1e-7, 1e-9), (1, 0), (1, 1), (1e-7, 1e-9)),), altitude_ft=1e-9, ceiling_ft=1e22)
    info = Info("e", "Immediate", "Minor", "Likely", areas=(area,))
    alert = Alert("i", "s", datetime(2027, 7, 14, 12, tzinfo=UTC), "Actual", "Alert", "Public", infos=(info,))
    assert not re.search(rb">[^<]*\d[eE][-+]?\d", write_alert(alert))
    assert again(alert) == alert
