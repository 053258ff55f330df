"""The chain: whatever is changed in it is found, and a writer that is killed leaves nothing out and nothing twice."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.audit.story import DAY, write
from warnsys.audit.chain import NOTHING_BEFORE, AuditError, Chain, entries_of, files_of, verify
from warnsys.audit.entries import Memory, Stood


def content(folder: Path) -> list[dict[str, object]]:
    aside = ("n", "prev", "hash")
    return [
        {name: value for name, value in entry.items() if name not in aside}
        for _, entry in entries_of(folder)
        if entry["what"] != "opened"
    ]


def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_a_chain_is_whole_and_goes_over_days(whole: Path) -> None:
    found = verify(whole)
    assert found.wrong == []
    assert [file.name for file in files_of(whole)] == ["audit-2027-07-14.jsonl", "audit-2027-07-15.jsonl"]
    assert found.entries == len(content(whole)) + 2
    lines = files_of(whole)[0].read_text("utf-8").splitlines()
    assert json.loads(lines[0])["prev"] == NOTHING_BEFORE


def test_reading_everything_again_writes_nothing(whole: Path, records: list[Stood], tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    write(folder, records)
    assert verify(folder) == verify(whole)


def test_killed_at_any_byte_nothing_is_missing_and_nothing_is_there_twice(
    whole: Path, records: list[Stood], tmp_path: Path
) -> None:
    """Bytes go out in their order, so a killed writer leaves a beginning of them: cut in every line at several bytes,
    around each line's end at every byte."""
    expected = content(whole)
    first, second = (file.read_bytes() for file in files_of(whole))
    everything = first + second
    ends = [place for place, byte in enumerate(everything) if byte == ord("\n")]
    near = {end + shift for end in ends for shift in (-1, 0, 1, 2)}
    cuts = sorted((near | set(range(0, len(everything), 4999))) & set(range(len(everything))))
    assert len(cuts) > 150
    for cut in cuts:
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "audit-2027-07-14.jsonl").write_bytes(everything[: min(cut, len(first))])
        if cut >= len(first):
            (folder / "audit-2027-07-15.jsonl").write_bytes(everything[len(first) : cut])
        write(folder, records)
        found = verify(folder)
        assert found.wrong == [], cut
        assert content(folder) == expected, cut


def test_a_changed_entry_is_found(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    file = files_of(folder)[0]
    text = file.read_text("utf-8")
    assert '"decided":"matched"' in text
    file.write_text(text.replace('"decided":"matched"', '"decided":"no_district"', 1), "utf-8")
    (wrong, *_) = verify(folder).wrong
    assert "its hash does not fit its content" in wrong


def test_a_missing_and_a_moved_entry_are_found(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    file = files_of(folder)[0]
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert "does not follow" in verify(folder).wrong[0]
    file.write_bytes(b"".join([*lines[:3], lines[4], lines[3], *lines[5:]]))
    assert "does not follow" in verify(folder).wrong[0]


def test_who_noted_the_head_finds_a_chain_that_was_shortened_or_written_anew(whole: Path, tmp_path: Path) -> None:
    folder, head = copy(whole, tmp_path), verify(whole).head
    assert verify(folder, head).wrong == []
    file = files_of(folder)[1]
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    assert verify(folder).wrong == []
    assert "were taken away" in verify(folder, head).wrong[0]


def test_older_files_may_be_moved_away(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    files_of(folder)[0].unlink()
    found = verify(folder)
    assert found.wrong == []
    assert found.first == verify(whole).entries - found.entries


def test_a_broken_chain_is_not_added_to(whole: Path, records: list[Stood], tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    file = files_of(folder)[1]
    file.write_bytes(file.read_bytes().replace(b'"what":"', b'"what" :"', 3))
    with pytest.raises(AuditError, match=r"audit-2027-07-15.jsonl:\d+: its hash does not fit"):
        write(folder, records)


def test_two_writers_never_share_a_chain(tmp_path: Path) -> None:
    with Chain(tmp_path), pytest.raises(AuditError, match="another process writes this audit"), Chain(tmp_path):
        pass
    with Chain(tmp_path):
        pass


def test_a_clock_that_goes_back_does_not_begin_a_file_before_the_last(tmp_path: Path) -> None:
    with Chain(tmp_path) as chain:
        chain.turn(Memory().plain, DAY)
        chain.turn(Memory().plain, DAY - timedelta(days=3))
    assert [file.name for file in files_of(tmp_path)] == ["audit-2027-07-14.jsonl"]
