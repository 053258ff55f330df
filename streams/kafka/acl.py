"""What each process must be allowed on the broker, and nothing beyond: the table that operators give to Kafka.

Every process is a user of its own. A feed that was broken into can then write nonsense onto `cap.alerts`, where it is
checked, but no push. Before they start, processes look at all topics of the stage (`streams/kafka/admin.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.kafka.topics import Topic, Topics, gateway_group

SEE = ("Describe", "DescribeConfigs")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Operations in Kafka's words; Read and Write allow Describe, too."""

    resource: str
    """`topic`, `group` or `cluster`."""
    name: str
    operations: tuple[str, ...]
    why: str
    prefixed: bool = False
    """Whether `name` is the beginning of many names."""


def rules(topics: Topics) -> dict[str, tuple[AccessRule, ...]]:
    """By process. `up` is feed, worker, web and audit in one; a `reader` is what tails or serves the channels."""
    worker = (
        *_topics(SEE, topics.all(), "looks at all topics before it starts"),
        *_topics(("Read",), topics.inputs, "the agents' inputs"),
        AccessRule("group", f"warnsys-{topics.stage}", ("Read",), "the agents share and commit their inputs"),
        *_topics(("Read",), [topics.state], "restores what it remembers"),
        *_topics(("Read",), [topics.actions], "what operators stop and resume"),
        *_topics(
            ("Write",),
            [topics.impacts, topics.state, *topics.channels.values(), topics.rejected, topics.actions],
            "what the agents say, also of stops",
        ),
    )
    feed = (
        *_topics(SEE, topics.all(), "looks at all topics before it starts"),
        *_topics(("Write",), [*topics.messages, topics.status], "what it found, and when it looked"),
    )
    shown = [*topics.inputs, *topics.read_by("web"), topics.rejected, topics.status, topics.actions]
    web = (
        *_topics(SEE, topics.all(), "looks at all topics before it starts"),
        *_topics(("Read",), shown, "what its pages show"),
        *_topics(("Write",), [topics.actions], "what operators acknowledge and stop"),
        AccessRule("group", f"warnsys-{topics.stage}", ("Describe",), "how far the agents are behind"),
    )
    audited = [topics.impacts, *topics.read_by("audit"), topics.rejected, topics.actions]
    audit = (
        *_topics(SEE, topics.all(), "looks at all topics before it starts"),
        *_topics(("Read",), audited, "what it writes down"),
        *_topics(("Write",), [topics.actions], "anchors its newest hash"),
    )
    gateway = (
        *_topics(SEE, topics.all(), "looks at all topics before it starts"),
        *_topics(("Read",), topics.read_by("gateway"), "the notices that it brings to receivers"),
        AccessRule("group", gateway_group(topics), ("Read",), "commits what its ledger has", prefixed=True),
        *_topics(("Read",), [topics.actions], "what operators stop and resume"),
        *_topics(("Write",), [topics.delivery, topics.gateways], "what became of each notice, and how it is itself"),
    )
    return {
        "feed": feed,
        "worker": worker,
        "web": web,
        "audit": audit,
        "gateway": gateway,
        "up": _once((*worker, *feed, *web, *audit)),
        "reader": (
            *_topics(("Read",), [*topics.read_by("reader"), topics.status], "shows or passes on"),
            AccessRule(
                "group", "warnsys-tail-", ("Read",), "warnsys tail has a group of its own each time", prefixed=True
            ),
        ),
        "canary": (
            AccessRule(
                "topic", "canary", ("Read", "Write", "Create", *SEE), "an exercise in stages of its own", prefixed=True
            ),
            AccessRule("group", "warnsys-canary", ("Read",), "its own agents", prefixed=True),
        ),
        "operator": (
            *_topics(("Read",), [topics.rejected, topics.impacts], "warnsys dead-letters: what was refused, and since"),
            *_topics(("Write",), topics.inputs, "warnsys dead-letters retry puts it back"),
            AccessRule("group", f"warnsys-{topics.stage}", ("Describe",), "and sees when it was handled"),
        ),
        "admin": _topics(("Create", *SEE), topics.all(), "warnsys topics create, check, describe"),
    }


def command(bootstrap: str, process: str, rule: AccessRule) -> str:
    """How to give it with Kafka's own tool; the user is called as the process."""
    operations = " ".join(f"--operation {operation}" for operation in rule.operations)
    pattern = " --resource-pattern-type prefixed" if rule.prefixed else ""
    return (
        f"kafka-acls.sh --bootstrap-server {bootstrap} --add --allow-principal User:{process} "
        f"{operations} --{rule.resource} {rule.name}{pattern}"
    )


def _once(found: Sequence[AccessRule]) -> tuple[AccessRule, ...]:
    """What several processes need for reasons of their own, once; who may read a group may describe it."""
    each = {(rule.resource, rule.name, rule.operations, rule.prefixed): rule for rule in reversed(found)}
    read = {(rule.resource, rule.name) for rule in found if "Read" in rule.operations}
    return tuple(
        rule for rule in each.values() if rule.operations != ("Describe",) or (rule.resource, rule.name) not in read
    )


def _topics(operations: tuple[str, ...], topics: Sequence[Topic], why: str) -> tuple[AccessRule, ...]:
    return tuple(AccessRule("topic", topic.name, operations, why) for topic in topics)
