"""The papers of the project hold what they promise to catalogues, hosts and readers."""

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tools.publiccode import disagreements, errors

ROOT = Path(__file__).parents[2]
PUBLICCODE = ROOT / "publiccode.yml"
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def vendored(name: str) -> Any:
    """A schema of the JSON Schema Store as check-jsonschema brings it; the package itself asks for a newer click."""
    spec = find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    return json.loads((Path(spec.origin).parent / "builtin_schemas/vendor" / name).read_text("utf-8"))


def test_publiccode_is_valid_and_agrees_with_the_package() -> None:
    content = yaml.safe_load(PUBLICCODE.read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert list(errors(content)) == []
    assert list(disagreements(content, project)) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"developmentStatus": "nearly"}, "$.developmentStatus"),
        ({"maintenance": {"type": "community"}}, "$.maintenance"),
        ({"url": "git@host:warnsys"}, "$.url"),
        ({"colour": "red"}, "$"),
        ({"localisation": {"localisationReady": True, "availableLanguages": []}}, "$.localisation.availableLanguages"),
    ],
)
def test_publiccode_that_breaks_the_standard_is_told_with_its_place(change: dict[str, Any], place: str) -> None:
    content = yaml.safe_load(PUBLICCODE.read_text("utf-8")) | change
    assert [line.partition(":")[0] for line in errors(content)] == [place]


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        (".github/workflows/ci.yml", "github-workflows.json"),
        (".github/ISSUE_TEMPLATE/config.yml", "github-issue-config.json"),
        (".gitlab-ci.yml", "gitlab-ci.json"),
        ("CITATION.cff", "citation-file-format.json"),
    ],
)
def test_files_for_hosts_follow_their_schemas(file: str, schema: str) -> None:
    content = yaml.safe_load((ROOT / file).read_text("utf-8"))
    content = {"on" if key is True else key: value for key, value in content.items()}  # YAML 1.1 reads `on` as true
    jsonschema.validate(content, vendored(schema))


def test_workflows_and_hooks_run_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for file in (".github/workflows/ci.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml", "CONTRIBUTING.md"):
        assert set(re.findall(r"\bmake ([a-z-]+)", (ROOT / file).read_text("utf-8"))) <= targets, file


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "GOVERNANCE.md"])
def test_what_a_paper_links_to_is_there(name: str) -> None:
    for target in LINK.findall((ROOT / name).read_text("utf-8")):
        assert (ROOT / target).exists(), f"{name} links to {target}"


def test_no_workflow_sets_a_variable_that_the_makefile_takes() -> None:
    taken = set(re.findall(r"^([A-Z]+) \?=", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert "PYTHON" in taken
    for file in (".github/workflows/ci.yml", ".gitlab-ci.yml"):
        assert not taken & set(re.findall(r"\b([A-Z_]+):", (ROOT / file).read_text("utf-8"))), file


def test_an_image_is_built_with_all_files_that_the_package_needs() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "deploy/Containerfile").read_text("utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, *(file.partition("/")[0] for file in project["project"]["license-files"])}
    assert needed <= set(" ".join(copied).split())
