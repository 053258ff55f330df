"""Who is told what: the difference from what a channel was last told."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.support import City, at, cancel, city_rules, distinct_ids, meaning, outcome, snapshot, tick
from warnsys.records import ImpactRecord, Meaning, Outcome
from warnsys.warning.notify import Change, changes
from warnsys.warning.policy import Policy, Rule


def told_city(severity: str = "Severe", **kwargs: object) -> City:
    """A city that was told of warning A at 12:00."""
    return City().take(tick(0), outcome("A", meaning(severity, **kwargs)), snapshot(0, "A"))  # type: ignore[arg-type]


def update(base_id: str, of: str, severity: str, minutes: float, **kwargs: object):  # type: ignore[no-untyped-def]
    return outcome(base_id, meaning(severity, **kwargs), supersedes=[of], sent=minutes, stamp=minutes)  # type: ignore[arg-type]


def test_a_new_warning_is_told_once_for_all_its_districts() -> None:
    city = told_city()
    assert [notice.districts for notice in city.push()] == [("d1", "d2")]
    assert city.told() == [("warn", "entered")]


def test_the_same_message_again_tells_nothing() -> None:
    city = told_city().take(outcome("A", meaning()), snapshot(0, "A"), tick(5), snapshot(10, "A"))
    assert len(city.push()) == 1


def test_raised_lowered_and_raised_again_are_three_notices_with_three_ids() -> None:
    city = told_city("Minor")
    city.take(update("B", "A", "Severe", 10), update("C", "B", "Moderate", 20), update("D", "C", "Severe", 30))
    assert city.told() == [("warn", "entered"), ("lowered", "lowered"), ("update", "raised")]
    assert distinct_ids(city.push())
    assert [notice.cause for notice in city.push()] == ["B", "C", "D"]


def test_an_update_that_changes_nothing_material_is_silent() -> None:
    assert told_city().take(update("B", "A", "Severe", 10, expires=250)).told() == [("warn", "entered")]


def test_ten_small_extensions_add_up_to_one_that_is_told() -> None:
    city = told_city(expires=240)
    for step in range(1, 11):
        city.take(update(f"A{step}", f"A{step - 1}" if step > 1 else "A", "Severe", step, expires=240 + 10 * step))
    assert [reason for _, reason in city.told()] == ["entered", "extended", "extended"]


def test_a_parallel_alert_of_the_group_at_no_higher_level_is_no_news() -> None:
    city = told_city().take(
        outcome("B", meaning("Moderate", ii="61"), stamp=5), outcome("C", meaning("Severe"), stamp=5)
    )
    assert len(city.push()) == 1


def test_a_parallel_alert_that_lasts_longer_is_an_extension() -> None:
    assert told_city().take(outcome("B", meaning("Severe", expires=400))).told()[-1] == ("update", "extended")


def test_another_group_is_news() -> None:
    city = told_city().take(outcome("W", meaning("Moderate", group="WIND", ii="52")))
    assert city.told()[-1] == ("warn", "entered")


def test_a_district_that_enters_is_told_and_named_alone() -> None:
    city = told_city(districts=["d1"]).take(update("B", "A", "Severe", 10, districts=["d1", "d2"]), snapshot(10, "B"))
    assert city.told()[-1] == ("update", "entered")
    assert city.push()[-1].districts == ("d2",)


def test_a_district_that_leaves_is_told_when_its_snapshot_confirms_it() -> None:
    city = told_city().take(update("B", "A", "Severe", 10, districts=["d1"]))
    assert len(city.push()) == 1
    city.take(snapshot(10, "B"))
    assert city.told()[-1] == ("ended", "superseded")
    assert city.push()[-1].districts == ("d2",)


def test_a_lowering_below_the_minimum_is_told_to_those_who_were_told_of_more() -> None:
    city = told_city("Severe").take(update("B", "A", "Minor", 10))
    assert city.told() == [("warn", "entered"), ("lowered", "lowered")]
    assert [notice.kind for notice in city.sms()] == ["warn", "lowered"]


@pytest.mark.parametrize(
    "beside", [meaning("Extreme", urgency="Future", onset=600, expires=900), meaning("Extreme", urgency="Past")]
)
def test_an_end_shows_what_was_told_and_nothing_worse_that_ended_untold(beside: Meaning) -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", expires=300)), outcome("V", beside))
    city.take(snapshot(0, "A", "V"), tick(5), cancel("CA", "A", 10), cancel("CV", "V", 10))
    city.take(snapshot(10, "CA", "CV"), tick(11))
    for notice in (city.push()[-1], city.sms()[-1]):
        assert (notice.kind, notice.level, notice.expires) == ("ended", 3, at(300))


def test_staff_hear_of_the_end_of_what_they_were_told_not_of_a_notice_below_their_minimum() -> None:
    rule = Rule(audience="staff", channel="push", warnings="Moderate", advance="Extreme")
    city = City(city_rules(policy=Policy(rules=(rule,), defaults=False)))
    city.take(tick(0), outcome("A", meaning("Moderate")), outcome("V", meaning("Severe", urgency="Future", onset=60)))
    city.take(snapshot(0, "A", "V"), tick(5), cancel("CA", "A", 10), cancel("CV", "V", 10))
    city.take(snapshot(10, "CA", "CV"), tick(11))
    assert [(notice.kind, notice.level) for notice in city.push("staff")] == [("warn", 2), ("ended", 2)]


@pytest.mark.parametrize("worse", ["Severe", "Extreme"])
def test_a_fall_never_shows_the_public_a_danger_that_is_past(worse: str) -> None:
    left = meaning("Moderate"), meaning(worse, urgency="Past")
    city = told_city("Severe").take(outcome("B", *left, supersedes=["A"], sent=10, stamp=10))
    assert city.told()[-1] == ("lowered", "lowered")
    assert [notice.level for notice in (city.push()[-1], city.sms()[-1])] == [2, 2]


def test_a_lowering_is_not_told_to_those_who_were_told_of_nothing() -> None:
    city = told_city("Moderate").take(update("B", "A", "Minor", 10))
    assert city.sms() == []


def test_an_early_end_is_told_and_a_planned_expiry_is_silent() -> None:
    ended = told_city().take(cancel("C", "A", 10), snapshot(10, "C"))
    assert ended.told()[-1] == ("ended", "cancelled")
    assert ended.push()[-1].cause == "C"
    expired = told_city(expires=60).take(tick(61), snapshot(62), snapshot(72), tick(80))
    assert expired.told() == [("warn", "entered")]


def test_withdrawn_revived_and_withdrawn_again_have_their_own_ids() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    city.take(snapshot(10, "O"), snapshot(20, "O"), snapshot(30, "A", "O"), snapshot(40, "O"), snapshot(50, "O"))
    assert [kind for kind, _ in city.told()] == ["warn", "ended", "warn", "ended"]
    assert {notice.cause for notice in city.push()} == {"A"}
    assert distinct_ids(city.push())


def test_repeating_a_record_after_a_crash_repeats_the_ids() -> None:
    city = City().take(tick(0))
    before = city.state
    first = city.take(outcome("A", meaning())).push()[-1].id
    city.restart(state=before)
    assert city.take(outcome("A", meaning())).push()[-1].id == first


def test_an_end_is_not_told_where_the_same_message_warns_as_much_of_something_else() -> None:
    city = told_city(group="RAIN")
    city.take(update("B", "A", "Severe", 10, group="THUNDERSTORM", ii="42"), snapshot(10, "B"))
    assert city.told() == [("warn", "entered"), ("warn", "entered")]


def test_a_shorter_warning_is_told() -> None:
    assert told_city().take(update("B", "A", "Severe", 10, expires=100)).told()[-1] == ("update", "shortened")


def test_the_end_of_a_longer_parallel_warning_shortens_what_was_told() -> None:
    city = told_city("Severe", expires=100).take(outcome("B", meaning("Moderate", expires=300), stamp=1))
    city.take(snapshot(1, "A", "B"), cancel("C", "B", 10), snapshot(10, "A", "C"))
    assert [reason for _, reason in city.told()] == ["entered", "extended", "shortened"]
    assert city.push()[-1].cause == "C"


def test_a_begin_that_moved_before_it_began_is_told() -> None:
    city = told_city(onset=120).take(update("B", "A", "Severe", 10, onset=60))
    assert city.told()[-1] == ("update", "begins earlier")


def test_nobody_is_told_of_what_expired_on_arrival() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=-1)))
    assert city.push() == []
    assert city.status() == "unconfirmed"


def test_nothing_is_told_before_the_first_tick_and_everything_at_it() -> None:
    city = City().take(outcome("A", meaning()), snapshot(0, "A"))
    assert city.notices == []
    assert city.take(tick(1)).told() == [("warn", "entered")]


@pytest.mark.parametrize(
    ("severity", "urgency", "group", "public_push", "public_sms", "staff_push", "staff_sms"),
    [
        ("Minor", "Immediate", "RAIN", 0, 0, 0, 0),
        ("Moderate", "Immediate", "RAIN", 1, 0, 1, 0),
        ("Severe", "Immediate", "RAIN", 1, 1, 1, 1),
        ("Moderate", "Future", "RAIN", 0, 0, 0, 0),
        ("Severe", "Future", "RAIN", 0, 0, 1, 1),
        ("Severe", "Immediate", "HEAT", 1, 0, 1, 1),
        ("Extreme", "Immediate", "HEAT", 1, 1, 1, 1),
    ],
)
def test_who_is_told_by_default(
    severity: str, urgency: str, group: str, public_push: int, public_sms: int, staff_push: int, staff_sms: int
) -> None:
    city = told_city(severity, urgency=urgency, group=group)
    counts = (len(city.push()), len(city.sms()), len(city.push("staff")), len(city.sms("staff")))
    assert counts == (public_push, public_sms, staff_push, staff_sms)


def test_extreme_and_immediate_is_never_held_back() -> None:
    policy = Policy(rules=(Rule(audience="public", channel="push", warnings="never", except_groups=("RAIN",)),))
    city = City(city_rules(policy=policy)).take(tick(0), outcome("A", meaning("Extreme")))
    assert len(city.push()) == 1


def test_an_advance_notice_that_becomes_a_warning_is_news_to_the_public_and_an_update_to_staff() -> None:
    city = told_city("Severe", urgency="Future", group="THUNDERSTORM", ii="40")
    city.take(update("B", "A", "Severe", 10, group="THUNDERSTORM", ii="42"))
    assert city.told() == [("warn", "entered")]
    assert city.told("staff") == [("warn", "entered"), ("update", "now a warning")]


def test_a_notice_waits_for_nobody_but_a_screen_is_taken_over_only_near_the_onset() -> None:
    far, near = told_city("Severe", onset=120), told_city("Severe", onset=30)
    assert [city.stele().items[0].presentation for city in (far, near)] == ["tile", "full"]
    assert far.take(tick(65)).stele().items[0].presentation == "full"
    assert len(far.push()) == 1


def test_a_stele_is_sent_again_before_its_reader_gives_it_up() -> None:
    city = told_city()
    count = len(city.notices)
    city.take(tick(0.5))
    assert len(city.notices) == count
    city.take(tick(1))
    assert len(city.notices) == count + 2
    assert city.stele().valid_until == at(4)


def test_stele_ids_tell_the_cause() -> None:
    one, other = told_city(), told_city()
    assert [notice.id for notice in one.notices] == [notice.id for notice in other.notices]


def found(city: City, *records: ImpactRecord, audience: str = "public") -> list[Change]:
    """What an audience's push has to be told, before it is worded."""
    changed: list[Change] = []
    for record in records:
        before = city.state
        city.take(record)
        known = city.state.facts
        more, _ = changes(known, city.situation, before.held, before.told, city.rules.policy)
        changed += [one for one in more if (one.channel, one.audience) == ("push", audience)]
    return changed


def test_what_holds_now_is_told_though_something_worse_for_later_was() -> None:
    later = meaning("Extreme", onset=240, expires=480)
    city = City().take(tick(0), outcome("A", later), snapshot(0, "A"))
    now = outcome("B", meaning("Severe", onset=5, expires=120), sent=5, stamp=5)
    city.take(tick(5), now, snapshot(5, "A", "B"), tick(6), snapshot(10, "A", "B"), tick(11))
    for told in (city.push(), city.sms(), city.push("staff")):
        assert [(notice.kind, notice.cause, notice.level) for notice in told] == [("warn", "A", 4), ("update", "B", 3)]
        assert (told[-1].reason, told[-1].onset, told[-1].expires) == ("begins earlier", at(5), at(120))


def test_a_warning_now_is_told_beside_a_worse_advance_notice_that_was() -> None:
    notice = meaning("Severe", urgency="Future", onset=600, expires=900)
    city = City().take(tick(0), outcome("A", notice), snapshot(0, "A"))
    city.take(tick(5), outcome("B", meaning("Moderate", onset=5), sent=5, stamp=5), snapshot(5, "A", "B"), tick(6))
    staff = [(one.kind, one.reason, one.level) for one in city.push("staff")]
    assert staff == [("warn", "entered", 3), ("update", "now a warning", 2)]


def test_a_lesser_advance_notice_or_one_within_what_was_told_is_no_news() -> None:
    told = outcome("A", meaning("Extreme", onset=100, expires=480))
    for less in (meaning("Severe", urgency="Future", onset=40, expires=90), meaning("Severe", onset=80, expires=300)):
        city = City().take(tick(0), told, snapshot(0, "A"))
        city.take(tick(5), outcome("B", less, sent=5, stamp=5), snapshot(5, "A", "B"), tick(6))
        assert len(city.push("staff")) == 1


def test_after_a_fall_what_the_rule_tells_is_shown_rather_than_a_notice_below_its_minimum() -> None:
    rule = Rule(audience="staff", channel="push", warnings="Moderate", advance="Extreme")
    city = City(city_rules(policy=Policy(rules=(rule,), defaults=False)))
    city.take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    left = meaning("Severe", urgency="Future", onset=600, expires=900), meaning("Moderate")
    city.take(tick(5), outcome("B", *left, supersedes=["A"], sent=5, stamp=5), snapshot(5, "B"))
    assert [(one.kind, one.level) for one in city.push("staff")] == [("warn", 3), ("lowered", 2)]


def test_an_extension_says_from_which_end_however_many_messages_it_took() -> None:
    city = told_city(expires=240)
    [change] = found(city, update("B", "A", "Severe", 10, expires=260), update("C", "B", "Severe", 20, expires=280))
    assert change.reason == "extended"
    assert change.was
    assert change.was.until == at(240)
    assert change.meaning.expires == at(280)


def test_a_raise_says_from_which_level() -> None:
    [change] = found(told_city("Moderate"), update("B", "A", "Extreme", 10))
    assert change.was
    assert (change.reason, change.was.level, change.was.advance) == ("raised", 2, False)


def test_what_was_told_nothing_has_nothing_to_compare_with() -> None:
    [change] = found(City().take(tick(0)), outcome("A", meaning()))
    assert (change.reason, change.was) == ("entered", None)


def test_a_lower_warning_that_lasts_longer_names_the_end_it_moved_from_and_itself() -> None:
    """Severe until 14:00, now with Moderate until 18:00: the longer one is what is told."""
    [change] = found(told_city("Severe", expires=120), outcome("B", meaning("Moderate", ii="61", expires=360)))
    assert change.was
    assert (change.reason, change.was.until) == ("extended", at(120))
    assert (change.meaning.severity, change.meaning.expires) == ("Moderate", at(360))


def test_a_warning_that_goes_on_beyond_the_told_end_is_extended_not_new() -> None:
    city = told_city(expires=60).take(update("B", "A", "Severe", 50, expires=80), tick(70))
    [change] = found(city, update("C", "B", "Severe", 70, expires=95))
    assert change.was
    assert (change.kind, change.reason, change.was.until) == ("update", "extended", at(60))


def test_an_extension_that_comes_after_an_outage_is_no_new_warning() -> None:
    city = told_city(expires=60).take(tick(90))
    assert city.status() == "unconfirmed"
    [change] = found(city, update("B", "A", "Severe", 58, expires=200))
    assert (change.kind, change.reason) == ("update", "extended")


def test_after_a_confirmed_end_the_next_warning_is_new() -> None:
    city = told_city(expires=60).take(tick(70), snapshot(70), tick(80))
    assert city.take(outcome("B", meaning(expires=200), stamp=80)).told()[-1] == ("warn", "entered")


def test_a_planned_end_that_moved_by_little_is_silent() -> None:
    city = told_city(expires=100).take(update("B", "A", "Severe", 10, expires=80), tick(81), snapshot(82))
    assert city.status() == "clear"
    assert city.told() == [("warn", "entered")]


def test_an_update_that_arrives_expired_is_told_as_an_end_once_a_snapshot_confirms_it() -> None:
    city = told_city(expires=240).take(tick(10), update("B", "A", "Severe", 10, expires=5))
    assert (city.status(), len(city.push())) == ("unconfirmed", 1)
    city.take(tick(11), snapshot(11))
    assert city.told()[-1] == ("ended", "expired")


def test_withdrawn_and_back_are_told_apart_from_new_and_cancelled() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    city.take(snapshot(10, "O"), snapshot(20, "O"), snapshot(30, "A", "O"))
    assert city.told() == [("warn", "entered"), ("ended", "withdrawn"), ("warn", "revived")]


def test_the_end_of_an_end_is_what_is_told_where_the_update_between_was_missed() -> None:
    city = told_city().take(cancel("C", "B", 20), snapshot(20))
    city.take(outcome("B", meaning(), supersedes=["A"], sent=10, stamp=10))
    assert (city.told()[-1], city.push()[-1].cause) == (("ended", "cancelled"), "B")


def test_two_ends_by_one_cancel_at_different_times_are_two_notices() -> None:
    """E ends C at once, and A only when the update B between them is seen."""
    city = City().take(tick(0), outcome("A", meaning(districts=["d1"])), snapshot(40))
    city.take(outcome("C", meaning(), sent=20, stamp=20))
    city.take(outcome("E", supersedes=["B", "C"], msg_type="Cancel", decided="not_live", sent=40, stamp=40))
    city.take(outcome("B", meaning(), supersedes=["A"], sent=10, stamp=10))
    assert [(notice.kind, notice.cause) for notice in city.push()[-2:]] == [("ended", "E"), ("ended", "B")]
    assert distinct_ids(city.push())


def test_an_advance_notice_that_becomes_a_lower_warning_says_both() -> None:
    city = told_city("Severe", urgency="Future", ii="40")
    city.take(update("B", "A", "Moderate", 10))
    assert city.told("staff") == [("warn", "entered"), ("lowered", "now a warning")]


@pytest.mark.parametrize(("severity", "expires"), [("Moderate", 900), ("Moderate", 200), ("Severe", 900)])
def test_an_advance_notice_beside_a_warning_that_goes_on_neither_extends_nor_raises_it(
    severity: str, expires: float
) -> None:
    city = told_city(severity, expires=240)
    later = meaning("Severe", urgency="Future", ii="40", onset=180, expires=expires)
    [change] = found(city, outcome("V", later, sent=10, stamp=10), audience="staff")
    assert (change.reason, change.kind, change.meaning.advance) == ("announced", "update", True)
    assert (change.meaning.onset, change.meaning.expires) == (at(180), at(expires))


def test_a_warning_that_becomes_an_advance_notice_goes_on_beside_none() -> None:
    city = told_city("Moderate", expires=240)
    [change] = found(city, update("B", "A", "Severe", 10, urgency="Future", ii="40", expires=400), audience="staff")
    assert (change.reason, change.meaning.advance) == ("raised", True)


def test_what_is_worse_and_came_beside_is_the_cause_and_no_snapshot_has_to_do_with_it() -> None:
    [change] = found(told_city("Moderate"), outcome("B", meaning("Severe"), sent=5, stamp=5))
    assert (change.kind, change.cause, change.by_snapshot, change.identity) == (
        "update",
        "B",
        (),
        ("B", "update", "RAIN"),
    )


def test_of_several_that_a_snapshot_brings_at_once_the_one_shown_is_the_cause() -> None:
    city = City().take(tick(0))
    waiting = [outcome(f"A{n}", meaning("Minor")) for n in range(10)]
    city.take(*waiting, outcome("M1", meaning("Moderate", expires=100)))
    city.take(outcome("M2", meaning("Moderate", expires=100), sent=5), outcome("M3", meaning("Moderate", expires=300)))
    [change] = found(city, snapshot(0, *(one.base_id for one in waiting), "M1", "M2", "M3"))
    assert (change.reason, change.cause, change.meaning.expires) == ("extended", "M3", at(300))


def test_an_advance_notice_that_was_told_is_extended_like_a_warning() -> None:
    city = told_city("Moderate", expires=240)
    city.take(outcome("V", meaning("Severe", urgency="Future", ii="40", expires=500), sent=10, stamp=10))
    city.take(update("V2", "V", "Severe", 20, urgency="Future", ii="40", expires=900))
    assert [reason for _, reason in city.told("staff")] == ["entered", "announced", "extended"]


def test_districts_warned_at_different_levels_by_one_message_are_told_apart() -> None:
    both = outcome("A", meaning("Severe", districts=["d1"], expires=80), meaning("Moderate", districts=["d2"]))
    city = City().take(tick(0), both)
    assert {(notice.districts, notice.level, notice.expires) for notice in city.push()} == {
        (("d1",), 3, at(80)),
        (("d2",), 2, at(240)),
    }
    assert distinct_ids(city.push())


def test_an_extension_shows_what_is_extended_not_what_was_longer_already() -> None:
    """Extreme until 12:45 and Moderate until 16:00 were told; Severe until 14:00 comes between."""
    city = told_city("Extreme", expires=45).take(outcome("B", meaning("Moderate", expires=240)))
    [change] = found(city, outcome("C", meaning("Severe", expires=120)))
    assert (change.reason, change.meaning.severity, change.meaning.expires) == ("extended", "Severe", at(120))


def test_parallel_messages_of_one_grade_are_one_event_from_the_first_begin_to_the_last_end() -> None:
    city = told_city(onset=100, expires=200)
    [change] = found(city, outcome("B", meaning("Severe", onset=30, expires=90)))
    assert (change.reason, change.meaning.onset, change.meaning.expires) == ("begins earlier", at(30), at(200))


def test_an_end_is_told_though_another_group_waits_for_its_confirmation() -> None:
    city = told_city().take(outcome("W", meaning("Extreme", group="WIND", ii="52", expires=20)), tick(30))
    city.take(update("B", "A", "Moderate", 30, group="THUNDERSTORM", ii="31"))
    assert [notice.group for notice in city.push() if notice.kind == "ended"] == ["RAIN"]


def test_an_end_is_not_told_while_the_same_group_waits_for_its_confirmation() -> None:
    city = told_city().take(outcome("E", meaning("Severe", expires=20)), tick(30))
    city.take(update("B", "A", "Moderate", 30, group="THUNDERSTORM", ii="31"))
    assert not [notice for notice in city.push() if notice.kind == "ended"]


@pytest.mark.parametrize(("waiting", "told"), [("Moderate", []), ("Minor", ["ended"])])
def test_nothing_is_called_ended_while_something_milder_that_is_told_of_waits_too(
    waiting: str, told: list[str]
) -> None:
    city = told_city().take(outcome("E", meaning(waiting, expires=20)), tick(30))
    city.take(update("B", "A", "Moderate", 30, group="THUNDERSTORM", ii="31"))
    assert [notice.kind for notice in city.push() if notice.group == "RAIN"][1:] == told


def test_a_lowering_is_told_though_something_milder_waits_for_its_confirmation() -> None:
    city = told_city("Extreme").take(outcome("E", meaning("Moderate", expires=20)), tick(30))
    city.take(update("B", "A", "Severe", 30))
    assert city.told()[-1] == ("lowered", "lowered")


def test_a_lowering_is_not_told_while_something_as_bad_waits_for_its_confirmation() -> None:
    city = told_city("Extreme").take(outcome("E", meaning("Extreme", expires=20)), tick(30))
    city.take(update("B", "A", "Severe", 30))
    assert city.told() == [("warn", "entered")]


def test_after_a_confirmed_end_the_next_warning_is_new_though_another_group_stands() -> None:
    wind = outcome("W", meaning("Extreme", group="WIND", ii="52", expires=900))
    city = City().take(tick(0), wind, outcome("A", meaning(expires=30)), snapshot(0, "A", "W"))
    city.take(tick(31), snapshot(32, "W"), tick(40))
    assert city.take(outcome("N", meaning(), sent=40, stamp=40)).told()[-1] == ("warn", "entered")


def test_an_end_in_several_districts_is_told_of_the_worst_that_ended() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate", districts=["d1"])))
    city.take(outcome("B", meaning("Extreme", districts=["d2"])), snapshot(0, "A", "B"))
    end = outcome("C", supersedes=["A", "B"], msg_type="Cancel", decided="not_live", sent=10, stamp=10)
    notice = city.take(end, snapshot(10, "C")).push()[-1]
    assert (notice.kind, notice.severity, notice.districts) == ("ended", "Extreme", ("d1", "d2"))


def test_of_several_reasons_in_one_change_the_weightiest_is_told() -> None:
    city = told_city("Moderate", districts=["d1"]).take(update("B", "A", "Severe", 10))
    assert city.told()[-1] == ("update", "raised")
    assert city.push()[-1].districts == ("d1", "d2")


def test_a_message_that_its_second_source_revives_is_another_notice() -> None:
    """E is replaced in the city's feed, before any snapshot; then the DWD's brings it, where it is not."""
    city = City(city_rules(sources=("dwd", "city"))).take(tick(0), outcome("E", meaning(expires=200), source="city"))
    city.take(outcome("F", meaning(expires=60), supersedes=["E"], source="city"), outcome("E", meaning(expires=200)))
    assert [reason for _, reason in city.told()] == ["entered", "shortened", "extended"]
    city.take(outcome("F", meaning(expires=60), supersedes=["E"]))
    assert [reason for _, reason in city.told()][3:] == ["shortened"]
    assert distinct_ids(city.push())


# -- what is told beside something else -------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True], ids=["one message", "two messages"])
def test_an_end_is_told_beside_a_message_that_says_nothing_new(apart: bool) -> None:
    rain, wind = meaning(group="RAIN"), meaning(group="WIND", ii="51")
    first = [outcome("A", rain), outcome("A2", wind)] if apart else [outcome("A", rain, wind)]
    city = City().take(tick(0), *first, snapshot(0, *(one.base_id for one in first)))
    before = len(city.push())
    same = outcome("B", wind, supersedes=[one.base_id for one in first], sent=10, stamp=10)
    city.take(tick(10), same, snapshot(10, "B"))
    assert [(one.kind, one.reason, one.group) for one in city.push()[before:]] == [("ended", "superseded", "RAIN")]
    assert [one.group for one in city.sms() if one.kind == "ended"] == ["RAIN"]


def test_an_end_is_silent_beside_a_fall_that_is_told_of_something_as_bad() -> None:
    city = City().take(tick(0), outcome("A", meaning("Extreme", group="WIND", ii="51"), meaning("Severe")))
    city.take(snapshot(0, "A"), tick(10), update("B", "A", "Severe", 10, group="WIND", ii="51"), snapshot(10, "B"))
    assert city.told()[2:] == [("lowered", "lowered")]


def test_a_district_that_new_geofences_take_from_a_message_hears_of_the_end() -> None:
    city = told_city()
    city.restart(replace(city.rules, ruleset_version="rules-2"))
    again = outcome("A", meaning(districts=["d2"])).model_copy(update={"rules": "rules-2"})
    city.take(again, snapshot(10, "A"), tick(10))
    assert (city.status("d1"), city.status("d2")) == ("clear", "warned")
    assert [(one.kind, one.districts) for one in city.push()[1:]] == [("ended", ("d1",))]
    assert [(one.kind, one.districts) for one in city.sms()[1:]] == [("ended", ("d1",))]


@pytest.mark.parametrize("onset", [-10, 1, 20])
def test_a_warning_now_is_told_beside_a_worse_advance_notice_whose_begin_is_near_or_past(onset: float) -> None:
    notice = meaning("Severe", urgency="Future", onset=onset, expires=900)
    city = City().take(tick(0), outcome("A", notice), snapshot(0, "A"))
    city.take(tick(5), outcome("B", meaning("Moderate", onset=5), sent=5, stamp=5), snapshot(5, "A", "B"), tick(6))
    for n, key in ((65, "C"), (125, "D"), (185, "E")):  # renewed each hour
        of = chr(ord(key) - 1)
        again = outcome(key, meaning("Moderate", onset=5), supersedes=[of], sent=n, stamp=n)
        city.take(tick(n), again, snapshot(n, "A", key))
    staff = [(one.kind, one.reason, one.level) for one in city.push("staff")]
    assert staff == [("warn", "entered", 3), ("update", "now a warning", 2)]
    assert [one.level for one in city.sms("staff")] == [3]  # a channel from Severe on has nothing to add


def test_beside_a_worse_advance_notice_a_warning_that_is_raised_is_told() -> None:
    notice = meaning("Extreme", urgency="Future", onset=0, expires=900)
    city = City().take(tick(0), outcome("A", notice, meaning("Moderate")), snapshot(0, "A"))
    city.take(tick(5), outcome("B", meaning("Severe", onset=5), sent=5, stamp=5), snapshot(5, "A", "B"), tick(6))
    assert [(one.kind, one.level) for one in city.push("staff")] == [("warn", 4), ("update", 3)]
    assert [(one.kind, one.level) for one in city.sms("staff")] == [("warn", 4), ("update", 3)]


def test_beside_a_worse_advance_notice_a_warning_that_begins_after_one_is_over_is_told() -> None:
    notice = meaning("Severe", urgency="Future", onset=0, expires=900)
    city = City().take(tick(0), outcome("A", notice, meaning("Moderate", expires=60)), snapshot(0, "A"))
    city.take(tick(61), snapshot(62, "A"), snapshot(80, "A"), tick(300))
    city.take(outcome("B", meaning("Moderate", onset=300, expires=360), sent=300, stamp=300), snapshot(300, "A", "B"))
    assert [(one.kind, one.level) for one in city.push("staff")] == [("warn", 3), ("update", 2)]


def test_a_city_that_new_geofences_take_from_a_message_hears_of_the_end() -> None:
    city = told_city()
    city.restart(replace(city.rules, ruleset_version="rules-2"))
    elsewhere = outcome("A", decided="no_district").model_copy(update={"rules": "rules-2"})
    city.take(elsewhere, snapshot(10, "A"), tick(10), snapshot(20, "A"), tick(20))
    assert (city.status("d1"), city.standing("d2")) == ("clear", [])
    assert [(one.kind, one.districts) for one in city.push()[1:]] == [("ended", ("d1", "d2"))]


def test_what_was_told_and_is_over_does_not_hide_what_begins_before_the_worse_that_is_to_come() -> None:
    later = outcome("F", meaning("Severe", onset=600, expires=900))
    city = City().take(tick(0), later, outcome("A", meaning("Moderate", expires=60)), snapshot(0, "F", "A"))
    city.take(tick(61), snapshot(62, "F"), tick(63))
    told = len(city.push())
    between = outcome("B", meaning("Moderate", onset=300, expires=360), sent=300, stamp=300)
    city.take(tick(300), between, snapshot(300, "F", "B"), tick(301))
    assert [(one.kind, one.reason, one.level) for one in city.push()[told:]] == [("update", "begins earlier", 2)]


def test_a_warning_that_goes_on_is_told_though_a_worse_one_is_announced_for_later() -> None:
    later = outcome("F", meaning("Severe", onset=600, expires=900))
    city = City().take(tick(0), later, outcome("A", meaning("Moderate", expires=60)), snapshot(0, "F", "A"))
    told = len(city.push())
    on = outcome("A2", meaning("Moderate", expires=360), supersedes=["A"], sent=30, stamp=30)
    city.take(tick(30), on, snapshot(30, "F", "A2"))
    (said,) = city.push()[told:]
    assert (said.kind, said.reason, said.level, said.expires) == ("update", "extended", 2, at(360))


def test_an_advance_notice_lowers_no_warning_that_is_unconfirmed() -> None:
    city = told_city(expires=60).take(tick(61))
    later = meaning("Extreme", urgency="Future", onset=120)
    city.take(tick(62), outcome("B", later, meaning("Moderate", onset=61, expires=300), sent=61, stamp=62))
    assert city.standing() == ["B", "B", "A"]
    assert [reason for _, reason in city.told("staff")] == ["entered", "extended"]


def test_what_holds_alone_between_two_worse_warnings_still_to_come_is_told_at_once() -> None:
    worse = outcome("A", meaning(onset=60, expires=120)), outcome("B", meaning("Extreme", onset=300, expires=480))
    city = City().take(tick(0), *worse, snapshot(0, "A", "B"), tick(5))
    told = len(city.push())
    between = outcome("C", meaning("Moderate", ii="61", onset=70, expires=460), sent=10, stamp=10)
    city.take(tick(10), between, snapshot(10, "A", "B", "C"), tick(11))
    assert [(one.kind, one.level, one.cause) for one in city.push()[told:]] == [("update", 2, "C")]


def extreme_that_shrank() -> City:
    """Told of an Extreme warning until minute 240, which an update ends at 220: too little to be told."""
    city = City().take(tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A"))
    shrunk = outcome("A2", meaning("Extreme", expires=220), supersedes=["A"], sent=10, stamp=10)
    city.take(tick(10), shrunk, snapshot(10, "A2"), tick(221))
    assert city.told() == [("warn", "entered")]
    return city


@pytest.mark.parametrize("confirmed", [225, 245])
def test_after_a_planned_end_a_lesser_warning_that_goes_on_for_longer_is_told(confirmed: float) -> None:
    city = extreme_that_shrank()
    on = outcome("B", meaning("Severe", onset=225, expires=600), sent=225, stamp=225)
    city.take(on, tick(confirmed), snapshot(confirmed, "B"))
    (said,) = city.push()[1:]
    assert (said.level, said.expires) == (3, at(600))


def test_a_fall_after_which_the_lesser_warning_lasts_longer_is_told_beside_something_worse() -> None:
    city = City().take(tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A"))
    both = meaning("Severe", expires=600), meaning("Extreme", group="WIND", ii="52")
    city.take(outcome("B", *both, supersedes=["A"], sent=10, stamp=10), snapshot(10, "B"))
    said = [(one.level, one.expires) for one in city.push()[1:]]
    assert sorted(said) == [(3, at(600)), (4, at(240))]


def test_beside_the_worst_that_is_told_is_named_what_goes_on_after_its_end() -> None:
    """After its end nothing more is told: it was planned, and the log knows the other."""
    city = City().take(tick(0), outcome("A", meaning("Severe"), meaning("Extreme", expires=45)), snapshot(0, "A"))
    bodies = [one.body["de"] for one in city.push()] + [one.text for one in city.sms() if one.part != 2]
    assert len(bodies) == 2
    assert all("eiter" in body and "18:00" in body for body in bodies), bodies


def test_a_warning_that_begins_earlier_and_ends_later_is_told_with_both_times() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", onset=120, expires=240)), snapshot(0, "A"))
    moved = outcome("B", meaning("Severe", onset=60, expires=400), supersedes=["A"], sent=10, stamp=10)
    city.take(tick(10), moved, snapshot(10, "B"))
    assert [one.reason for one in city.push()] == ["entered", "begins earlier"]
    for text in (city.push()[-1].body["de"], city.sms()[-1].text):
        assert "15:00" in text
        assert "20:40" in text


def test_what_an_audience_is_never_told_of_keeps_nothing_that_it_was_told_of_alive() -> None:
    notice = outcome("V", meaning("Severe", urgency="Future", onset=600, expires=900))
    city = City().take(tick(0), notice, outcome("A", meaning("Moderate", expires=60)), snapshot(0, "V", "A"))
    city.take(tick(61), snapshot(62, "V"), tick(63))
    again = outcome("B", meaning("Moderate", onset=330, expires=400), sent=300, stamp=300)
    city.take(tick(300), again, snapshot(300, "V", "B"))
    assert city.told() == [("warn", "entered"), ("warn", "entered")]


def told_then(*first: Outcome, then: Sequence[Outcome], minute: float = 10) -> City:
    """Told of some messages, and then of others in one listing."""
    city = City().take(tick(0), *first, snapshot(0, *(one.base_id for one in first)))
    gone = {base_id for one in then for base_id in one.supersedes}
    listed = [one.base_id for one in (*first, *then) if one.base_id not in gone]
    return city.take(tick(minute), *then, snapshot(minute, *listed), tick(minute + 1))


def later_update(base_id: str, *said: Meaning, of: str = "") -> Outcome:
    return outcome(base_id, *said, supersedes=[of] if of else [], sent=10, stamp=10)


def test_a_fall_after_which_something_holds_sooner_is_told_beside_something_worse() -> None:
    wind = meaning("Extreme", group="WIND", ii="53", onset=10)
    rain = later_update("B", meaning("Severe", onset=10, expires=240), wind, of="F")
    city = told_then(outcome("F", meaning("Extreme", onset=600, expires=900)), then=[rain])
    assert sorted((one.group, one.level) for one in city.push()[1:]) == [("RAIN", 3), ("WIND", 4)]


@pytest.mark.parametrize(("was", "now", "reason"), [(2, 3, "raised"), (3, 2, "lowered")])
def test_a_change_of_what_holds_is_told_beside_an_advance_notice_of_something_worse(
    was: int, now: int, reason: str
) -> None:
    severities = {2: "Moderate", 3: "Severe"}
    notice = meaning("Extreme", urgency="Future", ii="65", onset=600, expires=900)
    both = later_update("B", meaning(severities[now]), notice, of="A")
    (said,) = told_then(outcome("A", meaning(severities[was], ii="61")), then=[both]).push("staff")[1:]
    assert said.reason == reason
    assert "Vorabinformation" in said.body["de"]


@pytest.mark.parametrize(
    ("first", "moved"),
    [
        (meaning("Severe", expires=300), meaning("Severe", expires=280)),
        (meaning("Moderate", ii="61", onset=300, expires=900), meaning("Moderate", ii="61", onset=310, expires=900)),
    ],
    ids=["the worse ends sooner", "the lesser begins later"],
)
def test_a_gap_of_minutes_between_two_warnings_is_no_news(first: Meaning, moved: Meaning) -> None:
    others = meaning("Severe", expires=300), meaning("Moderate", ii="61", onset=300, expires=900)
    other = next(one for one in others if one.severity != first.severity)
    city = City().take(tick(0), outcome("A", first), outcome("O", other), snapshot(0, "A", "O"))
    told = city.told()
    city.take(tick(10), later_update("B", moved, of="A"), snapshot(10, "B", "O"), tick(11))
    assert city.told() == told


def test_a_lesser_warning_after_a_gap_is_told_with_its_begin() -> None:
    later = later_update("B", meaning("Severe", onset=600, expires=900))
    (said,) = told_then(outcome("A", meaning("Extreme")), then=[later]).push()[1:]
    assert "00:00" in said.body["de"]
    assert "05:00" in said.body["de"]


def test_a_cancel_is_told_though_something_that_is_past_has_the_same_times() -> None:
    past = outcome("P", meaning("Severe", urgency="Past"))
    city = City().take(tick(0), outcome("A", meaning("Severe")), past, snapshot(0, "A", "P"))
    city.take(tick(10), cancel("C", "A", 10), snapshot(10, "C", "P"), tick(11), snapshot(20, "C", "P"))
    assert city.told() == [("warn", "entered"), ("ended", "cancelled")]


def test_while_an_end_waits_what_goes_on_for_longer_is_told_and_nothing_is_called_over() -> None:
    city = extreme_that_shrank()
    on = outcome("B", meaning("Moderate", ii="61", onset=225, expires=600), sent=225, stamp=225)
    city.take(on, outcome("X", decided="rejected", stamp=225), tick(230), snapshot(230, "B", "X"))
    (said,) = city.push()[1:]
    assert (said.kind, said.level, said.expires) == ("update", 2, at(600))
