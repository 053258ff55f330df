"""A RabbitMQ of a test's own, as Debian has it: on free ports, in a folder that goes."""

import asyncio
import os
import shutil
import signal
import subprocess
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

    async def start(self) -> None:
        """Returns once it answers, with the exchange that the screens listen to if it was there before."""
        for name in ("home", "mnesia", "log"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                [PROGRAMS / "rabbitmq-server"], env=self._environment(), stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        for _ in range(STARTS_S * 4):
            with suppress(*CONNECTION_EXCEPTIONS):
                await (await self.connect()).close()
                return
            await asyncio.sleep(0.25)
        said_so_far = (self.folder / "said").read_text()
        await self.end()
        raise AssertionError(f"RabbitMQ does not answer: {said_so_far[-2000:]}")

    async def end(self) -> None:
        for each in self.subscribed:
            with suppress(*CONNECTION_EXCEPTIONS):
                await each.close()
        self.subscribed.clear()
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            await asyncio.to_thread(self.process.wait, 10)
            self.process = None
        if epmd := shutil.which("epmd"):
            kill = await asyncio.create_subprocess_exec(
                epmd, "-port", str(self.epmd), "-kill", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            await kill.wait()

    async def control(self, *command: str) -> None:
        run = await asyncio.create_subprocess_exec(
            PROGRAMS / "rabbitmqctl", *command, env=self._environment(), stdout=subprocess.DEVNULL
        )
        assert await run.wait() == 0, command

    async def connect(self) -> AbstractConnection:
        return await aio_pika.connect(host="127.0.0.1", port=self.port, timeout=5)

    async def make_exchange(self) -> None:
        async with self._channel() as channel:
            await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)

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
