"""Whatever a request carries, the answer is never a 5xx: forms, paths, queries, headers."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.web.sites import LOGIN, Desk
from tests.web.test_reader import desk

ORIGIN = {"Sec-Fetch-Site": "same-origin"}
ODD = (
    "\0",
    "٣",
    "²",
    "9" * 200,
    "-1",
    "1e400",
    "a/../b",
    "%",
    "\ud7ff",
    "x" * 2000,
    "<script>",
    "..%2f..%2fetc",
    "é" * 90,
)
PATHS = (
    "/start?q={}", "/start?lang={}", "/district/{}", "/api/v1/notices.atom?district={}",
    "/stele/{}", "/embed/{}", "/alert/{}", "/stop/{}", "/resume/{}", "/lagebericht?hours={}", "/?lang={}", "/static/{}",
    "/meldungen?q={}", "/meldungen?from={}", "/meldungen?to={}", "/meldungen?before={}", "/meldungen?hours={}",
    "/meldungen?decided={}", "/meldungen?level={}", "/meldungen?event={}&source={}&district={}", "/hilfe?lang={}",
    "/bezirk/{}", "/meldungen/{}/rohdaten",
    "/stele/d1?turn_s={}&small={}", "/api/districts/{}/situation", "/api/districts/{}/cap", "/api/notices?limit={}",
    "/api/alerts?decided={}", "/api/alerts/{}", "/api/alerts/{}/raw", "/api/rejected/{}/raw",
    "/api/notices/all?limit={}",
    "/api/outlines.geojson?lang={}", "/leaflet/{}", "/{}", "/api/notices.atom?x={}",
    "/api/v1/notices?district={}", "/api/v1/notices?since={}", "/api/v1/notices?before={}", "/api/v1/districts?city={}",
    "/api/v1/notices?cursor={}", "/api/v1/notices?cursor=2027-07-14T12:00:00.000000Z~{}",
    "/api/v1/notices?group={}&limit=1", "/api/v1/alerts?cursor=9999-99-99T99:99:99.999999Z~{}&limit=1",
    "/api/v1/alerts?group={}&until={}", "/api/v1/rejected?limit={}&since={}", "/api/v1/districts?cursor={}&level={}",
    "/api/v1/districts?status={}", "/api/v1/{}", "/api/v1/districts/{}/situation", "/api/v1/stream?district=x{}",
)  # fmt: skip
HEADERS = {
    "Accept-Language": ["*;q=٣", "x" * 5000, ";;;,,,"], "Host": ["[", "a:b:c", "x" * 300, "a@b", "\x85"],
    "Authorization": ["Basic", "Basic ====", "Basic w7w=", "Bearer x", "Basic " + "QQ" * 2000, "Basic \x85"],
    "Origin": ["http://[", "null", "\x85"], "Content-Type": ["multipart/form-data", "a/b; charset=utf-7", "\x85"],
    "Cookie": ["\x85=;;", "a" * 4000], "Range": ["bytes=9-1", "bytes=٣"], "If-Modified-Since": ["yesterday"],
    "Last-Event-ID": ["9" * 40], "If-None-Match": ["\x85", "*, W/", "x" * 5000], "Accept-Encoding": ["\x85"],
    "X-Forwarded-For": ["[", "1.2.3.4, x"],
}  # fmt: skip
DESK: Desk = desk()


@pytest.mark.parametrize("path", PATHS)
def test_no_path_and_no_query_is_a_5xx(path: str) -> None:
    answers = {odd: DESK.operators.get(path.replace("{}", quote(odd)), auth=LOGIN).status_code for odd in ODD}
    assert {odd: code for odd, code in answers.items() if code >= 500} == {}


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_is_a_5xx(header: str) -> None:
    pages = (
        "/",
        "/start",
        "/stele/d1",
        "/api/notices.atom",
        "/api/v1/districts",
        "/nowhere",
        "/static/warnsys.css",
        "/act/stop",
    )
    for value in HEADERS[header]:
        for page in pages:
            given: dict[str, Any] = {
                "Authorization": "Basic c2hpZnQ6YSBzZWNyZXQ=",
                header: value.encode("latin-1", "replace"),
            }
            call: Any = DESK.operators.post if page.startswith("/act") else DESK.operators.get
            assert call(page, headers=given).status_code < 500, (page, value)


@pytest.mark.parametrize("body", [
    "minutes=" + "9" * 5000, "minutes=٣&channel=push", "minutes=²", "&".join(f"f{n}=1" for n in range(21)), "", "=",
    "minutes=%00", "minutes=1&channel=%ff", "minutes=5&channel=push&reason=x&by=%00", b"\xff\xfe\0", "minutes=-0",
    "level=" + "9" * 5000, "minutes=1;channel=push",
])  # fmt: skip
@pytest.mark.parametrize("act", ["stop", "acknowledge"])
def test_a_form_that_makes_no_sense_is_refused(act: str, body: str | bytes) -> None:
    content = body if isinstance(body, bytes) else body.encode()
    answer = DESK.operators.post(f"/act/{act}", content=content, headers=ORIGIN, auth=LOGIN)
    assert answer.status_code == 422
    assert not DESK.done


def test_a_body_that_is_too_large_is_refused() -> None:
    for length in ("16385", "9" * 19, "9" * 5000, "٣", "-1"):
        headers: Any = {**ORIGIN, "Content-Length": length.encode()}
        assert DESK.operators.post("/act/stop", content=b"x", headers=headers, auth=LOGIN).status_code == 413
