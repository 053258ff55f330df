"""What FastAPI does not write into the OpenAPI document by itself: problem+json for errors, and the stream's events."""

from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from warnsys.channels.registry import told_record
from warnsys.web.errors import PROBLEM, Problem
from warnsys.web.event_stream import StreamState, event_schemas

_REF = "#/components/schemas/"
_STREAMS = ("/stream", "/stream/all")


def document(app: FastAPI) -> FastAPI:
    """The app, with a document that is complete."""
    write = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(write())  # keeps what it has written
        return app.openapi_schema or {}

    app.openapi = complete  # type: ignore[method-assign]
    return app


def _complete(written: dict[str, Any]) -> None:
    schemas: dict[str, Any] = written["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _add(schemas, "Problem", Problem)
    problem = {PROBLEM: {"schema": {"$ref": f"{_REF}Problem"}}}

    def of(kind: Any) -> dict[str, Any]:
        """Where the schema of a type stands; a union has none of its own."""
        name = kind.__name__ if isinstance(kind, type) else ""
        schema = _add(schemas, name, kind)
        if kind is StreamState:
            schema["properties"]["notices"]["anyOf"][0]["items"] = _add(schemas, "", told_record())
        return {"$ref": f"{_REF}{name}"} if name else schema

    for path, operations in written["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            responses["429"] = {"description": "too many requests: Retry-After says when to ask again"}
            if path.endswith(_STREAMS):
                responses["503"] = {"description": "too many event streams: Retry-After says when to ask again"}
                events = event_schemas(of, public=path.endswith(_STREAMS[0]))
                said = {"description": "The event stream; the schema is that of one event.", "oneOf": events}
                responses["200"]["content"] = {"text/event-stream": {"schema": said}}
            for status, response in responses.items():
                if status.startswith(("4", "5")):
                    response["content"] = problem


def _add(schemas: dict[str, Any], name: str, kind: Any) -> dict[str, Any]:
    """The schema of a type; its parts, and itself under a name, stand among the others then."""
    schema = TypeAdapter(kind).json_schema(ref_template=f"{_REF}{{model}}", mode="serialization")
    for part, said in schema.pop("$defs", {}).items():
        schemas.setdefault(part, said)
    return schemas.setdefault(name, schema) if name else schema
