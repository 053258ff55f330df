"""What is remembered over an end, on SQLite and on PostgreSQL."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection, select, text

from tests.delivery.notices import T0, arrival, dispatch, names, push, stele
from tests.programs import installed
from tools.local_kafka import free_ports
from warnsys.delivery import schema
from warnsys.delivery.ledger import KEPT_S
from warnsys.delivery.store import InUseError, opened_store, store_url
from warnsys.delivery.target import Accepted, Declined, Unanswered
from warnsys.settings import SettingsError


def test_what_was_in_flight_at_the_end_may_have_arrived_and_is_sent_again(store: Connection) -> None:
    first = dispatch(store)
    first.take([arrival(push("a")), arrival(push("b", group="WIND"))], T0)
    (in_flight,) = first.next("them", T0)[:1]
    again = dispatch(store)
    again.restore(T0)
    found = {each.notice.id: each for each in again.branches["them"].outbox.all()}
    assert found[in_flight.notice.id].doubtful
    assert sorted(names(again.next("them", T0))) == ["a", "b"]


def test_a_notice_that_comes_again_is_taken_once(store: Connection) -> None:
    first = dispatch(store)
    first.take([arrival(push("a")), arrival(push("a"))], T0)
    first.answered("them", [(one, Accepted()) for one in first.next("them", T0)], T0)
    again = dispatch(store)
    again.restore(T0)
    again.take([arrival(push("a"))], T0)
    assert again.next("them", T0) == []


def test_a_notice_that_was_written_down_in_part_is_written_down_as_a_whole_when_it_comes_again(
    store: Connection,
) -> None:
    recipients = ("anna", "bert", "carl")
    first = dispatch(store, recipients=recipients)
    first.portion = 2
    assert first.take_some([arrival(push("a"))], T0) == 1
    again = dispatch(store, recipients=recipients)
    again.restore(T0)
    again.take([arrival(push("a"))], T0)
    assert [each.recipient for each in again.next("them", T0)] == ["anna", "bert", "carl"]
    again.take([arrival(push("a"))], T0)
    assert again.next("them", T0) == []


def test_only_those_are_told_whom_a_notice_is_for(store: Connection) -> None:
    found = dispatch(store, audiences=("staff",), cities=("solingen",))
    found.take([arrival(push("public")), arrival(push("elsewhere", audience="staff", city="haan"))], T0)
    found.take([arrival(push("ours", audience="staff")), arrival(push("exercise", audience="staff", stage="ü"))], T0)
    assert names(found.next("them", T0)) == ["ours"]


def test_counts_name_nobody_and_say_what_became_of_each(store: Connection) -> None:
    found = dispatch(store, recipients=("anna@example.org", "bert@example.org", "carl@example.org"))
    found.take([arrival(push("a", ttl_s=60))], T0)
    one, two, three = found.next("them", T0)
    why = "550 <anna@example.org>: user unknown"
    found.answered("them", [(one, Declined("smtp_550", why, permanent=True)), (two, Accepted("x"))], T0 + 1)
    found.answered("them", [(three, Unanswered("timeout"))], T0 + 2)
    _, (counts,) = found.news()
    assert (counts.failed, counts.accepted, counts.waiting, counts.calls) == (1, 1, 1, 3)
    assert "example.org" not in counts.to_bytes().decode().replace("https://example.org", "")
    found.next("them", T0 + 60)
    _, (counts,) = found.news()
    assert (counts.unknown, counts.waiting) == (1, 0)
    assert found.news() == (set(), [])


def test_a_receipt_says_what_became_of_what_was_accepted(store: Connection) -> None:
    found = dispatch(store)
    found.take([arrival(push("a"))], T0)
    found.answered("them", [(found.next("them", T0)[0], Accepted("r1"))], T0)
    assert found.ledger.receive("them", "r1", "delivered", T0 + 5)
    assert not found.ledger.receive("them", "r2", "delivered", T0 + 5)
    found.untold({"a"})
    _, (counts,) = found.news()
    assert (counts.delivered, counts.accepted) == (1, 0)


def test_of_a_stele_only_the_newest_record_is_kept(store: Connection) -> None:
    found = dispatch(store, channel="stele")
    for minute in range(5):
        found.take([arrival(stele(f"s{minute}", at=60 * minute))], T0 + 60 * minute)
        if minute % 2 == 0:
            found.answered("them", [(one, Accepted()) for one in found.next("them", T0 + 60 * minute)], T0)
    assert store.execute(select(schema.notices.c.notice)).scalars().all() == ["s4"]
    store.rollback()
    _, counts = found.news()
    assert {one.key for one in counts} == {"solingen/mitte|gateway|them"}


def test_what_was_over_long_ago_is_forgotten(store: Connection) -> None:
    found = dispatch(store)
    found.take([arrival(push("a"))], T0)
    found.ledger.forget(T0 + KEPT_S)
    assert len(found.ledger.restore()) == 1
    found.ledger.forget(T0 + KEPT_S + 3601)
    assert found.ledger.restore() == []
    assert store.execute(select(schema.deliveries)).all() == []
    store.rollback()


def test_deliveries_of_a_target_that_the_settings_no_longer_have_are_stopped(store: Connection) -> None:
    found = dispatch(store)
    found.take([arrival(push("a"))], T0)
    again = dispatch(store)
    again.branches = {}
    again.restore(T0)
    _, (counts,) = again.news()
    assert counts.stopped == 1


def test_a_second_process_of_a_gateway_does_not_get_its_ledger(tmp_path: Path) -> None:
    url = store_url("", tmp_path / "ledger.db")
    with opened_store(url, "live/gateway"), pytest.raises(InUseError), opened_store(url, "live/gateway"):
        pass
    with opened_store(url, "live/gateway"):
        pass


def test_a_store_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    url = store_url("", tmp_path / "ledger.db")
    with opened_store(url, "x") as store, store.begin():
        store.execute(schema.version.update().values(version=99))
    with (
        pytest.raises(SettingsError, match=r"step 99.*bring this process to the newer"),
        opened_store(url, "x"),
    ):
        pass


def test_a_step_that_fails_leaves_the_tables_as_they_were(store: Connection) -> None:
    def second(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE more (x INTEGER)"))
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        schema.brought_up(store, (*schema.STEPS, second))
    assert store.execute(text("SELECT name FROM sqlite_master WHERE name = 'more'")).all() == []
    assert store.execute(select(schema.version.c.version)).scalar_one() == 1
    store.rollback()


@pytest.mark.parametrize("wrong", ["mysql://x/y", "sqlite://", "nonsense", "postgresql://a:secret@host/b"])
def test_an_address_that_is_no_ledger_is_refused_and_no_password_quoted(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ledger") as refused:
        store_url(wrong, tmp_path / "x")
    assert "secret" not in str(refused.value)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of a database server of its own; as root it runs as the user `postgres`.

    Its folder is not one of pytest's, whose parents only their owner may enter.
    """
    with TemporaryDirectory(prefix="warnsys-postgresql-") as name:
        yield from _postgresql(Path(name))


def _postgresql(folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    as_them = {"user": "postgres"} if os.geteuid() == 0 else {}
    if as_them:
        shutil.chown(folder, "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [installed(program) or program, *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **as_them)  # type: ignore[call-overload]  # run() has no overload for keywords in a dict

    run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "warnsys", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", str(folder / "data"), "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://warnsys@127.0.0.1:{port}/postgres"
    run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")


@pytest.mark.needs("postgres", "initdb")
def test_postgresql_remembers_and_locks_as_sqlite_does(postgresql: str, tmp_path: Path) -> None:
    url = store_url(postgresql, tmp_path / "x")
    with opened_store(url, "live/gateway") as store:
        first = dispatch(store)
        first.take([arrival(push("a")), arrival(push("b", group="WIND"))], T0)
        (one, two) = first.next("them", T0)
        first.answered("them", [(one, Accepted("r1"))], T0)
        with pytest.raises(InUseError), opened_store(url, "live/gateway"):
            pass
        with opened_store(url, "live/another"):
            pass
    with opened_store(url, "live/gateway") as store:
        again = dispatch(store)
        again.restore(T0)
        assert names(again.next("them", T0)) == [two.notice.id]
        assert again.ledger.receive("them", "r1", "delivered", T0)
