"""Odd files in a city's folder: the rest of it warns all the same, and half of the truth ends nothing."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.feeds.test_dwd import cap
from tests.feeds.test_folder import NOON, Lab
from warnsys.feeds.folder import FolderSource

TORN = b"<alert"


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.xml")


def _device(folder: Path) -> None:
    (folder / "zero.xml").symlink_to("/dev/zero")


def _folder(folder: Path) -> None:
    (folder / "old.xml").mkdir()


def _bytes(name: bytes, body: bytes) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / os.fsdecode(name)).write_bytes(body)

    return put


def _link(folder: Path) -> None:
    (folder / "lost.xml").symlink_to("nowhere")


def _circle(folder: Path) -> None:
    (folder / "round.xml").symlink_to("round.xml")


NAMES = {
    "newline": b"a\nb.xml", "255 bytes": b"a" * 251 + b".xml", "no UTF-8": b"\xff\xfe.xml", "dots": b"a..xml",
    "backslash": b"a\\..\\b.xml", "drive": b"C:a.xml", "blank": b" .xml", "control": b"\x01\x7f.xml",
    "long umlauts": "ü".encode() * 125 + b".xml",
}  # fmt: skip
ASIDE = {"fifo": _fifo, "device": _device, "folder": _folder}


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_whatever_its_name_is_published_beside_others(tmp_path: Path, name: str) -> None:
    """Under its identifier; and under its name as far as that can be written, where it stays unreadable."""
    lab = Lab(tmp_path)
    _bytes(NAMES[name], cap("Minor").replace(b"<identifier>x<", b"<identifier>odd<"))(tmp_path)
    lab.put("flood.xml", cap("Extreme"), "flood")
    assert (await lab.look()).error == ""
    assert sorted(lab.ids) == ["s,flood", "s,odd"]
    lab = Lab(tmp_path)
    _bytes(NAMES[name], TORN)(tmp_path)
    await lab.look()
    status = await lab.look(minute=1)
    assert (status.error, status.ids, status.unreadable) == ("", 2, 1)
    assert "s,flood" in lab.ids


@pytest.mark.parametrize("identifier", ["C:a", "a" * 390, "..", "../..", "a&#10;b", "ü" * 300, "."])
async def test_a_message_whatever_its_identifier_is_published_beside_others(tmp_path: Path, identifier: str) -> None:
    lab = Lab(tmp_path)
    lab.put("odd.xml", cap("Minor"), identifier)
    lab.put("flood.xml", cap("Extreme"), "flood")
    await lab.look()
    status = await lab.look(minute=1)
    assert (status.error, status.ids) == ("", 2)
    assert lab.ids[0] == "s,flood"


PADDED = cap("Severe").replace(b"<identifier>x<", b"<identifier>odd<")
WELL = {
    "blanks in a message": [PADDED + b" " * 3_000_000],
    "zeros": [bytes(5_000_000)],
    "many of a moderate size": [PADDED + b" " * size for size in range(200_000, 200_040)],
    "many of a small size": [PADDED + b" " * size for size in range(65_000, 65_100)],
}


@pytest.mark.parametrize("what", WELL)
async def test_files_that_pack_to_nearly_nothing_keep_no_message_back(tmp_path: Path, what: str) -> None:
    """A ZIP that unpacks two-hundred-fold is trusted from nobody; this one we packed."""
    lab = Lab(tmp_path)
    for number, body in enumerate(WELL[what]):
        (tmp_path / f"odd{number}.xml").write_bytes(body)
    lab.put("flood.xml", cap("Extreme"), "flood")
    await lab.look()
    status = await lab.look(minute=1)
    assert status.error == ""
    assert lab.ids[0] == "s,flood"


@pytest.mark.parametrize("kind", ASIDE)
async def test_what_is_no_file_is_nobodys_business(tmp_path: Path, kind: str) -> None:
    lab = Lab(tmp_path)
    ASIDE[kind](tmp_path)
    lab.put("flood.xml", cap("Extreme"), "flood")
    assert (await lab.look()).error == ""
    assert (lab.ids, lab.snapshots) == (["s,flood"], [(0, ("s,flood",))])


@pytest.mark.parametrize("put", [_link, _circle, _bytes(b"half\xff.xml", TORN)], ids=["link", "circle", "half"])
async def test_beside_a_file_that_cannot_be_read_a_new_message_warns_and_nothing_ends(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    lab = Lab(tmp_path)
    lab.put("old.xml", cap("Minor"), "old")
    await lab.look()
    (tmp_path / "old.xml").unlink()
    lab.put("flood.xml", cap("Extreme"), "flood")
    put(tmp_path)
    status = await lab.look(minute=6)
    assert "cannot be read" in status.error
    assert status.to_bytes()
    assert lab.published.alerts[-1][0].doubt
    assert (lab.ids, lab.snapshots) == (["s,old", "s,flood"], [(0, ("s,old",))])


async def test_files_that_are_as_they_were_are_read_once_a_stamp_and_any_other_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve files of 4 MB cost five seconds of a processor at each look."""
    lab, read = Lab(tmp_path), list[str]()
    before = FolderSource._read

    def counted(self: FolderSource, name: str) -> bytes:
        read.append(name)
        return before(self, name)

    monkeypatch.setattr(FolderSource, "_read", counted)
    lab.put("old.xml", cap("Minor"), "old")
    for minute in (0, 1, 2, 3, 4):
        await lab.look(minute=minute)
    assert read == ["old.xml"]
    lab.put("flood.xml", cap("Extreme"), "flood")
    await lab.look(minute=4.5)
    assert (read, lab.ids) == (["old.xml", "flood.xml", "old.xml"], ["s,old", "s,flood"])
    await lab.look(minute=5)
    assert len(read) == 5
    now = (NOON + timedelta(minutes=6)).timestamp()
    os.utime(tmp_path / "old.xml", (now, now))
    for second in (0, 1, 2):
        await lab.look(minute=6 + second / 60)
    assert len(read) == 11
