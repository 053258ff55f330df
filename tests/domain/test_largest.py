"""What is largest on a stele: one warning, with its own level, words and times, as policy presents it."""

from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, at, city_rules, meaning, outcome, snapshot, tick
from warnsys.cap.model import level
from warnsys.channels.stele import LOUDNESS, MOST_ITEMS, largest_first
from warnsys.records import Meaning
from warnsys.warning.policy import Policy

HEAT, STORM = partial(meaning, group="HEAT", ii="248"), partial(meaning, group="THUNDERSTORM", ii="46")
KINDS = [("HEAT", "247"), ("HEAT", "248"), ("THUNDERSTORM", "46"), ("WIND", "53"), ("RAIN", "62"), ("FROST", "81")]
TIMES = st.sampled_from([-60, 0, 20, 59, 60, 61, 300])


@st.composite
def made(draw: st.DrawFn) -> Meaning:
    """A warning or an advance notice that has begun, begins soon or much later, and ends or not."""
    group, number = draw(st.sampled_from(KINDS))
    onset = draw(TIMES)
    return meaning(
        draw(st.sampled_from(["Minor", "Moderate", "Severe", "Extreme"])),
        urgency=draw(st.sampled_from(["Immediate", "Immediate", "Future", "Expected", "Past"])),
        group=group, ii=number, onset=onset,
        expires=draw(st.sampled_from([None, onset + 30, onset + 500])),
    )  # fmt: skip


POLICIES = [Policy(), Policy(never_full=()), Policy(full_from="never"), Policy(near_onset_min=0)]


def heard(*meanings: Meaning, minute: float = 0, policy: Policy | None = None) -> City:
    told = {f"M{number}": one for number, one in enumerate(meanings)}
    city = City(city_rules(policy=policy)).take(tick(-61))
    city.take(*(outcome(name, one, stamp=-60, sent=-61) for name, one in told.items()), snapshot(-60, *told))
    return city.take(tick(minute))


@given(
    st.lists(made(), min_size=1, max_size=6), st.sampled_from([-60, 0, 30, 100, 299, 301]), st.sampled_from(POLICIES)
)
def test_what_is_largest_is_what_policy_presents_loudest_and_among_equals_what_is_in_force(
    meanings: list[Meaning], minute: float, policy: Policy
) -> None:
    record = heard(*meanings, minute=minute, policy=policy).stele()
    now = at(minute)
    standing = [one for one in meanings if one.expires is None or one.expires > now]
    if not standing:
        assert all(item.phase == "expired" for item in record.items)
        return
    loud = max(LOUDNESS.index(policy.presentation(one, now)) for one in standing)
    equals = [one for one in standing if LOUDNESS.index(policy.presentation(one, now)) == loud]
    rather = [one for one in equals if not one.advance and one.onset <= now] or equals
    first = record.items[0]
    assert first.presentation == LOUDNESS[loud]
    found = [one for one in rather if level(one.severity) == first.level and one.ii == first.ii]
    assert found
    assert first.level == max(level(one.severity) for one in rather)
    assert any((one.onset, one.expires) == (first.onset, first.expires) for one in found)
    for language, said in record.summary.items():
        assert all(part[language] in said for part in (first.label, first.event, first.when))
    assert largest_first(reversed(record.items), now)[0].presentation == first.presentation


def cases() -> Iterator[tuple[str, Meaning, Meaning]]:
    """By a name two warnings, the first of which has to be the larger."""
    storm, gale = STORM("Severe"), meaning("Moderate", group="WIND", ii="52")
    yield "extreme heat, and a severe storm", storm, HEAT("Extreme", onset=-60, expires=600)
    later = meaning("Severe", group="THUNDERSTORM", ii="42", onset=480, expires=600)
    yield "a storm tonight, and one now", storm, later
    advance = meaning("Severe", urgency="Future", group="THUNDERSTORM", ii="40", onset=480, expires=900)
    yield "an advance notice, and a gale now", gale, advance
    minor = meaning("Minor", group="WIND", ii="51")
    worst = meaning("Extreme", urgency="Future", group="RAIN", ii="65", onset=480, expires=900)
    yield "an extreme advance notice, and gusts now", minor, worst
    yield "an extreme storm tonight, and gusts now", minor, STORM("Extreme", onset=480, expires=600)


@pytest.mark.parametrize(("larger", "other"), [case[1:] for case in cases()], ids=[case[0] for case in cases()])
def test_what_is_in_force_is_larger_than_what_is_louder_in_name_only(larger: Meaning, other: Meaning) -> None:
    for meanings in ((larger, other), (other, larger)):
        record = heard(*meanings).stele()
        assert [item.ii for item in record.items] == [larger.ii, other.ii]
        assert record.items[0].event["de"] in record.summary["de"]
        assert record.items[1].event["de"] not in record.summary["de"]


def test_a_warning_becomes_the_largest_when_it_comes_into_force_though_nothing_else_changed() -> None:
    now, later = meaning("Minor", group="WIND", ii="51", expires=400), HEAT("Minor", onset=90, expires=600)
    city = heard(now, later)
    assert city.stele().items[0].ii == "51"
    worse = STORM("Moderate", urgency="Past", onset=90, expires=600)  # shown as a tile whatever its level
    city.take(outcome("W", worse, stamp=1), snapshot(1, "M0", "M1", "W"))
    assert city.stele().items[0].ii == "51"
    city.take(tick(90))
    assert city.stele().items[0].ii == "46"


def test_the_largest_is_in_a_record_that_cannot_hold_all() -> None:
    notices = [
        outcome(f"N{number:03}", meaning("Extreme", urgency="Future", onset=480, expires=900))
        for number in range(MOST_ITEMS + 5)
    ]
    gale = outcome("G", meaning("Moderate", group="WIND", ii="52"))
    record = City().take(tick(0), *notices, gale, snapshot(0, "G", *(one.base_id for one in notices))).stele()
    assert record.items[0].base_id == "G"
    assert (len(record.items), record.more) == (MOST_ITEMS, 6)
