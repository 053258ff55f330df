"""A real Kafka on this machine, for tests and for trying out: one KRaft broker or three, on free ports.

Its jars come from Maven Central once, into the user's cache (deploy/kafka/pom.xml names them); it needs Java and Maven,
and no container engine. Each broker is a process of its own that can be killed, stopped and started again on its port
and data. All are ended with the context, and also when this process dies.

    with LocalKafka() as kafka:
        AdminClient({"bootstrap.servers": kafka.bootstrap})
"""

import argparse
import base64
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

VERSION = "4.3.1"
POM = Path(__file__).parent.parent / "deploy" / "kafka" / "pom.xml"
JAVA = 17
HEAP = "-Xmx512m"
START_S = 60.0
"""On two cores one broker needs 3 s; three of them beside other work much longer."""
STOP_S = 30.0
ASK_EVERY_S = 0.1
SESSION_MS = "4000"
"""A killed broker can register again only after that: with the default, 9 s, its start takes 13 s instead of 7."""
QUOTED_LINES = 15
PORTS = range(15_000, 32_000)
"""Below those that systems give to outgoing connections, so that a stopped broker's port stays free."""
LISTENERS = "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
FETCH = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class KafkaUnavailable(RuntimeError):
    """No Kafka can be started here; the message says what is missing and what to do."""


class LocalKafka:
    """Brokers that run as long as the context; the node id of each is its number, from 0.

    `bootstrap` is the clients' address, `host:port[,…]`; `internal` that of a second listener, which stays without
    login when `properties` secure the first one (its name is CLIENT): tests see to topics and ACLs there.
    Data and logs (`broker-0/console.log`) lie in `folder`; a temporary one is made and removed where none is given.
    """

    def __init__(
        self,
        brokers: int = 1,
        folder: Path | None = None,
        properties: Mapping[str, str] = {},
        *,
        port: int | None = None,
    ) -> None:
        self._given, self._properties = folder, dict(properties)
        first, *others = free_ports(3 * brokers)
        ports = [port or first, *others]
        self._clients = [f"127.0.0.1:{ports[i]}" for i in range(brokers)]
        self._internals = [f"127.0.0.1:{ports[brokers + i]}" for i in range(brokers)]
        self._controllers = [f"127.0.0.1:{ports[2 * brokers + i]}" for i in range(brokers)]
        self.bootstrap, self.internal = ",".join(self._clients), ",".join(self._internals)
        self._processes: dict[int, _Process] = {}

    def __enter__(self) -> Self:
        self._java, self._jars = _java(), jars()
        with ExitStack() as stack:
            if self._given is None:
                temporary = TemporaryDirectory(prefix="warnsys-kafka-", ignore_cleanup_errors=True)
                self.folder = Path(stack.enter_context(temporary))
            else:
                self.folder = self._given
            stack.callback(self._end)
            self._format()
            for i in range(len(self._clients)):
                self._launch(i)
            for i in range(len(self._clients)):
                self._wait(i, set(range(len(self._clients))))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def kill(self, i: int = 0) -> None:
        """SIGKILL: what was not on its disk is gone."""
        self._processes.pop(i).end(signal.SIGKILL)

    def stop(self, i: int = 0) -> None:
        """SIGTERM: it hands its partitions over first."""
        self._processes.pop(i).end(signal.SIGTERM)

    def start(self, i: int = 0) -> None:
        """Again on its port and data; returns when it answers."""
        if i in self._processes:
            raise ValueError(f"broker {i} is running; kill or stop it first")
        self._launch(i)
        self._wait(i, {i})

    @property
    def running(self) -> list[int]:
        """The brokers that were not killed or stopped."""
        return sorted(self._processes)

    def pid(self, i: int = 0) -> int:
        return self._processes[i].pid

    def wait(self, i: int = 0) -> int:
        """Returns the exit code once a broker has ended by itself."""
        return self._processes[i].wait()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _home(self, i: int) -> Path:
        return self.folder / f"broker-{i}"

    def _format(self) -> None:
        """Each broker's folder, in which its properties lie and its data will."""
        cluster = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        tools = []
        for i in range(len(self._clients)):
            home = self._home(i)
            home.mkdir(parents=True, exist_ok=True)
            (home / "log4j2.properties").write_text(LOGGING, "utf-8")
            lines = [f"{key}={value}" for key, value in self._settings(i).items()]
            (home / "server.properties").write_text("\n".join(lines) + "\n", "utf-8")
            tools.append(self._run(i, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", "server.properties"))
        for i, tool in enumerate(tools):
            if tool.wait() != 0:
                raise KafkaUnavailable(f"broker {i}: its folder could not be formatted{self._quoted(i)}")

    def _settings(self, i: int) -> dict[str, str]:
        copies = str(min(3, len(self._clients)))
        in_sync = "2" if copies == "3" else "1"
        listeners = f"CLIENT://{self._clients[i]},INTERNAL://{self._internals[i]}"
        return {
            "process.roles": "broker,controller",
            "node.id": str(i),
            "controller.quorum.voters": ",".join(f"{n}@{at}" for n, at in enumerate(self._controllers)),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{listeners},CONTROLLER://{self._controllers[i]}",
            "advertised.listeners": listeners,
            "inter.broker.listener.name": "INTERNAL",
            "listener.security.protocol.map": LISTENERS,
            "log.dirs": str(self._home(i).resolve() / "data"),
            "auto.create.topics.enable": "false",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": SESSION_MS,
            "group.initial.rebalance.delay.ms": "0",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            **self._properties,
        }

    def _run(self, i: int, *command: str) -> subprocess.Popen[bytes]:
        """A class of Kafka's in a broker's folder, in a session of its own: Ctrl-C here is not meant for it."""
        home = self._home(i)
        logging = f"-Dlog4j2.configurationFile={home.resolve() / 'log4j2.properties'}"
        java = [self._java, HEAP, logging, "-cp", str(self._jars / "*"), *command]
        with (home / "console.log").open("ab") as log:
            return subprocess.Popen(
                java, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _launch(self, i: int) -> None:
        leftovers = () if self._given else (self.folder,)
        self._processes[i] = _Process(self._run(i, "kafka.Kafka", "server.properties"), *leftovers)

    def _wait(self, i: int, expected: set[int]) -> None:
        """Returns when a broker answers and knows of those that are expected."""
        quiet: dict[str, Any] = {"bootstrap.servers": self._internals[i], "log_level": 0, "logger": _Silent()}
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if (code := self._processes[i].code) is not None:
                raise KafkaUnavailable(f"broker {i} ended with {code} while it started{self._quoted(i)}")
            admin = AdminClient(quiet)
            try:
                if expected <= set(admin.list_topics(timeout=1).brokers):
                    return
            except KafkaException:
                pass
            time.sleep(ASK_EVERY_S)
        raise KafkaUnavailable(f"broker {i} did not answer within {START_S:g} s{self._quoted(i)}")

    def _quoted(self, i: int) -> str:
        lines = (self._home(i) / "console.log").read_text("utf-8", "replace").splitlines()[-QUOTED_LINES:]
        return "; its log ends:\n" + "\n".join(f"  {line}" for line in lines)

    def _end(self) -> None:
        for process in self._processes.values():
            process.end(signal.SIGKILL)
        self._processes.clear()


class _Process:
    """A broker and its guard, which waits on a pipe from here: when that closes without a word, this process died."""

    GUARD = 'read -r _ || { kill -9 "$0"; sleep 1; rm -rf "$@"; }'

    def __init__(self, process: subprocess.Popen[bytes], *leftovers: Path) -> None:
        self._process, self.pid = process, process.pid
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", self.GUARD, str(process.pid), *map(str, leftovers)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def wait(self) -> int:
        return self._process.wait()

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.communicate(b"\n")


class _Silent:
    """Of a broker that does not answer yet librdkafka says so each time."""

    def log(self, *_: object) -> None: ...


def jars() -> Path:
    """The folder of Kafka's jars; fetched where they are not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warnsys"
    folder = cache / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable(f"Kafka {VERSION} is fetched through Maven, and there is no mvn: install Maven 3")
    if not POM.is_file():
        raise KafkaUnavailable(f"{POM.name} is missing beside streams/: run this from a checkout of the project")
    print(f"fetching Kafka {VERSION} through Maven into {folder} (44 MB, once) …", file=sys.stderr, flush=True)
    with filled_beside(folder) as fresh:
        command = [maven, "-B", "-q", "-f", str(POM), FETCH, "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()[-QUOTED_LINES:])
            raise KafkaUnavailable(
                f"Maven could not fetch Kafka {VERSION}; check the way to Maven Central (~/.m2/settings.xml):\n{said}"
            )
    return folder


@contextmanager
def filled_beside(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the name of `folder` at the end, unless another process was faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield fresh
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    remedy = f"install Java {JAVA} or later (Debian: openjdk-{JAVA}-jre-headless), or set JAVA_HOME to one"
    if java is None:
        raise KafkaUnavailable(f"Kafka {VERSION} needs Java, and there is no java: {remedy}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA:
        raise KafkaUnavailable(f"Kafka {VERSION} needs Java {JAVA}; {java} says {said.splitlines()[:1]}: {remedy}")
    return java


def free_ports(count: int) -> list[int]:
    free: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise KafkaUnavailable(f"no {count} free ports between {PORTS.start} and {PORTS.stop} on 127.0.0.1")


def main() -> None:
    """One broker in the foreground until Ctrl-C or SIGTERM, for hands-on use."""
    parser = argparse.ArgumentParser(prog="python -m tools.local_kafka", description=main.__doc__)
    parser.add_argument("--port", type=int, default=9092)
    port = parser.parse_args().port
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with LocalKafka(port=port) as kafka:
            print(f"Kafka {VERSION} at kafka://{kafka.bootstrap}; its data goes with it. In another terminal:\n")
            print(f"    .venv/bin/warnsys up --broker kafka://{kafka.bootstrap}\n\nCtrl-C ends it.", flush=True)
            code = kafka.wait()
        sys.exit(f"Kafka ended by itself ({code})")
    except KafkaUnavailable as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
