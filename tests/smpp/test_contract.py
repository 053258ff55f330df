"""What the client counts on, shown by centres that others wrote (npm's `smpp`, Maven's `jsmpp`) and by the fake."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.smpp.fake import Centre, carrier, running
from tests.smpp.real import Real, jsmpp, node
from warnsys.smpp import Carrier, Declined, Incoming, Mode, NotBound, ReceiptState, Session, Split, Taken, Unanswered
from warnsys.smpp.status import CommandStatus

UMLAUTS = "Sturm: Äste fallen. Böen bis 120 km/h, Schäden bis 1000 € [amtlich]. "
WHIRLWIND = "🌪 Ураган: оставайтесь дома. "
NODE = pytest.param("node", marks=pytest.mark.needs("node", "npm"))
TLS = pytest.param("node-tls", marks=pytest.mark.needs("node", "npm", "openssl"))
JSMPP = pytest.param("jsmpp", marks=pytest.mark.needs("java", "mvn"))


def real(name: str, folder: Path) -> AbstractContextManager[Real]:
    return jsmpp(folder) if name == "jsmpp" else node(folder, tls=name == "node-tls")


@pytest.fixture(params=["fake", NODE, TLS, JSMPP])
async def centre(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Real]:
    """A centre of its own for each test."""
    if request.param != "fake":
        with real(request.param, tmp_path) as it:
            yield it
        return
    async with running(Centre()) as fake:
        fake.receipts = True
        yield Real(carrier(fake), fake.die)


async def receipts(session: Session, count: int) -> list[Incoming]:
    """The next receipts; other messages are passed over."""
    found: list[Incoming] = []
    async for item in session.incoming():
        if item.receipt:
            found.append(item)
        if len(found) == count:
            break
    return found


async def submit(session: Session, at: Carrier, text: str, to: str = "+49212555", reference: int = 7) -> list[str]:
    """The ids of all parts."""
    outcomes = [await session.submit(message, valid_s=600) for message in at.messages(to, text, reference)]
    return [outcome.message_id for outcome in outcomes if isinstance(outcome, Taken)]


async def test_a_message_is_taken_and_its_receipt_names_it(centre: Real) -> None:
    async with asyncio.timeout(60), await Session.open(centre.carrier) as session:
        ids = await submit(session, centre.carrier, "Sturm")
        (item,) = await receipts(session, 1)
        assert item.receipt is not None
        assert [item.receipt.message_id] == ids
        assert (item.receipt.state, item.receipt.is_final) == (ReceiptState.DELIVERED, True)
    assert await session.ended() in ("closed from here", "the centre closed the connection")


async def test_a_wrong_password_is_refused_for_good(centre: Real) -> None:
    with pytest.raises(NotBound, match=r"ESME_RINVPASWD \(0x0e\)") as caught:
        await Session.open(replace(centre.carrier, password="wrong"))
    assert caught.value.permanent


async def test_two_hundred_messages_have_two_hundred_ids_and_as_many_receipts(centre: Real) -> None:
    async with asyncio.timeout(60), await Session.open(centre.carrier) as session:
        reading = asyncio.create_task(receipts(session, 200))
        submits = (submit(session, centre.carrier, f"Sturm {number}") for number in range(200))
        ids = {each for found in await asyncio.gather(*submits) for each in found}
        assert len(ids) == 200
        assert {item.receipt.message_id for item in await reading if item.receipt} == ids


@pytest.mark.parametrize("split", Split)
@pytest.mark.parametrize("text", [UMLAUTS * 5, WHIRLWIND * 9])
async def test_a_long_text_is_taken_in_each_form(centre: Real, split: Split, text: str) -> None:
    at = replace(centre.carrier, split=split)
    async with asyncio.timeout(60), await Session.open(at) as session:
        assert len(await submit(session, at, text)) == (1 if split is Split.PAYLOAD else 3 if text < "🌪" else 4)


async def test_a_session_stays_up_by_asking(centre: Real) -> None:
    async with asyncio.timeout(60), await Session.open(replace(centre.carrier, enquire_s=0.02)) as session:
        await asyncio.sleep(0.3)
        assert session.is_up
        assert await submit(session, centre.carrier, "Sturm")


async def test_a_centre_that_dies_ends_the_session_and_every_submit_has_its_outcome(centre: Real) -> None:
    async with asyncio.timeout(60), await Session.open(centre.carrier) as session:
        message = next(iter(centre.carrier.messages("+49212555", "Sturm", 7)))
        submits = [asyncio.create_task(session.submit(message, valid_s=600)) for _ in range(500)]
        await submits[0]
        centre.kill()
        outcomes = await asyncio.gather(*submits)
        assert await session.ended()
    assert {type(each) for each in outcomes} <= {Taken, Unanswered, Declined}
    assert sum(isinstance(each, Unanswered) for each in outcomes) <= centre.carrier.window


@pytest.mark.needs("node", "npm")
@pytest.mark.parametrize("split", Split)
@pytest.mark.parametrize("text", ["Sturm", UMLAUTS * 5, WHIRLWIND * 9])
async def test_another_reader_of_smpp_reads_what_was_written(tmp_path: Path, split: Split, text: str) -> None:
    with node(tmp_path) as centre:
        at = replace(centre.carrier, split=split)
        async with asyncio.timeout(60), await Session.open(at) as session:
            await submit(session, at, text, reference=258)
            (item,) = await receipts(session, 1)
        heard = centre.heard() if centre.heard else []
    assert "".join(each["text"] for each in heard) == text
    assert {(each["to"], each["source"], each["reference"]) for each in heard} == {("49212555", "Solingen", 258)}
    left = [datetime.fromisoformat(each["validity"]) - datetime.now(UTC) for each in heard]
    assert all(timedelta(seconds=570) < each <= timedelta(seconds=600) for each in left)
    assert item.receipt is not None
    assert item.receipt.reference == 258
    numbers, total = list(range(1, len(heard) + 1)), len(heard)
    if len(heard) > 1 and split is Split.HEADER:
        assert [each["udh"][-3:] for each in heard] == [[2, total, number] for number in numbers]
    if len(heard) > 1 and split is Split.SAR:
        assert [(each["parts"], each["part"]) for each in heard] == [(total, number) for number in numbers]


@pytest.mark.needs("node", "npm")
async def test_another_centres_refusals_are_told_apart(tmp_path: Path) -> None:
    with node(tmp_path) as centre:
        async with asyncio.timeout(60), await Session.open(centre.carrier) as session:
            wrong = next(iter(centre.carrier.messages("+49212000", "Sturm", 7)))
            refused = await session.submit(wrong, valid_s=600)
            assert refused == Declined(CommandStatus.ESME_RINVDSTADR, True, "ESME_RINVDSTADR (0x0b)")
            assert len(await submit(session, centre.carrier, "Sturm", to="+49212058")) == 1


@pytest.mark.needs("node", "npm")
async def test_one_session_sends_and_another_receives(tmp_path: Path) -> None:
    with node(tmp_path) as centre:
        for mode in (Mode.TRANSMITTER, Mode.RECEIVER):
            async with asyncio.timeout(60), await Session.open(replace(centre.carrier, mode=mode)) as session:
                assert session.is_up


@pytest.mark.needs("node", "npm", "openssl")
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with node(tmp_path, tls=True) as centre, pytest.raises(NotBound, match="certificate verify failed"):
        await Session.open(replace(centre.carrier, tls=ssl.create_default_context()))
