"""A feed: each look asks a source for its newest snapshot and publishes what is new in it, the worst first.

A snapshot counts by the server's stamp alone, and never goes back. An answer that cannot be trusted as a whole (an
error page, half a ZIP) changes nothing: the feed's status says so, and the last good state stands. An answer whose
time cannot be believed ends nothing, yet what is news in it still warns. At start and from time to time everything
current is published again, which is harmless and heals whatever was lost.
"""

import asyncio
import logging
import random as chance
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import httpx

from warnsys.cap import Alert
from warnsys.cap.errors import MAX_SAID
from warnsys.feeds.answer import Answer, Asks, Refused
from warnsys.feeds.bundle import Bundle, BundledMessage, Key, is_live, open_bundle
from warnsys.feeds.feed_time import FeedTime
from warnsys.feeds.kinds import asks
from warnsys.feeds.publisher import Keeper, KeepsNothing, Publisher
from warnsys.records import AlertHeaders, FeedStatus, Snapshot, utc
from warnsys.settings import LIVE, Source
from warnsys.warning.clock import AGREE

AHEAD = timedelta(minutes=5)
"""A stamp further ahead of our clock is not believed: it would keep the feed fresh, and shut out what follows."""
NODES = timedelta(seconds=5)
"""The same bytes under stamps this close are one publication, which the server's nodes wrote one after the other."""
BEHIND = timedelta(minutes=2)
"""A node may lag by a publication without anybody being told."""
REMEMBERED = timedelta(days=3)
"""How long a message that left the feed is known, so that a lagging node does not make it news again."""
LONGEST_PAUSE_S = 60.0
AT_ONCE = 50
"""Messages of one level on their way to the broker at the same time."""

logger = logging.getLogger(__name__)


class Poller:
    """Polls one source, and remembers what it published of it.

    `clock` gives the present as an aware datetime, `uptime` the seconds of a clock that nobody sets, without which
    every jump of `clock` is believed; `random` a number from 0 to 1; `keeper` is given the bytes of each snapshot after
    it was published. The client is for sources with an address; its proxies are the caller's choice.
    """

    def __init__(
        self,
        source: Source,
        stage: str,
        client: httpx.AsyncClient,
        publisher: Publisher,
        clock: Callable[[], datetime],
        *,
        keeper: Keeper | None = None,
        random: Callable[[], float] = chance.random,
        uptime: Callable[[], float] | None = None,
    ) -> None:
        self._source, self._stage = source, stage
        self._publisher, self._time, self._random = publisher, FeedTime(clock, uptime), random
        self._keeper = keeper or KeepsNothing()
        self._asks: Asks = asks(source, client)
        self._held: Bundle | None = None
        self._pending: Bundle | None = None  # the newest that could not be published yet
        self._opened: dict[Key, BundledMessage] = {}  # of the newest answer, so that nothing is read twice
        self._seen: dict[Key, datetime] = {}  # when each message came, also of those that left not long ago
        self._published: set[Key] = set()
        self._all_published: datetime | None = None
        self._agreed = False  # whether the server's clock agreed with ours since the start

    async def run(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Look for ever; only a cancellation ends it."""
        failures = 0
        while True:
            try:
                failed = bool((await self.look()).error)
            except Exception:
                logger.exception("%s: a look failed; the next one is in %g s at most", self._source.name, self._longest)
                failed = True
            failures = failures + 1 if failed else 0
            await sleep(self._pause(failures))

    def _pause(self, failures: int) -> float:
        """Seconds to the next look: about `poll_s`; after failures soon again, then rarer, never more than a minute.

        Spread by chance, so that pollers which began together do not stay together.
        """
        if not failures:
            return self._source.poll_s * (0.9 + 0.2 * self._random())
        longer = self._source.poll_s / 4 * 2.0 ** min(failures - 1, 10)
        return min(longer, self._longest) * (0.5 + 0.5 * self._random())

    @property
    def _longest(self) -> float:
        return min(3 * self._source.poll_s, LONGEST_PAUSE_S)

    async def look(self) -> FeedStatus:
        """One poll, and the status that it ended with. Raises only what publishing that status raises."""
        now, fresh, error, odd = self._time.wall(), None, "", ""
        try:
            now = self._time.look()
            answer = await self._asks.ask(self._validators(now), now)
            now = self._time.hear(answer.date if answer and self._stage == LIVE else None)
            self._agreed = self._agreed or (self._time.date is not None and not self._alone(now))
            fresh = await self._newer(answer, now)
        except Refused as refused:
            error = self._sentence(refused.what, refused.remedy)
        except Exception as surprise:
            logger.exception("%s: an answer could not be taken", self._asks.place)
            error = self._surprised("the answer could not be taken", surprise)
        try:
            self._pending = fresh or self._pending
            unpublished = ""
            if bundle := self._pending or self._held:
                unpublished = await self._publish(bundle, now)
                error = unpublished or error
            if fresh:
                self._keeper.keep(self._source.name, fresh.stamp, fresh.content)
            if not unpublished:
                self._pending = None
            odd = self._time.odd(now)
        except Exception as surprise:
            logger.exception("%s: what is held could not be published", self._asks.place)
            error = self._surprised("what is held could not be published", surprise)
        held = self._held
        status = FeedStatus(
            stage=self._stage,
            source=self._source.name,
            looked=now,
            stamp=held.stamp if held else None,
            ids=len(held.ids) if held else 0,
            unreadable=held.unreadable if held else 0,
            error=error,
            archive_error=self._keeper.error,
            clock_error=odd,
        )
        await self._publisher.status(status)
        return status

    # -- what an answer is worth ------------------------------------------------------------------------------------

    def _outranks(self, now: datetime) -> Bundle | None:
        """What is held, unless its time is ahead of ours: our clock was wrong, or is, and what comes is looked at."""
        return self._held if self._held and self._held.stamp <= now + AHEAD else None

    def _validators(self, now: datetime) -> Mapping[str, str]:
        held = self._outranks(now)
        return held.validators if held else {}

    async def _newer(self, answer: Answer | None, now: datetime) -> Bundle | None:
        """The snapshot to be held from now on, None if it is the held one. Raises `Refused`."""
        held = self._outranks(now)
        if answer is None or (held and _same(answer, held)):
            return None
        bundle = await asyncio.to_thread(
            open_bundle, answer, now, self._may_replace, self._source.timezone, self._opened
        )
        self._opened = {message.key: message for message in bundle.messages}
        if doubt := self._own_doubt(answer) or _doubt(answer, bundle, self._latest(now)):
            await self._news(bundle, now)
            raise doubt
        if held and bundle.stamp < held.stamp:
            await self._news(bundle, now)
            if held.stamp - bundle.stamp <= BEHIND:
                return None
            what = (
                f"the answer of {utc(bundle.stamp)} is older than the one of {utc(held.stamp)}, so that it ends nothing"
            )
            raise Refused(what, "if it stays so, the server's copies or its clock differ")
        if held and bundle.stamp == held.stamp:
            return bundle.listing(held.ids)
        return bundle

    def _may_replace(self, alert: Alert) -> bool:
        allowed = self._source.allowed_senders
        live = is_live(alert) or (self._stage != LIVE and alert.status == "Exercise")
        return live and (not allowed or alert.sender.casefold() in {sender.casefold() for sender in allowed})

    def _own_doubt(self, answer: Answer) -> Refused | None:
        """Where an answer is not whole, or nothing but our own clock stamps it, and that has jumped."""
        if answer.partly:
            return answer.partly
        if answer.date or not self._time.in_doubt:
            return None
        return Refused("our own clock jumped, so that the listing ends nothing", "set it right, or wait ten minutes")

    def _latest(self, now: datetime) -> datetime:
        """How late it may be: as long as nobody has agreed with our clock, what the server says, too.

        Which of the two is wrong the city knows, as it has other clocks (docs/adr/0014).
        """
        return now if self._agreed else max(now, self._time.date or now)

    async def _news(self, bundle: Bundle, now: datetime) -> None:
        """Publish what is new here of an answer whose stamp says nothing, as in doubt: whoever knows it already, or saw
        it leave, learns nothing from that."""
        news = [message for message in bundle.messages if message.key not in self._seen]
        for message in await self._alerts(news, now, now, doubt=True):
            del self._seen[message.key]

    # -- publishing -------------------------------------------------------------------------------------------------

    async def _publish(self, bundle: Bundle, now: datetime) -> str:
        """Publish what is new or due, and hold the bundle; what could not be published, in a sentence, else "".

        After a failure nothing counts as held, so that the next look fetches and tries again: a snapshot goes out
        only after all that it lists.
        """
        everything = self._all_published is None or (
            abs(now - self._all_published) >= timedelta(seconds=self._source.republish_s)
        )
        due = [message for message in bundle.messages if everything or message.key not in self._published]
        sent = await self._alerts(due, bundle.stamp, now, replaced=bundle.replaced)
        for message in sent:
            self._seen.pop(message.key, None)  # it was told to nobody, so it is still news
        failed = [message.member.name for message in sent]
        if not failed and (everything or self._held is None or self._held.stamp != bundle.stamp):
            failed = [] if await self._snapshot(bundle, now) else ["the snapshot"]
        if failed:
            return self._sentence(
                f"{', '.join(failed[:3])} could not be published ({len(failed)} in all)", "see the log"
            )
        self._held = bundle
        if everything:
            self._all_published = now
        keys = {message.key for message in bundle.messages}
        self._published &= keys
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys or abs(now - seen) < REMEMBERED}
        return ""

    async def _alerts(
        self,
        messages: Sequence[BundledMessage],
        stamp: datetime,
        now: datetime,
        *,
        doubt: bool = False,
        replaced: Container[Key] = (),
    ) -> list[BundledMessage]:
        """Publish messages that are sorted by rank, one rank after the other; gives those that failed."""
        failed: list[BundledMessage] = []
        for batch in _batches(messages):
            calls = (self._alert(one, stamp, now, doubt=doubt, replaced=one.key in replaced) for one in batch)
            done = await asyncio.gather(*calls)
            failed += [message for message, safe in zip(batch, done, strict=True) if not safe]
        return failed

    async def _alert(
        self, message: BundledMessage, stamp: datetime, now: datetime, *, doubt: bool, replaced: bool
    ) -> bool:
        headers = AlertHeaders(
            stage=self._stage,
            source=self._source.name,
            id=message.listed_id,
            stamp=stamp,
            seen=self._seen.setdefault(message.key, now),
            doubt=doubt or None,
            alone=self._alone(now) or None,
            replaced=replaced or None,
        )
        try:
            await self._publisher.alert(headers, message.member.body)
        except Exception:
            logger.exception("%s: %s could not be published", self._source.name, message.member.name)
            return False
        if not doubt:  # a good answer that has it says it again, without doubt
            self._published.add(message.key)
        return True

    def _alone(self, now: datetime) -> bool:
        """Whether one clock alone stamps what comes: ours that of a folder, or a server's with which ours disagrees."""
        date = self._time.date
        return self._stage == LIVE and (date is None or abs(date - now) > AHEAD)

    async def _snapshot(self, bundle: Bundle, now: datetime) -> bool:
        snapshot = Snapshot(
            stage=self._stage, source=self._source.name, stamp=bundle.stamp, checked=now, ids=bundle.ids,
            date=self._time.date,
        )  # fmt: skip
        try:
            await self._publisher.snapshot(snapshot)
        except Exception:
            logger.exception("%s: the snapshot of %s could not be published", self._source.name, utc(bundle.stamp))
            return False
        return True

    def _surprised(self, what: str, surprise: Exception) -> str:
        return self._sentence(f"{what} ({surprise!r})", "see the log, and report it")

    def _sentence(self, what: str, remedy: str) -> str:
        return f"{self._asks.place}: {what[:MAX_SAID]}; asked again within {self._longest:g} s, {remedy}."


DwdFeed = Poller
"""Its name of earlier releases, which scripts import: it polls every source."""


def _doubt(answer: Answer, bundle: Bundle, now: datetime) -> Refused | None:
    """Why an answer's time cannot be believed, None if it can."""
    if answer.stamp is None:
        what = "the answer has no time, neither in the file's name nor as Last-Modified"
        return Refused(f"{what}, so that it ends nothing", "take an address that gives one")
    clocks = "compare the server's clock and ours with the true time"
    if answer.stamp > now + AHEAD:
        ahead = (answer.stamp - now) / timedelta(minutes=1)
        what = f"the answer's time, {utc(answer.stamp)}, is {ahead:.0f} min ahead of our clock"
        return Refused(f"{what}, so that it ends nothing", clocks)
    if answer.date and abs(answer.date - now) <= AGREE < answer.stamp - answer.date:
        what = f"the answer's time, {utc(answer.stamp)}, is after {utc(answer.date)}, the server's own"
        return Refused(f"{what}, so that it ends nothing", clocks)
    newest = max((one.sent for one in bundle.messages if one.sent and one.sent <= now + AHEAD), default=answer.stamp)
    if newest > answer.stamp + AHEAD:
        what = f"the answer's time, {utc(answer.stamp)}, is before {utc(newest)}, when a message in it was sent"
        return Refused(f"{what}, so that it ends nothing", clocks)
    return None


def _same(answer: Answer, held: Bundle) -> bool:
    if answer.stamp is None or answer.content != held.content:
        return False
    return timedelta(0) <= answer.stamp - held.stamp <= NODES


def _batches(messages: Sequence[BundledMessage]) -> Iterator[list[BundledMessage]]:
    for _, group in groupby(messages, key=lambda message: message.rank):
        same = list(group)
        yield from (same[start : start + AT_ONCE] for start in range(0, len(same), AT_ONCE))
