"""How fast what stands on a topic is on the pages, and what 200 open event streams cost: `make bench-web`.

On a real Kafka, with `warnsys web` as a process of its own, and in Chromium. Times are from the sending of a record to
the moment at which the page's text or the stream's reader has it.
"""

import asyncio
import itertools
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from playwright.async_api import Page

from geofences import bundled
from streams.kafka.admin import create_missing
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics, topics_for
from tests.web.conftest import chromium
from tests.web.states import STATES
from tools.local_kafka import LocalKafka, free_ports
from warnsys.records import PushNotice, SteleRecord
from warnsys.settings import load

ALERTS, STREAMS, NOTICES = 100, 200, 30
PACE_S = 0.3
SEEN = """marker => new Promise(done => {
  const look = () => document.body.textContent.includes(marker) ? done(Date.now()) : requestAnimationFrame(look);
  look();
})"""


@asynccontextmanager
async def web_on(kafka: LocalKafka, folder: Path, web: str = "open = true") -> AsyncIterator[tuple[str, int, Topics]]:
    """`warnsys web` as a process: its address, its process id, its topics."""
    stage, (port,) = f"bench-{uuid.uuid4().hex[:8]}", free_ports(1)
    file = folder / "warnsys.toml"
    file.write_text(
        f'stage = "{stage}"\n[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
        f'[broker]\nurl = "kafka://{kafka.bootstrap}"\npartitions = 4\n'
        f"[web]\nport = {port}\npublic_port = {port + 9_000}\n{web}\n",
        "utf-8",
    )
    topics = topics_for(load(file))
    create_missing(kafka.bootstrap, topics, 1)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "warnsys", "web", "--settings", str(file))
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as http, asyncio.timeout(60):
            while not await _ready(http, address):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
        yield address, process.pid, topics
    finally:
        process.terminate()
        await process.wait()


async def _ready(http: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await http.get(f"{address}/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False


async def alerts_to_pages(address: str, topics: Topics, sender: KafkaSender) -> dict[str, list[float]]:
    """Milliseconds from the records of an alert to its text on dashboard and stele."""
    town = STATES["extreme"]()
    took: dict[str, list[float]] = {"dashboard": [], "stele": []}
    async with chromium() as browser:
        pages = {name: await browser.new_page() for name in took}
        await pages["dashboard"].goto(f"{address}/")
        await pages["stele"].goto(f"{address}/stele/solingen-1")
        for number in range(ALERTS):
            marker = f"Nr-{number:04d}"
            looks = {name: asyncio.create_task(_seen(page, marker)) for name, page in pages.items()}
            await asyncio.sleep(PACE_S)
            sent = time.time()
            await sender.send([_shown(record, marker, topics) for record in town.board.steles.values()])
            for name, look in looks.items():
                took[name].append((await look) - sent * 1000)
    return took


async def _seen(page: Page, marker: str) -> float:
    return float(await page.evaluate(SEEN, marker))


def _shown(record: SteleRecord, marker: str, topics: Topics) -> ProducerRecord:
    items = [item.model_copy(update={"event": dict.fromkeys(item.event, marker)}) for item in record.items]
    changed = record.model_copy(update={"items": tuple(items), "stage": topics.stage, "exercise": True})
    partition = topics.partition_of(record.city)
    return ProducerRecord(topics.stele.name, partition, record.district, changed.to_bytes())


async def notices_to_streams(address: str, pid: int, topics: Topics, sender: KafkaSender) -> dict[str, Any]:
    """Memory with and without the streams, and how long a notice takes to the first and to the last of them."""
    template = next(one for one in STATES["extreme"]().board.notices if isinstance(one, PushNotice))
    alone = memory_mib(pid)
    got: dict[str, list[float]] = {}
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=None) as http:
        readers = [asyncio.create_task(_read(http, f"{address}/api/stream/all", got)) for _ in range(STREAMS)]
        await asyncio.sleep(5)
        with_all = memory_mib(pid)
        first, last = [], []
        for number in range(NOTICES):
            notice = template.model_copy(update={"id": f"bench-{number}", "stage": topics.stage, "exercise": True})
            got[notice.id] = []
            sent = time.time()
            partition = topics.partition_of(notice.city)
            await sender.send([ProducerRecord(topics.push.name, partition, notice.id, notice.to_bytes())])
            async with asyncio.timeout(30):
                while len(got[notice.id]) < STREAMS:  # noqa: ASYNC110 - tasks fill it
                    await asyncio.sleep(0.005)
            first.append((min(got[notice.id]) - sent) * 1000)
            last.append((max(got[notice.id]) - sent) * 1000)
            await asyncio.sleep(PACE_S)
        peak = memory_mib(pid)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    return {"alone_mib": alone, "with_streams_mib": with_all, "after_notices_mib": peak, "first": first, "last": last}


async def _read(http: httpx.AsyncClient, address: str, got: dict[str, list[float]]) -> None:
    async with http.stream("GET", address) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and '"bench-' in line:
                got[json.loads(line.removeprefix("data: "))["id"]].append(time.time())


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return round(int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024, 1)


def said(milliseconds: list[float]) -> str:
    cut = quantiles(milliseconds, n=100, method="inclusive")
    return f"p50 {cut[49]:.0f}, p99 {cut[98]:.0f}, most {max(milliseconds):.0f} ms ({len(milliseconds)} times)"


async def main() -> None:
    with LocalKafka() as kafka, TemporaryDirectory() as folder:
        async with (
            web_on(kafka, Path(folder)) as (address, pid, topics),
            KafkaSender(kafka.bootstrap, Progress()) as sender,
        ):
            for name, took in (await alerts_to_pages(address, topics, sender)).items():
                print(f"record on the topic → text on the {name}: {said(took)}")
            streams = await notices_to_streams(address, pid, topics, sender)
            memory = " → ".join(f"{streams[key]} MiB" for key in itertools.islice(streams, 3))
            print(f"memory of the web process alone, with {STREAMS} streams, after {NOTICES} notices: {memory}")
            print(f"notice on the topic → first stream: {said(streams['first'])}")
            print(f"notice on the topic → all {STREAMS} streams: {said(streams['last'])}")


if __name__ == "__main__":
    asyncio.run(main())
