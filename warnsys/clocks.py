"""The clocks of this machine: the one on the wall, which may be set, and one that nobody sets."""

import time
import uuid
from datetime import UTC, datetime

from warnsys.records import Tick

PROCESS = uuid.uuid4().hex
"""This process, beside all others."""


def uptime() -> float:
    """Seconds on a clock that nobody sets; a machine's sleep counts where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def live_tick(stage: str) -> Tick:
    """What this machine's clocks say now."""
    return Tick(stage=stage, at=datetime.fromtimestamp(time.time(), UTC), process=PROCESS, monotonic=round(uptime(), 3))
