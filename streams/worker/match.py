"""What decides what each message means: cap.alerts → warn.impacts (docs/adr/0016 says who is charged)."""

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
"""Bytes of an outcome from which on its acknowledgement is waited for at once: a refusal is this record's own."""


class MatchAgent:
    """cap.alerts → warn.impacts: what each message means, to every partition that has a city. Keeps nothing."""

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
        self._epoch = 0
        self._convicted: dict[str, dict[str, str]] = {}
        """By place why a record is not to be decided here."""
        self._cities = topics.by_partition(cities)

    async def handle(self, record: ConsumedRecord) -> None:
        """Raises for a record that is none of ours; what stands in a CAP message is always an outcome."""
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
        except Exception as error:  # the record's fault, whatever it is: and every city hears that it is undecided
            log.exception("match: %s cannot be decided", place_of(record))
            outcome = self._undecided(headers, error_reason(error))
        else:
            trail = trail.took("parsed", parsed - started).took("decided", time.perf_counter() - parsed)
        if outcome.sent:
            trail = trail.at("sent", outcome.sent.timestamp())
        try:
            await self._say(record, outcome, trail)
        except TooLargeError as error:
            outcome = self._undecided(headers, f"too-large at /alert: {error}")
            await self._say(record, outcome, trail)
        worst = max((m.severity for m in outcome.meanings), key=level, default="")
        self._metrics.alerts.labels(headers.source, outcome.msg_type or "", worst, outcome.decided).inc()
        for code in outcome.findings:
            self._metrics.findings.labels(headers.source, code).inc()
        self._heard(outcome)

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Try it in another process first, as a process ended with it in hand; what fails is set aside by `handle`."""
        if record.headers.get("kind") == "snapshot":
            part = TrialPart("", Snapshot.from_bytes, (record.value,))
        else:
            part = TrialPart("", _decide, (self._matcher, record.value, read_alert_headers(record.headers)))
        return self.convict(record, await trials.tried([part]))

    def convict(self, record: ConsumedRecord, whys: dict[str, str]) -> dict[str, str]:
        if whys:
            self._convicted[place_of(record)] = whys
        return whys

    def _undecided(self, headers: AlertHeaders, why: str) -> Outcome:
        code, _, text = why.partition(" ")
        return self._matcher.refuse(headers, CapError(code.rstrip(":"), "/alert", text)).outcome

    async def _say(self, record: ConsumedRecord, outcome: Outcome, trail: TraceHeader) -> None:
        if outcome.decided == "rejected":
            await self._sender.send([rejection(self._topics, record, self.name, outcome.reason)])
            self._metrics.rejected.labels(self.name, code_of(outcome.reason)).inc()
        said = {partition: for_cities(outcome, cities).to_bytes() for partition, cities in self._cities.items()}
        await self._begin(record, said, trail)

    async def _begin(self, record: ConsumedRecord, said: Mapping[int, bytes], trail: TraceHeader) -> None:
        """Send, and owe the acknowledgement; what may be too large for the broker is waited for here.

        Where the partition was taken away meanwhile, it is waited for here, too: nobody would ask for it.
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
        """Partitions were revoked or assigned: what is not acknowledged comes again, and its failure is nobody's."""
        for acknowledged in (one for owed in self._owed.values() for one in owed):
            if isinstance(acknowledged, asyncio.Future):
                acknowledged.add_done_callback(_seen)
        self._owed.clear()
        self._epoch += 1

    def owes(self, record: ConsumedRecord) -> bool:
        """Whether something was sent that is not yet acknowledged, from the partition that a record came from."""
        return (record.topic, record.partition) in self._owed

    async def remember(self, record: ConsumedRecord) -> None:
        """Returns when all is acknowledged that was sent for a record's partition."""
        await asyncio.gather(*self._owed.pop((record.topic, record.partition), ()))

    def _check_stage(self, stage: str) -> None:
        if stage != self._topics.stage:
            raise ForeignStageError(stage, self._topics.stage)

    def _to(self, partition: int, value: bytes, record: ConsumedRecord, trail: TraceHeader) -> ProducerRecord:
        kept = {PUBLISHED: record.headers[PUBLISHED]} if PUBLISHED in record.headers else {}
        return ProducerRecord(self._topics.impacts.name, partition, "", value, {**kept, **trail.header()})


def _seen(acknowledged: "asyncio.Future[None]") -> None:
    """So that asyncio does not report a failure that nobody waits for."""
    if not acknowledged.cancelled():
        acknowledged.exception()


def _decide(matcher: Matcher, value: bytes, headers: AlertHeaders) -> None:
    matcher.decide(matcher.read(value, headers.source), headers)
