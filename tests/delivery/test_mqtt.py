"""MQTT against mosquitto."""

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.delivery.conftest import Clock
from tests.delivery.notices import moment, push, stele
from tools.local_kafka import free_ports
from warnsys.delivery.target import Accepted, CallResult, Declined, Unanswered
from warnsys.delivery.targets.mqtt import Mqtt, MqttSettings
from warnsys.records import Notice, SteleRecord

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
pytestmark = pytest.mark.needs("mosquitto")


@dataclass
class Broker:
    port: int
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        assert MOSQUITTO, "there is no mosquitto: apt install mosquitto"
        (self.folder / "acl").write_text("topic readwrite warnsys/#\ntopic read $SYS/#\n")
        (self.folder / "conf").write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\nacl_file {self.folder}/acl\n"
        )
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.folder / "conf")], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                mqtt.Client(CallbackAPIVersion.VERSION2).connect("127.0.0.1", self.port)
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.end()
        raise AssertionError("mosquitto does not answer")

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(10)
            self.process = None

    def retained(self, topic: str = "warnsys/#") -> dict[str, bytes]:
        """What who subscribes now is given at once."""
        found: dict[str, bytes] = {}
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.on_message = lambda _client, _data, message: found.update({message.topic: bytes(message.payload)})
        client.connect("127.0.0.1", self.port)
        client.subscribe(topic, qos=1)
        ends = time.monotonic() + 0.5
        while time.monotonic() < ends:
            client.loop(0.05)
        client.disconnect()
        return found


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    (port,) = free_ports(1)
    found = Broker(port, tmp_path)
    found.start()
    yield found
    found.end()


def settings(port: int, **said: Any) -> MqttSettings:
    fields = {"host": "127.0.0.1", "port": port, "tls": False, "timeout_s": 2}
    return MqttSettings.model_validate(fields | said)


@pytest.fixture
async def target(broker: Broker, clock: Clock) -> AsyncIterator[Mqtt]:
    found = Mqtt(settings(broker.port), clock)
    yield found
    await found.close()


async def sent(target: Mqtt, notice: Notice, valid_s: float = 180) -> CallResult:
    return await target.send(target.render(notice, moment(valid_s)), notice.id, "")


async def test_who_comes_later_is_given_what_holds_in_each_district(target: Mqtt, broker: Broker) -> None:
    assert await sent(target, stele("a")) == Accepted()
    assert await sent(target, stele("b", at=60)) == Accepted()
    assert await sent(target, stele("c", district="nord")) == Accepted()
    found = await asyncio.to_thread(broker.retained)
    assert SteleRecord.from_bytes(found["warnsys/stele/solingen/mitte"]).id == "b"
    assert SteleRecord.from_bytes(found["warnsys/stele/solingen/nord"]).id == "c"
    assert found["warnsys/gateway"] == b"online"


async def test_what_is_too_old_the_broker_drops_by_itself(target: Mqtt, broker: Broker) -> None:
    await sent(target, stele("a"), valid_s=1)
    assert "warnsys/stele/solingen/mitte" in await asyncio.to_thread(broker.retained)
    await asyncio.sleep(1.5)
    assert "warnsys/stele/solingen/mitte" not in await asyncio.to_thread(broker.retained)


async def test_what_changed_is_not_kept_for_who_comes_later(target: Mqtt, broker: Broker) -> None:
    assert await sent(target, push("a")) == Accepted()
    assert "warnsys/push/solingen/public" not in await asyncio.to_thread(broker.retained)


async def test_a_gateway_that_dies_is_offline(target: Mqtt, broker: Broker) -> None:
    await sent(target, stele("a"))
    assert target._link is not None
    target._link._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # it is connected
    await asyncio.sleep(0.3)
    assert (await asyncio.to_thread(broker.retained))["warnsys/gateway"] == b"offline"


async def test_what_the_broker_does_not_allow_is_refused(broker: Broker, clock: Clock) -> None:
    target = Mqtt(settings(broker.port, prefix="elsewhere"), clock)
    assert await sent(target, stele("a")) == Declined("mqtt_135", "Not authorized")
    await target.close()


async def test_a_broker_that_is_away_does_not_have_it_and_one_that_comes_back_does(
    target: Mqtt, broker: Broker
) -> None:
    assert await sent(target, stele("a")) == Accepted()
    await asyncio.to_thread(broker.end)
    await asyncio.sleep(0.2)
    assert isinstance(await sent(target, stele("b", at=60)), Declined)
    await asyncio.to_thread(broker.start)
    assert await sent(target, stele("b", at=60)) == Accepted()


async def test_a_broker_that_hangs_may_have_it(target: Mqtt, broker: Broker) -> None:
    await sent(target, stele("a"))
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    call = asyncio.create_task(sent(target, stele("b", at=60)))
    await asyncio.sleep(0.3)
    assert not call.done()
    broker.end()
    assert isinstance(await call, Unanswered)
