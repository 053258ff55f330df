"""Open SmartCity Screen: the steles of a city, which take tiles from an exchange of RabbitMQ (AMQP 0-9-1).

The records of all districts become two tiles at most (`warnsys.delivery.tiles`). What others publish pushes a tile
aside, and a screen that was away or reloads has lost it: so what stands is said again every few seconds, not only when
a record comes.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

import aio_pika
from aio_pika import exceptions as amqp
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aiormq.exceptions import ChannelAccessRefused
from pydantic import Field, SecretStr, model_validator

from warnsys.delivery.target import Accepted, CallResult, Declined, SecondsClock, TargetKind, Unanswered
from warnsys.delivery.tiles import CityTiles, Slots, screen_message
from warnsys.gateways import LIVE, TargetSettings
from warnsys.records import Notice, SteleRecord

CITYS_EXCHANGE = "digital_twin_raw"
"""To which the screens in the streets listen."""
ROUTING_KEY = "plain_message"
"""Of one word, or no screen is given it."""
HEARTBEAT_S = 10
CLOSE_S = 1.0
RETRY_S = 1.0
"""So long after an attempt to connect has failed none is made."""


class ScreenSettings(TargetSettings):
    kind: Literal["screen"] = "screen"
    host: str = Field(min_length=1)
    port: int = Field(5671, ge=1, le=65535)
    tls: bool = True
    virtual_host: str = "/"
    username: str = Field(min_length=1)
    password: SecretStr | None = None
    exchange: str = Field(CITYS_EXCHANGE, min_length=1)
    """Of type topic; it is never made here, for then no screen would listen to it."""
    cities: tuple[str, ...] = Field(min_length=1, max_length=1)
    """One: the screens of an exchange all show the same."""
    timezone: ZoneInfo = ZoneInfo("Europe/Berlin")
    again_s: float = Field(15, ge=1, le=60)
    """How often what stands is said again."""
    at_once: int = Field(1000, ge=1, le=1000)
    """The districts of a city come together, and are shown together."""

    @model_validator(mode="after")
    def _stays_off_the_streets(self) -> "ScreenSettings":
        if self.stage != LIVE and self.exchange == CITYS_EXCHANGE:
            raise ValueError(
                f"the screens in the streets listen to the exchange {CITYS_EXCHANGE}; give {self.stage} one of its own"
            )
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"amqp://{self.host.lower()}:{self.port}/{self.virtual_host}/{self.exchange}",)


class Exchange(Protocol):
    """An exchange over one connection, until that breaks."""

    @property
    def open(self) -> bool: ...

    async def publish(self, body: bytes, /) -> CallResult:
        """Accepted once the broker has given it to a screen at least."""

    async def close(self) -> None: ...


class NotConnectedError(Exception):
    """There is no connection, or no exchange behind it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


Connect = Callable[[ScreenSettings], Awaitable[Exchange]]
"""Raises `NotConnectedError`."""


class AmqpExchange:
    def __init__(
        self, connection: AbstractConnection, channel: AbstractChannel, exchange: AbstractExchange, timeout_s: float
    ) -> None:
        self._connection, self._channel, self._exchange = connection, channel, exchange
        self._timeout_s, self._broken = timeout_s, False

    @property
    def open(self) -> bool:
        return not (self._broken or self._connection.is_closed or self._channel.is_closed)

    async def publish(self, body: bytes) -> CallResult:
        message = aio_pika.Message(body, content_type="application/json")
        try:
            await self._exchange.publish(message, ROUTING_KEY, mandatory=True, timeout=self._timeout_s)
        except amqp.PublishError as error:
            return Declined("no_screen", repr(error))
        except (amqp.ChannelNotFoundEntity, ChannelAccessRefused) as error:
            return Declined(_code(error), repr(error))
        except amqp.DeliveryError as error:
            return Declined("nack", repr(error))
        except amqp.CONNECTION_EXCEPTIONS as error:  # also that it took too long
            self._broken = True
            return Unanswered("no_answer", repr(error))
        return Accepted()

    async def close(self) -> None:
        await _close(self._connection)


async def _close(connection: AbstractConnection) -> None:
    """A broker that hangs is not waited for."""
    with suppress(*amqp.CONNECTION_EXCEPTIONS):
        async with asyncio.timeout(CLOSE_S):
            await connection.close()


async def connected(settings: ScreenSettings) -> Exchange:
    """Connects to the exchange, which has to be there."""
    connection: AbstractConnection | None = None
    try:
        async with asyncio.timeout(settings.timeout_s):
            connection = await aio_pika.connect(
                host=settings.host, port=settings.port, virtualhost=settings.virtual_host, login=settings.username,
                password=settings.password.get_secret_value() if settings.password else "", ssl=settings.tls,
                ssl_context=ssl.create_default_context() if settings.tls else None,
                client_properties={"connection_name": f"warnsys {settings.stage}"}, heartbeat=HEARTBEAT_S,
            )  # fmt: skip
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            exchange = await channel.get_exchange(settings.exchange, ensure=True)
            return AmqpExchange(connection, channel, exchange, settings.timeout_s)
    except amqp.CONNECTION_EXCEPTIONS as error:
        if connection:
            await _close(connection)
        raise NotConnectedError(_code(error), repr(error)) from error


def _code(error: BaseException) -> str:
    match error:
        case amqp.ChannelNotFoundEntity():
            return "no_exchange"
        case ChannelAccessRefused():
            return "access"
        case amqp.AuthenticationError() | amqp.ProbableAuthenticationError():
            return "login"
        case _:
            return "unreachable"


class Screen:
    """Keeps the tiles of one city on its screens."""

    def __init__(self, settings: ScreenSettings, clock: SecondsClock, connect: Connect = connected) -> None:
        self._settings, self._clock, self._connect = settings, clock, connect
        (self._city,) = settings.cities
        self._tiles = CityTiles(settings.timezone, exercise=settings.stage != LIVE)
        self._exchange: Exchange | None = None
        self._failed: tuple[float, NotConnectedError] | None = None
        """When connecting failed last, and why."""
        self._stands: tuple[float, Slots] | None = None
        """When what was last said; None while it is not known what stands."""
        self._calling = asyncio.Lock()

    def recipients(self, _notice: Notice) -> tuple[str, ...]:
        return ("",)

    def render(self, notice: Notice, _until: datetime) -> SteleRecord:
        """A tile says what holds in all districts: it is made when this one is put beside the others."""
        assert isinstance(notice, SteleRecord)  # noqa: S101 - the settings take no other channel
        return notice

    async def send(self, payload: SteleRecord, _key: str, _recipient: str) -> CallResult:
        """Accepted once the screens say what holds with this record, also where another one's call has said it."""
        self._tiles.take(payload)
        await asyncio.sleep(0)  # a city's districts come at the same moment: show them together
        return await self._say()

    def resume(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            if isinstance(notice, SteleRecord) and notice.city == self._city:
                self._tiles.take(notice)

    async def refresh(self) -> None:
        await self._say()

    async def close(self) -> None:
        if self._exchange:
            await self._exchange.close()

    async def _say(self) -> CallResult:
        """Says what has changed at once, and what has not from time to time."""
        async with self._calling:
            try:
                exchange = await self._connected()
            except NotConnectedError as error:
                return Declined(error.code, str(error))
            now = self._clock()
            slots = self._tiles.slots(datetime.fromtimestamp(now, UTC))
            if self._stands and self._stands[1] == slots and 0 <= now - self._stands[0] < self._settings.again_s:
                return Accepted()
            self._stands = None
            for slot, tile in sorted(slots.items(), reverse=True):  # the last one said stands first
                answer = await exchange.publish(screen_message(self._settings.stage, self._city, slot, tile))
                if not isinstance(answer, Accepted):
                    return answer
            self._stands = now, slots
            return Accepted()

    async def _connected(self) -> Exchange:
        if self._exchange and self._exchange.open:
            return self._exchange
        await self.close()
        self._exchange = self._stands = None
        now = self._clock()
        if self._failed and 0 <= now - self._failed[0] < RETRY_S:
            raise self._failed[1]
        try:
            self._exchange = await self._connect(self._settings)
        except NotConnectedError as error:
            self._failed = now, error
            raise
        return self._exchange


@asynccontextmanager
async def opened(settings: ScreenSettings, clock: SecondsClock) -> AsyncIterator[Screen]:
    target = Screen(settings, clock)
    try:
        yield target
    finally:
        await target.close()


KIND = TargetKind(
    name="screen", order=50, settings=ScreenSettings, channels=frozenset({"stele"}), opened=opened
)  # fmt: skip
