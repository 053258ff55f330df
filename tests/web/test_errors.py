"""What went wrong is said in the reader's form: problem+json to programs, German or English pages to people."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.testclient import TestClient

from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk, settings
from tests.web.test_sites import ORIGIN, warned
from warnsys.web.errors import MOST_ERRORS, MOST_PARTS, Errors
from warnsys.web.words import words

TOO_MUCH = b"x" * 20_000


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/districts/nowhere/situation", 404), ("GET", "/api/v1/nowhere", 404), ("GET", "/api/", 404),
        ("GET", "/api/v1/notices?limit=0", 422), ("POST", "/api/v1/notices", 405), ("GET", "/api/v1/alerts", 401),
        ("GET", "/api/v1/districts/d1/cap?x", 404), ("PUT", "/api/v1/districts", 413),
    ],
)  # fmt: skip
def test_a_program_gets_a_problem(method: str, path: str, status: int) -> None:
    body = TOO_MUCH if status == 413 else None
    answer = Desk().operators.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["type"], said["status"]) == ("about:blank", status)
    assert said["title"]
    assert isinstance(said["detail"], str)


def test_a_problem_names_the_parameter_that_does_not_fit() -> None:
    said = Desk().public.get("/api/v1/notices?limit=many").json()
    (wrong,) = said["errors"]
    assert wrong["loc"] == ["query", "limit"]
    assert wrong["pointer"] == "#/query/limit"
    assert wrong["detail"] == wrong["msg"]
    assert "query.limit" in said["detail"]


BAD = "\u202e<script>\r\nX"
"""Fits no number, time, choice or pattern, and no short text where it stands often."""


def parameters(site: TestClient) -> Iterator[tuple[str, str, str]]:
    """Of all routes of the API: path, place, name."""
    document = site.get("/api/openapi.json").json()
    for path, operations in document["paths"].items():
        for one in operations["get"].get("parameters", ()):
            yield path, one["in"], one["name"]


@pytest.mark.parametrize("which", ["public", "operators"])
def test_every_route_names_each_parameter_that_does_not_fit(which: str) -> None:
    desk = warned()
    site = getattr(desk, which)
    asked = list(parameters(site))
    assert len(asked) > 20
    for path, place, name in asked:
        value = BAD * 80 if place != "header" else "x" * 900
        address = re.sub(r"\{\w+\}", "d1", path.replace(f"{{{name}}}", quote(value, "")))
        given: dict[str, Any] = {"params": {name: value}} if place == "query" else {}
        given |= {"headers": {name: value}} if place == "header" else {}
        answer = site.get(address, auth=LOGIN, **given)
        assert answer.status_code == 422, (path, name)
        assert answer.headers["content-type"] == "application/problem+json"
        pointers = [one["pointer"] for one in answer.json()["errors"]]
        assert f"#/{place}/{name}" in pointers, (path, pointers)
        assert "script" not in answer.text
        assert len(answer.content) < 4_000


def test_the_problem_in_the_docs_is_what_the_site_says() -> None:
    text = (Path(__file__).parents[2] / "docs/how-to/read-the-api.md").read_text("utf-8")
    shown = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert shown
    assert json.loads(shown[1]) == warned().public.get("/api/v1/notices?limit=501").json()


def test_a_title_is_the_same_on_each_python() -> None:
    desk = Desk()
    assert desk.public.get("/api/v1/notices?limit=0").json()["title"] == "Unprocessable Content"
    large = desk.operators.request("PUT", "/api/v1/districts", content=TOO_MUCH)
    assert large.json()["title"] == "Content Too Large"


def test_a_value_that_names_nothing_is_named_with_its_parameter() -> None:
    said = warned().public.get("/api/v1/districts/nowhere/situation").json()
    assert [one["pointer"] for one in said["errors"]] == ["#/path/district"]
    said = warned().public.get("/api/v1/stream?district=nowhere").json()
    assert [one["pointer"] for one in said["errors"]] == ["#/query/district"]


@pytest.mark.parametrize("value", ["</script><script>", '"', "\u202e", "a\nb", "~/", "é" * 90])
def test_what_an_error_repeats_is_harmless_to_programs_too(value: str) -> None:
    answer = warned().public.get("/api/v1/notices", params={"district": value})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert repr(value) in answer.json()["errors"][0]["detail"]
    assert "\u202e" not in answer.text
    assert "\n" not in answer.text


def test_no_more_errors_are_named_than_some_each_by_some_steps() -> None:
    errors = [{"loc": ("body", "a/b~c d", *["x" * 500] * 50), "msg": "m" * 900, "type": "t"}] * 90
    request: Any = Request({"type": "http", "path": "/api/x", "method": "GET", "headers": [], "query_string": b""})
    answer = Errors(lambda *_: "").of(request, RequestValidationError(errors))
    said = json.loads(bytes(answer.body))["errors"]
    assert len(said) == MOST_ERRORS
    assert said[0]["pointer"].startswith("#/body/a~1b~0c%20d/xxx")
    assert (len(said[0]["loc"]), len(said[0]["detail"])) == (MOST_PARTS, 200)


@pytest.mark.parametrize(
    ("path", "german", "english"),
    [
        ("/stele/d1?turn_s=2", "„turn_s“ in der Adresse muss mindestens 10 sein.",
         "“turn_s” in the address must be at least 10."),
        ("/stele/d1?turn_s=200", "„turn_s“ in der Adresse darf höchstens 120 sein.",
         "“turn_s” in the address may be 120 at most."),
        ("/stele/d1?turn_s=x", "„turn_s“ in der Adresse muss eine ganze Zahl sein.",
         "“turn_s” in the address must be a whole number."),
        (f"/start?q={'x' * 101}", "„q“ in der Adresse darf höchstens 100 Zeichen haben.",
         "“q” in the address may have 100 characters at most."),
        ("/stele/d1?small=x", "„small“ in der Adresse hat einen Wert, den es nicht gibt.",
         "“small” in the address has a value that there is not."),
    ],
)  # fmt: skip
def test_people_read_in_their_language_what_is_wrong_with_an_address(path: str, german: str, english: str) -> None:
    desk = warned()
    for language, said in (("de", german), ("en", english)):
        answer = desk.public.get(path, params={"lang": language, **httpx.URL(path).params})
        assert answer.status_code == 422
        assert f"<p>{said}</p>" in answer.text
        assert "nput should be" not in answer.text, "that is for programs"
    assert "nput should be" in desk.public.get("/api/v1/notices?limit=0").json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/stele/nowhere", 404), ("GET", "/embed/nowhere", 404), ("GET", "/nowhere", 404),
        ("GET", "/district/nowhere", 404), ("POST", "/start", 405), ("GET", f"/start?q={'x' * 101}", 422),
        ("GET", "/static/nowhere.js", 404), ("GET", "/stele/d1?turn_s=1", 422), ("POST", "/stele/d1", 405),
        ("PUT", "/stele/d1", 413),
    ],
)  # fmt: skip
def test_people_get_a_german_page(method: str, path: str, status: int) -> None:
    body = TOO_MUCH if status == 413 else None
    answer = warned().public.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="de"' in answer.text
    assert words("de")(f"error-{status}") in answer.text
    assert words("de")("error-says-nothing") in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_an_error_page_leads_to_the_districts() -> None:
    for client, home in ((warned().public, "/"), (warned().operators, "/start")):
        answer = client.get("/stele/nowhere", headers={"Accept": "text/html"})
        assert f'<a href="{home}">{words("de")("error-home")}</a>' in answer.text
        assert client.get(home).status_code == 200


@pytest.mark.parametrize("path", ["/stele/nowhere", "/embed/nowhere", "/district/nowhere"])
def test_an_error_page_is_none_that_a_screen_takes_for_its_own(path: str) -> None:
    """What the service worker asks of a page before it keeps or shows it (static/sw.js)."""
    text = warned().public.get(path).text
    assert 'id="live"' not in text
    assert "data-stream" not in text


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "de"), ("en", "en"), ("en-GB,en;q=0.9,de;q=0.5", "en"), ("de,en;q=0.9", "de"), ("fr,en;q=0.5", "en"),
        ("fr", "de"), ("en;q=0.4, de-AT;q=0.7", "de"), ("en;q=0", "de"), ("*;q=٣", "de"), ("english", "de"),
        (";;;,,,", "de"), ("en;q=2", "de"), ("EN", "en"),
    ],
)  # fmt: skip
def test_an_error_page_speaks_english_to_who_asks_for_it(asked: str, language: str) -> None:
    given: Any = {"Accept-Language": asked.encode()}
    assert f'<html lang="{language}"' in warned().public.get("/stele/nowhere", headers=given).text


def test_the_switch_counts_before_what_the_browser_prefers() -> None:
    given = {"Accept-Language": "en"}
    assert '<html lang="de"' in warned().public.get("/stele/nowhere?lang=de", headers=given).text


def test_an_error_page_of_an_exercise_is_marked() -> None:
    assert "ÜBUNG" in Desk(stage="storm").public.get("/stele/nowhere").text


def test_what_an_error_repeats_is_shown_as_text() -> None:
    text = warned().public.get("/stele/%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE").text
    assert "<script>alert" not in text
    assert "\u202e" not in text


def test_who_is_not_signed_in_is_asked_to() -> None:
    answer = warned().operators.get("/")
    assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic")
    assert "Bitte anmelden" in answer.text


def test_an_order_that_no_form_of_ours_makes_is_refused_with_the_reason() -> None:
    form = {"channel": "stele", "reason": "x", "minutes": "30", "by": "A"}
    answer = warned().operators.post("/act/stop", data=form, auth=LOGIN, headers=ORIGIN)
    assert answer.status_code == 422
    assert "Es wurde nichts ausgeführt" in answer.text
    assert "can be stopped" in answer.text


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/districts", "problem+json"), ("/stele/d1", "html")])
def test_who_asks_too_often_is_told_when_to_ask_again(path: str, kind: str) -> None:
    site = Desk(settings(requests_per_s=0.2)).public
    answers = [site.get(path) for _ in range(4)]
    assert answers[-1].status_code == 429
    assert kind in answers[-1].headers["content-type"]
    assert answers[-1].headers["retry-after"] == "5"


def test_who_has_too_many_streams_gets_a_problem() -> None:
    answer = Desk(settings(streams=0)).public.get("/api/v1/stream")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "30"


# -- what nobody foresaw --------------------------------------------------------------------------------------------


def broken() -> Desk:
    """A desk whose sites have routes that fail."""
    desk = Desk()

    def fails() -> None:
        raise RuntimeError("a private reason")

    def fails_late() -> StreamingResponse:
        def some() -> Iterator[bytes]:
            yield b"begun"
            fails()

        return StreamingResponse(some())

    for site in ("public", "operators"):
        app: Any = getattr(desk, site).app
        for path, route in (("/api/v1/broken", fails), ("/broken", fails), ("/late", fails_late)):
            app.add_api_route(path, route)
        desk.__dict__[site] = TestClient(app, base_url="http://desk", raise_server_exceptions=False)
    return desk


@pytest.mark.parametrize("site", ["public", "operators"])
@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/broken", "application/problem+json"), ("/broken", "text/html; charset=utf-8")]
)
def test_what_nobody_foresaw_is_answered_in_the_readers_form_and_tells_nothing(site: str, path: str, kind: str) -> None:
    answer = getattr(broken(), site).get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (500, kind)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for inner in ("private", "RuntimeError", "Traceback", "fails"):
        assert inner not in answer.text
    if kind == "application/problem+json":
        assert (answer.json()["title"], answer.json()["status"]) == ("Internal Server Error", 500)
        assert ("access-control-allow-origin" in answer.headers) == (site == "public")
    else:
        assert words("de")("error-500") in answer.text
        assert words("de")("error-says-nothing") in answer.text


async def test_what_nobody_foresaw_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with served(broken()) as address, httpx.AsyncClient(timeout=30) as http:
        answer = await http.get(f"{address}/api/v1/broken")
    assert answer.headers["content-type"] == "application/problem+json"
    assert caplog.text.count("RuntimeError: a private reason") == 1
    assert "Traceback" in caplog.text


def test_an_answer_that_has_begun_gets_no_other() -> None:
    answer = broken().public.get("/late")
    assert (answer.status_code, answer.text) == (200, "begun")
