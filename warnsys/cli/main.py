"""Puts the command `warnsys` together; each command is in a file of its own."""

import typer

from warnsys.cli import archive, audit, cells, dead_letters, geofences, processes, scenario, topics
from warnsys.cli.canary import canary
from warnsys.cli.check import check
from warnsys.cli.demo import demo
from warnsys.cli.hash_password import hash_password
from warnsys.cli.init import init
from warnsys.cli.match import match
from warnsys.cli.replay import replay
from warnsys.cli.serve_feed import serve_feed
from warnsys.cli.tail import tail

app = typer.Typer(
    help="Severe-weather warnings for the districts of a city.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip
for command in (
    demo, init, processes.up, processes.worker, processes.feed, processes.web, tail, canary, match, check, replay,
    serve_feed, hash_password,
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
