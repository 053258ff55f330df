"""JSON Schemas of the models, as what stands on a topic has to be read.

They allow what a reader must allow: fields that it does not know, and none where a field has a default. The docstring
under a field becomes its description.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A schema by itself (JSON Schema 2020-12), with the parts that it refers to under `$defs`."""
    schema = model.model_json_schema(mode="validation")
    parts = {part.__name__: part for part in _parts(model)}
    for name, definition in (*schema.get("$defs", {}).items(), (model.__name__, schema)):
        if name in parts:
            _describe(definition, parts[name])
    return schema


def published(model: type[BaseModel], slug: str) -> dict[str, Any]:
    """The schema with its name, to be used as a file."""
    return {"$schema": DRAFT, "$id": f"urn:warnsys:schema:{slug}", **schema_of(model)}


def draft_7(schema: Any) -> Any:
    """The same for AsyncAPI, whose own form is draft 7: parts are shared, and a tuple's items are written otherwise."""
    if isinstance(schema, list):
        return [draft_7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: draft_7(value) for key, value in schema.items() if key not in ("$defs", "discriminator")}
    if isinstance(reference := found.get("$ref"), str):
        found["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    return found


def components(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """All models and their parts, once each."""
    found: dict[str, Any] = {}
    for model in models:
        schema = schema_of(model)
        for name, part in (*schema.get("$defs", {}).items(), (model.__name__, schema)):
            said = draft_7(part)
            if found.setdefault(name, said) != said:
                raise ValueError(f"two models are called {name}; rename one, or the contracts mix them up")
    return dict(sorted(found.items()))


def first_sentence(model: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0].split())


def _parts(model: type[BaseModel], found: set[type[BaseModel]] | None = None) -> set[type[BaseModel]]:
    """A model with all models inside it."""
    found = set() if found is None else found
    if model not in found:
        found.add(model)
        for inner in model.model_fields.values():
            for each in _models_in(inner.annotation):
                _parts(each, found)
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def _describe(definition: dict[str, Any], model: type[BaseModel]) -> None:
    """Put the docstrings of fields into a definition, and leave out fields that never travel."""
    properties = definition.get("properties", {})
    for name, inner in model.model_fields.items():
        if inner.exclude:
            properties.pop(name, None)
    for owner in reversed(model.__mro__):
        if owner is not BaseModel and issubclass(owner, BaseModel):
            for name, said in _field_docstrings(owner).items():
                if name in properties:
                    properties[name].setdefault("description", said)
    if "description" in definition:
        definition["description"] = " ".join(definition["description"].split())


@cache
def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """By field: pydantic reads them only where `use_attribute_docstrings` is set, which the models leave."""
    (written,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    body = written.body if isinstance(written, ast.ClassDef) else []
    return {
        before.target.id: " ".join(after.value.value.split())
        for before, after in pairwise(body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
