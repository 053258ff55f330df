"""What kind of event a message warns of, by whatever code says so: never by its wording where there is a code.

In this order: the DWD's group, its number (II), NWS SAME, MeteoAlarm's awareness type, and the codes of OASIS (OET) and
BBK as they are. Only what has none of these is called by its text, which may name a colour or a level.
"""

from typing import NamedTuple

from warnsys.cap import dwd
from warnsys.cap.model import Info

_NUMBERS = {
    "WIND": (*range(11, 17), *range(51, 59)), "FROST": (22, 81, 82), "GLAZE": (24, *range(84, 88)),
    "THUNDERSTORM": (*range(31, 50), *range(90, 97)), "FOG": (59,), "RAIN": range(61, 67),
    "SNOWFALL": (70, 71, 72, 73, 77, 78), "SNOWDRIFT": (74, 75, 76), "POWERLINEVIBRATION": (79,), "THAW": (88, 89),
    "UV": (246,), "HEAT": (247, 248),
}  # fmt: skip
_BY_NUMBER = {str(number): group for group, numbers in _NUMBERS.items() for number in numbers}
_SAME = {
    "TORNADO": "TO", "THUNDERSTORM": "SV", "FLOOD": "FF FL CF", "WIND": "HW EW", "SNOWFALL": "BZ WS LS SQ",
    "GLAZE": "IS", "FROST": "FZ WC", "FIRE": "FR",
}  # fmt: skip
_BY_SAME = {begin: group for group, begins in _SAME.items() for begin in begins.split()}
"""By the two letters before the one that says warning, watch, statement or emergency (47 CFR 11.31)."""
_BY_AWARENESS = {
    "1": "WIND", "2": "SNOWFALL", "3": "THUNDERSTORM", "4": "FOG", "5": "HEAT", "6": "FROST", "7": "COAST",
    "8": "FIRE", "9": "AVALANCHE", "10": "RAIN", "12": "FLOOD", "13": "FLOOD",
}  # fmt: skip
_VAGUE = ("SPS", "SVS", "CEM", "NIC", "ADR", "NWS")
"""SAME codes that any event may have."""


class Kind(NamedTuple):
    group: str
    worded: bool | None
    """Whether it hangs on the wording; None for the DWD's own group, False for another code."""


def kind(info: Info) -> Kind:
    """The event group of an info, and what says so."""
    if dwd.groups(info):
        return Kind(dwd.leading_group(info), None)
    if by_number := _BY_NUMBER.get(dwd.event_number(info)):
        return Kind(by_number, None)
    for name, value in info.event_codes:
        if group := _coded(name.strip().upper(), value.strip().upper()):
            return Kind(group, worded=False)
    for name, value in info.parameters:
        number, _, called = value.partition(";")
        if name.strip().lower() == "awareness_type":
            group = _BY_AWARENESS.get(number.strip()) or called.strip().upper()
            if group:
                return Kind(group, worded=False)
    return Kind(dwd.leading_group(info), worded=True)


def _coded(name: str, value: str) -> str:
    if name == "SAME" and len(value) == 3 and value.isalpha() and value not in _VAGUE:
        return _BY_SAME.get(value[:2], f"SAME-{value[:2] if value[2] in 'WASE' else value}")
    if name.startswith("OET") and value:
        return value if value.startswith("OET") else f"OET-{value.removeprefix('-')}"
    if "BBK" in name and value:
        return value
    return ""
