"""What a wheel must hold, and must not."""

import zipfile
from pathlib import Path

from tools.wheel import data_files, errors


def wheel(folder: Path, names: set[str]) -> Path:
    path = folder / "warnsys-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(names):
            archive.writestr(name, b"")
    return path


def test_a_wheel_with_all_data_and_nothing_else_is_right(tmp_path: Path) -> None:
    assert errors(wheel(tmp_path, data_files() | {"warnsys/__init__.py", "warnsys-1.dist-info/METADATA"})) == []


def test_a_wheel_that_holds_tests_or_lacks_a_text_is_told(tmp_path: Path) -> None:
    lost = next(name for name in sorted(data_files()) if name.endswith(".ftl"))
    found = errors(wheel(tmp_path, data_files() - {lost} | {"tests/support.py"}))
    assert [line.partition(".whl ")[2] for line in found] == ["holds tests, which is not shipped", f"lacks {lost}"]
