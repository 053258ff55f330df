"""The package stands alone: others can take it as it is."""

import ast
import sys
from pathlib import Path

import warnsys.smpp


def test_it_imports_the_standard_library_and_itself() -> None:
    imported = set[str]()
    for file in Path(warnsys.smpp.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module or "")
    others = {each for each in imported if each.split(".")[0] not in sys.stdlib_module_names}
    assert {each for each in others if not each.startswith("warnsys.smpp")} == set()
