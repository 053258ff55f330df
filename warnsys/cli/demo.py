"""`warnsys demo`: a storm over Solingen through the whole pipeline, as an exercise."""

import json
from pathlib import Path
from typing import Annotated

import typer

from warnsys.cli.common import complete_stories, err, fail, out, refuse_taken, run, say, to_write
from warnsys.simulation.scenario import ScenarioError, load


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Play without a terminal, as fast as it goes.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", callback=to_write, help="Write a summary (with --headless).")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="Name of a bundled scenario, or a YAML file.", autocompletion=complete_stories)
    ] = "storm",
    speed: Annotated[float, typer.Option(min=0.1, max=10_000, help="How many times as fast as the story.")] = 60,
    broker: Annotated[str, typer.Option(help="embedded, or kafka://host:port.")] = "embedded",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the pages in a browser; 0 takes a free one.")] = 8080,
) -> None:
    """Play a storm over Solingen through the whole pipeline, an exercise; then wait, to play it again or to end."""
    from streams.processes import demo as player

    if json_file and not headless:
        fail("--json needs --headless")
    try:
        story = load(scenario)
    except ScenarioError as error:
        fail(str(error))
    if not headless:
        refuse_taken(port)
        while run(player.play_live(story, broker, speed, port, out)):
            pass  # with a broker, a state and pages of its own each time
        return
    summary = run(player.play_headless(story, broker, err))
    if summary is None:
        raise typer.Exit(130)
    if json_file:
        json_file.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "utf-8")
    counts = {channel: len(notices) for channel, notices in summary["notices"].items()}
    say(f"ÜBUNG – {story.title}: alerts {summary['alerts']}, notices {counts}")
