"""How to add a channel or a source: the words that the pages name are there, and their examples run."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from tests.feeds.test_dwd import cap
from warnsys import registry
from warnsys.feeds.poller import Poller
from warnsys.feeds.publisher import MemoryPublisher
from warnsys.records import FeedStatus
from warnsys.settings import Source, parse

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
SOURCE = HOW_TO / "add-a-kind-of-source.md"
NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


def block_of(page: Path, language: str) -> str:
    """The page's first block in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found, f"{page.name} has no {language}"
    return found[1]


def test_the_shared_words_that_a_channel_is_told_of_are_there() -> None:
    page = (HOW_TO / "add-a-channel.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z`, ]+`) \| (.*) \|$", page, re.MULTILINE)
    named = {
        module: re.findall(r"`(\w+)`", says) for modules, says in rows for module in modules.strip("`").split("`, `")
    }
    assert {"common", "still", "news", "advice", "wording", "events"} == set(named)
    for module, functions in named.items():
        there = import_module(f"warnsys.channels.{module}")
        assert not [name for name in functions if not hasattr(there, name)], module


# -- a kind of source -----------------------------------------------------------------------------------------------


@pytest.fixture
def json_list(tmp_path: Path) -> Iterator[ModuleType]:
    """The page's file, and its kind among the others."""
    file = tmp_path / "json_list.py"
    file.write_text(block_of(SOURCE, "python"), "utf-8")
    spec = spec_from_file_location("json_list", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with registry.SOURCES.beside(module.KIND):
        yield module


def message(identifier: str) -> bytes:
    body = cap("Severe").replace(b"<identifier>x<", f"<identifier>{identifier}<".encode())
    return body.replace(b"<sender>s<", b"<sender>office@warn.example<")


class Town:
    """The server of the page's example, and the poller of the page's settings."""

    def __init__(self) -> None:
        self.source: Source = parse(
            {"cities": [{"id": "x", "name": "X", "geofences": "x"}], **tomllib.loads(block_of(SOURCE, "toml"))}
        ).sources[0]
        listing = json.loads(block_of(SOURCE, "text"))
        self.files = dict(zip(listing["messages"], map(message, ("city.1", "city.2")), strict=True))
        self.files[self.source.url] = json.dumps({**listing, "updated": NOON.isoformat()}).encode()
        self.published = MemoryPublisher()
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.poller = Poller(self.source, "demo", client, self.published, lambda: NOON)

    def answer(self, request: httpx.Request) -> httpx.Response:
        content = self.files.get(str(request.url))
        return httpx.Response(404) if content is None else httpx.Response(200, content=content)

    async def look(self) -> FeedStatus:
        return await self.poller.look()


@pytest.mark.usefixtures("json_list")
async def test_the_example_of_a_kind_of_source_publishes_what_it_lists_by_sender_and_identifier() -> None:
    town = Town()
    status = await town.look()
    ids = ("office@warn.example,city.1", "office@warn.example,city.2")
    assert (status.error, status.ids, status.unreadable) == ("", 2, 0)
    assert tuple(headers.id for headers, _ in town.published.alerts) == ids
    assert [one.ids for one in town.published.snapshots] == [ids]


@pytest.mark.usefixtures("json_list")
@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (b"<html>", "no list of messages"),
        (b'{"updated": "2027-07-14T12:00:00Z", "messages": ["https://other.example/1.xml"]}', "another host"),
        (b'{"updated": "2027-07-14T12:00:00Z", "messages": ["https://warn.example/3.xml"]}', "HTTP 404"),
    ],
)
async def test_the_example_of_a_kind_of_source_lists_all_or_nothing(listing: bytes, said: str) -> None:
    town = Town()
    town.files[town.source.url] = listing
    status = await town.look()
    assert said in status.error
    assert not town.published.snapshots
