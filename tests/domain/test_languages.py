"""Infos that say the same in different languages are one warning; infos that say different things are several."""

import random
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofences import GeofenceIndex, bundled, load
from warnsys.cap import languages, read_alert
from warnsys.records import AlertHeaders, Meaning
from warnsys.warning.matching import Matcher

HEADERS = AlertHeaders(stage="live", source="own", id="x", stamp=None, seen=datetime(2027, 7, 14, 12, tzinfo=UTC))
MATCHER = Matcher(GeofenceIndex(load(bundled("solingen"))))
OUTLINE = "<polygon>51.0,6.9 51.0,7.2 51.3,7.2 51.3,6.9 51.0,6.9</polygon>"
OTHER = "<circle>51.17,7.08 3</circle>"
CELL = "<geocode><valueName>WARNCELLID</valueName><value>805122000</value></geocode>"


def area(name: str, *inside: str) -> str:
    return f"<area><areaDesc>{name}</areaDesc>{''.join(inside)}</area>"


def code(value: str, name: str = "SAME") -> str:
    return f"<eventCode><valueName>{name}</valueName><value>{value}</value></eventCode>"


def info(
    language: str, event: str, *areas: str, severity: str = "Severe", response: str = "Prepare", codes: str = "",
    parameter: str = "", expires: str = "2027-07-14T18:00:00+02:00",
) -> str:  # fmt: skip
    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event>"
        f"<responseType>{response}</responseType><urgency>Immediate</urgency><severity>{severity}</severity>"
        f"<certainty>Likely</certainty>{codes}<onset>2027-07-14T14:00:00+02:00</onset><expires>{expires}</expires>"
        f"<headline>{event}</headline>{parameter}{''.join(areas) or area('Solingen', OUTLINE)}</info>"
    )


def meanings(*infos: str) -> tuple[Meaning, ...]:
    body = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A</identifier><sender>s</sender>'
        "<sent>2027-07-14T14:00:00+02:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
        f"{''.join(infos)}</alert>"
    )
    return MATCHER.decide_bytes(body.encode(), HEADERS).outcome.meanings


def events(*infos: str) -> list[dict[str, str]]:
    return [{language: text.event for language, text in meaning.texts.items()} for meaning in meanings(*infos)]


GEWITTER = [{"de": "Gewitter", "en": "Thunderstorm"}]


@pytest.mark.parametrize(
    ("german", "english"),
    [
        ((area("Stadt Solingen", OUTLINE),), (area("City of Solingen", OUTLINE),)),
        ((area("Nord", OUTLINE), area("Süd", OTHER)), (area("South", OTHER), area("North", OUTLINE))),
        ((area("Stadt", OUTLINE, OTHER),), (area("North", OUTLINE), area("South", OTHER))),
        ((area("Stadt", OUTLINE),), (area("City", OUTLINE), area("City", OUTLINE))),
        ((area("Stadt", OUTLINE),), (area("City", OUTLINE.replace("51.0,", "51.00,")),)),
        ((area("Stadt", OUTLINE),), (area("City", "<polygon>51.3,7.2 51.3,6.9 51.0,6.9 51.0,7.2 51.3,7.2</polygon>"),)),
        ((area("Stadt", OUTLINE),), (area("City", "<polygon>51.0,6.9 51.3,6.9 51.3,7.2 51.0,7.2 51.0,6.9</polygon>"),)),
        ((area("Stadt", CELL, OUTLINE),), (area("City", CELL),)),
        (
            (area("Stadt", OUTLINE, "<geocode><valueName>region</valueName><value>Köln</value></geocode>"),),
            (area("City", OUTLINE, "<geocode><valueName>region</valueName><value>Cologne</value></geocode>"),),
        ),
    ],
)
def test_languages_that_name_the_place_in_their_own_words_are_one_warning(
    german: tuple[str, ...], english: tuple[str, ...]
) -> None:
    assert events(info("de-DE", "Gewitter", *german), info("en-GB", "Thunderstorm", *english)) == GEWITTER


def test_languages_that_ask_for_other_responses_are_one_warning_but_an_all_clear_is_none() -> None:
    german = info("de-DE", "Gewitter")
    assert events(german, info("en-GB", "Thunderstorm", response="Shelter")) == GEWITTER
    assert events(german, info("en-GB", "Thunderstorm", response="AllClear")) == [{"de": "Gewitter"}]


@pytest.mark.parametrize("certainty", ["Possible", "Unknown", "sehr wahrscheinlich", ""])
def test_a_language_that_is_less_certain_or_does_not_say_is_the_same_warning(certainty: str) -> None:
    assert events(info("de", "Gewitter"), info("en", "Thunderstorm").replace("Likely", certainty)) == GEWITTER


@pytest.mark.parametrize("language", ["de-DE", "de_DE", "deu", "DE", "de-AT", "ger", "DE_de", "de"])
def test_german_is_german_however_it_is_written(language: str) -> None:
    assert events(info(language, "Gewitter"), info("en", "Thunderstorm")) == GEWITTER


def test_german_of_two_countries_is_one_warning_told_in_the_first() -> None:
    assert events(info("de-DE", "Gewitter"), info("de-AT", "Gewitter")) == [{"de": "Gewitter"}]


def test_two_events_in_german_are_two_warnings_though_their_languages_are_written_differently() -> None:
    assert events(info("de-DE", "Gewitter"), info("de", "Sturm")) == [{"de": "Gewitter"}, {"de": "Sturm"}]


TWO_EVENTS = (
    info("de", "Gewitter", codes=code("SVR")), info("de", "Sturm", codes=code("HWW")),
    info("en", "Thunderstorm", codes=code("SVR")), info("en", "Storm", codes=code("HWW")),
)  # fmt: skip
BY_PARAMETER = tuple(
    info(
        language, event, parameter=f"<parameter><valueName>awareness_type</valueName><value>{kind}</value></parameter>"
    )
    for language, event, kind in (
        ("de", "Gewitter", "3; Thunderstorm"),
        ("de", "Sturm", "1; Wind"),
        ("en", "Thunderstorm", "3; Thunderstorm"),
        ("en", "Storm", "1; Wind"),
    )
)


@pytest.mark.parametrize("order", [*permutations(range(4))])
@pytest.mark.parametrize("infos", [TWO_EVENTS, BY_PARAMETER], ids=["codes", "parameters"])
def test_infos_pair_by_what_they_state_not_by_their_order(infos: tuple[str, ...], order: tuple[int, ...]) -> None:
    found = events(*(infos[number] for number in order))
    assert sorted(found, key=lambda one: one["de"]) == [*GEWITTER, {"de": "Sturm", "en": "Storm"}]


def test_infos_of_other_codes_never_pair_so_that_no_event_is_lost() -> None:
    german, english = info("de", "Gewitter", codes=code("SVR")), info("en", "Storm", codes=code("HWW"))
    assert events(german, english) == [{"de": "Gewitter"}, {"en": "Storm"}]


def test_a_code_that_is_in_words_is_a_text_and_one_in_other_letters_the_same() -> None:
    german = info("de", "Gewitter", codes=code("schweres Gewitter", "event") + code("svr"))
    english = info("en", "Thunderstorm", codes=code("severe thunderstorm", "event") + code("SVR", "same"))
    assert events(german, english) == GEWITTER


@pytest.mark.parametrize("other", [{"severity": "Minor"}, {"expires": "2027-07-14T20:00:00+02:00"}])
def test_what_states_another_severity_or_end_is_another_warning(other: dict[str, str]) -> None:
    assert len(events(info("de", "Gewitter"), info("en", "Thunderstorm", **other))) == 2


def test_one_end_written_in_two_ways_is_one_warning() -> None:
    assert events(info("de", "Gewitter"), info("en", "Thunderstorm", expires="2027-07-14T16:00:00Z")) == GEWITTER


@given(st.permutations(["de", "en", "fr", "pl"]), st.integers(1, 3), st.randoms(use_true_random=False))
def test_as_many_warnings_as_events_in_any_order_of_languages_and_infos(
    spoken: list[str], count: int, by_chance: random.Random
) -> None:
    infos = [
        info(language, f"{language}-{number}", area(f"{language} {number}", OUTLINE), codes=code(f"E{number}"))
        for language in spoken
        for number in range(count)
    ]
    by_chance.shuffle(infos)
    found = events(*infos)
    assert len(found) == count
    assert all({event.partition("-")[2] for event in one.values()} == {one["de"].partition("-")[2]} for one in found)
    assert all(set(one) == set(spoken) for one in found)


def test_thousands_of_infos_are_paired() -> None:
    body = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A</identifier><sender>s</sender>'
        "<sent>2027-07-14T14:00:00+02:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
        f"{''.join(info(language, 'x') for language in ('de', 'en') for _ in range(2_000))}</alert>"
    )
    assert len(languages.alike(read_alert(body.encode()))) == 2_000
