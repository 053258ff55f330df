"""Which messages reference one another in a circle: the strongly connected parts of the graph of references.

Tarjan's algorithm (1972), without recursion: a chain of references may be longer than Python's stack.
"""

from collections.abc import Iterable, Iterator, Mapping


def parts(references: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """By message the number of its part: two have the same if each references the other, perhaps by way of more.

    Takes time in proportion to the messages and their references; references to what is none of them count for nothing.
    """
    found: dict[str, int] = {}
    first: dict[str, int] = {}  # when each was reached
    low: dict[str, int] = {}  # the earliest that it leads back to
    open_ones: list[str] = []
    for start in references:
        path: list[tuple[str, Iterator[str]]] = []
        more: str | None = start if start not in first else None
        while path or more is not None:
            if more is not None:
                first[more] = low[more] = len(first)
                open_ones.append(more)
                path.append((more, iter(references[more])))
            one, rest = path[-1]
            more = None
            for other in rest:
                if other in references and other not in first:
                    more = other
                    break
                if other in references and other not in found:
                    low[one] = min(low[one], first[other])
            if more is not None:
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[one])
            if low[one] == first[one]:
                while True:
                    last = open_ones.pop()
                    found[last] = first[one]
                    if last == one:
                        break
    return found
