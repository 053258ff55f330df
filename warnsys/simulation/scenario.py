"""A storm as a story: a short YAML file → the row of ZIPs that DWD would have published during it.

The ZIPs behave as DWD's STAT does, for that is what the rest has to cope with: an Update stands in the place of its
predecessor, what has expired is dropped by the next snapshot, what vanishes does so without a word, and a new snapshot
comes every few minutes though nothing changed. The same story gives the same bytes and ids each time.
"""

import io
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from warnsys.cap import read_bundle
from warnsys.disk import disk_says
from warnsys.nearest import did_you_mean, no_such_key
from warnsys.simulation.message import StoryMessage, Strict, minutes_after, write
from warnsys.simulation.repeat import repeated

BUNDLED = Path(__file__).with_name("scenarios")
NOT_INHERITED = ("key", "at", "update", "cancel", "vanish_at", "broken", "status")
"""What a message never takes over from its predecessor; everything else that it leaves out, it does."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:warnsys:scenario")


class ScenarioError(ValueError):
    """A story that cannot be told; the message says where in which file, and what was expected."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the server has from a time on."""

    at: datetime
    title: str
    """What just happened, in a few German words, as operators read them; "" where nothing did."""
    note: str
    """What to look for, "" where the title says all."""
    bundle: bytes
    """The ZIP."""
    source: str = "dwd"
    late: timedelta = timedelta(0)
    """How long after its stamp the server still answers with it, where a node lags."""
    chapter: bool = False
    """Whether the story itself gave it its title."""

    @property
    def seen(self) -> datetime:
        return self.at + self.late


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    start: datetime
    end: datetime
    steps: tuple[Step, ...]
    """In the order in which they are seen; mostly a new stamp each, the contents often the same."""
    about: str = ""
    """What it tries out, in a sentence or two of German."""

    def messages(self) -> tuple[bytes, ...]:
        """The distinct bodies of all members in order of first appearance, the broken ones among them."""
        members = (member for step in self.steps for member in read_bundle(step.bundle))
        return tuple(dict.fromkeys(member.body for member in members))


def story_names() -> list[str]:
    """Of the bundled stories."""
    return sorted(story.stem for story in BUNDLED.glob("*.yaml"))


def load(path_or_name: str | Path) -> Scenario:
    """Read a story from a YAML file, or a bundled one by its name. Raises `ScenarioError`."""
    path = Path(path_or_name)
    if not path.suffix and path.name in story_names() and not path.is_file():
        path = BUNDLED / f"{path.name}.yaml"
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        known = story_names()
        meant = did_you_mean(path, known)
        raise ScenarioError(
            f"{path}: no such file{meant}; name one; the bundled stories are: {', '.join(known)}"
        ) from None
    except OSError as error:
        raise ScenarioError(disk_says(error, path)) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}; write the story as YAML in UTF-8") from error
    if not isinstance(content, dict):
        raise ScenarioError(f"{path}: expected title, start, minutes, cells and alerts, as docs/how-to/replay.md says")
    try:
        alerts = content.get("alerts")
        if isinstance(alerts, list) and all(isinstance(alert, dict) for alert in alerts):
            alerts = _inherited(repeated(alerts))
        story = _Story.model_validate({**content, "alerts": alerts})
    except ValidationError as error:
        lines = (
            f"{path}: {'.'.join(str(part) for part in found['loc']) or 'story'}: "
            + (no_such_key(_Story, found["loc"]) if found["type"] == "extra_forbidden" else found["msg"])
            for found in error.errors(include_url=False, include_context=False)
        )
        raise ScenarioError("\n".join(lines)) from error
    return _tell(path.stem, story)


class _Chapter(Strict):
    at: float = Field(ge=0)
    title: str
    note: str = ""


class _Outage(Strict):
    """Minutes from the first on, without the last, in which a feed gives nothing new."""

    start: float = Field(alias="from", ge=0)
    end: float = Field(alias="to")
    feed: str = ""
    """All feeds where none is named."""


class _Story(Strict):
    """The YAML file; times in alerts and chapters are minutes since `start`."""

    title: str
    about: str = ""
    start: datetime
    timezone: str = "Europe/Berlin"
    minutes: float = Field(gt=0)
    every_min: float = Field(5, gt=0)
    """Minutes between snapshots while nothing happens."""
    feeds: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], float] = Field({"dwd": 0}, min_length=1)
    """The sources by name, and by how many minutes the stamps of each are later; all have the same messages."""
    outages: tuple[_Outage, ...] = ()
    flapping: bool = False
    """Whether a minute after each new snapshot another node still answers with the one before."""
    cells: dict[Annotated[str, Field(pattern=r"^\d{9}$")], str] = {}
    """Names of the warn cells."""
    chapters: tuple[_Chapter, ...] = ()
    alerts: tuple[StoryMessage, ...]

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone; write one like 'Europe/Berlin'") from error
        return name

    @model_validator(mode="after")
    def _hangs_together(self) -> "_Story":
        told: dict[str, StoryMessage] = {}
        for message in self.alerts:
            if message.key in told:
                raise ValueError(f"alert {message.key!r} stands there twice")
            if message.at > self.minutes:
                raise ValueError(f"alert {message.key!r}: at {message.at:g} is after the story's end, {self.minutes:g}")
            predecessor = told.get(message.predecessor)
            if message.predecessor and (predecessor is None or predecessor.at > message.at):
                raise ValueError(
                    f"alert {message.key!r}: its predecessor {message.predecessor!r} has to come before it"
                )
            if unknown := set(message.cells) - set(self.cells):
                raise ValueError(f"alert {message.key!r}: name the cells {', '.join(sorted(unknown))} under cells")
            told[message.key] = message
        return self

    @property
    def begin(self) -> datetime:
        zone = ZoneInfo(self.timezone)
        return self.start.replace(tzinfo=zone) if self.start.tzinfo is None else self.start.astimezone(zone)


def _inherited(alerts: Sequence[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """The alerts with what they take over from their predecessors."""
    full: dict[str, dict[Any, Any]] = {}
    merged = []
    for alert in alerts:
        predecessor = full.get(str(alert.get("update") or alert.get("cancel")), {})
        kept = {name: value for name, value in predecessor.items() if name not in NOT_INHERITED}
        full[str(alert.get("key"))] = {**kept, **alert}
        merged.append(full[str(alert.get("key"))])
    return merged


@dataclass(frozen=True, slots=True)
class _File:
    """A message as a member of the ZIPs."""

    message: StoryMessage
    name: str
    body: bytes
    gone_at: float
    """Minute of the first snapshot without it, unless it expires before."""

    def stands_at(self, minute: float) -> bool:
        until = self.message.until
        return self.message.at <= minute < self.gone_at and (until is None or minute <= until)


def _tell(name: str, story: _Story) -> Scenario:
    files = _files(name, story)
    steps: list[tuple[float, Step]] = []
    before: Sequence[_File] = ()
    chapters = {chapter.at: chapter for chapter in story.chapters}
    for minute in _minutes(story):
        standing = [file for file in files if file.stands_at(minute)]
        chapter = chapters.get(minute) or _Chapter(at=minute, title=_what_changed(before, standing))
        at = minutes_after(story.begin, minute)
        steps.append(
            (minute, Step(at, chapter.title, chapter.note, _zip(standing, story.begin), chapter=minute in chapters))
        )
        before = standing
    end = minutes_after(story.begin, story.minutes)
    served = sorted(_served(story, steps), key=lambda step: (step.seen, step.source))
    return Scenario(
        name, story.title, story.begin, end, tuple(step for step in served if step.seen <= end), story.about
    )


def _served(story: _Story, steps: Sequence[tuple[float, Step]]) -> Iterator[Step]:
    """What each feed has of the story: later, with holes, or with nodes that lag."""
    for feed, later in story.feeds.items():
        held: Step | None = None
        for minute, step in steps:
            if any(out.start <= minute < out.end and out.feed in ("", feed) for out in story.outages):
                continue
            step = replace(step, at=step.at + timedelta(minutes=later), source=feed)
            yield step
            if story.flapping and held:
                yield replace(held, title="", note="", chapter=False, late=step.at + timedelta(minutes=1) - held.at)
            held = step


def _files(name: str, story: _Story) -> list[_File]:
    replaced_at = {message.predecessor: message.at for message in reversed(story.alerts) if message.predecessor}
    note = f'Exercise "{name}": made up for tests and demonstrations, no warning, not issued by the DWD.'
    sent: dict[str, tuple[str, datetime]] = {}
    files = []
    for message in story.alerts:
        at = minutes_after(story.begin, message.at)
        unique = uuid.uuid5(_NAMESPACE, f"{name}/{message.key}/{message.at:g}")
        identifier = f"2.49.0.0.276.0.DWD.PVW.{round(at.timestamp() * 1000)}.{unique}.MUL"
        sent[message.key] = identifier, at
        body = write(
            message,
            story.begin,
            identifier,
            reference=sent.get(message.predecessor),
            cells=story.cells,
            note=note,
        )
        if message.broken:
            body = body[: len(body) // 2]
        ends = (message.vanish_at, replaced_at.get(message.key))
        gone_at = min((minute for minute in ends if minute is not None), default=float("inf"))
        files.append(_File(message, f"{identifier}.xml", body, gone_at))
    return files


def _minutes(story: _Story) -> Iterator[float]:
    """When there is a new snapshot: at every change but an expiry, and regularly in between."""
    regular = {number * story.every_min for number in range(int(story.minutes / story.every_min) + 1)}
    changes = {minute for alert in story.alerts for minute in (alert.at, alert.vanish_at) if minute is not None}
    chapters = {chapter.at for chapter in story.chapters}
    found = regular | changes | chapters | {story.minutes}
    yield from sorted(minute for minute in found if 0 <= minute <= story.minutes)


def _what_changed(before: Sequence[_File], now: Sequence[_File]) -> str:
    come = [f"{file.message.key} kommt" for file in now if file not in before]
    gone = [f"{file.message.key} endet" for file in before if file not in now]
    return ", ".join(come + gone)


def _zip(files: Sequence[_File], start: datetime) -> bytes:
    """A ZIP without anything of the present in it; of no files the legal empty one of 22 bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for file in files:
            sent = minutes_after(start, file.message.at)
            entry = zipfile.ZipInfo(file.name, sent.timetuple()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            bundle.writestr(entry, file.body)
    return packed.getvalue()
