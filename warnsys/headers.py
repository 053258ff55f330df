"""The headers of our records that are numbers, parsed once for every process, and tolerantly.

Anybody who may write a topic may write anything into a header: `published_at=yesterday`, NaN, a thousand digits. What
cannot be read is as good as not there; nothing raises.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite

PUBLISHED = "published_at"
"""When the feed published it, seconds since 1970. For latency only."""
COVERS = "covers"
"""The offset of `warn.impacts` up to which a stele or a state knows everything."""
COVERS_AT = "covers_at"
"""When the broker had stamped that one, seconds since 1970."""
COVERS_LOG = "covers_log"
"""How often the log of `warn.impacts` had been made anew by then, as far as the writer of a state knows."""
MOST_DIGITS = 18
"""Of a whole number: an offset fits into 63 bits."""
MOST_CHARS = 40
LATEST = 32503680000.0
"""The year 3000: a later moment is an error."""
EPOCH = datetime.fromtimestamp(0, UTC)


def whole(text: str | None) -> int | None:
    """A whole number, not negative, of ASCII digits; None for anything else."""
    if text is None or not 0 < len(text) <= MOST_DIGITS or not (text.isascii() and text.isdecimal()):
        return None
    return int(text)


def number(text: str | None) -> float | None:
    """A finite number; None for anything else."""
    if text is None or len(text) > MOST_CHARS or not text.isascii():
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None


def published(headers: Mapping[str, str]) -> float | None:
    """When the feed published it, in seconds since 1970; None where that is not known."""
    found = number(headers.get(PUBLISHED))
    return found if found is not None and 0 <= found <= LATEST else None


def covers(headers: Mapping[str, str]) -> int | None:
    """Up to which offset it knows everything, -1 for nothing yet; None where that is not known."""
    return -1 if headers.get(COVERS) == "-1" else whole(headers.get(COVERS))


def covers_at(headers: Mapping[str, str]) -> float | None:
    found = number(headers.get(COVERS_AT))
    return found if found is not None and 0 <= found <= LATEST else None


def covers_log(headers: Mapping[str, str]) -> int:
    """How often the log had been made anew; 0 where that is not known."""
    return whole(headers.get(COVERS_LOG)) or 0


def stamped(seconds: float | None) -> float:
    """A record's timestamp in seconds since 1970; 0 for one that is no time."""
    return seconds if seconds is not None and 0 <= seconds <= LATEST else 0.0


def record_time(seconds: float) -> datetime:
    """A record's timestamp; 1970 for one that is no time: what is not known moves no clock forward."""
    return datetime.fromtimestamp(stamped(seconds), UTC)
