"""The channel pause: an operator's order holds a channel back until a time, Extreme included; then it catches up.

Each city remembers the newest order by channel, and what stood when the channel was paused. When the pause is over, the
channel is told what has changed against that.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from warnsys.records import LONGEST_STOP, ChannelPause, ChannelState, ImpactRecord, Moment, Part
from warnsys.warning.bounds import lighter_held
from warnsys.warning.facts import AHEAD
from warnsys.warning.scene import StandingByMessage


class Pause(Part):
    """The newest order to hold back a channel, or to resume it."""

    at: Moment
    until: Moment
    held: StandingByMessage | None = None
    """What stood when it was paused, against which it catches up; None once it has."""
    time_went_back: bool | None = None
    """True if the city's time went back during it. What had seemed expired when it began may be live at its end."""
    since: Moment | None = None
    """When it was taken, where the clock of the desk that gave it is ahead of the city's time."""

    def over(self, now: datetime) -> bool:
        """An order to resume holds at once, whatever the clock of the desk where it was given.

        No pause lasts longer than `LONGEST_STOP`, whatever end stands in a state that was damaged.
        """
        begins = self.since or self.at
        return self.until <= max(begins, now) or now - begins >= LONGEST_STOP


Pauses = dict[str, Pause]
"""By channel."""


def ordered(pauses: Pauses, order: ChannelPause, standing: StandingByMessage, now: datetime | None) -> Pauses:
    """The newest order counts, whatever order they come in; the first of several pauses says what stood.

    It lasts for as long as its desk meant it to, and a day at most. Where that desk's clock is ahead it begins now: it
    would else hold for as much longer as that clock is wrong (law 9).
    """
    known = pauses.get(order.channel)
    if known and known.at >= order.at:
        return pauses
    runs = known if known and known.held is not None else None
    held, went_back = (runs.held, runs.time_went_back) if runs else (standing, None)
    lasts = min(order.until - order.at, LONGEST_STOP)
    since = now if now and order.at > now + AHEAD else None
    return {**pauses, order.channel: Pause(
        at=order.at, until=(since or order.at) + lasts, held=held, time_went_back=went_back, since=since,
    )}  # fmt: skip


def to_compare(
    pauses: Mapping[str, Pause],
    stood: StandingByMessage,
    channels: Collection[str],
    now: datetime,
    *,
    time_went_back: bool,
) -> Iterator[tuple[frozenset[str], StandingByMessage, bool]]:
    """The channels to be told, with what stood when each was told last: `stood` for those that run; for those that are
    resumed, what stood when the pause began. And whether the city's time went back since."""
    waiting = {channel: pause for channel, pause in pauses.items() if pause.held is not None}
    yield frozenset(channels) - waiting.keys(), stood, time_went_back
    for channel, pause in sorted(waiting.items()):
        if pause.held is not None and pause.over(now):
            yield frozenset({channel}), pause.held, bool(pause.time_went_back)


def after_time_went_back(pauses: Mapping[str, Pause]) -> Pauses:
    """The same once the city's time went back."""
    return {
        channel: one if one.held is None else one.model_copy(update={"time_went_back": True})
        for channel, one in pauses.items()
    }


def caught_up(pauses: Mapping[str, Pause], now: datetime) -> Pauses:
    """The same after what `to_compare` gave was told: a pause that is over has nothing to catch up with."""
    told = {"held": None, "time_went_back": None}
    return {channel: one.model_copy(update=told) if one.over(now) else one for channel, one in pauses.items()}


def ends_to_tell(pauses: Mapping[str, Pause]) -> set[str]:
    """The messages whose end a paused channel may still have to tell."""
    return {base_id for one in pauses.values() for ids in (one.held or {}).values() for base_id in ids}


def lighter_pauses(pauses: Mapping[str, Pause]) -> Pauses:
    """The same with less of what it catches up with, where a state has grown too heavy (docs/adr/0013)."""
    return {
        channel: one if one.held is None else one.model_copy(update={"held": lighter_held(one.held)})
        for channel, one in pauses.items()
    }


def pause_answers(
    before: Mapping[str, Pause], after: Mapping[str, Pause], said: ImpactRecord, city: str, now: datetime | None
) -> tuple[ChannelState, ...]:
    """What a city's agent says after a record was settled: a screen shows that, not what was asked for.

    It says it of the channel that the record orders, new or repeated, and of those that changed.
    """
    named = {said.channel} if isinstance(said, ChannelPause) else set[str]()
    changed = {channel for channel in after if _look(after.get(channel)) != _look(before.get(channel))}
    found = ((channel, after[channel]) for channel in sorted(named | changed) if channel in after)
    return tuple(
        ChannelState.model_validate(
            {
                "stage": said.stage, "city": city, "channel": channel, "ordered": one.at, "until": one.until,
                "stopped": one.held is not None, "at": now or one.at,
            }
        )
        for channel, one in found
    )  # fmt: skip


def _look(pause: Pause | None) -> tuple[object, ...]:
    return (pause.at, pause.until, pause.held is None) if pause else ()
