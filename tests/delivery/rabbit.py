"""A RabbitMQ of a test's own, as Debian has it: on free ports, in a folder that goes."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from tests.delivery.screen_page import Page
from tools.local_kafka import free_ports

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
"""What Debian puts into the path works for its own user only."""
STARTS_S = 60
EXCHANGE = "digital_twin_raw"


@dataclass
class Rabbit:
    folder: Path
    port: int
    distribution: int
    epmd: int
    process: "subprocess.Popen[bytes] | None" = None
    subscribed: list[AbstractConnection] = field(default_factory=list)

    @classmethod
    def on(cls, folder: Path) -> "Rabbit":
        port, distribution, epmd = free_ports(3)
        return cls(folder, port, distribution, epmd)

    def start(self) -> None:
        """Returns once it answers. It remembers durable exchanges and users from before."""
        for name in ("home", "mnesia", "log"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        assert (PROGRAMS / "rabbitmq-server").exists(), "there is no RabbitMQ: apt install rabbitmq-server"
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [PROGRAMS / "rabbitmq-server"], env=self._environment(), stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        for _ in range(STARTS_S * 4):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.25)
        self.end()
        raise AssertionError(f"RabbitMQ does not answer: {(self.folder / 'said').read_text()[-2000:]}")

    def end(self) -> None:
        """With the daemon that knows its port, which it has started."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None
        if epmd := shutil.which("epmd"):
            subprocess.run([epmd, "-port", str(self.epmd), "-kill"], capture_output=True, check=False)

    def signal(self, which: signal.Signals) -> None:
        assert self.process, "it does not run"
        os.killpg(self.process.pid, which)

    def control(self, *command: str) -> None:
        program = [str(PROGRAMS / "rabbitmqctl"), *command]
        subprocess.run(program, env=self._environment(), capture_output=True, check=True)

    async def connect(self) -> AbstractConnection:
        return await aio_pika.connect(host="127.0.0.1", port=self.port, timeout=5)

    async def make_exchange(self) -> None:
        async with self._channel() as channel:
            await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)

    async def remove_exchange(self) -> None:
        async with self._channel() as channel:
            await channel.exchange_delete(EXCHANGE)

    async def screens_go(self) -> None:
        while self.subscribed:
            with suppress(*CONNECTION_EXCEPTIONS):
                await self.subscribed.pop().close()

    async def screen(self) -> Page:
        """A screen that listens from now on, as the real one does: to keys of one word, on a queue of its own."""
        page, connection = Page(), await self.connect()
        self.subscribed.append(connection)
        channel = await connection.channel()
        queue = await channel.declare_queue(auto_delete=True, exclusive=True)
        await queue.bind(EXCHANGE, "*")

        async def take(message: AbstractIncomingMessage) -> None:
            page.take(message.body)

        await queue.consume(take, no_ack=True)
        return page

    async def publish(self, body: bytes) -> None:
        async with self._channel() as channel:
            exchange = await channel.get_exchange(EXCHANGE)
            await exchange.publish(aio_pika.Message(body), "plain_message")

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
        connection = await self.connect()
        async with connection:
            yield await connection.channel()

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            **os.environ, "HOME": f"{folder}/home", "RABBITMQ_NODENAME": f"warnsys{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia", "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf", "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_DIST_PORT": str(self.distribution), "ERL_EPMD_PORT": str(self.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }  # fmt: skip
