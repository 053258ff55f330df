"""A Kafka that lets a user for each process do what its rules say, and nothing else; a rule may be taken out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streams.kafka import acl
from streams.kafka import credentials as security
from streams.kafka.admin import Admin
from streams.kafka.topics import Topics
from tests.kafka.story import login, settings_of
from tools.local_kafka import LocalKafka

AUTHORIZED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",  # who comes through the internal listener
}
OPERATIONS = {
    "Create": AclOperation.CREATE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}


def binding(process: str, rule: acl.AccessRule, operation: str) -> AclBinding:
    kind = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}[rule.resource]
    pattern = ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL
    who = f"User:{process}"
    return AclBinding(kind, rule.name, pattern, who, "*", OPERATIONS[operation], AclPermissionType.ALLOW)


@dataclass
class Guard:
    """Its broker and the stage's topics, and who may do what there."""

    kafka: LocalKafka
    topics: Topics

    def __post_init__(self) -> None:
        self._root = AdminClient({"bootstrap.servers": self.kafka.internal})
        self.rules = acl.rules(self.topics)

    def allow(self, process: str, rules: Sequence[acl.AccessRule]) -> None:
        wanted = [binding(process, rule, operation) for rule in rules for operation in rule.operations]
        for future in self._root.create_acls(wanted).values() if wanted else ():
            future.result(60)

    def only(self, process: str, rules: Sequence[acl.AccessRule]) -> None:
        """Whatever it was allowed before: these alone."""
        anything: Any = None  # which the stubs do not know
        everything = AclBindingFilter(
            ResourceType.ANY, anything, ResourcePatternType.ANY, f"User:{process}", anything, AclOperation.ANY,
            AclPermissionType.ANY,
        )  # fmt: skip
        for future in self._root.delete_acls([everything]).values():
            future.result(60)
        self.allow(process, rules)


@contextmanager
def guarding(stage: str, partitions: int = 2) -> Iterator[Guard]:
    """SASL/PLAIN, every process with its rules, and the stage's topics as the administrator made them."""
    topics = Topics(stage, partitions)
    users = " ".join(f'user_{process}="{process}-secret"' for process in acl.rules(topics))
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    secured = {
        **AUTHORIZED,
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listener.name.client.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": f"{module} required {users};",
    }
    with LocalKafka(properties=secured) as kafka:
        guard = Guard(kafka, topics)
        for process, rules in guard.rules.items():
            guard.allow(process, rules)
        admin = settings_of(stage, kafka.bootstrap, **login("admin"))
        Admin(kafka.bootstrap, topics, 1, security.for_librdkafka(admin.broker)).create()
        yield guard
