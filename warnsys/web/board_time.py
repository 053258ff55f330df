"""What time it is for the pages: the topics' clocks and this machine's, none of which decides alone.

What ticks say is weighed as a city weighs it (`warnsys.warning.clock`). This machine's clock counts while it goes on as
one that nobody sets; where it jumped, that one goes on until the topics agree with the jump.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from warnsys.records import Snapshot, Tick
from warnsys.warning.clock import AGREE, Clock, alarms, hear, testify


@dataclass(frozen=True, slots=True)
class BoardTime:
    told: datetime | None = None
    """By the newest tick."""
    told_at: float = 0
    """When it came, in seconds of the clock that nobody sets."""
    _topics: Clock = field(default_factory=Clock)
    _own: Clock = field(default_factory=Clock)
    _moment: datetime | None = None
    """By this machine's clock, when the newest tick came."""

    def after(self, tick: Tick, wall: datetime, elapsed: float) -> "BoardTime":
        """After a live tick, with what this machine's clocks say."""
        topics, told = hear(self._witnessed(tick, elapsed), self.told, tick)
        said = Snapshot(stage=tick.stage, source="topics", stamp=told, checked=told, date=told, ids=())
        mine = Tick(stage=tick.stage, at=wall, process="web", monotonic=elapsed, appended=wall)
        own, moment = hear(testify(self._own, said), self._moment, mine)
        return BoardTime(told, elapsed, topics, own, moment)

    def _witnessed(self, tick: Tick, elapsed: float) -> Clock:
        """With what has passed here since the newest tick as a witness, where that agrees with this one.

        After an outage of all workers nobody else knows how long it was.
        """
        others = {source: one for source, one in self._topics.witnesses.items() if source != "web"}
        topics = self._topics.model_copy(update={"witnesses": others})
        if self.told is None or tick.appended is None or topics.expected(tick) is not None:
            return topics  # somebody else knows how much time has passed: what was believed here is no witness
        here = self.told + timedelta(seconds=elapsed - self.told_at)
        if abs(here - tick.appended) > AGREE:
            return topics
        return testify(topics, Snapshot(stage=tick.stage, source="web", stamp=here, checked=here, date=here, ids=()))

    def story(self, moment: datetime, elapsed: float) -> "BoardTime":
        """After a record of an exercise, which bears the story's time."""
        return self if self.told and moment <= self.told else BoardTime(moment, elapsed)

    def beside(self, snapshot: Snapshot) -> "BoardTime":
        """After a snapshot, which says when it was looked at."""
        return replace(self, _topics=testify(self._topics, snapshot))

    def now(self, wall: datetime, elapsed: float) -> datetime:
        """Never behind the topics: were this machine's clock slow, a calm record would outlive who wrote it."""
        if self.told is None:
            return wall
        passed = timedelta(seconds=elapsed - self.told_at)
        return max(self._moment or self.told, self.told) + passed

    def alarms(self) -> tuple[str, ...]:
        """Of the topics' clocks: `clock broker +86400 s`."""
        return alarms(self._topics)
