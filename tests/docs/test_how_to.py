"""How to add a channel or a source: the words that the pages name are there, and their examples run."""

import re
from importlib import import_module
from pathlib import Path

HOW_TO = Path(__file__).parents[2] / "docs/how-to"


def test_the_shared_words_that_a_channel_is_told_of_are_there() -> None:
    page = (HOW_TO / "add-a-channel.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z`, ]+`) \| (.*) \|$", page, re.MULTILINE)
    named = {
        module: re.findall(r"`(\w+)`", says) for modules, says in rows for module in modules.strip("`").split("`, `")
    }
    assert {"common", "still", "news", "advice", "wording", "events"} == set(named)
    for module, functions in named.items():
        there = import_module(f"warnsys.channels.{module}")
        assert not [name for name in functions if not hasattr(there, name)], module
