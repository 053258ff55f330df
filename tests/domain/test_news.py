"""What push and SMS say has changed, and how it ended, in stories that the whole pipeline tells."""

import itertools
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import City, at, cancel, city_rules, meaning, outcome, snapshot, tick
from warnsys.cap.dwd import ADVANCE_EVENTS, KNOWN_GROUPS, WARNING_EVENTS
from warnsys.cap.model import SEVERITIES, Severity
from warnsys.channels import push, sms
from warnsys.channels.events import event_name
from warnsys.channels.wording import CityInfo
from warnsys.channels.words import LANGUAGES, messages
from warnsys.records import Meaning, NoticeKind, PushNotice, SmsNotice
from warnsys.warning.difference import Reason
from warnsys.warning.notification_log import LogEntry
from warnsys.warning.notify import Change
from warnsys.warning.policy import Policy, Rule
from warnsys.warning.situation import Situation

SENT = "Datenbasis: Deutscher Wetterdienst, Text gekürzt"


def followed(first: Meaning, second: Meaning) -> City:
    """A warning, and ten minutes later the update that replaces it."""
    city = City().take(tick(0), outcome("A", first), snapshot(0, "A"), tick(10))
    return city.take(outcome("B", second, stamp=10, sent=10, supersedes=["A"]), snapshot(10, "B"))


def last(city: City, audience: str = "public") -> tuple[PushNotice, SmsNotice]:
    return city.push(audience)[-1], city.sms(audience)[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_of_a_push_and_an_sms_begins_with_a_capital_letter(language: str) -> None:
    rules = (
        Rule(audience="public", channel="push", warnings="Minor"),
        Rule.model_validate({"audience": "public", "channel": "sms", "warnings": "Minor", "languages": [language]}),
    )
    city = City(city_rules(policy=Policy(rules=rules))).take(tick(0), outcome("A", meaning(expires=None)))
    city.take(snapshot(0, "A"), tick(10))
    city.take(
        outcome("B", meaning("Moderate", onset=300, expires=600), stamp=10, sent=10, supersedes=["A"]),
        snapshot(10, "B"),
    )
    city.take(cancel("C", "B", 20), snapshot(20, "C"))
    told = [one.body[language] for one in city.push()] + [one.text for one in city.sms()]
    assert len(told) == 6
    for text in told:
        sentences = re.split(r"(?<=[^\d])[.] ", re.sub(r"(Std|Min)[.]", r"\1", text))
        assert [one for one in sentences if not one[0].isupper()] == [], text


def test_an_extension_says_by_how_much_and_until_when_and_not_the_begin_again() -> None:
    push_, sms_ = last(followed(meaning(expires=360), meaning(expires=540)))
    assert push_.title["de"] == "Unwetterwarnung, Stufe 3 von 4: heftiger Starkregen"
    assert push_.body["de"] == f"Ganz Xstadt: verlängert um 3 Std. bis Mi 14.07. 23:00 Uhr. {SENT}"
    assert sms_.text == (
        "Unwetterwarnung: heftiger Starkregen. "
        "Ganz Xstadt: verlängert um 3 Std. bis Mi 14.07. 23:00 Uhr. Daten: DWD, gekürzt"
    )


def test_a_raised_level_is_told_with_the_level_before() -> None:
    push_, sms_ = last(followed(meaning("Moderate"), meaning("Severe")))
    assert push_.body["de"] == (
        f"Ganz Xstadt: hochgestuft von Stufe 2 auf Stufe 3. Mi 14.07. 14:00 bis 18:00 Uhr. {SENT}"
    )
    assert (
        "hochgestuft von Stufe 2 auf Stufe 3" not in City().take(tick(0), outcome("A", meaning())).push()[0].body["de"]
    )
    assert sms_.text == "Unwetterwarnung: heftiger Starkregen. Ganz Xstadt. Mi 14.07. 14:00-18:00. Daten: DWD, gekürzt"


def beside(first: Meaning, second: Meaning, minute: float, *, listed: bool = True, names: bool = False) -> City:
    """A warning, and later a worse one that is listed beside it, or names it although it has expired."""
    city = City().take(tick(0), outcome("A", first), snapshot(0, "A"), tick(minute))
    worse = outcome("B", second, stamp=minute, sent=minute, supersedes=["A"] if names else [])
    return city.take(worse, snapshot(minute, "B", *(["A"] if listed else [])))


def test_what_comes_beside_a_warning_that_goes_on_has_not_been_raised() -> None:
    worse = meaning("Extreme", onset=240, expires=400)
    push_, _ = last(beside(meaning("Moderate"), worse, 10))
    assert push_.reason == "raised"
    assert push_.body["de"].startswith(
        "Ganz Xstadt: neu. Mi 14.07. 18:00 bis 20:40 Uhr. Es gilt weiter: heftiger Starkregen bis 18:00 Uhr. "
    )
    assert push_.body["en"].startswith("All of Xstadt: new. ")


@pytest.mark.parametrize("names", [False, True])
def test_what_comes_after_the_end_of_a_warning_has_not_been_raised(names: bool) -> None:
    city = beside(meaning("Moderate", expires=30), meaning(onset=40), 40, listed=False, names=names)
    assert city.push()[-1].level == 3
    assert "hochgestuft" not in city.push()[-1].body["de"]


def test_a_warning_that_was_raised_in_a_part_of_the_districts_is_so_in_part() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate", districts=["d1"])))
    city.take(outcome("A2", meaning("Moderate", districts=["d2"])), snapshot(0, "A", "A2"), tick(10))
    city.take(outcome("B", meaning("Extreme"), stamp=10, sent=10, supersedes=["A"]), snapshot(10, "B", "A2"))
    assert city.push()[-1].body["de"].startswith("Ganz Xstadt: teils hochgestuft. ")


def test_whoever_had_an_sms_hears_by_sms_that_it_was_lowered() -> None:
    push_, sms_ = last(followed(meaning("Severe"), meaning("Moderate")))
    assert "herabgestuft von Stufe 3 auf Stufe 2" in push_.body["de"]
    assert sms_.text == (
        "Markante Wetterwarnung: heftiger Starkregen. Ganz Xstadt: herabgestuft von Stufe 3 auf Stufe 2. "
        "Mi 14.07. 14:00-18:00. Daten: DWD, gekürzt"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Severe", "Severe", "aus der Vorabinformation ist eine Warnung geworden"),
        ("Severe", "Extreme", "aus der Vorabinformation (Stufe 3) ist eine Warnung der Stufe 4 geworden"),
        ("Extreme", "Severe", "aus der Vorabinformation (Stufe 4) ist eine Warnung der Stufe 3 geworden"),
    ],
)
def test_an_advance_notice_that_becomes_a_warning_says_so(before: str, after: str, said: str) -> None:
    push_, sms_ = last(followed(meaning(before, urgency="Future"), meaning(after)), "staff")
    assert f"Ganz Xstadt: {said}. Mi 14.07." in push_.body["de"]
    assert "jetzt Warnung" in sms_.text or said in sms_.text


def test_a_warning_that_becomes_an_advance_notice_is_not_called_lowered_to_its_own_level() -> None:
    push_, _ = last(followed(meaning("Severe"), meaning("Severe", urgency="Future")), "staff")
    assert "bisher Warnung der Stufe 3, jetzt Vorabinformation für Stufe 3" in push_.body["de"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (meaning(expires=240), meaning(expires=90), "verkürzt um 2 Std. 30 Min. bis Mi 14.07. 15:30 Uhr"),
        (meaning(expires=240), meaning(expires=None), "verlängert, Ende offen"),
        (meaning(expires=None), meaning(expires=240), "verkürzt bis Mi 14.07. 18:00 Uhr"),
        (meaning(onset=120), meaning(onset=75), "beginnt 45 Min. früher. Mi 14.07. 15:15 bis 18:00 Uhr"),
        (meaning(onset=120), meaning(onset=180), "beginnt 1 Std. später. Mi 14.07. 17:00 bis 18:00 Uhr"),
        (meaning(expires=600), meaning(expires=840), "verlängert um 4 Std. bis Do 15.07. 04:00 Uhr"),
    ],
)
def test_a_moved_begin_or_end_is_told_with_its_amount(first: Meaning, second: Meaning, said: str) -> None:
    push_, sms_ = last(followed(first, second))
    assert f"Ganz Xstadt: {said}. {SENT}" == push_.body["de"]
    assert said.split(". ")[0].removesuffix(" Uhr") in sms_.text or "bis" in sms_.text


def test_a_district_that_is_newly_warned_hears_that_it_is() -> None:
    city = followed(meaning(districts=["d1"]), meaning(districts=["d1", "d2"]))
    assert city.push()[-1].body["de"].startswith("District 2: neu hier. Mi 14.07. 14:00 bis 18:00 Uhr. ")


@pytest.mark.parametrize(
    "other",
    [
        meaning("Severe", urgency="Future", districts=["d1"], onset=300, expires=600),
        meaning("Moderate", districts=["d1"]),
    ],
    ids=["an advance notice", "a lesser warning"],
)
def test_new_here_is_said_only_where_a_warning_as_bad_stood_elsewhere(other: Meaning) -> None:
    city = City().take(tick(0), outcome("A", other), snapshot(0, "A"), tick(10))
    city.take(outcome("B", meaning("Extreme", districts=["d2"]), stamp=10, sent=10), snapshot(10, "A", "B"))
    push_, sms_ = last(city, "staff")
    assert (push_.kind, push_.districts) == ("update", ("d2",))
    assert push_.body["de"].startswith("District 2. Mi 14.07. 14:00 bis 18:00 Uhr. ")
    assert "neu hier" not in sms_.text


def test_no_amount_is_told_of_districts_where_it_is_not_true() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", expires=60, districts=["d1"])))
    city.take(outcome("A2", meaning("Severe", expires=90, districts=["d2"])), snapshot(0, "A", "A2"))
    city.take(outcome("B", meaning("Severe", expires=240), supersedes=["A", "A2"], stamp=5, sent=5), snapshot(5, "B"))
    assert city.push()[-1].body["de"].startswith("Ganz Xstadt: verlängert bis Mi 14.07. 18:00 Uhr. ")


@pytest.mark.parametrize(
    ("first", "other", "then", "said"),
    [
        (
            meaning("Severe", expires=60, districts=["d1"]),
            meaning("Severe", expires=300, districts=["d2"]),
            meaning("Severe", expires=180),
            "teils verlängert bis Mi 14.07. 17:00 Uhr. Mi 14.07. 14:00 bis 17:00 Uhr. ",
        ),
        (
            meaning("Moderate", districts=["d1"]),
            meaning("Minor", districts=["d2"]),
            meaning("Severe"),
            "teils hochgestuft. Mi 14.07. 14:00 bis 18:00 Uhr. ",
        ),
    ],
    ids=["longer in one, shorter in the other", "worse in one, new in the other"],
)
def test_what_is_true_of_some_districts_alone_is_told_in_part(
    first: Meaning, other: Meaning, then: Meaning, said: str
) -> None:
    city = City().take(tick(0), outcome("A", first), outcome("A2", other), snapshot(0, "A", "A2"))
    city.take(outcome("B", then, supersedes=["A", "A2"], stamp=5, sent=5), snapshot(5, "B"))
    assert city.push()[-1].body["de"].startswith(f"Ganz Xstadt: {said}")


def test_a_lesser_warning_beside_an_advance_notice_that_goes_on_is_not_called_what_became_of_it() -> None:
    later = meaning("Severe", urgency="Future", onset=240, expires=360, ii="65")
    city = City().take(tick(0), outcome("A", later), snapshot(0, "A"))
    city.take(outcome("B", meaning("Moderate", onset=60, expires=180, ii="61"), stamp=5, sent=5), snapshot(5, "A", "B"))
    body = city.push("staff")[-1].body["de"]
    assert "zusätzlich zur Vorabinformation, die weiter gilt" in body
    assert "geworden" not in body


def test_beside_an_advance_notice_is_said_only_where_it_goes_on_in_every_district() -> None:
    def ahead(severity: str, district: str) -> Meaning:
        return meaning(severity, urgency="Future", onset=240, expires=600, ii="65", districts=[district])

    city = City().take(tick(0), outcome("A1", ahead("Extreme", "d1")), outcome("A2", ahead("Severe", "d2")))
    city.take(snapshot(0, "A1", "A2"), tick(1))
    warning = meaning("Severe", onset=60, expires=180, ii="61")
    city.take(outcome("B", warning, supersedes=["A2"], stamp=5, sent=5), snapshot(5, "A1", "B"), tick(6))
    assert not [one for one in city.push("staff") if len(one.districts) > 1 and "zusätzlich" in one.body["de"]]


def test_no_amount_is_told_where_many_districts_are_joined_whose_times_differ() -> None:
    city = City(city_rules(22)).take(tick(0))
    for number in range(1, 23):
        city.take(outcome(f"A{number}", meaning(expires=120, districts=[f"d{number}"])))
    city.take(snapshot(0, *(f"A{number}" for number in range(1, 23))), tick(1))
    later = [meaning(expires=240 + 60 * number, districts=[f"d{number}"]) for number in range(1, 23)]
    names = [f"A{number}" for number in range(1, 23)]
    city.take(outcome("B", *later, supersedes=names, stamp=5, sent=5), snapshot(5, "B"), tick(6))
    assert city.push()[-1].districts == tuple(sorted(f"d{number}" for number in range(1, 23)))
    assert "Std." not in city.push()[-1].body["de"]


def test_a_warning_that_is_listed_again_holds_again() -> None:
    city = City().take(tick(0), outcome("O", meaning("Minor", group="WIND", ii="51")), outcome("A", meaning()))
    city.take(snapshot(0, "A", "O"), snapshot(10, "O"), snapshot(20, "O"), tick(20), snapshot(30, "A", "O"))
    assert city.push()[-1].body["de"].startswith("Ganz Xstadt: gilt wieder. Mi 14.07. 14:00 bis 18:00 Uhr. ")


def ended_by(how: str) -> City:
    wind = meaning("Minor", group="WIND", ii="51")
    city = City().take(tick(0), outcome("O", wind), outcome("A", meaning()), snapshot(0, "A", "O"))
    match how:
        case "cancelled":
            city.take(cancel("C", "A", 10), snapshot(10, "C", "O"))
        case "withdrawn":
            city.take(snapshot(10, "O"), snapshot(20, "O"))
        case "superseded":
            city.take(outcome("B", stamp=10, sent=10, supersedes=["A"], decided="no_district"), snapshot(10, "B", "O"))
    return city.take(tick(30))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cancelled", "aufgehoben"),
        ("withdrawn", "vom DWD zurückgenommen"),
        ("superseded", "durch eine neuere Meldung"),
    ],
)
def test_an_end_names_its_reason_and_that_dangers_may_remain(how: str, said: str) -> None:
    push_, sms_ = last(ended_by(how))
    assert push_.reason == how
    assert push_.title["de"] == "Die Unwetterwarnung ist beendet: heftiger Starkregen"
    assert push_.body["de"] == (
        f"Ganz Xstadt: Die Unwetterwarnung ist beendet ({said}). "
        f"Folgegefahren sind möglich, Wasser kann weiter steigen. {SENT}"
    )
    assert sms_.text == (
        f"Die Unwetterwarnung ist beendet ({said}): heftiger Starkregen. Ganz Xstadt. "
        "Folgegefahren sind möglich. Daten: DWD, gekürzt"
    )


def test_after_wind_no_water_rises() -> None:
    wind = meaning(group="WIND", ii="55")
    city = City().take(tick(0), outcome("A", wind), snapshot(0, "A"), cancel("C", "A", 10), snapshot(10, "C"))
    assert "Folgegefahren sind möglich. Datenbasis" in city.push()[-1].body["de"]


def test_an_end_of_an_advance_notice_is_called_one() -> None:
    early = meaning(urgency="Future")
    city = City().take(tick(0), outcome("A", early), snapshot(0, "A"), cancel("C", "A", 10), snapshot(10, "C"))
    assert city.push("staff")[-1].title["de"].startswith("Die Vorabinformation ist beendet: ")


@pytest.mark.parametrize("early", [meaning(urgency="Future"), meaning(urgency="Future", onset=60), meaning(onset=60)])
def test_after_what_never_began_no_dangers_remain(early: Meaning) -> None:
    """Neither after an advance notice, nor after a warning that was for later."""
    city = City().take(tick(0), outcome("A", early), snapshot(0, "A"), cancel("C", "A", 10), snapshot(10, "C"))
    push_, sms_ = last(city, "staff")
    assert (push_.kind, sms_.kind) == ("ended", "ended")
    assert push_.body["de"].endswith(f" ist beendet (aufgehoben). {SENT}")
    assert "angers" not in push_.body["en"]
    assert "Folgegefahren" not in sms_.text


def test_another_source_withdraws_in_its_own_name() -> None:
    said = meaning().model_copy(update={"sender_name": "Stadt Xstadt"})
    text = push.notice(PLACE, change(said, "ended", "withdrawn", None), SITUATION, "live").body["de"]
    assert "(von der Quelle zurückgenommen)" in text
    assert "DWD" not in text


# -- an SMS always fits ---------------------------------------------------------------------------------------------

PLACE = city_rules(5).place
SITUATION = Situation(at(0), "fresh", at(0), (), {})
KINDS: tuple[tuple[NoticeKind, Reason], ...] = (
    ("warn", "entered"), ("warn", "revived"), ("update", "entered"), ("update", "raised"), ("update", "now a warning"),
    ("update", "announced"),
    ("update", "extended"), ("update", "shortened"), ("update", "begins earlier"), ("update", "begins later"),
    ("lowered", "lowered"), ("lowered", "now a warning"), ("ended", "cancelled"), ("ended", "superseded"),
    ("ended", "withdrawn"), ("ended", "expired"),
)  # fmt: skip
NUMBERS = sorted(WARNING_EVENTS | ADVANCE_EVENTS | {"777", ""})


def change(said: Meaning, kind: NoticeKind, reason: Reason, was: LogEntry | None, districts: int = 5) -> Change:
    rule = Rule(audience="public", channel="sms", warnings="Minor")
    names = tuple(district.id for district in PLACE.districts[:districts])
    return Change(rule, kind, reason, "A", (), said, names, was)


def check(place: CityInfo, one: Change, stage: str, language: str) -> None:
    """One message, which says level, event and end."""
    text = sms.text_that_fits(place, one, SITUATION, exercise=stage != "live", language=language)
    assert sms.gsm7_length(text) <= 160, text
    assert set(text) <= sms.GSM7 | sms.GSM7_EXTENSION, text
    assert sms.fitting(event_name(one.meaning)[language], sms.MAX_EVENT) in text
    words, expires = messages(language), one.meaning.expires
    if stage != "live":
        assert text.startswith(words("exercise"))
    if one.kind == "ended":
        told = one.was.level if one.was else SEVERITIES.index(one.meaning.severity) + 1
        told_as = "advance" if one.advance else told
        has_begun = not one.advance and min(one.meaning.onset, (one.was or one.meaning).onset) <= SITUATION.now
        assert (words("aftermath") in text) == has_begun
        assert text.removeprefix(f"{words('exercise')}: ").startswith(words(f"ended-{told_as}"))
        return
    assert words(f"level-{SEVERITIES.index(one.meaning.severity) + 1}") in text
    if one.meaning.advance:
        assert words("sms-head-advance", level="", event="").split()[0].removesuffix(",") in text
    if expires is None:
        assert words("sms-until-open").lower() in text.lower()
    else:
        assert f"{expires.astimezone(place.timezone):%H:%M}" in text


def test_an_sms_fits_for_every_event_level_reason_and_end() -> None:
    was = LogEntry(grade=4, onset=at(0), until=at(600))
    longest = max(NUMBERS, key=lambda number: len(event_name(meaning(ii=number))["de"]))
    said = [meaning("Moderate", ii=number, expires=240 + 60 * 24) for number in NUMBERS]
    said += [meaning(severity, ii=longest, expires=end) for severity in SEVERITIES for end in (240, 60 * 24, None)]
    said += [one.model_copy(update={"urgency": "Future"}) for one in said]
    for one, (kind, reason), language in itertools.product(said, KINDS, LANGUAGES):
        check(PLACE, change(one, kind, reason, was), "exercise", language)


text = st.text(max_size=120) | st.text(alphabet="{}[]^€~|\\ä ", max_size=60) | st.just("W" * 100)


@settings(max_examples=500)
@given(
    names=st.lists(text, min_size=5, max_size=5),
    city=text,
    event=text,
    sender=text,
    number=st.sampled_from(NUMBERS),
    group=st.sampled_from(sorted(KNOWN_GROUPS)) | text,
    severity=st.sampled_from(SEVERITIES),
    urgency=st.sampled_from(["Immediate", "Future"]),
    told=st.sampled_from(KINDS),
    onset=st.integers(-2_000_000, 2_000_000),
    lasts=st.none() | st.integers(1, 20_000),
    was=st.none() | st.tuples(st.integers(2, 9), st.integers(-5000, 5000), st.none() | st.integers(-5000, 5000)),
    districts=st.integers(1, 5),
    floor=st.none() | st.floats(-500, 9000),
    stage=st.sampled_from(["live", "drill"]),
    language=st.sampled_from(LANGUAGES),
)
def test_an_sms_fits_whatever_names_texts_and_times_it_is_given(
    names: list[str],
    city: str,
    event: str,
    sender: str,
    number: str,
    group: str,
    severity: Severity,
    urgency: str,
    told: tuple[NoticeKind, Reason],
    onset: int,
    lasts: int | None,
    was: tuple[int, int, int | None] | None,
    districts: int,
    floor: float | None,
    stage: str,
    language: str,
) -> None:
    called = tuple(replace(one, name=name, short_name=name) for one, name in zip(PLACE.districts, names, strict=True))
    place = CityInfo(PLACE.id, city, called, PLACE.timezone, PLACE.link)
    expires = None if lasts is None else onset + lasts
    said = meaning(
        severity, ii=number, group=group, urgency=urgency, onset=onset, expires=expires, floor_m=floor,
        districts=[one.id for one in PLACE.districts],
    )  # fmt: skip
    texts = {"de": said.texts["de"].model_copy(update={"event": event})}
    said = said.model_copy(update={"texts": texts, "sender_name": sender})
    claim = (
        None if was is None else LogEntry(grade=was[0], onset=at(was[1]), until=None if was[2] is None else at(was[2]))
    )
    check(place, change(said, *told, claim, districts), stage, language)


def test_in_the_night_that_summer_time_ends_the_end_is_clear() -> None:
    night = at(0) + timedelta(days=108, hours=12)  # 31 October 2027, 02:00 summer time
    said = meaning().model_copy(update={"onset": night, "expires": night + timedelta(minutes=90)})
    body = push.notice(PLACE, change(said, "warn", "entered", None), SITUATION, "live").body["de"]
    assert "So 31.10. 02:00 (MESZ) bis 02:30 (MEZ) Uhr" in body
