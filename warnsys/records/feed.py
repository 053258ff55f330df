"""What the feed writes: headers of `cap.alerts`, snapshots, and `feed.status`."""

from collections.abc import Mapping
from typing import Literal

from pydantic import ValidationError

from warnsys.records.base import SCHEMA_VERSION, Moment, NewerRecordError, Part, Record


class AlertHeaders(Part):
    """Headers of a CAP message on `cap.alerts`; all values travel as UTF-8 text."""

    kind: Literal["alert"] = "alert"
    stage: str
    source: str
    id: str
    """As snapshots list it: the member's name without language and `.xml`."""
    stamp: Moment | None = None
    """The server's stamp of the snapshot that it came with; none from a source without snapshots."""
    seen: Moment
    """When the feed first held it."""
    doubt: bool | None = None
    """Set where the answer that it came with had a time that is not believed: then its stamp is the feed's own."""
    alone: bool | None = None
    """Set where one clock alone says when it was listed: the feed's own, or a server's with which that disagrees."""
    replaced: bool | None = None
    """Set where another message of the same listing ends or replaces it."""


VERSION = "schema_version"
"""Header of what a feed publishes: which release wrote it."""


MOST_HEADER = 500
"""Characters of what a message's headers say: as many as an identifier may have."""


def read_alert_headers(headers: Mapping[str, str]) -> AlertHeaders:
    """Raises pydantic's `ValidationError`, `NewerRecordError`, and ValueError where one is longer than any real one."""
    for name in AlertHeaders.model_fields:
        if len(headers.get(name, "")) > MOST_HEADER:
            raise ValueError(f"header {name} of {len(headers[name])} characters, at most {MOST_HEADER} are taken")
    try:
        return AlertHeaders.model_validate(headers)
    except ValidationError as error:
        version = headers.get(VERSION, "")
        if version.isascii() and version.isdigit() and len(version) < 10 and int(version) > SCHEMA_VERSION:
            raise NewerRecordError(int(version), error) from error
        raise


class Snapshot(Record):
    """Everything that a source said was valid at one time."""

    kind: Literal["snapshot"] = "snapshot"
    stage: str
    source: str
    stamp: Moment
    """The server's time of it; snapshots are ordered and aged by nothing else."""
    checked: Moment
    """When it was looked at, by the clock of the feed's machine."""
    ids: tuple[str, ...]
    date: Moment | None = None
    """When it was looked at by the server's clock, its `Date`; None where it said none."""


class FeedStatus(Record):
    """The last look at a source."""

    stage: str
    source: str
    looked: Moment
    stamp: Moment | None = None
    ids: int = 0
    unreadable: int = 0
    error: str = ""
    archive_error: str = ""
    """Why this feed's snapshots are not archived at present, where they should be."""
    clock_error: str = ""
    """What is wrong with the clock of the feed's machine or of the server, in a sentence; what is right counts."""
