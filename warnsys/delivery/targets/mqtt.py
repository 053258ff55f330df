"""MQTT 5: a broker keeps each district's newest record and drops it once it is too old, so that silence is no data.

PREFIX/stele/CITY/DISTRICT    retained: what holds in a district
PREFIX/CHANNEL/CITY/AUDIENCE  not retained: what changed
PREFIX/gateway                retained: `online`, and by its last will `offline`
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import Field, SecretStr

from warnsys.channels.registry import channel_of
from warnsys.delivery.target import Accepted, CallResult, Declined, SecondsClock, TargetKind, Unanswered
from warnsys.gateways import TargetSettings
from warnsys.records import Notice, SteleRecord

KEEP_ALIVE_S = 15
NEVER = frozenset({0x90, 0x95, 0x99})
"""The broker cannot take this one, however often it comes: name of the topic, size, form."""


class MqttSettings(TargetSettings):
    kind: Literal["mqtt"] = "mqtt"
    host: str = Field(min_length=1)
    port: int = Field(8883, ge=1, le=65535)
    tls: bool = True
    username: str = ""
    password: SecretStr | None = None
    prefix: str = Field("warnsys", pattern=r"^[^#+\s/]+(/[^#+\s/]+)*$")
    """Of all topics; one an environment."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"mqtt://{self.host.lower()}:{self.port}/{self.prefix}",)


@dataclass(frozen=True, slots=True)
class MqttMessage:
    topic: str
    value: bytes
    retain: bool
    until: float


class _Link:
    """One connection, until it breaks. Its callbacks come from paho's thread into the loop's."""

    def __init__(self, settings: MqttSettings) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings, self._pending = settings, dict[int, asyncio.Future[CallResult]]()
        self._connected: asyncio.Future[str] = self._loop.create_future()
        self.open = False
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        client.on_connect, client.on_publish, client.on_disconnect = self._greeted, self._answered, self._broken
        client.will_set(f"{settings.prefix}/gateway", "offline", qos=1, retain=True)
        if settings.username:
            client.username_pw_set(
                settings.username, settings.password.get_secret_value() if settings.password else None
            )
        if settings.tls:
            client.tls_set()
        client.connect_timeout = settings.timeout_s

    async def connect(self) -> str:
        """Gives why it cannot; "" where it is connected."""
        said = self._settings
        try:
            async with asyncio.timeout(said.timeout_s):
                await asyncio.to_thread(self._client.connect, said.host, said.port, KEEP_ALIVE_S, clean_start=True)
                self._client.loop_start()
                why = await self._connected
        except (OSError, TimeoutError, ValueError) as error:
            why = repr(error)
        if why:
            await self.close()
        else:
            self.open = True
            self._client.publish(f"{said.prefix}/gateway", "online", qos=1, retain=True)
        return why

    async def publish(self, what: MqttMessage, properties: Properties) -> CallResult:
        info = self._client.publish(what.topic, what.value, 1, what.retain, properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            self.open = False
            return Declined("unreachable", mqtt.error_string(info.rc))
        answer = self._pending[info.mid] = self._loop.create_future()
        try:
            meant: CallResult = await answer
            return meant
        finally:
            self._pending.pop(info.mid, None)

    async def close(self) -> None:
        """Ends it for good: paho must send nothing again by itself, for that may be too old by then."""
        self.open = False
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _greeted(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self._tell(self._connected, str(code) if code.is_failure else "")

    def _answered(self, _client: Any, _data: Any, number: int, code: Any, _properties: Any) -> None:
        meant: CallResult = Accepted()
        if code.is_failure:
            meant = Declined(f"mqtt_{code.value}", str(code), permanent=code.value in NEVER)
        self._loop.call_soon_threadsafe(self._settle, number, meant)

    def _broken(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self._tell(self._connected, str(code))
        self._loop.call_soon_threadsafe(self._lose, str(code))

    def _tell(self, future: "asyncio.Future[str]", what: str) -> None:
        def tell() -> None:
            if not future.done():
                future.set_result(what)

        self._loop.call_soon_threadsafe(tell)

    def _settle(self, number: int, meant: CallResult) -> None:
        if (future := self._pending.get(number)) and not future.done():
            future.set_result(meant)

    def _lose(self, why: str) -> None:
        self.open = False
        for number in list(self._pending):
            self._settle(number, Unanswered("no_answer", why))


class Mqtt:
    """Publishes notices to one broker, over one connection, which is made anew when it broke."""

    def __init__(self, settings: MqttSettings, clock: SecondsClock) -> None:
        self._settings, self._clock = settings, clock
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()

    def recipients(self, _notice: Notice) -> tuple[str, ...]:
        return ("",)

    def render(self, notice: Notice, until: datetime) -> MqttMessage:
        stele = isinstance(notice, SteleRecord)
        last = notice.district if isinstance(notice, SteleRecord) else notice.audience
        levels = [channel_of(notice), notice.city, last]
        topic = "/".join([self._settings.prefix, *(re.sub(r"[#+/\s]", "_", one) for one in levels)])
        return MqttMessage(topic, notice.to_bytes(), stele, until.timestamp())

    async def send(self, payload: MqttMessage, key: str, _recipient: str) -> CallResult:
        try:
            link = await self._connected()
        except ConnectionError as error:
            return Declined("unreachable", str(error))
        properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = max(1, math.ceil(payload.until - self._clock()))
        properties.ContentType = "application/json"
        properties.UserProperty = ("id", key)
        return await link.publish(payload, properties)

    async def close(self) -> None:
        if self._link:
            await self._link.close()

    async def _connected(self) -> _Link:
        async with self._connecting:
            if self._link and self._link.open:
                return self._link
            await self.close()
            self._link = link = _Link(self._settings)
            if why := await link.connect():
                self._link = None
                raise ConnectionError(why)
            return link


@asynccontextmanager
async def opened(settings: MqttSettings, clock: SecondsClock) -> AsyncIterator[Mqtt]:
    target = Mqtt(settings, clock)
    try:
        yield target
    finally:
        await target.close()


KIND = TargetKind(name="mqtt", order=30, settings=MqttSettings, opened=opened)
