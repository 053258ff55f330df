"""Starts a process again that ended itself without a commit, or to take new geofences; any other end is the end.

What systemd does in operation (deploy/systemd), for who runs `warnsys up` by hand.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

ENDED_WITHOUT_COMMIT = 70
"""Exit code of the watchdog and of a broker that failed while a record was in hand."""
ENDED_TO_RENEW = 75
"""Exit code where the geofences have a new version."""
PAUSE_S = 1.0

_AGAIN = {ENDED_WITHOUT_COMMIT: "the worker ended without a commit", ENDED_TO_RENEW: "there are new geofences"}


def supervise(command: Sequence[str], pause: Callable[[float], None] = time.sleep) -> int:
    """Run a command until it ends with another exit code than 70 or 75, or was asked to end; give that code.

    Signals to end are passed on.
    """
    asked: list[int] = []
    while True:
        child = subprocess.Popen(command)  # noqa: S603 - our own command line

        def pass_on(number: int, _: object, child: "subprocess.Popen[bytes]" = child) -> None:
            asked.append(number)
            child.send_signal(number)

        before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = child.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if code not in _AGAIN or asked:
            return code
        print(f"{_AGAIN[code]}; it is started again", file=sys.stderr)
        pause(PAUSE_S)


def tell_ready() -> None:
    """To systemd (`Type=notify`), where it started this process: it consumes now."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.send(b"READY=1")
