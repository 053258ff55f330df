"""Starts a process again whose end nobody asked for, later each time; an end that was asked for is the end.

What systemd does in operation (deploy/systemd), for who runs `warnsys up` by hand.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

ENDED_WITHOUT_COMMIT = 70
"""Exit code of the watchdog and of a broker that failed while a record was in hand."""
ENDED_TO_RENEW = 75
"""Exit code where the geofences have a new version."""
ENDED_FOR_NEWER = 76
"""Exit code where a newer release wrote what this one cannot read."""
REFUSED = 2
"""Exit code for settings or arguments that cannot be used."""
PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
LIVED_S = 60.0
"""Who lived so long is started again at once, and not later each time."""

_WHY = {
    ENDED_WITHOUT_COMMIT: "the worker ended without a commit",
    ENDED_TO_RENEW: "there are new geofences",
    ENDED_FOR_NEWER: "a newer release writes what this one cannot read",
}


def supervise(
    command: Sequence[str],
    pause: Callable[[float], object] | None = None,
    now: Callable[[], float] = time.monotonic,
) -> int:
    """Run a command until it ends with 0, was asked to end, or is refused at its first start; give its exit code.

    Signals to end are passed on, and end a pause.
    """
    asked = threading.Event()
    pause, wait, first = pause or asked.wait, PAUSE_S, True
    while True:
        began = now()
        child = subprocess.Popen(command)  # noqa: S603 - our own command line

        def pass_on(number: int, _: object, child: "subprocess.Popen[bytes]" = child) -> None:
            asked.set()
            child.send_signal(number)

        before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = child.wait()
            if code == 0 or asked.is_set() or (first and code == REFUSED):
                return code
            wait = PAUSE_S if first or now() - began >= LIVED_S else min(2 * wait, LONGEST_PAUSE_S)
            first = False
            why = _WHY.get(code, f"it was killed by signal {-code}" if code < 0 else f"it failed with exit code {code}")
            print(f"{why}; it is started again in {wait:g} s", file=sys.stderr)
            pause(wait)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if asked.is_set():
            return code


def tell_ready() -> None:
    """To systemd (`Type=notify`), where it started this process: it consumes now."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.send(b"READY=1")
