"""Geofence files that change while we run: a good one is taken as a new version, a bad one changes nothing.

To take it, the process ends in order and is started again, as with any restart: what was warned stays warned, and
nothing turns clear before all current messages were matched under the new version, which the feed publishes at its
start. Half of the agents on another version than the other half would be harder to think about, and buys seconds.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable

from geofences import GeofenceError
from warnsys.pipeline import matcher_for
from warnsys.reach import Reach
from warnsys.settings import Settings

log = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0


class Renewed(Exception):
    """The geofences have a new version: end in order, and start again."""

    def __init__(self, version: str) -> None:
        super().__init__(f"the geofences have a new version, {version}; started again with it")


async def watch(
    settings: Settings,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    reach: Reach | None = None,
) -> None:
    """Look at the files for ever. Raises `Renewed` once they are another version that can be used.

    `reach` is asked as often whether a new catalogue lacks cells of the districts.
    """
    present = matcher_for(settings).ruleset_version
    seen = _digest(settings)
    while True:
        if reach is not None:
            await asyncio.to_thread(reach.look)
        await sleep(LOOK_EVERY_S)
        if (found := await asyncio.to_thread(_digest, settings)) == seen:
            continue
        seen = found
        try:
            version = (await asyncio.to_thread(matcher_for, settings)).ruleset_version
        except GeofenceError as error:
            log.error("the changed geofences are not taken, those before go on: %s", error)  # noqa: TRY400 - it says all
            continue
        if version != present:
            raise Renewed(version)


def _digest(settings: Settings) -> str:
    """Of all files; one that is missing or being written counts as changed."""
    found = hashlib.sha256()
    for city in settings.cities:
        try:
            found.update(city.geofences.read_bytes())
        except OSError as error:
            found.update(repr(error).encode())
    return found.hexdigest()
