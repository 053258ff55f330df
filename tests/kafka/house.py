"""A whole operation as processes on a guarded Kafka, each as its own user: feed, two workers, web, audit; a gateway.

Its source is a stand-in for the DWD's server; two cities, so that each partition has one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition

from geofences import bundled
from tests.cap.test_bundle import packed
from tests.delivery.receiver import SECRET, Receiving
from tests.kafka.guard import Guard
from tests.web.states import SEVERE
from tools.local_kafka import free_ports
from warnsys.cap.cells import catalogue
from warnsys.simulation.message import write
from warnsys.simulation.standin import StandIn

TOLD_S = 10.0
"""Within which an Extreme message, and an order's answer, have to be there."""
START_S = 90.0
"""For processes to be up, beside whatever else this machine does."""
FIXED = ("feed", "worker-1", "worker-2", "web", "audit")
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def until(what: str, condition: Callable[[], Any], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - began


def free_port() -> int:
    (port,) = free_ports(1)
    return port


@dataclass
class House:
    guard: Guard
    folder: Path
    server: StandIn
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    messages: dict[str, bytes] = field(default_factory=dict)
    _stamp: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    _read: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pressed: set[str] = field(default_factory=set)
    """The commands of `warnsys` that ran here."""
    receiver: Receiving | None = None
    """To which the gateway brings each push, where a test has one."""

    def __post_init__(self) -> None:
        self.port = free_port()
        self.web = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=30)
        districts = json.loads(bundled().read_text("utf-8"))
        for feature in districts["features"]:
            one = feature["properties"]
            feature["properties"] = {**one, "id": one["id"].replace("solingen", "haan"), "city": "haan"}
        (self.folder / "haan.geojson").write_text(json.dumps(districts), "utf-8")
        self._consumer = Consumer(
            {"bootstrap.servers": self.guard.kafka.internal, "group.id": "test", "enable.auto.commit": False}
        )
        topics = self.guard.topics
        read = (topics.stele, topics.push, topics.sms, topics.impacts, topics.actions, topics.rejected)
        names = [topic.name for topic in read]
        self._read = {name: [] for name in names}
        self._consumer.assign([TopicPartition(name, n, 0) for name in names for n in range(topics.partitions)])

    def close(self) -> None:
        self.kill(*self.processes)
        self.web.close()
        self._consumer.close()

    # -- processes --------------------------------------------------------------------------------------------------

    def settings(self, user: str) -> Path:
        file = self.folder / f"{user}.toml"
        file.write_text(
            f'stage = "{self.guard.topics.stage}"\ntick_s = 2\n'
            f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
            f'[[cities]]\nid = "haan"\nname = "Haan"\ngeofences = "haan.geojson"\n'
            f'[[sources]]\nname = "dwd"\nurl = "{self.server.url}"\npoll_s = 0.5\n'
            f'[broker]\nurl = "kafka://{self.guard.kafka.bootstrap}"\npartitions = {self.guard.topics.partitions}\n'
            f'[broker.sasl]\nmechanism = "PLAIN"\nusername = "{user}"\n'
            f'[audit]\nfolder = "audit"\n[archive]\nfolder = "archive"\nmin_free_mb = 0\n'
            f"[web]\nopen = true\nport = {self.port}\npublic_port = 0\nrequests_per_s = 0\n"
            + (self._gateway() if user == "gateway" else "")
        )
        return file

    def _gateway(self) -> str:
        assert self.receiver, "a gateway needs a receiver"
        return (
            f'[gateways.room]\nchannel = "push"\n[gateways.room.targets.desk]\nkind = "webhook"\n'
            f'url = "{self.receiver.url}"\nstage = "{self.guard.topics.stage}"\naudiences = ["public", "staff"]\n'
        )

    def environment(self, user: str, name: str = "") -> dict[str, str]:
        mine = {"WARNSYS_BROKER__PASSWORD": f"{user}-secret", "WARNSYS_BROKER__INSTANCE": name}
        if user == "gateway":
            mine["WARNSYS_GATEWAYS__ROOM__TARGETS__DESK__SECRET"] = SECRET
        return {**os.environ, **mine, "WARNSYS_RUNTIME_FOLDER": str(self.folder / "run")}

    def start(self, *names: str) -> None:
        """`worker-N` is a worker; returns at once."""
        for name in names:
            user = name.partition("-")[0]
            command = {"audit": ["audit", "run"], "gateway": ["gateway", "room"]}.get(user, [user])
            self.pressed |= {command[0], " ".join(command)}
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "warnsys", *command, "--settings", str(self.settings(user))],
                    env=self.environment(user, name if user == "worker" else ""), stdout=log, stderr=log,
                )  # fmt: skip

    def kill(self, *names: str, how: signal.Signals = signal.SIGKILL) -> None:
        gone = {name: self.processes.pop(name) for name in names}
        for process in gone.values():
            process.send_signal(how)
        for process in gone.values():
            process.wait(30)

    def up(self) -> None:
        """Returns once both cities tick and the pages are read from the topics."""
        before = len(self.read("warn.impacts"))

        def working() -> bool:
            self.all_run()
            ticks = {one["partition"] for one in self.read("warn.impacts")[before:] if one.get("kind") == "tick"}
            return len(ticks) == self.guard.topics.partitions and self.ready()

        until("the operation is up", working, START_S)

    def ready(self) -> bool:
        try:
            return self.web.get("/health/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def all_run(self) -> None:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} has ended: {self.log(name)[-2000:]}"

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def command(self, user: str, *arguments: str, code: int = 0) -> str:
        """Of `warnsys`, as that user; gives what it says."""
        return self.offline(*arguments, "--settings", str(self.settings(user)), user=user, code=code)

    def offline(self, *arguments: str, user: str = "admin", code: int = 0) -> str:
        """The same of a command that asks for no settings."""
        self._press(arguments)
        done = subprocess.run(
            [sys.executable, "-m", "warnsys", *arguments],
            env=self.environment(user), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def follows(self, user: str, *arguments: str, says: Sequence[str]) -> None:
        """A command that goes on until it is ended: it says all of that, and ends in order when it is told to."""
        self._press(arguments)
        file = self.folder / f"{'-'.join(arguments[:2])}.out"
        with file.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "warnsys", *arguments, "--settings", str(self.settings(user))],
                env=self.environment(user), stdout=out, stderr=out,
            )  # fmt: skip
        try:
            until(f"{arguments} says {says}", lambda: all(one in file.read_text("utf-8") for one in says), START_S)
        finally:
            process.terminate()
            code = process.wait(30)
        assert code == 0, (arguments, file.read_text("utf-8"))

    def _press(self, arguments: Sequence[str]) -> None:
        self.pressed |= {arguments[0], " ".join(arguments[:2])}

    # -- what comes in and goes out ---------------------------------------------------------------------------------

    def publish(self) -> None:
        """What the server lists now."""
        self._stamp = max(self._stamp + timedelta(seconds=1), datetime.now(UTC).replace(microsecond=0))
        self.server.publish(self._stamp, packed(self.messages))

    def warn(self, key: str, group: str, severity: str = "Extreme") -> str:
        """A message of its own event group; gives its base id."""
        now = datetime.now(UTC).replace(microsecond=0)
        message = SEVERE.model_copy(
            update={
                "key": key, "at": 0.0, "onset": 0.0, "until": 240.0, "severity": severity, "groups": (group,),
                "status": "Actual", "cells": ("805122000",), "outlines": (),
            }
        )  # fmt: skip
        base = f"2.49.0.0.276.0.DWD.PVW.{int(now.timestamp() * 1000)}.{key}"
        self.messages[f"{base}.MUL.xml"] = write(message, now, f"{base}.MUL", cells=catalogue(), note="a test")
        self.publish()
        return base

    def read(self, topic: str) -> list[dict[str, Any]]:
        """All records of a topic up to now."""
        while found := self._consumer.consume(500, timeout=0.1):
            for record in found:
                assert record.error() is None, record.error()
                value = record.value() or b""
                said = json.loads(value) if value.startswith(b"{") else {"value": value}
                self._read[record.topic() or ""].append({**said, "partition": record.partition()})
        return self._read[topic if self.guard.topics.stage == "live" else f"{self.guard.topics.stage}.{topic}"]

    def told(self, channel: str, key: str) -> bool:
        """Whether both cities' public were told of a message."""
        heard = {
            one["city"] for one in self.read(f"warn.{channel}") if key in one["cause"] and one["audience"] == "public"
        }
        return heard == {"solingen", "haan"}

    def hears(self, key: str, *channels: str) -> float:
        return until(f"{key} is told by {channels}", lambda: all(self.told(one, key) for one in channels), TOLD_S)

    def silent(self, channel: str, key: str) -> None:
        assert not [one for one in self.read(f"warn.{channel}") if key in one["cause"]]

    # -- an operator ------------------------------------------------------------------------------------------------

    def order(self, channel: str, minutes: int) -> str:
        form = {"channel": channel, "reason": "Fehlalarm", "minutes": str(minutes), "by": "Leitstelle A"}
        answer = self.web.post("/act/stop", data=form, headers=SAME_ORIGIN, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text

    def page(self, path: str = "/") -> str:
        answer = self.web.get(path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.text

    def shows(self, text: str, *, seconds: float = TOLD_S) -> float:
        return until(f"the page says {text!r}", lambda: text in self.page(), seconds)

    def goes_on(self, channel: str) -> float:
        return until(
            f"{channel} goes on", lambda: not re.search(f"{channel} (wird|ist|läuft|sollte)", self.page()), TOLD_S
        )

    def notes(self, what: str) -> float:
        """Returns once the audit has an entry."""
        return until(
            f"the audit tells of {what}", lambda: self.command("audit", "audit", "show", "--what", what), START_S
        )


@contextmanager
def house(guard: Guard, folder: Path, names: Sequence[str] = FIXED) -> Iterator[House]:
    with StandIn() as server:
        home = House(guard, folder, server)
        try:
            home.publish()
            home.start(*names)
            if names:
                home.up()
            yield home
        finally:
            home.close()
