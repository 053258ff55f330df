"""`warnsys cells …`: the catalogue of warn cells, looked up and replaced."""

from pathlib import Path
from typing import Annotated

import typer

from warnsys.cap import cells
from warnsys.cli.common import complain, fail, say
from warnsys.disk import disk_says

app = typer.Typer(help="The DWD's warn cells by name.", no_args_is_help=True)
MOST_SHOWN = 50


@app.command()
def update(
    file: Annotated[Path, typer.Argument(help="CSV of cells and names, e.g. the DWD's cap_warncellids_csv.csv.")],
) -> None:
    """Replace the catalogue by a newer list, if it is whole; what is refused changes nothing (exit code 2)."""
    try:
        done = cells.update(file)
    except cells.CatalogueError as error:
        fail(str(error))
    except OSError as error:
        fail(disk_says(error, file))
    say(
        f"{done.path}: {done.cells} cells; {len(done.new)} new, {len(done.gone)} gone, {len(done.renamed)} renamed. "
        "Running workers read it when they start."
    )


@app.command()
def show(
    wanted: Annotated[str, typer.Argument(metavar="ID|NAME", help="A warn cell, a commune key, or a part of a name.")],
) -> None:
    """Say what a cell is called, or which cells have a name; exit code 1 where there is none."""
    known = cells.catalogue()
    found = cells.found(known, wanted)
    for cell in list(found)[:MOST_SHOWN]:
        say(f"{cell}  {found[cell]}  ({cells.KINDS.get(cell[0], 'of a kind that is new')})")
    if len(found) > MOST_SHOWN:
        say(f"… and {len(found) - MOST_SHOWN} more; give more of the name")
    if not found:
        complain(
            f"{wanted!r} is not among the {len(known)} cells of the catalogue; a newer one: warnsys cells update FILE"
        )
        raise typer.Exit(1)
