"""Real processes on a real Kafka whose clocks jump six hours while they run: docs/reference/clocks.md has the figures.

`tests/streams/test_clocks.py` tries every kind of wrong clock in memory.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.clocks import ClockedHouse, MachineClock, clocked_house, library
from tests.kafka.house import until

pytestmark = [pytest.mark.kafka, pytest.mark.crash]

SIX_HOURS = 6 * 3600
WRONG_S = 15.0
"""How long a clock is at least wrong: several ticks, which come every 2 s, and many looks, every 0.5 s."""
SITUATION = "/api/districts/solingen-1/situation"
AFTER_S = 60.0
"""Within which an Extreme message has to be told once the clock is right again."""
NOTICED_S = 30.0
GROUPS = {
    "broker": ("TORNADO", "THAW", "WIND"),
    "feed": ("SNOWDRIFT", "SNOWFALL", "GLAZE"),
    "worker-1": ("BLACK_ICE", "HAIL", "SLIPPERINESS"),
    "server": ("THUNDERSTORM", "FROST", "POWERLINEVIBRATION"),
}
NAMED = {"broker": "broker", "feed": "dwd", "worker-1": "worker", "server": "dwd"}
"""In `warnsys_clock_off_seconds`; of a feed's clock and its server's `warnsys_feed_clock_off` says 0 or 1."""
ASKED = """
import time
before = time.monotonic()
time.sleep(0.2)
print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic(), time.monotonic() - before)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClockedHouse]:
    with clocked_house(tmp_path_factory.mktemp("clocked")) as running:
        running.warn("standing", "RAIN", "Severe")
        until("every district is warned", lambda: set(running.districts().values()) == {"warned"}, NOTICED_S)
        yield running


def test_only_the_clock_on_the_wall_is_wrong(tmp_path: Path) -> None:
    clock = MachineClock(library(tmp_path), tmp_path, "one")
    for off in (SIX_HOURS, -SIX_HOURS, 0):
        clock.is_off(off)
        asked = subprocess.run([sys.executable, "-c", ASKED], env=clock.environment, capture_output=True, check=True)
        wall, boot, monotonic, slept = map(float, asked.stdout.split())
        assert wall == pytest.approx(time.time() + off, abs=30)
        assert boot == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=30)
        assert monotonic == pytest.approx(time.monotonic(), abs=30)
        assert 0.2 <= slept < 30


def put(home: ClockedHouse, machine: str, seconds: int) -> None:
    """And a new listing, by the server's clock."""
    if machine != "server":
        home.clocks[machine].is_off(seconds)
    home.server_is_off(seconds if machine == "server" else 0)


def jumped(home: ClockedHouse, machine: str, off: int, group: str) -> str:
    """An Extreme message while the clock is wrong; what was measured."""
    right_again = time.monotonic() + WRONG_S
    put(home, machine, off)
    noticed = home.alarms(NAMED[machine], 1 if NAMED[machine] == "dwd" else off, NOTICED_S)
    told = home.hears(home.extreme(group), "push", "sms")
    listings(home, right_again)
    return f"{off:+d} s: told {told:.1f} s, figure {noticed:.1f} s"


def mended(home: ClockedHouse, machine: str, group: str) -> str:
    """An Extreme message at once after the clock is right again."""
    put(home, machine, 0)
    key = home.extreme(group)
    told = until(f"{key} is told", lambda: home.told("push", key), AFTER_S)
    return f"right again: told {told:.1f} s, figure {home.alarms(NAMED[machine], 0, AFTER_S):.1f} s"


def listings(home: ClockedHouse, until_s: float) -> None:
    """One every two seconds."""
    while time.monotonic() < until_s:
        home.publish()
        time.sleep(2)


@pytest.mark.parametrize("machine", GROUPS)
def test_a_clock_that_jumps_keeps_back_no_warning_and_clears_nothing(home: ClockedHouse, machine: str) -> None:
    ahead, back, behind = GROUPS[machine]
    standing = len(home.read("warn.stele"))
    try:
        figures = [jumped(home, machine, SIX_HOURS, ahead), mended(home, machine, back)]
        figures.append(jumped(home, machine, -SIX_HOURS, behind))
    finally:
        put(home, machine, 0)
    home.alarms(NAMED[machine], 0, AFTER_S)
    home.all_run()
    assert home.false_clears(standing) == []
    assert home.read("warn.rejected") == []
    print(machine, *figures, sep="\n  ")


def test_a_web_machine_whose_clock_jumps_says_so_and_shows_what_is_warned(home: ClockedHouse) -> None:
    said = "Die Uhr des Web-Rechners geht falsch"
    for off in (SIX_HOURS, -SIX_HOURS):
        home.clocks["web"].is_off(off)
        home.shows(said, seconds=NOTICED_S)
        assert home.web.get(SITUATION).json()["record"]["status"] == "warned"
    home.clocks["web"].is_off(0)
    until("the page trusts its clock again", lambda: said not in home.page(), AFTER_S)
    assert home.web.get(SITUATION).json()["record"]["status"] == "warned"
