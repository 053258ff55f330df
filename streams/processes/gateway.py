"""The gateway process: brings the notices of one channel to their receivers (docs/adr/0027)."""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from streams.gateway.gateway import Gateway
from streams.gateway.readers import reading
from streams.kafka import credentials as security
from streams.kafka.ending import end_at_once
from streams.kafka.records import Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import gateway_group, topics_for
from streams.processes.runtime import broker_of, metrics_served
from warnsys import registry
from warnsys.channels.registry import read
from warnsys.clocks import live_tick
from warnsys.delivery.clock import GatewayClock
from warnsys.delivery.dispatch import Dispatch
from warnsys.delivery.ledger import DeliveryLedger
from warnsys.delivery.store import InUseError, opened_store, store_url
from warnsys.delivery.target import SecondsClock, Target
from warnsys.gateways import GatewaySettings, TargetSettings
from warnsys.metrics import Metrics
from warnsys.settings import Settings, SettingsError
from warnsys.supervisor import tell_ready

log = logging.getLogger(__name__)
STAND_BY_S = 1.0
"""How often a stand-by looks whether the gateway whose place it takes is still there."""


async def gateway(settings: Settings, name: str, folder: Path) -> None:
    """Runs a gateway until it is interrupted; while another one of its name runs, it waits to take its place.

    `folder` is where the ledger lies if the settings name no other place. Raises `SettingsError`.
    """
    own = gateway_of(settings, name)
    metrics, topics, login = Metrics(), topics_for(settings), security.for_librdkafka(settings.broker)
    password = own.password.get_secret_value() if own.password else ""
    url = store_url(own.ledger, _folder(folder) / f"{settings.stage}-{name}.db", password)
    async with AsyncExitStack() as stack:
        bootstrap = stack.enter_context(broker_of(settings, "gateway"))
        stack.enter_context(metrics_served(settings, metrics))
        connection = await _only_one(stack, lambda: opened_store(url, f"{settings.stage}/{name}"))
        clock = GatewayClock(lambda: live_tick(settings.stage))
        sender = await stack.enter_async_context(
            KafkaSender(bootstrap, Progress(), security=login, stamped=clock.hear, end=end_at_once)
        )
        targets = {
            target: (said, await stack.enter_async_context(_opened(said, clock)))
            for target, said in own.targets.items()
        }
        ledger = DeliveryLedger(connection, f"{settings.stage}/{name}", lambda value: read(own.channel, value))
        group = gateway_group(topics, name)
        running = Gateway(
            Dispatch.of(name, own.channel, settings.stage, ledger, random.random, targets),
            topics,
            stack.enter_context(
                reading(bootstrap, topics, topics.channel(own.channel), group, login, committed=True)
            ),
            stack.enter_context(reading(bootstrap, topics, topics.actions, group, login, committed=False)),
            sender, metrics, clock,
        )  # fmt: skip
        await running.run(tell_ready)


def gateway_of(settings: Settings, name: str) -> GatewaySettings:
    """Gives what the settings say of a gateway. Raises `SettingsError`, also for a target of another environment."""
    if name not in settings.gateways:
        known = ", ".join(sorted(settings.gateways)) or "none"
        raise SettingsError(f"gateways.{name}: there is none of this name, but {known}; write [gateways.{name}]")
    own = settings.gateways[name]
    for target, said in own.targets.items():
        if said.stage != settings.stage:
            raise SettingsError(
                f"gateways.{name}.targets.{target}: it belongs to the environment {said.stage}, and this process to "
                f"{settings.stage}: what is sent there would be taken for real, or for an exercise; give "
                f"{settings.stage} targets of its own, with stage = {settings.stage!r}"
            )
    return own


def _folder(folder: Path) -> Path:
    return Path(os.environ.get("STATE_DIRECTORY", "").split(":")[0] or folder)


@asynccontextmanager
async def _opened(settings: TargetSettings, clock: SecondsClock) -> AsyncIterator[Target[Any]]:
    async with registry.TARGETS.get(settings.kind).opened(settings, clock) as target:
        yield target


async def _only_one(stack: AsyncExitStack, opened: Callable[[], AbstractContextManager[Connection]]) -> Connection:
    said = False
    while True:
        try:
            connection = stack.enter_context(opened())
        except InUseError as error:
            if not said:
                log.warning("another gateway of this name runs (%s holds its place): this one stands by", error)
            said = True
            await asyncio.sleep(STAND_BY_S)
        else:
            return connection
