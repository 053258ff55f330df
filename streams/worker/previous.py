"""Reads what releases up to 0.2.0 stored in `warn.state`: whole states of cities, under the keys `city/writer`.

Of several states of a city the one of the newest log counts, and among those the one that covers most. A large state is
packed with zlib (RFC 1950).
"""

import zlib
from collections.abc import Mapping

from streams.kafka.records import ConsumedRecord
from streams.kafka.topics import MIB
from streams.worker.failures import error_reason
from streams.worker.remembered import RememberedPartition, UnreadableState
from warnsys.headers import covers, covers_at, covers_log
from warnsys.warning import previous
from warnsys.warning.previous import PastState

MOST_UNPACKED = 256 * MIB
"""A packed state that is larger when unpacked counts as damaged."""


def remembered_before(records: Mapping[str, ConsumedRecord]) -> RememberedPartition:
    """Gives what earlier releases remembered, by the last record of each key.

    It covers what each of the cities covers. One that covers more meets some records again.
    """
    newest: dict[str, ConsumedRecord] = {}
    for key, record in sorted(records.items(), key=lambda one: one[1].offset):
        city = key.partition("/")[0]
        if _covered(record) >= _covered(newest.get(city)):
            newest[city] = record
    states, unreadable = dict[str, PastState](), dict[str, UnreadableState]()
    for city, record in newest.items():
        try:
            states[city] = _state(record, city)
        except (ValueError, RecursionError) as error:
            unreadable[city] = UnreadableState(record, f"state: {city}: {error_reason(error)}")
    ledger, cities = previous.on_one_ledger(states.values())
    log, offset, at = min((_covered(newest[city]) for city in cities), default=(0, -1, 0.0))
    return RememberedPartition(ledger, cities, offset, at, log, unreadable)


def _covered(record: ConsumedRecord | None) -> tuple[int, int, float]:
    """Gives what a state covers: log, offset and timestamp. One that does not say it counts as the newest."""
    if record is None:
        return -1, -1, 0.0
    offset, at = covers(record.headers), covers_at(record.headers)
    if offset is None or at is None:
        return 2**63, 2**63, 0.0
    return covers_log(record.headers), offset, at


def _state(record: ConsumedRecord, city: str) -> PastState:
    if covers(record.headers) is None or covers_at(record.headers) is None:
        raise ValueError(f"a state does not say what it covers (headers {record.headers})")
    state = PastState.from_bytes(record.value if record.value.startswith(b"{") else _unpacked(record.value))
    if state.city != city:
        raise ValueError(f"a state of {state.city!r} stands under the key of {city!r}")
    return state


def _unpacked(value: bytes) -> bytes:
    packed = zlib.decompressobj()
    try:
        plain = packed.decompress(value, MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"a state is neither JSON nor packed: {error}") from error
    if not packed.eof:
        raise ValueError(f"a state is neither JSON nor packed: no end within {MOST_UNPACKED} bytes")
    return plain
