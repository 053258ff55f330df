import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.smpp.fake import Centre, running
from warnsys.smpp import session


@pytest.fixture
async def centre(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Centre]:
    """A fake centre for a client whose pauses are short."""
    monkeypatch.setattr(session, "SLOWER_S", 0.01)
    monkeypatch.setattr(session, "CLOSE_S", 0.3)
    async with running(Centre()) as it:
        end = asyncio.get_running_loop().call_later(20, it.die)  # who waits for it in vain then hears so
        yield it
        end.cancel()
