"""One real Kafka for all tests here; what each test writes has a stage, hence topics and groups, of its own."""

from collections.abc import Iterator

import pytest

from tools.local_kafka import LocalKafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """A broker that no test kills; where one dies, the test starts its own."""
    with LocalKafka() as broker:
        yield broker
