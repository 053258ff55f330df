"""`warnsys scenario …`: stories to try a system with, each with the notices that it has to give."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from warnsys.cli.common import complete_stories, fail, out, say, to_write
from warnsys.cli.replay import play_offline
from warnsys.disk import disk_says
from warnsys.feeds.names import file_name
from warnsys.replay.read import of_scenario
from warnsys.replay.run import settings_of
from warnsys.simulation.scenario import BUNDLED, Scenario, ScenarioError, load, story_names

app = typer.Typer(help="Stories of storms: list, show, run, write.", no_args_is_help=True)
NameArgument = Annotated[
    str, typer.Argument(help="A bundled story's name, or a YAML file.", autocompletion=complete_stories)
]
GOLDEN = BUNDLED / "golden"
"""What each bundled story tells whom, in Solingen with the default policy."""


@app.command("list")
def list_stories() -> None:
    """The bundled stories."""
    table = Table(box=None, padding=(0, 2))
    for head in ("Name", "Lasts", "Alerts", "Story"):
        table.add_column(head)
    for name in story_names():
        story = load(name)
        table.add_row(name, _span(story), str(len(story.messages())), story.title)
    out.print(table)


@app.command()
def show(name: NameArgument) -> None:
    """What a story tries out, and what happens when."""
    story = _load(name)
    say(f"{story.title} ({_span(story)})", style="bold")
    if story.about:
        say(story.about)
    for step in story.steps:
        if step.title:
            said = f"{step.seen:%Y-%m-%d %H:%M}  {step.source}: {step.title}" + (f" ({step.note})" if step.note else "")
            say(said)


@app.command()
def run(
    name: NameArgument,
    out: Annotated[
        Path | None, typer.Option(callback=to_write, help="Write the notices there, one JSON line each.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(callback=to_write, help="Write a page to read: timeline, messages and reasons.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say only whether it was as expected.")] = False,
) -> None:
    """Play a story offline in Solingen, and print what happened as people read it.

    A bundled story has to tell what its golden file says, or the exit code is 1.
    """
    material = of_scenario(_load(name))
    golden = GOLDEN / f"{name}.jsonl"
    expect = golden if golden.is_file() else None
    play_offline(settings_of(None, material.sources), material, out=out, report=report, expect=expect, tell=not quiet)


@app.command()
def write(
    name: NameArgument,
    folder: Annotated[Path, typer.Argument(help="A folder that is empty, or not there yet.")],
) -> None:
    """Write a story's ZIPs with DWD's dated names; play them with: warnsys replay FOLDER."""
    story = _load(name)
    try:
        if folder.exists() and any(folder.iterdir()):
            fail(f"{folder}: there are files already; name an empty folder")
        written = write_story(story, folder)
    except OSError as error:
        fail(disk_says(error, folder))
    sources = sorted({step.source for step in story.steps})
    places = [str(folder)] if len(sources) == 1 else [f"{source}={folder / source}" for source in sources]
    say(f"{folder}: {written} ZIPs; play them with: warnsys replay {' '.join(places)}")


def write_story(story: Scenario, folder: Path) -> int:
    """The ZIPs of a story, in a folder for each source where there are several; how many there are."""
    several = len({step.source for step in story.steps}) > 1
    written = set[Path]()
    for step in story.steps:
        path = (folder / step.source if several else folder) / file_name(step.at)
        if path not in written:  # what a slow node still has is the same once more
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(step.bundle)
            written.add(path)
    return len(written)


def _load(name: str) -> Scenario:
    try:
        return load(name)
    except ScenarioError as error:
        fail(str(error))


def _span(story: Scenario) -> str:
    minutes = int((story.end - story.start).total_seconds() // 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"
