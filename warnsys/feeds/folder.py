"""A folder with the city's own CAP files, as a source: an operator puts a message there, and it warns.

What is in the folder is what holds. A listing ends warnings, so it counts only when it cannot be half of the truth:

* a marker file shows that this is the folder, and not the empty place where it should have been mounted;
* it was the same before and after all files were read, and all could be;
* a file that cannot be understood is believed to be still growing, until a second look finds it unchanged.

Its stamp is our clock's, to five minutes: pollers on several machines whose clocks differ by less than that agree, and
a file that is lacking for a moment ends nothing. To end a warning at once, put a Cancel beside it.
"""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx

from warnsys.cap import CapError, dwd, read_alert
from warnsys.cap.bundle import MAX_MEMBERS
from warnsys.cap.read import MAX_BYTES
from warnsys.feeds.answer import Answer, Asks, Refused
from warnsys.feeds.kinds import SourceKind
from warnsys.settings import Source

MARKER = "warnsys.folder"
STAMPS_S = 300
MAX_NAME = 400
"""Characters of what a member is named by, before what keeps several apart."""

_Listing = dict[str, tuple[int, int, int]]
"""By file name: size, time of the last change, and which file it is."""


class FolderSource:
    """The files `*.xml` of a folder, packed as a ZIP; files of other names are nobody's business."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._not_understood: dict[str, tuple[int, int, int]] = {}

    @property
    def place(self) -> str:
        return str(self._folder)

    async def ask(self, validators: Mapping[str, str], now: datetime) -> Answer | None:  # noqa: ARG002 - a folder has none
        """The folder at `now`. Raises `Refused`."""
        stamp = datetime.fromtimestamp(now.timestamp() // STAMPS_S * STAMPS_S, UTC)
        try:
            return Answer(stamp, await asyncio.to_thread(self._packed), {})
        except OSError as error:
            raise Refused(f"{error.filename or 'a file'} cannot be read ({error.strerror})", "look after it") from error

    def _packed(self) -> bytes:
        before = self._listed()
        files = {name: self._read(name) for name in before}
        if self._listed() != before:
            raise Refused("the folder changed while it was read", "wait")
        self._wait_for_growing(before, files)
        return pack(files)

    def _listed(self) -> _Listing:
        if not (self._folder / MARKER).is_file():
            what = f"the file {MARKER} is missing, which shows that this is the folder and that it is mounted"
            raise Refused(what, f"make it once with: touch {self._folder / MARKER}")
        names = [path for path in self._folder.iterdir() if path.suffix.lower() == ".xml" and path.name[0] != "."]
        if len(names) > MAX_MEMBERS:
            raise Refused(f"{len(names)} files are there, at most {MAX_MEMBERS} are read", "clear the folder")
        stats = {path.name: path.stat() for path in sorted(names)}
        return {name: (stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in stats.items()}

    def _read(self, name: str) -> bytes:
        with (self._folder / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def _wait_for_growing(self, listed: _Listing, files: Mapping[str, bytes]) -> None:
        known, self._not_understood = self._not_understood, {}
        for name, body in files.items():
            if _identifier(body) is None:
                self._not_understood[name] = listed[name]
        growing = [name for name, state in self._not_understood.items() if known.get(name) != state]
        if growing:
            raise Refused(f"{growing[0]} cannot be read as CAP, perhaps it is still being written", "look into it")


def pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP whose members are named by their identifiers, as the DWD's are, and by their senders, whoever lies beside
    them: a file that is written over with another message is another message. The same files give the same bytes."""
    members: dict[str, bytes] = {}
    for name, body in files.items():
        identifier = _short(_identifier(body) or "").replace("/", "_").replace("\\", "_")
        member = f"{identifier}.xml" if identifier else name
        if members.setdefault(member, body) != body:
            members[f"{Path(name).stem}~{member}"] = body
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for member, body in members.items():
            entry = zipfile.ZipInfo(member)
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, body)
    return packed.getvalue()


def _identifier(body: bytes) -> str | None:
    try:
        alert = read_alert(body)
    except CapError:
        return None
    return alert.identifier if dwd.is_senders(alert.sender) else dwd.named(alert.sender, alert.identifier)


def _short(identifier: str) -> str:
    """As a header takes it."""
    if len(identifier) <= MAX_NAME:
        return identifier
    return f"{identifier[:MAX_NAME]}~{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"


def _asks(source: Source, _client: httpx.AsyncClient) -> Asks:
    if source.folder is None:
        raise ValueError(f"source {source.name}: a folder is polled, but none is given; write folder")
    return FolderSource(source.folder)


KIND = SourceKind(name="folder", order=20, asks=_asks)
