"""Lists page by page: whatever comes in between two pages, nothing is skipped and nothing is told twice.

The newest stand first, by a record's own time and then by its name. That order is the same in every process, whenever
a record came in. A cursor is the place of the last one told, `2027-07-14T12:00:00.000000Z~NAME`: it needs nothing that
is kept, so the next page may come from another process, or when what it names has been forgotten. A newer record stands
before the first page. One that comes late takes its place by time, and moves no other.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BeforeValidator
from starlette.responses import Response

from warnsys.records import Moment

MOST_NAME = 700
"""Characters of a name in a cursor: more than any that is kept has."""
One = TypeVar("One")
SortKey = tuple[datetime, str]
"""Where a record stands in a list: its time, and a name that no other has."""


def _written_out(moment: Any) -> Any:
    """Raises `ValueError` for what pydantic would take as seconds since 1970."""
    if "T" not in str(moment).upper():
        raise ValueError("a time has the form 2027-07-14T12:00:00Z")
    return moment


WrittenTime = Annotated[Moment, BeforeValidator(_written_out)]
Cursor = Annotated[
    str | None,
    Query(
        max_length=MOST_NAME + 100,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z~",
        description="Goes on after the last record of a page; the header `Link` has it.",
    ),
]
AtLeast = Annotated[int | None, Query(ge=1, le=4, description="This level, 1 to 4, or a higher one.")]
Group = Annotated[str | None, Query(max_length=40, description="The event group, such as THUNDERSTORM.")]


@dataclass(frozen=True)
class Filters:
    """What a list is asked for; FastAPI makes it of a request's query."""

    district: Annotated[str | None, Query(max_length=100)] = None
    city: Annotated[str | None, Query(max_length=100)] = None
    level: AtLeast = None
    group: Group = None
    since: Annotated[WrittenTime | None, Query(description="From this time on.")] = None
    until: Annotated[WrittenTime | None, Query(description="Before this time.")] = None

    def admits(
        self,
        at: datetime | None,
        level: int,
        groups: Iterable[str],
        cities: Iterable[str],
        districts: Iterable[str],
    ) -> bool:
        """Whether a record of that time and level, of these event groups and places, is asked for."""
        return (
            in_span(at, self.since, self.until)
            and (self.level is None or level >= self.level)
            and in_group(self.group, *groups)
            and (self.city is None or self.city in cities)
            and (self.district is None or self.district in districts)
        )


@dataclass(frozen=True)
class ListPage(Generic[One]):
    """Some records of a list, and the cursor to those after them; None at the end."""

    records: list[One]
    cursor: str | None


def page_of(
    found: Iterable[One], key: Callable[[One], SortKey], cursor: str | None, limit: int | None
) -> ListPage[One]:
    """The records after a cursor, the newest first; all of them without a limit."""
    ordered = sorted(found, key=key, reverse=True)
    begin = bisect_left(ordered, True, key=lambda one: cursor_at(key(one)) < cursor) if cursor else 0
    records = ordered[begin:] if limit is None else ordered[begin : begin + limit]
    more = begin + len(records) < len(ordered)
    return ListPage(records, cursor_at(key(records[-1])) if more and records else None)


def cursor_at(key: SortKey) -> str:
    """A sort key as text; texts stand in the same order as their keys."""
    return f"{in_z(key[0], 'microseconds')}~{key[1][:MOST_NAME]}"


def in_z(moment: datetime, timespec: str = "seconds") -> str:
    """A time as the API has it: UTC, with Z (RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def link_to(response: Response, cursor: str | None, **asked: object) -> None:
    """Let the header `Link` lead to the next page of the same list, if there is one (RFC 8288)."""
    if cursor is not None:
        said = {name: in_z(value, "microseconds") if isinstance(value, datetime) else value
            for name, value in asked.items() if value is not None}  # fmt: skip
        response.headers["Link"] = f'<?{urlencode({**said, "cursor": cursor}, errors="replace")}>; rel="next"'


def in_span(moment: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    """Whether a time lies in a span; what has no time lies in that of all times alone."""
    if moment is None:
        return since is None and until is None
    return (since is None or moment >= since) and (until is None or moment < until)


def in_group(asked: str | None, *groups: str) -> bool:
    """Whether an event group, in any letters, is among these; every one is where none is asked for."""
    return asked is None or asked.upper() in {one.upper() for one in groups}
