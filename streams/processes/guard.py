"""Closes connections whose other end is silent for too long, and limits how many each address has.

uvicorn waits for a request's head and body as long as the other end likes. Here the head, the body and the taking of an
answer have some seconds each. If an address, or the site, has all the connections that it may have, a silent one makes
room for a new one. So a health check is answered while a site is flooded. Each site counts its own connections.
"""

import asyncio
import os
import resource
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.h11_impl import H11Protocol

from warnsys.web.clients import one_client

HEAD_S, BODY_S, TAKEN_S = 10.0, 10.0, 60.0
"""The other end has so long for a request's head, for its body, and for taking an answer from a full buffer."""
LEFT_FILES = 256
"""So many descriptors stay free of connections, for topics, logs and files."""


Proxies = frozenset[str] | _TrustedHosts


@dataclass
class Guard:
    """The connections of one site, and their limits."""

    most: int
    """So many connections may the site have."""
    most_of_one: int
    """So many connections may one address have."""
    trusted: Proxies = frozenset()
    """The addresses of our proxies. They have no limit of their own, because they connect for everybody."""
    head_s: float = HEAD_S
    body_s: float = BODY_S
    taken_s: float = TAKEN_S
    open: dict["Guarded", None] = field(default_factory=dict)
    """The open connections, the oldest first."""
    of: Counter[str] = field(default_factory=Counter)
    """By client (`one_client` of its address), how many connections it has."""

    def protocol(self, **given: Any) -> "Guarded":
        """Makes a connection; the value of uvicorn's `http`."""
        return Guarded(self, **given)

    def enter(self, one: "Guarded") -> bool:
        """Says whether a new connection may stay. Another one may have to end for it."""
        full = one.address not in self.trusted and self.of[one.counts_as] >= self.most_of_one
        if full and not self._make_room(one.counts_as):
            return False
        if len(self.open) >= self.most and not self._make_room() and len(self.open) >= self.most + self.most // 4:
            return False  # all are at work, for some milliseconds each, so a quarter more may come before this
        self.open[one] = None
        self.of[one.counts_as] += 1
        return True

    def leave(self, one: "Guarded") -> None:
        """Forgets a connection that has ended."""
        if one in self.open:
            del self.open[one]
            self.of[one.counts_as] -= 1
            if not self.of[one.counts_as]:
                del self.of[one.counts_as]

    def _make_room(self, client: str | None = None) -> bool:
        """Ends the oldest connection of a client, or of all, that waits for its other end. Says if there was one.

        One that waits for a request's head goes before one that waits for anything else.
        """
        for waits in ("head", "idle", "body", "taken"):
            for one in self.open:
                if one.waits_for == waits and client in (None, one.counts_as):
                    one.end()
                    return True
        return False


class Guarded(H11Protocol):
    """A connection whose other end has time limits."""

    def __init__(self, guard: Guard, **given: Any) -> None:
        super().__init__(**given)
        self.waits_for = ""
        """What it waits for: the "head" or "body" of a request, an answer to be "taken", the next request ("idle"), or
        nothing ("", while we work)."""
        self._guard, self.address, self.counts_as, self._in = guard, "", "", False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self.counts_as = one_client(self.address)
        super().connection_made(transport)
        self._in = self._guard.enter(self)
        if self._in:
            self._look()
        else:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait("")
        self._guard.leave(self)
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
        self._wait("taken")  # the other end has still to take what is in the buffer

    def end(self) -> None:
        """Ends the connection at once, whatever is in its buffers."""
        self._guard.leave(self)
        self._wait("")
        if self.transport is not None:
            self.transport.abort()

    def _look(self) -> None:
        """Finds out what the connection waits for now, and sets the limit for that."""
        if self.waits_for == "taken" or self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            self._wait("body")
        elif self.conn.their_state is h11.IDLE:
            self._wait("head" if self.timeout_keep_alive_task is None else "idle")
        else:
            self._wait("")

    def _wait(self, what: str) -> None:
        """Starts the timer for what the connection waits for; "" stops it."""
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
    """Gives how many connections each site may have, `wanted` at most. Raises the limit of descriptors if it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * sites * 5 // 4 + LEFT_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    return wanted if soft == resource.RLIM_INFINITY else max(16, min(wanted, (soft - LEFT_FILES) * 4 // (sites * 5)))


def trusted_hosts(proxies: Iterable[str]) -> dict[str, Any]:
    """Gives uvicorn's settings for whose `X-Forwarded-For` counts. By default it believes everybody on this machine."""
    hosts = _named(proxies)
    return {"proxy_headers": bool(hosts), "forwarded_allow_ips": hosts}


def trusted(proxies: Iterable[str]) -> Proxies:
    """The same proxies, for a guard: addresses and networks, judged as uvicorn does."""
    return _TrustedHosts(_named(proxies))


def _named(proxies: Iterable[str]) -> list[str]:
    """Those of the settings, else of `FORWARDED_ALLOW_IPS`, which deployments of uvicorn set."""
    return list(proxies) or os.environ.get("FORWARDED_ALLOW_IPS", "").replace(",", " ").split()
