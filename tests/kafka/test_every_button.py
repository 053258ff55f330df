"""Every button and command of an operator pressed once, then every process killed and started: all still works."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.delivery.receiver import receiver
from tests.kafka.guard import guarding
from tests.kafka.house import SAME_ORIGIN, House, house, until
from warnsys.cli.main import app

pytestmark = pytest.mark.kafka
PAGES = (
    "/", "/?lang=en", "/lagebericht", "/lagebericht?hours=24", "/stop/push", "/stop/sms", "/stele/solingen-1",
    "/start", "/start?q=haan", "/district/haan-2", "/embed/haan-2",
    "/api/districts", "/api/districts.geojson", "/api/districts/solingen-1/situation", "/api/alerts",
    "/api/rejected", "/api/feeds", "/api/notices/all", "/api/openapi.json", "/metrics", "/health/live",
    "/health/ready", "/sw.js", "/meldungen", "/hilfe", "/bezirk/solingen-1",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with guarding("live") as guard, receiver() as them, house(guard, tmp_path) as running:
        running.receiver = them
        running.start("gateway")
        yield running


def test_after_every_button_and_command_and_sigkill_of_every_process_all_works(home: House) -> None:
    first = home.warn("one", "THUNDERSTORM")
    home.hears("one", "push", "sms")
    brought(home)
    home.messages[BROKEN] = b"<alert>\xff broken"
    home.publish()
    until("it is rejected", lambda: home.read("warn.rejected"), 30)
    press(home, first)
    ask(home)
    read_files(home)
    del home.messages[BROKEN]
    home.publish()

    rejected = len(home.read("warn.rejected"))
    home.kill(*home.processes)
    home.start("feed", "worker-1", "worker-2", "web", "audit", "gateway")
    home.up()
    home.warn("two", "WIND")
    home.hears("two", "push", "sms")
    brought(home)
    for path in PAGES:
        home.page(path)
    assert "Push ist angehalten" not in home.page()
    assert "SMS ist angehalten" not in home.page()
    assert "gesehen: Leitstelle A" in home.page()
    assert len(home.read("warn.rejected")) == rejected
    assert "entries" in home.command("audit", "audit", "verify")
    assert "what=" not in home.command("audit", "audit", "show", "--what", "gap")
    press(home, first)
    ask(home)
    assert commands() - home.pressed == set(ELSEWHERE)


def brought(home: House) -> None:
    """Returns once the gateway has brought every push to its receiver."""
    told, there = {one["id"] for one in home.read("warn.push")}, home.receiver
    until("the gateway has brought every push", lambda: there and told <= set(there.notices), 30)


ELSEWHERE = {
    "cells update", "demo", "geofences check", "geofences import", "geofences show", "hash-password", "init",
    "scenario list", "scenario run", "scenario show", "scenario write", "serve-feed", "up",
}  # fmt: skip
"""Commands that nobody gives an operation that runs; they have tests of their own."""
BROKEN = "2.49.0.0.276.0.DWD.PVW.1.broken.MUL.xml"


def press(home: House, alert: str) -> None:
    """Everything on the operators' pages that changes something."""
    form = {"city": "solingen", "base_id": alert, "level": "4", "by": "Leitstelle A"}
    assert home.web.post("/act/acknowledge", data=form, headers=SAME_ORIGIN).status_code == 303
    home.shows("gesehen: Leitstelle A")
    for channel, name in (("push", "Push"), ("sms", "SMS")):
        home.order(channel, 30)
        home.shows(f"{name} ist angehalten")
        home.page(f"/resume/{channel}")
        home.order(channel, 0)
        home.goes_on(name)
    for path in PAGES:
        home.page(path)
    home.page(f"/alert/{alert}")
    home.page(f"/alert/{alert}?lang=en")


def ask(home: House) -> None:
    """Every command that an operator has."""
    listed = home.command("operator", "dead-letters", "list")
    (case,) = re.findall(r"^ *([0-9a-f]{12})\b", listed, re.MULTILINE)
    assert "not-xml" in home.command("operator", "dead-letters", "show", case, "--out", str(home.folder / "bytes.xml"))
    assert "rejected again" in home.command("operator", "dead-letters", "retry", case, code=1)
    assert "all topics are there" in home.command("admin", "topics", "create")
    assert "as they must be" in home.command("admin", "topics", "check")
    assert "ops.actions" in home.command("admin", "topics", "describe")
    assert "warn.impacts" in home.command("admin", "topics", "acls", "--commands")
    examined = home.command("admin", "doctor", code=1)  # the pages ask for no password here, which is wrong
    assert re.search(r"^ operators +wrong .*\n.*web\.open", examined, re.MULTILINE)
    assert "are as they must be" in examined
    assert "\n1 wrong, " in examined
    verified = home.command("audit", "audit", "verify")
    assert "entries" in verified
    for what in ("decided", "told", "stopped", "resumed", "applied", "acknowledged"):
        home.notes(what)
    assert "on warn.stele" in home.command("canary", "canary")
    for channel in ("push", "sms", "stele"):
        home.follows("reader", "tail", channel, "--from-start", "--json", says=('"solingen"', '"haan"'))
    assert "snapshots of" in home.command("feed", "archive", "list")


def read_files(home: House) -> None:
    """Commands that ask no broker: what they read the operation has written."""
    shots, file = home.folder / "shots", home.folder / "message.xml"
    name, message = next((name, body) for name, body in home.messages.items() if name != BROKEN)
    file.write_bytes(message)
    assert "1 mended" in home.offline("check", str(file)) or "1 ok" in home.offline("check", str(file))
    home.offline("check", str(home.folder / "bytes.xml"), code=1)
    assert "cell 805122000" in home.offline("match", str(file))
    assert "Stadt Solingen" in home.offline("cells", "show", "Solingen")
    assert name.removesuffix(".MUL.xml") in home.command("feed", "archive", "show", "2100-01-01")
    assert "are whole" in home.command("feed", "archive", "verify")
    assert "0 days removed" in home.command("feed", "archive", "prune")
    assert "play them" in home.command("feed", "archive", "export", str(shots))
    assert not re.search(r" 0 notices", home.command("feed", "replay", str(shots)))


def commands() -> set[str]:
    """Every command that `warnsys` shows, with the group that it is in."""

    def walked(group: Any, before: tuple[str, ...] = ()) -> Iterator[str]:
        for name, one in group.commands.items():
            if one.hidden:
                continue
            path = (*before, name)
            yield from walked(one, path) if hasattr(one, "commands") else (" ".join(path),)

    return set(walked(typer.main.get_command(app)))
