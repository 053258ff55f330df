"""What a message means for all cities, as several partitions tell it."""

from warnsys.records import Meaning


def meanings_of_all(one: tuple[Meaning, ...], other: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
    """The meanings of a message of both, each for its own cities."""
    found: dict[tuple[object, ...], Meaning] = {}
    for meaning in (*one, *other):
        key = (meaning.ii, meaning.group, meaning.severity, meaning.urgency, meaning.onset, meaning.expires)
        impacts = {(i.city, i.district): i for i in (*(found[key].impacts if key in found else ()), *meaning.impacts)}
        found[key] = meaning.model_copy(update={"impacts": tuple(impacts[place] for place in sorted(impacts))})
    return tuple(found.values())
