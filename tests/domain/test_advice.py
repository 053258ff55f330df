"""What to do is said from Severe on, in the message's own whole sentences."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, cancel, city_rules, distinct_ids, meaning, outcome, snapshot, tick
from warnsys.channels import advice, sms
from warnsys.channels.events import short_event_name
from warnsys.channels.words import LANGUAGES, messages
from warnsys.records import Meaning, SmsNotice, Text
from warnsys.settings import SettingsError, parse
from warnsys.warning.policy import Language, Policy, Rule

HOUSE = "LEBENSGEFAHR! Suchen Sie sofort ein festes Haus auf und halten Sie sich von Fenstern fern. Meiden Sie Bäume."
SOLID = "DANGER TO LIFE! Go into a solid building at once and stay away from windows. Keep away from trees."
SENT = "Datenbasis: Deutscher Wetterdienst, Text gekürzt"
EVENTS = ("event-40", "event-41", "event-44", "event-45", "event-48", "event-49", "event-95", "event-96")


def says(severity: str = "Severe", de: str = HOUSE, en: str | None = SOLID, **more: Any) -> Meaning:
    texts = {"de": de, "en": en}
    said = {lang: Text(event="X", headline="", description="", instruction=one) for lang, one in texts.items() if one}
    return meaning(severity, **{"group": "THUNDERSTORM", "ii": "45", **more}).model_copy(update={"texts": said})


def told(one: Meaning, policy: Policy | None = None) -> City:
    return City(city_rules(policy=policy)).take(tick(0), outcome("A", one), snapshot(0, "A"))


def with_rule(**more: Any) -> Policy:
    rule = {"audience": "public", "channel": "sms", "warnings": "Severe", **more}
    return parse({"cities": [{"id": "x", "name": "X", "geofences": "x"}], "policy": {"rules": [rule]}}).policy


# -- push -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("severity", ["Severe", "Extreme"])
def test_a_push_says_what_to_do_from_severe_on_in_each_language(severity: str) -> None:
    (notice,) = told(says(severity)).push()
    assert notice.body["de"] == f"Ganz Xstadt. Mi 14.07. 14:00 bis 18:00 Uhr. {HOUSE} {SENT}"
    assert SOLID in notice.body["en"]


def test_where_a_text_is_too_long_what_to_do_goes_before_what_may_happen() -> None:
    dangers = "ACHTUNG! Hinweis auf mögliche Gefahren: Bäume können entwurzelt und Dächer beschädigt werden. " * 3
    city = told(says("Extreme", de=f"{dangers}Vermeiden Sie jeden Aufenthalt im Freien!", group="WIND", ii="55"))
    (notice,), (text,) = city.push(), city.sms()
    assert "Uhr. Vermeiden Sie jeden Aufenthalt im Freien! Datenbasis" in notice.body["de"]
    assert "Vermeiden Sie jeden Aufenthalt im Freien! Daten: DWD" in text.text


def test_below_severe_a_push_says_nothing_of_it() -> None:
    (notice,) = told(says("Moderate")).push()
    assert notice.body["de"] == f"Ganz Xstadt. Mi 14.07. 14:00 bis 18:00 Uhr. {SENT}"


def test_where_a_message_says_not_what_to_do_nothing_is_put_in_its_place() -> None:
    (notice,) = told(says(de="", en="")).push()
    assert notice.body["de"] == f"Ganz Xstadt. Mi 14.07. 14:00 bis 18:00 Uhr. {SENT}"


def test_a_language_without_an_instruction_has_that_of_another() -> None:
    (notice,) = told(says(en=None)).push()
    assert HOUSE in notice.body["en"]
    (notice,) = told(says(de="")).push()
    assert SOLID in notice.body["de"]


def test_an_extension_and_a_lowering_to_severe_say_it_again_and_an_end_does_not() -> None:
    city = told(says("Extreme"))
    less = outcome("B", says("Severe", de="Bleiben Sie im Haus."), stamp=10, sent=10, supersedes=["A"])
    city.take(tick(10), less, snapshot(10, "B"))
    longer = outcome("C", says("Severe", expires=500), stamp=20, sent=20, supersedes=["B"])
    city.take(tick(20), longer, snapshot(20, "C"), tick(30), cancel("D", "C", 30), snapshot(30, "D"))
    kinds = [(one.kind, HOUSE in one.body["de"], "Bleiben Sie im Haus." in one.body["de"]) for one in city.push()]
    assert kinds == [("warn", True, False), ("lowered", False, True), ("update", True, False), ("ended", False, False)]


def test_a_long_instruction_is_said_in_its_first_whole_sentences() -> None:
    many = " ".join(f"Das ist der Satz Nummer {number} von vielen." for number in range(50))
    body = told(says(de=many)).push()[0].body["de"]
    said = body.removeprefix("Ganz Xstadt. Mi 14.07. 14:00 bis 18:00 Uhr. ").removesuffix(f" {SENT}")
    assert many.startswith(said)
    assert said.endswith("von vielen.")
    assert advice.MAX_CHARS - 60 < len(said) <= advice.MAX_CHARS


def test_signs_that_turn_or_hide_text_do_not_reach_a_phone() -> None:
    body = told(says(de="Bleiben\u202e Sie\n im\x07 Haus")).push()[0].body["de"]
    assert f"Bleiben Sie im Haus. {SENT}" in body


@pytest.mark.parametrize(
    ("text", "limit", "said"),
    [
        ("Eins zwei. Drei vier.", 100, "Eins zwei. Drei vier."),
        ("Eins zwei. Drei vier.", 20, "Eins zwei."),
        ("Meiden Sie z. B. Bäume. Und Wasser.", 25, "Meiden Sie z. B. Bäume."),
        ("Bis zum 15. Juli im Haus bleiben. Und danach?", 40, "Bis zum 15. Juli im Haus bleiben."),
        ("ACHTUNG! Meiden Sie Bäume. Und Wasser.", 30, "ACHTUNG! Meiden Sie Bäume."),
        ("Bäume, Gerüste und offene Plätze meiden", 24, "Bäume, Gerüste und […]"),
        ("", 20, ""),
    ],
)
def test_a_text_is_shortened_to_whole_sentences(text: str, limit: int, said: str) -> None:
    assert advice.short(text, limit) == said


@given(st.text(max_size=300) | st.text(alphabet="aB.!? ", max_size=300), st.integers(30, 200))
def test_a_shortened_text_is_its_beginning_and_keeps_the_limit(text: str, limit: int) -> None:
    said = advice.short(text, limit)
    assert len(said) <= limit
    assert " ".join(text.split()).startswith(said.removesuffix(" […]"))


# -- SMS ------------------------------------------------------------------------------------------------------------


def test_an_sms_says_what_to_do_where_room_is_left() -> None:
    short = says(de="Meiden Sie Bäume und Gerüste. Schließen Sie alle Fenster und Türen. Sichern Sie Loses.", ii="42")
    assert told(short).sms()[0].text == (
        "Unwetterwarnung: schweres Gewitter, heftiger Starkregen. Ganz Xstadt. Mi 14.07. 14:00-18:00. "
        "Meiden Sie Bäume und Gerüste. Daten: DWD, gekürzt"
    )


def test_for_what_to_do_no_slot_of_an_sms_gives_way_and_no_sentence_is_cut() -> None:
    assert told(says("Extreme")).sms()[0].text == (
        "Extreme Unwetterwarnung: schweres Gewitter, extremer Orkan, Regen. Ganz Xstadt. Mi 14.07. 14:00-18:00. "
        "Daten: DWD, gekürzt"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_events_are_called_in_plain_words(language: str) -> None:
    for key, names in messages(language).variables().items():
        if key.startswith(("event-", "group-")) and not names:
            assert "." not in messages(language)(key), key


def second(city: City) -> list[SmsNotice]:
    return [one for one in city.sms() if one.part == 2]


def test_by_default_an_extreme_warning_is_one_message() -> None:
    assert [(one.part, one.language) for one in told(says("Extreme")).sms()] == [(None, None)]


def test_a_policy_may_ask_for_a_second_message_that_says_what_to_do() -> None:
    city = told(says("Extreme"), with_rule(second="Extreme"))
    first, other = city.sms()
    assert first.id == told(says("Extreme")).sms()[0].id
    assert (first.part, other.part, other.kind, other.cause) == (None, 2, "warn", "A")
    assert other.id != first.id
    assert other.text == (
        "Was tun bei Stufe 4, schweres Gewitter: LEBENSGEFAHR! Suchen Sie sofort ein festes Haus auf und halten Sie "
        "sich von Fenstern fern. Daten: DWD, gekürzt"
    )


@pytest.mark.parametrize(
    "one",
    [
        says("Severe"),
        says("Extreme", urgency="Future"),
        says("Extreme", de="", en=""),
        says("Extreme", de="Hinein!", ii="31"),
    ],
    ids=["less than Extreme", "advance notice", "nothing to say", "said in the first"],
)
def test_a_second_message_comes_only_where_it_says_something(one: Meaning) -> None:
    rule = {"audience": "staff", "warnings": "Severe", "advance": "Severe", "second": "Extreme"}
    assert [notice.part for notice in told(one, with_rule(**rule)).sms("staff")] == [None]


def test_a_second_message_comes_with_news_and_not_with_an_extension_a_lowering_or_an_end() -> None:
    city = told(says("Severe"), with_rule(second="Extreme"))
    city.take(tick(10), outcome("B", says("Extreme"), stamp=10, sent=10, supersedes=["A"]), snapshot(10, "B"))
    assert len(second(city)) == 1
    more = outcome("C", says("Extreme", expires=500), stamp=20, sent=20, supersedes=["B"])
    less = outcome("D", says("Severe"), stamp=30, sent=30, supersedes=["C"])
    city.take(tick(20), more, snapshot(20, "C"), tick(30), less, snapshot(30, "D"))
    city.take(tick(40), cancel("E", "D", 40), snapshot(40, "E"))
    assert [one.kind for one in city.sms()] == ["warn", "update", "update", "update", "lowered", "ended"]
    assert len(second(city)) == 1


# -- languages ------------------------------------------------------------------------------------------------------


def test_an_sms_is_told_in_each_language_that_the_policy_names() -> None:
    city = told(says(), with_rule(languages=["de", "en"]))
    german, english = city.sms()
    assert german == told(says()).sms()[0]
    assert (german.language, english.language) == (None, "en")
    assert english.text.startswith("Severe weather warning: extreme hurricane")
    assert distinct_ids(city.notices)


def test_a_policy_may_leave_german_out_and_the_id_says_so() -> None:
    (english,) = told(says(), with_rule(languages=["en"])).sms()
    assert english.language == "en"
    assert english.id != told(says()).sms()[0].id
    assert english.id == told(says(), with_rule(languages=["de", "en"])).sms()[1].id


def test_second_messages_come_in_each_language() -> None:
    city = told(says("Extreme"), with_rule(languages=["de", "en"], second="Extreme"))
    assert [(one.language, one.part) for one in city.sms()] == [(None, None), ("en", None), (None, 2), ("en", 2)]
    assert city.sms()[-1].text.startswith("What to do at level 4, extreme hurricane: DANGER TO LIFE! Go into a")
    assert distinct_ids(city.notices)


def test_a_repeat_has_the_same_ids() -> None:
    policy = with_rule(languages=["de", "en"], second="Extreme")
    assert [one.id for one in told(says("Extreme"), policy).sms()] == [
        one.id for one in told(says("Extreme"), policy).sms()
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"languages": ["fr"]}, "'de' or 'en'"),
        ({"languages": []}, "languages"),
        ({"second": "Severe"}, "second"),
        ({"channel": "push", "second": "Extreme"}, "push says all that in one record"),
        ({"channel": "push", "languages": ["de", "en"]}, "push says all that in one record"),
    ],
)
def test_what_a_rule_cannot_ask_for_is_refused(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        with_rule(**rule)


def test_a_policy_can_name_every_language_of_the_texts() -> None:
    assert get_args(Language) == LANGUAGES


text = st.text(max_size=200) | st.text(alphabet="aB.!?€[ ", max_size=200) | st.just("W" * 300)


@given(text, text, st.sampled_from(["45", "777", ""]))
def test_a_second_message_fits_whatever_it_says(de: str, event: str, ii: str) -> None:
    said = says("Extreme", de, de, ii=ii, group="G")
    said = said.model_copy(update={"texts": {k: v.model_copy(update={"event": event}) for k, v in said.texts.items()}})
    rule = Rule(audience="public", channel="sms", warnings="Severe", second="Extreme", languages=("de", "en"))
    city = City(city_rules(policy=Policy(rules=(rule,)))).take(tick(0), outcome("A", said))
    assert all(sms.gsm7_length(one.text) <= sms.MAX_CHARS for one in city.sms())
    assert all(set(one.text) <= sms.GSM7 | sms.GSM7_EXTENSION for one in city.sms())


def test_a_brief_name_says_what_is_extreme_in_each_language() -> None:
    """ "Wind" beside a gale would call a hurricane the lesser of the two."""
    assert short_event_name(meaning(ii="56", group="WIND")) == {
        "de": "extreme Orkanböen",
        "en": "hurricane-force gusts",
    }
    assert short_event_name(meaning(ii="66"))["de"] == "heftiger Starkregen"
