"""Pages that die begin again and end nothing else; a sender that is broken for good ends its process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.ending import end_at_once
from streams.kafka.records import MemorySender, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import topics_for
from streams.processes import live, runtime, web
from tests.streams.test_agents import settings
from warnsys.settings import Settings, SettingsError

Served = Callable[..., Any]


class Pages:
    """A stand-in for `serving`: every time that it is entered, its `end` is kept."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.ends, self.open = list(errors), list[Callable[[str], None]](), 0

    @asynccontextmanager
    async def serving(self, *_: Any, end: Callable[[str], None]) -> AsyncIterator[str]:
        if self.errors:
            raise self.errors.pop(0)
        self.ends.append(end)
        self.open += 1
        try:
            yield f"http://{len(self.ends)}"
        finally:
            self.open -= 1


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    made = Pages()
    monkeypatch.setattr(live, "serving", made.serving)
    return made


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_pages_whose_reader_dies_are_closed_and_begin_again_and_end_nothing_else(pages: Pages) -> None:
    shown = list[str]()
    keeping = asyncio.create_task(live.pages_for_ever(settings(), "nowhere:1", MemorySender(), shown.append, 0.01))
    await until(lambda: shown)
    pages.ends[0]("the reader died")
    pages.ends[0]("and the webhook's task, too")
    await until(lambda: len(shown) == 2)
    assert pages.open == 1
    pages.errors.append(SettingsError("web: the port is another's meanwhile"))
    pages.ends[1]("the server died")
    await until(lambda: len(shown) == 3)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.wait([keeping])
    assert pages.open == 0


async def test_a_port_that_is_taken_at_the_start_ends_the_process(pages: Pages) -> None:
    pages.errors.append(SettingsError("web: the port is taken"))
    async with asyncio.timeout(5):
        with pytest.raises(SettingsError):
            await live.pages_for_ever(settings(), "nowhere:1", MemorySender(), lambda _: None, 0.01)


def on_any_port() -> Settings:
    chosen = settings()
    return chosen.model_copy(update={"web": chosen.web.model_copy(update={"port": 0, "public_port": None})})


async def stays(_: Any) -> None:
    await asyncio.sleep(60)


async def test_a_server_that_dies_is_said_and_leaves_its_port_and_one_that_is_told_to_end_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    servers = list[web.Server]()
    real = web.Server.__init__

    def made(self: web.Server, *arguments: Any) -> None:
        real(self, *arguments)
        servers.append(self)

    async def dies(*_: Any) -> bool:
        raise RuntimeError("out of descriptors")

    monkeypatch.setattr(web.Reader, "run", stays)
    monkeypatch.setattr(web.Server, "__init__", made)
    said = list[str]()
    async with web.serving(on_any_port(), "nowhere:1", MemorySender(), said.append):
        pass
    assert said == []
    async with web.serving(on_any_port(), "nowhere:1", MemorySender(), said.append):
        monkeypatch.setattr(servers[-1], "on_tick", dies)
        port = servers[-1].port
        await until(lambda: said)
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))
    assert "out of descriptors" in said[0]


async def test_a_port_in_use_is_still_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.Reader, "run", stays)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        chosen = on_any_port()
        port = taken.getsockname()[1]
        chosen = chosen.model_copy(update={"web": chosen.web.model_copy(update={"port": port})})
        with pytest.raises(SettingsError):
            async with web.serving(chosen, "nowhere:1", MemorySender(), lambda _: None):
                pass


class Broken:
    """A producer that can send nothing any more."""

    def poll(self, _: float) -> int:
        raise KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "fenced", True))

    flush = poll

    def purge(self) -> None: ...


async def test_a_sender_that_is_broken_for_good_ends_its_process_once() -> None:
    ended = list[str]()
    with EmbeddedBroker() as broker:
        broker.create(tuple(topic.name for topic in topics_for(settings()).all()))
        async with KafkaSender(broker.bootstrap, Progress(), end=ended.append) as sender:
            real, sender._producer = sender._producer, Broken()  # type: ignore[assignment]
            await until(lambda: ended)
            sender._producer = real
    assert len(ended) == 1
    assert "OUT_OF_ORDER_SEQUENCE_NUMBER" in ended[0]


@pytest.mark.parametrize("where", ["web", "publisher", "pipeline"])
async def test_every_process_ends_with_its_sender(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    given = list[Any]()

    class Seen(Exception): ...

    def sender(*_: Any, **named: Any) -> Any:
        given.append(named.get("end"))
        raise Seen

    monkeypatch.setattr(web, "KafkaSender", sender)
    monkeypatch.setattr(runtime, "KafkaSender", sender)
    chosen = settings()
    chosen = chosen.model_copy(update={"broker": chosen.broker.model_copy(update={"url": "embedded"})})

    async def begin() -> None:
        if where == "web":
            await web.web(chosen)
        async with (runtime.publisher_on if where == "publisher" else runtime.pipeline_on)(chosen, "nowhere:1"):
            pass

    with pytest.raises(Seen):
        await begin()
    assert given == [end_at_once]
