"""A helper that dies ends neither feeds nor ticks."""

import asyncio

import pytest

from streams.processes.live import kept_alive
from warnsys.renewal import Renewed
from warnsys.settings import SettingsError


async def test_a_helper_that_fails_begins_again() -> None:
    times = 0

    async def fails() -> None:
        nonlocal times
        times += 1
        if times < 4:
            raise OSError("the terminal is gone")

    async with asyncio.timeout(5):
        await kept_alive("the view", fails, pause_s=0.01)
    assert times == 4


@pytest.mark.parametrize("error", [SettingsError("x"), asyncio.CancelledError()])
async def test_what_is_meant_to_end_the_process_ends_it(error: BaseException) -> None:
    async def ends() -> None:
        raise error

    with pytest.raises(type(error)):
        await kept_alive("the watch", ends)
    assert issubclass(Renewed, Exception)
