"""Areas that are parts of areas: city → district → quarter, each naming its parent's id."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from geofences.district import District
from geofences.files.findings import Finding


def misplaced_parents(districts: Mapping[int, District], ids: Collection[str]) -> Iterator[Finding]:
    """Parents that are not among the file's `ids`, and circles of parents; keys are the features' positions."""
    parent_of = {district.id: district.parent for district in districts.values()}
    for index, district in districts.items():
        if district.parent is None:
            continue
        if district.parent not in ids:
            yield Finding(
                "parent-unknown",
                f"parent {district.parent!r} is no area of this city in the file",
                "give the id of the area that it is a part of, or null",
            ).at(index, district.id)
        elif circle := _circle(district.id, parent_of):
            yield Finding(
                "parent-circle",
                f"its parents lead back to itself ({' → '.join(circle)})",
                "let the parent be the larger area, and the largest have none",
            ).at(index, district.id)


def _circle(start: str, parent_of: Mapping[str, str | None]) -> list[str]:
    """The way from an area over its parents back to it, or nothing."""
    way = [start]
    while (parent := parent_of.get(way[-1])) is not None and parent not in way[1:]:
        way.append(parent)
        if parent == start:
            return way
    return []


def siblings(districts: Mapping[int, District]) -> list[list[int]]:
    """The positions of the areas that lie beside each other: those of one city with the same parent, or none."""
    groups = defaultdict(list)
    for index, district in districts.items():
        groups[district.parent].append(index)
    return list(groups.values())
