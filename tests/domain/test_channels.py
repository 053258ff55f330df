"""What stands on a screen, a phone and in an SMS."""

from datetime import UTC, datetime, timedelta

import pytest

from geofences import bundled, load
from tests.support import City, at, cancel, city_rules, meaning, outcome, snapshot, tick
from warnsys.channels import events, sms, wording
from warnsys.channels.measures import measure
from warnsys.channels.wording import CityInfo
from warnsys.records import Freshness, SteleRecord

SOLINGEN = CityInfo("solingen", "Solingen", tuple(load(bundled("solingen"))), city_rules().place.timezone, "https://x")


@pytest.mark.parametrize(
    ("unicode", "plain"),
    [
        ("20 l/m²", "20 l/m2"),
        ("30°", "30 Grad"),
        ("14–18", "14-18"),
        ("äöüß", "äöüß"),
        ("ő", "o"),
        ("a\u0308", "ä"),
        ("2½", "21/2"),
        ("a\n\x1fb\u200f", "a b"),
        ("雨", "?"),
        ("a¯¨", "a??"),
    ],
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
    assert "Ganz Xstadt" in city.sms()[0].text
    assert city.push()[0].body["de"].startswith("Ganz Xstadt. ")


def test_an_end_says_that_dangers_may_remain() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), cancel("C", "A", 10), snapshot(10, "C"))
    assert city.push()[-1].title["de"] == "Die Unwetterwarnung ist beendet: heftiger Starkregen"
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
    assert (city.push("staff")[0].advance, city.sms("staff")[0].advance) == (True, True)


def test_a_record_of_a_warning_says_nothing_of_advance_notices() -> None:
    """As a release wrote it that did not know the field."""
    city = City().take(tick(0), outcome("A", meaning("Severe")))
    assert all(b"advance" not in one.to_bytes() for one in (*city.push(), *city.sms()))


def test_a_stele_record_holds_everything_worst_first_in_every_language() -> None:
    both = meaning("Extreme").model_copy(update={"texts": {k: meaning().texts["de"] for k in ("de", "en", "ar")}})
    city = City().take(tick(0), outcome("A", meaning("Minor")), outcome("B", both), snapshot(0, "A", "B"))
    stele = city.stele()
    assert [item.base_id for item in stele.items] == ["B", "A"]
    assert set(stele.items[0].texts) == {"de", "en", "ar"}
    assert stele.items[0].label["de"] == "Extreme Unwetterwarnung, Stufe 4 von 4"
    assert (stele.status, stele.freshness, stele.as_of) == ("warned", "fresh", at(0))


def test_an_event_that_is_new_is_called_by_its_group_and_a_new_group_by_its_own_words() -> None:
    assert events.event_name(meaning(ii="777"))["de"] == "Regen"
    assert events.event_name(meaning(ii="777", group="LAVA"))["de"] == "HEFTIGER STARKREGEN"


def test_the_hour_that_comes_twice_in_autumn_says_which_of_the_two() -> None:
    first = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    summer, winter = (wording.moment(first + timedelta(hours=h), SOLINGEN.timezone, "de") for h in (0, 1))
    assert (summer, winter) == ("So 31.10. 02:30 (MESZ)", "So 31.10. 02:30 (MEZ)")
    assert wording.moment(first + timedelta(hours=2), SOLINGEN.timezone, "de") == "So 31.10. 03:30"


def test_a_stele_shows_quantities_in_words_and_numbers_and_keeps_what_it_cannot_read() -> None:
    parameters = (("gusts", "~55 [km/h]"), ("precipitation", "20-35 [l/m² in 6h]"), ("wind direction", "west"))
    said = meaning().model_copy(update={"parameters": parameters})
    (item,) = City().take(tick(0), outcome("A", said)).stele().items
    assert item.quantities == parameters
    assert [one.words["de"] for one in item.measures] == [
        "Böen um 55 km/h",
        "Niederschlag 20 bis 35 l/m² in 6 Std.",
        "wind direction: west",
    ]
    assert item.measures[1].words["en"] == "precipitation 20 to 35 l/m² in 6 h"
    gusts = item.measures[0].quantity
    assert (gusts.kind, gusts.low, gusts.unit) == ("gusts", 55, "km/h")


@pytest.mark.parametrize(
    ("text", "german"),
    [("<2,5 [cm]", "Hagel bis 2,5 cm"), (">2.5 [cm]", "Hagel über 2,5 cm"), ("3 [cm]", "Hagel 3 cm")],
)
def test_a_quantity_is_written_as_its_reader_writes_numbers(text: str, german: str) -> None:
    assert measure("hail", text).words["de"] == german


def test_a_stele_record_reads_back_from_its_bytes() -> None:
    said = meaning().model_copy(update={"parameters": (("gusts", "~55 [km/h]"),)})
    stele = City().take(tick(0), outcome("A", said)).stele()
    assert SteleRecord.from_bytes(stele.to_bytes()) == stele


@pytest.mark.parametrize(("freshness", "as_of"), [("incomplete", None), ("stale", None), ("none", None)])
def test_data_without_a_time_are_told_without_a_gap(freshness: Freshness, as_of: None) -> None:
    for text in wording.freshness(freshness, as_of, SOLINGEN.timezone).values():
        assert text[0].isalpha()
