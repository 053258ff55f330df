"""The log stays readable while a client library repeats itself."""

import logging

from warnsys.logs import Sparing


def said(*lines: tuple[float, str, str]) -> list[str]:
    """What of (seconds, logger, message) comes through."""
    sparing, shown = Sparing(every_s=10), []
    for at, name, message in lines:
        record = logging.LogRecord(name, logging.ERROR, "", 0, "%s", (message,), None)
        record.created = at
        if sparing.filter(record):
            shown.append(record.getMessage())
    return shown


def test_a_library_that_repeats_itself_is_shown_once_in_a_while_and_counted() -> None:
    assert said(
        (0, "aiokafka", "no node 0"), (1, "aiokafka", "no node 1"), (9.9, "aiokafka", "no node 0"),
        (10, "aiokafka", "no node 2"), (20, "aiokafka", "no node 0"),
    ) == ["no node 0", "no node 2 (and 2 more like this)", "no node 0"]  # fmt: skip


def test_something_else_is_shown_at_once() -> None:
    lines = (0, "aiokafka", "no node"), (0, "aiokafka", "no leader"), (0, "streams.kafka.sender", "no node")
    assert said(*lines) == ["no node", "no leader", "no node"]


def test_what_we_say_ourselves_is_never_left_out() -> None:
    assert said((0, "streams.worker.app", "rejected"), (0, "streams.worker.app", "rejected")) == [
        "rejected",
        "rejected",
    ]


def test_only_so_many_different_lines_are_remembered() -> None:
    words = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(600)]
    assert said(*((0, "aiokafka", word) for word in (*words, words[0])))[-2:] == [words[-1], words[0]]
