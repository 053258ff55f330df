"""An end or a lowering says what still holds there: without it, it would read as an all-clear."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import City, at, cancel, city_rules, meaning, outcome, rejected, snapshot, tick
from warnsys.cap.model import SEVERITIES, level
from warnsys.channels import sms, still
from warnsys.channels.events import event_name
from warnsys.channels.wording import CityInfo
from warnsys.channels.words import LANGUAGES, messages
from warnsys.records import ImpactRecord, Meaning, NoticeKind, Outcome, PushNotice, SmsNotice
from warnsys.warning.difference import Reason
from warnsys.warning.facts import Fact
from warnsys.warning.notification_log import LogEntry
from warnsys.warning.notify import Change
from warnsys.warning.policy import Policy, Rule
from warnsys.warning.situation import DistrictSituation, Situation, Standing, grade

BERLIN = city_rules().place.timezone
STORM = meaning("Severe", group="THUNDERSTORM", ii="42", expires=125)
GUSTS = meaning("Moderate", group="WIND", ii="52", expires=200)
ONE = CityInfo("x", "Xstadt", city_rules(1).place.districts, BERLIN, "https://x")


def rain_ends(*beside: Meaning, minute: float = 10, districts: int = 2) -> City:
    """It rains, other things hold beside it, and the rain is cancelled."""
    city = City(city_rules(districts))
    names = [f"d{number + 1}" for number in range(districts)]
    others = [f"O{number}" for number in range(len(beside))]
    city.take(tick(0), outcome("A", meaning("Severe", districts=names)))
    city.take(*(outcome(key, one) for key, one in zip(others, beside, strict=True)), snapshot(0, "A", *others))
    return city.take(tick(minute), cancel("C", "A", minute), snapshot(minute, "C", *others))


def rain_is_lowered(*beside: Meaning, to: Meaning | None = None) -> City:
    others = [f"O{number}" for number in range(len(beside))]
    city = City().take(tick(0), outcome("A", meaning("Severe")))
    city.take(*(outcome(key, one) for key, one in zip(others, beside, strict=True)), snapshot(0, "A", *others))
    less = outcome("B", to or meaning("Moderate"), stamp=10, sent=10, supersedes=["A"])
    return city.take(tick(10), less, snapshot(10, "B", *others))


def goes_on(city: City, audience: str = "public") -> str:
    """The sentence of the last push that says what goes on; "" for none."""
    body = city.push(audience)[-1].body["de"]
    return " ".join(re.findall(r"(?:Es gilt weiter|Später gilt): .*?[.](?= [A-Z]|$)", body))


def test_a_longer_end_at_a_lower_level_names_what_is_worse_and_still_holds() -> None:
    """Else "level 2, extended to 17:00" reads as if the level 3 that was told of were over."""
    city = City().take(tick(0), outcome("A", STORM), snapshot(0, "A"))
    tail = STORM.model_copy(update={"severity": "Moderate", "ii": "33", "onset": at(40), "expires": at(300)})
    city.take(tick(5), outcome("B", tail, stamp=5, sent=5), snapshot(5, "A", "B"))
    notice = city.push()[-1]
    assert "Stufe 2 von 4" in notice.title["de"]
    assert "verlängert um" in notice.body["de"]
    assert goes_on(city) == "Es gilt weiter: schweres Gewitter, heftiger Starkregen bis 16:05 Uhr."
    assert "severe thunderstorms, very heavy rain until 16:05" in notice.body["en"]
    loud = city_rules(
        policy=Policy().model_copy(update={"rules": (Rule(audience="public", channel="sms", warnings="Moderate"),)})
    )
    other = City(loud).take(tick(0), outcome("A", STORM), snapshot(0, "A"))
    other.take(tick(5), outcome("B", tail, stamp=5, sent=5), snapshot(5, "A", "B"))
    assert "Weiter: schweres Gewitter bis 16:05." in other.sms()[-1].text


def test_where_districts_differ_what_is_worse_in_one_of_them_is_named() -> None:
    worse = meaning("Extreme", districts=["d2"], ii="66", expires=245)
    city = City().take(tick(0), outcome("A", worse), outcome("M", meaning("Moderate", districts=["d1"], ii="61")))
    city.take(snapshot(0, "A", "M"), tick(5), outcome("B", meaning("Severe", expires=300), stamp=5, sent=5))
    city.take(snapshot(5, "A", "M", "B"))
    notice = city.push()[-1]
    assert notice.districts == ("d1", "d2")
    assert "(D2) bis 18:05 Uhr" in goes_on(city)


def test_what_holds_until_something_worse_begins_is_named_beside_it() -> None:
    both = meaning("Severe", onset=400, expires=600), meaning("Moderate", ii="61", expires=200)
    city = City().take(tick(0), outcome("A", *both), snapshot(0, "A"))
    assert [notice.level for notice in city.push()] == [3]
    assert "bis 17:20 Uhr" in goes_on(city)


def test_a_longer_end_of_the_worst_itself_repeats_nothing_and_no_other_kind_of_event() -> None:
    city = City().take(tick(0), outcome("A", STORM), outcome("G", GUSTS), snapshot(0, "A", "G"))
    longer = STORM.model_copy(update={"expires": at(300)})
    city.take(tick(5), outcome("B", longer, stamp=5, sent=5, supersedes=["A"]), snapshot(5, "B", "G"))
    assert "verlängert um" in city.push()[-1].body["de"]
    assert goes_on(city) == ""
    gusts = GUSTS.model_copy(update={"expires": at(400)})
    city.take(tick(10), outcome("H", gusts, stamp=10, sent=10, supersedes=["G"]), snapshot(10, "B", "H"))
    assert "Sturmböen" in city.push()[-1].title["de"]
    assert goes_on(city) == "", "wind says nothing of the thunderstorm"


def test_an_end_names_what_still_holds_there_with_its_own_end() -> None:
    city = rain_ends(STORM)
    assert city.push()[-1].body == {
        "de": "Ganz Xstadt: Die Unwetterwarnung ist beendet (aufgehoben). "
        "Es gilt weiter: schweres Gewitter, heftiger Starkregen bis 16:05 Uhr. "
        "Folgegefahren sind möglich, Wasser kann weiter steigen. Datenbasis: Deutscher Wetterdienst, Text gekürzt",
        "en": "All of Xstadt: The severe weather warning has ended (cancelled). "
        "Still in force: severe thunderstorms, very heavy rain until 16:05. "
        "Dangers may remain, water may still be rising. Data: Deutscher Wetterdienst, text shortened",
    }
    assert city.sms()[-1].text == (
        "Die Unwetterwarnung ist beendet (aufgehoben): heftiger Starkregen. Ganz Xstadt. "
        "Weiter: schweres Gewitter bis 16:05. Daten: DWD, gekürzt"
    )


def test_a_lowering_names_what_still_holds_beside_it() -> None:
    city = rain_is_lowered(STORM)
    assert goes_on(city) == "Es gilt weiter: schweres Gewitter, heftiger Starkregen bis 16:05 Uhr."
    assert city.sms()[-1].text == (
        "Markante Wetterwarnung: heftiger Starkregen. Ganz Xstadt: herabgestuft. Mi 14.07. 14:00-18:00. "
        "Weiter: schweres Gewitter bis 16:05. Daten: DWD, gekürzt"
    )


def test_what_a_lowering_says_itself_is_not_said_twice() -> None:
    assert goes_on(rain_is_lowered()) == ""
    assert "eiter" not in rain_is_lowered().sms()[-1].text


def test_where_nothing_else_holds_an_end_says_nothing_of_it() -> None:
    assert goes_on(rain_ends()) == ""
    assert "Folgegefahren" in rain_ends().sms()[-1].text


def test_an_end_beside_a_warning_that_nobody_can_read_says_that_others_are_not_known() -> None:
    city = City().take(tick(0), outcome("A", meaning()), rejected("B"), snapshot(0, "A", "B"))
    city.take(tick(10), cancel("C", "A", 10), snapshot(10, "C", "B"))
    assert city.status() == "no_data"
    assert "beendet (aufgehoben). Ob anderes gilt, ist zurzeit nicht bekannt. Folge" in city.push()[-1].body["de"]
    assert city.sms()[-1].text == (
        "Die Unwetterwarnung ist beendet (aufgehoben): heftiger Starkregen. Ganz Xstadt. "
        "Ob anderes gilt, ist zurzeit nicht bekannt. Daten: DWD, gekürzt"
    )


def test_an_end_beside_what_expired_unconfirmed_says_that_others_are_not_known() -> None:
    city = City().take(tick(0), outcome("A", meaning(group="WIND", ii="52")), outcome("B", meaning(expires=29)))
    city.take(snapshot(0, "A", "B"), tick(30), cancel("C", "A", 30), snapshot(30, "B", "C"))
    assert city.status() == "unconfirmed"
    assert "Ob anderes gilt, ist zurzeit nicht bekannt." in city.push()[-1].body["de"]


def storms_in_three_of_five(then: Outcome, *, severity: str = "Severe") -> City:
    """Storms in d1, d2 and d3, beside gusts and rain that last longer; then something becomes of those in d1 and d2."""
    city = City(city_rules(5)).take(tick(0))
    for key, where in (("A", ["d1", "d2"]), ("A3", ["d3"])):
        city.take(outcome(key, meaning(severity, group="THUNDERSTORM", ii="46", districts=where)))
    for key, number, group, end in (("W", "54", "WIND", 900), ("H", "65", "RAIN", 1500)):
        city.take(outcome(key, meaning(group=group, ii=number, expires=end, districts=["d1", "d2", "d3"])))
    city.take(snapshot(0, "A", "A3", "W", "H"), then)
    return city.take(snapshot(10, then.base_id, "A3", "W", "H"))


def test_an_sms_of_an_end_in_a_part_of_the_city_names_it_whatever_goes_on() -> None:
    """Else who reads it in the third district takes his own warning for ended."""
    assert storms_in_three_of_five(cancel("C", "A", 10)).sms()[-1].text == (
        "Die Unwetterwarnung ist beendet: schweres Gewitter... D1, D2. "
        "Weiter: ergiebiger Dauerregen bis Do 15.07. 15:00; und weitere. Daten: DWD, gekürzt"
    )


def test_an_sms_of_a_lowering_in_a_part_of_the_city_says_that_and_where_whatever_goes_on() -> None:
    less = meaning("Moderate", group="THUNDERSTORM", ii="33", districts=["d1", "d2"])
    city = storms_in_three_of_five(outcome("B", less, sent=10, stamp=10, supersedes=["A"]), severity="Extreme")
    assert ". D1, D2: herabgestuft" in city.sms()[-1].text
    assert "Weiter: ergiebiger Dauerregen Stufe 3; und weitere." in city.sms()[-1].text


def test_an_end_says_of_a_district_in_doubt_that_others_are_not_known_though_another_is_warned() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("G", meaning(group="WIND", ii="54", districts=["d1"])))
    city.take(snapshot(0, "A", "G"), tick(1), rejected("R", 7), cancel("C", "A", 7), snapshot(7, "C", "G", "R"))
    assert [city.status("d1"), city.status("d2")] == ["warned", "no_data"]
    assert ". Es gilt weiter: orkanartige Böen (D1) bis 18:00 Uhr. Ob anderes gilt, ist " in city.push()[-1].body["de"]
    assert "Anderes: nicht bekannt." in city.sms()[-1].text


def test_what_is_not_worth_a_name_leaves_others_in_doubt() -> None:
    """A Minor warning stands, so the district is warned; the end names it to nobody."""
    city = City().take(tick(0), outcome("A", meaning()), outcome("G", meaning("Minor", group="WIND", ii="51")))
    city.take(snapshot(0, "A", "G"), tick(1), rejected("R", 7), cancel("C", "A", 7), snapshot(7, "C", "G", "R"))
    assert "beendet (aufgehoben). Ob anderes gilt, ist zurzeit nicht bekannt." in city.push()[-1].body["de"]


def test_an_end_of_a_long_event_keeps_its_districts_where_nothing_goes_on() -> None:
    event = "Hochwasser und Überflutung kleiner Flüsse und Bäche"
    where = [f"d{number}" for number in range(1, 11)]
    flood = meaning(districts=where, ii="")
    texts = {"de": flood.texts["de"].model_copy(update={"event": event})}
    flood = flood.model_copy(update={"texts": texts, "sender_name": "Landesamt für Umwelt Nordrhein"})
    city = City(city_rules(12)).take(tick(0), outcome("A", flood), snapshot(0, "A"), tick(1))
    city.take(cancel("C", "A", 6), snapshot(6, "C"), tick(7))
    assert ". D1, D10, D2, D3, D4, D5, D6, D7, D8, D9. " in city.sms()[-1].text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", [["d1", "d2", "d9"], [f"d{number}" for number in range(1, 13)]], ids=["part", "all"])
def test_an_sms_says_that_it_lowers_whatever_goes_on_and_however_long_its_words_are(
    where: list[str], language: str
) -> None:
    rule = Rule.model_validate({"audience": "public", "channel": "sms", "warnings": "Severe", "languages": [language]})
    city = City(city_rules(12, Policy(rules=(rule,), defaults=False))).take(tick(0))

    def storm(severity: str, number: str) -> Meaning:
        return meaning(severity, group="THUNDERSTORM", ii=number, districts=where, onset=300, expires=1020)

    wind = meaning(group="WIND", ii="54", expires=900, districts=[f"d{number}" for number in range(1, 13)])
    city.take(outcome("A", storm("Extreme", "48")), outcome("W", wind), snapshot(0, "A", "W"), tick(1))
    city.take(outcome("B", storm("Severe", "42"), supersedes=["A"], stamp=6, sent=6), snapshot(6, "B", "W"), tick(7))
    assert messages(language)("brief-lowered") in city.sms()[-1].text


def test_several_things_that_hold_are_named_the_worst_first() -> None:
    assert goes_on(rain_ends(GUSTS, STORM)) == (
        "Es gilt weiter: schweres Gewitter, heftiger Starkregen bis 16:05 Uhr; Sturmböen bis 17:20 Uhr."
    )


def test_also_what_is_less_than_a_channel_tells_is_named_where_its_warning_ended() -> None:
    assert "Weiter: Sturmböen bis 17:20" in rain_ends(GUSTS).sms()[-1].text.replace("Es gilt weiter", "Weiter")


def test_what_is_minor_is_named_only_where_the_channel_tells_it() -> None:
    breeze = meaning("Minor", group="WIND", ii="51", expires=200)
    assert goes_on(rain_ends(breeze)) == ""
    everything = Policy(rules=(Rule(audience="public", channel="push", warnings="Minor"),))
    city = City(city_rules(policy=everything)).take(tick(0), outcome("A", meaning("Severe")), outcome("O", breeze))
    city.take(snapshot(0, "A", "O"), tick(10), cancel("C", "A", 10), snapshot(10, "C", "O"))
    assert goes_on(city) == "Es gilt weiter: Windböen bis 17:20 Uhr."


def test_what_holds_in_a_part_of_the_districts_says_where() -> None:
    here = meaning("Moderate", group="WIND", ii="52", expires=200, districts=["d2"])
    assert goes_on(rain_ends(here)) == "Es gilt weiter: Sturmböen (D2) bis 17:20 Uhr."


def test_many_districts_of_it_are_counted() -> None:
    some = meaning("Moderate", group="WIND", ii="52", expires=200, districts=["d1", "d2", "d3", "d4"])
    assert goes_on(rain_ends(some, districts=5)) == "Es gilt weiter: Sturmböen (4 von 5 Bezirken) bis 17:20 Uhr."


def test_what_holds_in_other_districts_only_is_not_named() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", districts=["d1"])))
    city.take(outcome("O", meaning("Severe", group="WIND", ii="52", districts=["d2"])), snapshot(0, "A", "O"))
    city.take(tick(10), cancel("C", "A", 10), snapshot(10, "C", "O"))
    assert city.push()[-1].kind == "ended"
    assert goes_on(city) == ""
    assert "eiter" not in city.sms()[-1].text


def test_what_has_expired_is_not_named_though_nothing_has_confirmed_it() -> None:
    city = rain_ends(meaning("Severe", group="WIND", ii="52", expires=30), minute=40)
    assert [one.phase for one in city.situation.districts["d1"].standing] == []
    late = City().take(
        tick(0), outcome("A", meaning("Severe")), outcome("O", GUSTS.model_copy(update={"expires": at(20)}))
    )
    late.take(snapshot(0, "A", "O"), tick(21), outcome("B", meaning("Moderate"), stamp=20, sent=20, supersedes=["A"]))
    assert [one.phase for one in late.situation.districts["d1"].standing] == ["warning", "expired"]
    assert (late.push()[-1].kind, goes_on(city), goes_on(late)) == ("lowered", "", "")


def test_another_day_and_a_later_begin_are_said() -> None:
    tonight = meaning("Severe", group="WIND", ii="52", onset=300, expires=420)
    until_morning = meaning("Moderate", group="SNOWFALL", ii="71", expires=900)
    assert goes_on(rain_ends(tonight, until_morning)) == (
        "Es gilt weiter: Schneefall bis Do 15.07. 05:00 Uhr. Später gilt: Sturmböen, Mi 14.07. 19:00 bis 21:00 Uhr."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_has_not_begun_is_said_to_go_on(language: str) -> None:
    later = meaning("Extreme", group="WIND", ii="56", onset=300, expires=420)
    body = rain_ends(later).push()[-1].body[language]
    assert messages(language)("still-later", what="|").split("|")[0] in body
    assert messages(language)("still-holds", what="|").split("|")[0] not in body


def test_what_goes_on_is_named_however_much_worse_comes_later() -> None:
    later = [meaning("Extreme", group=f"G{number}", ii="52", onset=300, expires=400 + number) for number in range(7)]
    said = goes_on(rain_ends(GUSTS, *later))
    assert said.startswith("Es gilt weiter: Sturmböen bis 17:20 Uhr. Später gilt: ")
    assert said.endswith("; und weitere.")
    assert said.count(" bis ") == still.MOST_NAMED


def test_what_has_no_end_says_so() -> None:
    assert goes_on(rain_ends(meaning("Severe", group="WIND", ii="52", expires=None))) == (
        "Es gilt weiter: Sturmböen, Ende offen."
    )


def test_an_advance_notice_is_called_one_and_told_to_those_who_are_told_of_them() -> None:
    city = rain_ends(meaning("Severe", group="WIND", ii="52", urgency="Future", onset=300, expires=420))
    assert goes_on(city) == ""
    assert goes_on(city, "staff") == "Später gilt: Vorabinformation Sturmböen, Mi 14.07. 19:00 bis 21:00 Uhr."


def test_a_warning_beside_an_advance_notice_of_its_group_is_named_where_that_is_all_the_lowering_says() -> None:
    early = meaning("Severe", urgency="Future", onset=100)
    city = City().take(tick(0), outcome("A", meaning("Severe", expires=60)), outcome("O", early), snapshot(0, "A", "O"))
    less = outcome("B", meaning("Moderate", expires=60), stamp=10, sent=10, supersedes=["A"])
    city.take(tick(10), less, snapshot(10, "B", "O"))
    told = city.push("staff")[-1]
    assert (told.kind, told.level) == ("lowered", 3)
    assert goes_on(city, "staff") == "Es gilt weiter: heftiger Starkregen bis 15:00 Uhr."


def test_what_is_less_bad_of_the_same_group_is_named_where_it_ends_later_or_began_already() -> None:
    later = meaning("Moderate", group="THUNDERSTORM", ii="31", expires=300)
    covered = meaning("Moderate", group="THUNDERSTORM", ii="31", expires=100)
    assert goes_on(rain_ends(STORM, later, covered)) == (
        "Es gilt weiter: schweres Gewitter, heftiger Starkregen bis 16:05 Uhr; Gewitter bis 19:00 Uhr."
    )
    assert "Gewitter bis 15:40" not in goes_on(rain_ends(STORM, covered))
    not_yet = meaning("Severe", group="THUNDERSTORM", ii="42", onset=100, expires=125)
    assert "Gewitter bis 15:40 Uhr" in goes_on(rain_ends(not_yet, covered))


def test_many_cells_of_one_group_are_one_event() -> None:
    cells = [meaning("Severe", group="THUNDERSTORM", ii="42", expires=60 + number) for number in range(20)]
    assert goes_on(rain_ends(*cells, GUSTS)) == (
        "Es gilt weiter: schweres Gewitter, heftiger Starkregen bis 15:19 Uhr; Sturmböen bis 17:20 Uhr."
    )


def test_that_there_is_more_than_is_named_is_said() -> None:
    some = [
        meaning("Severe", group=f"G{number}", ii="52", expires=60 + number) for number in range(still.MOST_NAMED + 3)
    ]
    assert goes_on(rain_ends(*some)).endswith("; und weitere.")
    assert goes_on(rain_ends(*some)).count(" bis ") == still.MOST_NAMED


def test_a_new_warning_and_an_extension_name_nothing_else() -> None:
    city = City().take(tick(0), outcome("O", STORM), outcome("A", meaning("Severe")), snapshot(0, "A", "O"))
    city.take(tick(10), outcome("B", meaning("Severe", expires=500), stamp=10, sent=10, supersedes=["A"]))
    assert {one.kind for one in city.push()} == {"warn", "update"}
    assert all("gilt weiter" not in one.body["de"] for one in city.push())


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("live", ". Ganz Xstadt: herabgestuft. Mi 14.07. 14:35-17:20. "),
        ("drill", ". Herabgestuft. Mi 14.07. 14:35-17:20. "),
    ],
)
def test_an_sms_of_a_lowering_names_the_worst_that_holds_and_the_worst_that_comes(stage: str, said: str) -> None:
    """With their levels, where there is no room for their times."""
    fell = meaning("Moderate", group="WIND", ii="52", onset=35, expires=200)
    storm = meaning("Severe", group="THUNDERSTORM", ii="44", expires=55, districts=["d1", "d2", "d3", "d4"])
    rain = meaning("Extreme", ii="66", onset=200, expires=1500, districts=FIVE_NAMES)
    one = Change(SMS_RULE, "lowered", "lowered", "A", (), fell, FIVE_NAMES, LogEntry(grade=9, onset=at(0)))
    text = sms.notice(FIVE, one, where_all_hold([storm, rain]), stage).text
    assert text.endswith(f"{said}Weiter: teils Gewitter Stufe 3. Später: Regen Stufe 4. Daten: DWD, gekürzt")


def test_an_sms_keeps_the_place_where_the_list_of_phenomena_is_cut() -> None:
    fell = meaning("Moderate", group="THUNDERSTORM", ii="38", onset=35, expires=120)
    rain = meaning(expires=170, districts=["d5"])
    one = Change(SMS_RULE, "lowered", "lowered", "A", (), fell, FIVE_NAMES, LogEntry(grade=9, onset=at(0)))
    called = tuple(replace(district, short_name="Ohligs/Aufd.") for district in FIVE.districts)
    text = sms.notice(replace(FIVE, districts=called), one, where_all_hold([rain]), "drill").text
    assert text == (
        "ÜBUNG: Markante Wetterwarnung: starkes Gewitter... Ganz Xstadt: herabgestuft. Mi 14.07. 14:35-16:00. "
        "Weiter: teils Regen Stufe 3. Daten: DWD, gekürzt"
    )


def storm_ends_in_the_heat(heat: Meaning) -> City:
    city = City().take(tick(0), outcome("A", meaning("Extreme", group="THUNDERSTORM", ii="48")), outcome("H", heat))
    return city.take(snapshot(0, "A", "H"), tick(10), cancel("C", "A", 10), snapshot(10, "C", "H"))


def test_what_an_audience_is_never_told_of_is_not_named_to_it_but_the_end_sounds_like_no_all_clear() -> None:
    city = storm_ends_in_the_heat(meaning("Severe", group="HEAT", ii="248", expires=4000))
    assert city.sms()[-1].text == (
        "Die extreme Unwetterwarnung ist beendet (aufgehoben): schweres Gewitter, Orkan, Regen, Hagel. Ganz Xstadt. "
        "Folgegefahren sind möglich. Daten: DWD, gekürzt"
    )
    assert "Ganz Xstadt. Weiter: extreme Hitze bis Sa 17.07. 08:40. " in city.sms("staff")[-1].text
    assert "Es gilt weiter: extreme Hitze" in goes_on(city), "the public push tells of heat"


def test_what_is_never_held_back_is_named_whatever_the_rule_leaves_out() -> None:
    city = storm_ends_in_the_heat(meaning("Extreme", group="HEAT", ii="248", expires=4000))
    assert "Weiter: extreme Hitze" in city.sms()[-1].text


# -- in every situation ---------------------------------------------------------------------------------------------

NAMES = {"RAIN": "63", "THUNDERSTORM": "31", "WIND": "52", "SNOWFALL": "71"}
"""Numbers whose names have nothing in common: Dauerregen, Gewitter, Sturmböen, Schneefall."""
CALLED = {group: event_name(meaning(group=group, ii=ii))["de"] for group, ii in NAMES.items()}
ITEM = re.compile(r"(?:Vorabinfo\w* )?(\w+)(?: \((D[12])\))? bis (\d\d:\d\d)")
LEAST = {("push", "public"): 2, ("push", "staff"): 2, ("sms", "public"): 3, ("sms", "staff"): 3}


@dataclass(frozen=True)
class Warns:
    group: str
    severity: str
    districts: tuple[str, ...]
    onset: float
    until: float
    advance: bool
    then: str
    """What comes of it at minute 30 or 70: nothing, cancelled, lowered."""
    second: bool
    """At minute 70."""

    def meaning(self, severity: str) -> Meaning:
        return meaning(
            severity, districts=self.districts, onset=self.onset, expires=self.until, group=self.group,
            ii=NAMES[self.group], urgency="Future" if self.advance else "Immediate",
        )  # fmt: skip


warns = st.builds(
    Warns,
    group=st.sampled_from(sorted(NAMES)),
    severity=st.sampled_from(SEVERITIES),
    districts=st.sampled_from([("d1", "d2"), ("d1",), ("d2",)]),
    onset=st.sampled_from([0, 0, 90]),
    until=st.integers(100, 500) | st.sampled_from([25, 50]),
    advance=st.sampled_from([False, False, False, True]),
    then=st.sampled_from(["", "cancelled", "lowered"]),
    second=st.booleans(),
).filter(lambda one: one.until > one.onset)


def story(some: Sequence[Warns]) -> Iterator[ImpactRecord]:
    yield tick(0)
    present = {f"A{number}": one for number, one in enumerate(some)}
    yield from (outcome(key, one.meaning(one.severity)) for key, one in present.items())
    yield snapshot(0, *present)
    for minute, second in ((30, False), (70, True)):
        yield tick(minute)
        listed = set(present)
        for key, one in present.items():
            if not one.then or one.second != second:
                continue
            follower = f"{key}-{minute}"
            listed = listed - {key} | {follower}
            less = SEVERITIES[max(0, SEVERITIES.index(one.severity) - 1)]
            if one.then == "cancelled":
                yield cancel(follower, key, minute)
            else:
                yield outcome(follower, one.meaning(less), stamp=minute, sent=minute, supersedes=[key])
        yield snapshot(minute, *sorted(listed))


def live(notice: PushNotice | SmsNotice, situation: Situation) -> list[tuple[str, Meaning]]:
    """What holds in the notice's districts and its audience may know of."""
    return [
        (district, one.meaning)
        for district in notice.districts
        for one in situation.districts[district].standing
        if one.phase != "expired" and (notice.audience == "staff" or not one.meaning.advance)
    ]


def clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(BERLIN):%H:%M}" if moment else ""


def named(text: str) -> list[tuple[str, str, str]]:
    """Event, district ("" for all) and end of what a text says goes on."""
    text = re.sub(r" \w\w \d\d[.]\d\d[.] \d\d:\d\d-(\d\d:\d\d)", r" bis \1", text)
    without_begins = re.sub(r",? \w\w \d\d[.]\d\d[.] \d\d:\d\d(?= bis)", "", text)
    found = re.findall(r"(?:Es gilt weiter|Weiter|Später gilt|Später): (.*?)[.](?= [A-Z]|$)", without_begins)
    return [item for what in found for item in ITEM.findall(what)]


def named_with_level(text: str) -> set[tuple[str, int]]:
    """The event groups and levels that an SMS names where it has no room for times."""
    groups = {messages("de")(f"group-{group}"): group for group in NAMES} | {name: one for one, name in CALLED.items()}
    sentences = re.findall(r"(?:Weiter|Später): (.*?)[.](?= [A-Z]|$)", text)
    found = re.findall(r"(\w+)(?: \(D[12]\))? Stufe (\d)", "; ".join(sentences))
    return {(groups[event], int(number)) for event, number in found}


def check_named(notice: PushNotice | SmsNotice, situation: Situation) -> None:
    """Whatever is named holds there, until then."""
    text = notice.body["de"] if isinstance(notice, PushNotice) else notice.text
    holds = live(notice, situation)
    for event, short_name, end in named(text):
        for district in [short_name.lower()] if short_name else notice.districts:
            some = {(CALLED[one.group], clock(one.expires)) for where, one in holds if where == district}
            assert (event, end) in some, (text, district, some)
    assert named_with_level(text) <= {(one.group, level(one.severity)) for _, one in holds}, text


def check_known(notice: PushNotice | SmsNotice, situation: Situation) -> None:
    """Whatever of the told level holds there is named, or the notice itself says it."""
    text = notice.body["de"] if isinstance(notice, PushNotice) else notice.text
    least = LEAST["push" if isinstance(notice, PushNotice) else "sms", notice.audience]
    said = named(text)
    some = [(where, one) for where, one in live(notice, situation) if level(one.severity) >= least]
    told_here = [
        (where, one)
        for where, one in some
        if not (notice.kind == "lowered" and one.group == notice.group and clock(one.expires) <= clock(notice.expires))
    ]
    if isinstance(notice, SmsNotice):
        in_short = notice.kind == "lowered" and "Anderes gilt weiter." in text  # where a text has no room for names
        by_level = named_with_level(text)
        assert said or by_level or in_short or not told_here, text
        if told_here and notice.kind == "ended":
            worst = max(grade(one) for _, one in told_here)
            worst_events = {CALLED[one.group] for _, one in told_here if grade(one) == worst}
            events = {event for event, _, _ in said} | {CALLED[group] for group, _ in by_level}
            assert worst_events & events, text
        return
    for where, one in told_here:
        assert any(
            event == CALLED[one.group] and end >= clock(one.expires) and short_name.lower() in ("", where)
            for event, short_name, end in said
        ), (text, where, one.group, one.severity, clock(one.expires))


@settings(max_examples=150, deadline=None)
@given(st.lists(warns, min_size=2, max_size=7))
def test_whatever_holds_after_an_end_or_a_lowering_is_named_and_nothing_else(some: list[Warns]) -> None:
    city = City()
    for record in story(some):
        before = len(city.notices)
        city.take(record)
        for notice in city.notices[before:]:
            if isinstance(notice, PushNotice | SmsNotice):
                if notice.kind in ("ended", "lowered"):
                    check_known(notice, city.situation)
                check_named(notice, city.situation)
            if isinstance(notice, SmsNotice):
                assert sms.gsm7_length(notice.text) <= sms.MAX_CHARS


# -- an SMS says it whatever room there is --------------------------------------------------------------------------

text = st.text(max_size=60) | st.just("W" * 100)
KINDS: tuple[tuple[NoticeKind, Reason], ...] = (
    ("lowered", "lowered"), ("lowered", "now a warning"), ("ended", "cancelled"), ("ended", "withdrawn"),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    name=text,
    event=text,
    sender=text,
    number=st.sampled_from(["45", "78", "777", ""]),
    other=st.lists(st.tuples(st.sampled_from(["49", "79", ""]), text, st.booleans()), min_size=1, max_size=4),
    told=st.sampled_from(KINDS),
    urgency=st.sampled_from(["Immediate", "Future"]),
    ends=st.none() | st.integers(10, 20_000),
    language=st.sampled_from(LANGUAGES),
    exercise=st.booleans(),
)
def test_an_sms_fits_and_says_that_something_goes_on_whatever_it_is_called(
    name: str,
    event: str,
    sender: str,
    number: str,
    other: list[tuple[str, str, bool]],
    told: tuple[NoticeKind, Reason],
    urgency: str,
    ends: int | None,
    language: str,
    exercise: bool,
) -> None:
    place = replace(ONE, name=name, districts=tuple(replace(one, name=name, short_name=name) for one in ONE.districts))

    def called(one: Meaning, event: str) -> Meaning:
        texts = {"de": one.texts["de"].model_copy(update={"event": event})}
        return one.model_copy(update={"texts": texts, "sender_name": sender})

    ended = called(meaning("Moderate", ii=number, group="G", urgency=urgency, expires=ends, districts=["d1"]), event)
    beside = [
        called(meaning(ii=ii, group=f"O{n}", urgency="Future" if advance else "Immediate", expires=ends), called_so)
        for n, (ii, called_so, advance) in enumerate(other)
    ]
    standing = tuple(Standing(FACT, one, one.impacts[0], "advance" if one.advance else "warning") for one in beside)
    situation = Situation(at(0), "fresh", at(0), (), {"d1": DistrictSituation("d1", "warned", standing)})
    rule = Rule(audience="staff", channel="sms", warnings="Severe", advance="Severe")
    one = Change(rule, *told, "A", (), ended, ("d1",))
    said = sms.text_that_fits(place, one, situation, exercise=exercise, language=language)
    words = messages(language)
    begins = [words(key, what="|").split("|")[0] for key in ("still-holds", "still-holds-brief")]
    assert sms.gsm7_length(said) <= sms.MAX_CHARS, said
    assert any(start in said for start in (*begins, words("still-some"))), said


FIVE = replace(city_rules(5).place, name="Xstadt")
FIVE_NAMES = tuple(one.id for one in FIVE.districts)
SMS_RULE = Rule(audience="public", channel="sms", warnings="Severe")


def where_all_hold(some: Sequence[Meaning]) -> Situation:
    """Each of these in its districts, a quarter of an hour after the begin."""
    found = {}
    for name in FIVE_NAMES:
        here = [(one, impact) for one in some for impact in one.impacts if impact.district == name]
        found[name] = DistrictSituation(name, "warned", tuple(Standing(FACT, *both, "warning") for both in here))
    return Situation(at(40), "fresh", at(40), (), found)


FACT = Fact(base_id="O", listed_as=("O",), rules="rules-1", sent=at(0), msg_type="Alert")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_events_of_the_dwd_leave_room_for_the_worst_that_holds_with_its_end(language: str) -> None:
    longest = meaning("Moderate", ii="78", group="SNOWFALL", expires=2000)
    other = meaning("Severe", ii="45", group="THUNDERSTORM", expires=1900)
    standing = (Standing(FACT, other, other.impacts[0], "warning"),)
    situation = Situation(at(0), "fresh", at(0), (), {"d1": DistrictSituation("d1", "warned", standing)})
    rule = Rule(audience="public", channel="sms", warnings="Severe")
    for kind, reason in KINDS:
        one = Change(rule, kind, reason, "A", (), longest, ("d1",))
        said = sms.text_that_fits(ONE, one, situation, exercise=False, language=language)
        assert clock(other.expires) in said, said
