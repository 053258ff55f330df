"""A burst is looked at as a whole: what is no worse than what is shown waits for the snapshot that follows it."""

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.topics import Topics
from tests.support import City, essence, meaning, outcome, snapshot, tick
from warnsys.channels.stele import MOST_ITEMS
from warnsys.pipeline import CROWDED
from warnsys.records import Outcome, SteleRecord, Text

MANY = CROWDED + 5


def crowd(count: int = MANY, severity: str = "Minor") -> list[Outcome]:
    return [outcome(f"A{number:03}", meaning(severity)) for number in range(count)]


def shown(city: City) -> list[int]:
    """How many warnings each stele record of the first district had."""
    return [len(one.items) for one in city.notices if isinstance(one, SteleRecord) and one.district == "d1"]


def test_a_few_warnings_are_shown_one_by_one() -> None:
    city = City().take(tick(0), *crowd(3))
    assert shown(city) == [0, 1, 2, 3]


def test_of_many_the_rest_is_shown_with_their_snapshot() -> None:
    messages = crowd()
    city = City().take(tick(0), *messages)
    assert shown(city)[-1] == CROWDED + 1
    city.take(snapshot(0, *(one.base_id for one in messages)))
    assert shown(city)[-1] == MANY
    assert len(shown(city)) == CROWDED + 3


def test_of_many_the_rest_is_shown_with_the_next_tick_where_no_snapshot_comes() -> None:
    city = City().take(tick(0), *crowd(), tick(0.2))
    assert shown(city)[-1] == MANY


def test_of_many_that_their_snapshot_overtook_the_last_shows_all() -> None:
    messages = crowd()
    first, rest = messages[: CROWDED + 1], messages[CROWDED + 1 :]
    city = City().take(tick(0), *first, snapshot(0, *(one.base_id for one in messages)), *rest[:-1])
    assert shown(city)[-1] == CROWDED + 1
    assert shown(city.take(rest[-1]))[-1] == MANY


def test_of_many_that_a_newer_snapshot_overtook_too_the_last_shows_all() -> None:
    messages = crowd()
    listed = [one.base_id for one in messages]
    city = City().take(tick(0), *messages[:-1], snapshot(0, *listed), snapshot(1, *listed, "B"))
    assert shown(city)[-1] == MANY - 1
    assert shown(city.take(messages[-1]))[-1] == MANY
    known = len(shown(city))
    city.take(outcome("C", meaning("Minor"), stamp=1))
    assert len(shown(city)) == known


def test_a_city_is_fresh_as_soon_as_the_last_message_that_means_nothing_to_it_is_decided() -> None:
    elsewhere = [outcome(f"A{number}", decided="no_district") for number in range(2)]
    city = City().take(tick(0), snapshot(0, "A0", "A1"), elsewhere[0])
    assert city.status("d1") == "no_data"
    assert city.take(elsewhere[1]).status("d1") == "clear"
    assert [one.status for one in city.notices if isinstance(one, SteleRecord)][-1] == "clear"


def test_what_warns_another_city_only_waits_for_its_snapshot_like_what_warns_nobody() -> None:
    city = City().take(tick(0), outcome("A", meaning()))
    before, known = city.state, len(city.notices)
    city.take(outcome("B", decided="matched"), outcome("C", decided="no_district"))
    assert len(city.notices) == known
    assert city.state.steles is before.steles
    assert {"B", "C"} <= city.ledger.listings.keys()


def test_what_warns_another_city_only_and_ends_a_warning_here_never_waits() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(outcome("B", supersedes=["A"], stamp=10), snapshot(10, "B"))
    assert city.status("d1") == "clear"


def test_a_worse_one_never_waits() -> None:
    city = City().take(tick(0), *crowd(), outcome("Z", meaning("Extreme")))
    assert shown(city)[-1] == MANY + 1
    assert [notice.level for notice in city.push()] == [4]


def test_what_is_worse_than_all_that_has_not_expired_never_waits() -> None:
    gone = outcome("X", meaning("Extreme", expires=5))
    city = City().take(tick(0), gone, *crowd(), tick(6))
    assert city.stele().items[-1].phase == "expired"
    assert shown(city.take(outcome("Z", meaning("Moderate"))))[-1] == MANY + 2


def test_a_warning_for_a_district_that_has_none_never_waits() -> None:
    elsewhere = [outcome(f"A{n:03}", meaning("Severe", districts=["d1"])) for n in range(MANY)]
    city = City().take(tick(0), *elsewhere, outcome("Z", meaning("Minor", districts=["d2"])))
    assert city.status("d2") == "warned"
    last = [one for one in city.notices if isinstance(one, SteleRecord) and one.district == "d2"][-1]
    assert last.status == "warned"


def test_a_burst_is_told_once_for_each_group_and_channel() -> None:
    messages = crowd(MANY, "Severe")
    wind = [outcome(f"B{number:03}", meaning("Severe", group="WIND", ii="53")) for number in range(MANY)]
    burst = [*messages, *wind]
    city = City().take(tick(0), *burst, snapshot(0, *(one.base_id for one in burst)))
    assert sorted(notice.group for notice in city.push()) == ["RAIN", "WIND"]


def test_of_hundreds_a_stele_record_holds_the_worst_and_counts_the_rest() -> None:
    messages = [*crowd(MOST_ITEMS + 7), outcome("Z", meaning("Extreme"))]
    stele = City().take(tick(0), *messages, snapshot(0, *(one.base_id for one in messages))).stele()
    assert stele.items[0].level == 4
    assert (len(stele.items), stele.more) == (MOST_ITEMS, 8)


def wordy(text: str) -> list[Outcome]:
    """Sixty messages in sixteen languages."""
    long = {f"x{n}": Text(event="e", headline="h", description=text, instruction=text) for n in range(16)}
    return [outcome(f"A{n:03}", meaning("Minor").model_copy(update={"texts": long})) for n in range(60)]


def test_of_long_texts_a_stele_record_holds_as_many_as_fit_the_topic_and_at_least_one() -> None:
    messages = wordy("a" * 1_660)  # as much as a state keeps whole, and more than a stele record holds
    stele = City().take(tick(0), *messages, snapshot(0, *(one.base_id for one in messages))).stele()
    assert stele.items
    assert stele.more == len(messages) - len(stele.items) > 0
    assert len(stele.to_bytes()) < Topics("live", 1).stele.max_bytes


def test_texts_longer_than_a_state_keeps_are_shortened_and_every_warning_is_shown() -> None:
    messages = wordy('"' * 4_000)  # two bytes each in JSON
    stele = City().take(tick(0), *messages, snapshot(0, *(one.base_id for one in messages))).stele()
    assert (len(stele.items), stele.more) == (len(messages), 0)
    assert any(text.shortened for item in stele.items for text in item.texts.values())
    assert len(stele.to_bytes()) < Topics("live", 1).stele.max_bytes


@given(st.lists(st.sampled_from(("Minor", "Moderate", "Severe", "Extreme")), max_size=30))
def test_what_waits_ends_in_the_same_situation_as_what_was_looked_at(severities: list[str]) -> None:
    messages = [outcome(f"A{n:03}", meaning(severity)) for n, severity in enumerate(severities)]
    worst_first = sorted(messages, key=lambda one: ["Extreme", "Severe", "Moderate", "Minor"].index(_severity(one)))
    end = snapshot(0, *(one.base_id for one in messages))
    one_way, other_way = City().take(tick(0), *worst_first, end), City().take(tick(0), *reversed(worst_first), end)
    assert essence(one_way.situation) == essence(other_way.situation)
    assert shown(one_way)[-1] == shown(other_way)[-1] == len(messages)


def _severity(one: Outcome) -> str:
    return one.meanings[0].severity


def test_each_district_shows_its_own_share_and_height_of_what_is_worded_once_for_all() -> None:
    here, there = (
        meaning(districts=[district], floor_m=floor_m).impacts[0].model_copy(update={"share": share})
        for district, floor_m, share in (("d1", 200, 0.25), ("d2", None, 1.0))
    )
    both = meaning().model_copy(update={"impacts": (here, there)})
    city = City().take(tick(0), outcome("A", both, meaning("Moderate")), snapshot(0, "A"))
    (first, other), (second, same) = city.stele("d1").items, city.stele("d2").items
    assert (first.share, first.floor_m, first.height["de"]) == (0.25, 200, "oberhalb 200 m")
    assert (second.share, second.floor_m, second.height) == (1.0, None, {})
    assert first.model_copy(update={"share": 1.0, "floor_m": None, "height": {}}) == second
    assert other is same
