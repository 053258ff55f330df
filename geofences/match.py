"""Whether an alert concerns a district, and the reason in a few words.

Warn cells decide alone wherever the alert lists any: the outlines that come with them are generalised unions of
communes and touch twice as many as are warned. Without cells the share of the district inside the shapes decides.
Heights spare a district only where they were surveyed, with 50 m to spare. How shares are found is the caller's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from geofences.area import Area
from geofences.district import District

HEIGHT_MARGIN_M = 50.0
_SHARE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Match:
    """What one alert means for one district.

    `share` is the part (0 to 1, rounded to 1e-6) of the district's area inside the shapes of all blocks that do not
    spare it by height; None where the alert has no shapes. `via` says what decided, for or against; None only
    without any area. `reason` is for machines and operators. `floor_m`, `ceiling_m` (metres above sea level) are the
    widest band of the blocks that concern the district, None = no limit; a sparing band where height spared it.
    """

    district: District
    matched: bool
    share: float | None
    via: Literal["cell", "area"] | None
    reason: str
    floor_m: float | None
    ceiling_m: float | None


def decide(
    district: District,
    areas: Sequence[Area],
    share_of: Callable[[tuple[int, ...]], float],
    min_share: float,
) -> Match:
    """Decide for one district.

    `share_of` gives the part (0 to 1, not rounded) of this district inside the union of the shapes of the blocks with
    these positions in `areas`. A district needs a share above 0 and of at least `min_share`.
    """

    @cache
    def part(*blocks: int) -> float:
        return round(min(share_of(blocks), 1.0), _SHARE_DIGITS)

    sparing = {i: why for i, area in enumerate(areas) if (why := spared_by_height(district, area)) is not None}
    shaped = [i for i, area in enumerate(areas) if area.has_shape]
    counting = [i for i in shaped if i not in sparing]
    share = part(*counting) if shaped else None

    def outcome(
        via: Literal["cell", "area"] | None, reason: str, blocks: Sequence[int], *, matched: bool = False
    ) -> Match:
        floor, ceiling = _widest_band([areas[i] for i in blocks])
        return Match(district, matched, share, via, reason, floor, ceiling)

    if any(area.cells for area in areas):
        naming = {
            i: cell
            for i, area in enumerate(areas)
            if (cell := next((cell for cell in area.cells if cell in district.warn_cells), None))
        }
        if not naming:
            return outcome("cell", "cells listed, none of ours", ())
        blocks = [i for i in naming if i not in sparing]
        if not blocks:
            return outcome("cell", sparing[next(iter(naming))], [*naming])
        return outcome("cell", f"cell {naming[blocks[0]]}", blocks, matched=True)

    if share is None:
        return outcome(None, "no area", ())
    touching = [i for i in counting if part(i) > 0]
    if _enough(share, min_share):
        return outcome("area", f"area {share:.4f}", touching, matched=True)
    with_spared = part(*shaped)
    if _enough(with_spared, min_share):
        spared = [i for i in shaped if i in sparing]
        spared = [i for i in spared if part(i) > 0] or spared
        return outcome("area", sparing[spared[0]], spared)
    if with_spared == 0:
        return outcome("area", "no overlap", ())
    # Cut, not rounded: a share of 0.00999 must not read "0.0100 below 0.01".
    return outcome("area", f"share {int(share * 10_000) / 10_000:.4f} below {min_share:g}", touching)


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


def _widest_band(areas: Sequence[Area]) -> tuple[float | None, float | None]:
    floors = [area.floor_m for area in areas if area.floor_m is not None]
    ceilings = [area.ceiling_m for area in areas if area.ceiling_m is not None]
    open_below, open_above = len(floors) < len(areas), len(ceilings) < len(areas)
    return (
        None if open_below or not floors else min(floors),
        None if open_above or not ceilings else max(ceilings),
    )
