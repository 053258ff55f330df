"""Alerts, updates, cancels, snapshots and time in any order, repeated, late and lost, against a plain model."""

import os
from functools import lru_cache

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.domain.messages import Message, Warned, outcome_of, rules
from tests.domain.model import LEVELS, Model, Stands
from tests.domain.resident import Holds, Place, Resident
from tests.support import City, at, distinct_ids, snapshot, tick
from warnsys.pipeline import CityState
from warnsys.records import Outcome, PushNotice, SmsNotice

KEYS = "ABCDEFGH"
"""What A says is sent at noon, and ten minutes later what each following key says."""
MINUTES = tuple(float(minute) for minute in range(0, 125, 5))
NODES = (0.0, 0.0, 1 / 60)
"""Minutes by which the other node of a server stamps what it publishes later."""
HERE, PART = ("d1", "d2"), ("d1",)

contents = st.sampled_from(
    (
        (Warned("Severe", HERE, 200),),
        (Warned("Severe", HERE, 220),),
        (Warned("Severe", PART, 60),),
        (Warned("Moderate", HERE, 70),),
        (Warned("Extreme", HERE, 45),),
        (Warned("Minor", HERE, 95),),
        (Warned("Severe", HERE, 120, advance=True),),
        (Warned("Severe", HERE, None),),
        (Warned("Moderate", HERE, 90, group="WIND"),),
        (Warned("Severe", HERE, 15),),
        (Warned("Severe", ("d2",), 110, group="THUNDERSTORM"),),
        (Warned("Severe", PART, 100), Warned("Severe", ("d2",), 100, all_clear=True)),
        (Warned("Severe", PART, 80), Warned("Moderate", ("d2",), 130)),
        (Warned("Severe", HERE, 90, languages=("de-DE", "en")),),
        (Warned("Severe", HERE, 90, all_clear=True),),
        (Warned("Severe", ("d9",), 90),),
    )
)


@st.composite
def messages(draw: st.DrawFn, number: int) -> Message:
    key, sent = KEYS[number], 10.0 * number
    kind = draw(st.sampled_from(("alert", "update", "update", "update", "cancel", "bare cancel", "test", "broken")))
    replaces: tuple[str, ...] = ()
    if kind not in ("alert", "broken") and number:
        some = draw(st.sets(st.integers(max(0, number - 3), number - 1), min_size=1, max_size=2))
        replaces = tuple(KEYS[i] for i in sorted(some))
    return Message(
        key,
        sent,
        () if kind == "bare cancel" and replaces else draw(contents),
        replaces,
        cancel=kind in ("cancel", "bare cancel") and bool(replaces),
        status="Test" if kind == "test" else "Actual",
        broken=kind == "broken",
    )


@lru_cache(maxsize=20_000)
def decided(message: Message) -> Outcome:
    return outcome_of(message, 0)


class Lifecycle(RuleBasedStateMachine):
    """One city, two sources."""

    sources: tuple[str, ...] = ("dwd",)

    @initialize(two=st.booleans())
    def begin(self, two: bool) -> None:
        self.sources = ("dwd", "city") if two else ("dwd",)
        self.city, self.model = City(rules(self.sources)).take(tick(0)), Model(self.sources)
        self.published: dict[str, Message] = {}
        self.delivered: list[Outcome] = []
        self.resident, self.read = Resident(), 0

    # -- what happens --

    @rule(number=st.integers(0, len(KEYS) - 1), data=st.data(), late=st.sampled_from((0, 5, 30)), second=st.booleans())
    def a_message_arrives(self, number: int, data: st.DataObject, late: float, second: bool) -> None:
        """What an id says never changes; it may come again, with a later snapshot or from the other source."""
        key = KEYS[number]
        if key not in self.published:
            self.published[key] = data.draw(messages(number))
        message, source = self.published[key], self.sources[-1 if second else 0]
        stamp = message.at + late
        self.deliver(decided(message).model_copy(update={"source": source, "stamp": snapshot(stamp).stamp}))
        self.model.message(message, source, stamp)

    @rule(data=st.data())
    @precondition(lambda self: self.delivered)
    def a_record_is_repeated(self, data: st.DataObject) -> None:
        count = len(self.city.push())
        self.city.take(data.draw(st.sampled_from(self.delivered)))
        assert len(self.city.push()) == count

    @rule(
        stamp=st.sampled_from(MINUTES),
        node=st.sampled_from(NODES),
        keys=st.sets(st.sampled_from(KEYS)),
        known=st.booleans(),
        second=st.booleans(),
    )
    def a_snapshot_arrives(self, stamp: float, node: float, keys: set[str], known: bool, second: bool) -> None:
        """A feed sends what it lists: of what is known from elsewhere it lists only what it sent itself."""
        source, stamp = self.sources[-1 if second else 0], stamp + node
        sent = {one.base_id for one in self.delivered if one.source == source}
        listed = keys & sent if known else keys - (self.published.keys() - sent)
        listed = self.model.snapshots.get((source, stamp), listed)
        self.city.take(snapshot(stamp, *sorted(listed), source=source))
        self.model.snapshot(source, stamp, listed)

    @rule(minute=st.sampled_from(MINUTES))
    def time_is_told(self, minute: float) -> None:
        self.city.take(tick(minute))
        self.model.tick(minute)

    @rule()
    def the_worker_starts_again(self) -> None:
        self.city.state = CityState.from_bytes(self.city.state.to_bytes())

    def deliver(self, outcome: Outcome) -> None:
        self.city.take(outcome)
        self.delivered.append(outcome)

    # -- what must be so --

    @invariant()
    def what_holds_is_what_the_model_says(self) -> None:
        for district in ("d1", "d2"):
            state = self.city.situation.districts[district]
            found: list[Stands] = sorted(
                (one.fact.base_id, one.phase, one.meaning.severity, one.meaning.group) for one in state.standing
            )
            assert found == self.model.standing(district)
            assert state.status == self.model.status(district)

    @invariant()
    def whoever_reads_the_push_knows_what_holds_and_is_told_nothing_twice(self) -> None:
        """The public's push tells warnings from Moderate, and no advance notices."""
        holds = {(d, group): self.holds((d, group)) for d in ("d1", "d2") for group in ("RAIN", "WIND", "THUNDERSTORM")}
        notices = self.city.push()
        self.resident.reads(notices[self.read :], at(self.model.now), holds.__getitem__)
        self.read = len(notices)
        for place, held in holds.items():
            self.resident.knows(place, held)

    def holds(self, place: Place) -> Holds:
        district, group = place
        here = [one for one in self.model.standing(district) if one[3] == group and one[2] != "Minor"]
        level = max((LEVELS.index(severity) + 1 for _, phase, severity, _ in here if phase == "warning"), default=0)
        ends = [
            said.until
            for key, phase, severity, _ in here
            if phase == "warning" and LEVELS.index(severity) + 1 == level
            for said in self.model.says(key, district)
            if (said.severity, said.group) == (severity, group)
        ]
        until = None if None in ends else max((end for end in ends if end), default=0)
        unconfirmed = any(phase == "expired" for _, phase, _, _ in here)
        return Holds(level, None if until is None else at(until), unconfirmed)

    @invariant()
    def no_two_notices_share_an_id(self) -> None:
        notices = [n for n in self.city.notices if isinstance(n, PushNotice | SmsNotice)]
        assert distinct_ids(notices)


Lifecycle.TestCase.settings = settings(
    max_examples=2_000 if os.environ.get("CI") else 300,
    derandomize=bool(os.environ.get("CI")),
    stateful_step_count=20,
    deadline=None,
    report_multiple_bugs=False,
)
TestLifecycle = Lifecycle.TestCase
