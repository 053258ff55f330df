"""Messages of a test as CAP, by what matters in them, and the matcher that decides them for the city of squares.

Times are minutes from noon, as everywhere in these tests. What is said travels as bytes through the real reader and
matcher, so that a Cancel without area, an AllClear for a part or a test are what they are in a feed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from geofences import GeofenceIndex
from tests.support import at, city_rules
from warnsys.pipeline import CityRules
from warnsys.records import AlertHeaders, Outcome
from warnsys.warning.matching import Matcher

EVENTS = {"RAIN": "62", "THUNDERSTORM": "42", "WIND": "52", "SNOWFALL": "71"}
BOTH = ("d1", "d2")


@dataclass(frozen=True)
class Warned:
    """One `<info>` for each language: what is warned of, where and until when."""

    severity: str = "Severe"
    districts: tuple[str, ...] = BOTH
    until: float | None = 240
    onset: float | None = None
    """None: with the message."""
    group: str = "RAIN"
    ii: str = ""
    """DWD's number; "": a usual one of the group."""
    advance: bool = False
    all_clear: bool = False
    certainty: str = "Likely"
    languages: tuple[str, ...] = ("de-DE",)


@dataclass(frozen=True)
class Message:
    key: str
    at: float
    says: tuple[Warned, ...] = ()
    replaces: tuple[str, ...] = ()
    cancel: bool = False
    status: str = "Actual"
    sender: str = "opendata@dwd.de"
    source: str = "dwd"
    broken: bool = False
    """What arrives is no XML."""

    @property
    def msg_type(self) -> str:
        return "Cancel" if self.cancel else "Update" if self.replaces else "Alert"


@lru_cache(maxsize=4096)
def outcome_of(message: Message, stamp: float | None) -> Outcome:
    """How a message is decided that comes with the snapshot stamped so; None: from a source without snapshots."""
    headers = AlertHeaders(
        stage="live",
        source=message.source,
        id=message.key,
        stamp=None if stamp is None else at(stamp),
        seen=at(message.at),
    )
    return MATCHER.decide_bytes(cap(message), headers).outcome


def cap(message: Message) -> bytes:
    if message.broken:
        return b"<alert"
    references = " ".join(f"{message.sender},{key},{_time(0)}" for key in message.replaces)
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{message.key}</identifier>
<sender>{message.sender}</sender><sent>{_time(message.at)}</sent><status>{message.status}</status>
<msgType>{message.msg_type}</msgType><scope>Public</scope>{f"<references>{references}</references>" * bool(references)}
{"".join(_info(message, said, language) for said in message.says for language in said.languages)}</alert>""".encode()


def _info(message: Message, said: Warned, language: str) -> str:
    onset = message.at if said.onset is None else said.onset
    expires = "" if said.until is None else f"<expires>{_time(said.until)}</expires>"
    return f"""<info><language>{language}</language><category>Met</category><event>{said.group}</event>
<responseType>{"AllClear" if said.all_clear else "Prepare"}</responseType>
<urgency>{"Future" if said.advance else "Immediate"}</urgency><severity>{said.severity}</severity>
<certainty>{said.certainty}</certainty>{_code("II", said.ii or EVENTS[said.group])}{_code("GROUP", said.group)}
<onset>{_time(onset)}</onset>{expires}<senderName>Deutscher Wetterdienst</senderName>
<headline>{said.group}</headline>{"".join(_area(district) for district in said.districts)}</info>"""


def _area(district: str) -> str:
    return f"""<area><areaDesc>{district}</areaDesc><geocode><valueName>WARNCELLID</valueName>
<value>80000000{district.removeprefix("d")}</value></geocode></area>"""


def _code(name: str, value: str) -> str:
    return f"<eventCode><valueName>{name}</valueName><value>{value}</value></eventCode>"


def _time(minutes: float) -> str:
    return at(minutes).isoformat()


MATCHER = Matcher(GeofenceIndex(city_rules().place.districts), senders={"dwd": ("opendata@dwd.de",)})


def rules(sources: Iterable[str] = ("dwd",)) -> CityRules:
    return replace(city_rules(sources=tuple(sources)), ruleset_version=MATCHER.ruleset_version)
