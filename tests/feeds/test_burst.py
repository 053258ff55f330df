"""Five hundred warnings at once, through the embedded broker."""

import io
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from streams.processes import demo
from streams.processes.runtime import broker_of, pipeline_on
from warnsys.archive.archiver import Archiver
from warnsys.archive.store import archive_for
from warnsys.cap import read_alert
from warnsys.feeds import bundle
from warnsys.feeds import poller as dwd
from warnsys.feeds.bundle import Bundle
from warnsys.feeds.poller import DwdFeed
from warnsys.records import AlertHeaders, FeedStatus, Notice, Outcome, PushNotice
from warnsys.settings import ArchiveSettings
from warnsys.simulation.scenario import load
from warnsys.simulation.standin import StandIn

NOW = datetime(2027, 7, 14, 12, 40, tzinfo=UTC)


def burst() -> bytes:
    """Of two languages and an outline each, as the storm's are; the ten extreme ones stand last."""
    bodies = [body for body in load("storm").messages() if body.endswith(b"</alert>\n")]
    severe = next(body for body in bodies if b"<severity>Severe<" in body and b"Immediate" in body)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(500):
            old = read_alert(severe).identifier
            new = old.rpartition("-")[0] + f"-{number:012d}.MUL"
            body = severe.replace(old.removesuffix(".MUL").encode(), new.removesuffix(".MUL").encode())
            if number >= 490:
                body = body.replace(b"<severity>Severe<", b"<severity>Extreme<")
            elif number >= 50:
                body = body.replace(b"805122000", b"806636010")
            packed.writestr(f"{new}.xml", body)
    return content.getvalue()


async def test_of_500_warnings_the_extreme_ones_are_published_first_and_told_before_the_rest_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    at: dict[str, float] = {}
    decided: list[Outcome] = []
    when_told: list[int] = []

    def opened(*arguments: object) -> Bundle:
        at["downloaded"] = time.perf_counter()
        return open_bundle(*arguments)  # type: ignore[arg-type]

    def heard(said: Notice | Outcome | FeedStatus) -> None:
        if isinstance(said, Outcome):
            decided.append(said)
        if isinstance(said, PushNotice) and said.level == 4:
            at.setdefault("extreme told", time.perf_counter())
            when_told.append(len(decided))

    open_bundle = bundle.open_bundle
    monkeypatch.setattr(dwd, "open_bundle", opened)
    order: list[int] = []
    with StandIn() as server:
        server.publish(NOW, burst())
        settings = demo.demo_settings(server.url, "embedded", poll_s=20)
        settings = settings.model_copy(update={"archive": ArchiveSettings(folder=tmp_path, min_free_mb=0)})
        archiver = Archiver(archive_for(settings), keep_days=10, max_bytes=10**9)
        with broker_of(settings) as bootstrap, archiver:
            async with (
                pipeline_on(settings, bootstrap, heard) as pipeline,
                httpx.AsyncClient(trust_env=False) as client,
            ):
                await pipeline.tick(NOW)
                await pipeline.drained()
                publish = pipeline.publisher.alert

                async def alert(headers: AlertHeaders, body: bytes) -> None:
                    await publish(headers, body)
                    order.append(4 if b"<severity>Extreme<" in body else 3)

                monkeypatch.setattr(type(pipeline.publisher), "alert", lambda _, *more: alert(*more))
                feed = DwdFeed(
                    settings.sources[0], settings.stage, client, pipeline.publisher, lambda: NOW, keeper=archiver
                )
                status = await feed.look()
                at["published"] = time.perf_counter()
                await pipeline.drained()
                at["settled"] = time.perf_counter()
    seconds = {name: round(moment - at["downloaded"], 2) for name, moment in at.items()}
    record_property("seconds", seconds)
    print(seconds)
    assert (status.ids, status.error) == (500, "")
    assert order == [4] * 10 + [3] * 490
    assert len(decided) == 500
    assert when_told[0] < 250
