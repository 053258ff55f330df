"""Draws the README's picture of the demo: `make pictures`. The storm is played offline up to its worst minutes."""

import asyncio
import io
import re
import sys
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from streams.kafka import embedded
from streams.processes import demo
from warnsys.cap import read_bundle
from warnsys.cap.dwd import without_language
from warnsys.partition import Offline
from warnsys.records import AlertHeaders, Snapshot
from warnsys.simulation.scenario import load
from warnsys.view import LiveView

UNTIL = timedelta(minutes=52)
WIDTH, HEIGHT = 150, 40


async def storm_at_its_worst() -> str:
    """The terminal's view as SVG."""
    story = load("storm")
    settings = demo.demo_settings("http://localhost/x.zip", "embedded", poll_s=20)
    pure, seen = Offline(settings), 0
    view = LiveView(f"{story.title}, 60-fach", ("ÜBUNG", embedded.NOTICE), settings.cities[0].timezone)
    for step in story.steps:
        if step.at > story.start + UNTIL:
            break
        pure.tick(step.at)
        members = read_bundle(step.bundle)
        ids = tuple(without_language(member.stem) for member in members)
        for listed_id, member in zip(ids, members, strict=True):
            headers = AlertHeaders(stage=demo.STAGE, source="dwd", id=listed_id, stamp=step.at, seen=step.at)
            await pure.alert(headers, member.body)
        await pure.snapshot(Snapshot(stage=demo.STAGE, source="dwd", stamp=step.at, checked=step.at, ids=ids))
        for decision in pure.decisions:
            view.heard(decision.outcome)
        for notice in pure.notices[seen:]:
            view.heard(notice)
        seen, view.now = len(pure.notices), step.at
        view.chapter = f"{step.title}. {step.note}" if step.title else view.chapter
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
    console.print(view)
    svg = console.export_svg(title="make demo")
    return re.sub(r"@font-face \{.*?\}|<!-- .*? -->", "", svg, flags=re.DOTALL)  # nothing from the web


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(storm_at_its_worst()), "utf-8")
