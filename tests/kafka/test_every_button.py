"""Every button and command of an operator pressed once, then every process killed and started: all still works."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.guard import guarding
from tests.kafka.house import SAME_ORIGIN, House, house, until

pytestmark = pytest.mark.kafka
PAGES = (
    "/", "/?lang=en", "/lagebericht", "/lagebericht?hours=24", "/stop/push", "/stop/sms", "/stele/solingen-1",
    "/embed/haan-2", "/api/districts", "/api/districts.geojson", "/api/districts/solingen-1/situation", "/api/alerts",
    "/api/rejected", "/api/feeds", "/api/notices/all", "/api/openapi.json", "/metrics", "/health/live",
    "/health/ready", "/sw.js",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with guarding("live") as guard, house(guard, tmp_path) as running:
        yield running


def test_after_every_button_and_command_and_sigkill_of_every_process_all_works(home: House) -> None:
    first = home.warn("one", "THUNDERSTORM")
    home.hears("one", "push", "sms")
    home.messages[BROKEN] = b"<alert>\xff broken"
    home.publish()
    until("it is rejected", lambda: home.read("warn.rejected"), 30)
    press(home, first)
    ask(home)
    del home.messages[BROKEN]
    home.publish()

    rejected = len(home.read("warn.rejected"))
    home.kill(*home.processes)
    home.start("feed", "worker-1", "worker-2", "web", "audit")
    home.up()
    home.warn("two", "WIND")
    home.hears("two", "push", "sms")
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
    verified = home.command("audit", "audit", "verify")
    assert "entries" in verified
    for what in ("decided", "told", "stopped", "resumed", "applied", "acknowledged"):
        home.notes(what)
    assert "on warn.stele" in home.command("canary", "canary")
