"""The city's own CAP files in a folder: what is there holds, and half of the truth ends nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.feeds.test_dwd import cap
from warnsys.feeds.poller import DwdFeed
from warnsys.feeds.publisher import MemoryPublisher
from warnsys.records import FeedStatus
from warnsys.settings import SettingsError, Source, load

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


class Lab:
    """A folder, and the feed that reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.published = folder, NOON, MemoryPublisher()
        (folder / "warnsys.folder").touch()
        source = Source(name="city", folder=folder)
        self.feed = DwdFeed(source, "demo", httpx.AsyncClient(), self.published, lambda: self.now)

    def put(self, name: str, body: bytes, identifier: str = "x") -> None:
        (self.folder / name).write_bytes(body.replace(b"<identifier>x<", f"<identifier>{identifier}<".encode()))

    async def look(self, *, minute: float = 0) -> FeedStatus:
        self.now = NOON + timedelta(minutes=minute)
        return await self.feed.look()

    @property
    def ids(self) -> list[str]:
        return [headers.id for headers, _ in self.published.alerts]

    @property
    def snapshots(self) -> list[tuple[float, tuple[str, ...]]]:
        return [((one.stamp - NOON) / timedelta(minutes=1), one.ids) for one in self.published.snapshots]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


async def test_file_put_there_is_published_at_once_and_listed_by_its_sender_and_identifier(lab: Lab) -> None:
    await lab.look()
    lab.put("flood.xml", cap("Severe"), "city.1")
    lab.put("notes.txt", b"nothing")
    status = await lab.look(minute=1)
    assert (status.error, status.ids) == ("", 0)
    assert lab.ids == ["s,city.1"]
    await lab.look(minute=5)
    assert lab.snapshots == [(0, ()), (5, ("s,city.1",))]


async def test_file_taken_away_is_missing_from_the_next_stamp_on(lab: Lab) -> None:
    lab.put("flood.xml", cap("Severe"), "city.1")
    await lab.look()
    (lab.folder / "flood.xml").unlink()
    await lab.look(minute=1)
    await lab.look(minute=6)
    await lab.look(minute=11)
    assert lab.snapshots == [(0, ("s,city.1",)), (5, ()), (10, ())]


async def test_file_written_over_with_another_message_is_another_message(lab: Lab) -> None:
    lab.put("flood.xml", cap("Severe"), "city.1")
    await lab.look()
    lab.put("flood.xml", cap("Minor"), "city.2")
    await lab.look(minute=5)
    assert lab.ids == ["s,city.1", "s,city.2"]
    assert lab.snapshots[-1] == (5, ("s,city.2",))


async def test_two_files_of_one_identifier_are_both_published(lab: Lab) -> None:
    lab.put("a.xml", cap("Severe"))
    lab.put("b.xml", cap("Minor"))
    lab.put("c.xml", cap("Minor"))
    await lab.look()
    assert lab.ids == ["s,x", "b~s,x", "c~s,x"]


async def test_folder_that_is_not_mounted_ends_nothing(lab: Lab) -> None:
    lab.put("flood.xml", cap("Severe"))
    await lab.look()
    for path in lab.folder.iterdir():
        path.unlink()
    status = await lab.look(minute=6)
    assert "warnsys.folder is missing" in status.error
    assert lab.snapshots == [(0, ("s,x",))]
    lab.folder.rmdir()
    assert "warnsys.folder is missing" in (await lab.look(minute=7)).error


async def test_half_a_file_is_waited_for_and_a_whole_one_is_taken(lab: Lab) -> None:
    lab.put("flood.xml", cap("Severe")[:100])
    status = await lab.look()
    assert "flood.xml cannot be read as CAP" in status.error
    assert lab.published.snapshots == []
    lab.put("flood.xml", cap("Severe"))
    assert (await lab.look()).error == ""
    assert lab.ids == ["s,x"]


async def test_file_that_stays_unreadable_is_published_and_counted_so_that_operators_see_it(lab: Lab) -> None:
    lab.put("flood.xml", b"<alert")
    await lab.look()
    status = await lab.look()
    assert (status.error, status.unreadable) == ("", 1)
    assert lab.snapshots == [(0, ("flood",))]


async def test_file_that_may_not_be_read_ends_nothing(lab: Lab) -> None:
    lab.put("flood.xml", cap("Severe"))
    await lab.look()
    (lab.folder / "flood.xml").unlink()
    (lab.folder / "flood.xml").symlink_to("nowhere")
    status = await lab.look(minute=6)
    assert "flood.xml cannot be read" in status.error
    assert len(lab.snapshots) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b", "a/b"])
async def test_identifier_never_becomes_a_path(lab: Lab, name: str) -> None:
    lab.put("flood.xml", cap("Severe"), name)
    assert (await lab.look()).error == ""
    assert len(lab.ids) == 1


def test_source_has_an_address_or_a_folder_which_counts_from_the_settings_file(tmp_path: Path) -> None:
    city = '[[cities]]\nid = "x"\nname = "X"\ngeofences = "x.geojson"\n[[sources]]\nname = "city"\n'
    file = tmp_path / "warnsys.toml"
    file.write_text(f'{city}folder = "own"\n')
    assert load(file).sources[0].folder == tmp_path / "own"
    file.write_text(f'{city}folder = "own"\nurl = "https://x.example/"\n')
    with pytest.raises(SettingsError, match="either url or folder"):
        load(file)
    file.write_text(city)
    with pytest.raises(SettingsError, match="either url or folder"):
        load(file)
