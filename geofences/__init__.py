"""Which districts of a city does an alert touch, how much, and why.

    index = GeofenceIndex(load(bundled("solingen")))
    for match in index.match([Area(cells=("805122000",))]).concerned:
        print(match.district.name, match.matched, match.reason)

Knows nothing of CAP, streams or channels: areas in, one `Match` a district out, made when it is looked at.
"""

from geofences.area import Area, Circle
from geofences.authoring.checking import check
from geofences.district import District
from geofences.files.findings import Finding, GeofenceError
from geofences.files.load import bundled, load
from geofences.index import GeofenceIndex
from geofences.match import Match, Matches
from geofences.overlap.budget import Budget
from geofences.plain import plain_match

__all__ = [
    "Area",
    "Budget",
    "Circle",
    "District",
    "Finding",
    "GeofenceError",
    "GeofenceIndex",
    "Match",
    "Matches",
    "bundled",
    "check",
    "load",
    "plain_match",
]
