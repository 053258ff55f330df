"""Holds events against what an OpenAPI document says of them."""

import json
from typing import Any

import jsonschema

STREAM, EVERYTHING = "/api/v1/stream", "/api/v1/stream/all"
Event = dict[str, Any]


def content_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    """What the document says of a stream."""
    found: dict[str, Any] = document["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
    return found


def names_of(document: dict[str, Any], path: str) -> set[str]:
    return {one["properties"]["event"]["const"] for one in content_of(document, path)["schema"]["oneOf"]}


def check_event(document: dict[str, Any], path: str, event: Event) -> None:
    """Raises jsonschema's `ValidationError`. An event's `data` is text."""
    schema, parts = content_of(document, path)["schema"], {"components": document["components"]}
    jsonschema.Draft202012Validator({**parts, **schema}).validate(event)
    (said,) = [one for one in schema["oneOf"] if one["properties"]["event"]["const"] == event["event"]]
    carried = {**parts, **said["properties"]["data"]["contentSchema"]}
    jsonschema.Draft202012Validator.check_schema(carried)
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(carried, format_checker=checker).validate(json.loads(event["data"]))
