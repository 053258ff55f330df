"""What kind of event it is does not hang on its wording, and only weather is spoken of as weather."""

from dataclasses import replace
from itertools import permutations

import pytest

from tests.support import City, essence, meaning, outcome, snapshot, tick
from tests.told.play import Play, Said
from warnsys.cap import read_alert
from warnsys.cap.kinds import kind
from warnsys.records import Outcome

ORANGE = Said("2027-016", event="Gewitterwarnung orange", category="Met")
YELLOW = Said("2027-017", sent=5, severity="Moderate", event="Gewitterwarnung gelb", category="Met", of=ORANGE.name)


@pytest.mark.parametrize(
    ("event", "later"),
    [
        ("Gewitterwarnung orange", "Gewitterwarnung gelb"),
        ("Vigilance orange pluie-inondation", "Vigilance jaune pluie-inondation"),
        ("RED WARNING - COLD", "YELLOW WARNING - COLD"),
        ("Großbrand", "Brandgeruch"),
    ],
)
def test_an_event_text_that_names_the_level_is_lowered_and_not_ended(play: Play, event: str, later: str) -> None:
    play.look(0, replace(ORANGE, event=event))
    play.look(6, replace(ORANGE, event=event), replace(YELLOW, event=later))
    assert play.told() == play.told("sms") == ["lowered lowered Moderate"]
    assert later.split()[-1] in play.pushes[0].title["de"]
    play.look(12, Said("2027-018", sent=11, cancel=True, of=YELLOW.name))
    assert play.told() == ["ended cancelled Moderate"]


def test_a_chain_keeps_its_event_after_what_began_it_is_forgotten(play: Play) -> None:
    """Each Update names only the one before it."""
    play.look(0, replace(ORANGE, until=None))
    before, named = replace(YELLOW, until=None), ("orange", "gelb", "rot", "grün", "blau")
    for day in range(1, 5):
        before = replace(
            before, identifier=f"day-{day}", sent=day * 1440, event=f"Warnung {named[day]}", severity="Severe",
            of=(ORANGE if day == 1 else before).name,
        )  # fmt: skip
        for minute in range(0, 1440, 360):
            play.look(day * 1440 + minute, before)
            assert play.told() == [], (day, minute)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((("SAME", "TOA"),), (("SAME", "TOR"),)),
        ((("OET:v1.2", "OET-115"),), (("OET:v1.2", "OET-115"),)),
        ((("profile:DE-BBK-EVENTCODE:01.00", "BBK-EVC-040"),), (("profile:DE-BBK-EVENTCODE:01.00", "bbk-evc-040"),)),
    ],
    ids=["SAME", "OASIS", "BBK"],
)
def test_messages_with_the_same_event_code_are_one_event_without_any_reference(
    play: Play, one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...]
) -> None:
    play.look(0, replace(ORANGE, codes=one))
    play.look(6, replace(ORANGE, codes=one), replace(YELLOW, codes=other, of="", severity="Severe"))
    assert play.told() == []


@pytest.mark.parametrize(
    ("said", "group"),
    [
        (Said(codes=(("II", "61"),)), "RAIN"),
        (Said(codes=(("GROUP", "WIND"), ("SAME", "TOR"))), "WIND"),
        (Said(codes=(("SAME", "svr"),)), "THUNDERSTORM"),
        (Said(codes=(("SAME", "024019"), ("SAME", "SPS"))), "GROSSBRAND"),
        (Said(parameters=(("awareness_type", "5; high-temperature"),)), "HEAT"),
        (Said(parameters=(("awareness_type", "99; new thing"),)), "NEW THING"),
        (Said(), "GROSSBRAND"),
    ],
)
def test_the_first_of_the_known_codes_says_the_kind(said: Said, group: str) -> None:
    assert kind(read_alert(said.body()).infos[0]).group == group


def test_heat_that_becomes_a_storm_is_told_as_a_new_event_as_loud_as_any(play: Play) -> None:
    heat = replace(ORANGE, event="Hitze", parameters=(("awareness_type", "5; high-temperature"),))
    storm = replace(YELLOW, event="Sturm", severity="Severe", parameters=(("awareness_type", "1; Wind"),))
    play.look(0, heat)
    assert (play.told(), play.told("sms")) == (["warn entered Severe"], [])
    play.look(6, heat, storm)
    assert play.told() == play.told("sms") == ["warn entered Severe"]
    assert "Sturm" in play.sms[0].text


@pytest.mark.parametrize("category", ["Fire", "Health", "CBRNE", "Infra"])
def test_what_is_no_weather_is_not_spoken_of_as_weather(play: Play, category: str) -> None:
    play.look(0, Said(category=category))
    said = [play.pushes[0].title["de"], play.pushes[0].title["en"], play.sms[0].text]
    item = play.offline.situations()["solingen"].districts["solingen-1"].standing[0]
    assert item.meaning.category == category
    end = Said("2027-002", sent=5, cancel=True, of=Said().name)
    play.look(6, Said(category=category), end)
    said += [play.pushes[0].title["de"], play.pushes[0].body["en"], play.sms[0].text]
    assert not [text for text in said if "etter" in text or "weather" in text]


def test_weather_and_what_says_no_category_keep_the_dwds_words(play: Play) -> None:
    play.look(0, replace(ORANGE, category="Met"))
    assert "Unwetterwarnung, Stufe 3 von 4" in play.pushes[0].title["de"]


def worded(key: str, sent: float, group: str, severity: str, *of: str) -> Outcome:
    said = meaning(severity, group=group, ii="").model_copy(update={"worded": True})
    return outcome(key, said, sent=sent, stamp=sent, supersedes=of)


def test_whatever_order_a_chain_comes_in_it_is_the_same_event() -> None:
    chain = [worded("A", 0, "X", "Severe"), worded("B", 5, "Y", "Moderate", "A"), worded("C", 9, "Z", "Severe", "B")]
    found = []
    for order in permutations(chain):
        city = City().take(tick(9), *order, snapshot(9, "C"), tick(10))
        found.append(essence(city.situation))
    assert all(one == found[0] for one in found)
    assert [one.meaning.group for one in city.situation.districts["d1"].standing] == ["X"]


def test_two_events_of_one_message_stay_two() -> None:
    def two(key: str, wind: str, rain: str, *of: str) -> Outcome:
        said = [worded(key, 0, "WIND ROT", wind).meanings[0], worded(key, 0, "REGEN ROT", rain).meanings[0]]
        return outcome(key, *said, sent=len(of), stamp=len(of), supersedes=of)

    city = City().take(tick(0), two("A", "Severe", "Moderate"))
    told = len(city.push())
    city.take(two("B", "Moderate", "Severe", "A"))
    assert [(one.kind, one.reason, one.group) for one in city.push()[told:]] == [("update", "raised", "REGEN ROT")]
    assert {one.meaning.group for one in city.situation.districts["d1"].standing} == {"WIND ROT", "REGEN ROT"}


def told_later(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """What the public hears of a message of several events, after an earlier one that it replaces: level, event."""

    def message(key: str, number: int, events: list[tuple[str, str]], *of: str) -> Outcome:
        said = [worded(key, 0, name, how).meanings[0] for name, how in events]
        return outcome(key, *said, sent=number, stamp=number, supersedes=of)

    city = City().take(tick(0), message("A", 0, before), snapshot(0, "A"))
    told = len(city.push())
    city.take(message("B", 1, after, "A"), snapshot(1, "B"))
    return [(one.kind, one.reason, one.group) for one in city.push()[told:]]


def test_words_that_names_of_all_kinds_have_join_no_two_events() -> None:
    before = [("WARNUNG VOR STURM", "Extreme"), ("FROST", "Moderate")]
    told = told_later(before, [("WARNUNG VOR HOCHWASSER", "Severe"), ("FROST", "Moderate")])
    assert ("update", "lowered", "WARNUNG VOR STURM") not in told
    assert ("warn", "entered", "WARNUNG VOR HOCHWASSER") in told


@pytest.mark.parametrize("later", ["HOCHWASSER-WARNUNG", "HOCHWASSER", "HOCHWASSERLAGE"])
def test_an_event_that_is_called_alike_goes_on_beside_a_new_one(later: str) -> None:
    told = told_later([("HOCHWASSERWARNUNG", "Extreme")], [(later, "Minor"), ("WINDBÖEN", "Minor")])
    assert told == [("lowered", "lowered", "HOCHWASSERWARNUNG")]


@pytest.mark.parametrize(
    ("storm", "flood"),
    [
        (("STURM VIOLETT", "STURM GELB"), ("HOCHWASSER GELB", "HOCHWASSER VIOLETT")),
        (("RED - WIND", "YELLOW - WIND"), ("YELLOW - FLOOD", "RED - FLOOD")),
        (("Vent fort", "Vent modéré"), ("Crue petite", "Crue majeure")),
    ],
)
def test_two_events_that_change_places_in_a_chain_are_told_as_what_they_are(
    storm: tuple[str, str], flood: tuple[str, str]
) -> None:
    """Else nobody would hear of a flood that becomes Extreme, because an Extreme storm was told."""

    def two(key: str, number: int, severities: tuple[str, str], *of: str) -> Outcome:
        names = storm[number], flood[number]
        said = [worded(key, 0, name, how).meanings[0] for name, how in zip(names, severities, strict=True)]
        return outcome(key, *said, sent=number, stamp=number, supersedes=of)

    city = City().take(tick(0), two("A", 0, ("Extreme", "Minor")), snapshot(0, "A"))
    told = len(city.push())
    city.take(two("B", 1, ("Minor", "Extreme"), "A"), snapshot(1, "B"))
    assert [(one.kind, one.reason, one.severity) for one in city.push()[told:]] == [("warn", "entered", "Extreme")]
    assert city.push()[-1].group in flood
