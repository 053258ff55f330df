"""How the DWD names its dated files: the time in a name is the server's stamp of what the file holds."""

import re
from datetime import UTC, datetime

FOLDER = "/weather/alerts/cap/COMMUNEUNION_EVENT_STAT/"
_DATED = re.compile(r"_EDZW_(\d{14})_")


def file_name(stamp: datetime | None = None) -> str:
    """The name of the dated file of an aware time, or of LATEST."""
    when = stamp.astimezone(UTC).strftime("%Y%m%d%H%M%S") if stamp else "LATEST"
    return f"Z_CAP_C_EDZW_{when}_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"


def stamp_in(name: str) -> datetime | None:
    """The time in a dated file's name or path (UTC), None where there is none."""
    if not (dated := _DATED.search(name)):
        return None
    try:
        return datetime.strptime(dated[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
