"""The pages' tasks end when they are told to, whatever they made of the first telling."""

import asyncio

from streams.processes.web import _ended


async def test_a_task_that_lost_its_first_cancellation_is_told_again() -> None:
    told = 0

    async def deaf() -> None:
        nonlocal told
        while told < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told += 1
        raise asyncio.CancelledError

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await _ended([task])
    assert task.cancelled()
    assert told == 2
