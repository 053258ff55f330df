"""Writes the index of decisions with their dates: `make docs`. The dates come from the history of the files."""

import re
import subprocess
import sys
from pathlib import Path

HEAD = """# Decisions

Each page tells one decision that binds others: its context, the decision itself, and its consequences. A new one takes
the next number, and `python -m tools.docs.adr_index docs/adr` writes this list again.

| no. | decision | status | decided |
|---|---|---|---|
"""
TOCTREE = """
```{toctree}
:hidden:
:glob:

0*
```
"""


def decided(page: Path) -> str:
    """The day on which a page was first committed; empty before that."""
    command = ["git", "log", "--follow", "--format=%as", "--", page.name]
    days = subprocess.run(command, cwd=page.parent, check=True, capture_output=True, text=True).stdout.split()
    return days[-1] if days else ""


def row(page: Path) -> str:
    """One line of the index."""
    text = page.read_text("utf-8")
    title = re.search(r"^# (\d+)\. (.+)$", text, re.MULTILINE)
    status = re.search(r"^Status: ([^\n(,;.]+)", text, re.MULTILINE)
    if title is None or status is None:
        raise SystemExit(f"{page}: needs a first line '# N. Title' and a line 'Status: …'")
    return f"| {title[1]} | [{title[2]}]({page.name}) | {status[1].strip()} | {decided(page)} |\n"


def index(folder: Path) -> str:
    """The whole page."""
    return HEAD + "".join(row(page) for page in sorted(folder.glob("[0-9]*.md"))) + TOCTREE


if __name__ == "__main__":
    (Path(sys.argv[1]) / "index.md").write_text(index(Path(sys.argv[1])), "utf-8")
