"""Finds what the project has several kinds of, a file each: channels, sources, targets (docs/adr/0020).

Who adds one adds its file to the package; nobody keeps a list. The files are imported when somebody first asks, so that
modules below them, such as records and policy, can know their names.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T", bound="Registered")


class Registered(Protocol):
    """What each file describes."""

    @property
    def name(self) -> str:
        """In settings and on the wire."""

    @property
    def order(self) -> int:
        """Its place in lists; names decide between equals."""


class Registry(Generic[T]):
    """The objects called `attribute` in the modules of a package."""

    def __init__(self, package: str, attribute: str) -> None:
        self._package, self._attribute = package, attribute
        self._found: tuple[T, ...] | None = None

    def all(self) -> tuple[T, ...]:
        """Each of them, in their order. Raises `ValueError` for a name that two files give."""
        if self._found is None:
            self._found = _sorted(list(self._modules()))
        return self._found

    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.all())

    def get(self, name: str) -> T:
        """Raises `KeyError`, which names those that there are."""
        for one in self.all():
            if one.name == name:
                return one
        raise KeyError(f"{name!r} is none of {', '.join(self.names())}: no file of {self._package} describes it")

    @contextmanager
    def beside(self, one: T) -> Iterator[None]:
        """With one more for a while: a test's."""
        before = self.all()
        self._found = _sorted([*before, one])
        try:
            yield
        finally:
            self._found = before

    def _modules(self) -> Iterator[T]:
        for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
            found = getattr(importlib.import_module(f"{self._package}.{module.name}"), self._attribute, None)
            if found is not None:
                yield found


def _sorted(found: Sequence[T]) -> tuple[T, ...]:
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: two files describe it; give one of them another name")
    return tuple(sorted(found, key=lambda one: (one.order, one.name)))


CHANNELS: Registry[Any] = Registry("warnsys.channels", "CHANNEL")
"""`warnsys.channels.registry` has them with their type."""
SOURCES: Registry[Any] = Registry("warnsys.feeds", "KIND")
"""`warnsys.feeds.kinds` has them with their type."""
TARGETS: Registry[Any] = Registry("warnsys.delivery.targets", "KIND")
"""`warnsys.delivery.target` has their type."""
