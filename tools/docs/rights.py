"""Writes docs/reference/rights.md: what each process may do on the broker, and what says so where it may not.

python -m tools.docs.rights docs/reference/rights.md
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from streams.kafka.acl import AccessRule, rules
from streams.kafka.topics import Topics
from warnsys.settings import LIVE

WITHOUT = {
    "admin": "`warnsys topics create` and `check` end with exit code 2",
    "operator": "`warnsys dead-letters …` ends with exit code 2 and names the right",
    "reader": "`warnsys tail …` ends with exit code 2 and names the right of its channel",
}
STARTS = "it refuses to start: exit code 2, and the right with the command that gives it"


def page() -> str:
    return "\n".join(
        (
            "# What each process may do on the broker",
            "",
            "Written by `make docs` from `streams/kafka/acl.py`, for the live stage; `warnsys topics acls` lists it",
            "for any, with `--commands` as calls of Kafka's own tool. Every process is a user of its own. Before it",
            "works, each one asks the broker whether it has all of its rights (`streams/kafka/rights.py`).",
            "",
            "* [Enough](../../tests/kafka/test_every_button.py): feed, two workers, web, audit, canary, operator and",
            "  admin do their whole job as processes, each with exactly these rights.",
            "* [Not too much](../../tests/kafka/test_rights.py): each of these rules is taken out once, and the",
            "  process says so.",
            "",
            "| process | on | operations | why | without it |",
            "|---|---|---|---|---|",
            *_rows(),
            "",
        )
    )


def _rows() -> Iterator[str]:
    for process, its in rules(Topics(LIVE, 4)).items():
        for rule in its:
            without = WITHOUT.get(process, STARTS)
            yield f"| {process} | {_on(rule)} | {', '.join(rule.operations)} | {rule.why} | {without} |"


def _on(rule: AccessRule) -> str:
    return f"{rule.resource} `{rule.name}{'*' if rule.prefixed else ''}`"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.parse_args().file.write_text(page(), "utf-8")
