"""Opens the store of a gateway's ledger: one connection, which holds a lock on the gateway's name."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from warnsys.delivery.schema import NewerStoreError, brought_up
from warnsys.settings import SettingsError

KINDS = ("sqlite", "postgresql")
DRIVER = "postgresql+psycopg"


class InUseError(Exception):
    """Another process of this gateway holds the ledger."""


@contextmanager
def opened_store(url: URL, name: str) -> Iterator[Connection]:
    """Gives the connection of the ledger `name`, its tables up to date.

    Raises `InUseError`, and `SettingsError` for a store that cannot be used.
    """
    try:
        if url.get_backend_name() == "sqlite":
            with _locked_file(Path(url.database or "")), _connected(sqlite_engine(url), url) as connection:
                yield _up_to_date(connection)
        else:
            with _postgresql(url, name) as connection:
                yield _up_to_date(connection)
    except NewerStoreError as error:
        raise SettingsError(f"ledger {url}: {error}; bring this process to the newer release") from error


def store_url(ledger: str, default: Path, password: str = "") -> URL:
    """Gives where a ledger is. Raises `SettingsError`."""
    if not ledger:
        return URL.create("sqlite", database=str(default))
    try:
        url = make_url(ledger)
    except ArgumentError as error:
        raise SettingsError(f"ledger {ledger!r} is no address; write sqlite:////folder/name.db") from error
    if url.get_backend_name() not in KINDS or (url.get_backend_name() == "sqlite" and not url.database):
        raise SettingsError(f"ledger {ledger!r}: write sqlite:////folder/name.db or postgresql://user@host/database")
    if url.password:
        raise SettingsError("ledger: take the password out of the address, and give it in the environment")
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername=DRIVER, password=password or None)
    return url


def _up_to_date(connection: Connection) -> Connection:
    brought_up(connection)
    return connection


@contextmanager
def _locked_file(path: Path) -> Iterator[None]:
    """Holds a lock beside a file; the kernel lets go of it with the process."""
    lock = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"ledger {path}: {error.strerror}; name a folder that this user may write") from error
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InUseError(str(lock)) from error
    finally:
        os.close(found)


def sqlite_engine(url: URL) -> Engine:
    """Gives an engine whose transactions are on the disk when they end, changes of tables included."""
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _: object) -> None:
        raw.isolation_level = None  # a transaction begins where we say so
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@contextmanager
def _postgresql(url: URL, name: str) -> Iterator[Connection]:
    """The lock lives as long as its connection, and every transaction is made on that one."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    engine = create_engine(url, poolclass=StaticPool, connect_args={"connect_timeout": 5})
    with _connected(engine, url) as connection:
        held = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one()
        connection.commit()
        if not held:
            raise InUseError(str(url))
        yield connection


@contextmanager
def _connected(engine: Engine, url: URL) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except (SQLAlchemyError, ImportError) as error:
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SettingsError(f"ledger {url}: {why}; name a store that this process may use") from error
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()
