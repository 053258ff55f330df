"""What a city could not take in: its data are incomplete until it decides right again (docs/adr/0016).

What is in trouble is named by what would mend it: the same message once more, the next snapshot of its source, the next
tick. A snapshot mends its source's messages, too: what it lists and was not decided is known from then on.
"""

from collections.abc import Mapping
from dataclasses import replace

from warnsys.records import ImpactRecord, Outcome, Snapshot, Stop
from warnsys.warning.situation import Situation

Troubles = dict[str, str]
"""What could not be taken in, and why."""
MOST = 20
LONGEST = 300


def name_of(record: ImpactRecord) -> str:
    match record:
        case Outcome():
            return f"outcome {record.source} {record.listed_id}"[:LONGEST]
        case Snapshot():
            return f"snapshot {record.source}"
        case Stop():
            return f"stop {record.channel}"
        case _:
            return record.kind


def noted(troubles: Troubles, record: ImpactRecord, reason: str) -> Troubles:
    """With one more; the newest few are kept."""
    name = name_of(record)
    kept = {one: why for one, why in troubles.items() if one != name}
    return dict([*kept.items(), (name, reason[:LONGEST])][-MOST:])


def mended(troubles: Troubles, record: ImpactRecord) -> Troubles:
    """Without what a record mends that was decided right."""
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
"""Names the trouble of a city that had to let go of some of what it remembered."""


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
