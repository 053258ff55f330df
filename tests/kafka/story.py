"""A bundled storm through feed and worker as two users of one Kafka, until every channel has said something."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from geofences import bundled
from streams.processes.demo import Transcript
from streams.processes.runtime import broker_of, pipeline_on, publisher_on
from warnsys.feeds.poller import DwdFeed
from warnsys.pipeline import by_channel
from warnsys.settings import Settings, parse
from warnsys.simulation.scenario import load
from warnsys.simulation.standin import StandIn

PATIENCE_S = 60


def settings_of(stage: str, bootstrap: str, url: str = "https://example.org/", **broker: Any) -> Settings:
    return parse(
        {
            "stage": stage,
            "cities": [{"id": "solingen", "name": "Solingen", "geofences": str(bundled())}],
            "sources": [{"name": "dwd", "url": url}],
            "broker": {"url": f"kafka://{bootstrap}", "partitions": 2, **broker},
        }
    )


def login(user: str, mechanism: str = "PLAIN") -> dict[str, Any]:
    return {"sasl": {"mechanism": mechanism, "username": user}, "password": SecretStr(f"{user}-secret")}


def tls(folder: Path) -> dict[str, Any]:
    return {"tls": {"ca": folder / "ca.pem", "cert": folder / "client.pem", "key": folder / "client.key"}}


async def play(feed_user: Callable[[str], Settings], worker_user: Callable[[str], Settings]) -> Transcript:
    """Both are given the source's address and give their settings."""
    story, heard = load("storm"), Transcript()
    with StandIn() as server:
        ours, theirs = worker_user(server.url), feed_user(server.url)
        with broker_of(ours) as bootstrap, broker_of(theirs):
            async with (
                pipeline_on(ours, bootstrap, heard) as pipeline,
                publisher_on(theirs, bootstrap) as publisher,
                httpx.AsyncClient(trust_env=False) as client,
                asyncio.timeout(PATIENCE_S),
            ):
                now = story.start
                feed = DwdFeed(theirs.sources[0], theirs.stage, client, publisher, lambda: now)
                for step in story.steps:
                    now = step.at
                    server.publish(step.at, step.bundle)
                    await feed.look()
                    await pipeline.tick(step.at)
                    await pipeline.drained()
                    if all(by_channel(heard.notices).get(channel) for channel in ("stele", "push", "sms")):
                        break
    return heard
