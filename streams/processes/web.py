"""The web process: reads the topics into a board, serves both sites from it, and publishes what operators do.

At its start the process reads compacted topics and notices from their beginning, and outcomes as far back as the
timeline and the report reach. Of the messages themselves it reads the last minutes only, because they are large, and
because the feed publishes everything current again within that time.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, cast

import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from anyio import to_thread
from fastapi import FastAPI

from streams.kafka import credentials as security
from streams.kafka.ending import end_at_once
from streams.kafka.readers import incoming
from streams.kafka.records import ConsumedRecord, ProducerRecord, Progress, Sender
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import MIB, Topics, group_of, topics_for
from streams.processes.guard import Guard, affordable, trusted, trusted_hosts
from streams.processes.runtime import broker_of, seldom_collecting
from streams.worker.failures import taken
from warnsys.channels.registry import channels
from warnsys.headers import record_time
from warnsys.pipeline import cities_for, matcher_for
from warnsys.reach import Reach
from warnsys.records import Action
from warnsys.renewal import watch
from warnsys.settings import Settings, SettingsError, Web
from warnsys.supervisor import tell_ready
from warnsys.web.app import operators_site, public_site
from warnsys.web.board import Board, TopicName, TopicRecord
from warnsys.web.reminder import Reminders
from warnsys.web.site import Site
from warnsys.web.timeline import BEFORE

log = logging.getLogger(__name__)
MESSAGES_S = 20 * 60
"""The reader begins so far back with messages. The feed takes less to publish everything again."""
AGAIN_S = 2.0
"""After so long the reader begins again, if the broker has failed."""
END_AGAIN_S = 0.5
"""After so long a task that was cancelled and goes on is cancelled again."""
ORDERS_S = 1.0
"""How often the board checks whether an order has had no answer for too long."""
ACTION_S = 5.0
"""An operator waits at most so long for the broker. Then the page says that nothing was done."""
LOOK_S = 5.0
"""How often the reader asks the broker for the ends of its logs, and how long the answer may take. A consumer itself
does not report an outage."""
STUCK_LOOKS = 6
"""After so many looks at which records waited and none was read, the reader reads the topics anew."""
FETCH_BYTES = 16 * MIB
START_S, HANGS_S = 45.0, 90.0
"""How long the reader may take to connect, and any of its rounds, which ordinarily take a fifth of a second."""
QUEUE = 2048
"""So many connections may wait until the server takes them."""
THREADS = 4
"""So many threads word answers. More threads only take turns, and the event loop waits for all of them."""


async def web(settings: Settings) -> None:
    """Runs the web process alone, until it is interrupted."""
    with broker_of(settings, "web") as bootstrap, seldom_collecting():
        login = security.for_librdkafka(settings.broker)
        async with (
            KafkaSender(bootstrap, Progress(), security=login, end=end_at_once) as sender,
            serving(settings, bootstrap, sender) as address,
        ):
            log.warning("operators' pages at %s", address)
            tell_ready()
            await watch(settings, reach=Reach(matcher_for(settings).index.districts))


@asynccontextmanager
async def serving(
    settings: Settings, bootstrap: str, sender: Sender, end: Callable[[str], None] = end_at_once
) -> AsyncIterator[str]:
    """Serves both sites from entering the context until leaving it. Gives the address of the operators' site.

    If the reader or a server dies, this context calls `end` with the reason. `end` ends the process, because pages that
    look well and learn nothing more are worse than none. Raises `SettingsError` if a port is taken.
    """
    topics, matcher = topics_for(settings), matcher_for(settings)
    board = Board(cities_for(settings, matcher), settings.stage, zones=settings.zones)
    reader, feeding = Reader(settings, bootstrap, topics, board), list[asyncio.Task[None]]()

    def alive() -> bool:
        return not reader.hangs() and not any(task.done() for task in feeding)

    reach = Reach(matcher.index.districts)
    site = Site(settings, matcher, board, Actions(topics, sender), alive=alive, reach=reach)
    sites = [(settings.web.port, operators_site(site))]
    if settings.web.public_port is not None:
        sites.append((settings.web.public_port, public_site(site)))
    most = affordable(settings.web.connections, len(sites))
    shares = (most // 2, min(settings.web.connections_per_address, most))
    guards = [Guard(most, share, trusted(settings.web.trusted_proxies)) for share in shares]
    servers = [
        Server(_config(app, settings.web, port, guard)) for (port, app), guard in zip(sites, guards, strict=False)
    ]
    http = httpx.AsyncClient()
    feeding += [
        watched(reader.run(), "the reader", end),
        watched(Reminders(site, http).run(), "the webhook's task", end),
    ]
    serving_tasks = [asyncio.create_task(server.serve()) for server in servers]
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    try:
        await asyncio.gather(*(_started(server, task) for server, task in zip(servers, serving_tasks, strict=True)))
        for server, task in zip(servers, serving_tasks, strict=True):
            mind(task, f"the server on port {server.port}", end, partial(getattr, server, "should_exit"))
        yield f"http://{settings.web.host}:{servers[0].port}"
    finally:
        for server in servers:
            server.should_exit = server.force_exit = True
        await _ended(feeding)
        await asyncio.gather(*feeding, *serving_tasks, return_exceptions=True)
        await http.aclose()


def watched(work: Coroutine[Any, Any, None], name: str, end: Callable[[str], None]) -> "asyncio.Task[None]":
    """Starts a task that should go on for ever. `end` is told if it is over."""
    task = asyncio.create_task(work)
    mind(task, name, end)
    return task


def mind(
    task: "asyncio.Task[None]", name: str, end: Callable[[str], None], expected: Callable[[], bool] = lambda: False
) -> None:
    """Calls `end` if a task that should go on for ever is over, unless it was cancelled or that is `expected`."""

    def look(task: "asyncio.Task[None]") -> None:
        if task.cancelled() or expected():
            return
        error = task.exception()
        log.error("%s died", name, exc_info=error)
        end(f"web: {name} died ({error!r})")

    task.add_done_callback(look)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels tasks until all are over. One request is not enough for a task group of which a task fails just then."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=END_AGAIN_S)


class Actions:
    """Publishes what an operator did on `ops.actions`, and nowhere else. The workers read orders there themselves."""

    def __init__(self, topics: Topics, sender: Sender) -> None:
        self._topics, self._sender = topics, sender

    async def __call__(self, action: Action) -> None:
        name, partition = self._topics.actions.name, self._topics.partition_of(action.key)
        async with asyncio.timeout(ACTION_S):
            await self._sender.send([ProducerRecord(name, partition, action.key, action.to_bytes())])


class Reader:
    """Feeds the board from the topics, for ever. While the broker is away the board says so."""

    def __init__(
        self,
        settings: Settings,
        bootstrap: str,
        topics: Topics,
        board: Board,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board, self._bootstrap, self._topics = board, bootstrap, topics
        self._login = security.for_aiokafka(settings.broker)
        self._admin: Any = None
        self._elapsed, self._round_at = elapsed, elapsed()
        self._in_hand: Collection[TopicPartition] = ()  # of which the consumer has given records, not all taken yet
        self._names: dict[str, TopicName] = {
            topics.alerts.name: "alerts", topics.extreme.name: "alerts", topics.impacts.name: "impacts",
            **{topics.channel(one.name).name: one.name for one in channels() if "web" in one.readers},
            topics.rejected.name: "rejected", topics.status.name: "status", topics.actions.name: "actions",
        }  # fmt: skip

    def hangs(self) -> bool:
        """Says whether the reader has not come round for too long. A round that waits in vain ends by itself."""
        return self._elapsed() - self._round_at > HANGS_S

    async def run(self) -> None:
        """Reads the topics, and begins again whenever the broker fails."""
        while True:
            self._round_at = self._elapsed()
            try:
                await self._read()
            except* (KafkaError, OSError, TimeoutError) as errors:
                log.warning("the topics cannot be read: %r; tried again in %g s", errors.exceptions[0], AGAIN_S)
            finally:
                self._board.connected = False
                if self._admin is not None:
                    await self._admin.close()
                    self._admin = None
            await asyncio.sleep(AGAIN_S)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
            **self._login,
        )
        try:
            async with asyncio.timeout(START_S):
                await consumer.start()
                places = [TopicPartition(name, n) for name in self._names for n in range(self._topics.partitions)]
                consumer.assign(places)
                await self._seek(consumer, places)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._take_all(consumer))
                tasks.create_task(self._watch_ends(consumer, places))
                tasks.create_task(self._watch_orders())
        finally:
            await consumer.stop()

    async def _take_all(self, consumer: Any) -> None:
        while True:
            self._round_at = self._elapsed()
            found = await consumer.getmany(timeout_ms=200)
            self._in_hand = found.keys()
            for place, records in found.items():
                for record in records:
                    self._take(place.topic, record)
                await asyncio.sleep(0)  # the pages are served in between
            self._in_hand = ()

    async def _watch_orders(self) -> None:
        """Has the board notice within seconds that nobody answers an order, even if no record comes."""
        while True:
            self._board.look()
            await asyncio.sleep(ORDERS_S)

    async def _watch_ends(self, consumer: Any, places: list[TopicPartition]) -> None:
        """Tells the board whether the topics have been read to their present end. Raises if reading is stuck."""
        missing, read, stuck = set(places), -1, 0
        while True:
            try:
                ends = await asyncio.wait_for(consumer.end_offsets(places), LOOK_S)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("the broker does not say where the topics end, so the pages say so: %r", error)
                self._board.connected = False
                self._board.look()
                await asyncio.sleep(LOOK_S)
                continue
            positions = {place: await consumer.position(place) for place in places}
            behind = {place for place, end in ends.items() if positions[place] < end}
            missing &= behind | set(self._in_hand)
            self._board.connected = not missing
            self._board.lag = await self._lag(ends)
            self._board.look()
            stuck = stuck + 1 if behind and sum(positions.values()) == read else 0
            if stuck >= STUCK_LOOKS:
                raise TimeoutError("records wait, and none comes")
            read = sum(positions.values())
            await asyncio.sleep(0.2 if missing else LOOK_S)

    async def _lag(self, ends: Mapping[TopicPartition, int]) -> dict[str, int]:
        """Counts, by topic, the records that the agents have not handled. Gives none if the broker does not say."""
        inputs = {self._topics.alerts.name, self._topics.impacts.name}
        try:
            if self._admin is None:
                self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, **self._login)
                await self._admin.start()
            done = await self._admin.list_consumer_group_offsets(group_of(self._topics))
        except Exception as error:
            log.debug("the agents' offsets cannot be read: %r", error)
            return {}
        found = dict.fromkeys(sorted(inputs), 0) if done else {}
        for place, end in ends.items():
            if place.topic in inputs and place in done:
                found[place.topic] += max(0, end - done[place].offset)
        return found

    async def _seek(self, consumer: Any, places: Iterable[TopicPartition]) -> None:
        """Goes to where reading begins: some time ago for messages and outcomes, the beginning for the other topics."""
        back_s: dict[str, float] = {topic.name: MESSAGES_S for topic in self._topics.messages}
        back_s[self._topics.impacts.name] = BEFORE.total_seconds()
        await consumer.seek_to_beginning(*(place for place in places if place.topic not in back_s))
        now = time.time()
        wanted = {place: int((now - back_s[place.topic]) * 1000) for place in places if place.topic in back_s}
        for place, found in (await self._offsets(consumer, wanted)).items():
            consumer.seek(place, found)

    async def _offsets(self, consumer: Any, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Gives the offsets of the first records since these times (in ms), or the end of the log."""
        found = await consumer.offsets_for_times(wanted)
        ends = await consumer.end_offsets(list(wanted))
        return {place: at.offset if (at := found.get(place)) else ends[place] for place in wanted}

    def _take(self, topic: str, record: Any) -> None:
        """Takes a record or a tombstone into the board. Skips one that cannot be read."""
        taken(incoming(record), partial(self._show, self._names[topic], tombstone=record.value is None))

    def _show(self, name: TopicName, record: ConsumedRecord, *, tombstone: bool) -> None:
        at, key = record_time(record.timestamp), record.key.decode("utf-8", "replace")
        self._board.take(TopicRecord(name, key, None if tombstone else record.value, record.headers, at))


class Server(uvicorn.Server):
    """Serves one site. It closes its connections when it ends, because the page of an open stream must notice that."""

    @property
    def port(self) -> int:
        """The port that the server listens on: the one of the settings, or a free one for 0."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    _listening: tuple[socket.socket, ...] = ()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until it is told to end. Raises `OSError` if it cannot start; uvicorn itself would end the process."""
        try:
            await super().serve(sockets)
        except SystemExit as error:
            raise OSError(f"the server did not start ({error})") from error
        finally:
            for listening in getattr(self, "servers", ()):
                listening.close()
            self._close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens with a long queue, and takes one connection at a time.

        asyncio takes as many connections at once as its own queue is long. Without a free descriptor it fails as often,
        and each failure brings one more try a second later, so the process spins.
        """
        await super().startup(sockets)
        known = [one for server in getattr(self, "servers", ()) for one in server.sockets]
        self._listening = tuple(socket.socket(fileno=os.dup(one.fileno())) for one in known)
        self._listen()

    def _listen(self) -> None:
        """Makes the queue of each socket long. The copies of the sockets do that unseen by asyncio."""
        for one in self._listening:
            one.listen(QUEUE)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # asyncio makes a queue short again when it retries
            self._listen()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leave()
        await super().shutdown(sockets)
        self._close()

    def _leave(self) -> None:
        for one in self._listening:
            one.close()
        self._listening = ()

    def _close(self) -> None:
        self._leave()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the process."""
        yield


def _config(app: FastAPI, web: Web, port: int, guard: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        app, host=web.host, port=port, lifespan="off", log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=1, h11_max_incomplete_event_size=32 * 1024, ws="none", backlog=1,
        http=cast(Any, guard.protocol), **trusted_hosts(web.trusted_proxies),
    )  # fmt: skip


async def _started(server: Server, task: "asyncio.Task[None]") -> None:
    """Returns when a server listens. Raises `SettingsError` if it ends instead."""
    while not server.started:
        if task.done():
            config = server.config
            refused = SettingsError(
                f"web: the process cannot listen on {config.host}:{config.port}; "
                "end what listens there, or set another web.port or web.public_port (see: warnsys doctor)"
            )
            raise refused from task.exception()
        await asyncio.sleep(0.02)
