"""What holds, and what each end of a warning needs as evidence."""

from dataclasses import replace

from tests.support import City, at, cancel, city_rules, meaning, outcome, rejected, snapshot, tick


def test_a_district_begins_without_data() -> None:
    assert City().take(tick(0)).status() == "no_data"


def test_a_complete_fresh_snapshot_without_warnings_makes_it_clear() -> None:
    assert City().take(tick(0), snapshot(0)).status() == "clear"


def test_a_warning_shows_at_once_before_the_first_snapshot() -> None:
    city = City().take(tick(0), outcome("A", meaning()))
    assert city.status() == "warned"
    assert city.situation.freshness == "none"


def test_silence_is_never_all_clear() -> None:
    city = City().take(tick(0), snapshot(0), tick(16))
    assert (city.status(), city.situation.freshness) == ("no_data", "stale")


def test_when_the_feed_goes_stale_what_was_warned_stays_warned() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), tick(60))
    assert (city.status(), city.situation.freshness) == ("warned", "stale")
    assert city.situation.as_of == at(0)


def test_an_undecided_message_keeps_a_district_from_being_clear() -> None:
    city = City().take(tick(0), snapshot(0, "A"))
    assert (city.status(), city.situation.freshness) == ("no_data", "incomplete")
    city.take(outcome("A", decided="no_district"))
    assert city.status() == "clear"


def test_a_new_snapshot_gets_a_minute_to_be_decided() -> None:
    city = City().take(tick(0), snapshot(0), tick(10), snapshot(10, "A"))
    assert city.status() == "clear"
    assert city.take(tick(12)).status() == "no_data"


def test_an_unreadable_message_makes_the_city_incomplete_until_it_is_gone() -> None:
    city = City().take(tick(0), rejected("B"), snapshot(0, "B"))
    assert (city.status(), city.situation.freshness) == ("no_data", "incomplete")
    assert city.situation.flags == ("unreadable B",)
    assert city.take(snapshot(10)).status() == "clear"


def test_a_readable_copy_of_a_message_outweighs_an_unreadable_one() -> None:
    for copies in (["bad", "good"], ["good", "bad"]):
        city = City().take(tick(0))
        for copy in copies:
            city.take(rejected("A") if copy == "bad" else outcome("A", meaning()))
        city.take(snapshot(0, "A"))
        assert city.situation.freshness == "fresh"
        assert city.standing() == ["A"]


def test_an_update_replaces_its_predecessor() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(outcome("B", meaning("Moderate"), supersedes=["A"], stamp=10))
    assert city.standing() == ["B"]


def test_update_without_district_ends_it_there() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(outcome("B", meaning(districts=["d1"]), supersedes=["A"], stamp=10), snapshot(10, "B"))
    assert city.standing("d1") == ["B"]
    assert city.standing("d2") == []


def test_what_an_update_left_stands_until_its_snapshot_is_decided() -> None:
    """The other half of a split may come a record later: no false end in between."""
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(outcome("B1", meaning(districts=["d1"]), supersedes=["A"], stamp=10))
    assert city.standing("d2") == ["A"]
    city.take(outcome("B2", meaning(districts=["d2"]), supersedes=["A"], stamp=10), snapshot(10, "B1", "B2"))
    assert (city.standing("d1"), city.standing("d2")) == (["B1"], ["B2"])
    assert all(kind != "ended" for kind, _ in city.told())


def test_a_cancel_ends_its_warning_for_good() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(cancel("C", "A", stamp=10), snapshot(10, "C"))
    assert city.status() == "clear"
    assert city.take(outcome("A", meaning()), snapshot(20, "A")).status() == "clear"


def test_of_messages_that_reference_one_another_the_latest_stands() -> None:
    """If each ended the other, a city would read clear while its source lists both."""
    a, b = outcome("A", meaning(), supersedes=["B"]), outcome("B", meaning(), supersedes=["A"], sent=10, stamp=10)
    for order in ((a, b), (b, a)):
        city = City().take(tick(0), *order, snapshot(10, "A", "B"))
        assert city.standing() == ["B"]
        assert [kind for kind, _ in city.told()] == ["warn"]


def test_of_a_circle_of_references_the_latest_stands_and_what_lies_before_the_circle_is_replaced() -> None:
    circle = [
        outcome("A", meaning(), supersedes=["C", "0"]),
        outcome("B", meaning(), supersedes=["A"], sent=10, stamp=10),
        outcome("C", meaning(), supersedes=["B"], sent=20, stamp=20),
    ]
    city = City().take(tick(0), outcome("0", meaning()), *circle, snapshot(20, "A", "B", "C"))
    assert city.standing() == ["C"]


def test_an_update_whose_senders_clock_goes_behind_replaces_its_predecessor_all_the_same() -> None:
    city = City().take(tick(0), outcome("A", meaning(), sent=5), snapshot(0, "A"))
    city.take(outcome("B", meaning("Moderate"), supersedes=["A"], sent=4, stamp=10), snapshot(10, "B"))
    assert city.standing() == ["B"]


def test_a_rejected_cancel_ends_nothing() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), rejected("C", 10), snapshot(10, "A", "C"))
    assert city.standing() == ["A"]


def test_a_cancel_from_another_source_ends_nothing() -> None:
    city = City(city_rules(sources=("dwd", "city"))).take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(
        outcome("C", supersedes=["A"], msg_type="Cancel", decided="not_live", source="city"),
        snapshot(0, "C", source="city"),
    )
    assert city.standing() == ["A"]


def test_a_late_predecessor_is_not_shown_but_its_references_are_followed() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("C", meaning(), supersedes=["B"], sent=20, stamp=20))
    assert set(city.standing()) == {"A", "C"}
    city.take(outcome("B", meaning(), supersedes=["A"], sent=10, stamp=10))
    assert city.standing() == ["C"]


def test_withdrawn_when_two_newer_complete_snapshots_lack_it() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    assert city.take(snapshot(10, "O")).standing() == ["A"]
    assert city.take(snapshot(10, "O")).standing() == ["A"]  # the same snapshot again, from another poller
    assert city.take(snapshot(20, "O")).standing() == []


SECOND = 1 / 60


def test_two_nodes_of_a_server_that_stamp_the_same_data_a_second_apart_are_one_witness() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    assert city.take(snapshot(10, "O"), snapshot(10 + SECOND, "O")).standing() == ["A"]
    assert city.take(snapshot(20, "O")).standing() == []


def test_where_both_nodes_are_always_heard_the_second_snapshot_withdraws_as_well() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"))
    for stamp in (0, 10, 20):
        ids = ("A", "O") if stamp == 0 else ("O",)
        city.take(snapshot(stamp, *ids), snapshot(stamp + SECOND, *ids))
        assert city.standing() == (["A"] if stamp < 20 else [])


def test_snapshots_half_a_minute_apart_are_two_witnesses() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    assert city.take(snapshot(10, "O"), snapshot(10 + 29 * SECOND, "O")).standing() == ["A"]
    assert city.take(snapshot(10 + 30 * SECOND, "O")).standing() == []


def test_a_late_snapshot_between_two_witnesses_counts_as_if_it_had_come_in_time() -> None:
    """After an empty one the two last that list anything are the evidence for what is Severe."""
    late, others = snapshot(10 + 25 * SECOND, "O"), (snapshot(10, "O"), snapshot(10 + 10 * SECOND, "O"))
    story = (outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    for order in ((*others, late), (late, *others)):
        city = City().take(tick(0), *story, *order, snapshot(20), snapshot(30))
        assert city.standing() == ["A"]
        assert city.take(snapshot(10 + 45 * SECOND, "O")).standing() == []


def test_a_snapshot_that_becomes_complete_after_empty_ones_is_a_witness_still() -> None:
    elsewhere = (outcome(one, decided="no_district", stamp=10) for one in ("D", "O"))
    city = City().take(tick(0), outcome("A", meaning()), *elsewhere)
    city.take(snapshot(0, "A", "O"), snapshot(10, "D", "O"), snapshot(15), snapshot(20), snapshot(5, "C", "O"))
    assert city.standing() == ["A"]
    assert city.take(outcome("C", decided="no_district", stamp=5)).standing() == []


def test_a_snapshot_of_the_other_node_gets_its_minute_as_well() -> None:
    city = City().take(outcome("O", decided="no_district"), snapshot(0, "O"), tick(5))
    city.take(snapshot(5, "N"), snapshot(5 + SECOND, "N"))
    assert city.situation.freshness == "fresh"
    assert city.take(tick(6.5)).situation.freshness == "incomplete"


def test_an_incomplete_snapshot_withdraws_nothing() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    city.take(rejected("B", 10), snapshot(10, "O", "B"), snapshot(20, "O", "B"))
    assert city.standing() == ["A"]
    assert city.take(snapshot(30, "O"), snapshot(40, "O")).standing() == []


def test_withdrawn_is_dormant_a_later_listing_revives_it() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    city.take(snapshot(10, "O"), snapshot(20, "O"))
    assert city.take(snapshot(30, "A", "O")).standing() == ["A"]


def test_the_same_warning_from_two_sources_ends_when_both_have_dropped_it() -> None:
    city = City(city_rules(sources=("dwd", "city")))
    city.take(tick(0))
    for source in ("dwd", "city"):
        city.take(outcome("A", meaning(), source=source), outcome("O", decided="no_district", source=source))
        city.take(snapshot(0, "A", "O", source=source))
    assert city.take(snapshot(10, "O"), snapshot(20, "O")).standing() == ["A"]
    assert city.take(snapshot(10, "O", source="city"), snapshot(20, "O", source="city")).standing() == []


def test_everything_gone_at_once_during_severe_withdraws_nothing_before_the_expiry() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe", expires=60)), outcome("M", meaning("Minor")))
    city.take(snapshot(0, "A", "M"), snapshot(10), snapshot(20), snapshot(30))
    assert set(city.standing()) == {"A", "M"}
    assert "all vanished" in city.situation.flags
    assert city.take(tick(61), snapshot(62)).standing() == []


def test_what_was_withdrawn_before_everything_vanished_stays_withdrawn() -> None:
    city = City().take(tick(0), outcome("A", meaning()), outcome("O", decided="no_district"), snapshot(0, "A", "O"))
    city.take(snapshot(10, "O"), snapshot(20, "O"))
    assert city.take(snapshot(30), snapshot(40), snapshot(50)).standing() == []
    assert city.situation.flags == ()


def test_expired_is_unconfirmed_until_a_complete_snapshot_stamped_later() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=60)), snapshot(0, "A"), tick(55), snapshot(55, "A"))
    assert city.take(tick(61)).status() == "unconfirmed"
    assert city.take(snapshot(59)).status() == "unconfirmed"
    assert city.take(rejected("B", 65), snapshot(65, "B")).status() == "unconfirmed"
    assert city.take(snapshot(66)).status() == "clear"


def test_an_extension_seconds_before_the_old_end_leaves_no_gap() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=60)), snapshot(0, "A"), tick(59.9))
    city.take(
        outcome("B", meaning(expires=120), supersedes=["A"], sent=59.9, stamp=59.9), snapshot(59.9, "B"), tick(61)
    )
    assert city.standing() == ["B"]
    assert city.status() == "warned"


def test_without_an_end_it_stands_until_it_is_withdrawn() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=None)), outcome("O", decided="no_district"))
    city.take(snapshot(0, "A", "O"), tick(60 * 24 * 20))
    assert city.status() == "warned"


def test_a_source_without_snapshots_is_believed_at_its_word() -> None:
    city = City(city_rules(sources=())).take(tick(0), outcome("A", meaning(expires=60), stamp=None))
    assert city.standing() == ["A"]
    assert city.take(tick(61)).standing() == []


def test_worst_first_and_a_warning_before_an_advance_notice_of_its_level() -> None:
    city = City().take(tick(0))
    city.take(outcome("minor", meaning("Minor")), outcome("advance", meaning("Severe", urgency="Future")))
    city.take(outcome("severe", meaning("Severe")), outcome("extreme", meaning("Extreme")))
    assert city.standing() == ["extreme", "severe", "advance", "minor"]


def test_at_one_level_what_began_first_comes_first_then_what_lasts_longest_and_what_has_expired_last() -> None:
    city = City().take(tick(0))
    for base_id, onset, expires in (
        ("expired", 0, 5), ("a-short", 10, 60), ("open", 10, None), ("early", 5, 30), ("long", 10, 90),
    ):  # fmt: skip
        city.take(outcome(base_id, meaning("Severe", onset=onset, expires=expires)))
    city.take(tick(6), outcome("worse", meaning("Extreme", onset=20)))
    assert city.standing() == ["worse", "early", "open", "long", "a-short", "expired"]


def test_of_several_sources_the_worst_heard_decides_how_fresh_a_city_is() -> None:
    city = City(city_rules(sources=("dwd", "city"))).take(tick(0), snapshot(0))
    assert city.situation.freshness == "none"
    assert city.take(tick(20)).situation.freshness == "none"
    assert city.take(snapshot(20, source="city")).situation.freshness == "stale"
    assert city.take(snapshot(20, "B"), tick(21)).situation.freshness == "incomplete"
    assert city.take(outcome("B", decided="no_district", stamp=20)).situation.freshness == "fresh"
    assert city.situation.as_of == at(20)


def test_a_snapshot_is_fresh_up_to_the_sources_limit() -> None:
    city = City().take(snapshot(0), tick(15))
    assert city.situation.freshness == "fresh"
    assert city.take(tick(15.1)).situation.freshness == "stale"


def test_an_undecided_snapshot_is_incomplete_from_its_minute_on() -> None:
    city = City().take(snapshot(0), snapshot(5, "B"), tick(5.9))
    assert city.situation.freshness == "fresh"
    assert city.take(tick(6)).situation.freshness == "incomplete"


def test_what_something_milder_replaced_does_not_make_an_empty_snapshot_suspicious() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    city.take(outcome("B", meaning("Moderate"), supersedes=["A"], sent=10, stamp=10), snapshot(10, "B"))
    assert city.take(snapshot(20)).situation.flags == ("dropped dwd",)
    assert city.take(snapshot(30), snapshot(70)).standing() == []


def test_what_one_source_replaced_does_not_make_its_empty_snapshot_suspicious_though_another_still_lists_it() -> None:
    city = City(city_rules(sources=("dwd", "city"))).take(tick(0))
    for source in ("dwd", "city"):
        city.take(outcome("A", meaning("Severe"), source=source), snapshot(0, "A", source=source))
    city.take(outcome("B", meaning("Moderate"), supersedes=["A"], sent=10, stamp=10), snapshot(10, "B"), snapshot(20))
    assert city.standing() == ["A", "B"]
    assert city.situation.flags == ("dropped dwd",)


def test_a_successor_that_came_under_two_ids_counts_from_the_earlier_on() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    other = outcome("B", meaning(districts=["d2"]), supersedes=["A"], sent=10, stamp=20)
    first = other.model_copy(update={"listed_id": "B-again", "stamp": at(10)})
    city.take(other, first, snapshot(10, "B-again"))
    assert city.standing() == []


def test_an_empty_snapshot_of_the_stamp_of_a_severe_warning_says_nothing_against_it() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe"), stamp=10), snapshot(10))
    assert city.situation.flags == ()


def test_messages_that_cannot_be_read_are_named_but_not_without_limit() -> None:
    ids = [f"R{number:02}" for number in range(30)]
    city = City().take(tick(0), *map(rejected, ids), snapshot(0, *ids))
    assert city.situation.flags == tuple(f"unreadable {base_id}" for base_id in ids[:20])


def test_what_is_over_for_long_is_forgotten() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), snapshot(250), snapshot(260))
    city.take(outcome("B", decided="no_district", stamp=260), tick(60 * 24 * 5))
    assert not city.state.facts
    assert set(city.ledger.listings) == {"A"}  # of the last snapshot that listed anything


def test_time_never_goes_back() -> None:
    city = City().take(tick(60), tick(0))
    assert city.situation.now == at(60)


def test_of_what_is_replaced_for_good_only_the_references_are_kept() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(outcome("B", meaning(), supersedes=["A"], stamp=10), snapshot(10, "B"))
    assert city.state.facts["A"].meanings == ()
    city.take(outcome("A", meaning()), snapshot(20, "B"))
    assert city.standing() == ["B"]


def test_a_warning_stands_under_renewed_geofences_until_it_is_decided_anew() -> None:
    """Another message of the same listing may be decided first."""
    city = City().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    city.restart(replace(city.rules, ruleset_version="rules-2"))
    anew = outcome("B", meaning("Extreme", group="WIND"), stamp=1).model_copy(update={"rules": "rules-2"})
    city.take(anew, tick(1), snapshot(1, "A", "B"), tick(2))
    assert city.standing() == ["B", "A"]
    assert "ended" not in [notice.kind for notice in city.push()]


OTHERS_F = outcome("leitstelle@stadt.example,F", meaning("Moderate"), source="city").model_copy(
    update={"listed_id": "F"}
)


def test_a_cancel_before_its_warning_counts_where_another_senders_message_has_that_identifier() -> None:
    city = City(city_rules(sources=("dwd", "city"))).take(tick(0), OTHERS_F, tick(1))
    ended = outcome("F", meaning("Extreme"), stamp=2).model_copy(update={"replaced": True})
    city.take(cancel("G", "F", stamp=2), ended, snapshot(2, "F", "G"), tick(4))
    assert [one.fact.base_id for one in city.situation.districts["d1"].standing] == ["leitstelle@stadt.example,F"]
    assert [notice.cause for notice in city.push()] == ["leitstelle@stadt.example,F"]


def test_an_unreadable_copy_does_not_make_another_senders_message_ours() -> None:
    for copies in ((rejected("F"), OTHERS_F), (OTHERS_F, rejected("F"))):
        city = City(city_rules(sources=("dwd", "city"))).take(tick(0), *copies, tick(1))
        ended = outcome("F", meaning("Extreme"), stamp=2).model_copy(update={"replaced": True})
        city.take(cancel("G", "F", stamp=2), ended, snapshot(2, "F", "G"), tick(4))
        assert [notice.cause for notice in city.push()] == ["leitstelle@stadt.example,F"]
