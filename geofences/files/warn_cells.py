"""What the digits of the DWD's warn cells tell: which cells reach a commune, and which Kreis covers it.

A cell is one digit and the eight of the official commune key. Most communes have a cell of their own (8…); some large
cities have cells of their quarters (7…) instead, and their own does not exist. Berlin's quarters fill several Kreise.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

COMMUNE, QUARTER, KREIS, PART_OF_KREIS = "8", "7", "1", "9"
MOST_NAMED = 30
"""Quarters in one message; Berlin has three times as many."""


def is_in_kreis(kreis: str, cell: str) -> bool:
    """Whether a cell is of a city that is this Kreis: the commune of the same key, or a quarter with its digits."""
    if cell.startswith(COMMUNE):
        return cell[1:] == kreis[1:]
    return cell.startswith(QUARTER) and cell.startswith(_beginning(kreis[1:]), 1)


def _beginning(key: str) -> str:
    """The digits that the quarters of a city share: of its Kreis, or of its Land where the city is one."""
    return key[:2] if key.endswith("000000") else key[:5]


class KnownCells:
    """The cells of a catalogue, found by commune."""

    def __init__(self, cells: Collection[str]) -> None:
        self._names: Mapping[str, str] = cells if isinstance(cells, Mapping) else {}
        self._cells = frozenset(cells)
        self._communes, self._quarters = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for cell in sorted(self._cells):
            if cell.startswith(COMMUNE):
                self._communes[cell[1:6]].append(cell)
            elif cell.startswith(QUARTER):
                self._quarters[cell[1:3]].append(cell)

    def __contains__(self, cell: str) -> bool:
        return cell in self._cells

    def reaching(self, key: str) -> tuple[str, ...]:
        """The cells that reach the commune of this key: its own, else its quarters; none where there is neither."""
        own = f"{COMMUNE}{key}"
        return (own,) if own in self._cells else self.quarters(key)

    def quarters(self, key: str) -> tuple[str, ...]:
        """Of the commune of this key; of a city that is its own Kreis all that the Kreis has."""
        land = self._quarters.get(key[:2], ())
        if not self.has_several(key):
            return tuple(cell for cell in land if cell.startswith(_beginning(key), 1))
        return tuple(cell for cell in land if self.key_of(cell) == key)

    def key_of(self, cell: str) -> str:
        """The key of the commune that a quarter belongs to, and of any other cell its own.

        In a Kreis of several communes the quarters of one share six digits (Saarbrücken: 7 100411 01), and one that is
        numbered like a commune is one by itself.
        """
        key = cell[1:]
        if not cell.startswith(QUARTER):
            return key
        if not self.has_several(key):
            land = f"{key[:2]}000000"
            return land if f"{KREIS}{land}" in self._cells else f"{key[:5]}000"
        return key if key[5] == "0" else f"{key[:6]}00"

    def has_several(self, key: str) -> bool:
        """Whether the Kreis of this key has other communes in it than a city that is the Kreis."""
        return any(not cell.endswith("000") for cell in self._communes.get(key[:5], ()))

    def keys(self) -> tuple[str, ...]:
        """Of all communes that have a cell or quarters."""
        cells = [cell for each in (*self._communes.values(), *self._quarters.values()) for cell in each]
        return tuple(sorted({self.key_of(cell) for cell in cells}))

    def proposed(self, key: str) -> tuple[str, ...]:
        """What reaches a commune, with the cell of its Kreis where the commune is the Kreis."""
        reaching, kreis = self.reaching(key), f"{KREIS}{key}"
        own = kreis in self._cells and not self.has_several(key)
        return (*reaching, kreis) if reaching and own else reaching

    def told(self, cells: Iterable[str]) -> str:
        """The cells with their names, as far as they are known."""
        listed = [f"{cell} {self._names[cell]}" if cell in self._names else cell for cell in cells]
        more = [f"and {len(listed) - MOST_NAMED} more"] if len(listed) > MOST_NAMED else []
        return ", ".join((*listed[:MOST_NAMED], *more))
