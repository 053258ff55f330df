"""Message centres that are not ours: npm's `smpp` and Maven's `jsmpp`, each a process on a free port.

What they need is fetched into the user's cache once.
"""

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.smpp.fake import CARRIER
from tools.local_kafka import FETCH, filled_beside, free_ports
from warnsys.smpp import Carrier, Ids

CENTRES = Path(__file__).parent / "centres"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warnsys"
START_S = 60.0
BUSY_S = 30.0
"""How long a centre may take on a busy machine: nothing here waits for an answer that does not come."""
READY = "Listening on port"
"""What each centre says then. A connection that only looks is a client to it, for which jsmpp waits half a minute."""
GUARD = '"$@" & child=$!; read -r _; kill -9 "$child"'
"""Ends the centre when its input closes: at the end of a test, and also when the tests die."""


@dataclass(frozen=True)
class Real:
    """A running centre."""

    carrier: Carrier
    kill: Callable[[], None]
    heard: Callable[[], list[dict[str, Any]]] | None = None
    """What it read; None for one that does not tell."""


@contextmanager
def node(folder: Path, *, tls: bool = False) -> Iterator[Real]:
    modules = fetched("smpp-centre-node-0.5.1", _with_npm)
    (port,) = free_ports(1)
    file = folder / "heard"
    file.touch()
    arguments = [str(port), str(file), *(_certificate(folder) if tls else ())]
    command = ["node", str(CENTRES / "centre.js"), *arguments]
    with _running(command, folder, {"NODE_PATH": str(modules / "node_modules")}) as kill:
        context = ssl.create_default_context(cafile=str(folder / "cert.pem")) if tls else None
        yield Real(
            replace(CARRIER, port=port, tls=context, answer_s=BUSY_S),
            kill,
            lambda: [json.loads(line) for line in file.read_text("utf-8").splitlines()],
        )


@contextmanager
def jsmpp(folder: Path) -> Iterator[Real]:
    jars = fetched("smpp-centre-jsmpp-3.0.1", _with_maven)
    (port,) = free_ports(1)
    settings = {"simulator.port": str(port), "client.systemId": "warnsys", "client.password": "secret"}
    defined = [f"-Djsmpp.{key}={value}" for key, value in settings.items()]
    command = ["java", "-Xmx64m", *defined, "-cp", f"{jars}/*", "org.jsmpp.examples.SMPPServerSimulator"]
    with _running(command, folder, {}) as kill:
        yield Real(replace(CARRIER, port=port, ids=Ids.HEX_DECIMAL, answer_s=BUSY_S), kill)


@contextmanager
def _running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    assert shutil.which(command[0]), f"there is no {command[0]} here, and CI=true wants it; .ci/run installs it"
    with (folder / "console.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *command],
            stdin=subprocess.PIPE, stdout=log, stderr=log, env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while READY not in (said := (folder / "console.log").read_text("utf-8", "replace")):
            assert time.monotonic() < deadline, (
                f"{command[0]} does not listen after {START_S:g} s; it says:\n{said[-1_000:]}"
            )
            time.sleep(0.1)
        yield lambda: _end(process)
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.communicate()


def fetched(name: str, fetch: Callable[[Path], None]) -> Path:
    """A folder of the cache, filled at first use; another process may do the same meanwhile."""
    folder = CACHE / name
    if not folder.is_dir():
        with filled_beside(folder) as fresh:
            fetch(fresh)
    return folder


def _with_npm(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CENTRES / name, folder)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))


def _with_maven(folder: Path) -> None:
    _run(
        "mvn",
        "-B",
        "-q",
        "-f",
        str(CENTRES / "pom.xml"),
        FETCH,
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder}",
    )


def _certificate(folder: Path) -> tuple[str, str]:
    key, certificate = str(folder / "key.pem"), str(folder / "cert.pem")
    _run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=centre"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
        *("-keyout", key, "-out", certificate),
    )
    return key, certificate


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:3])} … failed: {(done.stdout + done.stderr)[-2_000:]}"
