"""The poller: what it publishes, in which order, and what never changes anything."""

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from warnsys.feeds import dwd
from warnsys.feeds.dwd import DwdFeed
from warnsys.feeds.publisher import MemoryPublisher
from warnsys.feeds.standin import StandIn
from warnsys.records import AlertHeaders, FeedStatus, Snapshot
from warnsys.settings import Source

URL = "https://dwd.example/Z_CAP_C_EDZW_LATEST_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"
T0 = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
EMPTY = b"PK\x05\x06" + bytes(18)


def cap(severity: str, *, msg_type: str = "Alert") -> bytes:
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>x</identifier><sender>s</sender>
    <sent>2027-07-14T14:00:00+02:00</sent><status>Exercise</status><msgType>{msg_type}</msgType><scope>Public</scope>
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

    def __init__(self, publisher: MemoryPublisher | None = None, url: str = URL) -> None:
        self.now = T0
        self.answer: Answer = ok(EMPTY)
        self.requests: list[httpx.Request] = []
        self.published = publisher or MemoryPublisher()
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        source = Source(name="dwd", url=url, poll_s=20, republish_s=600)
        self.feed = DwdFeed(source, "demo", self.client, self.published, lambda: self.now)

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


async def test_older_stamp_is_ignored_and_said(lab: Lab) -> None:
    await lab.look(ok(bundle({"a": cap("Minor")}), 5))
    status = await lab.look(ok(bundle({"old": cap("Extreme")}), 4, ETag='"old"'))
    assert lab.ids == ["a"]
    assert len(lab.published.snapshots) == 1
    assert "older" in status.error
    assert status.stamp == at(5)
    await lab.look(httpx.Response(304))
    assert "if-none-match" not in lab.requests[-1].headers


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
    "redirect": (httpx.Response(301, headers={"Location": "/"}), "HTTP 301"),
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
async def test_fault_changes_nothing_and_is_said_in_one_sentence(
    lab: Lab, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dwd, "TOTAL_S", 0.05)
    monkeypatch.setattr(dwd, "MAX_BUNDLE_BYTES", 2_000)
    await lab.look(ok(bundle({"good": cap("Minor")})))
    answer, said = FAULTS[fault]
    status = await lab.look(answer, minute=1)
    assert lab.ids == ["good"]
    assert len(lab.published.snapshots) == 1
    assert (status.stamp, status.ids, status.looked) == (T0, 1, at(1))
    assert said in status.error
    assert status.error.startswith(URL)
    assert "asked again in 20 s" in status.error
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
    assert pauses == [20, 20, 20]
    assert len(lab.published.statuses) == 3


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
