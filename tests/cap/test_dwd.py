"""What DWD means by its CAP: numbers, urgency, codes, cells."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.like_dwd import DwdMessages
from warnsys.cap import dwd, read_alert
from warnsys.cap.model import Alert, Status, Urgency, values


@pytest.fixture
def alert(dwd_messages: DwdMessages) -> Alert:
    return read_alert(dwd_messages.snow)


def codes(alert: Alert) -> list[str]:
    return [finding.code for finding in dwd.findings(alert)]


def with_number(alert: Alert, number: str, urgency: Urgency) -> Alert:
    (info,) = alert.infos
    event_codes = tuple(("II", number) if name == "II" else (name, value) for name, value in info.event_codes)
    return replace(alert, infos=(replace(info, event_codes=event_codes, urgency=urgency),))


@pytest.mark.parametrize(
    ("number", "urgency", "key"),
    [
        ("40", "Immediate", "40"),
        ("40", "Future", "40-advance"),
        ("99", "Future", "99-advance"),
        ("62", "Future", "62"),
        ("62", "Immediate", "62"),
    ],
)
def test_a_number_means_another_thing_in_an_advance_notice(
    alert: Alert, number: str, urgency: Urgency, key: str
) -> None:
    (info,) = with_number(alert, number, urgency).infos
    assert dwd.event_key(dwd.event_number(info), advance=dwd.is_advance(info)) == key


@pytest.mark.parametrize(
    ("number", "urgency", "found"),
    [
        ("62", "Immediate", []),
        ("40", "Future", []),
        ("777", "Immediate", ["event-new"]),
        ("62", "Future", ["event-new"]),
    ],
)
def test_an_event_that_is_new_to_us_is_said_and_taken(
    alert: Alert, number: str, urgency: Urgency, found: list[str]
) -> None:
    assert codes(with_number(alert, number, urgency)) == found


def test_every_number_of_an_advance_notice_is_also_one_of_a_warning() -> None:
    assert dwd.ADVANCE_EVENTS < dwd.WARNING_EVENTS


def test_marks_of_an_update_are_read_and_said_and_decide_nothing(alert: Alert) -> None:
    assert not dwd.is_silent_update(alert)
    assert not dwd.is_partial_clear(alert)
    marked = replace(alert, codes=(*alert.codes, "SILENT_UPDATE", "PARTIAL_CLEAR"))
    assert dwd.is_silent_update(marked)
    assert dwd.is_partial_clear(marked)
    assert codes(marked) == ["silent-update", "partial-clear"]
    assert dwd.base_id(marked) == dwd.base_id(alert)


def test_an_id_that_is_no_beginning_of_the_identifier_is_somebody_elses_and_no_base_id(alert: Alert) -> None:
    assert dwd.base_id(replace(alert, identifier="city-1", codes=("id:city",))) == "city-1"
    assert dwd.base_id(replace(alert, identifier="city.1", codes=("x", "id:city.1"))) == "city.1"
    assert dwd.base_id(replace(alert, identifier="2.49.x.MUL", codes=("x", "id:2.49", "id:2.49.x"))) == "2.49.x"
    assert dwd.base_id(replace(alert, identifier="2.49.x.MUL", codes=("2.49.x",))) == "2.49.x.MUL"


def test_who_is_told_to_act_is_warned_whatever_else_the_response_type_says(alert: Alert) -> None:
    (info,) = alert.infos
    assert dwd.is_all_clear(replace(info, response_types=("AllClear",)))
    assert dwd.is_all_clear(replace(info, response_types=("AllClear", "Monitor")))
    assert not dwd.is_all_clear(replace(info, response_types=("AllClear", "Prepare")))


def test_a_test_number_beside_another_one_makes_it_a_test(alert: Alert) -> None:
    (info,) = alert.infos
    both = replace(info, event_codes=(("II", "62"), ("II", "99")))
    assert dwd.is_test(replace(alert, infos=(both,)))


def test_a_ceiling_of_nothing_is_no_limit(alert: Alert) -> None:
    area = replace(alert.infos[0].areas[0], altitude_ft=0.0, ceiling_ft=0.0)
    assert dwd.height_band_m(area) == (None, None)


def cells(alert: Alert) -> set[str]:
    return {cell for info in alert.infos for area in info.areas for cell in dwd.warn_cells(area)}


def new(alert: Alert, known: Iterable[str]) -> list[str]:
    return [finding.text.split()[2] for finding in dwd.new_cells(alert, set(known))]


def test_a_cell_that_is_not_in_the_catalogue_is_said_once_however_many_languages_there_are(alert: Alert) -> None:
    assert new(alert, cells(alert)) == []
    (info,) = alert.infos
    both = replace(alert, infos=(info, replace(info, language="en")))
    assert new(both, cells(alert) - {"805122000"}) == ["805122000"]


def test_new_cells_are_named_with_their_info_in_order(alert: Alert) -> None:
    (info,) = alert.infos
    cell, other = (replace(info.areas[0], geocodes=(("WARNCELLID", number),)) for number in ("2", "1"))
    infos = (
        replace(info, areas=(cell,)),
        replace(info, language="en", areas=(other,)),
        replace(info, language="fr", areas=(cell,)),
        replace(info, language="es", areas=(replace(cell, geocodes=(("WARNCELLID", "3"), ("WARNCELLID", "2"))),)),
    )
    told = [(finding.where, finding.text.split()[2]) for finding in dwd.new_cells(replace(alert, infos=infos), ())]
    assert told == [
        ("/alert/info[1]/area/geocode", "2"),
        ("/alert/info[2]/area/geocode", "1"),
        ("/alert/info[4]/area/geocode", "3"),
    ]
    assert new(replace(alert, infos=()), ()) == []


@pytest.mark.parametrize(
    ("codes", "leading"),
    [
        (("RAIN", "THUNDERSTORM"), "THUNDERSTORM"),
        (("TORNADO", "THUNDERSTORM"), "THUNDERSTORM"),
        (("WIND", "RAIN"), "RAIN"),
        (("METEORITE", "UV"), "UV"),
        (("METEORITE", "COMET"), "METEORITE"),
        ((), "LEICHTER SCHNEEFALL"),
    ],
)
def test_an_event_of_several_groups_is_known_by_the_one_that_people_know_it_by(
    alert: Alert, codes: tuple[str, ...], leading: str
) -> None:
    (info,) = alert.infos
    grouped = replace(info, event="leichter Schneefall", event_codes=tuple(("GROUP", code) for code in codes))
    assert dwd.leading_group(grouped) == leading
    assert dwd.groups(grouped) == codes


def test_an_event_of_no_group_and_no_name_is_unknown(alert: Alert) -> None:
    (info,) = alert.infos
    assert dwd.leading_group(replace(info, event="", event_codes=())) == "UNKNOWN"
    assert dwd.event_number(replace(info, event_codes=())) == ""


@pytest.mark.parametrize(
    ("identifier", "base"),
    [
        ("2.49.0.0.276.0.DWD.PVW.1.a.MUL", "2.49.0.0.276.0.DWD.PVW.1.a"),
        ("2.49.0.0.276.0.DWD.PVW.1.a", "2.49.0.0.276.0.DWD.PVW.1.a"),
        ("2.49.0.0.840.0.NWS.1.MUL", "2.49.0.0.840.0.NWS.1.MUL"),
    ],
)
def test_the_language_is_no_part_of_a_dwd_id_and_nothing_is_taken_from_others(identifier: str, base: str) -> None:
    assert dwd.without_language(identifier) == base


@pytest.mark.parametrize("status", ["Test", "Draft", "System"])
def test_whatever_is_neither_actual_nor_an_exercise_is_a_test(alert: Alert, status: Status) -> None:
    assert dwd.is_test(replace(alert, status=status))
    assert not dwd.is_test(replace(alert, status="Exercise"))


@pytest.mark.parametrize(
    ("altitude", "ceiling", "band"),
    [
        (0.0, 9842.5197, (None, None)),
        (0.1, 9842.5, (0.03048, 2999.994)),
        (0.0, 0.5, (None, 0.1524)),
        (None, None, (None, None)),
        (1000.0, None, (304.8, None)),
        (-10.0, 100.0, (None, 30.48)),
        (29_099.0, None, (8869.3752, None)),
        (29_100.0, None, (None, None)),
        (1e299, 1e300, (None, None)),
    ],
)
def test_a_limit_of_height_counts_where_it_is_one(
    alert: Alert, altitude: float | None, ceiling: float | None, band: tuple[float | None, float | None]
) -> None:
    area = replace(alert.infos[0].areas[0], altitude_ft=altitude, ceiling_ft=ceiling)
    assert dwd.height_band_m(area) == pytest.approx(band)


def test_what_is_new_in_the_profile_is_said_of_each_info_with_its_place(alert: Alert) -> None:
    (info,) = alert.infos
    odd = replace(info, event_codes=(("PROFILE_VERSION", "9"), ("II", "777"), ("GROUP", "Z"), ("GROUP", "Y")))
    told = [(one.code, one.where, one.text) for one in dwd.findings(replace(alert, infos=(info, odd)))]
    where = "/alert/info[2]/eventCode"
    advance = replace(info, urgency="Future", event_codes=(("II", "62"),))
    assert [(one.code, one.where, one.text) for one in dwd.findings(replace(alert, infos=(advance,)))] == [
        ("event-new", "/alert/info[1]/eventCode", "event number '62' is new in an advance notice")
    ]
    assert told == [
        ("profile-new", where, "profile version '9' is new"),
        ("event-new", where, "event number '777' is new"),
        ("group-new", where, "event group 'Y' is new"),
        ("group-new", where, "event group 'Z' is new"),
    ]


def test_a_language_with_other_areas_has_its_own_cells_looked_up(alert: Alert) -> None:
    (info,) = alert.infos
    areas = tuple(area for area in info.areas if values(area.geocodes, "WARNCELLID"))[:3]
    both = replace(alert, infos=(replace(info, areas=areas[:1]), replace(info, language="en", areas=areas)))
    assert new(both, ()) == [cell for area in areas for cell in dwd.warn_cells(area)]
