"""Writes docs/reference/rights.md: what each process may do on the broker, and what happens without a right.

python -m tools.docs.rights docs/reference/rights.md
"""

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from streams.kafka.acl import AccessRule, rules
from streams.kafka.topics import Topics
from warnsys.settings import LIVE

DOES = {
    "feed": "polls the sources and publishes what it finds",
    "worker": "runs the agents `match` and `settle`",
    "web": "serves the pages and the API, and publishes the operators' orders",
    "audit": "writes down what was decided, told and ordered",
    "gateway": "brings the notices of a channel to their receivers",
    "up": "is feed, worker, web and audit in one process",
    "reader": "reads the channels: a stele, an app's server, `warnsys tail`",
    "canary": "sends an exercise message the whole way",
    "operator": "uses `warnsys dead-letters`",
    "admin": "uses `warnsys topics`",
}
"""What each process does, as the rest of a sentence that begins with its name."""
WITHOUT = {
    "admin": "Without one of these rights `warnsys topics create` and `check` end with exit code 2.",
    "operator": "Without one of these rights `warnsys dead-letters …` ends with exit code 2 and names the right.",
    "reader": "Without the right on its channel `warnsys tail …` ends with exit code 2 and names the right.",
}
"""What happens without a right, where no process refuses to start."""


HEAD = """\
# What each process may do on the broker

Every process is a user of its own, with exactly the rights of its table. Before it works, each process asks the broker
whether it has all of them. Without any one it refuses to start: it ends with exit code 2, and names the right and the
command that gives it. `warnsys topics acls` lists the rights for your settings, and `warnsys topics acls --commands`
prints the calls of Kafka's own tool that give them.

| process | does |
|---|---|
{index}

The tables are for the live stage. *All topics* are
{topics}.

`make docs` writes this page from `streams/kafka/acl.py`. Two tests hold it:

* [The rights are enough](../../tests/kafka/test_every_button.py): the processes do their whole job with exactly these.
* [None is too much](../../tests/kafka/test_rights.py): each right is taken away once, and the process says so.
"""


def page() -> str:
    """Gives the page: an index of the processes, then a table of rights for each."""
    topics = Topics(LIVE, 4)
    table = rules(topics)
    index = "\n".join(f"| [{process}](#{process}) | {DOES[process]} |" for process in table)
    head = HEAD.format(index=index, topics=textwrap.fill(", ".join(_code(_names(topics))), 118))
    return head + "".join(f"{line}\n" for process, its in table.items() for line in _section(process, its, topics))


def _section(process: str, its: Sequence[AccessRule], topics: Topics) -> Iterator[str]:
    """Gives a process's part of the page. Rights for the same reason share a row."""
    yield from ("", f"## {process}", "")
    if process in WITHOUT:
        yield from (WITHOUT[process], "")
    yield from ("| on | operations | why |", "|---|---|---|")
    rows: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for rule in its:
        name = f"{rule.name}{'*' if rule.prefixed else ''}"
        rows.setdefault((rule.resource, rule.operations, rule.why), []).append(name)
    lines = [
        f"| {_on(resource, names, topics)} | {', '.join(operations)} | {why} |"
        for (resource, operations, why), names in rows.items()
    ]
    yield from sorted(lines, key=lambda line: not line.startswith("| all topics"))


def _on(resource: str, names: Sequence[str], topics: Topics) -> str:
    """Names what the operations are allowed on; says "all topics" for the list at the top of the page."""
    known = _names(topics)
    if set(names) == set(known):
        return "all topics"
    ordered = sorted(names, key=lambda name: known.index(name) if name in known else 0)
    return f"{resource}{'s' if len(names) > 1 else ''} {', '.join(_code(ordered))}"


def _names(topics: Topics) -> list[str]:
    return [topic.name for topic in topics.all()]


def _code(names: Sequence[str]) -> list[str]:
    return [f"`{name}`" for name in names]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.parse_args().file.write_text(page(), "utf-8")
