"""Open SmartCity Screen: what a screen shows, at a broker that a test plays and, by the same tests, at a RabbitMQ."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import ValidationError
from sqlalchemy import Connection

from tests.delivery.conftest import Clock
from tests.delivery.notices import T0, arrival, dispatch, moment
from tests.delivery.rabbit import Rabbit
from tests.delivery.screen_page import FakeBroker, Page, foreign
from tests.delivery.test_tiles import item, record
from warnsys.delivery.target import Accepted, CallResult, Declined, StandingTarget, Unanswered
from warnsys.delivery.targets.screen import Connect, NotConnectedError, Screen, ScreenSettings, connected
from warnsys.delivery.tiles import tiles
from warnsys.gateways import GatewaySettings
from warnsys.records import SteleRecord


def settings(port: int = 5672, **said: Any) -> ScreenSettings:
    fields = {
        "host": "127.0.0.1", "port": port, "tls": False, "username": "guest", "password": "guest", "timeout_s": 5,
        "cities": ["solingen"],
    }  # fmt: skip
    return ScreenSettings.model_validate(fields | said)


async def sent(target: Screen, *records: SteleRecord) -> CallResult:
    """Sends records as a gateway does, all at once. Gives the worst answer."""
    calls = (target.send(target.render(one, moment(180)), one.id, "") for one in records)
    answers = await asyncio.gather(*calls)
    return next((one for one in answers if not isinstance(one, Accepted)), Accepted())


def titles(page: Page) -> list[str]:
    return [title for title, _, _ in page.shown()]


# -- at a broker that is played, and at a real one ------------------------------------------------------------------


class Place(Protocol):
    """A broker, and how a target and a screen come to it."""

    settings: ScreenSettings

    @property
    def connect(self) -> Connect: ...

    async def screen(self) -> Page: ...

    async def foreign(self, name: str) -> None: ...

    async def screens_go(self) -> None: ...

    async def end(self) -> None: ...

    async def start(self) -> None: ...


@dataclass
class PlayedPlace:
    broker: FakeBroker = field(default_factory=lambda: FakeBroker([]))
    settings: ScreenSettings = field(default_factory=settings)

    @property
    def connect(self) -> Connect:
        return self.broker.connect

    async def screen(self) -> Page:
        self.broker.pages.append(Page())
        return self.broker.pages[-1]

    async def foreign(self, name: str) -> None:
        for page in self.broker.pages:
            page.take(foreign(name))

    async def screens_go(self) -> None:
        self.broker.pages.clear()

    async def end(self) -> None:
        self.broker.open, self.broker.away = False, NotConnectedError("unreachable", "")

    async def start(self) -> None:
        self.broker.away = None


@dataclass
class RealPlace:
    rabbit: Rabbit

    def __post_init__(self) -> None:
        self.settings = settings(self.rabbit.port)

    @property
    def connect(self) -> Connect:
        return connected

    async def screen(self) -> Page:
        return await self.rabbit.screen()

    async def foreign(self, name: str) -> None:
        await self.rabbit.publish(foreign(name))

    async def screens_go(self) -> None:
        await self.rabbit.screens_go()

    async def end(self) -> None:
        await asyncio.to_thread(self.rabbit.end)

    async def start(self) -> None:
        await asyncio.to_thread(self.rabbit.start)


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    found = Rabbit.on(tmp_path_factory.mktemp("rabbit"))
    found.start()
    yield found
    found.end()


@pytest.fixture(params=["played", pytest.param("rabbitmq", marks=pytest.mark.needs("rabbitmq-server"))])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "played":
        yield PlayedPlace()
        return
    rabbit: Rabbit = request.getfixturevalue("rabbit")
    await rabbit.make_exchange()
    yield RealPlace(rabbit)
    await rabbit.screens_go()
    await rabbit.remove_exchange()


@pytest.fixture
async def target(place: Place, clock: Clock) -> AsyncIterator[Screen]:
    found = Screen(place.settings, clock, place.connect)
    yield found
    await found.close()


async def shows(page: Page, *expected: str) -> None:
    """A confirmed message may reach a screen a moment later."""
    for _ in range(100):
        if titles(page) == list(expected):
            return
        await asyncio.sleep(0.05)
    assert titles(page) == list(expected)


async def test_a_warning_stands_on_every_screen_until_it_ends(place: Place, target: Screen, clock: Clock) -> None:
    one, other = await place.screen(), await place.screen()
    assert await sent(target, record(item(), item(2, base_id="b")), record(district="nord")) == Accepted()
    for page in (one, other):
        await shows(page, "Unwetter Stufe 4", "Wetter Stufe 2")
    clock.now = T0 + 60
    assert await sent(target, record(at=60), record(district="nord", at=60)) == Accepted()
    await shows(one, "Warnung beendet")
    clock.now = T0 + 700
    assert await sent(target, record(at=700), record(district="nord", at=700)) == Accepted()
    await shows(one)


async def test_where_no_screen_listens_nobody_is_warned(place: Place, target: Screen, clock: Clock) -> None:
    refused = await sent(target, record(item()))
    assert isinstance(refused, Declined)
    assert (refused.code, refused.permanent) == ("no_screen", False)
    page = await place.screen()
    assert await sent(target, record(item())) == Accepted()
    await shows(page, "Unwetter Stufe 4")


async def test_a_tile_that_others_pushed_aside_comes_back(place: Place, target: Screen, clock: Clock) -> None:
    page = await place.screen()
    await sent(target, record(item()))
    for name in "abc":
        await place.foreign(name)
    await shows(page, "c", "b", "a")
    await target.refresh()
    await shows(page, "c", "b", "a")
    clock.now += 15
    await target.refresh()
    await shows(page, "Unwetter Stufe 4", "c", "b")


async def test_a_screen_that_comes_late_is_told_what_stands(place: Place, target: Screen, clock: Clock) -> None:
    first = await place.screen()
    await sent(target, record(item()))
    late = await place.screen()
    clock.now += 15
    await target.refresh()
    await shows(late, "Unwetter Stufe 4")
    await shows(first, "Unwetter Stufe 4")


async def test_a_broker_that_comes_back_is_told_at_once(place: Place, target: Screen, clock: Clock) -> None:
    await place.screen()
    assert await sent(target, record(item())) == Accepted()
    await place.screens_go()
    await place.end()
    await asyncio.sleep(0.5)  # until the client has seen it
    clock.now += 1
    refused = await sent(target, record(item(), at=1))
    assert isinstance(refused, Declined | Unanswered)
    await place.start()
    page = await place.screen()
    clock.now += 1
    await target.refresh()
    await shows(page, "Unwetter Stufe 4")


async def test_what_is_too_old_is_no_data_although_nothing_comes(place: Place, target: Screen, clock: Clock) -> None:
    page = await place.screen()
    await sent(target, record(item()))
    clock.now += 180
    await target.refresh()
    await shows(page, "Warnlage unbekannt", "Unwetter Stufe 4")
    assert not any(red for _, _, red in page.shown())


async def test_after_a_restart_a_district_that_is_not_heard_keeps_its_warning(
    place: Place, target: Screen, clock: Clock
) -> None:
    page = await place.screen()
    target.resume([record(item()), record(item(), at=5).model_copy(update={"city": "haan"})])
    clock.now += 10
    assert await sent(target, record(district="nord", at=10)) == Accepted()
    await shows(page, "Unwetter Stufe 4")


# -- at a real one --------------------------------------------------------------------------------------------------


@pytest.mark.needs("rabbitmq-server")
async def test_what_is_missing_at_the_broker_has_a_code(rabbit: Rabbit, clock: Clock) -> None:
    target = Screen(settings(rabbit.port), clock)
    assert code(await sent(target, record(item()))) == "no_exchange"
    await rabbit.make_exchange()
    page = await rabbit.screen()
    clock.now += 2
    assert await sent(target, record(item())) == Accepted()
    await shows(page, "Unwetter Stufe 4")
    await target.close()

    stranger = Screen(settings(rabbit.port, password="wrong"), clock)
    assert code(await sent(stranger, record(item()))) == "login"

    for name, write, read in ("writer", "^digital_twin_raw$", "^$"), ("reader", "^$", ".*"):
        await asyncio.to_thread(rabbit.control, "add_user", name, name)
        await asyncio.to_thread(rabbit.control, "set_permissions", name, "^$", write, read)
    writer = Screen(settings(rabbit.port, username="writer", password="writer"), clock)
    assert await sent(writer, record(item())) == Accepted(), "with the rights that the how-to names"
    await writer.close()
    reader = Screen(settings(rabbit.port, username="reader", password="reader"), clock)
    assert code(await sent(reader, record(item()))) == "access"
    await reader.close()
    await rabbit.screens_go()
    await rabbit.remove_exchange()


@pytest.mark.needs("rabbitmq-server")
async def test_a_broker_that_hangs_may_have_it(rabbit: Rabbit, clock: Clock) -> None:
    await rabbit.make_exchange()
    page = await rabbit.screen()
    target = Screen(settings(rabbit.port, timeout_s=1), clock)
    assert await sent(target, record(item(3))) == Accepted()
    rabbit.signal(signal.SIGSTOP)
    try:
        assert isinstance(await sent(target, record(item(4), at=1)), Unanswered)
        assert code(await sent(target, record(item(4), at=1))) == "unreachable"
    finally:
        rabbit.signal(signal.SIGCONT)
    clock.now += 1
    await target.refresh()
    await shows(page, "Unwetter Stufe 4")
    await target.close()
    await rabbit.screens_go()
    await rabbit.remove_exchange()


def code(answer: CallResult) -> str:
    assert isinstance(answer, Declined)
    return answer.code


# -- what a broker may answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [Unanswered("no_answer"), Declined("nack")])
async def test_what_is_not_known_to_stand_is_said_again(clock: Clock, answer: CallResult) -> None:
    broker = FakeBroker(answers=[Accepted(), answer])
    target = Screen(settings(), clock, broker.connect)
    two = record(item(), item(3, base_id="b"))
    assert await sent(target, two) == answer
    assert await sent(target, two) == Accepted()
    assert titles(broker.pages[0]) == ["Unwetter Stufe 4", "Unwetter Stufe 3"]
    assert broker.connections == (2 if isinstance(answer, Unanswered) else 1)


async def test_a_call_that_was_given_up_may_have_changed_what_stands(clock: Clock) -> None:
    class Hanging(FakeBroker):
        hangs = False

        async def publish(self, body: bytes) -> CallResult:
            answer = await super().publish(body)
            if self.hangs:
                await asyncio.Event().wait()
            return answer

    broker = Hanging()
    target = Screen(settings(), clock, broker.connect)
    await sent(target, record(item(4)))
    broker.hangs = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await sent(target, record(item(3), at=1))
    broker.hangs = False
    assert titles(broker.pages[0]) == ["Unwetter Stufe 3"]
    assert await sent(target, record(item(4), at=2)) == Accepted()
    assert titles(broker.pages[0]) == ["Unwetter Stufe 4"]


async def test_records_that_change_nothing_cost_no_call(clock: Clock) -> None:
    broker = FakeBroker()
    target = Screen(settings(), clock, broker.connect)
    await sent(target, *(record(item(), district=name) for name in ("mitte", "nord", "west")))
    calls = len(broker.published)
    assert await sent(target, record(item(), at=1), record(item(), at=1, district="nord")) == Accepted()
    assert len(broker.published) == calls


async def test_a_broker_that_is_away_is_not_asked_by_every_record(clock: Clock) -> None:
    asked = []

    async def away(_settings: ScreenSettings) -> FakeBroker:
        asked.append(clock.now)
        raise NotConnectedError("unreachable", "")

    target = Screen(settings(), clock, away)
    many = [record(item(), district=f"d{number}") for number in range(50)]
    assert await sent(target, *many) == Declined("unreachable", "")
    clock.now += 1
    await target.refresh()
    assert asked == [T0, T0 + 1]


# -- whatever happens -----------------------------------------------------------------------------------------------

HAPPENS = st.one_of(
    st.tuples(st.just("a record comes"), st.sampled_from(["mitte", "nord"]), st.lists(st.integers(1, 4), max_size=3)),
    st.tuples(st.just("time passes"), st.sampled_from([1, 20, 200])),
    st.tuples(st.just("the broker fails"), st.sampled_from([Unanswered("no_answer"), Declined("nack")])),
    st.tuples(st.sampled_from([
        "others publish", "a page reloads", "the broker goes", "the broker comes", "the gateway is killed",
        "the screens go", "a screen comes",
    ])),
)  # fmt: skip


@given(st.lists(HAPPENS, max_size=25))
def test_whatever_happens_what_holds_stands_in_front_again(story: list[tuple[Any, ...]]) -> None:
    asyncio.run(told(story))


async def told(story: list[tuple[Any, ...]]) -> None:
    clock, broker, known = Clock(), FakeBroker(), dict[str, SteleRecord]()
    target = Screen(settings(), clock, broker.connect)
    for what, *said in story:
        match what, *said:
            case "a record comes", district, levels:
                items = (item(level, base_id=str(level), ends=None) for level in levels)
                known[district] = record(*items, district=district, at=clock.now - T0)
                await sent(target, known[district])
            case "time passes", seconds:
                clock.now += seconds
                await target.refresh()
            case ("others publish",):
                for page, name in itertools.product(broker.pages, "abc"):
                    page.take(foreign(name))
            case ("a page reloads",):
                for page in broker.pages:
                    page.reload()
            case ("the broker goes",):
                broker.open, broker.away = False, NotConnectedError("unreachable", "")
            case ("the broker comes",):
                broker.away = None
            case "the broker fails", answer:
                broker.answers.append(answer)
            case ("the gateway is killed",):
                target = Screen(settings(), clock, broker.connect)
                target.resume(known.values())
            case ("the screens go",):
                broker.pages.clear()
            case ("a screen comes",):
                broker.pages.append(Page())
    broker.away, broker.answers = None, []
    clock.now += 15
    await target.refresh()
    expected = tiles(known.values(), moment(clock.now - T0), settings().timezone, exercise=False)
    for page in broker.pages:
        assert page.shown()[: len(expected)] == [(one.title, one.text, one.red) for one in expected]


# -- in a gateway ---------------------------------------------------------------------------------------------------


def test_a_gateway_remembers_what_a_picture_is_made_of(store: Connection) -> None:
    assert isinstance(Screen(settings(), lambda: T0), StandingTarget)
    gateway = dispatch(store, "stele", cities=("solingen",))
    gateway.take([arrival(record()), arrival(record(district="nord"))], T0)
    gateway.answered("them", [(each, Accepted()) for each in gateway.next("them", T0)], T0)
    gateway.take([arrival(record(item(), at=60))], T0 + 60)
    assert sorted(one.id for one in gateway.standing("them")) == ["mitte60", "nord0"]


def test_an_exercise_stays_off_the_streets() -> None:
    with pytest.raises(ValidationError, match="give uebung one of its own"):
        settings(stage="uebung")
    assert settings(stage="uebung", exchange="digital_twin_raw_uebung").addresses != settings().addresses


@pytest.mark.parametrize("cities", [[], ["solingen", "haan"]])
def test_the_screens_of_an_exchange_are_one_citys(cities: list[str]) -> None:
    with pytest.raises(ValidationError, match="cities"):
        settings(cities=cities)


def test_a_screen_takes_the_records_of_steles_only() -> None:
    target = settings().model_dump()
    GatewaySettings.model_validate({"channel": "stele", "targets": {"screens": target}})
    with pytest.raises(ValidationError, match="a target of kind screen takes stele, not push"):
        GatewaySettings.model_validate({"channel": "push", "targets": {"screens": target}})
