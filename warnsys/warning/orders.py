"""What agents say of the orders to stop and resume a channel: a screen shows what they said, not what was asked for."""

from collections.abc import Iterator

from warnsys.pipeline import CityState
from warnsys.records import ChannelState, ImpactRecord, Stop


def answers(before: CityState, after: CityState, said: ImpactRecord) -> tuple[ChannelState, ...]:
    """After a record was settled: of the channel that it orders, new or repeated, and of those that changed."""
    named = {said.channel} if isinstance(said, Stop) else set[str]()
    changed = {channel for channel in after.stopped if _held(after, channel) != _held(before, channel)}
    return tuple(_answers(after, said.stage, sorted(named | changed)))


def _held(state: CityState, channel: str) -> tuple[object, ...]:
    one = state.stopped.get(channel)
    return (one.at, one.until, one.held is None) if one else ()


def _answers(state: CityState, stage: str, channels: list[str]) -> Iterator[ChannelState]:
    for channel in channels:
        if one := state.stopped.get(channel):
            yield ChannelState.model_validate(
                {
                    "stage": stage, "city": state.city, "channel": channel, "ordered": one.at, "until": one.until,
                    "stopped": one.held is not None, "at": state.facts.now or one.at,
                }
            )  # fmt: skip
