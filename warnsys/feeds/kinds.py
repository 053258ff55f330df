"""The kinds of sources: what a file of this package says of itself as `KIND`, and the poller asks (docs/adr/0020).

How to add one: docs/how-to/add-a-kind-of-source.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import httpx

from warnsys import registry
from warnsys.feeds.answer import Asks
from warnsys.settings import Source


@dataclass(frozen=True, kw_only=True)
class SourceKind:
    """One way to be asked for CAP messages and a listing of them."""

    name: str
    """As `kind` of a source in the settings."""
    order: int
    asks: Callable[[Source, httpx.AsyncClient], Asks]
    """Who is polled for one source; an answer is a ZIP whose members are the listing, and the time of it."""
    place_key: Literal["url", "folder"] = "url"
    """Which of the two a source of this kind has."""


def asks(source: Source, client: httpx.AsyncClient) -> Asks:
    """Who is polled for a source of the settings."""
    found: SourceKind = registry.SOURCES.get(source.kind or source.usual_kind)
    return found.asks(source, client)
