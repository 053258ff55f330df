"""The poller: what it publishes, in which order, and what never changes anything."""

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from warnsys.feeds.poller import DwdFeed
from warnsys.feeds.publisher import MemoryPublisher
from warnsys.records import AlertHeaders, FeedStatus, Snapshot
from warnsys.settings import Source
from warnsys.simulation.standin import StandIn

URL = "https://dwd.example/Z_CAP_C_EDZW_LATEST_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"
T0 = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
EMPTY = b"PK\x05\x06" + bytes(18)


def cap(severity: str, *, msg_type: str = "Alert", sent: float = 0) -> bytes:
    """A message sent so many minutes after T0."""
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>x</identifier><sender>s</sender>
    <sent>{at(sent).isoformat()}</sent><status>Exercise</status><msgType>{msg_type}</msgType><scope>Public</scope>
    <info><event>e</event><urgency>Immediate</urgency><severity>{severity}</severity><certainty>Likely</certainty></info>
    </alert>""".encode()


def bundle(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, body in members.items():
            file.writestr(f"{name}.xml", body)
    return packed.getvalue()


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def ok(content: bytes, minute: float = 0, **headers: str) -> httpx.Response:
    modified = {"Last-Modified": format_datetime(at(minute), usegmt=True)}
    return httpx.Response(200, content=content, headers={**modified, **headers})


Answer = httpx.Response | Exception | Callable[[httpx.Request], Awaitable[httpx.Response]]


class Lab:
    """A feed whose server and clock are in the test's hands."""

    def __init__(self, publisher: MemoryPublisher | None = None, url: str = URL, **limits: Any) -> None:
        self.now = T0
        self.answer: Answer = ok(EMPTY)
        self.requests: list[httpx.Request] = []
        self.published = publisher or MemoryPublisher()
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        source = Source(name="dwd", url=url, poll_s=20, republish_s=600, **limits)
        self.source = source
        self.feed = DwdFeed(source, "demo", self.client, self.published, lambda: self.now, random=lambda: 0.5)

    def keep(self) -> "Shelf":
        shelf = Shelf(self.published)
        self.feed = DwdFeed(self.source, "demo", self.client, self.published, lambda: self.now, keeper=shelf)
        return shelf

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, httpx.Response) else await self.answer(request)

    async def look(self, answer: Answer, *, minute: float | None = None) -> FeedStatus:
        self.answer = answer
        if minute is not None:
            self.now = at(minute)
        await self.feed.look()
        return self.published.statuses[-1]

    @property
    def ids(self) -> list[str]:
        return [headers.id for headers, _ in self.published.alerts]


@pytest.fixture
def lab() -> Lab:
    return Lab()


async def test_first_look_publishes_alerts_then_the_snapshot_then_the_status(lab: Lab) -> None:
    name = "2.49.0.0.276.0.DWD.PVW.1.abc"
    status = await lab.look(ok(bundle({f"{name}.MUL": cap("Minor")}), -1))
    assert lab.published.alerts == [
        (AlertHeaders(stage="demo", source="dwd", id=name, stamp=at(-1), seen=T0), cap("Minor"))
    ]
    assert lab.published.snapshots == [
        Snapshot(stage="demo", source="dwd", stamp=at(-1), checked=T0, ids=(name,))
    ]  # fmt: skip
    assert status == FeedStatus(stage="demo", source="dwd", looked=T0, stamp=at(-1), ids=1)


async def test_worst_comes_first_and_unreadable_after_extreme(lab: Lab) -> None:
    members = {
        "minor": cap("Minor"), "end-of-extreme": cap("Extreme", msg_type="Cancel"), "broken": b"<alert",
        "severe": cap("Severe"), "extreme": cap("Extreme"), "moderate": cap("Moderate"),
    }  # fmt: skip
    status = await lab.look(ok(bundle(members)))
    assert lab.ids == ["extreme", "broken", "severe", "moderate", "minor", "end-of-extreme"]
    assert lab.published.snapshots[0].ids == tuple(members)
    assert status.unreadable == 1


async def test_only_new_members_are_published_again_and_changed_bytes_are_new(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor"), "b": cap("Minor")})))
    await lab.look(ok(bundle({"a": cap("Minor"), "b": cap("Severe"), "c": cap("Minor")}), 1), minute=1)
    assert lab.ids == ["a", "b", "b", "c"]
    assert lab.published.alerts[-1][0].seen == at(1)
    assert [snapshot.ids for snapshot in lab.published.snapshots] == [("a", "b"), ("a", "b", "c")]


async def test_everything_current_is_published_again_after_republish_s(lab: Lab) -> None:
    content = bundle({"a": cap("Minor"), "b": cap("Severe")})
    await lab.look(ok(content))
    await lab.look(ok(content, 9.9), minute=9.9)
    assert lab.ids == ["b", "a"]
    await lab.look(ok(content, 10), minute=10)
    assert lab.ids == ["b", "a", "b", "a"]
    assert {headers.seen for headers, _ in lab.published.alerts} == {T0}
    assert [headers.stamp for headers, _ in lab.published.alerts] == [at(0), at(0), at(10), at(10)]


async def test_unreachable_server_does_not_stop_the_republishing(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")})))
    status = await lab.look(httpx.ConnectError("refused"), minute=10)
    assert lab.ids == ["a", "a"]
    assert [snapshot.stamp for snapshot in lab.published.snapshots] == [at(0), at(0)]
    assert status.error


async def test_next_request_is_conditional_and_304_gives_a_status_only(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")}), ETag='"1"'))
    status = await lab.look(httpx.Response(304), minute=1)
    first, second = lab.requests
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"] == '"1"'
    assert second.headers["if-modified-since"] == format_datetime(T0, usegmt=True)
    assert len(lab.published.alerts) == len(lab.published.snapshots) == 1
    assert status == FeedStatus(stage="demo", source="dwd", looked=at(1), stamp=T0, ids=1)


async def test_the_same_content_published_anew_is_asked_for_where_the_etag_hides_it(lab: Lab) -> None:
    """Its ETag is made from the content alone, so through a calm night it stays as it was."""
    content = bundle({"a": cap("Minor")})

    async def server(request: httpx.Request) -> httpx.Response:
        whole = ok(content, lab.now.minute, ETag='"same"')
        return whole if "if-none-match" not in request.headers else httpx.Response(304, headers=whole.headers)

    for minute in (0, 10, 20):
        status = await lab.look(server, minute=minute)
    assert (status.stamp, status.error) == (at(20), "")
    assert [one.stamp for one in lab.published.snapshots] == [at(0), at(10), at(20)]


async def test_304_that_was_not_asked_for_is_an_error(lab: Lab) -> None:
    assert "HTTP 304" in (await lab.look(httpx.Response(304))).error


async def test_identical_bytes_with_a_new_stamp_are_a_new_snapshot(lab: Lab) -> None:
    content = bundle({"a": cap("Minor")})
    await lab.look(ok(content))
    await lab.look(ok(content, 5), minute=5)
    assert [snapshot.stamp for snapshot in lab.published.snapshots] == [at(0), at(5)]
    assert lab.ids == ["a"]


async def test_same_stamp_is_one_snapshot_but_its_new_members_count_at_once(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")})))
    await lab.look(ok(bundle({"a": cap("Minor"), "b": cap("Extreme")})))
    assert lab.ids == ["a", "b"]
    assert [snapshot.ids for snapshot in lab.published.snapshots] == [("a",)]


async def test_older_stamp_ends_nothing_and_is_said(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")}), 5))
    status = await lab.look(ok(bundle({"old": cap("Extreme", sent=-30)}), -6, ETag='"old"'))
    assert [(headers.id, headers.doubt) for headers, _ in lab.published.alerts] == [("a", None), ("old", True)]
    assert len(lab.published.snapshots) == 1
    assert "older" in status.error
    assert status.stamp == at(5)
    await lab.look(httpx.Response(304))
    assert "if-none-match" not in lab.requests[-1].headers


async def test_node_that_lags_by_a_publication_is_nobodys_concern(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")}), 1))
    status = await lab.look(ok(bundle({"b": cap("Minor", sent=-30)}), 0))
    assert (lab.ids, len(lab.published.snapshots)) == (["a", "b"], 1)
    assert lab.published.alerts[-1][0].doubt
    assert (status.error, status.stamp) == ("", at(1))


async def test_same_bytes_from_a_node_a_second_apart_are_no_second_snapshot(lab: Lab) -> None:
    content = bundle({"a": cap("Minor")})
    for second in (0, 1, 0, 1, 0):
        status = await lab.look(ok(content, second / 60))
        assert (status.error, status.stamp) == ("", T0)
    assert [snapshot.stamp for snapshot in lab.published.snapshots] == [T0]


async def test_stamp_far_ahead_of_our_clock_is_not_believed_and_is_said(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")})))
    status = await lab.look(ok(EMPTY, 66), minute=1)
    assert [snapshot.stamp for snapshot in lab.published.snapshots] == [T0]
    assert "is 65 min ahead of our clock" in status.error
    assert status.stamp == T0
    assert (await lab.look(ok(EMPTY, 5.9), minute=1)).error == ""


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda content: ok(content, 66), id="ahead"),
        pytest.param(lambda content: ok(content, -60), id="behind"),
        pytest.param(lambda content: httpx.Response(200, content=content), id="without"),
    ],
)
async def test_new_warning_counts_though_the_servers_time_is_not_to_be_believed(
    lab: Lab, answer: Callable[[bytes], httpx.Response]
) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")})))
    content = bundle({"a": cap("Minor"), "late": cap("Extreme", sent=1), "old": cap("Extreme", sent=-30)})
    for _ in range(2):
        status = await lab.look(answer(content), minute=2)
        assert "ends nothing" in status.error
    assert lab.ids == ["a", "late", "old"]  # whoever saw the old one leave learns nothing from it
    assert [(h.stamp, h.doubt) for h, _ in lab.published.alerts] == [(T0, None), (at(2), True), (at(2), True)]
    assert len(lab.published.snapshots) == 1


async def test_what_an_answer_in_doubt_listed_is_said_again_without_doubt_by_the_first_good_one(lab: Lab) -> None:
    """In doubt it ends nothing: only so an update replaces what it names."""
    await lab.look(ok(bundle({"a": cap("Minor")})))
    content = bundle({"a": cap("Minor"), "late": cap("Extreme", sent=1)})
    await lab.look(ok(content, 66), minute=2)
    await lab.look(ok(content, 3), minute=3)
    assert [(h.id, h.stamp, h.doubt) for h, _ in lab.published.alerts[1:]] == [
        ("late", at(2), True), ("late", at(3), None),
    ]  # fmt: skip


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("hours", [6, 24])
async def test_after_our_clock_was_ahead_the_first_good_look_counts(hours: int, restarted: bool) -> None:
    lab = Lab()
    await lab.look(ok(EMPTY))
    await lab.look(ok(bundle({"a": cap("Minor")}), hours * 60), minute=hours * 60)
    if restarted:
        lab.keep()
    status = await lab.look(ok(bundle({"b": cap("Extreme")}), 10), minute=10)
    assert (status.error, status.stamp) == ("", at(10))
    assert lab.published.snapshots[-1].stamp == at(10)
    assert "b" in lab.ids
    assert "if-modified-since" not in lab.requests[-1].headers


class LiveLab(Lab):
    """A live feed with a clock that nobody sets, whose machine's clock can be put wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = timedelta(0)
        self.feed = DwdFeed(
            self.source, "live", self.client, self.published, lambda: self.now + self.wrong, random=lambda: 0.5,
            uptime=lambda: (self.now - T0).total_seconds(),
        )  # fmt: skip

    async def see(self, minute: float, content: bytes, *, off: float = 0, server: float = 0) -> FeedStatus:
        """A look at `minute`, our clock and the server's so many minutes wrong."""
        self.wrong = timedelta(minutes=off)
        date = format_datetime(at(minute + server), usegmt=True)
        return await self.look(ok(content, minute + server, Date=date), minute=minute)


@pytest.mark.parametrize("off", [360, -360, 1440, -1440])
async def test_a_jump_of_our_clock_changes_nothing_and_is_said(off: float) -> None:
    lab = LiveLab()
    assert (await lab.see(0, EMPTY)).clock_error == ""
    for minute in range(1, 30):
        status = await lab.see(minute, bundle({"a": cap("Minor")}), off=off)
        assert (status.error, status.stamp, status.looked) == ("", at(minute), at(minute))
        assert f"jumped by {off * 60:+d} s" in status.clock_error
    assert (await lab.see(30, EMPTY)).clock_error == ""
    assert [(one.stamp, one.checked, one.date) for one in lab.published.snapshots][-1] == (at(30), at(30), at(30))


@pytest.mark.parametrize("server", [360, -360])
async def test_a_servers_clock_that_is_wrong_ends_nothing_is_said_and_what_is_new_is_told(server: float) -> None:
    lab = LiveLab()
    await lab.see(0, bundle({"a": cap("Minor")}))
    status = await lab.see(1, bundle({"b": cap("Extreme", sent=1)}), server=server)
    assert "ends nothing" in status.error
    assert f"differ by {-server * 60:+.0f} s" in status.clock_error
    assert lab.ids == ["a", "b"]
    assert len(lab.published.snapshots) == 1


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1601 00:00:00 GMT"])
@pytest.mark.parametrize("age", ["0", "9999999"])
@pytest.mark.parametrize("first", [True, False])
async def test_a_server_that_says_a_year_which_cannot_be_is_no_witness_and_blinds_no_later_look(
    date: str, age: str, first: bool
) -> None:
    lab = LiveLab()
    if not first:
        await lab.see(0, EMPTY)
    status = await lab.look(ok(bundle({"a": cap("Minor")}), 1, Date=date, Age=age), minute=1)
    assert (status.error, status.looked) == ("", at(1))
    assert lab.published.snapshots[-1].date is None
    status = await lab.see(2, bundle({"a": cap("Minor"), "b": cap("Extreme", sent=2)}))
    assert (status.error, status.looked, status.clock_error) == ("", at(2), "")
    assert lab.ids[-1] == "b"


@pytest.mark.parametrize("modified", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1601 00:00:00 GMT"])
async def test_an_answer_stamped_with_a_year_that_cannot_be_hides_nothing(modified: str) -> None:
    lab = LiveLab()
    await lab.see(0, EMPTY)
    answer = httpx.Response(200, content=bundle({"b": cap("Extreme")}), headers={"Last-Modified": modified})
    assert "ends nothing" in (await lab.look(answer, minute=1)).error
    assert lab.ids == ["b"]
    assert (await lab.see(2, EMPTY)).error == ""


@pytest.mark.parametrize("year", [1970, 9999])
async def test_a_machine_whose_clock_shows_a_year_that_cannot_be_still_looks(year: int) -> None:
    lab = LiveLab()
    lab.feed = DwdFeed(
        lab.source, "live", lab.client, lab.published, lambda: datetime(year, 12, 31, 23, 59, tzinfo=UTC),
        random=lambda: 0.5, uptime=lambda: 5.0,
    )  # fmt: skip
    for minute in range(3):
        await lab.look(ok(bundle({"b": cap("Extreme")}), minute, Date=format_datetime(at(minute), usegmt=True)))
    assert lab.ids[0] == "b"


async def test_a_time_after_the_servers_own_is_in_doubt() -> None:
    lab = LiveLab()
    lab.now = at(1)
    status = await lab.look(ok(EMPTY, 3, Date=format_datetime(at(1), usegmt=True)))
    assert "the server's own" in status.error
    assert lab.published.snapshots == []


async def test_what_lay_in_a_cache_says_by_its_age_what_time_it_is() -> None:
    lab = LiveLab()
    lab.now = at(10)
    status = await lab.look(ok(EMPTY, 0, Date=format_datetime(at(0), usegmt=True), Age="600"))
    assert (status.clock_error, lab.published.snapshots[0].date) == ("", at(10))


async def test_message_that_left_the_feed_is_no_news_when_a_lagging_node_shows_it(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor", sent=-1)}), 0))
    await lab.look(ok(EMPTY, 1), minute=1)
    await lab.look(ok(bundle({"a": cap("Minor", sent=-1)}), 0), minute=2)
    assert lab.ids == ["a"]


async def test_stamp_is_the_time_in_the_dated_name_before_last_modified() -> None:
    lab = Lab(url="https://dwd.example/Z_CAP_C_EDZW_20270714115500_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip")
    assert (await lab.look(ok(EMPTY, 3))).stamp == at(-5)


@pytest.mark.parametrize("headers", [{}, {"Last-Modified": "yesterday"}])
async def test_answer_without_any_time_is_refused(lab: Lab, headers: dict[str, str]) -> None:
    status = await lab.look(httpx.Response(200, content=EMPTY, headers=headers))
    assert lab.published.snapshots == []
    assert "no time" in status.error


async def test_empty_zip_is_a_snapshot_of_nothing(lab: Lab) -> None:
    status = await lab.look(ok(EMPTY))
    assert [snapshot.ids for snapshot in lab.published.snapshots] == [()]
    assert (status.ids, status.error) == (0, "")


async def test_member_whose_bytes_cannot_be_had_is_published_empty_and_listed(lab: Lab) -> None:
    content = bundle({"damaged": cap("Severe"), "whole": cap("Minor")})
    damaged = content.replace(b"Severe", b"Sovere")
    status = await lab.look(ok(damaged))
    assert [(headers.id, body) for headers, body in lab.published.alerts] == [
        ("damaged", b""),
        ("whole", cap("Minor")),
    ]
    assert lab.published.snapshots[0].ids == ("damaged", "whole")
    assert status.unreadable == 1


async def never(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


FAULTS: dict[str, tuple[Answer, str]] = {
    "status": (httpx.Response(503), "HTTP 503 Service Unavailable"),
    "redirect to a stranger": (
        httpx.Response(301, headers={"Location": "https://x.example/"}),
        "redirects to x.example",
    ),
    "redirect to nothing": (httpx.Response(301), "redirects to no address"),
    "redirect out of encryption": (
        httpx.Response(301, headers={"Location": "http://dwd.example/"}),
        "redirects to http",
    ),
    "redirect in a circle": (httpx.Response(302, headers={"Location": URL}), "more than 3 times"),
    "packed by a proxy": (ok(b"", 1, **{"Content-Encoding": "br"}), "encoded as br"),
    "html": (ok(b"<html>maintenance</html>", 1), "no whole ZIP"),
    "truncated": (ok(bundle({"a": cap("Minor")})[:-30], 1), "no whole ZIP"),
    "nothing": (ok(b"", 1), "no whole ZIP"),
    "broken off": (httpx.RemoteProtocolError("peer closed connection"), "peer closed connection"),
    "unreachable": (httpx.ConnectError("refused"), "refused"),
    "read timeout": (httpx.ReadTimeout("slow"), "in time"),
    "total timeout": (never, "in time"),
    "too large": (ok(bytes(3_000), 1), "exceeds 2000 bytes"),
    "surprise": (RuntimeError("surprise"), "surprise"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_changes_nothing_and_is_said_in_one_sentence(fault: str) -> None:
    lab = Lab(total_s=0.05, max_bytes=2_000)
    await lab.look(ok(bundle({"good": cap("Minor")})))
    answer, said = FAULTS[fault]
    status = await lab.look(answer, minute=1)
    assert lab.ids == ["good"]
    assert len(lab.published.snapshots) == 1
    assert (status.stamp, status.ids, status.looked) == (T0, 1, at(1))
    assert said in status.error
    assert status.error.startswith(URL)
    assert "asked again within 60 s" in status.error
    assert "\n" not in status.error
    assert (await lab.look(ok(EMPTY, 2), minute=2)).error == ""


class Refusing(MemoryPublisher):
    """Refuses some ids, or all snapshots, until told otherwise."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self.refused = set(refused)

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        if headers.id in self.refused:
            raise OSError("broker")
        await super().alert(headers, body)

    async def snapshot(self, snapshot: Snapshot) -> None:
        if "snapshot" in self.refused:
            raise OSError("broker")
        await super().snapshot(snapshot)


@pytest.mark.parametrize("refused", ["b", "snapshot"])
async def test_what_could_not_be_published_is_tried_again_before_any_snapshot(refused: str) -> None:
    publisher = Refusing(refused)
    lab = Lab(publisher)
    content = bundle({"a": cap("Minor"), "b": cap("Severe")})
    status = await lab.look(ok(content, ETag='"1"'))
    assert "a" in lab.ids
    assert publisher.snapshots == []
    assert "could not be published" in status.error
    publisher.refused.clear()
    status = await lab.look(ok(content, ETag='"1"'))
    assert "if-none-match" not in lab.requests[-1].headers
    assert {"a", "b"} == set(lab.ids)
    assert len(publisher.snapshots) == 1
    assert status.error == ""


async def test_run_looks_for_ever_and_only_a_cancellation_ends_it() -> None:
    class Mute(MemoryPublisher):
        async def status(self, status: FeedStatus) -> None:
            await super().status(status)
            raise OSError("broker")

    lab = Lab(Mute())
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await lab.feed.run(sleep)
    assert pauses == [3.75, 7.5, 15]
    assert len(lab.published.statuses) == 3


async def test_pause_is_about_poll_s_shorter_after_a_failure_and_never_more_than_a_minute() -> None:
    lab = Lab()
    answers: Iterator[Answer] = iter([ok(EMPTY, 0), ok(EMPTY, 1), *[httpx.ConnectError("refused")] * 12, ok(EMPTY, 2)])
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if (following := next(answers, None)) is None:
            raise asyncio.CancelledError
        lab.answer = following

    lab.answer, lab.now = next(answers), at(3)
    with pytest.raises(asyncio.CancelledError):
        await lab.feed.run(sleep)
    assert pauses == [20, 20, 3.75, 7.5, 15, 30, *[45.0] * 8, 20]


@pytest.mark.parametrize(("chance", "first", "calm"), [(0.0, 2.5, 18.0), (1.0, 5.0, 22.0)])
def test_pauses_are_spread_by_chance(chance: float, first: float, calm: float) -> None:
    source = Source(name="dwd", url=URL, poll_s=20)
    feed = DwdFeed(source, "demo", httpx.AsyncClient(), MemoryPublisher(), lambda: T0, random=lambda: chance)
    assert feed._pause(1) == first
    assert feed._pause(0) == pytest.approx(calm)
    assert all(feed._pause(failures) <= 60 for failures in range(2_000))


async def test_redirect_to_an_allowed_host_is_followed_and_its_dated_name_is_the_stamp() -> None:
    lab = Lab(redirect_hosts=["mirror.example"])
    dated = "Z_CAP_C_EDZW_20270714115500_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"

    async def redirecting(request: httpx.Request) -> httpx.Response:
        if request.url.host == "mirror.example":
            return ok(EMPTY, 0)
        return httpx.Response(302, headers={"Location": f"https://mirror.example/{dated}"})

    status = await lab.look(redirecting)
    assert (status.error, status.stamp) == ("", at(-5))
    assert [request.url.host for request in lab.requests] == ["dwd.example", "mirror.example"]


class Slow(MemoryPublisher):
    """A broker that takes a moment for each alert, and says when it took which."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: list[str] = []

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        self.under_way.append(headers.id)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await super().alert(headers, body)


async def test_next_level_waits_until_the_worse_one_is_safe() -> None:
    lab = Lab(Slow())
    severities = {f"{severity}-{number}": cap(severity) for number in range(60) for severity in ("Minor", "Extreme")}
    await lab.look(ok(bundle(severities)))
    assert [identifier.split("-")[0] for identifier in lab.ids] == ["Extreme"] * 60 + ["Minor"] * 60


async def test_over_a_real_connection_news_unchanged_and_broken_off_answers_are_told_apart() -> None:
    published = MemoryPublisher()
    with StandIn() as server:
        server.publish(at(0), bundle({"a": cap("Minor")}))
        async with httpx.AsyncClient() as client:
            feed = DwdFeed(Source(name="dwd", url=server.url), "demo", client, published, lambda: T0)
            await feed.look()
            await feed.look()
            server.answer_with(503)
            await feed.look()
            server.answer_with(200, bundle({"a": cap("Minor")})[:-5])
            await feed.look()
            server.answer_as_usual()
            server.publish(at(5), EMPTY)
            await feed.look()
    assert [headers.id for headers, _ in published.alerts] == ["a"]
    assert [(snapshot.stamp, snapshot.ids) for snapshot in published.snapshots] == [(at(0), ("a",)), (at(5), ())]
    assert [bool(status.error) for status in published.statuses] == [False, False, True, True, False]


async def test_stamp_before_a_message_was_sent_is_not_believed_though_nothing_else_is_known(lab: Lab) -> None:
    content = bundle({"a": cap("Severe", sent=-1), "from-the-future": cap("Minor", sent=600)})
    status = await lab.look(ok(content, -120))
    assert lab.published.snapshots == []
    assert {headers.stamp for headers, _ in lab.published.alerts} == {T0}
    assert "when a message in it was sent" in status.error


# -- the archive beside it ------------------------------------------------------------------------------------------


class Shelf:
    """A keeper that remembers what had been published when it was given a snapshot."""

    def __init__(self, published: MemoryPublisher) -> None:
        self.error, self._published = "", published
        self.kept: list[tuple[str, datetime, bytes, int]] = []

    def keep(self, source: str, stamp: datetime, content: bytes) -> None:
        self.kept.append((source, stamp, content, len(self._published.snapshots)))


async def test_every_new_stamp_is_given_to_the_archive_after_it_was_published() -> None:
    lab = Lab()
    shelf = lab.keep()
    one, two = bundle({"a": cap("Minor")}), bundle({"a": cap("Minor"), "b": cap("Minor")})
    await lab.look(ok(one))
    await lab.look(ok(one))
    await lab.look(httpx.Response(304))
    await lab.look(httpx.Response(503))
    await lab.look(ok(two), minute=1)
    await lab.look(ok(two, 5), minute=5)
    await lab.look(ok(EMPTY, 60), minute=6)
    assert shelf.kept == [("dwd", T0, one, 1), ("dwd", T0, two, 1), ("dwd", at(5), two, 2)]


async def test_archive_that_fails_is_an_alarm_in_the_status_and_holds_up_nothing() -> None:
    lab = Lab()
    shelf = lab.keep()
    shelf.error = "the disk is full"
    status = await lab.look(ok(bundle({"a": cap("Minor")})))
    assert (status.error, status.archive_error) == ("", "the disk is full")
    assert lab.ids == ["a"]
    shelf.error = ""
    assert (await lab.look(httpx.Response(304))).archive_error == ""


async def test_snapshot_that_the_broker_refuses_is_archived_all_the_same() -> None:
    lab = Lab(Refusing("snapshot"))
    shelf = lab.keep()
    await lab.look(ok(EMPTY))
    assert [kept[1] for kept in shelf.kept] == [T0]


@pytest.mark.parametrize(
    "later",
    [
        lambda content, minute: httpx.Response(200, content=content),
        lambda content, minute: ok(content, minute + 120),
        lambda content, minute: ok(content, minute - 1440),
        lambda content, minute: httpx.ConnectError("refused"),
    ],
    ids=["no stamp", "two hours ahead", "a day behind", "no server"],
)
async def test_what_could_not_be_published_once_is_published_whatever_the_server_says_next(
    later: Callable[[bytes, int], httpx.Response | httpx.ConnectError],
) -> None:
    publisher = Refusing()
    lab = Lab(publisher)
    await lab.look(ok(EMPTY))
    content = bundle({"x": cap("Extreme", sent=1)})
    publisher.refused.add("x")
    await lab.look(ok(content, 1), minute=1)
    assert lab.ids == []
    publisher.refused.clear()
    await lab.look(later(content, 2), minute=2)
    await lab.look(later(content, 2), minute=2)
    assert set(lab.ids) == {"x"}


@pytest.mark.parametrize("said", ["Identity", "", "identity "])
async def test_an_answer_that_is_not_encoded_may_say_so_in_any_form(lab: Lab, said: str) -> None:
    answer = ok(EMPTY)
    answer.headers["Content-Encoding"] = said
    status = await lab.look(answer)
    assert (status.stamp, status.error) == (T0, "")
