"""No fault of the server or the content gives a false clear, a crash, or a lost warning."""

from pathlib import Path

import pytest

from tools.docs.fault_table import AFTER, CASES, EARLY, LATE, Row, page, play

PAGE = Path(__file__).parents[2] / "docs/reference/feed-faults.md"
ROWS: dict[str, Row] = {}


async def played(name: str) -> Row:
    if name not in ROWS:
        ROWS[name] = await play(CASES[name])
    return ROWS[name]


def shown(row: Row, minute: int) -> set[tuple[str, ...]]:
    """The keys of the warnings that each stele shows; a revision's name goes on with `~` (docs/adr/0022)."""
    return {tuple(_key(item.base_id) for item in stele.items) for stele in row.steles[minute]}


def _key(base_id: str) -> str:
    return base_id.rpartition(".")[2].partition("~")[0]


def check(row: Row) -> None:
    for minute in range(AFTER + 1):
        assert {stele.status for stele in row.steles[minute]} == {"warned"}, minute
        assert all("A" in keys for keys in shown(row, minute)), minute
    assert shown(row, AFTER) == {("B", "A")}
    assert {stele.freshness for stele in row.steles[AFTER]} == {"fresh"}
    assert row.statuses[AFTER].error == ""
    assert sorted(row.pushed) == ["A", "B"]
    assert all("report it" not in status.error for status in row.statuses.values())


@pytest.mark.parametrize("name", CASES)
async def test_fault_gives_no_false_clear_and_loses_no_warning(name: str) -> None:
    check(await played(name))


@pytest.mark.parametrize("name", CASES)
async def test_feed_that_is_started_again_in_the_fault_gives_no_false_clear_either(name: str) -> None:
    check(await play(CASES[name], restart=True))


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    "name", ["timeless", "odd-time", "fast-clock", "slow-clock", "flapping", "moved", "wrong-type"]
)
async def test_readable_warning_reaches_the_stele_within_two_minutes_whatever_the_servers_time(
    name: str, restart: bool
) -> None:
    row = await play(CASES[name], restart=restart)
    assert shown(row, EARLY) == shown(row, LATE) == {("B", "A")}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.fault or case.gone])
async def test_outage_looks_like_an_outage_within_minutes(name: str) -> None:
    """What brings no new stamp turns stale, unless a fault lets good answers through."""
    row = await played(name)
    stamps = {status.stamp for minute, status in row.statuses.items() if 0 <= minute <= LATE}
    if len(stamps) == 1:
        assert {stele.freshness for stele in row.steles[LATE]} == {"stale"}


def test_there_are_more_than_25_faults() -> None:
    assert len(CASES) > 25


async def test_page_of_faults_is_current() -> None:
    """Write it again with: make docs."""
    assert PAGE.read_text("utf-8") == page({name: await played(name) for name in CASES})
