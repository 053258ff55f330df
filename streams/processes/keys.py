"""Single keys of the terminal, for who watches a demo or a replay."""

import asyncio
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def single_keys(pressed: Callable[[str], object]) -> Iterator[bool]:
    """Calls `pressed` with each key as it is pressed; gives whether there is a terminal at all."""
    if not sys.stdin.isatty():
        yield False
        return
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if key := sys.stdin.read(1):
            pressed(key)
        else:  # the terminal is gone
            loop.remove_reader(descriptor)

    saved = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)
