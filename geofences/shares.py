"""The shares of an alert: found when they are asked for, for all districts at once, and each only once.

An alert asks for few sets of its blocks: all of them, those that do not spare a district by height, single ones.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.area import Area
from geofences.overlap.budget import MEASURE_S, MOST_COMPARISONS, OUTLINE_S, Budget, TooDearError
from geofences.overlap.overlaps import Fences
from geofences.overlap.sides import Ints
from geofences.overlap.sphere import Floats
from geofences.parts import Parts
from geofences.shapes import JOINED, POINT_DEG, TOUCHED, box_of, joined, outlines_of

_NOTHING = 1e-10  # a share that is rounding; a point is 1e-7 of a large district

_ROUNDED = 1e-6
_SURELY = 2 * _ROUNDED  # shares that are farther apart than this are still apart when both are rounded

BlockNumbers = tuple[int, ...]
Sides = tuple[float, float, float, float]


class Covered:
    """The fences that an outline covers in part or whole, with the share of each."""

    def __init__(self, fences: Ints, share: Floats) -> None:
        self.fences = fences
        """Positions, ascending: shape (fences,)."""
        self.share = share
        """0 to 1, of the fence in the same row."""

    @cached_property
    def by_fence(self) -> dict[int, float]:
        """The shares by the fence's position."""
        return dict(zip(self.fences.tolist(), self.share.tolist(), strict=True))


_NOWHERE = Covered(np.empty(0, dtype=np.int64), np.empty(0))


class Shares:
    """What an alert's area blocks cover of each of `fences`: shares by the fence's position, as far as not 0.

    Shares are 0 to 1, with some 1e-13 of rounding; blocks are given by their positions in `areas`. What costs more
    than the budget has left is taken as larger than drawn.
    """

    __slots__ = ("_areas", "_budget", "_drawn", "_enlarged", "_fences", "_found", "_measured", "_near", "_parts")

    def __init__(self, fences: Fences, areas: Sequence[Area], budget: Budget | None = None) -> None:
        self._fences, self._areas, self._budget = fences, areas, budget or Budget()
        self._budget.comparisons = min(1.0 + len(fences.areas), MOST_COMPARISONS)
        self._drawn: dict[int, Area] | None = None
        self._near: dict[int, tuple[BaseGeometry, ...]] = {}
        self._found: dict[BlockNumbers, Covered] = {}
        self._parts: dict[BlockNumbers, Parts] = {}
        self._enlarged = False
        self._measured = 0

    def may_touch(self) -> bool:
        """False where no shape comes near any fence."""
        return bool(self._near_by_block())

    def of(self, blocks: BlockNumbers) -> Covered:
        """What the union of these blocks covers."""
        if blocks not in self._found:
            # Who asks for one block by itself will ask for the others.
            sets = [(block,) for block in range(len(self._areas))] if len(blocks) == 1 else [blocks]
            Shares.find([(self, each) for each in sets])
        return self._found[blocks]

    def of_fence(self, fence: int, blocks: BlockNumbers) -> float:
        """What the union of these blocks covers of one fence."""
        found = self._found.get(blocks)
        return (self.of(blocks) if found is None else found).by_fence.get(fence, 0.0)

    def may_warn(self, blocks: BlockNumbers, share: float, part: float) -> tuple[Ints, Ints]:
        """The fences that these blocks surely cover by more than `share`, and those that have to be decided one by one.

        A fence has to be decided if its share is close to `share`, or if `part` of one shape may lie in it. All other
        fences are not warned.
        """
        covered = self.of(blocks)
        sure = covered.share > share + _SURELY
        rest = (~sure).nonzero()[0]
        fences, shares = covered.fences.take(rest), covered.share.take(rest)
        if len(rest):
            inside, boxes = self._inside(fences, shares), self._fences.boxes_of(fences)
            asked = (shares > share - _SURELY) | self._parts_of(blocks).may_be(part, inside, boxes)
            fences = fences[asked]
        return covered.fences[sure], fences

    def largest_part(self, fence: int, least: float, blocks: BlockNumbers) -> float:
        """The largest part of one shape of these blocks inside one fence; 0 where none can be `least`."""
        if (share := self.of_fence(fence, blocks)) == 0:
            return 0.0
        inside = float(self._inside(fence, share))
        part = self._parts_of(blocks).largest(self._fences.geometry(fence), inside, least, self._budget)
        if part is None:
            self.exceed(TOUCHED)
        return 1.0 if part is None else part

    def _parts_of(self, blocks: BlockNumbers) -> Parts:
        if blocks not in self._parts:
            self._parts[blocks] = Parts([shape for block in blocks for shape in self._near[block]])
        return self._parts[blocks]

    def _inside(self, fences: Ints | int, share: Floats | float) -> Floats:
        """The most that shares of fences may be, in steradians."""
        return (share + _ROUNDED) * self._fences.areas.take(fences)

    def exactly(self, fence: int, blocks: BlockNumbers) -> float | None:
        """The same, or None where something was taken as larger than drawn."""
        share = None if self._enlarged else self.of_fence(fence, blocks)
        return None if self._enlarged else share

    @staticmethod
    def find(asked: Sequence[tuple["Shares", BlockNumbers]]) -> None:
        """Measure sets of blocks, of one alert or several on the same fences, in one go."""
        near = []
        wanted: dict[Shares, dict[int, None]] = {}
        for shares, blocks in asked:
            wanted.setdefault(shares, {}).update(dict.fromkeys(blocks))
        for shares, every in wanted.items():
            shares._draw([*every])
        for shares, blocks in asked:
            shares._found[blocks] = _NOWHERE
            if (outline := shares._outline(blocks)) is not None:
                near.append((shares, blocks, outline))
        paid = [one[0]._can_measure() for one in near]
        _cover_by_box([one for one, can_be in zip(near, paid, strict=True) if not can_be])
        near = [one for one, can_be in zip(near, paid, strict=True) if can_be]
        if not near:
            return
        try:
            _measure(near)
        except TooDearError:
            for one in near:
                _measure_somehow(*one)

    def _can_measure(self) -> bool:
        """Whether one more outline can be paid."""
        self._measured += 1
        return self._budget.try_pay(MEASURE_S if self._measured == 1 else OUTLINE_S)

    def exceed(self, code: str) -> None:
        self._budget.exceed(code)
        self._enlarged = True

    def _outline(self, blocks: BlockNumbers) -> BaseGeometry | None:
        before = self._budget.refused
        shapes = [shape for block in blocks for shape in self._near[block]]
        outline = joined(shapes, self._budget) if shapes else None
        self._enlarged |= self._budget.refused > before
        return outline

    def _draw(self, blocks: Sequence[int]) -> None:
        """Find the outlines of these blocks, all together."""
        new = [block for block in blocks if block not in self._near]
        before, near = self._budget.refused, self._near_by_block()
        self._near.update(dict.fromkeys(new, ()))
        drawn = [block for block in new if block in near]
        self._near.update(zip(drawn, outlines_of([near[block] for block in drawn], self._budget), strict=True))
        self._enlarged |= self._budget.refused > before

    def _near_by_block(self) -> dict[int, Area]:
        """The shapes that come near any fence, by their block; all are looked at once, together."""
        if self._drawn is None:
            self._drawn = _near(self._areas, self._fences.box)
        return self._drawn


_Asked = tuple[Shares, BlockNumbers, BaseGeometry]
"""Who asks for which blocks, and their outline."""


def _cover_by_box(asked: Sequence[_Asked]) -> None:
    """Each outline covers whatever its box touches."""
    if not asked:
        return
    touched = asked[0][0]._fences.touched_by_boxes([outline for _, _, outline in asked])
    for (shares, blocks, _), fences in zip(asked, touched, strict=True):
        shares.exceed(TOUCHED)
        shares._found[blocks] = Covered(np.array(fences, dtype=np.int64), np.ones(len(fences)))


def _measure_somehow(shares: Shares, blocks: BlockNumbers, outline: BaseGeometry) -> None:
    """The outline, or its hull, or the box around it; where not even that can be, all whose boxes it touches."""
    for tried in (outline, shapely.convex_hull(outline), shapely.envelope(outline)):
        try:
            _measure([(shares, blocks, tried)])
        except TooDearError:
            shares.exceed(JOINED)
        else:
            return
    _cover_by_box([(shares, blocks, outline)])


def _measure(near: Sequence[_Asked]) -> None:
    """Raises `TooDearError`."""
    fences = near[0][0]._fences
    of_outline, fence, area = fences.overlaps([outline for _, _, outline in near])
    share = area / fences.areas.take(fence)
    some = (share > _NOTHING).nonzero()[0]
    of_outline, fence, share = of_outline.take(some), fence.take(some), share.take(some)
    ends = of_outline.searchsorted(np.arange(len(near) + 1)).tolist()
    for (shares, blocks, _), start, end in zip(near, ends, ends[1:], strict=False):
        shares._found[blocks] = Covered(fence[start:end], share[start:end])


def _near(areas: Sequence[Area], box: Sides) -> dict[int, Area]:
    """By position, those shapes of areas that come near a box; no areas without any."""
    west, east, south, north = box
    drawn = [(block, polygon) for block, area in enumerate(areas) for polygon in area.polygons]
    polygons = dict[int, list[shapely.Polygon]]()
    if drawn:
        left, low, right, high = shapely.bounds([polygon for _, polygon in drawn]).T
        reach = 2 * POINT_DEG  # a polygon may be a point, which is a circle
        touching = (left <= east + reach) & (right >= west - reach) & (low <= north + reach) & (high >= south - reach)
        for place in np.flatnonzero(touching).tolist():
            block, polygon = drawn[place]
            polygons.setdefault(block, []).append(polygon)
    circles = {
        block: found
        for block, area in enumerate(areas)
        if area.circles and (found := tuple(circle for circle in area.circles if _touch(box_of(circle), box)))
    }
    return {
        block: Area(polygons=polygons.get(block, ()), circles=circles.get(block, ()))
        for block in sorted(polygons.keys() | circles.keys())
    }


def _touch(one: Sides, other: Sides) -> bool:
    return one[0] <= other[1] and one[1] >= other[0] and one[2] <= other[3] and one[3] >= other[2]
