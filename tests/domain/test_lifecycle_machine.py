"""Alerts, updates, cancels, snapshots, time, stops, restarts in any order, repeated, late, lost, against a model."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.worker.state import StateEncoder, from_value, to_value
from tests.domain.messages import Message, Warned, outcome_of, rules
from tests.domain.model import LEVELS, OTHER, REVISED, Model, Stands, name
from tests.domain.resident import Holds, Place, Resident
from tests.domain.test_state_comes_back import comes_back
from tests.domain.test_stop import stop
from tests.support import City, at, distinct_ids, live_tick, snapshot
from warnsys.records import Outcome, PushNotice, SmsNotice
from warnsys.warning.policy import Channel

KEYS = "ABCDEFGH"
"""What A says is sent at noon, and ten minutes later what each following key says."""
AHEAD = 5.0
"""Minutes by which a desk's clock may be ahead of the city's time."""
MINUTES = tuple(float(minute) for minute in range(0, 125, 5))
NODES = (0.0, 0.0, 1 / 60)
"""Minutes by which the other node of a server stamps what it publishes later."""
CHANNELS: tuple[Channel, ...] = ("push", "sms")
PLACES = tuple((district, group) for district in ("d1", "d2") for group in ("RAIN", "WIND", "THUNDERSTORM"))
OFF = {"right": (0, 0), "broker": (1440, 0), "worker": (0, -1440), "both": (1440, 1440), "neither": (-60, 1440)}
"""Minutes by which the clocks of the broker and of the worker's machine are wrong."""
HERE, PART = ("d1", "d2"), ("d1",)
SENDER = "leitstelle@stadt.example"
"""Of the city's own messages; all others are the DWD's."""

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


def real_name(base_id: str) -> str:
    """As the model calls what a city calls so."""
    base_id, revised, _ = base_id.partition("~")
    sender, other, identifier = base_id.partition(",")
    return f"{identifier if other else sender}{OTHER * bool(other)}{REVISED * bool(revised)}"


@lru_cache(maxsize=20_000)
def decided(message: Message) -> Outcome:
    return outcome_of(message, 0)


@dataclass
class Reader:
    """Somebody who reads one channel, and how far."""

    resident: Resident = field(default_factory=Resident)
    read: int = 0


class Lifecycle(RuleBasedStateMachine):
    """One city, two sources, two senders."""

    sources: tuple[str, ...] = ("dwd",)

    @initialize(two=st.booleans())
    def begin(self, two: bool) -> None:
        self.sources = ("dwd", "city") if two else ("dwd",)
        self.city, self.model = City(rules(self.sources), paced=False), Model(self.sources)
        self.process, self.jumps = 0, 0
        self.snapshots: dict[tuple[str, float], set[str]] = {}
        self.tell_time(0)
        self.published: dict[str, Message] = {}
        self.others: dict[str, Message] = {}
        self.revised: dict[str, Message] = {}
        self.delivered: list[Outcome] = []
        self.readers = {channel: Reader() for channel in CHANNELS}
        self.ordered: dict[Channel, tuple[float, float, float]] = {}

    # -- what happens --

    @rule(number=st.integers(0, len(KEYS) - 1), data=st.data(), late=st.sampled_from((0, 5, 30)), second=st.booleans())
    def a_message_arrives(self, number: int, data: st.DataObject, late: float, second: bool) -> None:
        """What an id says never changes; it may come again, with a later snapshot or from the other source."""
        key = KEYS[number]
        if key not in self.published:
            self.published[key] = data.draw(messages(number))
        message, source = self.published[key], self.sources[-1 if second else 0]
        stamp = message.at + late
        self.tell_time(stamp)
        self.bring(message, source, stamp)

    @rule(number=st.integers(0, len(KEYS) - 1), data=st.data(), late=st.sampled_from((0, 5)))
    @precondition(lambda self: len(self.sources) > 1)
    def another_sender_uses_an_identifier(self, number: int, data: st.DataObject, late: float) -> None:
        key = f"{KEYS[number]}{OTHER}"
        if key not in self.others:
            self.others[key] = replace(data.draw(messages(number)), sender=SENDER, source="city")
        self.tell_time(self.others[key].at + late)
        self.bring(self.others[key], "city", self.others[key].at + late, key)

    @rule(number=st.integers(0, len(KEYS) - 1), data=st.data(), late=st.sampled_from((0, 5)), second=st.booleans())
    def a_message_is_revised(self, number: int, data: st.DataObject, late: float, second: bool) -> None:
        """What warned here has another content, sent three minutes later; once."""
        key = KEYS[number]
        if key not in self.published or not any(self.model.says(key, district) for district in HERE):
            return
        if key not in self.revised:
            said = data.draw(messages(number).filter(lambda one: one.status == "Actual" and not one.broken))
            self.revised[key] = replace(said, at=said.at + 3)
        message, source = self.revised[key], self.sources[-1 if second else 0]
        self.tell_time(message.at + late)
        self.bring(message, source, message.at + late, f"{key}{REVISED}")

    @rule(first=st.integers(0, len(KEYS) - 3), data=st.data(), second=st.booleans(), worst_first=st.booleans())
    def a_feed_looks_for_the_first_time(self, first: int, data: st.DataObject, second: bool, worst_first: bool) -> None:
        """Or after an outage: its listing has messages beside those that end or replace them, and marks these."""
        keys, source = KEYS[first : first + 3], self.sources[-1 if second else 0]
        for number, key in enumerate(keys, first):
            if key not in self.published:
                self.published[key] = data.draw(messages(number))
        listing = [self.published[key] for key in keys]
        stamp = max(message.at for message in listing)
        self.tell_time(stamp)
        real = [one for one in listing if one.status == "Actual" and not one.broken]
        marked = {key for one in real for key in one.replaces}
        for message in listing if worst_first else reversed(listing):
            self.bring(message, source, stamp, marked=message.key in marked)
            self.whoever_reads_the_push_knows_what_holds_and_is_told_nothing_twice()
            self.whoever_reads_the_sms_knows_what_holds_and_is_told_nothing_twice()

    def bring(self, message: Message, source: str, stamp: float, key: str = "", *, marked: bool = False) -> None:
        said = {"source": source, "stamp": snapshot(stamp).stamp, "replaced": marked or None}
        self.deliver(decided(message).model_copy(update=said))
        self.model.message(message, source, stamp, key, marked=marked)

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
        ahead=st.sampled_from((False, False, False, True)),
    )
    def a_snapshot_arrives(
        self, stamp: float, node: float, keys: set[str], known: bool, second: bool, ahead: bool
    ) -> None:
        """A feed sends what it lists: of what is known from elsewhere it lists only what it sent itself.

        Its clock may be ahead; else the time has come, to five minutes.
        """
        if not ahead:
            self.tell_time(stamp - 5)
        source, stamp = self.sources[-1 if second else 0], stamp + node
        sent = {one.listed_id for one in self.delivered if one.source == source}
        somewhere = self.published.keys() | {name(key) for key in self.others}
        listed = keys & sent if known else keys - (somewhere - sent)
        listed = self.snapshots.setdefault((source, stamp), listed)
        self.city.take(snapshot(stamp, *sorted(listed), source=source))
        self.model.snapshot(source, stamp, listed)

    @rule(minute=st.sampled_from(MINUTES), wrong=st.sampled_from(("right", *OFF)))
    def time_is_told(self, minute: float, wrong: str) -> None:
        self.tell_time(minute, wrong)

    @rule()
    def the_worker_starts_again(self) -> None:
        """What it wrote is what another process reads: the invariant says that it is the same."""
        self.city.state = from_value(to_value(StateEncoder().to_bytes(self.city.state)))

        self.process += 1
        self.tell_time(self.model.now)

    def tell_time(self, minute: float, wrong: str = "right") -> None:
        """Whichever clocks are wrong, one that nobody sets goes on; no two jumps are the same."""
        minute = max(minute, self.model.now)
        self.jumps += 1
        broker, worker = (off * self.jumps for off in OFF[wrong])
        self.city.take(live_tick(minute, broker=broker, worker=worker, process=f"p{self.process}"))
        self.model.tick(minute, doubtful=self.city.state.facts.clock.doubt is not None)

    @rule(channel=st.sampled_from(CHANNELS), minute=st.sampled_from(MINUTES), length=st.sampled_from((0, 5, 30, 240)))
    def an_operator_stops_a_channel(self, channel: Channel, minute: float, length: float) -> None:
        """Or resumes it, for 0 minutes; of orders that come late the newest counts.

        An order of a desk whose clock is ahead begins now.
        """
        self.city.take(stop(minute, minute + length, channel))
        if minute > self.ordered.get(channel, (-1.0, 0.0, 0.0))[0]:
            since = self.model.now if minute > self.model.now + AHEAD else minute
            self.ordered[channel] = minute, since, since + length

    def stopped(self, channel: Channel) -> bool:
        _, since, until = self.ordered.get(channel, (0.0, 0.0, 0.0))
        return max(since, self.model.now) < until

    def deliver(self, outcome: Outcome) -> None:
        self.city.take(outcome)
        self.delivered.append(outcome)

    # -- what must be so --

    @invariant()
    def what_holds_is_what_the_model_says(self) -> None:
        for district in ("d1", "d2"):
            state = self.city.situation.districts[district]
            found: list[Stands] = sorted(
                (real_name(one.fact.base_id), one.phase, one.meaning.severity, one.meaning.group)
                for one in state.standing
            )
            assert found == self.model.standing(district)
            assert state.status == self.model.status(district)
        self.model.settled()

    @invariant()
    def whoever_reads_the_push_knows_what_holds_and_is_told_nothing_twice(self) -> None:
        """The public's push tells warnings from Moderate, and no advance notices."""
        self.reads("push", self.city.push(), LEVELS[1:])

    @invariant()
    def whoever_reads_the_sms_knows_what_holds_and_is_told_nothing_twice(self) -> None:
        """The public's SMS tells warnings from Severe."""
        self.reads("sms", self.city.sms(), LEVELS[2:])

    def reads(self, channel: Channel, notices: Sequence[PushNotice | SmsNotice], told: Sequence[str]) -> None:
        """A stopped channel is silent; when it goes on, it has said what holds."""
        reader = self.readers[channel]
        new, reader.read = notices[reader.read :], len(notices)
        if self.stopped(channel):
            assert not new
            for place in PLACES:
                reader.resident.knows_nothing_new(place, self.holds(place, told))
            return
        holds = {place: self.holds(place, told) for place in PLACES}
        reader.resident.reads(new, at(self.model.now), holds.__getitem__)
        for place, held in holds.items():
            reader.resident.knows(place, held, at(self.model.now))

    @invariant()
    def the_state_comes_back(self) -> None:
        assert comes_back(self.city.state)

    def holds(self, place: Place, told: Sequence[str]) -> Holds:
        district, group = place
        here = [one for one in self.model.standing(district) if one[3] == group and one[2] in told]
        level = max((LEVELS.index(severity) + 1 for _, phase, severity, _ in here if phase == "warning"), default=0)
        ends = [
            said.until
            for key, phase, severity, _ in here
            if phase == "warning" and LEVELS.index(severity) + 1 == level
            for said in self.model.says(key, district)
            if (said.severity, said.group) == (severity, group)
        ]
        until = None if None in ends else max((end for end in ends if end), default=0)
        unconfirmed = any(
            phase == "expired" and (said.severity, said.group) == (severity, group) and not said.advance
            for key, phase, severity, _ in here
            for said in self.model.says(key, district)
        )
        return Holds(level, None if until is None else at(until), unconfirmed)

    @invariant()
    def no_two_notices_share_an_id(self) -> None:
        notices = [n for n in self.city.notices if isinstance(n, PushNotice | SmsNotice)]
        assert distinct_ids(notices)


Lifecycle.TestCase.settings = settings(
    max_examples=int(os.environ.get("EXAMPLES") or (1_000 if os.environ.get("CI") else 300)),
    derandomize=bool(os.environ.get("CI")),
    stateful_step_count=20,
    deadline=None,
    report_multiple_bugs=False,
)
TestLifecycle = Lifecycle.TestCase
