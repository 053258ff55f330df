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
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

import httpx

from warnsys.cap import CapError, dwd, read_alert
from warnsys.cap.bundle import MAX_MEMBERS
from warnsys.cap.read import MAX_BYTES
from warnsys.feeds.answer import Answer, Asks, Refused
from warnsys.feeds.kinds import SourceKind
from warnsys.settings import Source

MARKER = "warnsys.folder"
STAMPS_S = 300
FAST = 1
"""Of zlib's levels: a folder is packed at each change, and what is in it may be large."""
SMALL, PACKS = 64 * 1024, 100
"""A file of more bytes that packs to less than a hundredth is stored as it is. A smaller one makes no such ZIP: beside
its data a member has its names and headers."""
MAX_NAME = 230
"""Characters of what a member is named by, before what keeps several apart: a ZIP's names are trusted up to 255."""

SETTLED_S = 5
"""A file that was changed so lately may change again and look the same: some file systems tell times in seconds."""

_Listing = dict[str, tuple[int, int, int]]
"""By file name: size, time of the last change, and which file it is."""


class FolderSource:
    """The files `*.xml` of a folder, packed as a ZIP; files of other names are nobody's business."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[bytes, str | None] = {}  # identifiers by the content's hash, of what lies there
        self._not_understood: dict[str, tuple[int, int, int]] = {}
        self._last: tuple[datetime, _Listing, bytes] | None = None

    @property
    def place(self) -> str:
        return str(self._folder)

    async def ask(self, validators: Mapping[str, str], now: datetime) -> Answer | None:  # noqa: ARG002 - a folder has none
        """The folder at `now`. Raises `Refused`."""
        stamp = datetime.fromtimestamp(now.timestamp() // STAMPS_S * STAMPS_S, UTC)
        try:
            content, wrong = await asyncio.to_thread(self._packed, now, stamp)
        except OSError as error:
            raise _unreadable(error) from error
        return Answer(stamp, content, {}, partly=wrong)

    def _packed(self, now: datetime, stamp: datetime) -> tuple[bytes, Refused | None]:
        """What can be read, and why that is not all. What is as it was is read once a stamp: it may be large."""
        before, wrong = self._listed()
        if not wrong and self._last and self._last[:2] == (stamp, before):
            return self._last[2], None
        self._last = None
        files: dict[str, bytes] = {}
        for name in before:
            try:
                files[name] = self._read(name)
            except OSError as error:
                wrong = _unreadable(error)
        if self._listed()[0] != before:
            wrong = Refused("the folder changed while it was read", "wait")
        identifiers = self._identified(files)
        for name in self._growing(before, identifiers):
            del files[name]
            what = f"{_shown(name)} cannot be read as CAP, perhaps it is still being written"
            wrong = Refused(what, "look into it")
        content = pack(files, identifiers)
        if not wrong and all(abs(now.timestamp() - changed / 1e9) > SETTLED_S for _, changed, _ in before.values()):
            self._last = stamp, before, content
        return content, wrong

    def _listed(self) -> tuple[_Listing, Refused | None]:
        if not (self._folder / MARKER).is_file():
            what = f"the file {MARKER} is missing, which shows that this is the folder and that it is mounted"
            raise Refused(what, f"make it once with: touch {self._folder / MARKER}")
        names = [path for path in self._folder.iterdir() if path.suffix.lower() == ".xml" and path.name[0] != "."]
        if len(names) > MAX_MEMBERS:
            raise Refused(f"{len(names)} files are there, at most {MAX_MEMBERS} are read", "clear the folder")
        found: _Listing = {}
        wrong: Refused | None = None
        for path in sorted(names):
            try:
                stat = path.stat()
            except OSError as error:
                wrong = _unreadable(error)
                continue
            if S_ISREG(stat.st_mode):  # who reads a pipe waits for ever
                found[path.name] = stat.st_size, stat.st_mtime_ns, stat.st_ino
        return found, wrong

    def _read(self, name: str) -> bytes:
        with (self._folder / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def _identified(self, files: Mapping[str, bytes]) -> dict[str, str | None]:
        """The identifiers by file name. Only new content is read: files may be large, and are looked at often."""
        known, self._known = self._known, {}
        found = {}
        for name, body in files.items():
            digest = hashlib.sha256(body).digest()
            self._known[digest] = found[name] = known[digest] if digest in known else _identifier(body)
        return found

    def _growing(self, listed: _Listing, identifiers: Mapping[str, str | None]) -> list[str]:
        """Files that cannot be understood, and were not the same at the last look."""
        known, self._not_understood = self._not_understood, {}
        for name, identifier in identifiers.items():
            if identifier is None:
                self._not_understood[name] = listed[name]
        return [name for name, state in self._not_understood.items() if known.get(name) != state]


def pack(files: Mapping[str, bytes], identifiers: Mapping[str, str | None] | None = None) -> bytes:
    """A ZIP whose members are named by their identifiers, as the DWD's are, and by their senders, whoever lies beside
    them: a file that is written over with another message is another message. The same files give the same bytes.

    Identifiers that are not given are read from the files.
    """
    if identifiers is None:
        identifiers = {name: _identifier(body) for name, body in files.items()}
    members: dict[str, bytes] = {}
    for name, body in files.items():
        member = _plain(identifiers[name] or Path(name).stem)
        if members.setdefault(f"{_short(member, MAX_NAME)}.xml", body) != body:
            other = f"{_short(_plain(Path(name).stem), 60)}~{_short(member, 150)}"
            if members.setdefault(f"{other}.xml", body) != body:
                members[f"{other[:200]}~{hashlib.sha256(body).hexdigest()[:16]}.xml"] = body
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for member, body in members.items():
            entry = zipfile.ZipInfo(member)
            entry.compress_type = zipfile.ZIP_STORED if _packs_too_well(body) else zipfile.ZIP_DEFLATED
            bundle.writestr(entry, body, compresslevel=FAST)
    return packed.getvalue()


def _packs_too_well(body: bytes) -> bool:
    """Whether a ZIP with it would unpack so many-fold that nobody trusts it (`answer.MAX_RATIO`), us included."""
    return len(body) > SMALL and len(zlib.compress(body, FAST)) * PACKS < len(body)


def _identifier(body: bytes) -> str | None:
    try:
        alert = read_alert(body)
    except CapError:
        return None
    return alert.identifier if dwd.is_senders(alert.sender) else dwd.named(alert.sender, alert.identifier)


def _plain(name: str) -> str:
    """As a member of a ZIP may be called that is trusted: no path, no drive, nothing that cannot be printed."""
    plain = _shown(name).replace("/", "_").replace("\\", "_")
    return f"{plain[0]}_{plain[2:]}" if plain[1:2] == ":" else plain


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


def _short(name: str, most: int) -> str:
    """With what keeps several apart, where it is cut."""
    return name if len(name) <= most else f"{name[:most]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _unreadable(error: OSError) -> Refused:
    what = f"{_shown(str(error.filename or 'a file'))} cannot be read ({error.strerror})"
    return Refused(what, "look after it")


def _asks(source: Source, _client: httpx.AsyncClient) -> Asks:
    if source.folder is None:
        raise ValueError(f"source {source.name}: a folder is polled, but none is given; write folder")
    return FolderSource(source.folder)


KIND = SourceKind(name="folder", order=20, asks=_asks, place_key="folder")
