"""What a worker had in hand outlives its unclean end, and nothing else does."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.kafka.records import ConsumedRecord
from streams.worker.hand import MOST_CONVICTED, Hand, fingerprint_of, place_of

HOLDS = """
import os, sys, time
from pathlib import Path
from streams.worker.hand import Hand
from streams.kafka.records import ConsumedRecord
hand = Hand(Path(sys.argv[1]))
for topic, offset in (("cap.alerts", 7), ("warn.impacts", 41)):
    hand.take(ConsumedRecord(topic, 1, offset, b"", b"body", {}, 0.0))
hand.lay_down(ConsumedRecord("warn.impacts", 1, 41, b"", b"", {}, 0.0))
hand.take(ConsumedRecord("warn.impacts", 1, 42, b"", b"body", {}, 0.0))
print("holds", flush=True)
if sys.argv[2] == "exit": os._exit(70)
if sys.argv[2] == "close": hand.close(); os._exit(0)
time.sleep(60)
"""


def record(topic: str = "cap.alerts", offset: int = 7, value: bytes = b"body") -> ConsumedRecord:
    return ConsumedRecord(topic, 1, offset, b"", value, {}, 0.0)


def ended(folder: Path, how: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(folder), how], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"holds\n"
        if how == "kill":
            child.send_signal(signal.SIGKILL)
        child.wait(20)


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_what_was_in_hand_at_an_unclean_end_is_suspect(tmp_path: Path, how: str) -> None:
    ended(tmp_path, how)
    hand = Hand(tmp_path)
    assert hand.suspects
    assert hand.suspicion(record()) == 1
    assert hand.suspicion(record("warn.impacts", 42)) == 1
    assert hand.suspicion(record("warn.impacts", 41)) == 0, "it was done with"
    assert set(hand._ends) == {"cap.alerts/1@7", "warn.impacts/1@42"}
    assert hand.suspicion(record(offset=8)) == 0
    hand.close()


def test_who_had_nothing_in_hand_leaves_no_suspect(tmp_path: Path) -> None:
    hand = Hand(tmp_path)
    hand.take(record())
    hand.lay_down(record())
    assert hand._map is not None
    assert hand._lock is not None
    hand._map.close()
    os.close(hand._lock)
    assert not Hand(tmp_path).suspects


def test_after_an_end_in_order_nobody_is_suspect_and_nothing_is_left(tmp_path: Path) -> None:
    ended(tmp_path, "close")
    assert list(tmp_path.iterdir()) == []
    hand = Hand(tmp_path)
    assert not hand.suspects
    hand.close()


def test_each_worker_has_a_file_of_its_own_and_who_comes_next_learns_of_all_that_are_gone(tmp_path: Path) -> None:
    one, two = Hand(tmp_path), Hand(tmp_path)
    one.take(record(offset=1))
    two.take(record(offset=2))
    three = Hand(tmp_path)
    assert not three.suspects, "who lives is no suspect"
    three.close()
    for gone in (one, two):
        assert gone._map is not None
        assert gone._lock is not None
        gone._map.close()
        os.close(gone._lock)  # as the kernel does at the end of a process
    four = Hand(tmp_path)
    assert four.suspicion(record(offset=1)) == four.suspicion(record(offset=2)) == 1
    assert len(list(tmp_path.glob("*.hand"))) == 1
    four.close()


def test_ends_are_counted_until_it_went_through(tmp_path: Path) -> None:
    for times in (1, 2, 3):
        ended(tmp_path, "exit")
        hand = Hand(tmp_path)
        assert hand.suspicion(record()) == times
        hand.close()
    hand = Hand(tmp_path)
    hand.acquit(record())
    hand.close()
    assert Hand(tmp_path).suspicion(record()) == 0


def test_what_was_convicted_is_known_by_its_content_where_it_comes_again(tmp_path: Path) -> None:
    hand = Hand(tmp_path)
    said = b'{"kind":"outcome","stamp":"2027-07-14T12:00:00Z","base_id":"A"}'
    hand.convict(record(value=b"poison"))
    hand.convict(record("warn.impacts", value=said))
    hand.close()
    hand = Hand(tmp_path)
    assert hand.suspicion(record(offset=99, value=b"poison")) == 1
    assert hand.suspicion(record("warn.impacts", 99, said.replace(b"12:00", b"12:10"))) == 1
    assert hand.suspicion(record("warn.impacts", 99, said.replace(b'"A"', b'"B"'))) == 0
    hand.acquit(record(offset=99, value=b"poison"))
    assert hand.suspicion(record(offset=100, value=b"poison")) == 0, "a later release can take it"


def test_what_is_remembered_has_bounds(tmp_path: Path) -> None:
    hand = Hand(tmp_path)
    for number in range(MOST_CONVICTED + 5):
        hand.convict(record(value=str(number).encode()))
    known = json.loads((tmp_path / "worker.known.json").read_text())
    assert len(known["convicted"]) == MOST_CONVICTED
    assert known["convicted"][-1] == fingerprint_of(record(value=str(MOST_CONVICTED + 4).encode()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ends": 7, "convicted": []}', "\x00", '{"ends":{"x":"y"}}'])
def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker.known.json").write_text(text)
    (tmp_path / "worker.0.hand").write_bytes(b"\xff" * 100)
    hand = Hand(tmp_path)
    assert not hand.suspects
    hand.take(record())
    hand.close()


def test_without_a_folder_that_can_be_written_a_worker_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    hand = Hand(tmp_path / "file")
    hand.take(record())
    hand.lay_down(record())
    assert hand.suspicion(record()) == 0
    hand.close()


def test_a_place_is_topic_partition_and_offset() -> None:
    assert place_of(record()) == "cap.alerts/1@7"


def test_a_suspect_that_somebody_has_gone_past_is_forgotten(tmp_path: Path) -> None:
    """What was handled before the kill, and remembered, does not come again: it would be suspect for ever."""
    ended(tmp_path, "kill")
    hand = Hand(tmp_path)
    assert hand.suspects == {"cap.alerts", "warn.impacts"}
    assert hand.suspicion(record("warn.impacts", 41)) == 0
    assert hand.suspects == {"cap.alerts", "warn.impacts"}, "what comes before it says nothing"
    assert hand.suspicion(record("warn.impacts", 43)) == 0
    assert hand.suspects == {"cap.alerts"}
    hand.close()
    assert Hand(tmp_path).suspects == {"cap.alerts"}
