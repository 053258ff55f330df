"""Which infos of a message say the same in different languages.

They pair by what they state: how bad, when, where and which event, by its codes. Texts for people, the names of areas
among them, may differ, as may the order of infos and of areas.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from warnsys.cap import dwd
from warnsys.cap.model import Alert, Area, Info

_NO_CODES = frozenset(("license", "area_color"))
"""Names of event codes that say nothing about the event."""

_MOST_LOOKED_AT = 50
"""Of the warnings that a translation may belong to; real messages have a handful."""

_Codes = dict[str, frozenset[str]]


def alike(alert: Alert) -> list[list[Info]]:
    """The infos of a message, those together that differ in language only; in the message's order.

    Those of one language are never together: they warn of different things, or of the same twice.
    """
    where: dict[int, frozenset[object]] = {}
    stated: dict[tuple[object, ...], list[_Together]] = {}
    exactly: dict[tuple[object, ...], list[_Together]] = {}
    spoken = Counter[tuple[object, ...]]()
    for number, info in enumerate(alert.infos):
        if id(info.areas) not in where:  # every language of a DWD message has the same areas
            where[id(info.areas)] = places(info.areas)
        begin = info.onset or info.effective or alert.sent
        facts = (
            info.urgency, info.severity, begin, info.expires, dwd.is_all_clear(info), where[id(info.areas)],
        )  # fmt: skip
        codes = _codes(info)
        said = frozenset(codes.items()), frozenset(info.parameters), frozenset(info.categories)
        same = (*facts, info.certainty, *said)
        some, place = exactly.setdefault(same, []), spoken[same, info.language]
        spoken[same, info.language] += 1
        if place < len(some) and some[place].may_take({_primary(info): info.event}, codes):
            some[place].take(number, info, codes)
            continue
        new = _Together(number, info, codes)
        some.append(new)
        stated.setdefault(facts, []).append(new)
    found = [one for some in stated.values() for one in _joined(some)]
    return [[alert.infos[number] for number in sorted(one.numbers)] for one in sorted(found, key=lambda one: one.first)]


class _Together:
    """Infos that say the same, by their numbers in the message."""

    __slots__ = ("codes", "example", "languages", "numbers")

    def __init__(self, number: int, info: Info, codes: _Codes) -> None:
        self.example = info
        self.numbers: list[int] = []
        self.languages: dict[str, str] = {}
        """Each with what the event is called in it."""
        self.codes: _Codes = {}
        self.take(number, info, codes)

    @property
    def first(self) -> int:
        return min(self.numbers)

    def may_take(self, languages: Mapping[str, str], codes: _Codes) -> bool:
        """Whether others may say the same: in another language, or for another country in the same words, and by no
        other code."""
        return all(self.languages.get(one, event) == event for one, event in languages.items()) and all(
            codes.get(name, said) == said for name, said in self.codes.items()
        )

    def take(self, number: int, info: Info, codes: _Codes) -> None:
        self.numbers.append(number)
        self.languages.setdefault(_primary(info), info.event)
        self.codes = {**self.codes, **codes}

    def join(self, other: "_Together") -> None:
        self.numbers += other.numbers
        self.languages = {**other.languages, **self.languages}
        self.codes = {**other.codes, **self.codes}


def _joined(some: list[_Together]) -> list[_Together]:
    """Those together whose codes, parameters or categories are not quite the same: each with what it has most in
    common with."""
    if len(some) > _MOST_LOOKED_AT:
        return some
    kept: list[_Together] = []
    for one in some:
        fitting = [
            other
            for other in kept
            if other.languages.keys().isdisjoint(one.languages) and other.may_take(one.languages, one.codes)
        ]
        if fitting:
            max(fitting, key=lambda other: _in_common(other.example, one.example)).join(one)
        else:
            kept.append(one)
    return kept


def places(areas: Sequence[Area]) -> frozenset[object]:
    """Where an info warns, as it is decided: by cells where it lists any, else by shapes.

    Names and order are left out, also at which point a ring begins and which way it runs.
    """
    bands = [dwd.height_band_m(area) for area in areas]
    if cells := {(cell, band) for area, band in zip(areas, bands, strict=True) for cell in dwd.warn_cells(area)}:
        return frozenset(cells)
    holes = [frozenset(map(frozenset, area.excluded)) for area in areas]
    return frozenset(
        (shape, without, band)
        for area, without, band in zip(areas, holes, bands, strict=True)
        for shape in (*map(frozenset, area.polygons), *area.circles)
    )


def _codes(info: Info) -> _Codes:
    """What its event codes say of the event, by their names. Words with blanks are in a language, and no codes."""
    found: dict[str, set[str]] = {}
    for name, value in info.event_codes:
        if name.casefold() not in _NO_CODES and value and not any(letter.isspace() for letter in value):
            found.setdefault(name.casefold(), set()).add(value.casefold())
    return {name: frozenset(values) for name, values in found.items()}


def _primary(info: Info) -> str:
    return info.language.partition("-")[0].lower()


def _in_common(one: Info, other: Info) -> tuple[int, int, int]:
    """How much of their codes, parameters and categories two infos share."""
    return (
        len({*one.event_codes} & {*other.event_codes}),
        len({*one.parameters} & {*other.parameters}),
        len({*one.categories} & {*other.categories}),
    )
