"""One time from several clocks: no single clock moves it (docs/adr/0014).

A live tick brings three clocks: the broker's stamp, the wall clock of the worker that sent it, and a clock of that
machine which nobody sets. The third clock says how much time has passed since the last tick of the same process, so it
shows which of the other two has jumped. If broker and worker jump together, or nobody knows how much time has passed,
the jump is in doubt until a witness agrees (a feed's clock, its server's `Date`) or until the jump has lasted long.
A tick without the broker's stamp (an exercise, a replay) is trusted.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from warnsys.records import Moment, Part, Snapshot, Tick

AGREE = timedelta(seconds=60)
"""Two clocks agree if they differ by no more than this."""
STEP = timedelta(seconds=10)
"""A tick moves the time by so much while a jump is in doubt and nobody knows how much time has passed."""
ROW = 3
"""After so many ticks in a row a jump is believed, if nobody knows how much time has passed."""
LASTING = timedelta(minutes=10)
"""A jump of broker and worker against the clock that nobody sets is believed after so long."""
ON_THE_WAY = timedelta(minutes=2)
"""A snapshot may take so long from its feed to here."""
STANDS = timedelta(minutes=15)
"""How long a witness counts after it was heard, by the clock that it is held against."""
WITNESS_OFF = timedelta(minutes=5)
"""A witness that differs by more than this is an alarm; one that is behind by more contradicts no jump."""
SLEW = 0.01
"""Clocks that agree with the one that nobody sets draw it by at most this part of the time that has passed."""
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""A clock that shows a time before the first or after the second is out of order: an alarm, and no witness."""
LONGEST = 1e9
"""More seconds than any machine runs, or than pass between two records (30 years)."""
PROCESSES = 8
WITNESSES = 16
"""The newest so many processes and witnesses are kept."""


class Anchor(Part):
    """The time at one reading of a process's clock that nobody sets."""

    at: Moment
    monotonic: float


class Doubt(Part):
    """A jump that the clocks claim, and that is not believed yet."""

    claim: Moment
    """The time that the first tick of the row claimed, or the last tick that a witness contradicted."""
    process: str = ""
    since: float | None = None
    """That tick's reading of the clock that nobody sets."""
    ticks: int = 0
    unopposed: int = 0
    """How many ticks have come since then."""
    known: bool = False
    """True if the clock that nobody sets contradicts the jump, False if it says nothing."""


class Witness(Part):
    """When a source's newest snapshot was looked at: by its feed's clock, and by its server's."""

    checked: Moment
    date: Moment | None = None
    heard: Moment | None = None
    """The time at the first tick after it; if that was not known, the time that the tick claimed."""


class Clock(Part):
    """What is known of the clocks."""

    anchors: dict[str, Anchor] = {}
    """By process, the one that spoke last at the end. Only ticks that were believed set an anchor."""
    alone: bool | None = None
    """True while one clock alone gives the time: the first witness that agrees with it or the other one decides."""
    doubt: Doubt | None = None
    witnesses: dict[str, Witness] = {}
    """By source."""
    off: dict[str, int] = {}
    """By how many seconds a clock is off at the newest tick: `broker`, `worker`, or `feed` and the source."""

    def expected(self, tick: Tick) -> datetime | None:
        """Gives the time by the clock that nobody sets; None if its process has no anchor."""
        anchor = self.anchors.get(tick.process or "")
        if anchor is None or tick.monotonic is None or tick.monotonic < anchor.monotonic:
            return None
        passed = tick.monotonic - anchor.monotonic
        return within(anchor.at + timedelta(seconds=passed)) if passed < LONGEST else None


def plausible(at: datetime) -> bool:
    """Says whether a clock that is in order may show this time."""
    return FIRST < at < LAST


def within(at: datetime) -> datetime:
    """Gives the nearest time with which arithmetic is safe."""
    return max(FIRST, min(LAST, at))


def testify(clock: Clock, snapshot: Snapshot) -> Clock:
    """Takes a snapshot as a witness of the time at its feed. Of several between two ticks the newest counts."""
    witness = Witness(checked=within(snapshot.checked), date=within(snapshot.date) if snapshot.date else None)
    before = clock.witnesses.get(snapshot.source)
    if before and before.heard is None and plausible(before.checked) and before.checked >= witness.checked:
        return clock
    others = {source: known for source, known in clock.witnesses.items() if source != snapshot.source}
    witnesses = dict([*others.items(), (snapshot.source, witness)][-WITNESSES:])
    return clock.model_copy(update={"witnesses": witnesses})


def hear(clock: Clock, now: datetime | None, tick: Tick) -> tuple[Clock, datetime]:
    """Takes a tick. Gives what is known of the clocks, and the time: it goes back only if it had gone too far ahead."""
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
    """Gives the latest time that it may be; data grow old by this time.

    It differs from `now` while the clocks go on claiming a later time, and nobody knows how much time has passed.
    """
    doubt = clock.doubt
    return max(now, doubt.claim) if doubt and not doubt.known and doubt.ticks > ROW else now


def alarms(clock: Clock) -> tuple[str, ...]:
    """Gives alarms for operators, such as `clock broker +86400 s`."""
    return tuple(f"clock {name} {seconds:+d} s" for name, seconds in sorted(clock.off.items()))


def _named(broker: datetime, worker: datetime) -> dict[str, datetime]:
    return {"broker": broker, "worker": worker}


def _near(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= AGREE


def _witnessed(
    clock: Clock, broker: datetime, worker: datetime, expected: datetime | None, usual: datetime | None
) -> datetime | None:
    """Gives the one of two differing clocks that a witness agrees with; None if no witness agrees with any.

    A server's clock counts before a feed's. While one clock alone gives the time, that clock needs a witness, too.
    """
    found: list[tuple[bool, timedelta, datetime]] = []
    for one in filter(plausible, (broker, worker)):
        for at, strong in _testimony(clock, expected or (usual if clock.alone and usual else one)):
            if _agrees(at, one, None if clock.alone or (usual and _near(one, usual)) else usual):
                found.append((not strong, abs(at - one), one))
    return min(found)[2] if found else None


def _lone(broker: datetime, worker: datetime, now: datetime | None) -> datetime:
    """Gives the time if two clocks differ and nothing else is known: the earlier one, but no earlier than `now`.

    A warning that is shown too long can be ended later, but a warning that was hidden was told to nobody.
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
    """Gives the times that witnesses say, if they still count, and whether each comes from a server's clock."""
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
    """Gives the time while the clocks claim a jump, and the doubt about it: None if the jump is believed.

    A jump forward against the clock that nobody sets needs a server's clock as a witness. A feed may run on the same
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
    """Says whether the clocks still claim the same jump: since then they have moved on by the time that passed."""
    passed = claim - doubt.claim
    if doubt.since is not None and tick.monotonic is not None and doubt.process == tick.process:
        return abs(passed.total_seconds() - (tick.monotonic - doubt.since)) <= AGREE.total_seconds()
    return passed >= -AGREE


def _anchored(
    anchors: Mapping[str, Anchor], moment: datetime, expected: datetime | None, tick: Tick
) -> dict[str, Anchor]:
    """Adds the time at this reading as an anchor. Clocks that agree draw the clock that nobody sets by a little."""
    if tick.monotonic is None or not tick.process:
        return dict(anchors)
    before, at = anchors.get(tick.process), moment
    if before and tick.monotonic < before.monotonic:  # an old tick that came again says nothing of the present
        return dict(anchors)
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
