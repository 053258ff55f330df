"""SMS against a message centre that others wrote (npm's `smpp`), and against a fake that fails in each way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection

from tests.delivery.notices import T0, arrival, moment, target_settings
from tests.smpp.fake import Centre, Line, drop, ignore, refuse, running, until
from tests.smpp.real import node
from warnsys.channels.registry import read
from warnsys.delivery.dispatch import Dispatch
from warnsys.delivery.ledger import DeliveryLedger
from warnsys.delivery.target import Accepted, CallResult, Declined, ReceivedState, Unanswered
from warnsys.delivery.targets.sms import SmsSettings, SmsTarget, opened
from warnsys.records import SmsNotice
from warnsys.smpp import pdu
from warnsys.smpp.status import CommandStatus

PHONE = "+49212555"
SUBMIT = pdu.Command.SUBMIT_SM


@dataclass
class Centres:
    port: int
    heard: Callable[[], list[str]]


def notice(name: str = "n1", text: str = "Sturm: Äste fallen.") -> SmsNotice:
    fields = {
        "id": name, "stage": "live", "exercise": False, "city": "solingen", "audience": "public", "kind": "warn",
        "reason": "entered", "cause": name, "issued": moment(0), "level": 3, "severity": "Severe", "group": "STORM",
        "districts": ("mitte",), "onset": moment(0), "expires": moment(3600), "text": text,
    }  # fmt: skip
    return SmsNotice.model_validate(fields)


def settings(port: int, **said: Any) -> SmsSettings:
    fields = {
        "host": "127.0.0.1", "port": port, "tls": False, "system_id": "warnsys", "password": "secret",
        "source": "Solingen", "to": [PHONE], "audiences": ["public"], "timeout_s": 20,
    }  # fmt: skip
    return SmsSettings.model_validate(fields | said)


@pytest.fixture
async def fake() -> AsyncIterator[Centre]:
    async with running(Centre()) as it:
        yield it


@pytest.fixture(params=["fake", pytest.param("node", marks=pytest.mark.needs("node", "npm"))])
async def centre(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Centres]:
    """One that says of each message that it was delivered."""
    if request.param == "node":
        with node(tmp_path) as real:
            heard = real.heard
            assert heard is not None
            yield Centres(real.carrier.port, lambda: [each["text"] for each in heard()])
        return
    async with running(Centre()) as it:
        it.receipts = True
        yield Centres(it.port, it.heard)


@asynccontextmanager
async def target(port: int, **said: Any) -> AsyncIterator[SmsTarget]:
    async with opened(settings(port, **said), lambda: T0) as found, asyncio.timeout(60):
        await until(lambda: found.link.is_up)
        yield found


async def sent(to: SmsTarget, **said: Any) -> CallResult:
    one = notice(**said)
    return await to.send(to.render(one, moment(600)), one.id, PHONE)


async def test_a_message_is_accepted_and_its_receipt_names_it(centre: Centres) -> None:
    receipts: asyncio.Queue[tuple[str, ReceivedState, str]] = asyncio.Queue()

    async def take(receipt: str, state: ReceivedState, code: str, /) -> None:
        receipts.put_nowait((receipt, state, code))

    async with target(centre.port) as them:
        them.tell_receipts(take)
        answer = await sent(them)
        assert isinstance(answer, Accepted)
        assert await receipts.get() == (answer.id, "delivered", "delivrd")
    assert centre.heard() == ["Sturm: Äste fallen."]


@pytest.mark.parametrize(
    ("status", "permanent"), [(CommandStatus.ESME_RINVDSTADR, True), (CommandStatus.ESME_RSYSERR, False)]
)
async def test_each_refusal_means(fake: Centre, status: CommandStatus, permanent: bool) -> None:
    fake.meet(SUBMIT, refuse(status))
    async with target(fake.port) as them:
        answer = await sent(them)
    assert isinstance(answer, Declined)
    assert (answer.code, answer.permanent) == (f"smpp_{status:#04x}", permanent)


async def test_a_centre_that_hangs_or_goes_away_may_have_it(fake: Centre) -> None:
    fake.meet(SUBMIT, ignore)
    async with target(fake.port, timeout_s=1) as them:
        assert isinstance(await sent(them), Unanswered)
    fake.meet(SUBMIT, drop)
    async with target(fake.port) as them:
        assert isinstance(await sent(them), Unanswered)


async def test_a_centre_that_is_away_or_wants_another_password_does_not_have_it(fake: Centre) -> None:
    async with target(fake.port) as them:
        fake.on_connect = lambda line: False
        fake.die()
        await until(lambda: not them.link.is_up)
        answer = await sent(them)
        assert isinstance(answer, Declined)
        assert (answer.code, answer.permanent) == ("unreachable", False)
    fake.on_connect = lambda line: True
    async with opened(settings(fake.port, password="wrong"), lambda: T0) as them, asyncio.timeout(30):
        await until(lambda: them.link.login_refused)
        answer = await sent(them)
        assert isinstance(answer, Declined)
        assert (answer.code, answer.permanent) == ("login", False)
    assert fake.submitted == []


async def test_a_receipt_that_nobody_takes_yet_comes_again(fake: Centre) -> None:
    async with target(fake.port) as them:
        answer = await sent(them)
        assert isinstance(answer, Accepted)
        line: Line = fake.lines[0]
        line.receipt(answer.id)
        await until(lambda: bool(fake.answers))
    assert fake.answers[0].status == CommandStatus.ESME_RX_T_APPN


async def test_nothing_is_sent_after_its_end(fake: Centre) -> None:
    async with target(fake.port) as them:
        answer = await them.send(them.render(notice(), moment(0)), "n1", PHONE)
    assert isinstance(answer, Declined)
    assert fake.submitted == []


def test_a_receipt_changes_what_is_told_of_its_notice_once(store: Connection) -> None:
    ledger = DeliveryLedger(store, "live/gateway", lambda value: read("sms", value))
    them = target_settings(), SmsTarget(settings(1), lambda: T0)
    found = Dispatch.of("gateway", "sms", "live", ledger, lambda: 1.0, {"them": them})
    found.take([arrival(notice())], T0)
    found.answered("them", [(each, Accepted("7")) for each in found.next("them", T0)], T0)
    found.news()
    assert not found.receive("them", "8", "delivered", "delivrd", T0)
    assert found.receive("them", "7", "failed", "undeliv", T0 + 1)
    assert found.receive("them", "7", "delivered", "delivrd", T0 + 2)
    _, (counts,) = found.news()
    assert (counts.failed, counts.delivered, counts.accepted, counts.code) == (1, 0, 0, "undeliv")


def test_a_number_that_is_none_is_refused() -> None:
    for wrong in ("0212555", "+49 212 555", "+49212a"):
        with pytest.raises(ValidationError):
            settings(1, to=[wrong])
