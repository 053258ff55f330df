"""The stand-in answers as the DWD's server does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from warnsys.feeds.names import FOLDER, file_name
from warnsys.simulation.faults import FAULTS
from warnsys.simulation.standin import Node, StandIn

STAMP = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(faults=FAULTS) as server:
        yield server


def test_latest_and_the_dated_file_are_listed_and_the_same(server: StandIn) -> None:
    server.publish(STAMP, b"one")
    folder = server.url.rpartition("/")[0] + "/"
    index = httpx.get(folder).text
    dated = "Z_CAP_C_EDZW_20270714120000_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"
    assert dated in index
    assert file_name() in index
    assert httpx.get(folder + dated).content == httpx.get(server.url).content == b"one"


def test_newest_publication_is_latest_and_earlier_dated_files_stay(server: StandIn) -> None:
    server.publish(STAMP, b"one")
    server.publish(STAMP + timedelta(minutes=5), b"two")
    latest = httpx.get(server.url)
    assert latest.content == b"two"
    assert latest.headers["last-modified"] == "Wed, 14 Jul 2027 12:05:00 GMT"
    assert httpx.get(server.url.replace(file_name(), file_name(STAMP))).content == b"one"


@pytest.mark.parametrize(("header", "from_header"), [("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")])
def test_unchanged_is_304_until_something_new_comes(server: StandIn, header: str, from_header: str) -> None:
    server.publish(STAMP, b"same")
    known = {header: httpx.get(server.url).headers[from_header]}
    unchanged = httpx.get(server.url, headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    server.publish(STAMP + timedelta(seconds=1), b"same")
    assert httpx.get(server.url, headers=known).status_code == 200


def test_entity_tag_counts_before_the_date(server: StandIn) -> None:
    server.publish(STAMP, b"one")
    known = {"If-None-Match": '"other"', "If-Modified-Since": "Wed, 14 Jul 2027 12:00:00 GMT"}
    assert httpx.get(server.url, headers=known).status_code == 200


def test_anything_else_is_404(server: StandIn) -> None:
    assert httpx.get(server.url).status_code == 404
    assert httpx.get(f"{server.url}/../../etc/passwd").status_code == 404


def test_faults_last_until_told_otherwise(server: StandIn) -> None:
    server.publish(STAMP, b"one")
    server.answer_with(503)
    assert httpx.get(server.url).status_code == 503
    server.answer_with(200, b"<html>")
    assert httpx.get(server.url).content == b"<html>"
    server.answer_as_usual()
    assert httpx.get(server.url).content == b"one"


def test_closed_server_answers_nobody() -> None:
    server = StandIn()
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_nodes_take_turns_with_tags_and_ages_of_their_own() -> None:
    nodes = (Node(), Node(skew=timedelta(seconds=1)), Node(lag=1))
    with StandIn(nodes=nodes) as server:
        server.publish(STAMP, b"one")
        server.publish(STAMP + timedelta(minutes=5), b"two")
        answers = [httpx.get(server.url) for _ in range(4)]
    assert [answer.text for answer in answers] == ["two", "two", "one", "two"]
    assert [answer.headers["last-modified"][17:25] for answer in answers] == [
        "12:05:00", "12:05:01", "12:00:00", "12:05:00"
    ]  # fmt: skip
    assert len({answer.headers["etag"] for answer in answers}) == 3


def test_fault_is_switched_on_and_off_from_outside(server: StandIn) -> None:
    server.publish(STAMP, b"one")
    assert httpx.post(f"{server.address}/fault/status-503").text == "status-503\n"
    assert httpx.get(server.url).status_code == 503
    httpx.post(f"{server.address}/fault/none")
    assert httpx.get(server.url).text == "one"
    unknown = httpx.post(f"{server.address}/fault/earthquake")
    assert unknown.status_code == 404
    assert "status-503" in unknown.text


def test_every_fault_breaks_latest_only_and_the_directory_stays(server: StandIn) -> None:
    for fault in FAULTS.values():
        server.break_down(fault)
        assert httpx.get(server.address + FOLDER).status_code == 200


def test_redirect_leads_to_the_dated_file(server: StandIn) -> None:
    server.publish(STAMP, b"one")
    server.break_down(FAULTS["moved"])
    moved = httpx.get(server.url, follow_redirects=True)
    assert (moved.text, moved.url.path) == ("one", FOLDER + file_name(STAMP))
