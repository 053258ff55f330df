"""How many event streams stand, of one address and in all: each holds a connection for as long as it likes."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from warnsys.web.clients import client_of
from warnsys.web.errors import refuse


@dataclass
class Streams:
    """Of one site; 0 allows none."""

    most: int
    most_of_one: int
    of: Counter[str] = field(default_factory=Counter)


class BoundedStream(EventSourceResponse):
    """An event stream, or 503 where there are enough. HEAD gets its head."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, content: Any, **given: Any) -> None:
        super().__init__(content, **given)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streams, address = self._streams, client_of(scope)
        if scope.get("head"):
            await Response(headers=dict(self.headers))(scope, receive, send)
            return
        if streams.of.total() >= streams.most or streams.of[address] >= streams.most_of_one:
            detail = "too many event streams; ask for the page now and then"
            await refuse(scope, receive, send, 503, detail, {"Retry-After": "30"})
            return
        streams.of[address] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            streams.of[address] -= 1
            if not streams.of[address]:
                del streams.of[address]
