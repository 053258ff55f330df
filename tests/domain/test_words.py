"""The catalogues of words: complete, and never saying that all is well."""

import itertools
import re

import pytest

from geofences import bundled, load
from warnsys.cap.dwd import ADVANCE_EVENTS, KNOWN_GROUPS, WARNING_EVENTS
from warnsys.cap.quantities import KINDS
from warnsys.channels import events
from warnsys.channels.sms import GSM7, GSM7_EXTENSION
from warnsys.channels.words import LANGUAGES, Messages, messages, say

NEVER = (
    "entwarnung",
    "sicher",
    "keine gefahr",
    "amtlich",
    "heute",
    "morgen",
    "safe",
    "all clear",
    "all-clear",
    "no danger",
    "official",
    "today",
    "tomorrow",
)

IN_AN_SMS = (
    "sms-", "level-", "change-", "brief-", "ended-", "still-", "event-", "group-", "aftermath", "month-",
)  # fmt: skip
"""How the keys of messages begin that stand in an SMS."""


@pytest.fixture(params=LANGUAGES)
def words(request: pytest.FixtureRequest) -> Messages:
    return messages(request.param)


def texts(words: Messages) -> dict[str, str]:
    """Every message, its variables filled in."""
    return {key: words(key, **dict.fromkeys(names, 1)) for key, names in words.variables().items()}


def test_german_and_english_have_the_same_messages_with_the_same_variables() -> None:
    assert messages("de").variables() == messages("en").variables()


def test_no_words_say_that_all_is_well_or_when_relative_to_now(words: Messages) -> None:
    assert len(texts(words)) > 200
    for (key, text), word in itertools.product(texts(words).items(), NEVER):
        assert word not in text.lower(), key


def test_no_message_is_empty_or_hides_characters_that_an_sms_lacks(words: Messages) -> None:
    for key, text in texts(words).items():
        assert text == text.strip() != "", key
        if key.startswith(IN_AN_SMS):
            assert set(text) <= GSM7 | GSM7_EXTENSION, key


def test_a_missing_variable_or_message_is_named(words: Messages) -> None:
    with pytest.raises(KeyError, match="whole-city"):
        words("whole-city")
    with pytest.raises(KeyError, match="no-such-message"):
        words("no-such-message")


def test_every_event_of_the_dwd_has_a_name_that_fits_its_slot(words: Messages) -> None:
    keys = [f"event-{number}" for number in WARNING_EVENTS] + [f"event-{number}-advance" for number in ADVANCE_EVENTS]
    keys += [f"group-{group}" for group in KNOWN_GROUPS - {"TEST"}] + ["event-unknown"]
    assert all(0 < len(words(key)) <= events.MAX_CHARS for key in keys)
    assert {key for key in words.variables() if key.startswith(("event-", "group-"))} == set(keys)


TERMS = {
    "en": {
        "gewitter": "thunder", "orkan(?!art)": "hurricane", "orkanartig": "violent storm", "hagel": "hail",
        "regen": "rain", "starkregen|heftig": "heav", "dauerregen": "persistent", "ergiebig": "heavy|extreme",
        "extrem": "extreme", "schwer|streng": "severe", "starkes gewitter|starke hitze": "strong",
        "starke?r? schnee|starkes tau": "heavy|extreme", "schnee": "snow", "verwehung": "drift",
        "sturmböen": "gale-force", "(?<!orkan)böen": "gust", "sturm( |$)": "gale", "starkwind": "near gale",
        "(?<!stark)wind( |$)": "wind", "küste": "coast", "see$": "at sea", "glatteis": "black ice",
        "glätte": "slippery", "frost": "frost", "nebel": "fog", "tauwetter": "thaw", "hitze": "heat",
        "uv": "uv", "leiterseil": "power line", "tornado": "tornado", "hoh": "high", "test": "test",
        "unwetterwarnung": "severe weather", "gefahr": "hazard",
    },
}  # fmt: skip
"""By language the term for each German one of the events. A language without a table fails: it needs one."""


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "de"])
def test_no_language_says_less_of_an_event_than_german(language: str) -> None:
    german, words = messages("de"), messages(language)
    for key in german.variables():
        if key.startswith(("event-", "group-")):
            said, told = german(key).lower(), words(key).lower()
            needed = [term for word, term in TERMS[language].items() if re.search(word, said)]
            missing = [term for term in needed if not re.search(term, told)]
            assert needed, f"{said}: no term of the table"
            assert not missing, (key, said, told, missing)


def test_every_kind_of_quantity_has_a_name(words: Messages) -> None:
    assert all(words(f"quantity-{kind}") for kind in KINDS.values())


def test_a_text_in_both_languages_takes_each_value_in_its_own() -> None:
    assert say("as-of", stand={"de": "Mi", "en": "Wed"}) == {"de": "Stand Mi Uhr", "en": "as of Wed"}


def test_names_of_districts_stand_in_texts_as_they_are(words: Messages) -> None:
    for district in load(bundled("solingen")):
        assert district.name in words("title", label=district.name, event="x")


def test_a_value_that_is_longer_than_a_text_may_hold_is_cut(words: Messages) -> None:
    assert words("source", source="x" * 10_000).count("x") == 2_000
