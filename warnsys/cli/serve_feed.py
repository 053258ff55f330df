"""`warnsys serve-feed`: a stand-in for the DWD's server on this machine, whole or broken."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from warnsys.cli.common import OTHER_PORT, complete_stories, fail, say
from warnsys.disk import disk_says
from warnsys.feeds.names import stamp_in
from warnsys.nearest import did_you_mean
from warnsys.simulation.faults import FAULTS
from warnsys.simulation.scenario import ScenarioError, load
from warnsys.simulation.standin import Node, StandIn

Publication = tuple[datetime, bytes]
"""A stamp, and the ZIP that LATEST is from then on."""


def serve_feed(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH|SCENARIO",
            help="A ZIP, a folder of dated ZIPs, or a scenario.",
            autocompletion=complete_stories,
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on; 0 takes a free one.")] = 8088,
    fault: Annotated[str | None, typer.Option(help="Begin broken; an unknown name lists the known ones.")] = None,
    speed: Annotated[float, typer.Option(min=0.001, help="How many times as fast as it was.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, max=10, help="Servers behind the address, a second apart.")] = 1,
    own_stamps: Annotated[
        bool, typer.Option("--own-stamps", help="Give each ZIP the time of its name, not the present.")
    ] = False,
) -> None:
    """Serve snapshots as the DWD's server does, for tests and exercises; break it and mend it while it runs."""
    if fault is not None and fault not in FAULTS:
        known = "\n".join(f"  {name}: {one.what}" for name, one in FAULTS.items())
        fail(f"--fault {fault}: there is none of that name{did_you_mean(fault, FAULTS)}; there are\n{known}")
    try:
        publications = read_publications(what)
    except ScenarioError as error:
        fail(str(error))
    except OSError as error:
        fail(disk_says(error, what))
    behind = tuple(Node(skew=timedelta(seconds=number)) for number in range(nodes))
    try:
        server = StandIn(port, behind, FAULTS)
    except OSError as error:
        fail(f"port {port} of 127.0.0.1: {error.strerror}; {OTHER_PORT}")
    with server:
        if fault:
            server.break_down(FAULTS[fault])
        say(f"{what}: {len(publications)} snapshots; nothing of it is the DWD's")
        say(server.url)
        say(f"break it: curl -X POST {server.address}/fault/NAME, mend it: …/fault/none")
        try:
            publish(server, publications, speed=speed, own_stamps=own_stamps)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


def read_publications(what: str) -> list[Publication]:
    """In order of time. Raises `OSError` and `ScenarioError`."""
    path = Path(what)
    if path.is_dir():
        found = sorted((stamp, file) for file in path.glob("*.zip") if (stamp := stamp_in(file.name)))
        if not found:
            raise ScenarioError(
                f"{path}: no ZIP in it has a time in its name; give one, as …_EDZW_20270714120000_….zip"
            )
        return [(stamp, file.read_bytes()) for stamp, file in found]
    if path.suffix == ".zip":
        return [(stamp_in(path.name) or datetime.now(UTC), path.read_bytes())]
    return [(step.at, step.bundle) for step in load(what).steps]


def publish(
    server: StandIn,
    publications: Sequence[Publication],
    *,
    speed: float,
    own_stamps: bool,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """One after the other as they came, `speed` times as fast; returns after the last."""
    stamp, content = publications[0]
    server.publish(stamp if own_stamps else clock(), content)
    for (before, _), (stamp, content) in pairwise(publications):
        sleep((stamp - before).total_seconds() / speed)
        server.publish(stamp if own_stamps else clock(), content)
