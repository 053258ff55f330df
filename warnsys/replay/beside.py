"""Two replays side by side on the report: what districts were told and shown before and after, in words. German."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from warnsys.channels.registry import called
from warnsys.replay.compare import VERSIONS, NoticeDifference
from warnsys.replay.narrate import district_names
from warnsys.replay.tape import Line
from warnsys.replay.words import ADVANCE_KINDS, AUDIENCES, FRESHNESS, KINDS, LOUDNESS, PHASES, REASONS, STATUS

NOTHING = "nichts"
Pieces = tuple[tuple[str, bool], ...]
"""A text in pieces, each with whether the other side lacks it."""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    at: datetime
    who: str
    where: str
    before: Pieces
    after: Pieces


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the report shows of it."""

    name: str
    """Of what is compared with."""
    versions: tuple[str, ...]
    worded: bool
    """Whether the words were compared, too."""
    rows: tuple[ComparedRow, ...]


def side_by_side(name: str, before: Line, after: Line, found: Sequence[NoticeDifference]) -> Comparison:
    """Of the headers and differences of two replays."""
    rows = tuple(_row(one, after) for one in found)
    changed = [key for key in VERSIONS if before.get(key) != after.get(key)]
    versions = (f"{key}: vorher {before.get(key)}, nachher {after.get(key)}" for key in changed)
    worded = any("text" in line for one in found for line in (one.before, one.after) if line)
    return Comparison(name, tuple(versions), worded, rows)


def _row(one: NoticeDifference, header: Line) -> ComparedRow:
    audience = "" if one.channel == "stele" else f", {AUDIENCES.get(one.audience, one.audience)}"
    city = header["cities"].get(one.city) or {"name": one.city, "districts": {}}
    before, after = _pieces(_said(one.before), _said(one.after))
    who, where = f"{called(one.channel, 'de')}{audience}", district_names(city, set(one.districts))
    return ComparedRow(datetime.fromisoformat(one.at), who, where, before, after)


def _said(line: Line | None) -> str:
    if line is None:
        return NOTHING
    if "status" in line:
        shown = ", ".join(_shown(one) for one in line["warnings"])
        data = FRESHNESS.get(line["freshness"], line["freshness"])
        return line.get("text") or f"{STATUS.get(line['status'], line['status'])}, Daten {data}: {shown or 'nichts'}"
    reason = REASONS.get(line["reason"], line["reason"])
    return f"{line.get('text') or _kind(line)} [{reason}]"


def _shown(warning: Line) -> str:
    """What a stele shows of one warning, where there are no words."""
    phase = PHASES.get(warning["phase"], warning["phase"])
    return f"Stufe {warning['level']} ({phase}, {LOUDNESS.get(warning['presentation'], warning['presentation'])})"


def _kind(line: Line) -> str:
    """Where there are no words. An older release does not say whether it is a warning or an advance notice."""
    kinds = ADVANCE_KINDS if line.get("advance") else KINDS if "advance" in line else {**KINDS, "warn": "Neu"}
    return f"{kinds.get(line['kind'], line['kind'])}, Stufe {line['level']}, {line['group']}"


def _pieces(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Word by word; what only one side has is marked."""
    if NOTHING in (before, after):
        return ((before, before != NOTHING),), ((after, after != NOTHING),)
    old, new = before.split(), after.split()
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for side, words in zip(sides, (old[i1:i2], new[j1:j2]), strict=True):
            if words:
                side.append((" ".join(words), kind != "equal"))
    return tuple(sides[0]), tuple(sides[1])
