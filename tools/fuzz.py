"""Fuzzing of what reads bytes from outside: whatever comes, only a `CapError` may leave the readers.

And a message reads as it does when nothing that its languages repeat is left out.

    python -m tools.fuzz cap|bundle --seconds 600 --corpus PATH…

Ends with 0 when the time is over, and with the input that broke it otherwise. Memory is limited to 512 MB.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["warnsys.cap"]):
    from tests.cap.verdict import verdict
    from warnsys.cap import CapError, dwd, read_alert, read_bundle

MEMORY_MB = 512
LARGEST = 300_000


def cap(body: bytes) -> None:
    if verdict(body, whole=False) != verdict(body, whole=True):
        raise AssertionError("read otherwise than as a whole")
    try:
        alert = read_alert(body)
    except CapError:
        return
    list(dwd.findings(alert))
    dwd.base_id(alert)
    dwd.is_test(alert)


def bundle(content: bytes) -> None:
    try:
        for member in read_bundle(content):
            member.stem  # noqa: B018 - a property
    except CapError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {"cap": cap, "bundle": bundle}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description="Fuzz a reader")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--corpus", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
    with tempfile.TemporaryDirectory(prefix="warnsys-fuzz-") as folder:
        for number, seed in enumerate(_seeds(given.corpus, given.target)):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        options = [
            f"-artifact_prefix={Path(tempfile.gettempdir())}/",
            f"-max_total_time={given.seconds}",
            "-rss_limit_mb=0",  # it counts what the process was before it became this one
            f"-max_len={LARGEST}",
            "-timeout=10",
        ]
        atheris.Setup([sys.argv[0], *options, folder], TARGETS[given.target])
        atheris.Fuzz()


def _seeds(paths: list[Path], target: str) -> list[bytes]:
    """The ZIPs for the bundle; for the messages everything else, and what the ZIPs hold."""
    found = []
    for path in sorted(file for given in paths for file in given.rglob("*") if file.is_file()):
        content = path.read_bytes()
        packed = content.startswith(b"PK")
        if target == "bundle":
            found += [content] if packed else []
        elif packed:
            found += [member.body for member in read_bundle(content)]
        elif path.suffix in (".xml", ".cap"):
            found.append(content)
    return found


if __name__ == "__main__":
    main()
