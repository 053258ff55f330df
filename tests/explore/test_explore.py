"""Every history of three steps from each prepared state keeps the laws; and the explorer tells what breaks one."""

import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.explore.__main__ import explore, story, told
from tests.explore.laws import LAWS
from tests.explore.steps import BY_NAME, STEPS, prepared
from tests.explore.world import Play, World
from warnsys.warning import pauses

PREPARED = ("clear", "warned", "warned by two sources", "stopped", "unconfirmed", "feed dead")


def test_no_history_of_three_steps_from_any_prepared_state_breaks_a_law() -> None:
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawned) as pool:
        for states, broken in pool.map(told, PREPARED, itertools.repeat(3)):
            assert not broken, broken
            assert states > 500


def test_the_prepared_states_are_what_they_are_called() -> None:
    worlds = prepared()
    assert tuple(worlds) == PREPARED

    def status(world: World) -> tuple[str, str]:
        situation = world.situation
        assert situation
        return situation.districts["d1"].status, situation.freshness

    assert [status(world) for world in worlds.values()] == [
        ("clear", "fresh"), ("warned", "fresh"), ("warned", "fresh"), ("warned", "fresh"), ("unconfirmed", "stale"),
        ("warned", "stale"),
    ]  # fmt: skip
    assert not [said for world in worlds.values() for law in LAWS for said in law(world)]


def test_there_are_steps_enough_and_each_is_possible_somewhere() -> None:
    assert len(STEPS) >= 16
    starts = [*prepared().values(), BY_NAME["alert A"](prepared()["clear"])]
    assert all(any(step.possible(world) for world in starts) for step in STEPS)


def test_what_breaks_a_law_is_told_as_a_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a worker that tells nobody of what comes while it is stopped, nor later."""
    monkeypatch.setattr(pauses, "to_compare", lambda *_, **__: iter(()))
    found = explore(prepared()["stopped"], 2, [BY_NAME["alert B"], BY_NAME["resume"], BY_NAME["tick"]])
    assert found.broken
    lines = list(story("stopped", *found.broken))
    assert lines[0] == "From “stopped”:"
    assert lines[1].endswith(("the DWD warns of an extreme storm.", "an operator resumes the push."))
    assert lines[-1] == "  Then: the extreme storm was told to nobody by push."


def test_the_same_state_at_another_time_is_the_same() -> None:
    one = prepared()["clear"]
    later = Play(one)
    later.passes(60)
    even_later = Play(later.done())
    even_later.passes(60)
    assert later.done().key() == even_later.done().key()
