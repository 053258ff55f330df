"""Decides who is charged with a failure, for every process (docs/adr/0016).

the record          An agent sends its bytes to `warn.rejected`, waits for the acknowledgement, and goes on. A process
                    that only reads (pages, audit, canary) logs the record and skips it.
one city            The record is rejected for this city only. The city keeps what it knew and shows "incomplete". The
                    other cities go on.
the infrastructure  The process ends at once without a commit, with an exit code that says why. A supervisor starts it
                    again, and the record comes again.
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
"""Errors that are charged to the infrastructure. The record is not rejected, and comes again."""
MOST_HEADERS = 40
"""A rejection keeps at most so many headers of its record. Our own records have fewer than half as many."""
HISTORY = "history"
"""A retried record has this header. It lists the earlier refusals as JSON, the oldest first."""
MOST_HISTORY = 32 * 1024
"""A rejection keeps so many characters of the header `history`, which is enough for about twenty refusals."""
CITY = "city"
"""A rejection for one city only names the city in this header. Its reason begins with this word, too."""


class Charge(StrEnum):
    """Who is charged with a failure."""

    RECORD = "record"
    CITY = "city"
    INFRASTRUCTURE = "infrastructure"


class CityError(Exception):
    """One city could not process a record."""

    def __init__(self, city: str, error: BaseException | str) -> None:
        super().__init__(f"{CITY}: {city}: {error if isinstance(error, str) else error_reason(error)}")
        self.city = city


class PoisonError(Exception):
    """A record is convicted: a process ended while it worked on the record, and the record failed its trial."""

    def __init__(self, why: str) -> None:
        super().__init__(f"ended the process: {why}")


class UnlearnedError(Exception):
    """The ledger of a partition failed at a record, so no city of the partition settles it."""


def charge(error: BaseException) -> Charge:
    """Says who is charged with an error that came up while a record was processed."""
    if isinstance(error, CityError):
        return Charge.CITY
    if isinstance(error, TooLargeError):  # the broker never takes such a record, however often it is sent
        return Charge.RECORD
    return Charge.INFRASTRUCTURE if isinstance(error, BLAMELESS) else Charge.RECORD


def taken(record: ConsumedRecord, take: Callable[[ConsumedRecord], object]) -> bool:
    """Lets a process that only reads take a record. If the record is at fault, logs why and returns False.

    A record that only a newer release can read is skipped, too, because pages that show everything else are better than
    none. Raises the errors that are charged to the infrastructure.
    """
    try:
        take(record)
    except Exception as error:
        if charge(error) is Charge.INFRASTRUCTURE and not isinstance(error, NewerRecordError):
            raise
        damaged = isinstance(error, ValueError)  # anything else is a bug of ours, so the log gets its traceback
        log.warning("%s cannot be read: %s", place_of(record), error_reason(error), exc_info=None if damaged else error)
        return False
    return True


def rejection(topics: Topics, record: ConsumedRecord, agent: str, reason: str, city: str = "") -> ProducerRecord:
    """Makes the record for `warn.rejected`: the bytes as they came, where the record stood, and why it was refused."""
    headers: Headers = {
        **_cut(record.headers),
        "agent": agent,
        "reason": reason,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        **({CITY: city} if city else {}),
    }
    key = record.headers.get("id", record.key.decode("utf-8", "replace"))[:MOST_HEADER]
    return ProducerRecord(topics.rejected.name, topics.partition_of(key), key, record.value, headers)


def _cut(headers: Headers) -> Headers:
    """Cuts headers to the number and length that our records have, so that no rejection is too large to be sent."""
    first = islice(headers.items(), MOST_HEADERS)
    return {name[:MOST_HEADER]: value[: MOST_HISTORY if name == HISTORY else 2 * MOST_HEADER] for name, value in first}


def code_of(reason: str) -> str:
    """Gives the first word of a reason, as the label of a metric. There are few such words; the rest always differs."""
    return reason.split(maxsplit=1)[0].rstrip(":") if reason else ""


def error_reason(error: BaseException) -> str:
    """Says in one line why an agent could not process a record. The first word is the code of the reason."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"record: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, CityError):
        return str(error)
    if isinstance(error, PoisonError):
        return f"poison: {error}"
    if isinstance(error, UnlearnedError):
        return f"unlearned: {error}"
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def logging_failures(listener: Callable[[T], None]) -> Callable[[T], None]:
    """Wraps a listener so that its failure is only logged. The event that it hears of has happened already."""

    def tell(said: T) -> None:
        try:
            listener(said)
        except Exception:
            log.exception("a listener failed, which changes nothing: the event that it was told of has happened")

    return tell
