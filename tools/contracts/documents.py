"""The files of docs/contracts by name: schemas and examples, AsyncAPI of topics and streams, OpenAPI of both sites."""

import tomllib
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from geofences import bundled
from streams.kafka import acl
from tools.contracts import events, samples
from tools.contracts.kinds import ALERT, TOPICS, Kind, kinds
from tools.contracts.schemas import components, draft_7, first_sentence, pretty, published, schema_of
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import Action, AlertHeaders
from warnsys.settings import parse
from warnsys.web.app import operators_site, public_site
from warnsys.web.board import Board
from warnsys.web.site import Site

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
ABOUT = """\
What warnsys reads and writes on Apache Kafka. A stage other than `live` has its name before each topic's
(`demo.warn.stele`) and `"exercise": true` in each notice.

Contracts only grow: ignore fields that you do not know, and expect none that is not required. A field changes its
meaning only with a new `schema_version`. An `id` that you have seen is a repeat of the same notice.

The table is made from the models by `python -m tools.contracts`.
"""


def files() -> dict[str, str]:
    """Text by name."""
    every = kinds()
    headers, message = samples.alert()
    found = {
        "asyncapi.yaml": asyncapi(every),
        "asyncapi-stream.yaml": as_yaml("warnsys event streams", events.ABOUT, **events.parts()),
        "openapi.json": openapi("operators"),
        "openapi-public.json": openapi("public"),
        "schemas/alert-headers.schema.json": pretty(published(AlertHeaders, "alert-headers")),
        "examples/alert-headers.json": pretty(headers),
        "examples/alert.xml": message,
    }
    for kind in every:
        if kind.model:
            found[f"schemas/{kind.slug}.schema.json"] = pretty(published(kind.model, kind.slug))
            found[f"examples/{kind.slug}.json"] = pretty(samples.example(kind.model))
    return found


def asyncapi(every: Iterable[Kind]) -> str:
    """The AsyncAPI 3 document of all topics."""
    every = tuple(every)
    by_topic = {topic: list(found) for topic, found in groupby(every, key=lambda kind: kind.topic)}
    return as_yaml(
        "warnsys",
        ABOUT,
        channels={found[0].address: _channel(topic, found) for topic, found in by_topic.items()},
        operations=_operations([found[0].address for found in by_topic.values()]),
        components={"schemas": components([kind.model for kind in every if kind.model])},
    )


def as_yaml(title: str, about: str, **parts: dict[str, Any]) -> str:
    """An AsyncAPI document of these parts."""
    info = {
        "title": title,
        "version": _version(),
        "description": about,
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }
    document = {"asyncapi": "3.1.0", "info": info, "defaultContentType": "application/json", **parts}
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def openapi(site: str) -> str:
    """The OpenAPI document of the operators' or the public site."""
    settings = parse({"cities": [{"id": "solingen", "name": "Solingen", "geofences": str(bundled("solingen"))}]})
    matcher = matcher_for(settings)
    found = Site(settings, matcher, Board(cities_for(settings, matcher), settings.stage), _nobody)
    document = (operators_site if site == "operators" else public_site)(found).openapi()
    document["info"]["version"] = _version()
    events.show(document)
    return pretty(document)


def _channel(topic: str, found: list[Kind]) -> dict[str, Any]:
    kept = found[0].kept
    return {
        "address": kept.name,
        "description": " · ".join(dict.fromkeys(_about(kind) for kind in found)),
        "messages": {kind.slug: _message(kind) for kind in found},
        "bindings": {
            "kafka": {
                "topic": kept.name,
                "partitions": TOPICS.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact"] if kept.compacted else ["delete"],
                    **({} if kept.compacted else {"retention.ms": kept.retention_h * 3_600_000}),
                    "max.message.bytes": kept.max_bytes,
                },
            }
        },
        **({"x-internal": True} if all(kind.internal for kind in found) else {}),
    }


def _message(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.slug,
        "title": kind.title,
        "summary": _about(kind),
        "contentType": kind.content_type,
        **({"headers": _headers(kind)} if kind.headers else {}),
        "payload": {"$ref": f"#/components/schemas/{kind.model.__name__}"} if kind.model else _bytes(kind),
        "bindings": {"kafka": {"key": {"type": "string", "description": kind.key}}},
        **({"examples": [{"name": kind.slug, "payload": samples.example(kind.model)}]} if kind.model else {}),
    }


def _headers(kind: Kind) -> dict[str, Any]:
    if kind.title == "Alert":
        schema: dict[str, Any] = draft_7(schema_of(AlertHeaders))
        for name, said in ALERT.items():
            schema["properties"][name] = {"type": "string", "description": said}
        return schema
    properties = {
        name: {"type": "string", **({"description": said} if said else {})} for name, said in kind.headers.items()
    }
    return {"type": "object", "properties": properties}


def _bytes(kind: Kind) -> dict[str, Any]:
    return {"type": "null"} if kind.title == "Tombstone" else {"type": "string", "description": kind.about}


def _about(kind: Kind) -> str:
    return kind.about or (first_sentence(kind.model) if kind.model else "")


def _operations(addresses: list[str]) -> dict[str, Any]:
    """Which process writes and reads which topic: the table of rights (`warnsys topics acls`)."""
    found = {}
    for process in ("feed", "worker", "web", "audit", "gateway"):
        allowed = [
            (rule.name, operation)
            for rule in acl.rules(TOPICS)[process]
            if rule.resource == "topic"
            for operation in rule.operations
        ]
        for address in addresses:
            for operation, action in (("Write", "send"), ("Read", "receive")):
                if (address, operation) in allowed:
                    verb = "writes" if action == "send" else "reads"
                    found[f"{process}.{verb}.{address}"] = {
                        "action": action,
                        "channel": {"$ref": f"#/channels/{address}"},
                        "summary": f"The process `{process}` {verb} it.",
                    }
    return found


def _version() -> str:
    return str(tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"])


async def _nobody(action: Action) -> None:
    """No operator is at work here."""


class _Plain(yaml.SafeDumper):
    """Writes what stands in several places each time, without anchors, and texts of several lines as they are."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)
