"""The webhook against the library that receivers use, and against receivers that fail in each way."""

import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook as TheirWebhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.delivery.notices import moment, push
from tests.delivery.receiver import Receiving, receiver
from tools.local_kafka import free_ports
from warnsys.delivery.target import Accepted, CallResult, Declined, Unanswered
from warnsys.delivery.targets.webhook import Webhook, WebhookSettings, opened, retry_after

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def settings(url: str = "https://example.org/in", **said: object) -> WebhookSettings:
    return WebhookSettings.model_validate({"url": url, "secret": SECRET, "audiences": ["staff"], **said})


@pytest.fixture
def them() -> Iterator[Receiving]:
    with receiver() as found:
        yield found


@pytest.fixture
async def webhook(them: Receiving) -> AsyncIterator[Webhook]:
    async with opened(settings(them.url), time.time) as found:
        yield found


async def sent(webhook: Webhook) -> CallResult:
    notice = push("n1")
    return await webhook.send(webhook.render(notice, moment(3600)), notice.id, "")


async def test_the_receivers_library_verifies_what_is_sent(webhook: Webhook, them: Receiving) -> None:
    assert await sent(webhook) == Accepted()
    (call,) = them.calls
    said = TheirWebhook(SECRET).verify(call.body, call.headers)
    assert said == json.loads(call.body)
    assert (call.notice, said["type"], said["data"]["id"]) == ("n1", "warning.push", "n1")
    assert said["valid_until"] == "2027-07-14T13:00:00+00:00"
    with pytest.raises(WebhookVerificationError):
        TheirWebhook(SECRET).verify(call.body + b" ", call.headers)


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        (200, Accepted()),
        (302, Declined("http_302", "redirects to ; write that address as url")),
        (400, Declined("http_400", permanent=True)),
        (401, Declined("http_401")),
        (404, Declined("http_404")),
        (413, Declined("http_413", permanent=True)),
        (500, Declined("http_500")),
        (502, Unanswered("http_502")),
        (503, Declined("http_503")),
        (504, Unanswered("http_504")),
    ],
)
async def test_each_answer_means(webhook: Webhook, them: Receiving, status: int, meant: CallResult) -> None:
    them.answer = lambda _: status
    assert await sent(webhook) == meant


async def test_who_asks_to_be_called_later_is(webhook: Webhook, them: Receiving) -> None:
    them.answer, them.headers = lambda _: 429, {"retry-after": "17"}
    assert await sent(webhook) == Declined("http_429", after_s=17)


async def test_a_receiver_that_drops_the_connection_may_have_it(webhook: Webhook, them: Receiving) -> None:
    them.answer = lambda _: None
    assert isinstance(await sent(webhook), Unanswered)


async def test_a_receiver_that_hangs_may_have_it(them: Receiving) -> None:
    them.took_s = 4
    async with opened(settings(them.url, timeout_s=2), time.time) as webhook:
        assert isinstance(await sent(webhook), Unanswered)


async def test_a_receiver_that_is_away_does_not_have_it() -> None:
    (port,) = free_ports(1)
    async with opened(settings(f"http://127.0.0.1:{port}/"), time.time) as webhook:
        answer = await sent(webhook)
    assert isinstance(answer, Declined)
    assert (answer.code, answer.permanent) == ("unreachable", False)


def test_a_date_to_be_called_at_is_read_too() -> None:
    assert retry_after("Wed, 14 Jul 2027 12:00:30 GMT", moment(0).timestamp()) == 30
    assert retry_after("soon", 0) is None
    assert retry_after("", 0) is None


def test_a_secret_that_is_none_is_refused_and_not_quoted() -> None:
    with pytest.raises(ValidationError, match="whsec_ and 24 to 64 bytes in base64") as refused:
        settings(secret="whsec_c2hvcnQ=")
    assert "c2hvcnQ" not in str(refused.value.errors(include_input=False))
