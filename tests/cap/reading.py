"""What tests ask of a message that was read."""

from dataclasses import replace

from warnsys.cap import Alert, read_alert
from warnsys.cap.model import Info


def codes(body: bytes) -> list[str]:
    return [one.code for one in read_alert(body).findings]


def info(body: bytes) -> Info:
    (one,) = read_alert(body).infos
    return one


def said(body: bytes) -> Alert:
    """What a message says, whatever was mended."""
    return replace(read_alert(body), findings=())
