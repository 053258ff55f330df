"""A suspect is tried in another process: who is innocent passes, and who takes too much does not."""

import time
from collections.abc import Callable

import pytest

from streams.worker.trial import MOST_CULPRITS, Limits, TrialPart, Trials
from tests.streams import poison

SHORT, PATIENT = Limits(seconds=1.0, longest=4.0), Limits(seconds=1.0, longest=120.0)


async def once(parts: list[TrialPart], trials: Trials) -> dict[str, str]:
    try:
        return await trials.tried(parts)
    finally:
        await trials.close()


@pytest.mark.parametrize("innocent", [poison.nothing, poison.raises, poison.recurses])
async def test_an_innocent_passes_also_one_that_raises(innocent: Callable[[], object]) -> None:
    assert await once([TrialPart("", innocent, ())], Trials()) == {}


@pytest.mark.parametrize(
    ("culprit", "why"),
    [
        (poison.sleeps, "it slept for 1 s"),
        (poison.spins, "it took more than 1 s of processor time"),
        (poison.eats, "it took more than 512 MiB of memory"),
        (poison.aborts, "it ended its process (SIGABRT)"),
        (poison.exits, "it ended its process (exit code 0)"),
    ],
)
async def test_what_takes_too_much_or_ends_its_process_does_not_pass(culprit: Callable[[], object], why: str) -> None:
    parts = [
        TrialPart("before", poison.nothing, ()),
        TrialPart("it", culprit, ()),
        TrialPart("behind", poison.nothing, ()),
    ]
    assert await once(parts, Trials(PATIENT)) == {"it": why}


async def test_on_a_busy_machine_an_innocent_passes_that_has_to_wait_for_its_processor() -> None:
    """It is stopped here, as others have the processor meanwhile."""
    started = time.monotonic()
    assert await once([TrialPart("", poison.is_held_up, (2.0,))], Trials(PATIENT)) == {}
    assert time.monotonic() - started > 2.0


async def test_what_is_held_up_for_ever_does_not_pass() -> None:
    assert await once([TrialPart("it", poison.is_held_up, (60.0,))], Trials(SHORT)) == {"it": "it took more than 4 s"}


async def test_many_culprits_are_not_tried_for_ever() -> None:
    parts = [TrialPart(str(number), poison.aborts, ()) for number in range(20)]
    found = await once(parts, Trials(SHORT))
    assert len(found) == 20
    assert "not tried" in found[str(MOST_CULPRITS)]


async def test_what_cannot_be_tried_passes() -> None:
    assert await once([TrialPart("", lambda: None, ())], Trials()) == {}
    assert await once([], Trials()) == {}


async def test_one_process_tries_many_and_the_next_one_only_after_an_end() -> None:
    trials = Trials()
    await trials.warm()
    first = trials._children[0]
    for _ in range(3):
        assert await trials.tried([TrialPart("", poison.nothing, ())]) == {}
    assert trials._children[0] is first
    assert await trials.tried([TrialPart("", poison.aborts, ())])
    assert trials._children[0] is not first
    assert await trials.tried([TrialPart("", poison.nothing, ())]) == {}
    await trials.close()


async def test_a_trial_waits_for_no_start_if_a_process_is_ready() -> None:
    trials = Trials()
    await trials.warm()
    ready = trials._children[0]
    assert await trials.tried([TrialPart("", poison.nothing, ())]) == {}
    assert trials._children[0] is ready
    await trials.warm()
    await trials.close()
