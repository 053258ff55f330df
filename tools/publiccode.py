"""Checks publiccode.yml: `python -m tools.publiccode`. The standard's own parser needs Go and the network.

Says on stderr what is wrong, each with its place, and ends with 1. An address that is still a placeholder is told, too,
but is no error before the project is published.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

ROOT = Path(__file__).parents[1]
SCHEMA = Path(__file__).with_name("publiccode.schema.json")


def errors(content: Any) -> Iterator[str]:
    """What is wrong with a publiccode.yml, a line each."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for error in sorted(checker.iter_errors(content), key=lambda one: one.json_path):
        yield f"{error.json_path}: {error.message}"


def disagreements(content: dict[str, Any], project: dict[str, Any]) -> Iterator[str]:
    """Where publiccode.yml says something else than pyproject.toml."""
    if content["softwareVersion"] != project["version"]:
        yield f"$.softwareVersion: {content['softwareVersion']}, but pyproject.toml has {project['version']}"
    if content["legal"]["license"] not in project["license"].split(" AND "):
        yield f"$.legal.license: {content['legal']['license']}, but pyproject.toml has {project['license']}"


def main() -> int:
    content = yaml.safe_load((ROOT / "publiccode.yml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = list(errors(content)) or list(disagreements(content, project))
    for line in found:
        print(f"publiccode.yml: {line}", file=sys.stderr)
    if ".invalid/" in content.get("url", ""):
        print("publiccode.yml: $.url is a placeholder until the repository has a public address", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
