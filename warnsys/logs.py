"""What the log shows: what client libraries say many times a second while a broker is away, only once in a while.

aiokafka alone writes 170 lines a second then: a duty officer would not find ours among them.
"""

import logging
import re
import sys

LIBRARIES = ("aiokafka", "faust", "mode", "streams.kafka.sender")
"""Loggers that speak for a library; librdkafka's lines come through `streams.kafka.sender`."""
EVERY_S = 10.0
MOST_KEPT = 500
_NUMBER = re.compile(r"\d+")


class Sparing(logging.Filter):
    """Of lines that differ in numbers only, lets one through each `every_s`; that one says how many were left out."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        super().__init__()
        self._every_s = every_s
        self._said: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(LIBRARIES):
            return True
        text = record.getMessage()
        kind = record.name, record.levelno, _NUMBER.sub("0", text)
        at, left_out = self._said.get(kind, (float("-inf"), 0))
        if record.created - at < self._every_s:
            self._said[kind] = at, left_out + 1
            return False
        if len(self._said) >= MOST_KEPT:
            self._said.clear()
        self._said[kind] = record.created, 0
        if left_out:
            record.msg, record.args = f"{text} (and {left_out} more like this)", None
        return True


def log_to_stderr(level: str) -> None:
    """For commands; where something logs already, that stays as it is."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing())
    line = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=level.upper(), format=line, handlers=[handler])
