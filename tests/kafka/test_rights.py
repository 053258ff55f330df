"""The table of rights: enough for every process, and none of it too much: without any one of them it refuses to start.

Whole jobs with exactly these rights are done in tests/kafka/test_switch.py and test_every_button.py.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kafka import acl, rights
from streams.kafka import credentials as security
from streams.kafka.admin import Admin
from streams.kafka.topics import Topics
from streams.processes.runtime import broker_of
from tests.kafka.guard import Guard, guarding
from tests.kafka.story import login, settings_of
from warnsys.settings import Settings, SettingsError
from warnsys.simulation.canary import STAGE as CANARY

STAGE = "rights"
TABLE = [(process, rule) for process, rules in acl.rules(Topics(STAGE, 2)).items() for rule in rules]
KNOWN_S = 60.0
"""Within which a broker follows a change of its rules."""


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with guarding(STAGE) as guarded:
        yield guarded


def user(guard: Guard, process: str) -> Settings:
    settings = settings_of(STAGE, guard.kafka.bootstrap, **login(process))
    return settings.model_copy(update={"stage": CANARY}) if process == "canary" else settings


def begin(guard: Guard, process: str) -> None:
    """What it does before all else. Raises `SettingsError`."""
    settings = user(guard, process)
    if process == "admin":
        admin = Admin(guard.kafka.bootstrap, guard.topics, 1, security.for_librdkafka(settings.broker))
        admin.create()
        assert admin.differences() == []
    elif process in ("operator", "reader"):
        rights.check(settings, process)
    else:
        with broker_of(settings, process):
            pass


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("process", "rule"), TABLE, ids=[f"{process}-{'-'.join(rule.operations)}-{rule.name}" for process, rule in TABLE]
)
def test_without_any_one_of_its_rights_a_process_refuses_to_start_and_says_which(
    guard: Guard, process: str, rule: acl.AccessRule
) -> None:
    everything = guard.rules[process]
    guard.only(process, [one for one in everything if one != rule])
    try:
        refused(guard, process, rule.name if process != "canary" else "canary")
    finally:
        guard.only(process, everything)


@pytest.mark.kafka
@pytest.mark.parametrize("process", acl.rules(Topics(STAGE, 2)))
def test_with_its_rights_and_no_others_a_process_starts(guard: Guard, process: str) -> None:
    deadline = time.monotonic() + KNOWN_S
    while (said := refusal(guard, process)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert said == ""


def refused(guard: Guard, process: str, name: str) -> None:
    """In time, by a message with that name."""
    deadline = time.monotonic() + KNOWN_S
    while name not in (said := refusal(guard, process)):
        assert time.monotonic() < deadline, said or "it starts all the same"
        time.sleep(0.1)


def refusal(guard: Guard, process: str) -> str:
    try:
        begin(guard, process)
    except SettingsError as error:
        return str(error)
    return ""


@pytest.mark.kafka
def test_on_a_kafka_without_an_authorizer_everybody_may_do_everything() -> None:
    from tools.local_kafka import LocalKafka

    with LocalKafka() as kafka:
        for process in ("worker", "web", "audit", "feed", "up"):
            with broker_of(settings_of(STAGE, kafka.bootstrap), process):
                pass
        for process in ("operator", "reader"):
            rights.check(settings_of(STAGE, kafka.bootstrap), process)


def test_nobody_but_agents_may_write_what_they_decide_and_the_web_process_writes_orders_alone() -> None:
    topics = Topics(STAGE, 2)
    decided = {topics.push.name, topics.sms.name, topics.stele.name, topics.state.name}
    for process, rules in acl.rules(topics).items():
        written = {rule.name for rule in rules if "Write" in rule.operations}
        if process not in ("worker", "up"):
            assert not written & decided, process
        if process == "web":
            assert written == {topics.actions.name}


def test_the_reference_says_what_the_table_says() -> None:
    from tools.docs import rights as reference

    file = Path(reference.__file__).parents[2] / "docs" / "reference" / "rights.md"
    assert file.read_text("utf-8") == reference.page(), "make docs"
