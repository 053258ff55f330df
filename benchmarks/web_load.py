"""Every page loaded a thousand times while outcomes come in: `make bench-load`.

On a real Kafka, with `warnsys web` as a process of its own. Its board is filled first, so that a page has a stormy day
to show. Outcomes, their messages, steles and notices then come at a steady pace, and several readers load the pages in
turns: the operators' with a password each time, the public ones on their port.
"""

import argparse
import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx

from benchmarks.web_follow import memory_mib, said, web_on
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics
from tests.web.sites import LOGIN
from tests.web.states import STATES, Town
from tools.local_kafka import LocalKafka
from warnsys.records import PushNotice
from warnsys.web.security import hashed

PUBLIC = (
    "/start", "/start?q=wald", "/district/solingen-1", "/stele/solingen-1", "/embed/solingen-1", "/api/districts",
    "/api/districts.geojson", "/api/districts/solingen-1/situation", "/api/districts/solingen-1/cap", "/api/notices",
    "/api/notices.atom", "/health/live",
)  # fmt: skip
OPERATORS = (
    "/", "/lagebericht", "/bezirk/solingen-1", "/meldungen", "/meldungen?q=sturm", "/umgebung.geojson", "/hilfe",
    "/alert/{alert}", "/api/alerts", "/api/alerts/{alert}", "/api/alerts/{alert}/raw", "/api/notices/all",
    "/api/rejected", "/api/outlines.geojson", "/api/feeds", "/metrics",
)  # fmt: skip


@dataclass
class Storm:
    """What the agents would put onto the topics, from one warned town: ever new messages, all for it."""

    topics: Topics
    town: Town = field(default_factory=STATES["extreme"])
    number: int = 0

    def __post_init__(self) -> None:
        board = self.town.board
        self.outcome = next(one for one in board.outcomes.values() if one.meanings)
        self.body = board.alerts[self.outcome.listed_id].body
        self.headers = board.alerts[self.outcome.listed_id].headers
        self.notice = next(one for one in board.notices if isinstance(one, PushNotice))

    @property
    def newest(self) -> str:
        return f"load.{self.number:07d}"

    @property
    def known(self) -> str:
        """One that came some seconds ago."""
        return f"load.{self.number - 200:07d}"

    def steles(self) -> Iterable[ProducerRecord]:
        said = {"stage": self.topics.stage, "exercise": True}
        for record in self.town.board.steles.values():
            value = record.model_copy(update=said).to_bytes()
            yield ProducerRecord(self.topics.stele.name, self.topics.partition_of(record.city), record.district, value)

    def message(self) -> Iterable[ProducerRecord]:
        """One message with its outcome; every tenth with a notice."""
        self.number += 1
        topics, said = self.topics, {"stage": self.topics.stage, "listed_id": self.newest, "base_id": self.newest}
        outcome, place = self.outcome.model_copy(update=said), topics.partition_of("solingen")
        headers = self.headers.model_copy(update={"stage": topics.stage, "id": self.newest})
        fields = {name: str(value) for name, value in headers.model_dump(mode="json", exclude_none=True).items()}
        yield ProducerRecord(topics.alerts.name, topics.partition_of(self.newest), self.newest, self.body, fields)
        yield ProducerRecord(topics.impacts.name, place, "", outcome.to_bytes())
        if self.number % 10 == 0:
            notice = self.notice.model_copy(update={"id": self.newest, "stage": topics.stage, "exercise": True})
            yield ProducerRecord(topics.push.name, place, notice.id, notice.to_bytes())


async def blow(storm: Storm, sender: KafkaSender, rate: float) -> None:
    """Outcomes at a steady pace, for ever; the districts' records once a second."""
    begun = time.monotonic()
    for count in itertools.count(1):
        await sender.send([*storm.message(), *(storm.steles() if count % rate < 1 else ())])
        await asyncio.sleep(max(0, begun + count / rate - time.monotonic()))


@dataclass
class Loads:
    """What the loads of one page took, in milliseconds, and how they were answered."""

    took: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)


async def load(
    http: httpx.AsyncClient, pages: Sequence[tuple[str, str]], times: int, at_once: int, storm: Storm
) -> dict[str, Loads]:
    """Every page so many times, in turns, by so many readers."""
    found = {page: Loads() for _, page in pages}
    turns = iter([one for _ in range(times) for one in pages])

    async def reader() -> None:
        for address, page in turns:
            begun = time.perf_counter()
            answer = await http.get(address + page.replace("{alert}", quote(storm.known)))
            found[page].took.append((time.perf_counter() - begun) * 1000)
            found[page].answers[answer.status_code] += 1

    await asyncio.gather(*(reader() for _ in range(at_once)))
    return found


async def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--loads", type=int, default=1_000, help="of each page")
    asked.add_argument("--rate", type=float, default=50, help="outcomes a second")
    asked.add_argument("--at-once", type=int, default=4, help="readers")
    asked.add_argument("--before", type=int, default=1_000, help="messages that came before")
    given = asked.parse_args()
    web = f'requests_per_s = 0\noperators = {{ {LOGIN[0]} = "{hashed(LOGIN[1])}" }}'
    with LocalKafka() as kafka, TemporaryDirectory() as folder:
        async with (
            web_on(kafka, Path(folder), web) as (address, pid, topics),
            KafkaSender(kafka.bootstrap, Progress()) as sender,
            httpx.AsyncClient(auth=LOGIN, timeout=60) as http,
        ):
            storm = Storm(topics)
            await sender.send([*storm.steles(), *(each for _ in range(given.before) for each in storm.message())])
            await asyncio.sleep(5)
            wind = asyncio.create_task(blow(storm, sender, given.rate))
            public = address.replace(str(port := int(address.rpartition(":")[2])), str(port + 9_000))
            pages = [(address, page) for page in OPERATORS] + [(public, page) for page in PUBLIC]
            begun, first = time.monotonic(), storm.number
            found = await load(http, pages, given.loads, given.at_once, storm)
            seconds = time.monotonic() - begun
            wind.cancel()
            for page, loads in found.items():
                answers = ", ".join(f"{status}: {count}" for status, count in sorted(loads.answers.items()))
                print(f"{page:40} {said(loads.took)}; {answers}")
            print(f"outcomes a second: {(storm.number - first) / seconds:.0f}; pages a second: "
                  f"{len(pages) * given.loads / seconds:.0f}; memory {memory_mib(pid)} MiB")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
