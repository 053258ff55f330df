"""What only real messages and boundaries hold is told, with the test that holds the same rule in a bare clone."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/how-to/test.md"
REAL = {"corpus", "geodata"}


def test_each_test_over_real_files_alone_has_a_twin_in_the_table() -> None:
    trees = [ast.parse(file.read_text("utf-8")) for file in TESTS.rglob("test_*.py")]
    functions = [
        node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    asked = {one.name: {argument.arg for argument in one.args.args} & REAL for one in functions}
    fixtures = [one.name for one in functions if "fixture" in "".join(map(ast.unparse, one.decorator_list))]
    assert not any(asked[name] for name in fixtures), "a fixture has to have messages of our own, too"
    rows = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `test_")]
    twins = {row[1].strip(" `"): row[2].split("`")[1::2] for row in rows}
    assert set(twins) == {name for name in asked if name.startswith("test_") and asked[name]}
    for name, found in twins.items():
        assert found, name
        assert all(asked.get(twin) == set() for twin in found), name
