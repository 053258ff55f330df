"""One time from several clocks: no single clock moves it (docs/adr/0014).

A live tick brings three clocks: the broker's stamp, the wall clock of the worker that sent it, and a clock of that
machine which nobody sets. From the last says how much time has passed since the same process spoke before, so it tells
which of the others jumped. Where the broker and the worker jump together, or nobody knows how long nobody spoke, the
jump is in doubt until a witness from outside agrees (a feed's clock, its server's `Date`), or until it has lasted.
A tick without the broker's stamp (an exercise, a replay) is trusted.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from warnsys.records import Moment, Part, Snapshot, Tick

AGREE = timedelta(seconds=60)
"""Clocks this close say the same."""
STEP = timedelta(seconds=10)
"""By so much a tick moves the time while its jump is in doubt and nobody knows what has passed: the pace of ticks."""
ROW = 3
"""So many ticks in a row are believed where nobody knows how much time has passed."""
LASTING = timedelta(minutes=10)
"""So long broker and worker have to agree against the clock that nobody sets."""
ON_THE_WAY = timedelta(minutes=2)
"""A snapshot may take so long from its feed to here."""
STANDS = timedelta(minutes=15)
"""How long a witness counts after it was heard, by the clock that it is held against."""
WITNESS_OFF = timedelta(minutes=5)
SLEW = 0.01
"""By at most this part of what passed the clock that nobody sets is drawn to those that agree with it."""
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""A clock that shows a time outside of these is out of order: it is told of, and witnesses nothing."""
LONGEST = 1e9
"""So many seconds (30 years) no clock that nobody sets has counted, nor passed between two records."""
PROCESSES = 8
WITNESSES = 16


class Anchor(Part):
    """The time at one reading of a process's clock that nobody sets."""

    at: Moment
    monotonic: float


class Doubt(Part):
    """A jump that the clocks go on claiming."""

    claim: Moment
    """By the first tick of the row, or by the last that a witness contradicted."""
    process: str = ""
    since: float | None = None
    """That tick's reading of the clock that nobody sets."""
    ticks: int = 0
    unopposed: int = 0
    """Ticks since then."""
    known: bool = False
    """Whether the clock that nobody sets says otherwise."""


class Witness(Part):
    """When a source's newest snapshot was looked at: by its feed's clock, and by its server's."""

    checked: Moment
    date: Moment | None = None
    heard: Moment | None = None
    """The time at the first tick after it; where that was not known, what the tick claimed."""


class Clock(Part):
    """What is known of the clocks."""

    anchors: dict[str, Anchor] = {}
    """By process, the one heard last at the end; only of those that were believed."""
    alone: bool | None = None
    """Whether one clock alone says the time: the first witness that agrees with it or with the other decides."""
    doubt: Doubt | None = None
    witnesses: dict[str, Witness] = {}
    """By source."""
    off: dict[str, int] = {}
    """By clock the seconds by which it is off at the newest tick: `broker`, `worker`, or `feed` and the source."""

    def expected(self, tick: Tick) -> datetime | None:
        """The time by the clock that nobody sets; None where nothing is known of it."""
        anchor = self.anchors.get(tick.process or "")
        if anchor is None or tick.monotonic is None or tick.monotonic < anchor.monotonic:
            return None
        passed = tick.monotonic - anchor.monotonic
        return within(anchor.at + timedelta(seconds=passed)) if passed < LONGEST else None


def plausible(at: datetime) -> bool:
    """Whether a clock in order may show it."""
    return FIRST < at < LAST


def within(at: datetime) -> datetime:
    """The nearest time with which one can count."""
    return max(FIRST, min(LAST, at))


def testify(clock: Clock, snapshot: Snapshot) -> Clock:
    """A snapshot says what time it is where its feed is; of those between two ticks the newest."""
    witness = Witness(checked=within(snapshot.checked), date=within(snapshot.date) if snapshot.date else None)
    before = clock.witnesses.get(snapshot.source)
    if before and before.heard is None and plausible(before.checked) and before.checked >= witness.checked:
        return clock
    others = {source: known for source, known in clock.witnesses.items() if source != snapshot.source}
    witnesses = dict([*others.items(), (snapshot.source, witness)][-WITNESSES:])
    return clock.model_copy(update={"witnesses": witnesses})


def hear(clock: Clock, now: datetime | None, tick: Tick) -> tuple[Clock, datetime]:
    """The time after a tick, and what is known of the clocks then. It goes back only where it had gone too far."""
    if (stamp := tick.appended) is None:
        at = within(tick.at)
        return Clock(), max(now or at, at) if plausible(at) else now or at
    if tick.monotonic is not None and not abs(tick.monotonic) < LONGEST:
        tick = tick.model_copy(update={"monotonic": None})
    broker, worker, expected = within(stamp), within(tick.at), clock.expected(tick)
    usual = expected or now
    if not plausible(broker) and not plausible(worker):
        moment = expected or (now + STEP if now else FIRST)
        clock = _heard(clock, moment)
        return clock.model_copy(update={"off": _off(clock, moment, moment, _named(broker, worker))}), moment
    near = next((one for one in (broker, worker) if usual and _near(one, usual)), None)
    said = broker if _near(broker, worker) else _witnessed(clock, broker, worker, expected, usual)
    if clock.alone and said and near and not _near(said, near):
        near = None
    claim, alone = near or said, clock.alone and not said
    if claim is None and not expected:
        claim, alone = _lone(broker, worker, now), True
        near = claim if now and claim <= now + STEP else None
    at = expected or claim or broker
    clock = _heard(clock, at)
    anchors, doubt = clock.anchors, None
    if near or claim is None:
        moment = near or expected or broker
        anchors = _anchored(anchors, moment, expected, tick)
    elif now is None:
        moment, anchors = claim, _anchored({}, claim, None, tick)
    else:
        moment, doubt = _judged(clock, claim, expected, now, tick)
        if doubt is None:
            anchors = _anchored({}, moment, None, tick)
        else:
            alone = clock.alone
    if now and timedelta(0) < now - moment <= AGREE:
        moment = now
    off = _off(clock, moment, at, _named(broker, worker))
    known = {"anchors": anchors, "alone": alone or None, "doubt": doubt, "off": off}
    return clock.model_copy(update=known), moment


def latest(clock: Clock, now: datetime) -> datetime:
    """How late it may be: where nobody knows how much time has passed, and the clocks go on saying more than counts.

    By it data grow old.
    """
    doubt = clock.doubt
    return max(now, doubt.claim) if doubt and not doubt.known and doubt.ticks > ROW else now


def alarms(clock: Clock) -> tuple[str, ...]:
    """For operators: `clock broker +86400 s`."""
    return tuple(f"clock {name} {seconds:+d} s" for name, seconds in sorted(clock.off.items()))


def _named(broker: datetime, worker: datetime) -> dict[str, datetime]:
    return {"broker": broker, "worker": worker}


def _near(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= AGREE


def _witnessed(
    clock: Clock, broker: datetime, worker: datetime, expected: datetime | None, usual: datetime | None
) -> datetime | None:
    """Which of two clocks that differ a witness agrees with, a server's before a feed's; None where none does.

    While the time is one clock's alone, that one needs a witness, too.
    """
    found: list[tuple[bool, timedelta, datetime]] = []
    for one in filter(plausible, (broker, worker)):
        for at, strong in _testimony(clock, expected or (usual if clock.alone and usual else one)):
            if _agrees(at, one, None if clock.alone or (usual and _near(one, usual)) else usual):
                found.append((not strong, abs(at - one), one))
    return min(found)[2] if found else None


def _lone(broker: datetime, worker: datetime, now: datetime | None) -> datetime:
    """What counts of two clocks that differ, where nothing else says anything.

    The earlier one: what is shown too long can be ended later, and what was hidden was told to nobody. One clock alone
    puts no time back.
    """
    either = sorted(filter(plausible, (broker, worker)))
    return next((one for one in either if now and now <= one <= now + STANDS), None) or max(
        either[0], now + STEP if now else FIRST
    )


def _heard(clock: Clock, at: datetime) -> Clock:
    witnesses = {
        source: witness if witness.heard else witness.model_copy(update={"heard": at})
        for source, witness in clock.witnesses.items()
    }
    return clock.model_copy(update={"witnesses": witnesses})


def _testimony(clock: Clock, at: datetime) -> Iterator[tuple[datetime, bool]]:
    """What the witnesses that still count say the time is, and whether a server's clock says so."""
    for witness in clock.witnesses.values():
        passed = at - (witness.heard or at)
        if timedelta(0) <= passed <= STANDS:
            strong = witness.date is not None and plausible(witness.date)
            said = within(witness.date if witness.date and strong else witness.checked)
            if plausible(said):
                yield said + passed, strong


def _agrees(said: datetime, claim: datetime, usual: datetime | None) -> bool:
    return abs(said - claim) <= ON_THE_WAY and (usual is None or abs(said - claim) < abs(said - usual))


def _judged(
    clock: Clock, claim: datetime, expected: datetime | None, now: datetime, tick: Tick
) -> tuple[datetime, Doubt | None]:
    """The time where the clocks claim a jump, and the doubt about it, None where they are believed.

    Forward, against the clock that nobody sets, only a server's clock is witness enough: a feed may stand on the same
    machine, and a jump forward hides warnings.
    """
    usual, apart = expected or now, ON_THE_WAY if expected else STANDS
    testimony = list(_testimony(clock, expected or claim))
    agree = any(_agrees(at, claim, usual) and (strong or not expected or claim < usual) for at, strong in testimony)
    contradictions = [
        at for at, _ in testimony if at >= usual - WITNESS_OFF and abs(at - usual) < abs(at - claim) > apart
    ]
    if (agree or (clock.alone and expected)) and not contradictions:
        return claim, None
    doubt, ticks = clock.doubt, 0
    if doubt and _goes_on(doubt, claim, tick):
        ticks = doubt.ticks
    else:
        doubt = None
    if doubt is None or contradictions:
        doubt = Doubt(claim=claim, process=tick.process or "", since=tick.monotonic, known=expected is not None)
    free = 0 if contradictions else doubt.unopposed + 1
    doubt = doubt.model_copy(update={"ticks": ticks + 1, "unopposed": free})
    if expected is None:
        if doubt.unopposed >= ROW:
            return (doubt.claim if tick.monotonic is None else claim), None
        return (now if claim < now else min(claim, max((now + STEP, *contradictions)))), doubt
    lasted = (tick.monotonic or 0.0) - (doubt.since or 0.0)
    return (claim, None) if lasted >= LASTING.total_seconds() else (expected, doubt)


def _goes_on(doubt: Doubt, claim: datetime, tick: Tick) -> bool:
    """Whether the clocks still claim the same jump: they went on as time did."""
    passed = claim - doubt.claim
    if doubt.since is not None and tick.monotonic is not None and doubt.process == tick.process:
        return abs(passed.total_seconds() - (tick.monotonic - doubt.since)) <= AGREE.total_seconds()
    return passed >= -AGREE


def _anchored(
    anchors: Mapping[str, Anchor], moment: datetime, expected: datetime | None, tick: Tick
) -> dict[str, Anchor]:
    """With the time at this reading; what agrees draws the clock that nobody sets by a little."""
    if tick.monotonic is None or not tick.process:
        return dict(anchors)
    before, at = anchors.get(tick.process), moment
    if before and expected:
        most = timedelta(seconds=(tick.monotonic - before.monotonic) * SLEW)
        at = expected + max(-most, min(most, moment - expected))
    others = {process: anchor for process, anchor in anchors.items() if process != tick.process}
    kept = dict(list(others.items())[1 - PROCESSES :])
    return {**kept, tick.process: Anchor(at=at, monotonic=tick.monotonic)}


def _off(clock: Clock, moment: datetime, now: datetime, clocks: Mapping[str, datetime]) -> dict[str, int]:
    off = {name: at - moment for name, at in clocks.items() if not _near(at, moment)}
    for source, witness in clock.witnesses.items():
        passed = now - (witness.heard or now)
        if timedelta(0) <= passed <= STANDS:
            said = {f"feed {source}": witness.checked, f"server {source}": witness.date}
            apart = {name: within(at) + passed - moment for name, at in said.items() if at}
            off.update((name, by) for name, by in apart.items() if abs(by) > WITNESS_OFF)
    return {name: round(by.total_seconds()) for name, by in off.items()}
