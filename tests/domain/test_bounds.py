"""A city's state stays within its bound whatever comes in, and a new Extreme message is told at once."""

import base64
import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.domain.test_state_comes_back import comes_back
from tests.domain.test_stop import stop
from tests.support import City, at, cancel, city_rules, meaning, outcome, rejected, snapshot, tick
from warnsys.records import ImpactRecord, Meaning, Text
from warnsys.warning.bounds import HEAVY, MOST_BYTES, lighter, needs
from warnsys.warning.facts import MOST_IDS, MOST_NAMES, MOST_REFERENCES, MOST_RULES

LONG = 60
"""Characters of an id, about as DWD's are."""


def ids(count: int, seed: int = 0, length: int = LONG) -> list[str]:
    """Ids that nothing can pack."""
    source = random.Random(seed)
    return [base64.urlsafe_b64encode(source.randbytes(length * 3 // 4)).decode() for _ in range(count)]


def wordy(severity: str = "Minor", *, languages: int = 16, districts: Iterable[str] = ("d1", "d2")) -> Meaning:
    """As long as a message's texts may be, in random letters."""
    source = random.Random(1)
    long = "".join(source.choices('abcdefghijklmnopqrstuvwxyzäöü"\\\n', k=4_000))
    text = Text(event="e" * 120, headline="h" * 300, description=long, instruction=long)
    said = meaning(severity, districts=districts)
    return said.model_copy(update={"texts": {"de": text, **{f"l{n}": text for n in range(languages - 1)}}})


def unknown_references() -> Iterator[ImpactRecord]:
    """Cancels of 4 MB, each with 62,000 references that nobody knows."""
    for n in range(12):
        one = cancel(f"C{n}", "x", n)
        yield one.model_copy(update={"supersedes": tuple(ids(62_000, n))})


def many_ends_of_nothing() -> Iterator[ImpactRecord]:
    for n in range(1_000):
        yield outcome(f"C{n}", decided="not_live", msg_type="Cancel", sent=n / 100, supersedes=ids(150, n), stamp=5)


def listings_elsewhere() -> Iterator[ImpactRecord]:
    for n in range(8):
        for listed_id in ids(500, n, 1_000):
            yield outcome(listed_id, decided="no_district", stamp=n)
        yield snapshot(n, "FIRST", *ids(500, n, 1_000))


def undecided_snapshots() -> Iterator[ImpactRecord]:
    for n in range(14):
        yield snapshot(n, *ids(5_000, n))


def a_giant_snapshot() -> Iterator[ImpactRecord]:
    yield snapshot(1, *ids(150_000))


def one_message_under_many_names() -> Iterator[ImpactRecord]:
    for name in ids(1_000, length=4_000):
        yield outcome("B", meaning("Minor"), stamp=1).model_copy(update={"listed_id": name})


def many_versions_of_the_rules() -> Iterator[ImpactRecord]:
    for n in range(500):
        yield outcome("B", meaning("Minor"), stamp=1).model_copy(update={"rules": f"{n:012}"})


def many_sources() -> Iterator[ImpactRecord]:
    for n in range(200):
        yield outcome("B", meaning("Minor"), stamp=1, source=f"source-{n}")
        yield snapshot(1, "B", source=f"source-{n}")


def long_texts_in_force() -> Iterator[ImpactRecord]:
    for n in range(60):
        yield outcome(f"B{n}", wordy(), stamp=1)


def many_in_force() -> Iterator[ImpactRecord]:
    for number, name in enumerate(ids(2_500, length=1_000)):
        yield outcome(name, meaning("Minor", expires=60 + number), stamp=1)


def groups_in_force() -> Iterator[ImpactRecord]:
    for n in range(12):
        some = (meaning("Moderate", group=f"{name}") for name in ids(50, n, 1_000))
        yield outcome(f"B{n}", *some, stamp=1)
        yield tick(1 + n / 100)


def what_is_over() -> Iterator[ImpactRecord]:
    for n in range(300):
        yield outcome(f"B{n}", wordy(languages=2).model_copy(update={"expires": at(2)}), stamp=1)
    yield tick(3)
    yield snapshot(3, "FIRST")
    yield from (outcome(f"D{n}", wordy(languages=2), stamp=4) for n in range(200))


def what_was_replaced() -> Iterator[ImpactRecord]:
    yield outcome("B0", wordy(languages=1), stamp=0)
    for n in range(1, 500):
        yield outcome(f"B{n}", wordy(languages=2), supersedes=[f"B{n - 1}"], sent=n / 100, stamp=1 + n / 100)
        if n % 50 == 0:
            yield snapshot(1 + n / 100, "FIRST", f"B{n}")


def unreadable() -> Iterator[ImpactRecord]:
    yield from (rejected(name, 1) for name in ids(2_000, length=4_000))


def during_a_stop() -> Iterator[ImpactRecord]:
    yield stop(0.5, 200, "sms")
    yield from what_was_replaced()


FLOODS: tuple[Callable[[], Iterator[ImpactRecord]], ...] = (
    unknown_references, many_ends_of_nothing, listings_elsewhere, undecided_snapshots, a_giant_snapshot,
    one_message_under_many_names, many_versions_of_the_rules, many_sources, long_texts_in_force, many_in_force,
    groups_in_force, what_is_over, what_was_replaced, unreadable, during_a_stop,
)  # fmt: skip


def flooded(flood: Iterable[ImpactRecord], city: City) -> int:
    """The largest that the state or the ledger became, looked at now and then."""
    largest = 0

    def weight() -> int:
        return max(len(city.state.to_bytes()), len(city.ledger.to_bytes()))

    for number, record in enumerate(flood):
        city.take(record)
        if number % 100 == 99 or number < 20:
            largest = max(largest, weight())
        if number % 1_000 == 999:
            city.notices.clear()
    return max(largest, weight())


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_whatever_comes_in_a_state_stays_within_its_bound_and_an_extreme_message_is_told(
    flood: Callable[[], Iterator[ImpactRecord]],
) -> None:
    """What was in force before the flood, and worse than it, stands and can be ended."""
    first = outcome("FIRST", meaning("Severe", group="THUNDERSTORM", ii="42", expires=600))
    city = City().take(tick(0), first, snapshot(0, "FIRST"))
    assert flooded(flood(), city) <= MOST_BYTES
    assert "FIRST" in city.standing()
    city.notices.clear()
    new = meaning("Extreme", group="TORNADO", ii="59", expires=600)
    city.take(outcome("NEW", new, sent=20, stamp=30), tick(30.1), snapshot(30, "FIRST", "NEW"))
    assert [one.level for one in city.push() if one.cause == "NEW"] == [4]
    assert city.standing()[0] == "NEW"
    assert comes_back(city.state)
    city.take(cancel("END", "NEW", 40), snapshot(40, "FIRST", "END"))
    assert "NEW" not in city.standing()
    assert "FIRST" in city.standing()


@pytest.mark.parametrize("flood", FLOODS[:4] + FLOODS[8:10], ids=lambda flood: flood.__name__)
def test_before_the_first_tick_a_state_stays_within_its_bound_too(flood: Callable[[], Iterator[ImpactRecord]]) -> None:
    city = City()
    largest = flooded((record for record in flood() if record.kind != "tick"), city)
    assert largest <= MOST_BYTES
    city.take(tick(5), outcome("NEW", meaning("Extreme", group="TORNADO"), sent=20, stamp=30))
    assert [one.level for one in city.push() if one.cause == "NEW"] == [4]


def test_what_was_let_go_is_said_to_operators_for_two_hours() -> None:
    city = City().take(tick(0), *long_texts_in_force(), tick(2))
    assert [flag for flag in city.situation.flags if flag.startswith("forgot")] == [
        flag for flag in city.situation.flags if flag.endswith(" texts")
    ]
    assert city.situation.flags
    assert city.take(tick(123)).situation.flags == ()


def test_long_texts_give_way_before_any_warning_does() -> None:
    city = City().take(tick(0), *long_texts_in_force(), outcome("Z", wordy("Extreme"), stamp=1), tick(2))
    assert len(city.standing()) == 61
    worst = city.situation.districts["d1"].standing[0]
    assert len(worst.meaning.texts) == 16
    assert any(one.meaning.texts["de"].shortened for one in city.situation.districts["d1"].standing)


def test_of_too_much_in_force_the_worst_of_each_district_stays() -> None:
    lonely = outcome("L", meaning("Minor", districts=["d2"], expires=60))
    burst = (outcome(name, wordy("Moderate", languages=2, districts=["d1"])) for name in ids(700, length=2_000))
    city = City().take(tick(0), lonely, *burst, outcome("Z", meaning("Extreme", districts=["d1"])), tick(1))
    assert len(city.state.to_bytes()) <= MOST_BYTES
    assert city.standing("d2") == ["L"]
    assert city.standing("d1")[0] == "Z"
    assert any(flag.startswith("forgot") and flag.endswith("warnings") for flag in city.situation.flags)
    assert not [one for one in city.push() if one.kind == "ended"]


def test_what_ends_a_warning_in_force_is_known_however_many_references_it_has() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    end = cancel("B", "A", 10).model_copy(update={"supersedes": (*ids(62_000), "A")})
    assert city.take(end, snapshot(10, "B")).standing() == []
    assert len(city.state.facts["B"].supersedes) == MOST_REFERENCES + 1


def test_a_message_under_many_names_stands_as_long_as_one_of_the_last_is_listed() -> None:
    city = City().take(tick(0), outcome("O", decided="no_district"))
    for n in range(2 * MOST_NAMES):
        city.take(outcome("B", meaning(), stamp=n / 10).model_copy(update={"listed_id": f"B{n}"}))
    last = f"B{2 * MOST_NAMES - 1}"
    city.take(snapshot(10, last, "O"), snapshot(20, last, "O"), snapshot(30, last, "O"))
    assert city.standing() == ["B"]


def test_a_listing_that_is_longer_than_is_kept_ends_nothing_and_clears_nothing() -> None:
    some = [f"O{n}" for n in range(MOST_IDS + 1)]
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    city.take(*(outcome(name, decided="no_district", stamp=10) for name in some))
    city.take(snapshot(10, *some), snapshot(20, *some), tick(21))
    assert city.standing() == ["A"]
    assert city.situation.freshness == "incomplete"


def test_of_each_message_the_verdict_under_the_last_rules_is_kept() -> None:
    city = City().take(tick(0))
    for n in range(MOST_RULES + 3):
        city.take(outcome("A", decided="no_district").model_copy(update={"rules": f"r{n}"}))
    city.take(outcome("A", decided="no_district"), snapshot(0, "A"))
    assert city.status() == "clear"
    assert len(city.ledger.listings["A"].accepted) == MOST_RULES


def test_an_ordinary_day_is_never_weighed_down() -> None:
    """Three hundred warnings of two languages in a city of sixty districts, and four thousand elsewhere."""
    names = [f"d{n + 1}" for n in range(20)]
    city = City(city_rules(20)).take(tick(0))
    elsewhere = [f"2.49.0.0.276.0.DWD.PVW.1815568320000.{n:032}.MUL" for n in range(4_000)]
    city.take(*(outcome(name, decided="no_district", stamp=1) for name in elsewhere))
    here = [outcome(f"B{n}", meaning(districts=names, expires=60 + n), stamp=1) for n in range(100)]
    city.take(*here, snapshot(1, *elsewhere, *(one.base_id for one in here)), tick(2))
    assert city.state.forgot is city.ledger.forgot is None
    assert max(len(city.state.to_bytes()), len(city.ledger.to_bytes())) < HEAVY
    assert at(2) == city.ledger.now


# -- what was let go is missed ---------------------------------------------------------------------------------------

LESS = outcome("L", meaning("Moderate", districts=["d1"], group="WIND", ii="51", expires=600), stamp=1)
WORST = outcome("W", meaning("Extreme", districts=["d1"], expires=600), stamp=1)


def heavy(stamp: float, *listed: str, expires: float = 60) -> Iterator[ImpactRecord]:
    """So much in force that something has to give way."""
    names = ids(300, length=7_000)
    yield snapshot(stamp, *listed, *names)
    for name in names:
        yield outcome(name, meaning("Severe", districts=["d1"], expires=expires), sent=stamp - 1, stamp=stamp)
    yield tick(stamp + 0.5)


def without_less() -> City:
    """L stood beside something worse, and was let go."""
    city = City().take(tick(0), LESS, WORST, snapshot(1, "L", "W"), tick(1.2), *heavy(10, "L", "W"))
    assert "L" not in city.state.facts
    return city


def test_a_district_is_not_clear_while_a_source_lists_what_was_let_go() -> None:
    city = without_less().take(tick(61), cancel("C", "W", 65), snapshot(65, "L", "C"), tick(66.1))
    assert (city.status("d1"), city.situation.freshness) == ("warned", "incomplete")  # what is incomplete ends nothing
    city.take(tick(601), snapshot(601, "L"), tick(602.1))
    assert (city.status("d1"), city.situation.freshness) != ("clear", "fresh")
    assert not [one for one in city.push() if one.kind == "ended"]


def test_what_was_let_go_stands_again_when_its_message_comes_again_and_is_not_told_twice() -> None:
    city = without_less().take(tick(61), cancel("C", "W", 65), snapshot(65, "L", "C"))
    city.notices.clear()
    city.take(LESS.model_copy(update={"stamp": at(65)}), tick(66), tick(67))
    assert (city.standing(), city.status(), city.situation.freshness) == (["L"], "warned", "fresh")
    assert [(one.kind, one.group) for one in city.push() if one.group == "WIND"] == []
    assert city.take(cancel("D", "L", 75), snapshot(75, "D"), tick(76.1)).status() == "clear"


def test_one_snapshot_without_what_was_let_go_does_not_clear_and_two_do() -> None:
    city = without_less().take(tick(61), cancel("C", "W", 65), snapshot(65, "L", "C"))
    city.take(outcome("O", decided="no_district", stamp=65), snapshot(70, "C", "O"), tick(71.1))
    assert city.status() == "no_data"
    assert city.take(snapshot(80, "C", "O"), tick(81.1)).status() == "clear"


def test_what_was_withdrawn_and_let_go_is_missed_when_it_is_listed_again() -> None:
    dormant = outcome("L", meaning("Moderate", districts=["d1"], expires=600), stamp=1)
    city = City().take(tick(0), dormant, WORST, snapshot(1, "L", "W"), snapshot(5, "W"), snapshot(9, "W"), tick(9.5))
    assert city.take(*heavy(10, "W")).standing()[0] == "W"
    assert "L" not in city.state.facts
    city.take(tick(61), cancel("C", "W", 65), snapshot(65, "C"), tick(66.1))
    assert city.status() == "clear"
    city.take(snapshot(75, "L", "C"), tick(76.1))
    assert city.status() == "no_data"


def test_what_never_warned_here_or_is_over_is_not_missed() -> None:
    ends = [cancel(f"C{n}", name, 1) for n, name in enumerate(ids(40))]
    city = City().take(tick(0), outcome("P", meaning(expires=2), stamp=1), *ends, WORST)
    listed = [one.base_id for one in ends]
    city.take(snapshot(1, "P", "W", *listed), tick(3), snapshot(8, "W", *listed), tick(9))
    city.take(*heavy(10, "W", *listed), tick(61))
    assert not {"P", *listed} & city.state.facts.keys()
    assert city.take(snapshot(65, "W", *listed), tick(66.1)).situation.freshness == "fresh"


def test_what_left_a_listing_together_is_known_while_one_of_it_holds_so_nothing_ends_sooner() -> None:
    """A tenth of what was listed is too little for two looks (docs/adr/0015), also after the state was made smaller."""
    gone, left = [f"G{n:02}" for n in range(30)], ["S1", "S2", "S3"]
    city = City().take(tick(0), outcome("A", meaning("Moderate", expires=600), stamp=1))
    city.take(*(outcome(name, decided="no_district", stamp=1) for name in (*gone, *left)))
    city.take(snapshot(1, "A", *gone, *left), *(snapshot(n, *left) for n in (11, 21, 31)), tick(31))
    city.take(outcome("NEVER LISTED", decided="no_district", stamp=35))
    heavy_elsewhere = ids(850, length=2_600)
    city.take(*(outcome(name, decided="no_district", stamp=40) for name in heavy_elsewhere))
    city.take(snapshot(40, *left, *heavy_elsewhere), snapshot(42, *left), tick(42.1))
    assert any(flag.endswith(" listings") for flag in city.situation.flags)
    assert "A" in city.standing()


@pytest.mark.parametrize(
    ("others", "minute"),
    [
        ((meaning("Extreme", districts=["d1"]), meaning("Minor", districts=["d2"])), 0),
        ((meaning("Extreme", districts=["d2"], expires=30), meaning("Extreme", districts=["d1"])), 31),
    ],
    ids=["the other is worse elsewhere", "the other is over"],
)
def test_of_too_much_what_is_live_and_worst_in_a_district_stays(others: tuple[Meaning, ...], minute: float) -> None:
    city = City().take(tick(0), outcome("A", *others))
    city.take(outcome("B", meaning("Severe", districts=["d2"], group="WIND", ii="54")), snapshot(0, "A", "B"))
    facts = city.take(tick(minute)).state.facts
    left = lighter(facts, {}, None, city.ledger.now, 10**9, needs(facts, city.situation, ()))
    assert set(left.facts) == {"A", "B"}
