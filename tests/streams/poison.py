"""What ends a process that tries it, and what does not: for trials, which have to import it."""

import os
import signal
import subprocess
import time


def nothing(*_: object) -> None: ...


def raises() -> None:
    raise ValueError("this the worker meets, too")


def sleeps() -> None:
    print("what is tried may print", flush=True)
    time.sleep(3600)


def is_held_up(seconds: float) -> None:
    subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)


def spins() -> None:
    while True:
        pass


def eats() -> None:
    kept = []
    while True:
        kept.append(bytearray(1024 * 1024 * 1024))


def aborts() -> None:
    os.abort()


def exits() -> None:
    os._exit(0)


def recurses(depth: int = 0) -> int:
    return recurses(depth + 1)
