"""What a notice's id is made of: its place, channel, audience, cause, kind and group, and what a snapshot had to do
with it; nothing of its content. A repeat can be recognised, and a new warning is never taken for one (law 4)."""

import uuid
from dataclasses import replace

import pytest

from tests.support import City, at, cancel, distinct_ids, meaning, outcome, snapshot, tick
from warnsys.records import PushNotice, SteleRecord, utc
from warnsys.warning.notify import NAMESPACE, notice_id


def made_of(*cause: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "|".join(("live", "x", "push", "public", *cause))))


def last(city: City) -> PushNotice:
    return city.push()[-1]


def stamped(minute: float) -> str:
    return f"dwd {utc(at(minute))}"


@pytest.fixture
def city() -> City:
    """Told of A, which lies beside O in every snapshot."""
    return City().take(tick(0), outcome("O", decided="no_district"), outcome("A", meaning()), snapshot(0, "A", "O"))


def test_the_id_of_a_new_warning_is_its_message_kind_and_group(city: City) -> None:
    assert last(city).id == made_of("A", "warn", "RAIN")


def test_a_change_is_known_by_the_message_that_made_it(city: City) -> None:
    city.take(outcome("B", meaning("Extreme"), supersedes=["A"], sent=10, stamp=10))
    assert (last(city).reason, last(city).id) == ("raised", made_of("B", "update", "RAIN"))
    city.take(outcome("C", meaning("Moderate"), supersedes=["B"], sent=20, stamp=20))
    assert (last(city).reason, last(city).id) == ("lowered", made_of("C", "lowered", "RAIN"))


def test_an_end_that_needed_a_snapshot_names_it(city: City) -> None:
    city.take(cancel("C", "A", 10), snapshot(10, "C", "O"))
    assert (last(city).reason, last(city).id) == ("cancelled", made_of("C", "ended", "RAIN", "confirmed", stamped(10)))


def test_an_end_by_a_snapshot_names_what_ended_and_the_snapshot(city: City) -> None:
    city.take(snapshot(10, "O"), snapshot(20, "O"))
    assert (last(city).reason, last(city).id) == ("withdrawn", made_of("A", "ended", "RAIN", "withdrawn", stamped(20)))


def test_what_is_revived_names_the_snapshot_that_listed_it_again(city: City) -> None:
    city.take(snapshot(10, "O"), snapshot(20, "O"), snapshot(30, "A", "O"))
    assert (last(city).reason, last(city).id) == ("revived", made_of("A", "warn", "RAIN", "revived", stamped(30)))


def test_an_end_earlier_than_told_names_the_snapshot_that_confirmed_it() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=240)), snapshot(0, "A"))
    city.take(tick(10), outcome("B", meaning(expires=5), supersedes=["A"], sent=10, stamp=10), snapshot(12))
    assert (last(city).reason, last(city).id) == ("expired", made_of("B", "ended", "RAIN", "expired", stamped(12)))


def test_a_second_meaning_of_one_message_has_its_number_in_the_id() -> None:
    both = outcome("A", meaning("Severe", districts=["d1"]), meaning("Moderate", districts=["d2"]))
    city = City().take(tick(0), both)
    ids = {notice.districts: notice.id for notice in city.push()}
    assert ids == {("d1",): made_of("A", "warn", "RAIN"), ("d2",): made_of("A", "warn", "RAIN", "A", "1")}


def test_where_another_message_is_shown_than_the_one_behind_a_change_both_are_in_the_id() -> None:
    """B ends; what is left, A, is what is told of."""
    city = City().take(tick(0), outcome("A", meaning("Moderate")), outcome("B", meaning("Extreme")))
    city.take(snapshot(0, "A", "B"), cancel("C", "B", 10), snapshot(10, "A", "C"))
    assert (last(city).kind, last(city).cause) == ("lowered", "C")
    assert last(city).id == made_of("C", "lowered", "RAIN", "confirmed", stamped(10), "A", "0")


def test_a_message_that_warns_and_ends_at_once_needs_no_snapshot(city: City) -> None:
    """It leaves the first district for another group: the end of rain is its own doing where it warns itself."""
    wind = meaning("Moderate", group="WIND", ii="52")
    city.take(outcome("B", wind, supersedes=["A"], sent=10, stamp=10))
    ended = next(notice for notice in city.push() if notice.kind == "ended")
    assert (ended.group, ended.cause, ended.id) == ("RAIN", "B", made_of("B", "ended", "RAIN"))


def test_one_end_in_several_districts_is_one_notice() -> None:
    """Each had another message."""
    city = City().take(tick(0), outcome("A", meaning(districts=["d1"])), outcome("B", meaning(districts=["d2"])))
    city.take(snapshot(0, "A", "B"))
    end = outcome("C", supersedes=["A", "B"], msg_type="Cancel", decided="not_live", sent=10, stamp=10)
    city.take(end, snapshot(10, "C"))
    assert [notice.districts for notice in city.push() if notice.kind == "ended"] == [("d1", "d2")]


def test_the_latest_of_two_that_replaced_a_warning_is_behind_its_end(city: City) -> None:
    for base_id, sent in (("C", 20), ("B", 30), ("D", 10)):
        city.take(outcome(base_id, supersedes=["A"], msg_type="Cancel", decided="not_live", sent=sent, stamp=30))
    city.take(snapshot(30, "O"))
    assert (last(city).kind, last(city).cause) == ("ended", "B")


def test_a_live_notice_and_one_of_an_exercise_share_no_id() -> None:
    assert notice_id("live", "x", "push", "public", "A") != notice_id("exercise", "x", "push", "public", "A")


def test_worse_changes_of_one_record_are_told_first() -> None:
    both = outcome("A", meaning("Moderate", group="WIND", ii="52"), meaning("Extreme"))
    assert [notice.severity for notice in City().take(tick(0), both).push()] == ["Extreme", "Moderate"]


def test_no_sign_in_an_identifier_or_a_group_makes_two_notices_one() -> None:
    one = notice_id("live", "x", "push", "public", "x", "warn", "b|warn|WIND")
    other = notice_id("live", "x", "push", "public", "x|warn|b", "warn", "WIND")
    assert one != other
    assert notice_id("live", "x", "push", "public", "a\\", "b") != notice_id("live", "x", "push", "public", "a\\|b")


def test_a_stele_that_is_warned_again_gets_a_record_with_an_id_of_its_own() -> None:
    city = City().take(tick(0), outcome("O", decided="no_district"), outcome("A", meaning()), snapshot(0, "A", "O"))
    for minute in (10, 20, 30):
        city.take(snapshot(minute, "O"), tick(minute))
    assert city.status() == "clear"
    city.take(outcome("A", meaning(), stamp=40))
    assert city.status() == "warned"
    assert distinct_ids(one for one in city.notices if isinstance(one, SteleRecord))


def test_a_district_to_which_new_geofences_bring_a_message_gets_news_with_an_id_of_its_own() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate", districts=["d1"])), snapshot(0, "A"))
    city.take(outcome("B", meaning("Severe", districts=["d1"]), supersedes=["A"], sent=5, stamp=5), snapshot(5, "B"))
    city.restart(replace(city.rules, ruleset_version="rules-2"))
    again = outcome("B", meaning("Severe"), supersedes=["A"], sent=5, stamp=10).model_copy(update={"rules": "rules-2"})
    city.take(again, snapshot(10, "B"))
    assert [(one.reason, one.districts) for one in city.push()[1:]] == [("raised", ("d1",)), ("entered", ("d2",))]
    assert distinct_ids(city.push())


@pytest.mark.parametrize("late", [False, True])
def test_an_end_in_one_district_and_a_later_one_in_another_have_two_ids_in_whatever_order_updates_come(
    late: bool,
) -> None:
    city = City().take(tick(0), outcome("O", decided="no_district"), outcome("A", meaning()), snapshot(0, "O", "A"))
    wind = meaning("Minor", group="WIND", ii="51", districts=["d1"])
    first = outcome("B", wind, supersedes=["A"], sent=10, stamp=20)
    then = outcome("D", wind, supersedes=["B"], sent=20, stamp=20)
    city.take(tick(20), *((then, first) if late else (first, then)), snapshot(20, "O", "D"), tick(25))
    ends = [one for one in city.push() if one.kind == "ended"]
    assert [one.districts for one in ends] == [("d1",), ("d2",)]
    assert ends[0].id != ends[1].id
