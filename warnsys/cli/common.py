"""What the commands share: the consoles, their options, the settings, and how a command ends."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from geofences import GeofenceError
from warnsys import settings as settings_module
from warnsys.logs import log_to_stderr
from warnsys.renewal import Renewed
from warnsys.settings import Broker, Settings, SettingsError
from warnsys.supervisor import ENDED_TO_RENEW, REFUSED

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
FromOption = Annotated[str | None, typer.Option("--from", help="First day or time (UTC): 2027-07-14[T12:00].")]


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


def moment_of(text: str | None, *, last: bool) -> datetime | None:
    """A time in UTC; a day alone is its first or its last second."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write 2027-07-14 or 2027-07-14T12:00")
    if len(text) <= len("2027-07-14") and moment.time() == time.min and last:
        moment += timedelta(days=1, seconds=-1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def run(work: Coroutine[Any, Any, T]) -> T | None:
    """Run until done, or until Ctrl-C or SIGTERM, which both end everything in order."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a task
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
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
