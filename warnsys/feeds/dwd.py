"""The DWD's feed: each look asks for the newest snapshot and publishes what is new in it, the worst first.

A snapshot counts by the server's stamp alone, and never goes back. An answer that cannot be trusted as a whole (an
error page, half a ZIP) changes nothing: the feed's status says so, and the last good state stands. At start and from
time to time everything current is published again, which is harmless and heals whatever was lost.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from warnsys.cap import BadBundle, CapError, Member, read_alert, read_bundle
from warnsys.cap.bundle import MAX_BUNDLE_BYTES
from warnsys.cap.dwd import without_language
from warnsys.cap.model import worst_level
from warnsys.feeds.publisher import Publisher
from warnsys.records import AlertHeaders, FeedStatus, Snapshot, utc
from warnsys.settings import Source

CONNECT_S, READ_S, TOTAL_S = 5.0, 10.0, 60.0
"""Seconds to reach the server, to wait for its next bytes, and for the whole answer."""

UNREADABLE = 3.5
"""What cannot be read might be as bad as anything, yet it does not hold up what is known to be Extreme (4)."""

logger = logging.getLogger(__name__)


class DwdFeed:
    """Polls one source, and remembers what it published of it.

    `clock` gives the present as an aware datetime. The client's redirects and proxies are the caller's choice; the
    timeouts are set here.
    """

    def __init__(
        self,
        source: Source,
        stage: str,
        client: httpx.AsyncClient,
        publisher: Publisher,
        clock: Callable[[], datetime],
    ) -> None:
        self._source, self._stage = source, stage
        self._client, self._publisher, self._clock = client, publisher, clock
        self._held: _Bundle | None = None
        self._seen: dict[tuple[str, bytes], datetime] = {}  # when each member of the held bundle came
        self._published: set[tuple[str, bytes]] = set()
        self._all_published: datetime | None = None

    async def run(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Look for ever, `poll_s` apart; only a cancellation ends it."""
        while True:
            try:
                await self.look()
            except Exception:
                logger.exception("%s: a look failed; the next one is in %g s", self._source.name, self._source.poll_s)
            await sleep(self._source.poll_s)

    async def look(self) -> None:
        """One poll, which ends with a `FeedStatus`. Raises only what publishing that status raises."""
        now = self._clock()
        fresh, error = None, ""
        try:
            fresh = await self._newer()
        except _Refused as refused:
            error = str(refused)
        except Exception as surprise:
            logger.exception("%s: an answer could not be taken", self._source.url)
            error = self._sentence(f"the answer could not be taken ({surprise!r})", "see the log, and report it")
        if bundle := fresh or self._held:
            error = await self._publish(bundle, now) or error
        held = self._held
        await self._publisher.status(
            FeedStatus(
                stage=self._stage,
                source=self._source.name,
                looked=now,
                stamp=held.stamp if held else None,
                ids=len(held.ids) if held else 0,
                unreadable=held.unreadable if held else 0,
                error=error,
            )
        )

    # -- publishing -------------------------------------------------------------------------------------------------

    async def _publish(self, bundle: "_Bundle", now: datetime) -> str:
        """Publish what is new or due, and hold the bundle; what could not be published, in a sentence, else "".

        After a failure nothing counts as held, so that the next look fetches and tries again: a snapshot goes out
        only after all that it lists.
        """
        everything = self._all_published is None or (
            now - self._all_published >= timedelta(seconds=self._source.republish_s)
        )
        failed = [
            member.name
            for member in bundle.members
            if (everything or _key(member) not in self._published) and not await self._alert(member, bundle.stamp, now)
        ]
        if not failed and (everything or self._held is None or self._held.stamp != bundle.stamp):
            failed = [] if await self._snapshot(bundle, now) else ["the snapshot"]
        if failed:
            return self._sentence(
                f"{', '.join(failed[:3])} could not be published ({len(failed)} in all)", "see the log"
            )
        self._held = bundle
        if everything:
            self._all_published = now
        keys = {_key(member) for member in bundle.members}
        self._published &= keys
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
        return ""

    async def _alert(self, member: Member, stamp: datetime, now: datetime) -> bool:
        headers = AlertHeaders(
            stage=self._stage,
            source=self._source.name,
            id=without_language(member.stem),
            stamp=stamp,
            seen=self._seen.setdefault(_key(member), now),
        )
        try:
            await self._publisher.alert(headers, member.body)
        except Exception:
            logger.exception("%s: %s could not be published", self._source.name, member.name)
            return False
        self._published.add(_key(member))
        return True

    async def _snapshot(self, bundle: "_Bundle", now: datetime) -> bool:
        snapshot = Snapshot(
            stage=self._stage, source=self._source.name, stamp=bundle.stamp, checked=now, ids=bundle.ids
        )  # fmt: skip
        try:
            await self._publisher.snapshot(snapshot)
        except Exception:
            logger.exception("%s: the snapshot of %s could not be published", self._source.name, utc(bundle.stamp))
            return False
        return True

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _newer(self) -> "_Bundle | None":
        """What the server has, None if nothing newer. Raises `_Refused`."""
        if (answer := await self._ask()) is None:
            return None
        held = self._held
        if held and answer.stamp < held.stamp:
            what = f"the answer of {utc(answer.stamp)} is older than the one of {utc(held.stamp)} and was ignored"
            raise self._refused(what, "if it stays so, the server's copies differ")
        try:
            bundle = await asyncio.to_thread(_open, answer)
        except BadBundle as error:
            raise self._refused(
                f"the answer is no whole ZIP ({error.text})", "open the address in a browser"
            ) from error
        if held and bundle.stamp == held.stamp:
            # One stamp is one snapshot: new members count at once, the new list from the next stamp on.
            return replace(bundle, ids=held.ids)
        return bundle

    async def _ask(self) -> "_Answer | None":
        """The server's answer, None if it has not changed. Raises `_Refused`."""
        timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
        headers = {"Accept-Encoding": "identity", **(self._held.validators if self._held else {})}
        try:
            async with (
                asyncio.timeout(TOTAL_S),
                self._client.stream("GET", self._source.url, headers=headers, timeout=timeout) as response,
            ):
                if response.status_code == httpx.codes.NOT_MODIFIED and self._held:
                    return None
                if response.status_code != httpx.codes.OK:
                    status = f"HTTP {response.status_code} {response.reason_phrase}".strip()
                    raise self._refused(f"the server answered {status}", "check the address and the server")
                if (stamp := _stamp(response)) is None:
                    what = "the answer has no time, neither in the file's name nor as Last-Modified"
                    raise self._refused(what, "take an address that gives one")
                return _Answer(stamp, await self._content(response), _validators(response))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self._refused(f"no whole answer in time ({type(error).__name__})", "check the network") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"no whole answer ({type(error).__name__}: {error})"
            raise self._refused(what, "check the address, the network and the proxy") from error

    async def _content(self, response: httpx.Response) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_BUNDLE_BYTES:
                raise self._refused(f"the answer exceeds {MAX_BUNDLE_BYTES} bytes", "open the address in a browser")
        return bytes(content)

    def _refused(self, what: str, remedy: str) -> "_Refused":
        return _Refused(self._sentence(what, remedy))

    def _sentence(self, what: str, remedy: str) -> str:
        return f"{self._source.url}: {what}; asked again in {self._source.poll_s:g} s, {remedy}."


class _Refused(Exception):
    """An answer that changes nothing, told in one sentence."""


@dataclass(frozen=True, slots=True)
class _Answer:
    stamp: datetime
    content: bytes
    validators: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Bundle:
    """An opened snapshot."""

    stamp: datetime
    validators: dict[str, str]
    """Headers that ask whether there is a newer one."""
    members: tuple[Member, ...]
    """The worst first."""
    ids: tuple[str, ...]
    """In the ZIP's order."""
    unreadable: int


def _open(answer: _Answer) -> _Bundle:
    """Open and rank a ZIP's members; some hundred milliseconds on a busy day. Raises `BadBundle`."""
    members = read_bundle(answer.content)
    ranks = [_rank(member) for member in members]
    order = sorted(range(len(members)), key=lambda number: -ranks[number])
    return _Bundle(
        stamp=answer.stamp,
        validators=answer.validators,
        members=tuple(members[number] for number in order),
        ids=tuple(dict.fromkeys(without_language(member.stem) for member in members)),
        unreadable=ranks.count(UNREADABLE),
    )


def _rank(member: Member) -> float:
    """1 to 4 as DWD counts its levels, 0 for a Cancel whatever severity it kept, `UNREADABLE` in between."""
    try:
        alert = read_alert(member.body)
    except CapError:
        return UNREADABLE
    return 0 if alert.msg_type == "Cancel" else worst_level(alert.infos)


def _key(member: Member) -> tuple[str, bytes]:
    return member.name, member.body


_DATED = re.compile(r"_EDZW_(\d{14})_")


def _stamp(response: httpx.Response) -> datetime | None:
    """The server's time of an answer: in the dated file's name (UTC), else Last-Modified."""
    try:
        if dated := _DATED.search(response.url.path):
            return datetime.strptime(dated[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        stamp = parsedate_to_datetime(response.headers["last-modified"])
    except (KeyError, ValueError):
        return None
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _validators(response: httpx.Response) -> dict[str, str]:
    asked = {"If-None-Match": response.headers.get("etag"), "If-Modified-Since": response.headers.get("last-modified")}
    return {name: value for name, value in asked.items() if value}
