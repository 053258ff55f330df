"""A store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from warnsys.delivery.store import opened_store, store_url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    with opened_store(store_url("", tmp_path / "ledger.db"), "live/gateway") as connection:
        yield connection
