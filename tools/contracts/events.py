"""The event streams of the web process: the parts of their AsyncAPI document, and examples for OpenAPI."""

import json
from typing import Any, get_args

from tools.contracts import samples
from tools.contracts.schemas import components
from warnsys.channels.registry import told_record
from warnsys.web.event_stream import EVENT_ID, RETRY_MS, StreamEvent, StreamState, stream_events

ABOUT = """\
What the web process of warnsys tells by Server-Sent Events. Each message is one event: `headers` are its fields beside
`data`, and `payload` is what `data` holds as JSON.

A stream begins with `hello`. An id belongs to the process that sent it (EPOCH-NUMBER): a reader that comes to another
one with it in `Last-Event-ID` is told `reload`, with the state. Take the state of `hello` and `reload` if there is one,
and tell each notice once, by its `id`. Contracts only grow: ignore events and fields that you do not know.

The table is made from the models by `python -m tools.contracts`.
"""
STREAMS = {
    "public": ("/api/v1/stream", "What everybody may hear."),
    "operators": ("/api/v1/stream/all", "What operators hear: everything. On the operators' site alone, signed in."),
}
DISTRICT = {"type": "string", "maxLength": 100, "description": "What concerns one district alone, by its id"}


def parts() -> dict[str, dict[str, Any]]:
    """Channels, operations and components."""
    return {
        "channels": {
            name: {
                "address": address,
                "description": about,
                "messages": {one.name: _message(one) for one in stream_events() if one.public or name != "public"},
            }
            for name, (address, about) in STREAMS.items()
        },
        "operations": {f"web.tells.{name}": _operation(name) for name in STREAMS},
        "components": {"schemas": _schemas()},
    }


def _operation(name: str) -> dict[str, Any]:
    query = {"query": {"type": "object", "properties": {"district": DISTRICT}}} if name == "public" else {}
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": "The process `web` tells it to whoever asks.",
        "bindings": {"http": {"method": "GET", **query, "bindingVersion": "0.3.0"}},
    }


def _message(one: StreamEvent) -> dict[str, Any]:
    named = {"id": EVENT_ID, "retry": {"type": "integer", "const": RETRY_MS}} if one.numbered else {}
    return {
        "name": one.name,
        "title": one.name,
        "summary": one.about,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["event", *(["id"] if one.numbered else [])],
            "properties": {"event": {"type": "string", "const": one.name}, **named},
        },
        "payload": _payload(one.carries),
        "examples": [_example(one)],
    }


def _payload(carries: Any) -> dict[str, Any]:
    kinds = [carries] if isinstance(carries, type) else get_args(carries)
    found = [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in kinds]
    return {"type": "object"} if not found else found[0] if len(found) == 1 else {"anyOf": found}


def _schemas() -> dict[str, Any]:
    kinds = [one.carries for one in stream_events() if one.carries]
    models = [model for kind in kinds for model in ([kind] if isinstance(kind, type) else get_args(kind))]
    found = components(models)
    found[StreamState.__name__]["properties"]["notices"]["anyOf"][0]["items"] = _payload(told_record())
    found.pop("ChangeNotice")  # what stands in its place are its kinds
    return found


def _example(one: StreamEvent) -> dict[str, Any]:
    number, data = samples.events()[one.name]
    named = {"id": number, "retry": RETRY_MS} if one.numbered else {}
    return {"name": one.name, "headers": {"event": one.name, **named}, "payload": json.loads(data)}


def show(document: dict[str, Any]) -> None:
    """Put an example of each event into an OpenAPI document, where its newest version describes a stream."""
    for address, _ in STREAMS.values():
        if path := document["paths"].get(address):
            content = path["get"]["responses"]["200"]["content"]["text/event-stream"]
            known = {schema["properties"]["event"]["const"] for schema in content["schema"]["oneOf"]}
            content["examples"] = {
                name: {"value": {"event": name, **({"id": number} if number else {}), "data": data}}
                for name, (number, data) in samples.events().items()
                if name in known
            }
