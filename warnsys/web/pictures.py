"""One picture for everybody who asks within a second, and each page of it worded once (ADR 18).

A picture is taken anew where something urgent has changed (what holds, an order, this process's own sight), at most ten
times a second; for the rest it stands for a second. None stands beyond an order from one of our own forms: the page
that follows the form shows it. The pages' script knows these two times: it asks that much later
than it hears of a change, so what it gets is never from before the change. Pages are worded by two threads: more would
only take turns, and the loop, which answers health and takes the records, would wait for all of them. What may take
seconds (a list of all messages, when they are read first) has a thread of its own, and holds up no other page.
"""

import asyncio
import copy
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.responses import Response

from warnsys.web.board import Board

STANDS_S = 1.0
"""How old a picture may be. `LATER_MS` of static/live.js."""
URGENT_S = 0.1
"""How old where something urgent has changed since. `SOON_MS` of static/live.js."""
THREADS = 2
Made = TypeVar("Made")


@dataclass(frozen=True)
class BoardAtOneTime:
    """A board whose time stands, and the answers that were made of it."""

    board: Board
    at: float
    """When it was taken, by the clock that nobody sets."""
    made: dict[Hashable, "asyncio.Future[Any]"] = field(default_factory=dict)


class Pictures:
    """Of one board. To be asked in the loop that feeds it."""

    def __init__(self, board: Board, stands_s: float = STANDS_S) -> None:
        self._board, self._stands_s = board, stands_s
        self._newest: BoardAtOneTime | None = None
        self._threads, self._long = ThreadPoolExecutor(THREADS, "pages"), ThreadPoolExecutor(1, "lists")

    def now(self) -> Board:
        """The board as it is, or was a moment ago; it does not change any more."""
        return self.taken().board

    async def once(
        self,
        key: Hashable,
        make: Callable[[Board], Response],
        picture: BoardAtOneTime | None = None,
        *,
        long: bool = False,
    ) -> Response:
        """The answer that is made of the present picture, or of one that was taken; a copy for each who asks."""
        found = await self.worded(key, make, picture, long=long)
        answer = copy.copy(found)
        answer.raw_headers = list(found.raw_headers)  # each answer is given more of them on its way
        return answer

    async def worded(
        self,
        key: Hashable,
        make: Callable[[Board], Made],
        picture: BoardAtOneTime | None = None,
        *,
        long: bool = False,
    ) -> Made:
        """What is made of the present picture, or of one that was taken, in a thread: for all who ask for the same,
        once. Raises what it does.

        `long` is what may take seconds.
        """
        picture = picture or self.taken()
        if (running := picture.made.get(key)) is None:
            running = picture.made[key] = asyncio.ensure_future(self._made(picture.board, make, long=long))
            running.add_done_callback(lambda done: done.cancelled() or done.exception())  # who asked may be gone
        found: Made = await asyncio.shield(running)
        return found

    async def _made(self, board: Board, make: Callable[[Board], Made], *, long: bool) -> Made:
        return await asyncio.get_running_loop().run_in_executor(self._long if long else self._threads, make, board)

    def taken(self) -> BoardAtOneTime:
        """The present picture, for what is made of one in steps: the next step may come when a newer one stands."""
        board, newest = self._board, self._newest
        now = board.elapsed()
        if newest is not None:
            known = newest.board
            stands_s = self._stands_s if known.urgent == board.urgent else min(URGENT_S, self._stands_s)
            stands_s = stands_s if known.written_here == board.written_here else 0  # whoever wrote it looks for it
            if 0 <= now - newest.at < stands_s and known.connected == board.connected:
                return newest
        self._newest = BoardAtOneTime(board.picture(), now)
        return self._newest
