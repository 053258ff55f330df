"""What stands in the audit: every decision with its reason, once; nothing that names a person."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.audit.story import HERE, STAGE, TOPICS, Log, auditor, stop, storm
from tests.support import NOON
from warnsys.audit.entries import Memory, plain_line
from warnsys.records import ChannelPause

PERSON = "Erika Mustermann, 0212 5551234, erika@example.org"


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    notes = auditor()
    return [entry for record in storm().records if (entry := notes.note(record))]


def of(entries: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["what"] == what]


def test_what_was_decided_told_shown_acknowledged_and_stopped_is_there_with_its_reason(
    entries: list[dict[str, Any]],
) -> None:
    counts = Counter(entry["what"] for entry in entries)
    assert counts.keys() == {"decided", "told", "shown", "acknowledged", "stopped"}
    matched = next(entry for entry in of(entries, "decided") if entry["decided"] == "matched")
    assert matched["why"] == "cell 805122000"
    assert matched["warns"][0]["districts"] == {"cell 805122000": [f"solingen-{n}" for n in range(1, 6)]}
    assert all(entry["why"] for entry in entries if entry["what"] in ("decided", "told", "stopped"))
    (acknowledged,) = of(entries, "acknowledged")
    assert (acknowledged["by"], acknowledged["level"]) == ("Leitstelle A", 3)
    assert all(plain_line({"n": 1, **entry}) for entry in entries)


def test_what_a_stop_and_what_a_minimum_held_back_is_said(entries: list[dict[str, Any]]) -> None:
    (stopped,) = of(entries, "stopped")
    assert (stopped["channel"], stopped["why"], stopped["cities"]) == ("sms", "Fehlalarm", ["solingen"])
    later = [entry for entry in of(entries, "decided") if entry["at"] > stopped["at"] and entry["warns"]]
    said = {channel: {entry["channels"][channel] for entry in later} for channel in later[0]["channels"]}
    assert any(word.startswith("held back: stopped until") for word in said["public sms"])
    assert not any("stopped" in word for word in said["public push"])
    before = [entry["channels"].get("public sms", "") for entry in of(entries, "decided") if entry not in later]
    assert not any("stopped" in word for word in before)


def test_what_only_repeats_is_written_once(entries: list[dict[str, Any]]) -> None:
    log = storm()
    notes = auditor()
    first = [entry for record in log.records if (entry := notes.note(record))]
    assert len(first) == len(entries)
    again = Log()
    for record in log.records:
        again.add(record.topic, record.partition, record.at, record.value, record.key)
    ends = Counter(record.line for record in log.records)
    shifted = [
        type(record)(
            **{**{n: getattr(record, n) for n in record.__slots__}, "offset": record.offset + ends[record.line]}
        )
        for record in again.records
    ]
    last = {entry["district"]: entry for entry in first if entry["what"] == "shown"}
    repeated = [entry for record in shifted if record.kind == "impacts" and (entry := notes.note(record))]
    assert repeated == [], "the feed publishes everything again every ten minutes"
    newest = [record for record in shifted if record.kind == "stele"][-len(last) :]
    assert [notes.note(record) for record in newest if record.key in last] == [None] * len(newest)


def test_a_restart_knows_what_was_written(entries: list[dict[str, Any]]) -> None:
    memory = Memory()
    for entry in entries:
        memory.take(entry)
    restarted = auditor(memory)
    assert [restarted.note(record) for record in storm().records if restarted.note(record)] == []


def test_no_text_of_a_message_and_no_bytes_get_in() -> None:
    log = Log()
    for name in (TOPICS.rejected.name, TOPICS.impacts.name, TOPICS.push.name, TOPICS.actions.name):
        log.add(name, HERE, NOON, PERSON.encode(), headers={"agent": "match", "reason": f"sender-foreign: {PERSON}"})
    for record in storm().records:
        if record.value:
            broken = record.value.replace(b'"headline":"', f'"headline":"{PERSON} '.encode())
            broken = broken.replace(b'"body":{"de":"', f'"body":{{"de":"{PERSON} '.encode())
            log.add(record.topic, record.partition, record.at, broken, record.key)
    notes = auditor()
    written = json.dumps([entry for record in log.records if (entry := notes.note(record))], ensure_ascii=False)
    assert '"what": "rejected"' in written
    assert '"what": "unreadable"' in written
    assert '"what": "told"' in written
    for part in ("Mustermann", "5551234", "erika@"):
        assert part not in written


def test_the_newest_order_counts_whatever_order_they_come_in() -> None:
    log, notes = Log(), auditor()
    name = TOPICS.impacts.name
    newer = ChannelPause(
        stage=STAGE, channel="sms", reason="vorbei", until=NOON, by="Leitstelle A", at=NOON + timedelta(minutes=1)
    )
    for order in (newer, stop(NOON, "sms")):
        log.add(name, HERE, NOON, order.to_bytes())
        log.add(name, 1 - HERE, NOON, order.to_bytes())
    found = [entry for record in log.records if (entry := notes.note(record))]
    assert [(entry["what"], entry["why"]) for entry in found] == [("resumed", "vorbei")]


def test_a_record_of_another_stage_is_noted_as_such() -> None:
    log, notes = Log(), auditor()
    foreign = stop(NOON, "sms").model_copy(update={"stage": "live"})
    entry = notes.note(log.add(TOPICS.impacts.name, HERE, NOON, foreign.to_bytes()))
    assert entry is not None
    assert entry["what"] == "unreadable"
