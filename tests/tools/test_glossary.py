"""The glossary is true: what it names in code is there, and every double name has its row in the plan."""

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

from tools.double_names import complaints, doubles, modules, planned

TEXT = (Path(__file__).parents[2] / "docs/reference/glossary.md").read_text("utf-8")
TERMS, PLAN = TEXT.split("# The plan of renaming")
NAMES = sorted(set(re.findall(r"`((?:warnsys|streams|geofences)(?:\.\w+)+)`", TERMS)))


@pytest.mark.parametrize("name", NAMES)
def test_what_the_glossary_names_in_code_is_there(name: str) -> None:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        reduce(_attribute, parts[end:], module)
        return
    pytest.fail(f"no module of {name}")


def _attribute(owner: object, name: str) -> object:
    """A member, or a field that only instances have."""
    fields = {**getattr(owner, "model_fields", {}), **getattr(owner, "__annotations__", {})}
    return fields[name] if name in fields else getattr(owner, name)


def test_every_term_has_five_cells_and_stands_once() -> None:
    rows = [line.split("|")[1:-1] for line in TERMS.splitlines() if line.startswith("| ") and "---" not in line]
    assert all(len(row) == 5 for row in rows)
    terms = [row[0].strip() for row in rows if row[0].strip() != "term"]
    assert sorted(set(terms)) == sorted(terms)


def test_no_name_stands_for_two_things_unless_the_plan_says_so() -> None:
    assert list(complaints(doubles(modules()), planned(PLAN))) == []
    assert planned(TERMS) == set()
