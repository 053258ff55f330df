"""Who is charged with a failure, in every process of ours (docs/adr/0016).

the record          its bytes go to `warn.rejected`, acknowledged, and the next one is taken
one city            the same, for that city; it keeps what it knew and shows "incomplete"; the others go on
the infrastructure  the process ends at once and commits nothing; its exit code says why; a supervisor starts it again
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
"""Errors of the way, not of the record: it must not be rejected for them, but come again."""
MOST_HEADERS = 40
"""That a rejection carries on of what it refuses; none of ours has half as many."""
HISTORY = "history"
"""Header of a retried record: its earlier refusals as a JSON list, oldest first."""
MOST_HISTORY = 32 * 1024
"""Characters of that one that a rejection carries on: twenty refusals."""
CITY = "city"
"""Header of a rejection: the city whose failure it is; and how the reason of one begins."""


class Charge(StrEnum):
    RECORD = "record"
    CITY = "city"
    INFRASTRUCTURE = "infrastructure"


class CityError(Exception):
    """One city could not take a record; the others could."""

    def __init__(self, city: str, error: BaseException | str) -> None:
        super().__init__(f"{CITY}: {city}: {error if isinstance(error, str) else explain(error)}")
        self.city = city


class PoisonError(Exception):
    """A process ended with the record in hand, and it does not pass where it is tried."""

    def __init__(self, why: str) -> None:
        super().__init__(f"ended the process: {why}")


def charge(error: BaseException) -> Charge:
    """Who is charged with an error that came up while a record was in hand."""
    if isinstance(error, CityError):
        return Charge.CITY
    if isinstance(error, TooLargeError):  # the broker never takes it, however often it is tried
        return Charge.RECORD
    return Charge.INFRASTRUCTURE if isinstance(error, BLAMELESS) else Charge.RECORD


def rejection(topics: Topics, record: ConsumedRecord, agent: str, reason: str, city: str = "") -> ProducerRecord:
    """The record's bytes as they came, with where it stood and why it was refused; `city` where it is only that one."""
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
    """As many and as long as ours are: what is refused must never be too large to be set aside."""
    some = islice(headers.items(), MOST_HEADERS)
    return {name[:MOST_HEADER]: value[: MOST_HISTORY if name == HISTORY else 2 * MOST_HEADER] for name, value in some}


def code_of(reason: str) -> str:
    """The stable beginning of a reason: what comes after it has no end of variants."""
    return reason.split(maxsplit=1)[0].rstrip(":") if reason else ""


def explain(error: BaseException) -> str:
    """Why an agent could not take a record, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"record: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, CityError):
        return str(error)
    if isinstance(error, PoisonError):
        return f"poison: {error}"
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def unharmed(listener: Callable[[T], None]) -> Callable[[T], None]:
    """A listener whose own failure is nobody else's: what it is told of has happened already."""

    def tell(said: T) -> None:
        try:
            listener(said)
        except Exception:
            log.exception("a listener failed; what it was told of is done all the same")

    return tell
