"""What the public reads promise to apps: any origin, ETags, fresh for seconds and stale never, HEAD, pages of lists."""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.support import at, meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk, settings
from tests.web.test_sites import calm, warned
from warnsys.web.reads import MAX_AGE_S

READS = (
    "/districts", "/districts.geojson", "/districts/d1/situation", "/districts/d1/cap", "/notices", "/notices.atom",
)  # fmt: skip
PRIVATE = ("/alerts", "/alerts/A", "/feeds", "/rejected", "/notices/all", "/outlines.geojson")


@pytest.mark.parametrize("path", READS)
def test_the_paths_without_a_version_say_the_same(path: str) -> None:
    site = warned().public
    old, new = site.get(f"/api{path}"), site.get(f"/api/v1{path}")
    assert (old.status_code, new.status_code) == (200, 200)
    assert old.text.replace("/api/", "/api/v1/") == new.text if path.endswith("atom") else old.content == new.content


@pytest.mark.parametrize("path", PRIVATE)
def test_what_operators_read_has_a_version_too_and_is_for_no_other_origin(path: str) -> None:
    desk = warned()
    answer = desk.operators.get(f"/api/v1{path}", auth=LOGIN, headers={"Origin": "https://app.example"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert desk.operators.get(f"/api/v1{path}").status_code == 401
    assert desk.public.get(f"/api/v1{path}").status_code == 404


@pytest.mark.parametrize("path", [*READS, "/districts/nowhere/situation", "/notices?limit=0"])
def test_pages_of_any_origin_may_read_answers_and_errors(path: str) -> None:
    answer = warned().public.get(f"/api/v1{path}")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", [*READS, "/stream"])
def test_a_browser_that_asks_first_is_let_read_and_no_more(path: str) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match"}  # fmt: skip
    answer = warned().public.options(f"/api/v1{path}", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" not in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", READS)
def test_who_has_the_answer_already_gets_none_again(path: str) -> None:
    site = warned().public
    first = site.get(f"/api/v1{path}")
    tag = first.headers["etag"]
    for asked in (tag, f'"x", {tag}', "*", tag.removeprefix("W/")):
        again = site.get(f"/api/v1{path}", headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert site.get(f"/api/v1{path}", headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_another_state_has_another_tag() -> None:
    desk = warned()
    before = desk.public.get("/api/v1/districts/d1/situation").headers["etag"]
    desk.take(outcome("B", meaning("Extreme"), supersedes=["A"], sent=1, stamp=1))
    assert desk.public.get("/api/v1/districts/d1/situation", headers={"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("path", READS)
def test_fresh_data_may_be_kept_for_seconds(path: str) -> None:
    said = warned().public.get(f"/api/v1{path}").headers["cache-control"]
    assert said == f"public, max-age={MAX_AGE_S}, must-revalidate"
    assert MAX_AGE_S < 5


def stale() -> Desk:
    return warned().later(30).take(tick(30))


def incomplete() -> Desk:
    return warned().take(outcome("B", decided="rejected", stamp=1), snapshot(1, "A", "B"))


def unconnected() -> Desk:
    desk = warned()
    desk.board.connected = False
    return desk


def one_without_data() -> Desk:
    desk = warned()
    del desk.board.steles["d2"]
    return desk


@pytest.mark.parametrize("made", [Desk, stale, incomplete, unconnected, one_without_data, lambda: warned().later(1)])
@pytest.mark.parametrize("path", ["/districts", "/districts/d1/situation", "/notices"])
def test_stale_data_are_never_fresh_to_a_cache(made: Any, path: str) -> None:
    assert made().public.get(f"/api/v1{path}").headers["cache-control"] == "no-cache"


def test_nothing_is_kept_beyond_its_validity() -> None:
    desk = warned()
    record = desk.board.steles["d1"]
    desk.put("stele", "d1", record.model_copy(update={"valid_until": at(1 / 60)}).to_bytes())
    assert "max-age=1," in desk.public.get("/api/v1/districts").headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/api/v1/districts", "/api/v1/districts/d1/cap", "/stele/d1", "/sw.js", "/health/ready", "/static/live.js"]
)
def test_head_is_answered_as_get_without_the_body(path: str) -> None:
    site = warned().public
    head, get = site.head(path), site.get(path)
    assert (head.status_code, head.content) == (200, b"")
    same = ("content-type", "etag", "cache-control")
    assert [head.headers.get(name) for name in same] == [get.headers.get(name) for name in same]


@pytest.mark.parametrize(("path", "allowed"), [("/api/v1/districts", "GET, HEAD"), ("/stele/d1", "GET, HEAD")])
def test_who_asks_in_a_wrong_way_hears_that_head_is_one_too(path: str, allowed: str) -> None:
    answer = warned().public.post(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_where_get_is_none_head_is_none() -> None:
    site = warned().operators
    for answer in (site.put("/act/stop"), site.head("/act/stop")):
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


OUTSIDE_OF_ROUTES = [
    ("POST", "/districts", 405, {}), ("GET", "/nowhere", 404, {}), ("GET", "/districts/", 307, {}),
    ("PUT", "/districts", 413, {}), ("GET", "/stream", 503, {"streams": 0}), ("GET", "/districts", 429, {}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status", "web"), OUTSIDE_OF_ROUTES)
def test_pages_of_any_origin_may_read_what_no_route_answers(
    method: str, path: str, status: int, web: dict[str, Any]
) -> None:
    desk = Desk(settings(**web, requests_per_s=0.1 if status == 429 else 0))
    content = b"x" * 20_000 if status == 413 else None
    for site, origin in ((desk.public, "*"), (desk.operators, None)):
        for prefix in ("/api/v1", "/api"):
            for _ in range(2):
                answer = site.request(method, f"{prefix}{path}", content=content, follow_redirects=False)
            assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, origin)
    assert "access-control-allow-origin" not in desk.public.get("/nowhere").headers


def test_head_of_a_stream_ends() -> None:
    answer = warned().public.head("/api/v1/stream")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["/api/v1/districts/d1/situation", "/stele/d1"])
def test_what_is_long_is_packed_for_who_can_unpack_it(path: str) -> None:
    site = warned().public
    packed, plain = (site.get(path, headers={"Accept-Encoding": one}) for one in ("gzip", "identity"))
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


# -- lists ----------------------------------------------------------------------------------------------------------


def busy() -> Desk:
    desk = Desk().take(tick(0), snapshot(0))
    for number in range(6):
        said = meaning("Severe", districts=("d1",) if number % 2 else ("d2",), ii=f"{number}", group=f"G{number}")
        listed = snapshot(number, *(f"M{n}" for n in range(number + 1)))
        desk.take(tick(number), outcome(f"M{number}", said, stamp=number, sent=number), listed)
    return desk


def test_pages_of_notices_lead_on_to_the_last_and_name_each_once() -> None:
    site = busy().public
    every = [one["id"] for one in site.get("/api/v1/notices?limit=500").json()]
    address, found = "/api/v1/notices?limit=2", list[str]()
    while address:
        answer = site.get(address)
        page = [one["id"] for one in answer.json()]
        assert len(page) <= 2
        found += page
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        address = urljoin(address, link[1]) if link else ""
    assert len(found) > 2
    assert found == every


def test_notices_of_one_district_and_since_a_time() -> None:
    site = busy().public
    here = site.get("/api/v1/notices?district=d1").json()
    assert here
    assert all("d1" in one["districts"] for one in here)
    late = site.get("/api/v1/notices", params={"since": "2027-07-14T14:03:00+02:00"}).json()
    assert late
    assert all(datetime.fromisoformat(one["issued"]) >= at(3) for one in late)
    for path, status in (("?district=nowhere", 404), ("?before=nothing", 404), ("?since=yesterday", 422)):
        assert site.get(f"/api/v1/notices{path}").status_code == status


def test_districts_of_one_city_and_with_one_status() -> None:
    site = warned().public
    assert len(site.get("/api/v1/districts?city=x&status=warned").json()) == 2
    assert site.get("/api/v1/districts?city=nowhere").json() == []
    assert site.get("/api/v1/districts?status=clear").json() == []


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/districts", "/districts/d1/situation", "/notices", "/notices.atom"])
def test_times_have_one_form_whatever_offset_a_message_has(path: str) -> None:
    desk = Desk(settings())
    said = meaning().model_copy(update={"onset": datetime.fromisoformat("2027-07-14T14:00:00+02:00")})
    desk.take(tick(0), outcome("A", said), snapshot(0, "A"))
    text = desk.public.get(f"/api/v1{path}").text
    times = re.findall(r"\b\d{4}-\d\d-\d\dT[^\"<]*", text)
    assert times
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", one) for one in times), times


def test_the_document_describes_errors_and_events() -> None:
    for site in (calm().public, calm().operators):
        document = json.loads(site.get("/api/openapi.json").text)
        events = document["paths"]["/api/v1/stream"]["get"]["responses"]["200"]["content"]["text/event-stream"]
        names = [one["properties"]["event"]["const"] for one in events["schema"]["oneOf"]]
        assert names == ["hello", "reload", "stele", "notice", "process", "ping"]
        references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert references <= set(document["components"]["schemas"])
        assert {"Problem", "StreamState"} <= references
        for path, operations in document["paths"].items():
            assert operations["get"].get("deprecated", False) == (not path.startswith("/api/v1/"))
