"""What each process counts and times, for Prometheus and for the demo's summary.

Times are of the clock on the wall of this machine and for people; no decision reads them.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from importlib.metadata import version
from statistics import quantiles
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from warnsys.records import SCHEMA_VERSION, DistrictStatus, FeedStatus, GatewayStatus, Record
from warnsys.warning.situation import Situation

STEPS = ("feed", "to match", "parse", "decide", "to settle", "settle", "to channel", "total")
"""The steps of an alert's way, as `streams.kafka.trail` names them; `total`: until its notices are acknowledged."""
RENAMED = {
    "step_duration_seconds": "latency_seconds",
    "canary_step_seconds": "canary_stage_seconds",
    "consumer_lag_records": "lag_records",
    "feed_stamp_timestamp_seconds": "feed_stamp_seconds",
    "feed_looked_timestamp_seconds": "feed_looked_seconds",
    "tick_timestamp_seconds": "tick_seconds",
    "state_lost_timestamp_seconds": "state_lost_seconds",
    "audit_read_timestamp_seconds": "audit_read_seconds",
    "audit_anchored_timestamp_seconds": "audit_anchored_seconds",
    "canary_back_timestamp_seconds": "canary_back_seconds",
}
"""New names and those of release 0.2.0: the next release shows both, so that dashboards and alarms can follow."""
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One process's figures; each process has those of its own work, and the others stay at nothing."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.alerts = self._counter(
            "alerts", "CAP messages by how they were decided", "source", "type", "severity", "decided"
        )
        self.findings = self._counter("findings", "CAP messages by what is odd or new in them", "source", "code")
        self.notices = self._counter("notices", "Records published by channel", "channel", "audience", "kind", "reason")
        self.rejected = self._counter("rejected", "Records rejected", "agent", "code")
        self.state_lost = self._gauge(
            "state_lost_timestamp_seconds", "When a city last began anew, as its state could not be used", "city"
        )
        self.troubles = self._gauge("city_troubles", "What a city could not take in, and nothing has mended", "city")
        self.poison = self._counter(
            "poison", "Records in whose hands a process ended uncleanly, by what a trial said", "agent", "result"
        )
        self.newer = self._counter("newer_records", "Records of a newer release, taken as far as known", "topic")
        self.mended = self._counter("mended", "What the transport noticed and mended", "what")
        self.feed_looks = self._counter("feed_looks", "Looks at a source", "source", "result")
        self.feed_stamp = self._gauge("feed_stamp_timestamp_seconds", "Time of a source's last good snapshot", "source")
        self.feed_looked = self._gauge("feed_looked_timestamp_seconds", "When a source was last looked at", "source")
        self.feed_unreadable = self._gauge("feed_unreadable", "Messages of it that cannot be read", "source")
        self.feed_clock = self._gauge("feed_clock_off", "1 where its feed's or server's clock is wrong", "source")
        self.clock_off = self._gauge("clock_off_seconds", "By how much a clock is wrong for a city", "city", "clock")
        self._clocks: dict[str, set[str]] = {}
        self.archive_failing = self._gauge("archive_failing", "1 where its snapshots cannot be archived", "source")
        self.audited = self._counter("audited", "Entries written into the audit", "what")
        self.audit_read = self._gauge(
            "audit_read_timestamp_seconds", "Time of the newest record that the audit has read"
        )
        self.audit_anchored = self._gauge(
            "audit_anchored_timestamp_seconds", "When the audit's newest hash was last anchored"
        )
        self.canary_runs = self._counter("canary_runs", "Canaries by whether they came back", "result")
        self.canary_back = self._gauge("canary_back_timestamp_seconds", "When a canary last came back")
        self.canary_took = self._gauge("canary_step_seconds", "How long the last canary took for each step", "step")
        self.lag = self._gauge("consumer_lag_records", "Records of an input that wait", "topic", "partition")
        self.tick = self._gauge("tick_timestamp_seconds", "Time of the newest tick of a city", "city")
        self.districts = self._gauge("districts", "Districts by what holds there", "city", "status")
        self.incomplete = self._gauge(
            "city_not_fresh", "1 where a city's data are stale, incomplete or missing", "city"
        )
        self.cells_unknown = self._gauge(
            "city_cells_unknown", "Warn cells of its districts that the DWD's catalogue lacks", "city"
        )
        self.forgotten = self._gauge("city_forgotten", "What its state let go of in the last two hours", "city")
        self.unseen = self._gauge(
            "unseen_extreme_seconds", "How long an Extreme warning waits to be acknowledged", "city"
        )
        self.streams = self._gauge("web_streams", "Open event streams")
        self.web_blind = self._gauge("web_blind", "1 where a web process does not read the topics, or hears nothing")
        self.unconfirmed = self._gauge(
            "stop_unconfirmed", "1 where the agents have not answered an order to stop or resume a channel", "channel"
        )
        self.webhook = self._counter("webhook", "Calls of the webhook for warnings that nobody acknowledged", "result")
        self.gateway_deliveries = self._counter(
            "gateway_deliveries", "Deliveries by what became of them", "gateway", "target", "state"
        )
        self.gateway_waiting = self._gauge("gateway_waiting", "Deliveries not yet taken over", "gateway", "target")
        self.gateway_oldest = self._gauge(
            "gateway_oldest_timestamp_seconds", "When the notice was issued that waits longest; 0 for none",
            "gateway", "target",
        )  # fmt: skip
        self.gateway_accepted = self._gauge(
            "gateway_accepted_timestamp_seconds", "When a target last took one over", "gateway", "target"
        )
        self.gateway_down = self._gauge("gateway_target_down", "1 where a target does not work", "gateway", "target")
        self.gateway_unreadable = self._counter("gateway_unreadable", "Records that are no notices", "gateway")
        self._latency = Histogram(
            "warnsys_step_duration_seconds", "Time by step", ["step"], buckets=_BUCKETS, registry=self.registry
        )
        self.registry.register(_OldNames(self.registry))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Gauge(
            "warnsys_build_info", "1 for the release that runs", ["version", "schema_version"], registry=self.registry
        )
        build.labels(version("warnsys"), str(SCHEMA_VERSION)).set(1)
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"warnsys_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"warnsys_{name}", what, labels, registry=self.registry)

    def only(self, places: Iterable[tuple[str, int]]) -> None:
        """Of partitions that are others' now no lag is reported any more: an alarm would hold until a restart."""
        _keep(self.lag, {(topic, str(partition)) for topic, partition in places})

    def only_cities(self, cities: Iterable[str]) -> None:
        """The same for what holds in cities that are others' now."""
        kept = set(cities)
        for gauge in (self.tick, self.incomplete, self.troubles, self.state_lost, self.forgotten):
            _keep(gauge, {(city,) for city in kept})
        self._clocks = {city: clocks for city, clocks in self._clocks.items() if city in kept}
        _keep(self.clock_off, {(city, clock) for city, clocks in self._clocks.items() for clock in clocks})
        _keep(self.districts, {(city, status) for city in kept for status in get_args(DistrictStatus)})

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def looked(self, status: FeedStatus) -> None:
        """After a look at a source."""
        self.feed_looks.labels(status.source, "error" if status.error else "ok").inc()
        self.feed_looked.labels(status.source).set(status.looked.timestamp())
        self.feed_unreadable.labels(status.source).set(status.unreadable)
        self.archive_failing.labels(status.source).set(bool(status.archive_error))
        self.feed_clock.labels(status.source).set(bool(status.clock_error))
        if status.stamp:
            self.feed_stamp.labels(status.source).set(status.stamp.timestamp())

    def ticked(self, city: str, now: datetime, clocks_off: Mapping[str, int]) -> None:
        """After a tick was taken, whether it changes anything in this city or not."""
        self.tick.labels(city).set(now.timestamp())
        for clock in self._clocks.pop(city, set[str]()) - clocks_off.keys():
            self.clock_off.remove(city, clock)
        for clock, seconds in clocks_off.items():
            self.clock_off.labels(city, clock).set(seconds)
            self._clocks.setdefault(city, set()).add(clock)

    def settled(self, city: str, situation: Situation) -> None:
        """After a record was taken into a city's state."""
        self.incomplete.labels(city).set(situation.freshness != "fresh")
        forgotten = (flag.split()[1] for flag in situation.flags if flag.startswith("forgot "))
        self.forgotten.labels(city).set(sum(map(int, forgotten)))
        held = [district.status for district in situation.districts.values()]
        for status in get_args(DistrictStatus):
            self.districts.labels(city, status).set(held.count(status))

    def gateway_shown(self, status: GatewayStatus) -> None:
        """After a gateway looked at its targets."""
        for one in status.targets:
            place = status.gateway, one.name
            self.gateway_waiting.labels(*place).set(one.waiting)
            self.gateway_oldest.labels(*place).set(one.oldest.timestamp() if one.oldest else 0)
            self.gateway_down.labels(*place).set(one.state == "down")
            if one.accepted:
                self.gateway_accepted.labels(*place).set(one.accepted.timestamp())

    def count_if_of_newer_release(self, record: Record, topic: str) -> None:
        """After a record was taken from a topic."""
        if record.newer:
            self.newer.labels(topic).inc()

    def took(self, step: str, seconds: float) -> None:
        self._latency.labels(step).observe(seconds)
        kept = self._seconds[step]
        kept.append(seconds)
        del kept[:-10_000]

    def latency_ms(self) -> dict[str, dict[str, float]]:
        """Median, 90th and 99th percentile of each step, in milliseconds, over the last 10,000 records."""
        found = {}
        for step in STEPS:
            if len(kept := self._seconds[step]) >= 2:
                cut = quantiles(kept, n=100, method="inclusive")
                names = {"p50": 49, "p90": 89, "p99": 98}
                found[step] = {name: round(cut[at] * 1000, 2) for name, at in names.items()}
        return found


class _OldNames(Collector):
    """Shows each renamed metric under its old name, too; its label `step` was `stage` there."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        new = {f"warnsys_{name}": f"warnsys_{old}" for name, old in RENAMED.items()}
        names = [f"{name}{end}" for name in new for end in ("", "_bucket", "_count", "_sum", "_created")]
        for metric in self._registry.restricted_registry(names).collect():
            old = Metric(new[metric.name], f"Old name of {metric.name}.", metric.type)
            for sample in metric.samples:
                labels = {"stage" if name == "step" else name: value for name, value in sample.labels.items()}
                old.add_sample(new[metric.name] + sample.name.removeprefix(metric.name), labels, sample.value)
            yield old


def _keep(gauge: Gauge, labels: Container[tuple[str, ...]]) -> None:
    names = gauge._labelnames
    for metric in list(gauge.collect()):
        for sample in metric.samples:
            values = tuple(sample.labels[name] for name in names)
            if values not in labels:
                gauge.remove(*values)
