"""What comes from a centre: no receipt is lost, acknowledged before it was taken, or in the way of others."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from tests.smpp.fake import Centre, Line, a_message, carrier, until
from warnsys.smpp import Ids, Incoming, ReceiptState, Session, Taken, session
from warnsys.smpp.pdu import HEADER, Command, Message, MessageResp, Pdu
from warnsys.smpp.status import CommandStatus

SUBMIT = Command.SUBMIT_SM


async def take(incoming: AsyncGenerator[Incoming, None], count: int) -> list[Incoming]:
    """The next that come; all but the last are acknowledged by that."""
    return [await anext(incoming) for _ in range(count)]


@asynccontextmanager
async def asking_on(incoming: AsyncGenerator[Incoming, None]) -> AsyncIterator[None]:
    """Asks for one more, which acknowledges the last."""
    asking = asyncio.ensure_future(anext(incoming))
    yield
    asking.cancel()
    await asyncio.wait([asking])


async def test_a_receipt_names_the_id_and_is_acknowledged_once_it_was_taken(centre: Centre) -> None:
    centre.receipts = True
    async with await Session.open(carrier(centre)) as bound:
        outcome = await bound.submit(a_message(), valid_s=60)
        incoming = bound.incoming()
        item = await anext(incoming)
        assert item.receipt is not None
        assert isinstance(outcome, Taken)
        assert (item.receipt.message_id, item.receipt.state) == (outcome.message_id, ReceiptState.DELIVERED)
        await asyncio.sleep(0.02)
        assert centre.answers == []
        async with asking_on(incoming):
            await until(lambda: len(centre.answers) == 1)
        assert centre.answers[0] == Pdu(Command.DELIVER_SM_RESP, 1, MessageResp())


async def test_what_could_not_be_stored_is_not_acknowledged(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        centre.lines[0].receipt("id-1")
        async with aclosing(bound.incoming()) as incoming:
            async for _ in incoming:
                break  # as an error would
        await asyncio.sleep(0.02)
    assert centre.answers == []


async def test_what_is_to_come_again_is_answered_so(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        centre.lines[0].receipt("id-1")
        incoming = bound.incoming()
        (await anext(incoming)).bring_again()
        async with asking_on(incoming):
            await until(lambda: len(centre.answers) == 1)
        assert centre.answers[0].status == CommandStatus.ESME_RX_T_APPN


async def test_a_receipt_that_overtakes_its_answer_waits_for_it(centre: Centre) -> None:
    def receipt_first(line: Line, pdu: Pdu) -> bool:
        line.receipt("id-1")
        asyncio.get_running_loop().call_later(0.05, line.accept, pdu)
        return False

    centre.meet(SUBMIT, receipt_first)
    told: list[str] = []

    async def submit(bound: Session) -> None:
        told.append(str(await bound.submit(a_message(), valid_s=60)))

    async with await Session.open(carrier(centre)) as bound:
        submitting = asyncio.create_task(submit(bound))
        item = await anext(bound.incoming())
        told.append("receipt")
        await submitting
    assert item.receipt is not None
    assert told == [str(Taken("id-1")), "receipt"]


async def test_receipts_come_as_often_as_the_centre_sends_them_and_late_ones_too(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        for message_id in ("id-1", "id-1", "of-yesterday"):
            centre.lines[0].receipt(message_id)
        incoming = bound.incoming()
        taken = await take(incoming, 3)
        async with asking_on(incoming):
            await until(lambda: len(centre.answers) == 3)
    assert [each.receipt and each.receipt.message_id for each in taken] == ["id-1", "id-1", "of-yesterday"]


async def test_what_came_before_the_connection_was_lost_is_still_given(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        centre.lines[0].receipt("id-1")
        centre.lines[0].receipt("id-2")
        centre.lines[0].writer.close()
        await bound.ended()
        assert [each.receipt and each.receipt.message_id async for each in bound.incoming()] == ["id-1", "id-2"]
        assert [each async for each in bound.incoming()] == []


async def test_ids_in_two_bases_are_one(centre: Centre) -> None:
    def in_hex(line: Line, pdu: Pdu) -> bool:
        line.answer(pdu, body=MessageResp(message_id="1F"))
        line.receipt("0000000031")
        return False

    centre.meet(SUBMIT, in_hex)
    async with await Session.open(carrier(centre, ids=Ids.HEX_DECIMAL)) as bound:
        outcome = await bound.submit(a_message(), valid_s=60)
        item = await anext(bound.incoming())
    assert isinstance(outcome, Taken)
    assert item.receipt is not None
    assert outcome.message_id == item.receipt.message_id == "31"


async def test_a_receipt_that_cannot_be_read_is_answered_and_stalls_nothing(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        centre.lines[0].writer.write(HEADER.pack(20, Command.DELIVER_SM, 0, 41) + b"\xff" * 4)
        centre.lines[0].receipt("id-1")
        item = await anext(bound.incoming())
        await until(lambda: len(centre.answers) == 1)
    assert item.receipt is not None
    assert (centre.answers[0].sequence, centre.answers[0].status) == (41, CommandStatus.ESME_RX_P_APPN)


async def test_more_receipts_than_there_is_room_for_are_to_come_again(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ROOM", 3)
    async with await Session.open(carrier(centre)) as bound:
        for number in range(5):
            centre.lines[0].receipt(f"id-{number}")
        await until(lambda: len(centre.answers) == 2)
        assert {each.status for each in centre.answers} == {CommandStatus.ESME_RMSGQFUL}
        assert len(await take(bound.incoming(), 3)) == 3


async def test_a_message_from_a_phone_is_given_as_it_is(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        centre.lines[0].deliver(Message(source_addr="49212555", short_message=b"STOP"))
        item = await anext(bound.incoming())
    assert (item.receipt, item.message.source_addr, item.message.short_message) == (None, "49212555", b"STOP")
