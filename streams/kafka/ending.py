"""Ends this process at once and without a commit, so that its records come again; its supervisor starts it again."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from warnsys.supervisor import ENDED_FOR_NEWER, ENDED_WITHOUT_COMMIT

log = logging.getLogger(__name__)


def end_at_once(reason: str, code: int = ENDED_WITHOUT_COMMIT) -> None:
    """Without clean-up, hence without a commit."""
    log.critical("%s; ending without a commit, exit code %d", reason, code)
    os._exit(code)


def end_for_newer(reason: str) -> None:
    """The same, where a newer release wrote what this one cannot read."""
    end_at_once(reason, ENDED_FOR_NEWER)


@contextmanager
def ended_after(limit_s: float, end: Callable[[str], None], reason: str) -> Iterator[None]:
    """Ends the process unless the context is left in time, also where its thread is blocked."""
    timer = threading.Timer(limit_s, end, (reason,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
