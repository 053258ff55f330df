"""The match agent: reads a message, decides which districts it warns, and sends the outcome to `warn.impacts`.

It keeps no state. docs/adr/0016 says who is charged with a failure.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender, TooLargeError
from streams.kafka.topics import MIB, Topics
from streams.kafka.trail import TraceHeader
from streams.worker.failures import PoisonError, code_of, unharmed
from streams.worker.failures import error_reason as error_reason
from streams.worker.failures import rejection as rejection
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
"""The agent waits at once for the acknowledgement of a larger outcome: a refusal then belongs to this record alone."""


class MatchAgent:
    """Reads cap.alerts and cap.extreme, and sends each outcome to every partition of warn.impacts that has a city."""

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
        self._metrics, self._heard = metrics, unharmed(heard)
        self._owed: dict[tuple[str, int], list[Awaitable[None]]] = {}
        """By topic and partition of the input, the sends that the broker has not acknowledged yet."""
        self._epoch = 0
        """Counts rebalances: a change while a record is processed means that the partition may be another worker's."""
        self._convicted: dict[str, dict[str, str]] = {}
        """By the record's place, under "": why `handle` has to set the record aside."""
        self._cities = topics.by_partition(cities)

    async def handle(self, record: ConsumedRecord) -> None:
        """Decides one record and sends the outcome. `remember` waits for the acknowledgements later.

        Every CAP message gets an outcome, whatever its content. Raises for a record of another stage or without our
        headers, for a snapshot that cannot be read, and when a send fails.
        """
        started = time.perf_counter()
        why = self._convicted.pop(place_of(record), {}).get("", "")
        if record.headers.get("kind") == "snapshot":
            if why:
                raise PoisonError(why)
            snapshot = Snapshot.from_bytes(record.value)
            self._check_stage(snapshot.stage)
            self._metrics.read(snapshot, record.topic)
            await self._begin(record, dict.fromkeys(self._cities, snapshot.to_bytes()), TraceHeader())
            return
        headers = read_alert_headers(record.headers)
        self._check_stage(headers.stage)
        trail = TraceHeader.read(record.headers).at("match", time.time())
        try:
            if why:
                raise PoisonError(why)
            alert = self._matcher.read(record.value, headers.source)
            parsed = time.perf_counter()
            outcome = self._matcher.decide(alert, headers).outcome
        except CapError as error:
            outcome = self._matcher.refuse(headers, error).outcome
        except MemoryError:
            raise
        except Exception as error:  # charged to the record; every city learns that this message is undecided
            log.exception("match: %s cannot be decided", place_of(record))
            outcome = self._undecided(headers, error_reason(error))
        else:
            trail = trail.took("parsed", parsed - started).took("decided", time.perf_counter() - parsed)
        if outcome.sent:
            trail = trail.at("sent", outcome.sent.timestamp())
        try:
            await self._publish(record, outcome, trail)
        except TooLargeError as error:
            outcome = self._undecided(headers, f"too-large at /alert: {error}")
            await self._publish(record, outcome, trail)
        worst = max((m.severity for m in outcome.meanings), key=level, default="")
        self._metrics.alerts.labels(headers.source, outcome.msg_type or "", worst, outcome.decided).inc()
        for code in outcome.findings:
            self._metrics.findings.labels(headers.source, code).inc()
        self._heard(outcome)

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Tries a suspect record in a trial process. If it fails there, `handle` sets it aside. Gives why it fails.

        A record is suspect when a worker ended while it processed the record.
        """
        if record.headers.get("kind") == "snapshot":
            part = TrialPart("", Snapshot.from_bytes, (record.value,))
        else:
            part = TrialPart("", _decide, (self._matcher, record.value, read_alert_headers(record.headers)))
        return self.convict(record, await trials.tried([part]))

    def convict(self, record: ConsumedRecord, whys: dict[str, str]) -> dict[str, str]:
        """Notes that `handle` has to set a record aside, and why."""
        if whys:
            self._convicted[place_of(record)] = whys
        return whys

    def _undecided(self, headers: AlertHeaders, why: str) -> Outcome:
        """Gives the outcome of a message that cannot be decided; the first word of `why` is its code."""
        code, _, text = why.partition(" ")
        return self._matcher.refuse(headers, CapError(code.rstrip(":"), "/alert", text)).outcome

    async def _publish(self, record: ConsumedRecord, outcome: Outcome, trail: TraceHeader) -> None:
        """Sends an outcome to all partitions; for a rejected message first sends its bytes to `warn.rejected`."""
        if outcome.decided == "rejected":
            await self._sender.send([rejection(self._topics, record, self.name, outcome.reason)])
            self._metrics.rejected.labels(self.name, code_of(outcome.reason)).inc()
        said = {partition: for_cities(outcome, cities).to_bytes() for partition, cities in self._cities.items()}
        await self._begin(record, said, trail)

    async def _begin(self, record: ConsumedRecord, said: Mapping[int, bytes], trail: TraceHeader) -> None:
        """Sends one value to each partition, and notes the acknowledgement as owed: `remember` waits for it.

        Two cases wait here instead: a value that the broker may find too large, and a partition that was revoked
        meanwhile, because nobody calls `remember` for it.
        """
        epoch = self._epoch
        acknowledged = await self._sender.begin(
            [self._to(partition, value, record, trail) for partition, value in said.items()]
        )
        if epoch != self._epoch or any(len(value) > LARGE for value in said.values()):
            await acknowledged
        else:
            self._owed.setdefault((record.topic, record.partition), []).append(acknowledged)

    def forget(self) -> None:
        """Forgets what is not acknowledged, because partitions were revoked or assigned: those records come again."""
        for acknowledged in (one for owed in self._owed.values() for one in owed):
            if isinstance(acknowledged, asyncio.Future):
                acknowledged.add_done_callback(_ignore_failure)
        self._owed.clear()
        self._epoch += 1

    def owes(self, record: ConsumedRecord) -> bool:
        """Says whether results of the record's partition are not yet acknowledged."""
        return (record.topic, record.partition) in self._owed

    async def remember(self, record: ConsumedRecord) -> None:
        """Returns when all results of the record's partition are acknowledged."""
        await asyncio.gather(*self._owed.pop((record.topic, record.partition), ()))

    def _check_stage(self, stage: str) -> None:
        if stage != self._topics.stage:
            raise ForeignStageError(stage, self._topics.stage)

    def _to(self, partition: int, value: bytes, record: ConsumedRecord, trail: TraceHeader) -> ProducerRecord:
        kept = {PUBLISHED: record.headers[PUBLISHED]} if PUBLISHED in record.headers else {}
        return ProducerRecord(self._topics.impacts.name, partition, "", value, {**kept, **trail.header()})


def _ignore_failure(acknowledged: "asyncio.Future[None]") -> None:
    """Reads the failure of a send that nobody waits for, so that asyncio does not log it."""
    if not acknowledged.cancelled():
        acknowledged.exception()


def _decide(matcher: Matcher, value: bytes, headers: AlertHeaders) -> None:
    matcher.decide(matcher.read(value, headers.source), headers)
