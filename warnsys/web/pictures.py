"""One picture for everybody who asks within a second, and each page of it worded once (ADR 18).

A picture is taken anew where something urgent has changed (what holds, an order, this process's own sight), at most ten
times a second; for the rest it stands for a second. None stands beyond an order from one of our own forms: the page
that follows the form shows it. The page of all districts and the list of messages are long, and something urgent comes
all the time somewhere: they stand for a second anyway. The pages' script knows these two times: it asks that much later
than it hears of a change, so what it gets is never from before the change.

Pages are worded by two threads: more would only take turns, and the loop, which answers health and takes the records,
would wait for all of them. What may take seconds (a list of all messages that are read first) has a thread of its own,
and so have searches, of which nobody shares the page: neither holds up another page.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.responses import Response

from warnsys.web.board import Board

STANDS_S = 1.0
"""How old a picture may be. `LATER_MS` of static/live.js."""
URGENT_S = 0.1
"""How old where something urgent has changed since. `SOON_MS` of static/live.js."""
THREADS = 2
MOST_SEARCHES, MOST_OF_ONE = 100, 25
"""Searches that wait, of everybody and of one client: some seconds, and little for the others."""
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
        self._this_second: BoardAtOneTime | None = None
        self._pages, self._lists = ThreadPoolExecutor(THREADS, "pages"), ThreadPoolExecutor(1, "lists")
        self._searches = ThreadPoolExecutor(1, "searches")
        self._waiting: Counter[str] = Counter()
        """Searches that wait, by client."""

    def now(self) -> Board:
        """The board as it is, or was a moment ago; it does not change any more."""
        return self.taken().board

    def taken(self) -> BoardAtOneTime:
        """The present picture, for what is made of one in steps: the next step may come when a newer one stands."""
        known, urgent = self._newest, self._board.urgent
        stands_s = self._stands_s if known and known.board.urgent == urgent else min(URGENT_S, self._stands_s)
        if known is None or not self._stands(known, stands_s):
            known = self._newest = BoardAtOneTime(self._board.picture(), self._board.elapsed())
        return known

    def taken_this_second(self) -> BoardAtOneTime:
        """A picture that stands for a second, also where something urgent has changed since: for a long page."""
        known = self._this_second
        if known is None or not self._stands(known, self._stands_s):
            known = self._this_second = self.taken()
        return known

    async def once(
        self,
        key: Hashable,
        make: Callable[[Board], Response],
        picture: BoardAtOneTime | None = None,
        *,
        long: bool = False,
        searcher: str | None = None,
    ) -> Response:
        """The answer that is made of a picture, as `worded`; a copy for each who asks."""
        found = await self.worded(key, make, picture, long=long, searcher=searcher)
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
        searcher: str | None = None,
    ) -> Made:
        """What is made of the present picture, or of one that was taken, in a thread: once, for all who ask for it.

        `long` is what may take seconds. `searcher` is the client that searches for something. Raises what `make`
        does, and HTTPException 429 where too many searches wait.
        """
        picture = picture or self.taken()
        if (running := picture.made.get(key)) is None:
            threads = self._lists if long else self._pages
            if searcher is not None:
                self._queue(searcher)
                threads = self._searches
            running = picture.made[key] = asyncio.ensure_future(self._made(picture.board, make, threads))
            running.add_done_callback(lambda done: done.cancelled() or done.exception())  # who asked may be gone
            if searcher is not None:
                running.add_done_callback(lambda _: self._leave(searcher))
        found: Made = await asyncio.shield(running)
        return found

    async def _made(self, board: Board, make: Callable[[Board], Made], threads: ThreadPoolExecutor) -> Made:
        return await asyncio.get_running_loop().run_in_executor(threads, make, board)

    def _queue(self, searcher: str) -> None:
        if self._waiting[searcher] >= MOST_OF_ONE or self._waiting.total() >= MOST_SEARCHES:
            raise HTTPException(429, "too many searches wait; ask again later", {"Retry-After": "5"})
        self._waiting[searcher] += 1

    def _leave(self, searcher: str) -> None:
        self._waiting[searcher] -= 1
        self._waiting += Counter()  # forgets who has none that waits

    def _stands(self, known: BoardAtOneTime, stands_s: float) -> bool:
        board, seen = self._board, known.board
        if (seen.written_here, seen.connected) != (board.written_here, board.connected):
            return False  # whoever wrote an order looks for it
        return 0 <= board.elapsed() - known.at < stands_s
