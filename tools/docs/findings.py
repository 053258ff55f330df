"""Writes docs/reference/findings.md: every code, and what is found in the tests' oddities and in the corpus.

python -m tools.docs.findings docs/reference/findings.md --corpus ../shared/corpus
"""

import argparse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.cap.oddities import ODDITIES
from warnsys.cap.codes import CODES
from warnsys.check import Checked, check, check_content

COST = (
    "What a check costs after its start, by `python -m benchmarks parse` on two cores (medians of 60, processor",
    "time): 3.1 ms for the DWD's largest message here (264 kB, eight languages), which is 12 ms a MB; 7.5 ms for the",
    "outlines of a coast, 8,250 points (143 kB, 52 ms a MB); every file above 1 kB takes less than that a MB, and the",
    "smallest, of 492 bytes, 0.05 ms. Reading the DWD's message whole takes 2.3 times what bare lxml takes for a tree.",
)
NOW = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


def page(corpus: Path) -> str:
    return "\n".join(
        (
            "# What a message can be found to be",
            "",
            "Written by `make docs` from the code. `warnsys check FILE…` says the same of any file.",
            "",
            "| code | level | meaning | what to do |",
            "|---|---|---|---|",
            *(f"| `{code}` | {known.level} | {known.meaning} | {known.remedy} |" for code, known in CODES.items()),
            "",
            "A *rejected* message is not taken, and its bytes go to `warn.rejected`; *mended* is wrong in form only,",
            "*new* unknown to us, *noted* right and worth knowing: all three are taken.",
            "",
            "## Oddities, each made up",
            "",
            *_told((odd.name, one) for odd in ODDITIES for one in check_content("", odd.body, NOW)),
            "",
            "## Real messages",
            "",
            *_table((_name(one.file, corpus), one) for one in check(corpus, NOW)),
            "",
            *COST,
            "",
        )
    )


def _name(file: str, corpus: Path) -> str:
    """Without the folder; of a ZIP's member its own name."""
    return file.removeprefix(f"{corpus}/").rpartition(".zip/")[2]


def _told(rows: Iterable[tuple[str, Checked]]) -> Iterator[str]:
    yield "| oddity | verdict | codes | what is said, and where |"
    yield "|---|---|---|---|"
    for name, one in rows:
        said = "<br>".join(f"`{found.xpath}` {_plain(found.text)}" for found in one.findings)
        yield f"| {name} | {one.verdict} | {_codes(one)} | {said or '–'} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _codes(one: Checked) -> str:
    return ", ".join(f"`{code}`" for code in dict.fromkeys(found.code for found in one.findings)) or "–"


def _table(rows: Iterable[tuple[str, Checked]]) -> Iterator[str]:
    yield "| file | verdict | codes |"
    yield "|---|---|---|"
    for name, one in rows:
        yield f"| {name} | {one.verdict} | {_codes(one)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/reference/findings.md")
    parser.add_argument("file", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.file.write_text(page(arguments.corpus), "utf-8")


if __name__ == "__main__":
    main()
