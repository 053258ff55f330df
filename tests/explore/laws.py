"""What must be so in every state that the explorer reaches."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator

from tests.explore.world import STALE_MIN, World
from warnsys.pipeline import CityState
from warnsys.records import PushNotice, SmsNotice
from warnsys.warning.facts import Ledger
from warnsys.warning.situation import DistrictSituation

Law = Callable[[World], Iterator[str]]
MOST_NOTICES = 40
GRACE_MIN = 7.0
"""A stamp may be so much older than the look that brought it, or so much ahead."""


def nothing_that_holds_is_called_clear(world: World) -> Iterator[str]:
    held = [key for key in sorted(world.delivered & set(world.listed)) if world.holds(key)]
    for district in _districts(world):
        if district.status == "clear" and held:
            yield f"the stele shows clear while {', '.join(held)} holds"


def what_holds_stands(world: World) -> Iterator[str]:
    """What was delivered, is listed and not over stands, whatever else comes."""
    for district in _districts(world):
        standing = {one.fact.base_id for one in district.standing}
        for key in sorted(world.delivered & set(world.listed)):
            if world.holds(key) and key not in standing:
                yield f"{key} holds, and does not stand"


def nothing_is_fresh_when_nobody_looks(world: World) -> Iterator[str]:
    situation = world.situation
    age = world.minute - world.looked
    if situation and situation.freshness == "fresh" and age > STALE_MIN + GRACE_MIN:
        yield f"fresh, though the last look was {age:g} minutes ago"


def an_extreme_message_is_told(world: World) -> Iterator[str]:
    """At once, or when a stop is over; it is delivered with the first look that brings it."""
    if "B" in world.listed and world.holds("B"):
        if world.looked >= world.message("B").at and "B" not in world.delivered:
            yield "the extreme storm was never published"
        if "B" in world.delivered and world.stopped_until <= world.minute and ("B", 4) not in world.told:
            yield "the extreme storm was told to nobody by push"


def a_stopped_channel_is_silent(world: World) -> Iterator[str]:
    if world.stopped_until > world.minute and any(isinstance(one, PushNotice) for one in world.notices):
        yield "a push went out while the push is stopped"


def the_state_comes_back(world: World) -> Iterator[str]:
    read = Ledger.from_bytes(world.ledger.to_bytes()), CityState.from_bytes(world.state.to_bytes())
    if read != (world.ledger, world.state):
        yield "the state cannot be read as it was written"


def an_id_names_one_notice(world: World) -> Iterator[str]:
    for notice_id, count in Counter(notice_id for notice_id, _ in world.ids).items():
        if count > 1:
            yield f"two notices have the id {notice_id}"


def notices_are_few(world: World) -> Iterator[str]:
    told = [one for one in world.notices if isinstance(one, PushNotice | SmsNotice)]
    if len(told) > MOST_NOTICES:
        yield f"{len(told)} notices in one step"


LAWS: tuple[Law, ...] = (
    nothing_that_holds_is_called_clear, what_holds_stands, nothing_is_fresh_when_nobody_looks,
    an_extreme_message_is_told, a_stopped_channel_is_silent, the_state_comes_back, an_id_names_one_notice,
    notices_are_few,
)  # fmt: skip


def _districts(world: World) -> Collection[DistrictSituation]:
    situation = world.situation
    return situation.districts.values() if situation else ()
