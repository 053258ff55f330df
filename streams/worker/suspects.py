"""Tries a suspect record before its agent processes it, because a worker ended while it worked on that record.

A record that fails its trial is *convicted*: the agent sets it aside, and it stays known by its content. A record that
passes is processed like any other (docs/adr/0016).
"""

import logging
import time
from collections.abc import Mapping, Set
from typing import Protocol

from streams.kafka.records import ConsumedRecord
from streams.worker.hand import Hand, fingerprint_of, place_of
from streams.worker.trial import Trials
from warnsys.metrics import Metrics

log = logging.getLogger(__name__)
JUDGED_FOR_S = 60.0
"""A convicted content is not tried again for so long. After a kill it may come twice, and other records wait."""
TRIED_AT_MOST = 2
"""A record that passed so many trials is convicted without a further one when a process ends on it once more."""


class Judge(Protocol):
    """An agent that can try its records in another process."""

    name: str

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Tries a record in another process, and convicts it if it fails there. Gives, by part, why it fails."""

    def convict(self, record: ConsumedRecord, reasons: dict[str, str]) -> None:
        """Has `handle` set a record aside when it comes to it, without a trial."""


class Suspects:
    """Tries the suspects of all agents. Each agent has its own trial processes, so none waits for another agent."""

    def __init__(
        self, hand: Hand, topics: Mapping[str, Set[str]], metrics: Metrics, trials: Trials | None = None
    ) -> None:
        self._hand, self._topics, self._metrics = hand, topics, metrics
        """`topics` has, by the name of an agent, the topics that it reads."""
        self.trials = {agent: trials or Trials() for agent in topics}
        self._last_convicted: dict[str, tuple[float, dict[str, str]]] = {}
        """The record that failed its trial last: by its fingerprint, when (in monotonic seconds) and why."""

    def trials_to_warm(self) -> list[Trials]:
        """Gives the trials of the agents that will meet a suspect. They start while the worker waits for the broker."""
        suspects = self._hand.suspects
        return [self.trials[agent] for agent, topics in self._topics.items() if topics & suspects]

    async def judge(self, agent: Judge, record: ConsumedRecord, suspicion: int) -> bool:
        """Says whether a suspect is convicted. `suspicion` counts the processes that ended while they worked on it."""
        place = place_of(record)
        log.warning("%s: %s is tried first, because a process ended uncleanly while it worked on it", agent.name, place)
        if suspicion > TRIED_AT_MOST:
            reasons = {"": f"{suspicion} processes ended with it in hand, though it passed its trials"}
            agent.convict(record, reasons)
        elif (last := self._last_convicted.get(fingerprint_of(record))) and time.monotonic() - last[0] < JUDGED_FOR_S:
            reasons = dict(last[1])
            agent.convict(record, reasons)
        else:
            reasons = await agent.judge(record, self.trials[agent.name])
        for part, why in reasons.items():
            log.critical("%s: %s is set aside%s: %s", agent.name, place, f" for {part}" if part else "", why)
        self._metrics.poison.labels(agent.name, "set aside" if reasons else "passed").inc()
        if reasons:
            self._hand.convict(record)
            self._last_convicted = {fingerprint_of(record): (time.monotonic(), dict(reasons))}
        return bool(reasons)

    async def close(self) -> None:
        """Ends all trial processes."""
        for trials in self.trials.values():
            await trials.close()
