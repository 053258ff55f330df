"""Writes docs/reference/lifecycle.md from the stories that the tests tell.

python -m tools.docs.lifecycle docs/reference/lifecycle.md
"""

import argparse
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.domain.messages import BOTH, Message, Warned
from tests.domain.stories import STORIES
from tests.domain.story import Late, Look, Story

HEAD = """# A warning's life, in stories

Written by `make docs` from `tests/domain/stories.py`; each story is a test of its name.

A city has two districts, d1 and d2. Minutes count from the story's start. Unless a message says otherwise, it warns
both of heavy rain at level 3, from when it is sent until minute 240. Message O concerns another place; it keeps
snapshots from being empty. *Everybody* is the public and the staff on push and SMS, under the default policy.

What a channel hears is a kind (`warn`, `update`, `lowered`, `ended`) and its reason:

| reason | what has changed since the channel was last told |
|---|---|
| `entered` | nothing had been told of this group in these districts |
| `revived` | it had been withdrawn, and its source lists it again |
| `raised`, `lowered` | the grade: the level, and whether it is a warning or only an advance notice |
| `now a warning` | only advance notices had been told |
| `announced` | an advance notice came beside a warning that goes on |
| `extended`, `shortened` | the end, by more than `retell_after_min`, however many messages it took |
| `begins earlier`, `begins later` | the begin, before it began, by more than `retell_after_min` |
| `cancelled` | it ended: by a Cancel |
| `superseded` | it ended: by an update that does not warn here |
| `withdrawn` | it ended: two complete snapshots lack it |
| `expired` | it ended, earlier than had been told; a planned end is told nobody |

Parallel messages of one group are one event to people: told is the highest level, from the first begin to the last
end at that level. Another event number, certainty or text at the same level changes the screens only.
"""


def page() -> str:
    return "\n".join((HEAD, *(line for story in STORIES for line in _story(story))))


def _story(story: Story) -> Iterator[str]:
    yield from (f"## {story.name.replace('_', ' ').capitalize()}", "", story.tells, "")
    yield from ("| minute | what arrives | what is told | what steles show |", "|---|---|---|---|")
    arrives, told, shown = _arrives(story), _by_minute(story.heard), _by_minute(story.shown)
    for minute in sorted({*arrives, *told, *shown}):
        cells = ("<br>".join(found.get(minute, ())) or "" for found in (arrives, told, shown))
        yield f"| {minute:g} | {' | '.join(cells)} |"
    yield ""
    if story.decided:
        yield f"Operators see: {', '.join(f'`{reason}`' for reason in story.decided)}."
        yield ""
    if story.says:
        yield f"The last push says: {', '.join(f'„{said}“' for said in story.says)}."
        yield ""


def _by_minute(lines: tuple[str, ...]) -> dict[float, list[str]]:
    found: dict[float, list[str]] = {}
    for line in lines:
        minute, _, said = line.partition(" ")
        found.setdefault(float(minute), []).append(said.replace("all:", "everybody:"))
    return found


def _arrives(story: Story) -> dict[float, list[str]]:
    """By minute; of snapshots that say the same as the one before only the first and the last are named."""
    found: dict[float, list[str]] = {}
    several = len(story.sources) > 1
    for _, same in groupby(story.steps, key=lambda step: step if step.news or several else (type(step), _lists(step))):
        run = list(same)
        for step in run if len(run) < 3 else (run[0], run[-1]):
            said = [_message(message) for message in step.news]
            if isinstance(step, Look):
                more = "…, " if len(run) > 2 and step is run[-1] else ""
                of = f" of {step.source}" if several else ""
                said.append(f"{more}snapshot{of}: {step.lists or 'empty'}")
            found.setdefault(step.at, []).extend(said)
    return found


def _lists(step: Look | Late) -> str:
    return step.lists if isinstance(step, Look) else ""


def _message(message: Message) -> str:
    if message.broken:
        return f"**{message.key}**, unreadable"
    said = [f"**{message.key}** {message.msg_type}"]
    if message.replaces:
        said.append(f"of {' and '.join(message.replaces)}")
    if message.status != "Actual":
        said.append(f"(status {message.status})")
    if message.sender != Message("", 0).sender:
        said.append(f"(from {message.sender})")
    return f"{' '.join(said)}: {'; '.join(map(_warned, message.says)) or 'no info'}"


def _warned(said: Warned) -> str:
    usual = Warned()
    where = "elsewhere" if "d9" in said.districts else "" if said.districts == BOTH else " ".join(said.districts)
    parts = (
        "AllClear" if said.all_clear else f"{said.severity}{' advance notice' if said.advance else ''}",
        said.group if said.group != usual.group else "",
        f"II {said.ii}" if said.ii else "",
        where,
        f"from {said.onset:g}" if said.onset is not None else "",
        "open end" if said.until is None else f"until {said.until:g}" if said.until != usual.until else "",
        " and ".join(said.languages) if said.languages != usual.languages else "",
    )
    return ", ".join(part for part in parts if part)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.parse_args().page.write_text(page(), "utf-8")
