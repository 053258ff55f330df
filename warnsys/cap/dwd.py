"""What DWD means by its CAP (profile 2.1.x), read from a plain `Alert`.

Other producers need nothing of this: without DWD's codes every function gives CAP's own meaning. Nothing here refuses
a message: an event number or profile version that we do not know is a finding.
"""

from collections.abc import Container, Iterator

from warnsys.cap.model import METRES_PER_FOOT, Alert, Area, Finding, Info, values
from warnsys.cap.quantities import Quantity, quantity

KNOWN_PROFILES = ("2.1", "2.1.7", "2.1.9", "2.1.10", "2.1.11", "2.1.12", "2.1.13")
TEST_EVENTS = ("98", "99")
NO_CEILING_FT = 9842.5197
"""3,000 m: DWD's way to say that there is no upper limit; 0 says that there is no lower one."""
NO_GROUND_FT = 29_100.0
"""Nobody on earth lives higher: a floor from here on would spare everybody, and is not believed."""

ACTIONS = frozenset(("Shelter", "Evacuate", "Prepare", "Execute", "Avoid"))
"""What CAP's responseType may tell people to do."""

WARNING_EVENTS = frozenset(
    """11 12 13 14 15 16 22 24 31 33 34 36 38 40 41 42 44 45 46 48 49 51 52 53 54 55 56 57 58 59 61 62 63 64 65 66 70
    71 72 73 74 75 76 77 78 79 81 82 84 85 86 87 88 89 90 91 92 93 95 96 98 99 246 247 248""".split()
)

ADVANCE_EVENTS = frozenset("40 55 65 75 85 89 99".split())
"""The numbers of Vorabinformationen. They mean another thing than in a warning: 40 is any severe thunderstorm there."""

GROUPS = (
    "THUNDERSTORM", "TORNADO", "RAIN", "THAW", "WIND", "SNOWDRIFT", "SNOWFALL", "GLAZE", "FROST", "FOG", "HEAT", "UV",
)  # fmt: skip
"""The groups in the order in which one of them names an event that carries several."""

KNOWN_GROUPS = frozenset((*GROUPS, "BLACK_ICE", "HAIL", "POWERLINEVIBRATION", "SLIPPERINESS", "TEST"))

_OF_DWD = ".DWD."


def base_id(alert: Alert) -> str:
    """Which message this is: of the DWD the id that it has in every language, of others sender and identifier.

    DWD's is its code `id:…`, else the identifier; a code that is no beginning of it is somebody else's: references name
    identifiers.
    """
    if not is_senders(alert.sender):
        return named(alert.sender, alert.identifier)
    own = alert.identifier, alert.identifier.rpartition(".")[0]
    ids = (code.removeprefix("id:") for code in alert.codes if code.startswith("id:"))
    return next((base for base in ids if base in own), without_language(alert.identifier))


def without_language(identifier: str) -> str:
    """A DWD identifier (or file name without `.xml`) without its language, e.g. `.MUL`; any other as it is."""
    base, _, language = identifier.rpartition(".")
    begin = base.find(_OF_DWD, 1)  # something stands before it, and something behind
    is_dwd = 0 < begin < len(base) - len(_OF_DWD) and "\n" not in base
    is_language = len(language) == 3 and language.isascii() and language.isalpha() and language.isupper()
    return base if is_dwd and is_language else identifier


def is_senders(sender: str) -> bool:
    """Whether a sender is one of the DWD's, whose identifiers nobody else's are taken for."""
    return sender.casefold().endswith(("@dwd.de", ".dwd.de"))


def named(sender: str, identifier: str) -> str:
    """The name of a message by whoever gave its identifier (CAP 1.2, 3.2.1): two senders never share one.

    The DWD's is the base id alone. Of a message without a sender nothing but the identifier is known.
    """
    if is_senders(sender):
        return without_language(identifier)
    return ",".join(part.replace("%", "%25").replace(",", "%2C") for part in (sender.casefold(), identifier) if part)


def replaced(alert: Alert) -> tuple[str, ...]:
    """Which messages an Update or a Cancel names; where it names no sender, its own sender's."""
    if alert.msg_type not in ("Update", "Cancel"):
        return ()
    ids = {named(one.sender or alert.sender, one.identifier) for one in alert.references}
    return tuple(sorted(ids - {base_id(alert)}))


def event_number(info: Info) -> str:
    """DWD's II, "" where there is none. Its meaning depends on the urgency: key on both, never on the text."""
    return next(iter(values(info.event_codes, "II")), "")


def event_key(number: str, *, advance: bool) -> str:
    """The one name of what II means, by number and urgency: "40", and "40-advance" for the other thing."""
    return f"{number}-advance" if advance and number in ADVANCE_EVENTS else number


def groups(info: Info) -> tuple[str, ...]:
    return values(info.event_codes, "GROUP")


def leading_group(info: Info) -> str:
    """The one group by which people know an event: a thunderstorm with rain is a thunderstorm.

    Of groups that are new to us the first in the message; without any group CAP's event text.
    """
    found = groups(info)
    return next((group for group in GROUPS if group in found), found[0] if found else info.event.upper() or "UNKNOWN")


def is_advance(info: Info) -> bool:
    """Whether this is a Vorabinformation (urgency Future), not yet a warning."""
    return info.urgency == "Future"


def is_all_clear(info: Info) -> bool:
    """Whether it says that nothing is warned, or no more. Who is also told to act is still warned."""
    if ACTIONS.intersection(info.response_types):
        return False
    return "AllClear" in info.response_types or is_green(info)


def is_green(info: Info) -> bool:
    """Whether MeteoAlarm's level is green ("1; green; Minor"): nothing is warned. Any other severity is no green."""
    levels = (value.casefold() for name, value in info.parameters if name.casefold() == "awareness_level")
    return info.severity == "Minor" and any("green" in level.replace(";", " ").split() for level in levels)


def is_silent_update(alert: Alert) -> bool:
    """DWD's wish that nobody be told of this Update; what changes something material is told all the same."""
    return "SILENT_UPDATE" in alert.codes


def is_partial_clear(alert: Alert) -> bool:
    """Whether an Update takes a part of what was warned back: it lists what is left."""
    return "PARTIAL_CLEAR" in alert.codes


def is_test(alert: Alert) -> bool:
    """Status Test (or Draft, System), or II 98 or 99. The responseType alone never decides."""
    if alert.status not in ("Actual", "Exercise"):
        return True
    return any(number in TEST_EVENTS for info in alert.infos for number in values(info.event_codes, "II"))


def quantities(info: Info) -> tuple[Quantity, ...]:
    """The parameters with their numbers and units; those without are kept as text."""
    return tuple(quantity(name, value) for name, value in info.parameters)


def warn_cells(area: Area) -> tuple[str, ...]:
    return values(area.geocodes, "WARNCELLID")


def new_cells(alert: Alert, known: Container[str]) -> Iterator[Finding]:
    """The warn cells that are not in the catalogue, each once."""
    seen: set[str] = set()
    first = alert.infos[0].areas if alert.infos else ()
    for number, info in enumerate(alert.infos, 1):
        if number > 1 and info.areas is first:
            continue  # every language repeats them
        cells = {cell for area in info.areas for cell in warn_cells(area) if cell not in known} - seen
        seen |= cells
        for cell in sorted(cells):
            where = f"/alert/info[{number}]/area/geocode"
            yield Finding("cell-new", where, f"warn cell {cell} is not in the catalogue")


def limits_m(altitude_ft: float | None, ceiling_ft: float | None) -> tuple[float | None, float | None]:
    """Floor and ceiling in metres above sea level, None where DWD means no limit: from 0 down, from 3,000 m up.

    A floor above all ground is none, either.
    """
    floor = altitude_ft * METRES_PER_FOOT if altitude_ft is not None and 0 < altitude_ft < NO_GROUND_FT else None
    ceiling = ceiling_ft * METRES_PER_FOOT if ceiling_ft is not None and 0 < ceiling_ft < NO_CEILING_FT else None
    return floor, ceiling


def height_band_m(area: Area) -> tuple[float | None, float | None]:
    """The limits of an area."""
    return limits_m(area.altitude_ft, area.ceiling_ft)


def findings(alert: Alert) -> Iterator[Finding]:
    """What is new to us, or marked by DWD; the message is taken all the same, for rejecting would end real warnings."""
    if is_silent_update(alert):
        yield Finding("silent-update", "/alert/code", "marked SILENT_UPDATE")
    if is_partial_clear(alert):
        yield Finding("partial-clear", "/alert/code", "marked PARTIAL_CLEAR")
    for number, info in enumerate(alert.infos, 1):
        where = f"/alert/info[{number}]/eventCode"
        for version in values(info.event_codes, "PROFILE_VERSION"):
            if version not in KNOWN_PROFILES:
                yield Finding("profile-new", where, f"profile version {version!r} is new")
        event = event_number(info)
        if event and event not in WARNING_EVENTS:
            yield Finding("event-new", where, f"event number {event!r} is new")
        elif is_advance(info) and event and event not in ADVANCE_EVENTS:
            yield Finding("event-new", where, f"event number {event!r} is new in an advance notice")
        if info.urgency == "Past":
            yield Finding("urgency-past", f"/alert/info[{number}]/urgency", "over: asks nothing more of people")
        if is_green(info):
            said = "no warning" if is_all_clear(info) else "but asks people to act: a warning"
            yield Finding("awareness-green", f"/alert/info[{number}]/parameter", f"MeteoAlarm's green, {said}")
        for group in sorted(set(groups(info)) - KNOWN_GROUPS):
            yield Finding("group-new", where, f"event group {group!r} is new")
