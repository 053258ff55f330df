"""The snapshots that are replayed: from folders of dated ZIPs, single ZIPs, or a story."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from warnsys.cap import CapError, Member, read_alert
from warnsys.cap.document import ZONE
from warnsys.cap.dwd import without_language
from warnsys.cap.model import Alert, worst_level
from warnsys.feeds.answer import open_zip
from warnsys.feeds.bundle import UNREADABLE, Key
from warnsys.feeds.names import stamp_in
from warnsys.nearest import did_you_mean
from warnsys.simulation.scenario import Scenario, story_names
from warnsys.simulation.scenario import load as load_scenario

DEFAULT_SOURCE = "dwd"
_NAMED = re.compile(r"([a-z0-9][a-z0-9-]*)=(.+)")


class ReplayError(ValueError):
    """What was named cannot be replayed; the message says what and where, and what to do."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One answer of a source, not opened yet."""

    source: str
    stamp: datetime
    seen: datetime
    """When it is looked at: its stamp, unless a story says that a slow server still had it later."""
    read: Callable[[], bytes]
    """The ZIP."""
    name: str
    title: str = ""
    """What a story says of this moment, in German."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is replayed, in the order in which it was to be seen."""

    shots: tuple[Shot, ...]
    start: datetime
    end: datetime
    title: str

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted({shot.source for shot in self.shots}))

    def between(self, start: datetime | None, end: datetime | None) -> "Material":
        """The part that was seen in this time, both included. Raises `ReplayError` where nothing was."""
        begin, last = start or self.start, end or self.end
        shots = tuple(shot for shot in self.shots if begin <= shot.seen <= last)
        if not shots:
            raise ReplayError(
                f"nothing between {begin.isoformat()} and {last.isoformat()}; "
                f"there are snapshots from {self.start.isoformat()} to {self.end.isoformat()}"
            )
        return Material(shots, begin if start else shots[0].seen, last, self.title)


def find(places: Sequence[str], sources: Sequence[str] = (DEFAULT_SOURCE,)) -> Material:
    """Everything that the paths and names of stories hold.

    A ZIP belongs to the source of which the path is given as `NAME=PATH`; else to the one of `sources` after which a
    folder above it is named, else to the first of them. Raises
    `ReplayError` where there is nothing, and `ScenarioError` for a story that cannot be told.
    """
    if len(places) == 1 and (story := _story(places[0])):
        return of_scenario(story)
    shots: list[Shot] = []
    for place in places:
        if story := _story(place):
            shots += of_scenario(story).shots
        else:
            named = _NAMED.match(place)
            shots += _files(Path(named[2] if named else place), (named[1],) if named else sources)
    shots.sort(key=lambda shot: (shot.seen, shot.source, shot.name))
    return Material(tuple(shots), shots[0].seen, shots[-1].seen, ", ".join(Path(place).name for place in places))


def of_scenario(story: Scenario) -> Material:
    """A story as its city would have seen it, from its start to its end, also where no snapshot comes."""
    shots = [
        Shot(
            step.source,
            step.at,
            step.seen,
            _returning(step.bundle),
            f"{story.name}/{number}",
            step.title if step.chapter else "",
        )
        for number, step in enumerate(story.steps)
    ]
    return Material(tuple(shots), story.start, story.end, story.title)


def _story(place: str) -> Scenario | None:
    path = Path(place)
    if path.suffix in (".yaml", ".yml") or (
        not path.exists() and not path.suffix and path.name == place and not _NAMED.match(place)
    ):
        return load_scenario(place)
    return None


def _files(path: Path, sources: Sequence[str]) -> Iterator[Shot]:
    if not path.exists():
        known = story_names()
        meant = did_you_mean(path, known)
        raise ReplayError(
            f"{path}: no such file or folder{meant}; name one; the bundled stories are: {', '.join(known)}"
        )
    found = False
    for file in sorted(path.rglob("*.zip")) if path.is_dir() else [path]:
        if stamp := stamp_in(file.name):
            folders = file.relative_to(path).parts[:-1] if path.is_dir() else ()
            source = next((folder for folder in folders if folder in sources), sources[0])
            found = True
            yield Shot(source, stamp, stamp, file.read_bytes, file.name)
    if not found:
        raise ReplayError(f"{path}: no ZIP with DWD's dated name (Z_CAP_C_EDZW_<YYYYMMDDhhmmss>_….zip) is there")


def _returning(content: bytes) -> Callable[[], bytes]:
    return lambda: content


# -- opened ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReplayedMessage:
    member: Member
    key: Key
    alert: Alert | CapError
    """The error where it cannot be read."""

    @property
    def listed_id(self) -> str:
        return without_language(self.member.stem)

    @property
    def rank(self) -> float:
        """The worst go first, as the feed sends them."""
        if isinstance(self.alert, CapError):
            return UNREADABLE
        return 0 if self.alert.msg_type == "Cancel" else worst_level(self.alert.infos)


class Opener:
    """Opens snapshot after snapshot; a message that stood in the one before is not read again."""

    def __init__(self, zones: Mapping[str, tzinfo] | None = None) -> None:
        """`zones` by source: where the clocks go of those that write times without an offset."""
        self._zones = zones or {}
        self._known: dict[str, dict[Key, ReplayedMessage]] = {}

    def open(self, shot: Shot) -> tuple[ReplayedMessage, ...]:
        """The messages in the ZIP's order. Raises `Refused` where it cannot be trusted as a whole."""
        known, zone = self._known.get(shot.source, {}), self._zones.get(shot.source, ZONE)
        messages = [_read(member, known, zone) for member in open_zip(shot.read())]
        self._known[shot.source] = {message.key: message for message in messages}
        return tuple(messages)


def _read(member: Member, known: dict[Key, ReplayedMessage], zone: tzinfo) -> ReplayedMessage:
    key = member.name, hashlib.sha256(member.body).digest()
    if key in known:
        return known[key]
    if member.error:
        return ReplayedMessage(member, key, member.error)
    try:
        return ReplayedMessage(member, key, read_alert(member.body, zone=zone))
    except CapError as error:
        return ReplayedMessage(member, key, error)


def worst_first(messages: Iterable[ReplayedMessage]) -> list[ReplayedMessage]:
    return sorted(messages, key=lambda message: -message.rank)
