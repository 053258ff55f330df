"""Whether an alert concerns a district, and the reason in a few words.

Warn cells decide alone wherever the alert lists any: the outlines that come with them are generalised unions of
communes and touch twice as many as are warned. Without cells shapes decide: by the share of the district inside them,
or by the part of any single shape that lies in the district, for a small place may be the smallest share of it.
Heights spare a district only where they were surveyed, with 50 m to spare. How shares are found is the caller's.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, NamedTuple, overload

from geofences.area import Area
from geofences.district import District

HEIGHT_MARGIN_M = 50.0


class Least(NamedTuple):
    """How much shapes must cover to warn, where no cells are listed; either is enough."""

    share: float = 0.01
    """Of the district."""
    part: float = 0.05
    """Of a shape: what lies in the district of it."""


class Match(NamedTuple):
    """What one alert means for one district.

    `via` says what decided, for or against; None only without any area. `reason` is for machines and operators.
    `floor_m`, `ceiling_m` (metres above sea level) are the widest band of the blocks that concern the district, None =
    no limit; a sparing band where height spared it.
    """

    district: District
    matched: bool
    via: Literal["cell", "area"] | None
    reason: str
    floor_m: float | None
    ceiling_m: float | None
    measure: Callable[[], float | None]
    """Finds the share when it is asked for: where cells decide, most never are."""

    @property
    def share(self) -> float | None:
        """Part (0 to 1, rounded to 1e-6) of the district's area inside the shapes of all blocks that do not spare it
        by height; None where the alert has no shapes, or where cells decide and it costs too much to know."""
        return self.measure()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Match) and self[:-1] == other[:-1] and self.share == other.share

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.district.id, self.reason))


class Blocks:
    """The area blocks of one alert, looked through once for all districts."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self.areas = tuple(areas)

    @cached_property
    def by_cell(self) -> dict[str, list[int]]:
        """Positions of the blocks that list a warn cell."""
        found: dict[str, list[int]] = {}
        for position, area in enumerate(self.areas):
            for cell in area.cells:
                found.setdefault(cell, []).append(position)
        return found

    @cached_property
    def shaped(self) -> tuple[int, ...]:
        """Positions of the blocks that have any outline or circle."""
        return tuple(position for position, area in enumerate(self.areas) if area.has_shape)

    @cached_property
    def banded(self) -> bool:
        """Whether any block has a limit of height."""
        return any(area.floor_m is not None or area.ceiling_m is not None for area in self.areas)

    def sparing(self, district: District, among: Sequence[int]) -> dict[int, str]:
        """Which of these blocks leave the district out by their heights, and why."""
        if not self.banded or not district.ground_is_surveyed:
            return {}
        found = ((position, spared_by_height(district, self.areas[position])) for position in among)
        return {position: why for position, why in found if why is not None}

    def widest_band(self, among: Sequence[int]) -> tuple[float | None, float | None]:
        """The lowest floor and the highest ceiling of these blocks, metres; None where one of them has no limit."""
        if not self.banded:
            return None, None
        floors = [floor for position in among if (floor := self.areas[position].floor_m) is not None]
        ceilings = [ceiling for position in among if (ceiling := self.areas[position].ceiling_m) is not None]
        return (
            min(floors) if floors and len(floors) == len(among) else None,
            max(ceilings) if ceilings and len(ceilings) == len(among) else None,
        )


def decide(
    district: District,
    blocks: Blocks,
    share_of: Callable[[tuple[int, ...]], float],
    part_of: Callable[[tuple[int, ...]], float],
    least: Least,
    diagnosis: Callable[[tuple[int, ...]], float | None] | None = None,
) -> Match:
    """Decide for one district.

    `share_of` gives the part (0 to 1, not rounded) of this district inside the union of the shapes of the blocks with
    these positions; `part_of` the largest part of one of their shapes that lies in this district, which is asked only
    where the share is not enough. A district needs either above 0 and of at least `least`. Where cells decide,
    `diagnosis` is asked instead, which may know none.
    """
    if blocks.by_cell:
        return _decide_by_cell(district, blocks, diagnosis or share_of)
    return _decide_by_area(district, blocks, share_of, part_of, least)


def _decide_by_cell(district: District, blocks: Blocks, share_of: Callable[[tuple[int, ...]], float | None]) -> Match:
    def measure() -> float | None:
        shaped = blocks.shaped
        sparing = blocks.sparing(district, shaped)
        share = share_of(tuple(i for i in shaped if i not in sparing)) if shaped else None
        return None if share is None else rounded(share)

    naming = sorted({i for cell in district.warn_cells for i in blocks.by_cell.get(cell, ())})
    if not naming:
        return Match(district, False, "cell", "cells listed, none of ours", None, None, measure)
    sparing = blocks.sparing(district, naming)
    warning = [i for i in naming if i not in sparing]
    if not warning:
        return Match(district, False, "cell", sparing[naming[0]], *blocks.widest_band(naming), measure)
    cell = next(cell for cell in blocks.areas[warning[0]].cells if cell in district.warn_cells)
    return Match(district, True, "cell", f"cell {cell}", *blocks.widest_band(warning), measure)


def _decide_by_area(
    district: District,
    blocks: Blocks,
    share_of: Callable[[tuple[int, ...]], float],
    part_of: Callable[[tuple[int, ...]], float],
    least: Least,
) -> Match:
    shaped = blocks.shaped
    if not shaped:
        return Match(district, False, None, "no area", None, None, _no_share)

    def touching(among: Sequence[int]) -> list[int]:
        return [i for i in among if rounded(share_of((i,))) > 0]

    sparing = blocks.sparing(district, shaped) if blocks.banded else {}
    counting = tuple(i for i in shaped if i not in sparing) if sparing else shaped
    share = with_spared = rounded(share_of(counting))
    part = 0.0 if _enough(share, least.share) else rounded(part_of(counting))
    matched = _enough(share, least.share) or _enough(part, least.part)
    if sparing and not matched:
        with_spared = rounded(share_of(shaped))
        if _enough(with_spared, least.share) or _enough(rounded(part_of(shaped)), least.part):
            among = touching([*sparing]) or [*sparing]
            return Match(district, False, "area", sparing[among[0]], *blocks.widest_band(among), lambda: share)
    floor, ceiling = blocks.widest_band(touching(counting)) if blocks.banded and share > 0 else (None, None)
    if matched:
        reason = f"part {part:.4f} of a shape" if part else f"area {share:.4f}"
    elif with_spared == 0:
        reason = "no overlap"
    else:  # Cut, not rounded: a share of 0.00999 must not read "0.0100 below 0.01".
        reason = f"share {int(share * 10_000) / 10_000:.4f} below {least.share:g}"
    return Match(district, matched, "area", reason, floor, ceiling, lambda: share)


def rounded(share: float) -> float:
    """A share as it is decided on: 0 to 1, to 1e-6.

    Many shares are fractions such as 1/128, just between two numbers of six digits. So that these go one way, however
    they were computed, the half begins 1e-10 early.
    """
    return min(math.floor(share * 1e6 + 0.5001) / 1e6, 1.0)


def spared_by_height(district: District, area: Area) -> str | None:
    """Why the height band of the block leaves the district out, or None where it does not."""
    if not district.ground_is_surveyed:
        return None
    low, high = district.ground_min_m, district.ground_max_m
    if area.floor_m is not None and high is not None and high + HEIGHT_MARGIN_M <= area.floor_m:
        return f"ground up to {high:g} m lies below {area.floor_m:g} m"
    if area.ceiling_m is not None and low is not None and low - HEIGHT_MARGIN_M >= area.ceiling_m:
        return f"ground from {low:g} m lies above {area.ceiling_m:g} m"
    return None


def _enough(share: float, min_share: float) -> bool:
    return share > 0 and share >= min_share


def _no_share() -> None:
    return None


class Matches(Sequence[Match]):
    """One Match a district, in the order of the index; each is made when it is looked at."""

    def __init__(
        self,
        count: int,
        near: Sequence[int],
        decide: Callable[[int], Match],
        sure_and_asked: Callable[[], tuple[Sequence[int], Sequence[int]]] | None = None,
    ) -> None:
        """`near` are positions, ascending, of at least all districts with a listed cell or a share.

        `sure_and_asked` gives, faster than `decide`, the positions that surely are warned, and those for which `decide`
        has to be asked. All others are not warned.
        """
        self._count, self._near, self._decide, self._sure_and_asked = count, near, decide, sure_and_asked

    @cached_property
    def warned_at(self) -> tuple[int, ...]:
        """The positions of the districts that are warned, ascending. No Match is made where the share decides."""
        sure, asked = self._sure_and_asked() if self._sure_and_asked else ((), self._near)
        more = [position for position in asked if self._decide(position).matched]
        return tuple(sorted([*sure, *more]) if more else sure)

    @cached_property
    def warned(self) -> tuple[Match, ...]:
        """Those of `concerned` that `matched`."""
        return tuple(map(self._decide, self.warned_at))

    @cached_property
    def concerned(self) -> tuple[Match, ...]:
        """Those whose cell the alert lists or, where it lists none, that its shapes touch: warned or not.

        All others are not warned, for one and the same `reason`.
        """
        return tuple(map(self._decide, self._near))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason that some district has, once, without a look at each."""
        near = set(self._near)
        elsewhere = next((position for position in range(self._count) if position not in near), None)
        found = [*self.concerned, *([] if elsewhere is None else [self._decide(elsewhere)])]
        return tuple(dict.fromkeys(match.reason for match in found))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, index: int | slice) -> Match | tuple[Match, ...]:
        positions = range(self._count)[index]
        return self._decide(positions) if isinstance(positions, int) else tuple(map(self._decide, positions))
