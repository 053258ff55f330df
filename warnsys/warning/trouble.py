"""What a city could not take in: its data are incomplete until it decides right again (docs/adr/0016).

A trouble has the name of the record that mends it: the same message once more, the next snapshot of its source, or the
next tick. A snapshot also mends the troubles of its source's messages: from then on the city knows which of the listed
messages are undecided.
"""

from collections.abc import Mapping
from dataclasses import replace

from warnsys.records import ChannelPause, ImpactRecord, Outcome, Snapshot
from warnsys.warning.situation import Situation

Troubles = dict[str, str]
"""By the name of a record that the city could not take in: why not."""
MOST = 20
"""A city keeps so many troubles; the oldest go."""
LONGEST = 300


def name_of(record: ImpactRecord) -> str:
    match record:
        case Outcome():
            return f"outcome {record.source} {record.listed_id}"[:LONGEST]
        case Snapshot():
            return f"snapshot {record.source}"
        case ChannelPause():
            return f"stop {record.channel}"
        case _:
            return record.kind


def noted(troubles: Troubles, record: ImpactRecord, reason: str) -> Troubles:
    """Adds a trouble, and keeps the newest few."""
    name = name_of(record)
    kept = {one: why for one, why in troubles.items() if one != name}
    return dict([*kept.items(), (name, reason[:LONGEST])][-MOST:])


def mended(troubles: Troubles, record: ImpactRecord) -> Troubles:
    """Removes the troubles that this record mends; a message that is rejected mends none."""
    if not troubles or (isinstance(record, Outcome) and record.decided == "rejected"):
        return troubles
    name = name_of(record)
    if isinstance(record, Snapshot):
        of_source = f"outcome {record.source} "
        return {
            one: why for one, why in troubles.items() if one != name and not one.startswith((of_source, "stop ", LOST))
        }
    return {one: why for one, why in troubles.items() if one != name}


LOST = "state"
"""Name of the trouble of a city whose state had to be made smaller."""


def troubled(situation: Situation, troubles: Mapping[str, str]) -> Situation:
    """The situation as it may be shown: nothing is clear, and nothing fresh, while something could not be taken in."""
    if not troubles:
        return situation
    districts = {
        name: replace(one, status="no_data") if one.status == "clear" else one
        for name, one in situation.districts.items()
    }
    freshness = "incomplete" if situation.freshness == "fresh" else situation.freshness
    flags = (*situation.flags, *(f"failed {name}" for name in troubles))
    return replace(situation, freshness=freshness, districts=districts, flags=flags)
