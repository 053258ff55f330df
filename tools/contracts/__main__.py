"""`python -m tools.contracts` writes docs/contracts; with `--check` it only says what differs, and ends with 1."""

import argparse
import sys
from pathlib import Path

from tools.contracts.documents import files

FOLDER = Path(__file__).parents[2] / "docs/contracts"
BY_HAND = ("README.md",)


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """What a folder has otherwise than the models say, a line each."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - set(BY_HAND)
    found = [f"{name}: no record has it any more" for name in present - wanted.keys()]
    found += [f"{name}: missing" for name in wanted.keys() - present]
    found += [
        f"{name}: differs from the models"
        for name in wanted.keys() & present
        if (folder / name).read_text("utf-8") != wanted[name]
    ]
    return sorted(found)


def write(folder: Path, wanted: dict[str, str]) -> None:
    """Make the folder's files those that are wanted, and remove the others."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in {*wanted, *BY_HAND}:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 where a file differs")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args(arguments)
    wanted = files()
    if not chosen.check:
        write(chosen.folder, wanted)
        return 0
    found = differences(chosen.folder, wanted)
    for line in found:
        print(f"docs/contracts/{line}", file=sys.stderr)
    if found:
        print(
            "the contracts drifted from the models: run `python -m tools.contracts` and look at them", file=sys.stderr
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
