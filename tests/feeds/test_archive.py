"""The archive: every snapshot once, whatever dies while it is written."""

import errno
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geofences import GeofenceIndex, bundled, load
from streams.processes.live import keeper_of
from tests.cap.test_bundle import EMPTY, packed
from tests.feeds.archive_writer import snapshots
from tests.feeds.test_dwd import cap
from warnsys.archive.archiver import Archiver
from warnsys.archive.index import ArchivedSnapshot
from warnsys.archive.store import Archive
from warnsys.settings import parse
from warnsys.simulation.scenario import load as load_scenario
from warnsys.warning.matching import Matcher

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


def archive_in(folder: Path) -> Archive:
    return Archive(folder, Matcher(index=GeofenceIndex(load(bundled())), exercise=True))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return archive_in(tmp_path / "archive")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def kept(archive: Archive) -> list[ArchivedSnapshot]:
    with archive.index() as index:
        return index.select()


def bytes_on_disk(archive: Archive) -> int:
    return sum({path.stat().st_ino: path.stat().st_size for path in archive.files().values()}.values())


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_snapshot_is_kept_as_bytes_under_its_day_with_what_it_holds(archive: Archive) -> None:
    content = packed({"a.MUL.xml": cap("Minor", sent=-5), "b.xml": cap("Severe", sent=-1), "c.xml": b"<"})
    archive.keep("dwd", at(0), content)
    (path,) = archive.files().values()
    assert path.parent == archive.folder / "dwd" / "2027-07-14"
    assert path.name.startswith("Z_CAP_C_EDZW_20270714120000_PVW_STATUS_")
    assert path.read_bytes() == content
    (one,) = kept(archive)
    assert (one.source, one.stamp) == ("dwd", at(0))
    assert (one.contents.ids, one.contents.unreadable) == (("a.MUL", "b", "c"), 1)
    assert (one.contents.sent_first, one.contents.sent_last) == (at(-5), at(-1))
    assert one.contents.worst == 3


def test_storm_is_listed_with_the_city_that_it_touches_and_its_worst_level(archive: Archive) -> None:
    storm = load_scenario("storm")
    for step in storm.steps:
        archive.keep("dwd", step.at, step.bundle)
    found = kept(archive)
    assert [one.stamp for one in found] == [step.at for step in storm.steps]
    assert found[0].contents.cities == {"solingen": 3}
    assert max(one.contents.cities.get("solingen", 0) for one in found) == 4
    assert found[-1].contents.cities == {}


def test_same_bytes_under_every_stamp_are_there_once(archive: Archive) -> None:
    content = packed({"a.xml": cap("Minor")})
    for minutes in (0, 10, 10, 24 * 60):
        archive.keep("dwd", at(minutes), content)
    assert [one.stamp for one in kept(archive)] == [at(0), at(10), at(24 * 60)]
    assert bytes_on_disk(archive) == len(content)
    assert {path.parent.name for path in archive.files().values()} == {"2027-07-14", "2027-07-15"}


def test_other_bytes_under_one_stamp_are_both_kept(archive: Archive) -> None:
    archive.keep("dwd", at(0), EMPTY)
    archive.keep("dwd", at(0), packed({"a.xml": cap("Minor")}))
    assert sorted(len(one.contents.ids) for one in kept(archive)) == [0, 1]


def test_two_sources_with_the_same_bytes_are_told_apart(archive: Archive) -> None:
    for source in ("dwd", "city"):
        archive.keep(source, at(0), EMPTY)
    with archive.index() as index:
        assert index.sources() == ["city", "dwd"]
        assert [one.source for one in index.select(source="city")] == ["city"]


def test_two_archives_in_one_folder_do_not_disturb_each_other(archive: Archive) -> None:
    other = archive_in(archive.folder)
    for writer in (archive, other):
        writer.keep("dwd", at(0), EMPTY)
    assert len(kept(archive)) == 1
    assert other.verify() == []


def test_selection_by_time_includes_both_ends(archive: Archive) -> None:
    for minutes in (0, 10, 20, 30):
        archive.keep("dwd", at(minutes), EMPTY)
    with archive.index() as index:
        assert [one.stamp for one in index.select(start=at(10), end=at(20))] == [at(10), at(20)]


def test_disk_without_hard_links_gets_the_bytes_again(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr("os.link", refuse)
    archive.keep("dwd", at(0), EMPTY)
    archive.keep("dwd", at(10), EMPTY)
    assert len(archive.files()) == 2
    assert archive.verify() == []


# -- what may go wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["kill", "full"])
def test_after_a_fault_at_any_step_the_archive_verifies_clean_and_counts_nothing_twice(
    tmp_path: Path, fault: str
) -> None:
    subprocess.run([sys.executable, "-m", "tests.feeds.archive_writer", tmp_path, fault], check=True)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) > 30
    for folder in folders:
        archive = archive_in(folder)
        assert {one.kind for one in archive.verify()} <= {"mended"}, folder.name
        assert archive.verify() == [], folder.name
        with archive.index() as index:
            assert index.sightings() == archive.files().keys(), folder.name
        for stamp, content in snapshots():  # the feed looks again
            archive.keep("dwd", stamp, content)
        assert [one.stamp for one in kept(archive)] == [stamp for stamp, _ in snapshots()], folder.name
        assert bytes_on_disk(archive) == sum(len(content) for content in {body for _, body in snapshots()})
        assert archive.verify() == [], folder.name
        assert list(folder.glob("*/*/.*")) == [], folder.name


def test_index_that_is_gone_or_garbage_is_made_again_from_the_files(archive: Archive) -> None:
    for stamp, content in snapshots():
        archive.keep("dwd", stamp, content)
    before = kept(archive)
    for garbage in (b"", b"no index", (archive.folder / "index.sqlite").read_bytes()[:3000]):
        (archive.folder / "index.sqlite").write_bytes(garbage)
        assert {one.kind for one in archive.verify()} == {"mended"}
        assert kept(archive) == before
        assert archive.verify() == []


def test_index_that_is_garbage_keeps_no_snapshot_out(archive: Archive) -> None:
    archive.keep("dwd", at(0), EMPTY)
    (archive.folder / "index.sqlite").write_bytes(b"no index" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        archive.keep("dwd", at(10), EMPTY)
    archive.verify()
    assert [one.stamp for one in kept(archive)] == [at(0), at(10)]


def test_damaged_and_missing_and_strange_files_are_told_and_not_counted(archive: Archive) -> None:
    for minutes in (0, 10, 20):
        archive.keep("dwd", at(minutes), packed({f"{minutes}.xml": cap("Minor")}))
    damaged, missing, whole = (archive.files()[one] for one in sorted(archive.files(), key=lambda one: one[1]))
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    missing.unlink()
    strange = whole.with_name("notes.zip")
    strange.touch()
    found = {(one.kind, one.place) for one in archive.verify()}
    assert found == {("lost", str(damaged)), ("lost", str(missing)), ("strange", str(strange))}
    assert [one.stamp for one in kept(archive)] == [at(20)]
    assert [one.kind for one in archive.verify()] == ["strange"]


def test_other_geofences_are_entered_into_the_index_by_verify(archive: Archive) -> None:
    step = load_scenario("storm").steps[0]
    nowhere = Archive(archive.folder, Matcher(index=GeofenceIndex([]), exercise=True))
    nowhere.keep("dwd", step.at, step.bundle)
    assert kept(archive)[0].contents.cities == {}
    assert archive.verify() == []
    assert kept(archive)[0].contents.cities == {"solingen": 3}


# -- limits ---------------------------------------------------------------------------------------------------------


def test_prune_removes_days_that_are_too_old_and_keeps_what_later_days_still_name(archive: Archive) -> None:
    content = packed({"a.xml": cap("Minor")})
    for day in (0, 1, 5, 9):
        archive.keep("dwd", NOON + timedelta(days=day), content)
    removed = archive.prune(keep_days=4, max_bytes=10**9)
    assert [path.name for path in removed] == ["2027-07-14", "2027-07-15"]
    assert [one.stamp.day for one in kept(archive)] == [19, 23]
    assert all(path.read_bytes() == content for path in archive.files().values())
    assert archive.verify() == []


def test_prune_removes_the_oldest_days_until_the_rest_is_small_enough_but_never_the_newest(archive: Archive) -> None:
    bodies = [packed({f"{day}.xml": bytes([day]) * 100_000}, method=0) for day in range(4)]
    for day, content in enumerate(bodies):
        archive.keep("dwd", NOON + timedelta(days=day), content)
    archive.prune(keep_days=1000, max_bytes=250_000)
    assert [one.stamp.day for one in kept(archive)] == [16, 17]
    archive.prune(keep_days=1000, max_bytes=1)
    assert [one.stamp.day for one in kept(archive)] == [17]


def test_too_little_space_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    archive = Archive(tmp_path, Matcher(index=GeofenceIndex([])), min_free_bytes=10**18)
    with pytest.raises(OSError, match="must stay") as refused:
        archive.keep("dwd", at(0), EMPTY)
    assert refused.value.errno == errno.ENOSPC
    assert archive.files() == {}


# -- beside the feed ------------------------------------------------------------------------------------------------


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def archiver(archive: Archive) -> Iterator[Archiver]:
    with Archiver(archive, keep_days=10, max_bytes=10**9, retry_s=0.01) as archiver:
        yield archiver


def test_what_waits_is_written_before_the_end(archive: Archive) -> None:
    with Archiver(archive, keep_days=10, max_bytes=10**9) as archiver:
        for minutes in range(20):
            archiver.keep("dwd", at(minutes), EMPTY)
    assert len(kept(archive)) == 20
    assert archiver.error == ""


def test_disk_that_does_not_write_is_an_alarm_until_it_does_and_nothing_is_lost(
    archive: Archive, archiver: Archiver
) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    content = packed({"a.xml": bytes(range(256)) * 400}, method=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))  # the kernel itself refuses to write more
    try:
        archiver.keep("dwd", at(0), content)
        archiver.keep("dwd", at(10), EMPTY)
        wait_until(lambda: archiver.error != "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    wait_until(lambda: archiver.error == "" and len(kept(archive)) == 2)
    assert archive.verify() == []


def test_alarm_says_what_and_where_and_that_warnings_go_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = archive_in(tmp_path / "file")
    with Archiver(broken, keep_days=10, max_bytes=10**9) as archiver:
        archiver.keep("dwd", at(0), EMPTY)
        wait_until(lambda: archiver.error != "")
    assert str(tmp_path / "file") in archiver.error
    assert "warnings go out all the same" in archiver.error


def test_more_than_may_wait_drops_the_oldest_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warnsys.archive.archiver.WAITING_BYTES", 50)
    (tmp_path / "file").touch()
    with Archiver(archive_in(tmp_path / "file"), keep_days=10, max_bytes=10**9) as archiver:
        for minutes in range(5):
            archiver.keep("dwd", at(minutes), EMPTY)
        wait_until(lambda: archiver.error != "")
        assert "3 snapshots are lost to the archive" in archiver.error


def test_days_that_are_too_old_go_by_themselves(archive: Archive, archiver: Archiver) -> None:
    archiver.keep("dwd", at(0), EMPTY)
    archiver.keep("dwd", NOON + timedelta(days=20), EMPTY)
    wait_until(lambda: [one.stamp.month for one in kept(archive)] == [8])


@pytest.mark.parametrize(("stage", "kept_there"), [("live", True), ("rehearsal", False)])
def test_feed_of_a_live_stage_archives_and_an_exercise_is_no_history(
    tmp_path: Path, stage: str, kept_there: bool
) -> None:
    city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}
    settings = parse(
        {"stage": stage, "cities": [city], "archive": {"folder": str(tmp_path / "kept"), "min_free_mb": 0}}
    )
    with keeper_of(settings) as keeper:
        keeper.keep("dwd", at(0), EMPTY)
    assert (tmp_path / "kept").exists() == kept_there
    assert len(archive_in(tmp_path / "kept").files()) == kept_there
