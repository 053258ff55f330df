"""What becomes of a message: read as it always is, or with its XML parsed whole, whatever its languages repeat."""

from dataclasses import replace
from unittest.mock import patch

from warnsys.cap import Alert, CapError, read, read_alert
from warnsys.cap.document import parse
from warnsys.cap.once import RootWithoutRepeats, parse_once


def verdict(body: bytes, *, whole: bool) -> Alert | tuple[str, str]:
    """What is read but for what is noted of it; or the code and the place of what is wrong."""

    def at_once(body: bytes) -> RootWithoutRepeats:
        return RootWithoutRepeats(parse(body), frozenset())

    try:
        with patch.object(read, "parse_once", at_once if whole else parse_once):
            return replace(read_alert(body), findings=())
    except CapError as error:
        return error.code, error.where
