"""What the feed does when the server or the content is broken: each fault played over HTTP on this machine.

    python -m tools.docs.fault_table docs/reference/feed-faults.md

At 12:00 a severe warning (A) stands for Solingen. At 12:02 the server breaks, at 12:05 an extreme one (B) is published
behind the fault, at 12:26 the fault ends, at 12:30 there is the next snapshot. The feed looks at 11:50, 12:00, 12:03,
12:06, 12:07, 12:20, 12:25 and 12:30; a minute is a tick.
"""

import asyncio
import io
import re
import sys
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from geofences import bundled
from warnsys.feeds.poller import Poller
from warnsys.partition import Offline
from warnsys.records import FeedStatus, PushNotice, SteleRecord
from warnsys.settings import parse
from warnsys.simulation.faults import EMPTY, FAULTS, Broken
from warnsys.simulation.standin import StandIn

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
BEGINS, BREAKS, NEWS, MENDS, AFTER = -10, 2, 5, 26, 30
LOOKS = (BEGINS, 0, 3, 6, 7, 20, 25, AFTER)
EARLY, LATE = 7, 25
SLOW = ("slow", "dripping")
Members = dict[str, bytes]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def warning(
    key: str, severity: str, *, cell: str = "805122000", sent: float = -10, status: str = "Actual",
    msg_type: str = "Alert", ii: str = "44", profile: str = "2.1.13", more: str = "",
) -> bytes:  # fmt: skip
    """A warning of thunderstorms as the DWD writes it, until 15:00."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{more}<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>{identifier(key)}</identifier><sender>opendata@dwd.de</sender><sent>{at(sent).isoformat()}</sent>
<status>{status}</status><msgType>{msg_type}</msgType><scope>Public</scope><info><language>de-DE</language>
<category>Met</category><event>GEWITTER</event><responseType>Prepare</responseType><urgency>Immediate</urgency>
<severity>{severity}</severity><certainty>Likely</certainty>
<eventCode><valueName>PROFILE_VERSION</valueName><value>{profile}</value></eventCode>
<eventCode><valueName>II</valueName><value>{ii}</value></eventCode>
<eventCode><valueName>GROUP</valueName><value>THUNDERSTORM</value></eventCode>
<onset>{at(-5).isoformat()}</onset><expires>{at(180).isoformat()}</expires>
<headline>Amtliche UNWETTERWARNUNG vor GEWITTER</headline><description>Es gewittert.</description>
<area><areaDesc>Solingen</areaDesc>
<geocode><valueName>WARNCELLID</valueName><value>{cell}</value></geocode></area></info></alert>""".encode()


def identifier(key: str) -> str:
    return f"2.49.0.0.276.0.DWD.PVW.1815566400000.{key}.MUL"


def packed(members: Members) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        for key, body in members.items():
            bundle.writestr(zipfile.ZipInfo(f"{identifier(key)}.xml"), body)
    return content.getvalue()


A, B = warning("A", "Severe"), warning("B", "Extreme", sent=4)
ELSEWHERE = warning("O", "Minor", cell="806636010")
BEFORE: Members = {"A": A, "O": ELSEWHERE}
NOW: Members = {"A": A, "B": B, "O": ELSEWHERE}


@dataclass(frozen=True)
class Case:
    name: str
    what: str
    fault: Broken | None = None
    gone: bool = False
    """Whether nobody listens at all."""
    published: dict[float, bytes] = field(default_factory=lambda: {NEWS: packed(NOW)})
    """What is published while the fault lasts, by minute."""


@dataclass(frozen=True)
class Row:
    """What was seen of a case."""

    statuses: dict[int, FeedStatus]
    """By the minute of the look."""
    steles: dict[int, tuple[SteleRecord, ...]]
    """By minute, one a district."""
    decided: dict[int, frozenset[str]]
    """By minute the keys of messages that had been found to warn."""
    pushed: tuple[str, ...]
    """Causes of the public's pushes, in order."""


def _damaged(key: str) -> bytes:
    """All of `NOW`, one member with a byte that does not fit its checksum."""
    content, body = packed(NOW), NOW[key]
    return content.replace(body, body.replace(b"gewittert", b"gewuttert"))


def _without_info(body: bytes) -> bytes:
    return body[: body.index(b"<info>")] + b"</alert>"


CONTENT = (
    Case("calm", "The same bytes under new stamps: no fault.", published={5: packed(BEFORE), 15: packed(BEFORE)}),
    Case("half-member", "A new message ends in its middle.", published={5: packed({**BEFORE, "B": B[:700]})}),
    Case("damaged-member", "A's bytes do not fit their checksum any more.", published={5: _damaged("A")}),
    Case("empty-member", "A new message has no byte.", published={5: packed({**BEFORE, "B": b""})}),
    Case(
        "entity-bomb", "A new message defines entities of entities.",
        published={5: packed({**BEFORE, "X": warning("X", "Minor", more='<!DOCTYPE a [<!ENTITY b "c">]>')})},
    ),
    Case("blinking", "A is missing from a single snapshot.", published={5: packed({"O": ELSEWHERE}), 15: packed(NOW)}),
    Case("all-gone", "Two empty ZIPs in a row while A stands.", published={5: EMPTY, 15: EMPTY}),
    Case(
        "test-message", "A test of an extreme warning for Solingen.",
        published={5: packed({**NOW, "T": warning("T", "Extreme", status="Test", ii="98")})},
    ),
    Case(
        "new-profile", "All messages come in a profile version that nobody has seen.",
        published={5: packed({"A": warning("A", "Severe", profile="3.0"), "B": B, "O": ELSEWHERE})},
    ),
    Case(
        "odd-cancel", "A Cancel without info and without references.",
        published={5: packed({**NOW, "C": _without_info(warning("C", "Severe", msg_type="Cancel"))})},
    ),
    Case(
        "seconds-apart", "A publication with B, a second later one without.",
        published={5: packed(NOW), 5 + 1 / 60: packed(BEFORE), 15: packed(NOW)},
    ),
)  # fmt: skip
CASES = {
    case.name: case
    for case in (
        Case("unreachable", "Nobody listens.", gone=True),
        *(Case(fault.name, fault.what, fault) for fault in FAULTS.values()),
        *CONTENT,
    )
}


async def play(case: Case, *, restart: bool = False) -> Row:
    """The half hour; with `restart` the feed is a new one each time it looks, and remembers nothing."""
    statuses, steles, decided = {}, {}, {}
    async with AsyncExitStack() as stack:
        server = stack.enter_context(StandIn())
        slow = {"read_s": 0.4, "total_s": 0.8} if case.name in SLOW else {}
        settings = parse(
            {
                "cities": [{"id": "solingen", "name": "Solingen", "geofences": str(bundled())}],
                "sources": [{"name": "dwd", "url": server.url, **slow}],
            }
        )
        city, now = Offline(settings), NOON
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))

        def started() -> Poller:
            return Poller(settings.sources[0], settings.stage, client, city, lambda: now)

        feed = started()
        for minute in range(BEGINS, AFTER + 1):
            now = at(minute)
            if minute in (BEGINS, 0):
                server.publish(now, packed(BEFORE))
            if minute == BREAKS:
                _break(server, case)
            for stamp in (stamp for stamp in case.published if minute - 1 < stamp <= minute):
                server.publish(at(stamp), case.published[stamp])
            if minute == MENDS:
                server = stack.enter_context(_mend(server, case))
            if minute == AFTER:
                server.publish(now, packed(NOW))
            if minute in LOOKS:
                feed = started() if restart else feed
                statuses[minute] = await feed.look()
            city.tick(now)
            steles[minute] = _steles(city)
            decided[minute] = frozenset(
                one.outcome.base_id.rpartition(".")[2] for one in city.decisions if one.outcome.decided == "matched"
            )
    pushed = (one for one in city.notices if isinstance(one, PushNotice) and one.audience == "public")
    return Row(statuses, steles, decided, tuple(one.cause.rpartition(".")[2] for one in pushed))


def _break(server: StandIn, case: Case) -> None:
    if case.gone:
        server.close()
    elif case.fault:
        server.break_down(case.fault)


def _mend(server: StandIn, case: Case) -> StandIn:
    if case.gone:
        return StandIn(int(server.address.rpartition(":")[2]))
    server.answer_as_usual()
    return server


def _steles(city: Offline) -> tuple[SteleRecord, ...]:
    last = {one.district: one for one in city.notices if isinstance(one, SteleRecord)}
    return tuple(last[district] for district in sorted(last))


# -- as a page ------------------------------------------------------------------------------------------------------

HEAD = """\
# Faults of the feed, and what follows

Each line was played against a real HTTP server on the same machine, with real messages in the form of the DWD's; the
tests in `tests/feeds/test_faults.py` hold every line to this page, and `make docs` writes it again. Times are UTC.

At 12:00 a severe warning (A) stands for Solingen. From 12:02 to 12:26 something is broken; meanwhile, at 12:05, an
extreme warning (B) is published for the first time. At 12:30 comes the next whole snapshot. Whatever happens in
between: A stands on every stele all the time, no stele turns clear, and after 12:30 A and B stand there, fresh.

| Fault | What happens | The feed at 12:07 | `error` in `feed.status` | The stele at 12:07 | The stele at 12:25 |
|---|---|---|---|---|---|
"""


def page(rows: dict[str, Row]) -> str:
    return HEAD + "".join(_line(CASES[name], row) for name, row in rows.items())


def _line(case: Case, row: Row) -> str:
    cells = (
        f"`{case.name}`", case.what, _did(row), _error(row.statuses[EARLY]), _shown(row.steles[EARLY]),
        _shown(row.steles[LATE]),
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _did(row: Row) -> str:
    stamp = row.statuses[EARLY].stamp
    took = f"has the snapshot of {stamp:%H:%M}" if stamp else "has none"
    return f"{took}, {'published B' if 'B' in row.decided[EARLY] else 'knows no B yet'}"


def _error(status: FeedStatus) -> str:
    _, _, what = status.error.partition(".zip: ")
    what = what.partition("; asked again")[0]
    what = re.sub(r"127\.0\.0\.1:(?!9\b)\d+", "127.0.0.1", what)
    what = re.sub(r"unpacks \d+ to \d+", "unpacks … to …", what)
    return what or (f"–, and {status.unreadable} unreadable" if status.unreadable else "–")


def _shown(steles: Iterable[SteleRecord]) -> str:
    shown = {
        f"{one.status} ({', '.join(item.severity for item in one.items) or 'nothing'}), {one.freshness}, "
        f"as of {one.as_of:%H:%M}"
        for one in steles
    }
    return "; ".join(sorted(shown))


async def table(told: Callable[[str], object] = lambda _: None) -> dict[str, Row]:
    rows = {}
    for name, case in CASES.items():
        told(name)
        rows[name] = await play(case)
    return rows


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(asyncio.run(table(print))), "utf-8")
