"""Every route of both sites, HTML and forms too, fuzzed by schemathesis: nothing that is sent is answered by a 5xx.

A long run: `make fuzz-web`, which is this file with EXAMPLES of each kind of request.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import NOON, meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk
from tests.web.states import STATES
from warnsys.records import ChannelPause
from warnsys.web.board import MAX_REJECTED

EXAMPLES = int(os.environ.get("EXAMPLES", "1"))
FORMS: dict[str, tuple[str, ...]] = {
    "/act/stop": ("channel", "minutes", "reason", "by"),
    "/act/acknowledge": ("city", "base_id", "level", "by"),
}
SENSIBLE: dict[str, tuple[str, ...]] = {
    "district": ("solingen-1", "d1"), "alert": ("A", "2.49.0.0.276.0.DWD.PVW.extreme"), "number": ("0",),
    "channel": ("push", "sms"), "minutes": ("0", "30"), "reason": ("Fehlalarm",), "by": ("Leitstelle A",),
    "since": ("2027-07-14T12:00:00Z",), "until": ("2027-07-14T12:00:00Z",), "status": ("warned",),
    "before": ("A",), "cursor": ("2027-07-14T12:00:00.000000Z~A", "d1", "9999-99-99T99:99:99.999999Z~"),
    "group": ("RAIN",), "city": ("x", "solingen"), "base_id": ("A",), "level": ("4",), "lang": ("en",),
    "hours": ("12",),
    "q": ("gewitter", "A"), "from": ("2027-07-14T12:00",), "to": ("2027-07-14T12:00",),
    "decided": ("rejected", "matched"), "event": ("sturm",), "source": ("dwd",),
}  # fmt: skip
STREAMS = ("/stream", "/stream/all")
"""They never end; they have tests of their own."""


def full() -> Desk:
    made = Desk().take(tick(0), *(outcome(f"M{n}", meaning("Minor", onset=n)) for n in range(300)))
    made.take(outcome("A", meaning("Extreme")), snapshot(0, "A", *(f"M{n}" for n in range(300))))
    for number in range(MAX_REJECTED):
        where = {"reason": "not-xml\0\ud7ff<", "agent": "match", "topic": "t", "partition": "0", "offset": "7"}
        made.put("rejected", f"R{number}", b"<no", where)
    return made


def stopped(*, confirmed: bool) -> Desk:
    made = Desk().take(tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A"))
    for channel in ("push", "sms"):
        order = ChannelPause.model_validate({
            "stage": "live", "channel": channel, "reason": "Fehlalarm", "by": "Leitstelle A", "at": NOON,
            "until": NOON + timedelta(minutes=30)})  # fmt: skip
        made.put("actions", order.key, order.to_bytes())
        if confirmed:
            made.answer(order)
    return made.later(0.3)


def no_broker() -> Desk:
    made = STATES["extreme"]()
    made.broker = False
    return made


BOARDS: dict[str, Callable[[], Desk]] = {
    "empty": Desk, "full": full, "town": STATES["extreme"], "blind": STATES["no-data"], "no broker": no_broker,
    "stopped": lambda: stopped(confirmed=True), "not answered": lambda: stopped(confirmed=False),
}  # fmt: skip


def tell_of_all(site: Any) -> None:
    """Puts the routes for people into the document of a site, too, but no stream: it has no end."""
    for route in site.routes:
        if (router := getattr(route, "original_router", None)) is not None:
            tell_of_all(router)
        elif isinstance(route, APIRoute):
            route.include_in_schema = route.path not in STREAMS


def document(app: FastAPI) -> dict[str, Any]:
    """Of all routes, those for people, too, with what each of their forms takes."""
    tell_of_all(app)
    made = get_openapi(title="all", version="1", routes=app.routes)
    for path, operations in made["paths"].items():
        for operation in operations.values():
            parameters = operation.setdefault("parameters", [])
            operation["responses"] = {"default": {"description": "anything"}}
            if not any(one["name"] == "lang" for one in parameters):
                parameters.append({"name": "lang", "in": "query", "schema": {"type": "string"}})
            for one in parameters:
                _invite(one["schema"], one["name"])
        if fields := FORMS.get(path):
            form = {"type": "object", "properties": {name: _invite({"type": "string"}, name) for name in fields}}
            content = {"application/x-www-form-urlencoded": {"schema": form}}
            operations["post"]["requestBody"] = {"content": content}
            site = {"type": "string", "enum": ["same-origin", "cross-site"]}
            operations["post"]["parameters"].append({"name": "Sec-Fetch-Site", "in": "header", "schema": site})
    return made


def _invite(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """What leads on into a route, beside anything at all."""
    if known := SENSIBLE.get(name):
        was = dict(schema)
        schema.clear()
        schema["anyOf"] = [{"enum": list(known)}, was]
    return schema


@cache
def schema_of(board: str, site: str) -> schemathesis.BaseSchema:
    app = getattr(BOARDS[board](), site).app
    return schemathesis.openapi.from_dict(document(app))


@cache
def desk_of(board: str) -> Desk:
    return BOARDS[board]()


@pytest.mark.parametrize("who", ["operator", "stranger", "public"])
@pytest.mark.parametrize("board", BOARDS)
def test_nothing_that_is_sent_is_answered_by_a_5xx(board: str, who: str) -> None:
    desk = desk_of(board)
    site = "public" if who == "public" else "operators"
    client: Any = getattr(desk, site)
    given_login = {"auth": LOGIN} if who == "operator" else {}
    schema = schema_of(board, site)
    operations = [schema[path][method] for path, methods in schema.raw_schema["paths"].items() for method in methods]
    paths = {one.path for one in operations}
    assert paths >= {"/", "/start"}
    assert ("/act/stop" in paths) == (site == "operators")

    @settings(max_examples=EXAMPLES * len(operations), deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def run(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy())
        answer = client.request(**sent(case), **given_login, follow_redirects=False)
        unable = answer.status_code == 503 and case.path.startswith("/act/") and not desk.broker
        assert answer.status_code < 500 or unable, (case.method, case.formatted_path, answer.text)
        if who == "stranger" and not desk.settings.web.open:
            assert answer.status_code in (401, 404, 405, 422) or case.path.startswith(OPEN), case.path

    run()


OPEN = ("/start", "/district", "/stele", "/embed", "/sw.js", "/health", "/metrics", "/api/districts", "/api/notices",
    "/api/v1/districts", "/api/v1/notices")  # fmt: skip


def sent(case: schemathesis.Case[Any]) -> dict[str, Any]:
    """As a request of the test client."""
    given = case.as_transport_kwargs(base_url="http://desk")
    return {name: value for name, value in given.items() if value is not None and name != "cookies"}
