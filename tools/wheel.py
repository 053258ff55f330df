"""Builds the wheel, installs it into an empty environment, and plays the demo from there: `make wheel`.

Exits with 1 where the wheel holds what it should not, lacks a data file, or the demo does not work from it.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHIPPED = ("geofences", "streams", "warnsys")
NOT_DATA = {".py", ".pyc"}


def errors(wheel: Path) -> list[str]:
    """What is wrong with the files of a wheel."""
    names = zipfile.ZipFile(wheel).namelist()
    foreign = {top for name in names if not (top := name.partition("/")[0]).endswith(".dist-info")} - set(SHIPPED)
    found = [f"{wheel.name} holds {top}, which is not shipped" for top in sorted(foreign)]
    return found + [f"{wheel.name} lacks {name}" for name in sorted(data_files() - set(names))]


def data_files() -> set[str]:
    """The files beside the code that the packages need: texts, templates, stories, geofences."""
    command = ["git", "ls-files", "--", *SHIPPED]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    return {name for name in listed if name and Path(name).suffix not in NOT_DATA}


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([str(word) for word in command], cwd=cwd, env=environment, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="warnsys-wheel-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
        (wheel,) = folder.glob("*.whl")
        if found := errors(wheel):
            raise SystemExit("\n".join(found))
        uv = Path(sys.executable).with_name("uv")
        python = folder / "venv/bin/python"
        run(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv")
        run(uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", ROOT / "requirements.lock")
        run(uv, "pip", "install", "--quiet", "--python", python, "--no-deps", wheel)
        summary = folder / "summary.json"
        run(python.with_name("warnsys"), "demo", "--headless", "--json", summary, cwd=folder)
        told = json.loads(summary.read_text("utf-8"))
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, the demo works from it ({', '.join(sorted(told))})")


if __name__ == "__main__":
    main()
