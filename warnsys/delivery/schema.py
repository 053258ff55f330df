"""The tables of a ledger, and how a store of an earlier release becomes one of this: a function a step.

The store says which step it is at. Each step and its number are one transaction, and whoever takes steps holds the lock
on the ledger (`store.py`), so a kill between two leaves a store that the next start takes on.
"""

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    update,
)

tables = MetaData()
Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts only a key of this type up by itself."""

version = Table("warnsys_schema", tables, Column("version", Integer, nullable=False))
notices = Table(
    "notices",
    tables,
    Column("number", Number, primary_key=True),
    Column("gateway", String(100), nullable=False),
    Column("notice", String(100), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("appended", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("whole", Boolean, nullable=False),
    Index("notice_once", "gateway", "notice", unique=True),
)
"""What was taken from the topic, as it stood there; times in seconds since 1970.

It is `whole` once all its deliveries are there."""
deliveries = Table(
    "deliveries",
    tables,
    Column("number", Number, primary_key=True),
    Column("gateway", String(100), nullable=False),
    Column("notice", Number, ForeignKey(notices.c.number, ondelete="CASCADE"), nullable=False),
    Column("target", String(100), nullable=False),
    Column("recipient", String(500), nullable=False),
    Column("line", String(1000), nullable=False),
    Column("state", String(20), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("doubtful", Boolean, nullable=False),
    Column("receipt", String(500), nullable=False),
    Column("code", String(100), nullable=False),
    Column("why", String(1000), nullable=False),
    Column("at", Float, nullable=False),
    Index("delivery_once", "notice", "target", "recipient", unique=True),
    Index("delivery_by_state", "gateway", "state"),
    Index("delivery_by_line", "gateway", "target", "line"),
    Index("delivery_by_receipt", "gateway", "target", "receipt"),
)
"""`receipt` is the receiver's name for what it accepted; `why` may name a person, and stays here."""


def _first(connection: Connection) -> None:
    tables.create_all(connection)
    connection.execute(insert(version).values(version=0))


STEPS: tuple[Callable[[Connection], None], ...] = (_first,)
"""One for each change of the tables, the oldest first. A release adds its own at the end and changes none."""


class NewerStoreError(Exception):
    """A newer release has changed the tables."""


def brought_up(connection: Connection, steps: tuple[Callable[[Connection], None], ...] = STEPS) -> None:
    """Takes the steps that a store lacks. Raises `NewerStoreError`."""
    at = 0
    if inspect(connection).has_table(version.name):
        at = connection.execute(select(version.c.version)).scalar_one()
    connection.rollback()
    if at > len(steps):
        raise NewerStoreError(f"its tables are those of step {at}, this release knows {len(steps)}")
    for number, step in enumerate(steps[at:], at + 1):
        with connection.begin():
            step(connection)
            connection.execute(update(version).values(version=number))
