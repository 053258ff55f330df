"""What may happen next: the alphabet of the explorer, each step with the sentence that tells it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tests.domain.messages import Message
from tests.domain.test_stop import stop
from tests.explore.world import Clocks, Play, World, warned
from tests.support import outcome as elsewhere
from tests.support import snapshot
from warnsys.pipeline import CityState
from warnsys.records import ImpactRecord
from warnsys.warning.facts import Ledger

DAY, HOURS = 24 * 60.0, 6 * 60.0


@dataclass(frozen=True)
class Step:
    name: str
    tells: str
    act: Callable[[Play], None]
    possible: Callable[[World], bool] = lambda _: True

    def __call__(self, world: World) -> World:
        play = Play(replace(world, notices=()))
        self.act(play)
        return play.done()


def _new(key: str, severity: str, group: str) -> Callable[[Play], None]:
    def act(play: Play) -> None:
        play.set(minute=play.world.minute + 1)
        play.publish(warned(key, severity, group, play.world.minute))
        play.look()
        play.tick()

    return act


def _update(play: Play) -> None:
    play.set(minute=play.world.minute + 1)
    message = warned("U", "Severe", "RAIN", play.world.minute, replaces=("A",))
    play.publish(message, listed=(*(key for key in play.world.listed if key != "A"), "U"))
    play.look()
    play.tick()


def _cancel(play: Play) -> None:
    play.set(minute=play.world.minute + 1)
    play.publish(Message("C", play.world.minute, (), play.world.listed, cancel=True), listed=("C",))
    play.look()
    play.tick()


def _lists(*, empty: bool) -> Callable[[Play], None]:
    def act(play: Play) -> None:
        play.set(minute=play.world.minute + 10)
        play.publish(listed=() if empty else play.world.listed)
        play.look()
        play.tick()

    return act


def _by_mistake(play: Play) -> None:
    """The answer is whole, and its listing is wrong: all that the server listed still holds."""
    play.set(minute=play.world.minute + 10)
    play.publish()
    play.look("nothing")
    play.tick()


def _looks(kind: str) -> Callable[[Play], None]:
    def act(play: Play) -> None:
        """A damaged answer was written anew, as it seems."""
        play.set(minute=play.world.minute + 1)
        if kind == "damaged":
            play.publish()
        play.look(kind)
        play.tick()

    return act


def _wrong(**by: float) -> Callable[[Play], None]:
    """A clock is wrong for one publication, look and tick."""

    def act(play: Play) -> None:
        play.set(minute=play.world.minute + 1, clocks=Clocks(**by))
        play.publish()
        play.look()
        play.tick()
        play.set(clocks=Clocks())

    return act


def _stop(minutes: float) -> Callable[[Play], None]:
    def act(play: Play) -> None:
        play.set(minute=play.world.minute + 1)
        now = play.world.minute
        play.take(stop(now, now + minutes))
        play.set(stopped_until=now + minutes if minutes else -1)
        play.tick()

    return act


def _restart(play: Play) -> None:
    ledger, state = play.world.ledger.to_bytes(), play.world.state.to_bytes()
    play.set(ledger=Ledger.from_bytes(ledger), state=CityState.from_bytes(state))


def _rebalance(play: Play) -> None:
    _restart(play)
    again: Iterable[ImpactRecord] = play.world.last
    for record in again:
        play.take(record)


def _geofences(play: Play) -> None:
    """The feed starts anew with it, and publishes everything."""
    play.set(minute=play.world.minute + 1, geofences=play.world.geofences + 1, feed={})
    _restart(play)
    play.look()
    play.tick()


def _feed_starts(play: Play) -> None:
    play.set(minute=play.world.minute + 1, feed_lives=True, feed={})
    play.publish()
    play.look()
    play.tick()


def _passes(minutes: float, *, every: float) -> Callable[[Play], None]:
    return lambda play: play.passes(minutes, every=every)


def _tick(play: Play) -> None:
    play.set(minute=play.world.minute + 1)
    play.tick()


def _unpublished(key: str) -> Callable[[World], bool]:
    return lambda world: all(one.key != key for one in world.published)


STEPS = (
    Step("alert A", "the DWD warns moderately of rain", _new("A", "Moderate", "RAIN"), _unpublished("A")),
    Step("alert B", "the DWD warns of an extreme storm", _new("B", "Extreme", "THUNDERSTORM"), _unpublished("B")),
    Step("update", "the DWD updates the rain to severe", _update, lambda w: "A" in w.listed and _unpublished("U")(w)),
    Step("cancel", "the DWD cancels all that it lists", _cancel, lambda w: bool(w.listed) and _unpublished("C")(w)),
    Step("end passes", "70 minutes pass, and the feed looks every ten", _passes(70, every=10)),
    Step("listing full", "ten minutes later the DWD lists the same", _lists(empty=False)),
    Step("listing empty", "ten minutes later the DWD lists nothing", _lists(empty=True), lambda w: bool(w.listed)),
    Step("listing wrong", "ten minutes later the DWD lists nothing, by mistake", _by_mistake, lambda w: bool(w.listed)),
    Step("damaged", "the answer is damaged, but its end record survives", _looks("damaged")),
    Step("older", "a lagging server answers with the listing before", _looks("older")),
    Step("feed dies", "the feed dies", lambda play: play.set(feed_lives=False), lambda w: w.feed_lives),
    Step("feed starts", "the feed starts again", _feed_starts, lambda w: not w.feed_lives),
    Step("tick", "a minute passes", _tick),
    Step("stale", "20 minutes pass", _passes(20, every=5)),
    Step("broker ahead", "the broker's clock is a day ahead for one tick", _wrong(broker=DAY)),
    Step("broker behind", "the broker's clock is a day behind for one tick", _wrong(broker=-DAY)),
    Step("feed ahead", "the clock of the feed's machine is six hours ahead for one look", _wrong(feed=HOURS)),
    Step("feed behind", "the clock of the feed's machine is six hours behind for one look", _wrong(feed=-HOURS)),
    Step("server ahead", "the DWD's clock is six hours ahead for one listing", _wrong(server=HOURS)),
    Step("server behind", "the DWD's clock is six hours behind for one listing", _wrong(server=-HOURS)),
    Step("worker ahead", "the worker's clock is a day ahead for one tick", _wrong(worker=DAY)),
    Step("worker behind", "the worker's clock is a day behind for one tick", _wrong(worker=-DAY)),
    Step("stop", "an operator stops the push for 30 minutes", _stop(30)),
    Step("resume", "an operator resumes the push", _stop(0), lambda w: w.stopped_until > w.minute),
    Step("acknowledge", "an operator acknowledges what stands", lambda _: None, lambda w: bool(w.delivered)),
    Step("restart", "the worker is killed and starts again", _restart),
    Step("rebalance", "another worker takes over, and the last records come again", _rebalance),
    Step("geofences", "new geofences come", _geofences, lambda w: w.geofences < 2),
)
BY_NAME = {step.name: step for step in STEPS}


def _second(play: Play) -> None:
    """The city's own source warns of the same extreme storm, and lists it."""
    now = play.world.minute
    play.set(two_sources=True)
    other = elsewhere("O", decided="no_district", source="city", stamp=now)
    play.take(other.model_copy(update={"rules": play.world.rules.ruleset_version}))
    play.take(snapshot(now, "O", source="city"))


def prepared() -> dict[str, World]:
    """The states from which the depth counts."""
    clear = _after(World(), "listing full", "listing full", "tick")
    warned_by_a = _after(clear, "alert A", "listing full")
    play = Play(_after(warned_by_a, "alert B"))
    _second(play)
    return {
        "clear": clear,
        "warned": warned_by_a,
        "warned by two sources": play.done(),
        "stopped": _after(warned_by_a, "stop"),
        "unconfirmed": _after(warned_by_a, "feed dies", "end passes"),
        "feed dead": _after(warned_by_a, "feed dies", "stale"),
    }


def _after(world: World, *names: str) -> World:
    for name in names:
        world = BY_NAME[name](world)
    return world
