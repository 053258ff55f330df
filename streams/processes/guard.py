"""Connections that give nothing back in time are closed, and no address has more of them than its share.

uvicorn waits for a request's head and body as long as the other end likes. Here each has some seconds, an answer has to
be taken, one address has so many connections; where all are taken the longest silent one, of that address or of all,
makes room for a new one: so a health check is answered while a site is flooded. Each site counts for itself.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S, BODY_S, TAKEN_S = 10.0, 10.0, 60.0
"""For a request's head, for its body, and for taking an answer from a full buffer."""
LEFT_FILES = 256
"""Descriptors for everything but connections: topics, logs, files."""


@dataclass
class Guard:
    """The connections of one site, and what it allows."""

    most: int
    most_of_one: int
    trusted: frozenset[str] = frozenset()
    """Proxies in front of us: their connections are everybody's."""
    head_s: float = HEAD_S
    body_s: float = BODY_S
    taken_s: float = TAKEN_S
    open: dict["Guarded", None] = field(default_factory=dict)
    """The oldest first."""
    of: Counter[str] = field(default_factory=Counter)

    def protocol(self, **given: Any) -> "Guarded":
        """For uvicorn's `http`."""
        return Guarded(self, **given)

    def enter(self, one: "Guarded", address: str) -> bool:
        """Whether it may stay; another one may have to go for it."""
        full = address not in self.trusted and self.of[address] >= self.most_of_one
        if full and not self._make_room(address):
            return False
        if len(self.open) >= self.most and not self._make_room() and len(self.open) >= self.most + self.most // 4:
            return False  # all are at work, and that takes some milliseconds each: a few more may come
        self.open[one] = None
        self.of[address] += 1
        return True

    def leave(self, one: "Guarded", address: str) -> None:
        if one in self.open:
            del self.open[one]
            self.of[address] -= 1
            if not self.of[address]:
                del self.of[address]

    def _make_room(self, address: str | None = None) -> bool:
        """End one that waits for its other end, the longest silent first; of one address, or of all."""
        for waits in ("head", "idle", "body", "taken"):
            for one in self.open:
                if one.waits_for == waits and address in (None, one.address):
                    one.end()
                    return True
        return False


class Guarded(H11Protocol):
    """A connection with time limits."""

    def __init__(self, guard: Guard, **given: Any) -> None:
        super().__init__(**given)
        self.waits_for = ""
        """"head" or "body" of a request, "taken" of an answer, "idle" between two requests, "" while we work."""
        self._guard, self.address, self._in = guard, "", False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        self._in = self._guard.enter(self, self.address)
        if self._in:
            self._look()
        else:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait("")
        self._guard.leave(self, self.address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in:
            super().data_received(data)
            self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait("taken")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._wait("")
        self._look()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._wait("taken")  # what is still in the buffer

    def end(self) -> None:
        """At once, whatever is in its buffers."""
        self._guard.leave(self, self.address)
        self._wait("")
        if self.transport is not None:
            self.transport.abort()

    def _look(self) -> None:
        """What it waits for now, and for how long."""
        if self.waits_for == "taken" or self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            self._wait("body")
        elif self.conn.their_state is h11.IDLE:
            self._wait("head" if self.timeout_keep_alive_task is None else "idle")
        else:
            self._wait("")

    def _wait(self, what: str) -> None:
        if what == self.waits_for:
            return
        self.waits_for = what
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        limits = {"head": self._guard.head_s, "body": self._guard.body_s, "taken": self._guard.taken_s}
        if what in limits:
            self._timer = self.loop.call_later(limits[what], self.end)


def affordable(wanted: int, sites: int) -> int:
    """So many connections of a site as the process has descriptors for, after asking for all that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * sites * 5 // 4 + LEFT_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    return wanted if soft == resource.RLIM_INFINITY else max(16, min(wanted, (soft - LEFT_FILES) * 4 // (sites * 5)))


def trusted_hosts(proxies: Iterable[str]) -> dict[str, Any]:
    """uvicorn's settings: whose `X-Forwarded-For` counts. By itself it would believe everybody on this machine."""
    hosts = list(proxies)
    return {"proxy_headers": bool(hosts), "forwarded_allow_ips": hosts}
