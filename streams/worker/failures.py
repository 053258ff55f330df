"""Decides who is charged with a failure, for every process (docs/adr/0016).

the record          its bytes go to `warn.rejected` and are acknowledged there; the next record follows. A process that
                    only reads (pages, audit, canary) skips the record and logs it
one city            the record is rejected for this city only; the city keeps what it knew and shows "incomplete"; the
                    other cities go on
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
from streams.worker.hand import place_of
from warnsys.records import MOST_HEADER, NewerRecordError

log = logging.getLogger(__name__)
T = TypeVar("T")
BLAMELESS = (SendError, KafkaError, OSError, TimeoutError, MemoryError, NewerRecordError)
"""Errors that are charged to the infrastructure: the record is not rejected, and comes again."""
MOST_HEADERS = 40
"""A rejection keeps at most so many headers of its record. Our own records have less than half as many."""
HISTORY = "history"
"""Header of a retried record: its earlier refusals as a JSON list, oldest first."""
MOST_HISTORY = 32 * 1024
"""A rejection keeps so many characters of the header `history`: about twenty refusals."""
CITY = "city"
"""Header that names the city of a rejection which concerns one city only. Its reason begins with this word, too."""


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
    """Lets a process that only reads take a record. Returns False if the record is at fault, and logs why.

    A record that only a newer release can read is skipped, too: pages that show everything else are better than none.
    Raises the errors that are charged to the infrastructure.
    """
    try:
        take(record)
    except Exception as error:
        if charge(error) is Charge.INFRASTRUCTURE and not isinstance(error, NewerRecordError):
            raise
        known = isinstance(error, ValueError)  # a damaged record; anything else is a bug of ours
        log.warning("%s cannot be read: %s", place_of(record), error_reason(error), exc_info=None if known else error)
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
    """Gives the first word of a reason as a label: there are few such words, while the rest differs each time."""
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
    """Wraps a listener so that its failure is only logged: the event that it hears of has happened already."""

    def tell(said: T) -> None:
        try:
            listener(said)
        except Exception:
            log.exception("a listener failed; the event that it was told of has happened all the same")

    return tell
