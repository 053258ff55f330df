"""What an installation lacks, and what is wrong with it: `warnsys doctor`.

Each check gives rows: what was looked at, how it is, and what to do. None changes anything, and none raises for what it
finds. What the broker says is looked at in `streams.processes.checkup`.
"""

import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

import httpx

from geofences import District, GeofenceError
from geofences import load as load_districts
from geofences.files.warn_cells import KnownCells
from warnsys.cap import cells
from warnsys.feeds.answer import Answer, Refused, open_zip
from warnsys.feeds.kinds import asks
from warnsys.feeds.poller import AHEAD
from warnsys.reach import unknown
from warnsys.settings import EXAMPLE, City, Settings, Source

Health = Literal["ok", "note", "wrong"]
"""`note`: it works, but something is missing that others need; `wrong`: it has to be mended."""
LEAST_PYTHON = (3, 11)
CLOCK_APART = timedelta(seconds=10)
"""So far two clocks may differ without anybody looking after them."""
ANSWER_S = 5.0
MB = 1_000_000
SET_CLOCK = "set this machine's clock by NTP, and look at it with: timedatectl"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:==([^;, ]+))?")


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One thing that was looked at."""

    what: str
    health: Health
    says: str
    remedy: str = ""
    """What to do where it is not well."""


def of_python() -> Iterator[CheckRow]:
    """Python itself, and whether what warnsys is built on is there."""
    said = f"{platform.python_version()} on {platform.system()}"
    if sys.version_info < LEAST_PYTHON:
        yield CheckRow("Python", "wrong", said, "take Python 3.11 or later: make PYTHON=python3.12 install")
    elif platform.system() != "Linux":
        yield CheckRow("Python", "note", said, "run it on Linux, where it is tested")
    else:
        yield CheckRow("Python", "ok", said)
    lacking, extra = _lacking()
    if lacking:
        yield CheckRow("packages", "wrong", f"not as they must be: {', '.join(lacking)}", "install them: make install")
    else:
        yield CheckRow("packages", "ok", f"warnsys {version('warnsys')}, and all that it needs")
    if extra:
        remedy = 'for "geofences import" and PNGs only; in the clone: make gis'
        yield CheckRow("extra gis", "note", f"not installed: {', '.join(extra)}", remedy)
    else:
        yield CheckRow("extra gis", "ok", "installed")


def _lacking() -> tuple[list[str], list[str]]:
    """Packages that are missing or of another version than the one they are pinned to; and those of the extra gis."""
    lacking: dict[bool, list[str]] = {False: [], True: []}
    for line in requires("warnsys") or ():
        found = _REQUIREMENT.match(line)
        name, pinned = (found[1], found[2]) if found else (line, None)
        try:
            present = version(name)
        except PackageNotFoundError:
            present = ""
        if not present or (pinned and present != pinned):
            lacking["extra ==" in line].append(f"{name} {present}, expected {pinned}" if present else name)
    return lacking[False], lacking[True]


def of_cities(settings: Settings) -> Iterator[CheckRow]:
    """The districts of each city, and whether anybody warns them."""
    for city in settings.cities:
        what = f"geofences of {city.name}"
        try:
            districts = load_districts(city.geofences, city=city.id, warn_cells=city.warn_cells)
        except (GeofenceError, OSError) as error:
            yield CheckRow(what, "wrong", str(error), f"see all of it with: warnsys geofences check {city.geofences}")
            continue
        yield from _of_districts(what, city, districts)


def _of_districts(what: str, city: City, districts: Sequence[District]) -> Iterator[CheckRow]:
    if not districts:
        remedy = "write the city's id into each feature's property 'city'"
        yield CheckRow(what, "wrong", f"{city.geofences} has no district of {city.id!r}", remedy)
        return
    yield CheckRow(what, "ok", f"{len(districts)} districts")
    for one in unknown(districts, KnownCells(cells.catalogue())):
        says, _, remedy = one.says.partition(": ")
        yield CheckRow(f"warn cells of {city.name}", "wrong", f"{', '.join(one.districts)}: {says}", remedy)
    if EXAMPLE in city.link:
        remedy = "write the address of your pages into the city's link"
        yield CheckRow(f"link of {city.name}", "note", f"a push leads to {city.link}", remedy)


async def of_source(source: Source, client: httpx.AsyncClient, clock: Callable[[], datetime]) -> list[CheckRow]:
    """Whether a source answers with what can be read, and whether its clock and ours agree."""
    what, place = f"source {source.name}", source.url or str(source.folder)
    try:
        answer = await asks(source, client).ask({}, clock())
        now = clock()
        if answer is None:
            return [CheckRow(what, "ok", place)]
        messages = open_zip(answer.content)
    except Refused as refused:
        return [CheckRow(what, "wrong", f"{place}: {refused.what}", refused.remedy)]
    return [*_of_answer(what, source, answer, len(messages), now), *_of_clock(source, answer, now)]


def _of_answer(what: str, source: Source, answer: Answer, messages: int, now: datetime) -> Iterator[CheckRow]:
    if answer.partly:
        yield CheckRow(what, "wrong", answer.partly.what, answer.partly.remedy)
    elif answer.stamp is None:
        yield CheckRow(what, "wrong", "the answer has no time, so that it ends nothing", "take an address that has one")
    elif now - answer.stamp > timedelta(seconds=source.stale_after_s):
        said = f"{messages} messages, but the newest listing is of {answer.stamp.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        yield CheckRow(what, "wrong", said, "compare it with the server in a browser; steles show it as stale")
    else:
        yield CheckRow(what, "ok", f"{messages} messages, as of {answer.stamp.astimezone(UTC):%H:%M} UTC")


def _of_clock(source: Source, answer: Answer, now: datetime) -> Iterator[CheckRow]:
    if answer.date is None:
        return
    apart = abs(answer.date - now)
    said = f"{apart.total_seconds():.0f} s apart from the server's of {source.name}"
    if apart > AHEAD:
        yield CheckRow("clock", "wrong", f"{said}: its listings are not believed", SET_CLOCK)
    elif apart > CLOCK_APART:
        yield CheckRow("clock", "note", said, SET_CLOCK)
    else:
        yield CheckRow("clock", "ok", said)


def of_ports(settings: Settings) -> Iterator[CheckRow]:
    """Whether the pages and the figures can be served where the settings say."""
    wanted = [
        ("web.port", settings.web.host, settings.web.port),
        ("web.public_port", settings.web.host, settings.web.public_port),
        ("metrics.port", settings.metrics.host, settings.metrics.port),
    ]
    for name, host, port in wanted:
        if port is None:
            continue
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
                probe.bind((host, port))
        except OSError as error:
            yield _taken(name, host, port, error)
        else:
            yield CheckRow(name, "ok", f"{host}:{port} is free" if port else f"{host}: a free one is taken")


def _taken(name: str, host: str, port: int, error: OSError) -> CheckRow:
    if name != "metrics.port" and _is_ours(host, port):
        return CheckRow(name, "ok", f"{host}:{port} serves pages of warnsys now")
    if isinstance(error, PermissionError):
        return CheckRow(name, "wrong", f"{host}:{port}: {error.strerror}", f"set {name} to a port from 1024 on")
    remedy = f"end what listens there, or set {name} to another port"
    return CheckRow(name, "wrong", f"{host}:{port} cannot be listened on ({error.strerror or error})", remedy)


def _is_ours(host: str, port: int) -> bool:
    try:
        with httpx.Client(trust_env=False, timeout=ANSWER_S) as client:
            return "ready" in client.get(f"http://{host}:{port}/health/ready").json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError):
        return False


def of_folders(settings: Settings) -> Iterator[CheckRow]:
    """Whether what is kept can be written, and has room."""
    for name, folder in (
        ("archive.folder", settings.archive.folder),
        ("audit.folder", settings.audit.folder),
        ("runtime_folder", settings.runtime_folder),
    ):
        if folder is None:
            continue
        there = _nearest(folder)
        if not there.is_dir():
            yield CheckRow(name, "wrong", f"{there} is a file", "name a folder")
        elif not os.access(there, os.W_OK | os.X_OK):
            yield CheckRow(name, "wrong", f"this user may not write into {there}", "give it the right, or name another")
        elif name == "archive.folder" and shutil.disk_usage(there).free < settings.archive.min_free_mb * MB:
            said = f"less than {settings.archive.min_free_mb:.0f} MB are free, so that nothing is kept"
            yield CheckRow(name, "wrong", said, "make room, or keep less: warnsys archive prune")
        else:
            yield CheckRow(name, "ok", f"{folder} can be written")
    if settings.archive.folder is None:
        remedy = 'write [archive] with folder = "archive"'
        yield CheckRow("archive.folder", "note", "nothing is kept for replays", remedy)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the one in which it would be made."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(one))


def of_operators(settings: Settings) -> Iterator[CheckRow]:
    """Whether anybody can come in to stop a channel."""
    web = settings.web
    if web.open:
        yield CheckRow("operators", "wrong", "everybody is one (web.open)", "take web.open out: it is for the demo")
    elif web.operators or web.proxy_user_header:
        said = f"{len(web.operators)} by name" if web.operators else f"by the header {web.proxy_user_header}"
        yield CheckRow("operators", "ok", said)
    else:
        remedy = "make a line for [web.operators] with: warnsys hash-password"
        yield CheckRow("operators", "note", "nobody can sign in, to stop a channel or to acknowledge", remedy)
