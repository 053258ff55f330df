"""Puts the command `warnsys` together; each command is in a file of its own."""

import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from warnsys.cli import archive, audit, cells, dead_letters, geofences, processes, scenario, topics
from warnsys.cli.canary import canary
from warnsys.cli.check import check
from warnsys.cli.common import fail, say
from warnsys.cli.demo import demo
from warnsys.cli.doctor import doctor
from warnsys.cli.gateway import gateway
from warnsys.cli.hash_password import hash_password
from warnsys.cli.init import init
from warnsys.cli.match import match
from warnsys.cli.replay import replay
from warnsys.cli.serve_feed import serve_feed
from warnsys.cli.tail import tail
from warnsys.disk import disk_says


class Commands(TyperGroup):
    """All commands: a path that the disk refuses ends each of them with place and remedy, and without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if not _of_a_path(error):  # who mends it needs to see where it came from
                raise
            fail(disk_says(error))
        except BaseExceptionGroup as group:
            refused, others = group.split(_of_a_path)
            if refused is None or others is not None:
                raise
            fail("\n".join(disk_says(error) for error in _leaves(refused)))


def _of_a_path(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.filename is not None


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[OSError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        elif isinstance(error, OSError):
            yield error


app = typer.Typer(
    cls=Commands, help="Severe-weather warnings for the districts of a city.", no_args_is_help=True,
    pretty_exceptions_enable=False,
)  # fmt: skip


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"warnsys {version('warnsys')} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version, and end.")
    ] = False,
) -> None:
    """Severe-weather warnings for the districts of a city."""


for command in (
    demo, init, doctor, processes.up, processes.worker, processes.feed, processes.web, gateway, tail, canary, match,
    check, replay, serve_feed, hash_password,
):  # fmt: skip
    app.command(command.__name__.replace("_", "-"))(command)
app.add_typer(geofences.app, name="geofences")
app.add_typer(topics.app, name="topics")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(dead_letters.app, name="rejected", hidden=True)  # the name until 0.1.0
app.add_typer(archive.app, name="archive")
app.add_typer(audit.app, name="audit")
app.add_typer(scenario.app, name="scenario")
app.add_typer(cells.app, name="cells")


def main() -> None:
    """Run the command that the command line names."""
    app()
