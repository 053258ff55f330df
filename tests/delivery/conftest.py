"""A store and a clock for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.delivery.notices import T0
from warnsys.delivery.store import opened_store, store_url


class Clock:
    now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    with opened_store(store_url("", tmp_path / "ledger.db"), "live/gateway") as connection:
        yield connection
