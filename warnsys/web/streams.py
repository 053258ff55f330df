"""How many event streams stand, of one address and in all: each holds a connection for as long as it likes."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send


@dataclass
class Streams:
    """Of one site; 0 allows none."""

    most: int
    most_of_one: int
    of: Counter[str] = field(default_factory=Counter)


class BoundedStream(EventSourceResponse):
    """An event stream, or 503 where there are enough."""

    def __init__(self, streams: Streams, content: Any, **given: Any) -> None:
        super().__init__(content, **given)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streams, address = self._streams, str((scope.get("client") or ("",))[0])
        if streams.of.total() >= streams.most or streams.of[address] >= streams.most_of_one:
            headers = {"Retry-After": "30"}
            await PlainTextResponse("too many event streams; ask for the page now and then", 503, headers)(
                scope, receive, send
            )
            return
        streams.of[address] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            streams.of[address] -= 1
            if not streams.of[address]:
                del streams.of[address]
