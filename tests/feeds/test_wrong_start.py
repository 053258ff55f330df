"""A feed that starts while a clock is wrong: what it brings is told, ends nothing, and counts again soon."""

from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from geofences import bundled
from tests.cap.test_bundle import packed
from tests.support import at, live_tick
from tests.web.states import SEVERE
from warnsys.cap.cells import catalogue
from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Offline
from warnsys.records import PushNotice
from warnsys.settings import parse
from warnsys.simulation.message import write
from warnsys.warning.situation import Situation

HOUR = 60.0


def message(key: str, now: datetime, severity: str = "Extreme") -> bytes:
    changes = {
        "key": key, "at": 0.0, "onset": 0.0, "until": 2 * 24 * HOUR, "severity": severity, "status": "Actual",
        "cells": ("805122000",), "outlines": (),
    }  # fmt: skip
    return write(SEVERE.model_copy(update=changes), now, f"{key}.MUL", cells=catalogue(), note="a test")


class Lab:
    """A city with one source, and a feed that may start anew; the clocks are in the test's hands."""

    def __init__(self, **source: str) -> None:
        city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}
        self.settings = parse({"cities": [city], "sources": [{"name": "own", "senders": [], **source}]})
        self.pure = Offline(self.settings)
        self.minute, self.feed_off, self.server_off = 0.0, 0.0, 0.0
        self.messages: dict[str, bytes] = {}
        self.start()

    def start(self) -> None:
        client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: self.answer()))
        source = self.settings.sources[0]
        begun = self.minute
        self.feed = DwdFeed(
            source, "live", client, self.pure, lambda: at(self.minute + self.feed_off),
            uptime=lambda: (self.minute - begun) * 60 + 1_000,
        )  # fmt: skip

    def answer(self) -> httpx.Response:
        now = at(self.minute + self.server_off)
        stamp = datetime.fromtimestamp(now.timestamp() // 300 * 300, now.tzinfo)
        headers = {"Last-Modified": format_datetime(stamp, usegmt=True), "Date": format_datetime(now, usegmt=True)}
        return httpx.Response(200, content=packed(self.messages), headers=headers)

    async def passes(self, minutes: float) -> None:
        for _ in range(int(minutes)):
            await self.feed.look()
            self.minute += 1
            self.pure.settle(live_tick(self.minute))

    @property
    def situation(self) -> Situation:
        return self.pure.situations()["solingen"]

    @property
    def told(self) -> list[str]:
        return [one.cause for one in self.pure.notices if isinstance(one, PushNotice) and one.kind == "warn"]

    @property
    def standing(self) -> set[str]:
        return {one.fact.base_id for one in self.situation.districts["solingen-1"].standing}


class Folder(Lab):
    def __init__(self, folder: Path) -> None:
        (folder / "warnsys.folder").touch()
        self.folder = folder
        super().__init__(folder=str(folder))

    def put(self, key: str, sent: float, severity: str = "Extreme") -> None:
        (self.folder / f"{key}.xml").write_bytes(message(key, at(sent), severity))


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("severity", ["Moderate", "Extreme"])
@pytest.mark.parametrize(("behind", "sent"), [(24 * HOUR, "right"), (6 * HOUR, "wrong"), (12.0, "wrong")])
async def test_a_message_in_a_folder_whose_feed_starts_with_its_clock_behind_is_told_and_stands(
    tmp_path: Path, severity: str, sent: str, behind: float, *, beside: bool
) -> None:
    lab = Folder(tmp_path)
    if beside:
        lab.put("old", 0, "Minor")
    await lab.passes(16)
    lab.feed_off = -behind
    lab.start()
    await lab.passes(1)
    lab.put("flood", lab.minute - (behind if sent == "wrong" else 0), severity)
    await lab.passes(10)
    assert ("flood" in lab.standing, lab.told.count("flood")) == (True, 2)
    lab.feed_off = 0
    lab.start()
    await lab.passes(11)
    assert ("flood" in lab.standing, lab.told.count("flood")) == (True, 2)
    assert lab.situation.freshness == "fresh"


async def test_and_so_is_one_once_a_jump_of_a_running_feed_is_believed(tmp_path: Path) -> None:
    lab = Folder(tmp_path)
    lab.put("old", 0, "Minor")
    await lab.passes(16)
    lab.feed_off = -6 * HOUR
    await lab.passes(15)
    lab.put("flood", lab.minute - 6 * HOUR)
    await lab.passes(10)
    assert ("flood" in lab.standing, "flood" in lab.told) == (True, True)


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("off", [6 * HOUR, -6 * HOUR])
async def test_what_a_server_with_a_wrong_clock_lists_to_a_feed_that_starts_is_told_and_stands(
    off: float, *, beside: bool
) -> None:
    lab = Lab(url="https://dwd.example/x.zip")
    if beside:
        lab.messages["old.MUL.xml"] = message("old", at(0), "Minor")
    await lab.passes(16)
    lab.server_off = off
    lab.start()
    await lab.passes(1)
    lab.messages["flood.MUL.xml"] = message("flood", at(lab.minute + off), "Moderate")
    await lab.passes(10)
    assert ("flood" in lab.standing, lab.told.count("flood")) == (True, 2)


@pytest.mark.parametrize("off", [4 * HOUR, -4 * HOUR, 8.0, -8.0])
async def test_a_feed_that_starts_first_of_all_with_a_wrong_clock_is_fresh_within_a_minute(off: float) -> None:
    """The server's clock and the city's agree against its own."""
    lab = Lab(url="https://dwd.example/x.zip")
    lab.feed_off = off
    lab.messages["flood.MUL.xml"] = message("flood", at(0), "Moderate")
    await lab.passes(1)
    assert (lab.situation.freshness, lab.standing, lab.told.count("flood")) == ("fresh", {"flood"}, 2)
    assert [flag.rsplit(" ", 2)[0] for flag in lab.situation.flags] == ["clock feed own"]
    await lab.passes(20)
    assert lab.situation.freshness == "fresh"
    lab.messages.clear()
    lab.messages["old.MUL.xml"] = message("old", at(lab.minute), "Minor")
    await lab.passes(70)
    assert (lab.situation.freshness, lab.standing) == ("fresh", {"old"})


@pytest.mark.parametrize("off", [4 * HOUR, 24 * HOUR, 8.0])
@pytest.mark.parametrize("first", ["both", "server", "feed"])
async def test_after_feed_and_server_were_wrong_together_the_first_right_answer_counts(first: str, off: float) -> None:
    lab = Lab(url="https://dwd.example/x.zip")
    lab.messages["old.MUL.xml"] = message("old", at(0), "Minor")
    await lab.passes(6)
    lab.feed_off = lab.server_off = off
    lab.start()
    await lab.passes(10)
    if first != "feed":
        lab.server_off = 0
    if first != "server":
        lab.feed_off = 0
    lab.messages["flood.MUL.xml"] = message("flood", at(lab.minute), "Moderate")
    await lab.passes(2)
    assert ("flood" in lab.standing, lab.told.count("flood")) == (True, 2)
    lab.feed_off = lab.server_off = 0
    await lab.passes(6)
    assert lab.situation.freshness == "fresh"
    await lab.passes(7)
    assert (lab.situation.freshness, lab.situation.flags) == ("fresh", ())
