"""Decides who is charged with a failure, for every process (docs/adr/0016).

the record          its bytes go to `warn.rejected` and are acknowledged there; the next record follows. A process that
                    only reads (pages, audit, canary) passes it over and says so
one city            the same, for this city; it keeps what it knew and shows "incomplete"; the other cities go on
the infrastructure  the process ends at once without a commit; its exit code says why; a supervisor starts it again
"""

import logging
from collections.abc import Callable
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from streams.kafka.records import ConsumedRecord, Headers, ProducerRecord, SendError, TooLargeError
from streams.kafka.topics import Topics
from warnsys.records import MOST_HEADER, NewerRecordError

log = logging.getLogger(__name__)
T = TypeVar("T")
BLAMELESS = (SendError, KafkaError, OSError, TimeoutError, MemoryError, NewerRecordError)
"""Errors of the infrastructure: the record is not rejected for them, and comes again."""
MOST_HEADERS = 40
"""A rejection carries on at most so many headers of its record. Our own records have less than half as many."""
HISTORY = "history"
"""Header of a retried record: its earlier refusals as a JSON list, oldest first."""
MOST_HISTORY = 32 * 1024
"""A rejection carries on so many characters of that header: about twenty refusals."""
CITY = "city"
"""Header of a rejection that concerns one city; the reason of such a rejection begins with this word, too."""


class Charge(StrEnum):
    """Who is charged."""

    RECORD = "record"
    CITY = "city"
    INFRASTRUCTURE = "infrastructure"


class CityError(Exception):
    """One city could not process a record."""

    def __init__(self, city: str, error: BaseException | str) -> None:
        super().__init__(f"{CITY}: {city}: {error if isinstance(error, str) else error_reason(error)}")
        self.city = city


class PoisonError(Exception):
    """A process ended while it worked on a record, and the record failed its trial in another process."""

    def __init__(self, why: str) -> None:
        super().__init__(f"ended the process: {why}")


def charge(error: BaseException) -> Charge:
    """Says who is charged with an error that came up while a record was processed."""
    if isinstance(error, CityError):
        return Charge.CITY
    if isinstance(error, TooLargeError):  # the broker never takes it, however often it is tried
        return Charge.RECORD
    return Charge.INFRASTRUCTURE if isinstance(error, BLAMELESS) else Charge.RECORD


def taken(record: ConsumedRecord, take: Callable[[ConsumedRecord], object]) -> bool:
    """Lets a process that only reads take a record: False where the record is at fault, which is logged.

    What only a newer release can read is passed over here, too: pages that show everything else are better than none.
    Raises what the infrastructure is charged with.
    """
    try:
        take(record)
    except Exception as error:
        if charge(error) is Charge.INFRASTRUCTURE and not isinstance(error, NewerRecordError):
            raise
        place = f"{record.topic}/{record.partition}@{record.offset}"
        known = isinstance(error, ValueError)  # a damaged record; anything else is a bug of ours
        log.warning("%s cannot be read: %s", place, error_reason(error), exc_info=None if known else error)
        return False
    return True


def rejection(topics: Topics, record: ConsumedRecord, agent: str, reason: str, city: str = "") -> ProducerRecord:
    """Makes the record for `warn.rejected`: the bytes as they came, where the record stood, and why it was refused."""
    headers: Headers = {
        **_carried(record.headers),
        "agent": agent,
        "reason": reason,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        **({CITY: city} if city else {}),
    }
    key = record.headers.get("id", record.key.decode("utf-8", "replace"))[:MOST_HEADER]
    return ProducerRecord(topics.rejected.name, topics.partition_of(key), key, record.value, headers)


def _carried(headers: Headers) -> Headers:
    """Cuts headers to the number and length that our records have, so that no rejection is too large to be sent."""
    some = islice(headers.items(), MOST_HEADERS)
    return {name[:MOST_HEADER]: value[: MOST_HISTORY if name == HISTORY else 2 * MOST_HEADER] for name, value in some}


def code_of(reason: str) -> str:
    """Gives the first word of a reason, which is one of a few; the rest differs each time."""
    return reason.split(maxsplit=1)[0].rstrip(":") if reason else ""


def error_reason(error: BaseException) -> str:
    """Says in one line why an agent could not process a record."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"record: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, CityError):
        return str(error)
    if isinstance(error, PoisonError):
        return f"poison: {error}"
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def unharmed(listener: Callable[[T], None]) -> Callable[[T], None]:
    """Wraps a listener so that its failure is logged only: what it is told of has happened already."""

    def tell(said: T) -> None:
        try:
            listener(said)
        except Exception:
            log.exception("a listener failed; what it was told of is done all the same")

    return tell
