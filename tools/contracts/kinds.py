"""What stands on which topic: the table that everything in docs/contracts is made of."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from streams.kafka.topics import Topic, Topics
from warnsys.channels.registry import Channel, channels
from warnsys.records import (
    VERSION,
    AlertHeaders,
    DeliveryCounts,
    FeedStatus,
    GatewayStatus,
    Snapshot,
    read_action,
    read_impact_record,
)

TOPICS = Topics("live", 12)
"""As the default settings have them; a stage other than `live` has its name before each topic's."""

TRAIL = {
    "trail": "What the record passed and when, `name=seconds since 1970` or `name+seconds`, by semicolons",
    "published_at": "When the feed published the message, seconds since 1970",
}
NOTICE = {
    "id": "The notice's id, as in the record",
    "stage": "`live`, or the name of an exercise",
    "covers": "Offset of `warn.impacts` that the record covers: it only grows, less than what you hold came late",
}


@dataclass(frozen=True)
class Kind:
    """One kind of record on one topic. Without a model the value is bytes."""

    topic: str
    """The name of a channel, or of a property of `streams.kafka.topics.Topics`."""
    key: str
    """What the record's key is."""
    model: type[BaseModel] | None = None
    name: str = ""
    """By default the model's."""
    about: str = ""
    """By default the model's first line."""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    """Description by name; all values are UTF-8 text."""
    internal: bool = False
    """Whether nobody but warnsys reads it; it may change with each release."""

    @property
    def title(self) -> str:
        return self.name or (self.model.__name__ if self.model else "")

    @property
    def slug(self) -> str:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", self.title).lower()

    @property
    def address(self) -> str:
        return self.kept.name

    @property
    def kept(self) -> Topic:
        """As the broker has it."""
        found: Topic = TOPICS.channels.get(self.topic) or getattr(TOPICS, self.topic)
        return found


def members(read: Callable[[bytes], Any]) -> tuple[type[BaseModel], ...]:
    """The records that a reader gives, in the order of its union."""
    return get_args(get_type_hints(read)["return"])


ALERT = {**TRAIL, VERSION: "Which release's form the headers have, as `schema_version` of records"}
"""What a CAP message has beside the fields of `AlertHeaders`."""


def _of_channel(one: Channel) -> Iterator[Kind]:
    yield Kind(one.name, one.key, one.record, headers={**NOTICE, **TRAIL})
    if one.topic.compacted:
        yield Kind(
            one.name, one.key, name="Tombstone", content_type="application/octet-stream",
            about="No value: the geofences no longer have the district.", headers={"stage": "", "covers": ""},
        )  # fmt: skip


def kinds() -> tuple[Kind, ...]:
    """All kinds of records, by topic."""
    cap: dict[str, Any] = {
        "key": "the message's id as snapshots list it",
        "name": "Alert",
        "about": "A CAP message as its author wrote it. OASIS Common Alerting Protocol 1.1 or 1.2, XML.",
        "content_type": "application/cap+xml",
        "headers": {**dict.fromkeys(AlertHeaders.model_fields, ""), **ALERT},
    }
    refused = {
        "agent": "`match` or `settle`: who could not take it",
        "reason": "A stable code, the place, and what was found there",
        "topic": "Where the record had stood",
        "partition": "and on which partition",
        "offset": "and at which offset",
        "history": "After a retry: the earlier refusals as a JSON list, oldest first",
    }
    done = "the record's own: kind, city and what it is about"
    return (
        Kind("alerts", **cap),
        Kind("alerts", "source", Snapshot, headers={"kind": "`snapshot`", "stage": "", "source": ""}),
        Kind("extreme", **cap),
        *(Kind("impacts", "empty", model, headers=TRAIL) for model in members(read_impact_record)),
        *(kind for one in channels() for kind in _of_channel(one)),
        Kind(
            "rejected", "the message's id, else the record's key", name="Rejected",
            about="What an agent could not take: the bytes as they came, with the headers that they came with.",
            content_type="application/octet-stream", headers=refused,
        ),
        Kind("status", "source", FeedStatus),
        Kind(
            "state", "number/writer", name="ChangeSet", internal=True,
            about="What an agent remembers: the entries that changed, a line each, as `[path, value]`.",
            content_type="application/x-ndjson",
            headers={
                "after": "The key of the record before it",
                "tail": "The number of the first record that is needed",
                **dict.fromkeys(("covers", "covers_at", "covers_log"), ""),
            },
        ),
        Kind(
            "state", "`claim`", name="Claim", internal=True, about="Which process has begun to read.",
            content_type="application/octet-stream",
        ),
        *(Kind("actions", done, model) for model in members(read_action)),
        Kind("delivery", "`id|gateway|target`", DeliveryCounts),
        Kind("gateways", "the gateway's name", GatewayStatus),
    )  # fmt: skip
