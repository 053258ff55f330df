"""The match agent: reads a message, decides which districts it concerns, and sends the outcome to `warn.impacts`.

It keeps no state. docs/adr/0016 says who is charged with a failure. Snapshots come on `cap.alerts`, too, and the agent
passes them on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender, TooLargeError
from streams.kafka.topics import MIB, Topics
from streams.kafka.trail import TraceHeader
from streams.worker.failures import PoisonError, code_of, error_reason, logging_failures, rejection
from streams.worker.hand import place_of
from streams.worker.trial import TrialPart, Trials
from warnsys.cap import CapError
from warnsys.cap.model import level
from warnsys.headers import PUBLISHED
from warnsys.metrics import Metrics
from warnsys.pipeline import ForeignStageError
from warnsys.records import (
    AlertHeaders,
    Outcome,
    Snapshot,
    read_alert_headers,
)
from warnsys.warning.matching import Matcher, for_cities

log = logging.getLogger(__name__)
LARGE = MIB
"""If a value is larger, the agent awaits its acknowledgement at once. A refusal is then charged to this record alone.
Otherwise it would come at `flush`, where it ends the process."""


class MatchAgent:
    """Reads `cap.alerts` and `cap.extreme`, and sends results to every partition of `warn.impacts` that has a city.

    It calls `heard` with each outcome that is sent.
    """

    name = "match"

    def __init__(
        self,
        matcher: Matcher,
        cities: Iterable[str],
        topics: Topics,
        sender: Sender,
        metrics: Metrics,
        heard: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._matcher, self._topics, self._sender = matcher, topics, sender
        self._metrics, self._heard = metrics, logging_failures(heard)
        self._unflushed: dict[tuple[str, int], list[Awaitable[None]]] = {}
        """By topic and partition of the input, the sends for whose acknowledgement `flush` has to wait."""
        self._rebalances = 0
        """How often partitions were assigned or revoked. If it grows during a record, its partition may be lost."""
        self._convicted: dict[str, dict[str, str]] = {}
        """Records that failed in a trial (`judge`), so that `handle` sets them aside. By topic/partition@offset, then
        by city, it has the reason, as in `SettleAgent`. This agent decides for all cities at once, so the only key
        is ""."""
        self._cities = topics.by_partition(cities)
        """The cities of each partition of `warn.impacts`."""

    async def handle(self, record: ConsumedRecord) -> None:
        """Decides one record and sends the result. `flush` waits for the acknowledgements later.

        Every CAP message gets an outcome, whatever its content. Raises for a record of another stage (live, or one
        exercise) or without our headers, for a snapshot that cannot be read or is convicted, when a send fails, and
        when memory runs out.
        """
        started = time.perf_counter()
        convicted_for = self._convicted.pop(place_of(record), {}).get("", "")
        if record.headers.get("kind") == "snapshot":
            await self._pass_on(record, convicted_for)
            return
        headers = read_alert_headers(record.headers)
        self._check_stage(headers.stage)
        trail = TraceHeader.read(record.headers).at("match", time.time())
        try:
            if convicted_for:
                raise PoisonError(convicted_for)
            alert = self._matcher.read(record.value, headers.source)
            parsed = time.perf_counter()
            outcome = self._matcher.decide(alert, headers).outcome
        except CapError as error:
            outcome = self._matcher.refuse(headers, error).outcome
        except MemoryError:  # charged to the infrastructure
            raise
        except Exception as error:  # charged to the record; every city learns that this message is undecided
            log.exception("match: %s cannot be decided, so its message counts as rejected", place_of(record))
            outcome = self._rejected_for(headers, error_reason(error))
        else:
            trail = trail.took("parsed", parsed - started).took("decided", time.perf_counter() - parsed)
        if authored_at := outcome.sent:
            trail = trail.at("sent", authored_at.timestamp())
        try:
            await self._publish(record, outcome, trail)
        except TooLargeError as error:
            # One partition's part of the outcome is too large. Some partitions may have got their part already. All get
            # the rejected outcome now, but a city that knows a message as accepted keeps to that (`Listing.decided`).
            outcome = self._rejected_for(headers, f"too-large {error}")
            await self._publish(record, outcome, trail)
        self._count(headers, outcome)
        self._heard(outcome)

    async def _pass_on(self, record: ConsumedRecord, convicted_for: str) -> None:
        """Sends a snapshot to every partition that has a city."""
        if convicted_for:
            raise PoisonError(convicted_for)
        snapshot = Snapshot.from_bytes(record.value)
        self._check_stage(snapshot.stage)
        self._metrics.count_if_of_newer_release(snapshot, record.topic)
        await self._send_to_all(record, dict.fromkeys(self._cities, snapshot.to_bytes()), TraceHeader())

    def _count(self, headers: AlertHeaders, outcome: Outcome) -> None:
        worst = max((meaning.severity for meaning in outcome.meanings), key=level, default="")
        self._metrics.alerts.labels(headers.source, outcome.msg_type or "", worst, outcome.decided).inc()
        for code in outcome.findings:
            self._metrics.findings.labels(headers.source, code).inc()

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Tries a suspect record in a trial process. If it fails there, `handle` sets it aside. Gives why it fails.

        It fails if it takes too much time or memory, or ends the process (`trial`). An exception is no failure there:
        `handle` meets it, too. A record is suspect if a worker ended uncleanly while it processed the record, or if a
        record with the same content is convicted.
        """
        if record.headers.get("kind") == "snapshot":
            part = TrialPart("", Snapshot.from_bytes, (record.value,))
        else:
            part = TrialPart("", _decide, (self._matcher, record.value, read_alert_headers(record.headers)))
        reasons = await trials.tried([part])
        self.convict(record, reasons)
        return reasons

    def convict(self, record: ConsumedRecord, reasons: dict[str, str]) -> None:
        """Notes that `handle` has to set a record aside, and why."""
        self._convicted[place_of(record)] = reasons

    def _rejected_for(self, headers: AlertHeaders, reason: str) -> Outcome:
        """Gives the outcome `rejected` for a message that cannot be decided. The first word of `reason` is its code."""
        code, _, text = reason.partition(" ")
        return self._matcher.refuse(headers, CapError(code.rstrip(":"), "/alert", text)).outcome

    async def _publish(self, record: ConsumedRecord, outcome: Outcome, trail: TraceHeader) -> None:
        """Sends to every partition what an outcome says of its cities. Before that, sends the bytes of a rejected
        message to `warn.rejected`."""
        if outcome.decided == "rejected":
            await self._sender.send([rejection(self._topics, record, self.name, outcome.reason)])
            self._metrics.rejected.labels(self.name, code_of(outcome.reason)).inc()
        values = {partition: for_cities(outcome, cities).to_bytes() for partition, cities in self._cities.items()}
        await self._send_to_all(record, values, trail)

    async def _send_to_all(self, record: ConsumedRecord, values: Mapping[int, bytes], trail: TraceHeader) -> None:
        """Sends each partition its value, and notes the acknowledgement as outstanding: `flush` waits for it.

        In two cases this method waits itself. A value is large, so the broker may refuse it. Or a rebalance came during
        the send, and `_unflushed` must not get a send from before a rebalance.
        """
        rebalances = self._rebalances
        acknowledged = await self._sender.begin(
            [self._result(partition, value, record, trail) for partition, value in values.items()]
        )
        if rebalances != self._rebalances or any(len(value) > LARGE for value in values.values()):
            await acknowledged
        else:
            self._unflushed.setdefault((record.topic, record.partition), []).append(acknowledged)

    def forget(self) -> None:
        """Forgets the sends that `flush` has not waited for, because partitions were revoked or assigned.

        The records that they belong to come again.
        """
        for acknowledged in (one for owed in self._unflushed.values() for one in owed):
            if isinstance(acknowledged, asyncio.Future):
                acknowledged.add_done_callback(_ignore_failure)
        self._unflushed.clear()
        self._rebalances += 1

    def has_unflushed(self, record: ConsumedRecord) -> bool:
        """Says whether `flush` has to wait for results of the record's partition."""
        return (record.topic, record.partition) in self._unflushed

    async def flush(self, record: ConsumedRecord) -> None:
        """Returns when all results of the record's partition are acknowledged."""
        await asyncio.gather(*self._unflushed.pop((record.topic, record.partition), ()))

    def _check_stage(self, stage: str) -> None:
        if stage != self._topics.stage:
            raise ForeignStageError(stage, self._topics.stage)

    def _result(self, partition: int, value: bytes, record: ConsumedRecord, trail: TraceHeader) -> ProducerRecord:
        published = {PUBLISHED: record.headers[PUBLISHED]} if PUBLISHED in record.headers else {}
        return ProducerRecord(self._topics.impacts.name, partition, "", value, {**published, **trail.header()})


def _ignore_failure(acknowledged: "asyncio.Future[None]") -> None:
    """Reads the failure of a send that nobody waits for, so that asyncio does not log it."""
    if not acknowledged.cancelled():
        acknowledged.exception()


def _decide(matcher: Matcher, value: bytes, headers: AlertHeaders) -> None:
    """Decides a message for a trial, which needs no result."""
    matcher.decide(matcher.read(value, headers.source), headers)
