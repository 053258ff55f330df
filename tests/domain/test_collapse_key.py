"""What a push replaces on the phone: its own predecessor, and nothing else."""

import base64
import re
from itertools import product

from tests.support import City, cancel, meaning, outcome, snapshot, tick
from warnsys.channels.push import collapse_key

STAGES, CITIES, AUDIENCES = ("live", "demo"), ("solingen", "muelheim-an-der-ruhr-im-ruhrgebiet"), ("public", "staff")
GROUPS = (
    "THUNDERSTORM", "RAIN", "WIND", "wind", "", "Störung der Trinkwasserqualität", "Störung der Trinkwasserversorgung",
    "a/b c", "💧", "live", "x" * 5_000,
)  # fmt: skip


def test_a_collapse_key_is_a_topic_that_every_push_service_takes() -> None:
    for parts in product(STAGES, CITIES, AUDIENCES, GROUPS):
        key = collapse_key(*parts)
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key)
        assert len(key) % 4 != 1
        assert len(base64.urlsafe_b64decode(key)) == 24


def test_no_two_stages_cities_audiences_or_groups_share_a_collapse_key() -> None:
    every = list(product(STAGES, CITIES, AUDIENCES, GROUPS))
    assert len({collapse_key(*parts) for parts in every}) == len(every)
    assert collapse_key("a", "bc", "d", "e") != collapse_key("ab", "c", "d", "e")


def test_an_update_of_a_group_replaces_the_notice_before_it() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate")))
    city.take(outcome("B", meaning("Extreme"), supersedes=["A"], sent=5, stamp=5))
    first, second = city.push()
    assert (first.kind, second.kind) == ("warn", "update")
    assert first.collapse_key == second.collapse_key == collapse_key("live", "x", "public", first.group, "d1", "d2")
    assert {one.collapse_key for one in city.push("staff")} == {
        collapse_key("live", "x", "staff", first.group, "d1", "d2")
    }


def test_an_end_or_a_lesser_level_elsewhere_replaces_nothing_that_holds() -> None:
    """A phone that was offline keeps the last notice of each key."""
    city = City().take(tick(0), outcome("A", meaning("Extreme", districts=["d1"])))
    city.take(outcome("B", meaning("Moderate", districts=["d2"]), sent=5, stamp=5))
    city.take(cancel("C", "B", 9), snapshot(9, "A", "C"))
    assert [(one.kind, one.districts) for one in city.push()] == [
        ("warn", ("d1",)),
        ("update", ("d2",)),
        ("ended", ("d2",)),
    ]
    first, second, end = city.push()
    assert first.collapse_key != second.collapse_key == end.collapse_key


def test_a_notice_that_speaks_for_several_groups_replaces_none_of_theirs() -> None:
    city = City().take(tick(0), outcome("A", *(meaning(group=f"G{number}") for number in range(40))))
    assert city.push()[-1].more
    assert len({one.collapse_key for one in city.push()}) == len(city.push())
