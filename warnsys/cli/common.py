"""What the commands share: the consoles, their options, the settings, and how a command ends."""

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from geofences import GeofenceError
from warnsys import settings as settings_module
from warnsys.disk import disk_says
from warnsys.logs import log_to_stderr
from warnsys.renewal import Renewed
from warnsys.settings import Broker, Settings, SettingsError
from warnsys.simulation.scenario import story_names
from warnsys.supervisor import ENDED_TO_RENEW, ENDED_WITHOUT_COMMIT, REFUSED

out, err = Console(), Console(stderr=True)

T = TypeVar("T")
DEFAULT_SETTINGS = Path("warnsys.toml")
SettingsOption = Annotated[Path, typer.Option("--settings", help="The city's settings file.")]
BrokerOption = Annotated[
    str | None,
    typer.Option("--broker", help="kafka://host:port[,…], or embedded; instead of the settings' broker."),
]
FolderOption = Annotated[Path | None, typer.Option("--folder", help="The folder; instead of the settings' one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One object a line.")]
LocalOption = Annotated[
    bool, typer.Option("--local", help="Times without an offset are by the city's clocks, not in UTC.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="First day or time (UTC): 2027-07-14[T12:00].")]

OTHER_PORT = "end what listens there, or take another with --port (0 takes a free one)"


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is: no markup, and no break inside a long path."""
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print a line to stderr, in red; the command goes on."""
    err.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def fail(message: str) -> NoReturn:
    """End the command with a message and exit code 2."""
    complain(message)
    raise typer.Exit(REFUSED)


def complete_stories(incomplete: str) -> list[str]:
    """For the shell: the bundled stories that begin so."""
    return [name for name in story_names() if name.startswith(incomplete)]


def to_write(ctx: typer.Context, path: Path | None) -> Path | None:
    """Callback of an option: what could not be written in the end is refused before the work begins."""
    if path is None or ctx.resilient_parsing:
        return path
    wrong = 0
    if path.is_dir():
        wrong = errno.EISDIR
    elif not path.parent.is_dir():
        wrong = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        wrong = errno.EACCES
    if wrong:
        fail(disk_says(OSError(wrong, os.strerror(wrong), str(path if wrong == errno.EISDIR else path.parent))))
    return path


def refuse_taken(port: int) -> None:
    """End the command where a port of this machine cannot be listened on, before anything is started."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        fail(f"port {port} of 127.0.0.1: {error.strerror}; {OTHER_PORT}")


@contextmanager
def refusing() -> Iterator[None]:
    """Settings or geofences that cannot be used end the command with their message and exit code 2."""
    try:
        yield
    except (SettingsError, GeofenceError) as error:
        fail(str(error))


def load_settings(path: Path, broker: str | None = None) -> Settings:
    """The settings of a file, with another broker where one is named; the log begins at their level."""
    with refusing():
        chosen = settings_module.load(path)
        if broker is not None:
            chosen = chosen.model_copy(update={"broker": broker_with(chosen.broker, broker)})
    log_to_stderr(chosen.log_level)
    return chosen


def broker_with(broker: Broker, url: str) -> Broker:
    """The same broker's settings at another address. Raises `SettingsError`."""
    found = settings_module.parse(
        {"cities": [{"id": "x", "name": "x", "geofences": "x"}], "broker": {**broker.model_dump(), "url": url}},
        name="--broker",
    )
    return found.broker


def on_kafka(settings: Settings, command: str) -> Settings:
    """The same settings; on the embedded broker they end the command."""
    if settings.broker.embedded:
        fail(f"warnsys {command} needs a Kafka: give --broker kafka://host:port; for everything in one: warnsys up")
    return settings


def moment_of(text: str | None, *, last: bool, zone: tzinfo = UTC) -> datetime | None:
    """A time, by the clocks of `zone` where it has no offset; a day alone is its first or its last second."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write 2027-07-14, 2027-07-14T12:00, or with an offset 2027-07-14T12:00+02:00")
    if len(text) <= len("2027-07-14") and moment.time() == time.min and last:
        moment += timedelta(days=1, seconds=-1)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


ENDS_WITHIN_S = 15.0
"""A broker that does not answer would hold up an end in order for ever. After this the process ends as in a crash,
which loses nothing; systemd waits 20 s before it does the same (deploy/systemd)."""


def _end_hard() -> None:
    print(
        f"not ended in order within {ENDS_WITHIN_S:g} s; ended hard, which loses nothing", file=sys.stderr, flush=True
    )
    os._exit(ENDED_WITHOUT_COMMIT)


def run(work: Coroutine[Any, Any, T]) -> T | None:
    """Run until done, or until Ctrl-C or SIGTERM, which both end everything in order, or hard after `ENDS_WITHIN_S`."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a task

        def end() -> None:
            task.cancel()
            late = threading.Timer(ENDS_WITHIN_S, _end_hard)
            late.daemon = True
            late.start()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end)
        return await work

    renewed: BaseException | None = None
    refused: BaseException | None = None
    try:
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            return asyncio.run(main())
    except* Renewed as group:
        renewed = group.exceptions[0]
    except* (SettingsError, GeofenceError) as refusals:
        refused = refusals
    while isinstance(refused, BaseExceptionGroup):
        refused = refused.exceptions[0]
    if refused:
        fail(str(refused))
    if renewed:
        err.print(str(renewed), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ENDED_TO_RENEW)
    return None
