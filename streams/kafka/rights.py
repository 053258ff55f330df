"""Whether a process may do what it will have to do: asked before it starts, so that nothing fails hours later.

A Kafka says which operations its user may do on a topic or group. Without an authorizer everybody may do everything.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from streams.kafka import credentials as security
from streams.kafka.acl import AccessRule, command, rules
from streams.kafka.topics import Topics, topics_for
from warnsys.settings import Settings, SettingsError

ASK_S = 3
WAIT_S = 40
"""A young broker makes the topic of groups when it is first asked for one, and until then says "soon"."""
AGAIN_S = 0.2
_SOON = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,
)  # fmt: skip
_DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
_GONE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND)


def check(settings: Settings, process: str, *, only: Sequence[str] = ()) -> None:
    """Raises `SettingsError` that names each right which a process lacks, and who gives it; `only` some topics."""
    if settings.broker.embedded:
        return
    topics, bootstrap = topics_for(settings), settings.broker.url.removeprefix("kafka://")
    needed = [rule for rule in rules(topics)[process] if not only or rule.resource != "topic" or rule.name in only]
    user = settings.broker.sasl.username if settings.broker.sasl else process
    lacking = missing(bootstrap, topics, needed, security.for_librdkafka(settings.broker))
    if lacking:
        lines = [
            f"{rule.name}: {user} may not {', '.join(rule.operations)}: {rule.why}; an administrator gives it with: "
            f"{command(bootstrap, user, rule)}"
            for rule in lacking
        ]
        raise SettingsError("\n".join(lines))


def missing(bootstrap: str, topics: Topics, needed: Sequence[AccessRule], login: Mapping[str, Any]) -> list[AccessRule]:
    """The rules that the broker does not keep for this login. Raises `SettingsError` where it does not answer."""
    deadline = time.monotonic() + WAIT_S
    while True:
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, **login})
        try:
            return [rule for rule in needed if not _kept(client, topics, rule)]
        except KafkaException as error:
            if error.args[0].code() not in _SOON or time.monotonic() > deadline:
                raise SettingsError(
                    f"broker.url: no Kafka answers as it should at {bootstrap} ({error.args[0]})"
                ) from error
            time.sleep(AGAIN_S)


def _kept(client: AdminClient, topics: Topics, rule: AccessRule) -> bool:
    """Topics that a rule is to make are none that can be asked about."""
    wanted = {operation.upper() for operation in rule.operations if not (rule.prefixed and operation == "Create")}
    return all(wanted <= found for found in _found(client, topics, rule))


def _found(client: AdminClient, topics: Topics, rule: AccessRule) -> Iterator[set[str]]:
    if rule.resource == "group":
        name = f"{rule.name}x" if rule.prefixed else rule.name
        asked = client.describe_consumer_groups([name], include_authorized_operations=True, request_timeout=ASK_S)
    else:
        named = [topic.name for topic in topics.all() if rule.prefixed and topic.name.startswith(rule.name)]
        collection = TopicCollection(named or [rule.name])
        asked = client.describe_topics(collection, include_authorized_operations=True, request_timeout=ASK_S)
    for future in asked.values():
        try:
            yield {_snake(operation.name) for operation in future.result().authorized_operations or ()}
        except KafkaException as error:
            if error.args[0].code() not in (*_DENIED, *_GONE):
                raise
            yield set()


def _snake(name: str) -> str:
    """As the rules have it: DESCRIBE_CONFIGS is DESCRIBECONFIGS."""
    return name.replace("_", "")
