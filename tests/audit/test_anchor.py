"""What the audit proves: a chain that was written anew, every hash right, is found by what stands elsewhere."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from streams.kafka.records import MemorySender, SendError
from streams.kafka.topics import Topics
from streams.processes.audit import AGAIN_S, ANCHOR_S, Anchoring
from tests.audit.story import DAY
from warnsys.audit.chain import NOTHING_BEFORE, Chain, ChainAnchor, files_of, sealed, verify
from warnsys.metrics import Metrics
from warnsys.records import AuditHead, read_action


def anchor(number: int, head: str, *, late_h: float = 0) -> ChainAnchor:
    return ChainAnchor(number, head, DAY, DAY + timedelta(hours=late_h))


def written_anew(folder: Path) -> None:
    """All files, consistently, with one word changed."""
    head, number = NOTHING_BEFORE, 0
    for file in files_of(folder):
        lines = []
        for line in file.read_bytes().replace(b'"matched"', b'"no_district"').splitlines():
            entry = {name: value for name, value in json.loads(line).items() if name not in ("n", "prev", "hash")}
            fresh, head = sealed(entry, number, head)
            lines.append(fresh)
            number += 1
        file.write_bytes(b"".join(lines))


def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_a_chain_that_was_written_anew_is_found_by_an_anchor(whole: Path, tmp_path: Path) -> None:
    before, folder = verify(whole), copy(whole, tmp_path)
    anchors = [anchor(before.entries - 1, before.head)]
    assert verify(whole, anchors=anchors) == verify(whole, before.head, anchors)
    assert verify(whole, anchors=anchors).anchored == 1
    written_anew(folder)
    assert verify(folder).wrong == [], "its own hashes all fit"
    (wrong,) = verify(folder, anchors=anchors).wrong
    assert "the chain was written anew" in wrong


def test_entries_that_were_taken_away_are_found_by_an_anchor(whole: Path, tmp_path: Path) -> None:
    before, folder = verify(whole), copy(whole, tmp_path)
    anchors = [anchor(before.entries - 1, before.head)]
    files_of(folder)[-1].unlink()
    assert "entries were taken away" in verify(folder, anchors=anchors).wrong[0]
    files_of(folder)[0].unlink()
    assert "entries were taken away" in verify(folder, anchors=anchors).wrong[0]


def test_anchors_of_files_that_are_elsewhere_are_no_finding(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    files_of(folder)[0].unlink()
    found = verify(folder, anchors=[anchor(0, "0" * 64)])
    assert (found.wrong, found.anchored) == ([], 0)


def test_an_anchor_that_was_put_there_later_than_it_says_is_a_finding(whole: Path) -> None:
    before = verify(whole)
    (wrong,) = verify(whole, anchors=[anchor(before.entries - 1, before.head, late_h=25)]).wrong
    assert "was put there at" in wrong


STRANGE = {
    "no JSON": b"nothing of ours\n",
    "no object": b"[1, 2]\n",
    "nested": b"[" * 100_000 + b"\n",
    "no bytes of UTF-8": b"\xff\xfe\n",
    "nothing": b"\n",
    "a number of many digits": b'{"n":' + b"9" * 10_000 + b"}\n",
}
SEALED: dict[str, dict[str, object]] = {
    "without prev": {"prev": None},
    "n is text": {"n": "7"},
    "n is below nothing": {"n": -1},
    "n is true": {"n": True},
    "what is missing": {"what": None},
    "at is a number": {"at": 3},
    "place is none": {"place": "x"},
    "place is a list": {"place": []},
    "offset is none": {"place": "warn.push/0@x"},
    "offset of many digits": {"place": "warn.push/0@" + "9" * 10_000},
}


def line_of(changes: dict[str, object]) -> bytes:
    """With a hash that fits."""
    import hashlib

    entry = {"n": 3, "what": "told", "at": "x", "place": "warn.push/0@1", "prev": "0" * 64, **changes}
    plain = json.dumps({name: value for name, value in entry.items() if value is not None}, separators=(",", ":"))
    return f'{plain[:-1]},"hash":"{hashlib.sha256(plain.encode()).hexdigest()}"}}\n'.encode()


@pytest.mark.parametrize(
    "line", [*STRANGE.values(), *(line_of(changes) for changes in SEALED.values())], ids=[*STRANGE, *SEALED]
)
@pytest.mark.parametrize("at", [0, 3, -1])
def test_a_strange_line_is_a_finding_and_never_a_traceback(
    whole: Path,
    tmp_path: Path,
    line: bytes,
    at: int,
) -> None:
    folder = copy(whole, tmp_path)
    file = files_of(folder)[0]
    lines = file.read_bytes().splitlines(keepends=True)
    lines[at] = line
    file.write_bytes(b"".join(lines))
    assert verify(folder).wrong


def test_an_empty_file_is_a_finding(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    files_of(folder)[1].write_bytes(b"")
    assert "it is empty" in verify(folder).wrong[0]


def test_a_line_without_end_is_a_finding_and_fills_no_memory(
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("warnsys.audit.chain.MAX_LINE", 1_000_000)
    folder = copy(whole, tmp_path)
    files_of(folder)[1].write_bytes(b"x" * 5_000_000)
    assert "it is not whole" in verify(folder).wrong[0]


async def test_the_newest_hash_is_anchored_at_once_then_every_ten_minutes_where_it_changed(tmp_path: Path) -> None:
    sender, metrics = MemorySender(), Metrics()
    anchoring = Anchoring(Topics("live", 2), sender, metrics)
    with Chain(tmp_path) as chain:
        await anchoring.look(chain, DAY, 0)
        assert sender.records == [], "there is none yet"
        chain.turn(dict, DAY)
        for moment, elapsed in ((DAY, 1.0), (DAY, 2.0), (DAY, 2 * ANCHOR_S)):
            await anchoring.look(chain, moment, elapsed)
        (record,) = sender.records
        said = read_action(record.value or b"")
        assert isinstance(said, AuditHead)
        assert (said.number, said.head, record.topic) == (0, chain.head, "ops.actions")
        assert record.key == said.key == "audit-head/2027-07-14"
        chain.append([{"what": "told", "at": "x"}])
        await anchoring.look(chain, DAY, 4 * ANCHOR_S)
    assert len(sender.records) == 2


async def test_an_anchor_that_cannot_be_written_is_told_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sender, metrics = MemorySender(), Metrics()
    sender.error = SendError("TOPIC_AUTHORIZATION_FAILED")
    anchoring = Anchoring(Topics("live", 2), sender, metrics)
    with Chain(tmp_path) as chain:
        chain.turn(dict, DAY)
        await anchoring.look(chain, DAY, 0)
        assert "cannot be anchored" in caplog.text
        assert f"has the hash {chain.head}" in caplog.text
        assert b"warnsys_audit_anchored_timestamp_seconds 0.0" in metrics.text()
        sender.error = None
        await anchoring.look(chain, datetime.fromtimestamp(5, DAY.tzinfo), 2 * AGAIN_S)
    assert b"warnsys_audit_anchored_timestamp_seconds 5.0" in metrics.text()
