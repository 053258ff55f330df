"""What each process counts and times, for Prometheus and for the demo's summary.

Times are of the clock on the wall of this machine and for people; no decision reads them.
"""

from collections import defaultdict
from statistics import quantiles

from prometheus_client import CollectorRegistry, Counter, Histogram

STAGES = ("match", "settle", "total")
"""`match`: a record of cap.alerts until its outcomes are acknowledged; `settle`: an outcome until its notices and the
state are; `total`: from the feed's publishing until the notices are acknowledged."""
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One process's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.alerts = Counter(
            "warnsys_alerts", "CAP messages by how they were decided", ["source", "decided"], registry=self.registry
        )
        self.notices = Counter(
            "warnsys_notices", "Records published by channel", ["channel", "kind"], registry=self.registry
        )
        self.rejected = Counter("warnsys_rejected", "Records rejected, by agent", ["agent"], registry=self.registry)
        self._latency = Histogram(
            "warnsys_latency_seconds", "Time by stage", ["stage"], buckets=_BUCKETS, registry=self.registry
        )
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    def took(self, stage: str, seconds: float) -> None:
        self._latency.labels(stage).observe(seconds)
        kept = self._seconds[stage]
        kept.append(seconds)
        del kept[:-10_000]

    def latency_ms(self) -> dict[str, dict[str, float]]:
        """Median, 90th and 99th percentile of each stage, in milliseconds, over the last 10,000 records."""
        found = {}
        for stage in STAGES:
            if len(kept := self._seconds[stage]) >= 2:
                cut = quantiles(kept, n=100, method="inclusive")
                names = {"p50": 49, "p90": 89, "p99": 98}
                found[stage] = {name: round(cut[at] * 1000, 2) for name, at in names.items()}
        return found
