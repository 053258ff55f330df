"""What stands on a screen, a phone and in an SMS."""

import itertools
from datetime import timedelta

import pytest

from geofences import bundled, load
from tests.support import City, at, cancel, city_rules, meaning, outcome, snapshot, tick
from warnsys.cap.model import SEVERITIES
from warnsys.channels import events, sms, wording
from warnsys.channels.wording import Place
from warnsys.records import Meaning
from warnsys.warning.change import Change
from warnsys.warning.policy import Rule
from warnsys.warning.situation import Situation

SOLINGEN = Place("solingen", "Solingen", tuple(load(bundled("solingen"))), city_rules().place.timezone, "https://x")
SITUATION = Situation(at(0), "fresh", at(0), (), {})
NUMBERS = sorted({*events.WARNINGS, *events.ADVANCE}, key=int)
NEVER = (
    "entwarnung",
    "sicher",
    "keine gefahr",
    "amtlich",
    "heute",
    "morgen ",
    "safe",
    "all clear",
    "today",
    "tomorrow",
)


def change(meaning: Meaning, districts: tuple[str, ...], kind: str = "warn") -> Change:
    reason = {"warn": "entered", "update": "raised"}.get(kind, kind)
    rule = Rule(audience="public", channel="sms", warnings="Minor")
    return Change(rule, kind, reason, "A", (), meaning, districts)  # type: ignore[arg-type]


def test_an_sms_fits_one_message_for_every_event_and_every_set_of_districts() -> None:
    ids = [district.id for district in SOLINGEN.districts]
    sets = [chosen for n in range(1, 6) for chosen in itertools.combinations(ids, n)]
    for number, urgency, kind in itertools.product(
        NUMBERS, ("Immediate", "Future"), ("warn", "update", "lowered", "ended")
    ):
        for severity, expires in itertools.product(SEVERITIES, (240, 240 + 60 * 24, None)):
            said = meaning(severity, ii=number, urgency=urgency, expires=expires)
            for districts in sets if expires != 240 else sets[:1]:
                text = sms.notice(SOLINGEN, change(said, districts, kind), SITUATION, "exercise").text
                assert sms.gsm7_length(text) <= 160, text
                assert set(text) <= sms.GSM7 | sms.GSM7_EXTENSION, text
                assert text.startswith("ÜBUNG: ")
                assert events.event_name(said)["de"] in text
                if kind != "ended":
                    assert wording.LEVELS[SEVERITIES.index(severity) + 1][0] in text
                    assert "Ende offen" in text if expires is None else "18:00" in text


@pytest.mark.parametrize(
    ("unicode", "plain"),
    [("20 l/m²", "20 l/m2"), ("30°", "30 Grad"), ("14–18", "14-18"), ("äöüß", "äöüß"), ("ő", "o"), ("雨", "?")],
)
def test_what_gsm7_lacks_is_written_otherwise(unicode: str, plain: str) -> None:
    assert sms.gsm7(unicode) == plain


def test_extension_characters_count_twice() -> None:
    assert sms.gsm7_length("a€") == 3


def test_an_sms_has_its_slots_in_order() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", districts=["d1"])))
    assert city.sms()[0].text == (
        "Unwetterwarnung: heftiger Starkregen. D1. Mi 14.07. 14:00-18:00. Daten: DWD, gekürzt"
    )


def test_a_whole_city_is_named_as_one() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe")))
    assert "ganz Xstadt" in city.sms()[0].text
    assert city.push()[0].body["de"].startswith("ganz Xstadt. ")


def test_nothing_of_ours_says_that_all_is_well_or_when_relative_to_now() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    city.take(outcome("B", meaning("Minor"), supersedes=["A"], stamp=10), snapshot(10, "B"))
    city.take(cancel("C", "B", 20), snapshot(20, "C"), tick(60))
    texts = [text for n in (*city.push(), *city.push("staff")) for text in (*n.title.values(), *n.body.values())]
    texts += [n.text for n in (*city.sms(), *city.sms("staff"))]
    texts += [city.stele().summary["de"], city.stele().summary["en"]]
    assert len(texts) > 10
    for text, word in itertools.product(texts, NEVER):
        assert word not in text.lower()


def test_an_end_says_that_dangers_may_remain() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), cancel("C", "A", 10), snapshot(10, "C"))
    assert city.push()[-1].title["de"] == "Die Wetterwarnung ist beendet: heftiger Starkregen"
    assert "Wasser kann weiter steigen" in city.push()[-1].body["de"]
    assert "Folgegefahren" in city.sms()[-1].text


def test_dwd_texts_carry_its_source_note_and_shortened_ones_say_so() -> None:
    said = meaning()
    assert wording.credit(said, shortened=False)["de"] == "Quelle: Deutscher Wetterdienst"
    assert wording.credit(said, shortened=True)["de"] == "Datenbasis: Deutscher Wetterdienst, Text gekürzt"
    other = said.model_copy(update={"sender_name": "Stadt Xstadt"})
    assert wording.credit(other, shortened=True)["de"] == "Quelle: Stadt Xstadt"


def test_a_push_lives_as_long_as_its_warning() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", expires=90)))
    notice = city.push()[0]
    assert (notice.ttl_s, notice.urgency) == (90 * 60, "high")
    assert notice.expires == at(90)


def test_a_period_repeats_the_day_only_where_it_changes_and_follows_daylight_saving() -> None:
    zone = SOLINGEN.timezone
    assert wording.period(at(0), at(60), zone)["de"] == "Mi 14.07. 14:00 bis 15:00 Uhr"
    assert wording.period(at(0), at(60 * 11), zone)["de"] == "Mi 14.07. 14:00 Uhr bis Do 15.07. 01:00 Uhr"
    autumn = at(0) + timedelta(days=108, hours=10)  # 31 October 2027, 00:00 summer time; the clock goes back at three
    assert wording.period(autumn, autumn + timedelta(hours=5), zone)["de"] == "So 31.10. 00:00 bis 04:00 Uhr"


def test_a_height_band_is_told() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate", floor_m=200.4, group="SNOWFALL", ii="71")))
    assert "oberhalb 200 m" in city.push()[0].body["de"]
    assert "oberhalb 200 m" in city.stele().summary["de"]
    assert city.stele().items[0].height["en"] == "above 200 m"


def test_an_advance_notice_is_named_so_everywhere() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", urgency="Future", ii="40", group="THUNDERSTORM")))
    assert city.stele().items[0].phase == "advance"
    assert city.stele().items[0].presentation == "tile"
    assert city.push("staff")[0].title["de"].startswith("Vorabinformation")
    assert city.sms("staff")[0].text.startswith("Vorabinfo")


def test_a_stele_record_holds_everything_worst_first_in_every_language() -> None:
    both = meaning("Extreme").model_copy(update={"texts": {k: meaning().texts["de"] for k in ("de", "en", "ar")}})
    city = City().take(tick(0), outcome("A", meaning("Minor")), outcome("B", both), snapshot(0, "A", "B"))
    stele = city.stele()
    assert [item.base_id for item in stele.items] == ["B", "A"]
    assert set(stele.items[0].texts) == {"de", "en", "ar"}
    assert stele.items[0].label["de"] == "Extreme Unwetterwarnung, Stufe 4 von 4"
    assert (stele.status, stele.freshness, stele.as_of) == ("warned", "fresh", at(0))


def test_every_short_event_name_fits_its_slot() -> None:
    names = [
        name for table in (events.WARNINGS, events.ADVANCE, events.GROUPS) for pair in table.values() for name in pair
    ]
    assert max(map(len, names)) <= events.MAX_CHARS


def test_an_event_that_is_new_is_called_by_its_group_and_a_new_group_by_its_own_words() -> None:
    assert events.event_name(meaning(ii="777"))["de"] == "Regen"
    assert events.event_name(meaning(ii="777", group="LAVA"))["de"] == "HEFTIGER STARKREGEN"
