"""Counts and draws who imports whom: modules, imports, circles, and imports that run back up between rooms.

A room is a package with modules in it; a module that lies beside the rooms counts as a room of its own. The rooms are
put into the order in which the fewest imports run upwards; those that still do run back up. An import inside a function
counts as any other, one for type checking only does not.

    python -m tools.import_graph docs/reference/import-graph.md --name now
    python -m tools.import_graph docs/reference/import-graph.md --name before --root OTHER-TREE

writes the line of that name in the page's table, and draws `import-graph-NAME.svg` beside the page.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grimp

PACKAGES = ("warnsys", "streams", "geofences")
BOX_W, BOX_H, GAP_X, GAP_Y = 118, 30, 14, 44
ROW = 9
"""Boxes side by side; a level with more takes several rows."""
COLOURS = {"warnsys": "#dbe9f6", "streams": "#fde3cf", "geofences": "#d9f0d3"}

Arrow = tuple[str, str]
"""Who imports, and who is imported."""
Circle = tuple[str, ...]
"""Names that all import one another, directly or by way of others."""


@dataclass(frozen=True)
class Graph:
    modules: tuple[str, ...]
    imports: frozenset[Arrow]

    @property
    def rooms(self) -> Counter[str]:
        """The rooms with their numbers of modules."""
        return Counter(room_of(module) for module in self.modules)

    @property
    def between_rooms(self) -> Counter[Arrow]:
        """How many imports lead from one room to another."""
        pairs = ((room_of(importer), room_of(imported)) for importer, imported in self.imports)
        return Counter(pair for pair in pairs if pair[0] != pair[1])


def read(root: Path) -> Graph:
    """The graph of the tree at `root`; nothing of it is executed."""
    sys.path.insert(0, str(root.resolve()))
    try:
        found = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    finally:
        sys.path.pop(0)
    imports = {(each, other) for each in found.modules for other in found.find_modules_directly_imported_by(each)}
    return Graph(tuple(sorted(found.modules)), frozenset(imports))


def room_of(module: str) -> str:
    """`warnsys.cap` for `warnsys.cap.read`; a module beside the rooms is its own."""
    return ".".join(module.split(".")[:2])


def circles(names: Iterable[str], arrows: Iterable[Arrow]) -> list[Circle]:
    """Each circle once, sorted."""
    imported: dict[str, set[str]] = {}
    for importer, other in arrows:
        imported.setdefault(importer, set()).add(other)
    reached = {name: _reached(name, imported) for name in names}
    found = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in reached}
    return sorted(circle for circle in found if len(circle) > 1)


def _reached(start: str, imported: Mapping[str, Collection[str]]) -> set[str]:
    found, ahead = set[str](), [start]
    while ahead:
        for other in imported.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found


def upward(rooms: Iterable[str], arrows: Mapping[Arrow, int]) -> list[Arrow]:
    """The arrows that run back up in the best order that sifting finds: outside a circle none does."""
    found: list[Arrow] = []
    for circle in circles(rooms, arrows):
        inner = {arrow: count for arrow, count in arrows.items() if set(arrow) <= set(circle)}
        place = {room: number for number, room in enumerate(_sifted(circle, inner))}
        found += [(importer, other) for importer, other in inner if place[importer] > place[other]]
    return sorted(found)


def _sifted(circle: Circle, arrows: Mapping[Arrow, int]) -> Sequence[str]:
    """The rooms from the top down: each in turn goes to its best place, until none gets better."""

    def cost(order: Sequence[str]) -> int:
        place = {room: number for number, room in enumerate(order)}
        return sum(count for (importer, other), count in arrows.items() if place[importer] > place[other])

    imports = Counter[str]()
    for (importer, other), count in arrows.items():
        imports[importer] += count
        imports[other] -= count
    order, least = sorted(circle, key=lambda room: -imports[room]), -1
    while least != (least := cost(order)):
        for room in circle:
            rest = [other for other in order if other != room]
            order = min(([*rest[:at], room, *rest[at:]] for at in range(len(order))), key=cost)
    return order


def line(name: str, graph: Graph) -> str:
    """The graph's line in the page's table."""
    found, between = circles(graph.modules, graph.imports), graph.between_rooms
    round_rooms, back = circles(graph.rooms, between), upward(graph.rooms, between)
    cells = (
        name, len(graph.modules), len(graph.imports), _told(found), len(graph.rooms), len(between), _told(round_rooms),
        f"{len(back)} ({sum(between[arrow] for arrow in back)} imports)" if back else "0",
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def _told(found: Sequence[Circle]) -> str:
    return f"{len(found)} (of {', '.join(str(len(circle)) for circle in found)})" if found else "0"


def drawing(graph: Graph) -> str:
    """The rooms as an SVG: who imports stands above what is imported; what runs back up is red.

    An arrow is left out where a longer way leads there, too.
    """
    between = graph.between_rooms
    back = set(upward(graph.rooms, between))
    down = [arrow for arrow in between if arrow not in back]
    at = _places(graph.rooms, down)
    between = Counter({arrow: between[arrow] for arrow in (*_direct(down), *sorted(back))})
    width = max(x for x, _ in at.values()) + BOX_W + GAP_X
    height = max(y for _, y in at.values()) + BOX_H + GAP_X
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif">',
            "<title>Rooms and their imports</title>",
            f'<rect width="{width:g}" height="{height:g}" fill="white"/>',
            *_lines(at, between, back),
            *_boxes(at, graph.rooms),
            "</svg>\n",
        )
    )


def _direct(down: Collection[Arrow]) -> list[Arrow]:
    """The arrows without those that a longer way implies."""
    imported: dict[str, set[str]] = {}
    for importer, other in down:
        imported.setdefault(importer, set()).add(other)
    reached = {room: _reached(room, imported) for room in imported}
    return sorted(
        (importer, other)
        for importer, other in down
        if not any(other in reached.get(between, ()) for between in imported[importer])
    )


def _places(rooms: Iterable[str], down: Collection[Arrow]) -> dict[str, tuple[float, float]]:
    """Where each room's box begins: a level above all that it imports, over the middle of them."""
    imported: dict[str, list[str]] = {room: [] for room in sorted(rooms)}
    for importer, other in sorted(down):
        imported[importer].append(other)
    level: dict[str, int] = {}

    def level_of(room: str) -> int:
        if room not in level:
            level[room] = 1 + max((level_of(other) for other in imported[room]), default=-1)
        return level[room]

    rows: list[list[str]] = []
    for number in range(1 + max(map(level_of, imported))):
        here = [room for room in imported if level[room] == number]
        rows += [here[start : start + ROW] for start in range(0, len(here), ROW)]
    at: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        y = GAP_X + (len(rows) - 1 - number) * (BOX_H + GAP_Y)
        start = (ROW - len(row)) * (BOX_W + GAP_X) / 2 + GAP_X
        middle = {room: _mean([at[other][0] for other in imported[room] if other in at]) for room in row}
        for place, room in enumerate(sorted(row, key=lambda room: (middle[room], room))):
            at[room] = start + place * (BOX_W + GAP_X), y
    return at


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0


def _lines(
    at: Mapping[str, tuple[float, float]], between: Mapping[Arrow, int], back: Collection[Arrow]
) -> Iterator[str]:
    for (importer, other), count in sorted(between.items(), key=lambda item: item[0] in back):
        (x1, y1), (x2, y2) = at[importer], at[other]
        red = (importer, other) in back
        from_y, to_y = (y1, y2 + BOX_H) if y1 > y2 else (y1 + BOX_H, y2)
        yield (
            f'<line x1="{x1 + BOX_W / 2:g}" y1="{from_y:g}" x2="{x2 + BOX_W / 2:g}" y2="{to_y:g}" '
            f'stroke="{"#c00" if red else "#777"}" stroke-opacity="{0.9 if red else 0.5}" '
            f'stroke-width="{min(4, 0.6 + count / 6):.1f}"><title>{importer} imports {other}: {count}</title></line>'
        )


def _boxes(at: Mapping[str, tuple[float, float]], rooms: Mapping[str, int]) -> Iterator[str]:
    for room, (x, y) in at.items():
        package, _, name = room.partition(".")
        count = f" ({rooms[room]})" if rooms[room] > 1 else ""
        yield (
            f'<rect x="{x:g}" y="{y:g}" width="{BOX_W}" height="{BOX_H}" rx="4" fill="{COLOURS[package]}" '
            f'stroke="#555"/><text x="{x + BOX_W / 2:g}" y="{y + 12:g}" font-size="9" text-anchor="middle" '
            f'fill="#555">{package}</text><text x="{x + BOX_W / 2:g}" y="{y + 24:g}" font-size="11" '
            f'text-anchor="middle">{name or "__init__"}{count}</text>'
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Count and draw the imports of a tree.")
    parser.add_argument("page", type=Path)
    parser.add_argument("--name", default="now")
    parser.add_argument("--root", type=Path, default=Path())
    chosen = parser.parse_args()
    graph, text = read(chosen.root), chosen.page.read_text("utf-8")
    written, count = re.subn(rf"^\| {re.escape(chosen.name)} \|.*$", line(chosen.name, graph), text, flags=re.MULTILINE)
    if count != 1:
        parser.error(f"{chosen.page}: no line of the table, or several, begin with {chosen.name!r}; write one")
    chosen.page.write_text(written, "utf-8")
    chosen.page.with_name(f"import-graph-{chosen.name}.svg").write_text(drawing(graph), "utf-8")
    for arrow in upward(graph.rooms, graph.between_rooms):
        for importer, other in sorted(graph.imports):
            if (room_of(importer), room_of(other)) == arrow:
                print(f"runs back up: {importer} imports {other}")


if __name__ == "__main__":
    main()
