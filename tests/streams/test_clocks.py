"""No wrong clock of any machine gives a false all-clear or keeps back an Extreme warning (docs/reference/clocks.md)."""

from pathlib import Path

import pytest

from tests.streams.clock_table import KINDS, MACHINES, World

TOLD_S, RECOVERED_S = 10, 60
SHORT = ("six hours ahead", "a day behind", "jumping", "frozen")


@pytest.mark.parametrize("kind", SHORT)
@pytest.mark.parametrize("machine", MACHINES)
async def test_one_wrong_clock_keeps_back_no_warning_and_clears_nothing(machine: str, kind: str) -> None:
    world = await World(frozenset({machine}), kind).run()
    assert world.false_clears == 0
    assert world.ended == {}
    assert max(world.during, world.after) <= TOLD_S
    assert machine in world.alarms or "feed" in world.alarms
    assert world.freshness == "stale"


@pytest.mark.parametrize("kind", ["six hours ahead", "six hours behind", "jumping"])
async def test_the_clock_of_a_feed_of_a_folder_keeps_back_no_warning(kind: str, tmp_path: Path) -> None:
    world = await World(frozenset({"feed"}), kind, folder=tmp_path).run()
    assert (world.false_clears, world.ended) == (0, {})
    assert max(world.during, world.after) <= TOLD_S
    assert world.freshness == "stale"


@pytest.mark.parametrize("machines", ["broker worker", "broker worker feed"])
@pytest.mark.parametrize("kind", ["a day ahead", "six hours behind", "jumping"])
async def test_after_several_wrong_clocks_a_warning_is_told_within_a_minute(machines: str, kind: str) -> None:
    world = await World(frozenset(machines.split()), kind).run()
    assert (world.false_clears, world.ended) == (0, {})
    assert world.after <= RECOVERED_S
    assert world.alarms


@pytest.mark.parametrize("machine", ["worker", "broker", "feed"])
@pytest.mark.parametrize("kind", ["frozen", "a day behind"])
async def test_a_wrong_clock_keeps_no_calm_city_clear_once_its_feed_is_dead(machine: str, kind: str) -> None:
    world = await World(frozenset({machine}), kind, calm=True).run()
    assert world.false_clears == 0
    assert world.freshness == "stale"


def test_every_kind_is_told_in_the_reference() -> None:
    told = (Path(__file__).parents[2] / "docs/reference/clocks.md").read_text("utf-8")
    assert all(f"| {machine} | {kind} |" in told for machine in MACHINES for kind in KINDS)
