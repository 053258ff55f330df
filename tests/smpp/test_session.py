"""A session with a centre that fails in every way: each submit has its outcome, and no wait is endless."""

import asyncio
import logging
import re
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.smpp.fake import (
    Centre,
    Fault,
    Line,
    a_message,
    carrier,
    drop,
    ignore,
    refuse,
    until,
    write,
)
from warnsys.smpp import Declined, Mode, NotBound, Session, Taken, Unanswered, session
from warnsys.smpp.pdu import HEADER, BindResp, Command, Message, MessageResp, Pdu, encode, read_header
from warnsys.smpp.status import CommandStatus

SUBMIT = Command.SUBMIT_SM


# -- binding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
async def test_it_binds_as_it_is_told_to_and_unbinds_at_its_end(centre: Centre, mode: Mode) -> None:
    async with await Session.open(carrier(centre, mode=mode)) as bound:
        assert bound.is_up
    assert [each.command for each in centre.requests] == [mode.command, Command.UNBIND]
    assert await bound.ended() == "closed from here"


async def test_a_wrong_password_is_told_apart_from_a_centre_that_is_away(centre: Centre) -> None:
    with pytest.raises(NotBound, match=r"refuses the login: ESME_RINVPASWD \(0x0e\); check system_id") as caught:
        await Session.open(carrier(centre, password="wrong"))
    assert caught.value.permanent
    centre.meet(Command.BIND_TRANSCEIVER, refuse(CommandStatus.ESME_RALYBND))
    with pytest.raises(NotBound, match="it may do so later") as caught:
        await Session.open(carrier(centre))
    assert not caught.value.permanent


async def test_where_nobody_listens_the_error_says_so(centre: Centre) -> None:
    with pytest.raises(NotBound, match=r"cannot be reached: .*; check address, firewall and TLS"):
        await Session.open(replace(carrier(centre), port=1))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ignore, r"no answer within 0\.1 s"),
        (drop, "the centre closed the connection|the connection failed"),
        (write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "a PDU of 1213486160 octets; it has 16 to 70000"),
        (write(b"\0\0\0\x10\x80\0"), r"no answer within 0\.1 s"),
        (write(HEADER.pack(18, Command.BIND_TRANSCEIVER_RESP, 0, 1) + b"ab"), "its answer cannot be read: system_id"),
    ],
)
async def test_a_centre_that_binds_wrongly_is_told(centre: Centre, fault: Fault, said: str) -> None:
    centre.meet(Command.BIND_TRANSCEIVER, fault)
    with pytest.raises(NotBound, match=said):
        await Session.open(carrier(centre, answer_s=0.1))


async def test_a_centre_that_hangs_up_at_once_is_told(centre: Centre) -> None:
    centre.on_connect = lambda line: False
    with pytest.raises(NotBound, match="no answer to the login that can be used"):
        await Session.open(carrier(centre))


# -- submits ----------------------------------------------------------------------------------------------------------


async def test_what_the_centre_takes_has_its_id_and_a_validity(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        assert await bound.submit(a_message(), valid_s=3_661.5) == Taken("id-1")
    assert re.fullmatch("00000001010[01]000R", centre.submitted[0].validity_period)


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(CommandStatus.ESME_RINVDSTADR, True), (CommandStatus.ESME_RSYSERR, False), (0x0410, False)],
)
async def test_what_the_centre_refuses_says_why(centre: Centre, status: int, permanent: bool) -> None:
    centre.meet(SUBMIT, refuse(status))
    async with await Session.open(carrier(centre)) as bound:
        outcome = await bound.submit(a_message(), valid_s=60)
        assert isinstance(outcome, Declined)
        assert (outcome.status, outcome.permanent) == (status, permanent)
        assert isinstance(await bound.submit(a_message(), valid_s=60), Taken)


async def test_a_generic_nack_refuses(centre: Centre) -> None:
    def nack(line: Line, pdu: Pdu) -> bool:
        line.send(Pdu(Command.GENERIC_NACK, pdu.sequence, status=CommandStatus.ESME_RINVCMDLEN))
        return False

    centre.meet(SUBMIT, nack)
    async with await Session.open(carrier(centre)) as bound:
        assert await bound.submit(a_message(), valid_s=60) == Declined(2, True, "ESME_RINVCMDLEN (0x02)")


def half(line: Line, pdu: Pdu) -> bool:
    line.writer.write(encode(Pdu(Command.SUBMIT_SM_RESP, pdu.sequence, MessageResp(message_id="id-1")))[:18])
    line.writer.close()
    return False


def unbind(line: Line, pdu: Pdu) -> bool:
    line.send(Pdu(Command.UNBIND, 1))
    return False


def cannot_read(line: Line, pdu: Pdu) -> bool:
    line.send(Pdu(Command.GENERIC_NACK, 0, status=CommandStatus.ESME_RINVCMDLEN))
    return False


def wrong_sequence(line: Line, pdu: Pdu) -> bool:
    line.send(Pdu(Command.SUBMIT_SM_RESP, pdu.sequence + 1_000, MessageResp(message_id="id-1")))
    return False


def wrong_command(line: Line, pdu: Pdu) -> bool:
    line.send(Pdu(Command.ENQUIRE_LINK_RESP, pdu.sequence))
    return False


def unreadable(line: Line, pdu: Pdu) -> bool:
    line.writer.write(HEADER.pack(19, Command.SUBMIT_SM_RESP, 0, pdu.sequence) + b"abc")
    return False


@pytest.mark.parametrize(
    ("fault", "stays_up"),
    [
        (drop, False), (half, False), (unbind, False), (cannot_read, False), (write(b"\xff" * 16), False),
        (ignore, True), (wrong_sequence, True), (wrong_command, True), (unreadable, True),
    ],
)  # fmt: skip
async def test_without_an_answer_that_says_more_it_is_unknown(centre: Centre, fault: Fault, stays_up: bool) -> None:
    centre.meet(SUBMIT, fault)
    async with await Session.open(carrier(centre, answer_s=0.15)) as bound:
        assert isinstance(await bound.submit(a_message(), valid_s=60), Unanswered)
        assert bound.is_up == stays_up
        after = await bound.submit(a_message(), valid_s=60)
        assert isinstance(after, Taken if stays_up else Declined)
        assert stays_up or (isinstance(after, Declined) and after.status is None)


async def test_a_lost_connection_makes_unknown_what_is_in_flight_and_nothing_else(centre: Centre) -> None:
    centre.meet(SUBMIT, ignore, ignore, drop)
    async with await Session.open(carrier(centre, window=3)) as bound:
        outcomes = await asyncio.gather(*(bound.submit(a_message(), valid_s=60) for _ in range(8)))
    assert [type(each) for each in outcomes] == [Unanswered] * 3 + [Declined] * 5
    assert len(centre.submitted) == 3


async def test_the_window_is_never_wider_than_set(centre: Centre) -> None:
    open_now, widest = 0, 0

    def slowly(line: Line, pdu: Pdu) -> bool:
        nonlocal open_now, widest
        open_now, widest = open_now + 1, max(widest, open_now + 1)

        def answer() -> None:
            nonlocal open_now
            open_now -= 1
            line.accept(pdu)

        asyncio.get_running_loop().call_later(0.01, answer)
        return False

    centre.meet(SUBMIT, *[slowly] * 12)
    async with await Session.open(carrier(centre, window=4)) as bound:
        outcomes = await asyncio.gather(*(bound.submit(a_message(), valid_s=60) for _ in range(12)))
    assert {type(each) for each in outcomes} == {Taken}
    assert widest == 4


async def test_while_the_centre_throttles_all_wait_and_all_arrive_once(centre: Centre) -> None:
    centre.meet(SUBMIT, *map(refuse, [CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL] * 3))
    async with await Session.open(carrier(centre)) as bound:
        outcomes = await asyncio.gather(*(bound.submit(a_message(), valid_s=60) for _ in range(5)))
    assert sorted(map(str, outcomes)) == [str(Taken(f"id-{number}")) for number in range(1, 6)]
    assert len(centre.submitted) == 5 + 6


async def test_a_centre_that_throttles_for_ever_has_refused_in_the_end(centre: Centre) -> None:
    centre.meet(SUBMIT, *[refuse(CommandStatus.ESME_RTHROTTLED)] * 1_000)
    async with await Session.open(carrier(centre)) as bound:
        outcome = await bound.submit(a_message(), valid_s=60, patience_s=0.2)
    assert outcome == Declined(CommandStatus.ESME_RTHROTTLED, False, "ESME_RTHROTTLED (0x58)")
    assert 3 <= len(centre.submitted) <= 6  # the pauses double


async def test_a_message_whose_time_is_over_does_not_leave(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        for valid_s in (0.5, 0.0, -60.0):
            outcome = await bound.submit(a_message(), valid_s=valid_s)
            assert isinstance(outcome, Declined)
            assert (outcome.status, outcome.permanent) == (None, False)
    assert centre.submitted == []


async def test_a_message_that_waits_too_long_for_the_window_does_not_leave(centre: Centre) -> None:
    centre.meet(SUBMIT, ignore)
    async with await Session.open(carrier(centre, window=1)) as bound:
        first = asyncio.create_task(bound.submit(a_message(), valid_s=60))
        await until(lambda: len(centre.submitted) == 1)
        second = await bound.submit(a_message(), valid_s=60, patience_s=0.05)
        assert second == Declined(None, False, "no room in the window in time")
    assert isinstance(await first, Unanswered)
    assert len(centre.submitted) == 1


async def test_once_it_has_left_a_message_is_waited_for_beyond_all_patience(centre: Centre) -> None:
    def slowly(line: Line, pdu: Pdu) -> bool:
        asyncio.get_running_loop().call_later(0.2, line.accept, pdu)
        return False

    centre.meet(SUBMIT, slowly)
    async with await Session.open(carrier(centre)) as bound:
        assert await bound.submit(a_message(), valid_s=60, patience_s=0.05) == Taken("id-1")


async def test_the_validity_shrinks_while_a_message_waits(centre: Centre) -> None:
    centre.meet(SUBMIT, refuse(CommandStatus.ESME_RTHROTTLED))
    session.SLOWER_S = 1.1
    async with await Session.open(carrier(centre)) as bound:
        await bound.submit(a_message(), valid_s=9.9)
    first, second = (int(each.validity_period[10:12]) for each in centre.submitted)
    assert (first, second) == (9, 8)


async def test_a_late_answer_is_nobodys(centre: Centre) -> None:
    def late(line: Line, pdu: Pdu) -> bool:
        asyncio.get_running_loop().call_later(0.2, line.accept, pdu)
        return False

    centre.meet(SUBMIT, late)
    async with await Session.open(carrier(centre, answer_s=0.1)) as bound:
        assert await bound.submit(a_message(), valid_s=60) == Unanswered("no answer within 0.1 s")
        await asyncio.sleep(0.15)
        assert await bound.submit(a_message(), valid_s=60) == Taken("id-2")


async def test_a_submit_that_is_cancelled_leaves_its_place(centre: Centre) -> None:
    centre.meet(SUBMIT, ignore)
    async with await Session.open(carrier(centre, window=1)) as bound:
        cancelled = asyncio.create_task(bound.submit(a_message(), valid_s=60))
        await until(lambda: len(centre.submitted) == 1)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert isinstance(await bound.submit(a_message(), valid_s=60), Taken)


# -- the link ---------------------------------------------------------------------------------------------------------


async def test_it_asks_whether_the_centre_is_there_and_answers_the_same(centre: Centre) -> None:
    async with await Session.open(carrier(centre, enquire_s=0.02)) as bound:
        await until(lambda: sum(each.command is Command.ENQUIRE_LINK for each in centre.requests) >= 3)
        centre.lines[0].send(Pdu(Command.ENQUIRE_LINK, 77))
        await until(lambda: Pdu(Command.ENQUIRE_LINK_RESP, 77) in centre.answers)
        assert bound.is_up


async def test_a_centre_that_falls_silent_ends_the_session(centre: Centre) -> None:
    centre.meet(Command.ENQUIRE_LINK, ignore)
    centre.meet(SUBMIT, ignore)
    async with await Session.open(carrier(centre, enquire_s=60, answer_s=0.1)) as bound:
        assert isinstance(await bound.submit(a_message(), valid_s=60), Unanswered)
        assert await bound.ended() == "the centre does not say that it is there: no answer within 0.1 s"


async def test_a_centre_that_unbinds_gets_its_answer(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        centre.lines[0].send(Pdu(Command.UNBIND, 5))
        assert await bound.ended() == "the centre unbound"
    await until(lambda: Pdu(Command.UNBIND_RESP, 5) in centre.answers)


async def test_what_is_not_known_is_answered_so(centre: Centre) -> None:
    async with await Session.open(carrier(centre)) as bound:
        line = centre.lines[0]
        line.writer.write(HEADER.pack(16, 0x103, 0, 8))  # data_sm
        line.writer.write(HEADER.pack(17, Command.SUBMIT_SM, 0, 9) + b"x")
        line.send(Pdu(SUBMIT, 10, Message()))
        await until(lambda: len(centre.answers) == 3)
        assert bound.is_up
    assert [(each.command, each.sequence, each.status) for each in centre.answers[:3]] == [
        (Command.GENERIC_NACK, 8, CommandStatus.ESME_RINVCMDID),
        (Command.GENERIC_NACK, 9, CommandStatus.ESME_RINVCMDLEN),
        (Command.GENERIC_NACK, 10, CommandStatus.ESME_RINVCMDID),
    ]


async def test_closing_takes_no_longer_than_it_may_whatever_the_centre_does(centre: Centre) -> None:
    centre.meet(Command.UNBIND, ignore)
    centre.meet(SUBMIT, ignore)
    bound = await Session.open(carrier(centre))
    pending = asyncio.create_task(bound.submit(a_message(), valid_s=60))
    await until(lambda: len(centre.submitted) == 1)
    async with asyncio.timeout(session.CLOSE_S + 0.5):
        await bound.close()
    assert await pending == Unanswered("closed from here")


async def test_a_centre_that_floods_and_never_reads_fills_no_memory() -> None:
    flood = encode(Pdu(Command.ENQUIRE_LINK, 1)) * 4_096

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bind = read_header(await reader.readexactly(HEADER.size))
        writer.write(encode(Pdu(Command.BIND_TRANSCEIVER_RESP, bind.sequence, BindResp())))
        with suppress(OSError):
            while True:
                writer.write(flood)
                await writer.drain()

    async with asyncio.timeout(60), await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        centre = Centre()
        centre.port = server.sockets[0].getsockname()[1]
        bound = await Session.open(carrier(centre, answer_s=0.3, enquire_s=0.3))
        assert "no answer within" in await bound.ended()
        assert bound._writer.transport.get_write_buffer_size() < 200_000
        await bound.close()


async def test_logs_show_no_number_and_no_text(centre: Centre, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "warnsys.smpp")
    centre.meet(SUBMIT, wrong_sequence, unreadable, drop)
    async with await Session.open(carrier(centre, answer_s=0.1)) as bound:
        centre.lines[0].writer.write(HEADER.pack(26, Command.DELIVER_SM, 0, 41) + b"49212555\0Sturm"[:10])
        for _ in range(3):
            await bound.submit(a_message(), valid_s=60)
    assert caplog.records
    assert "49212555" not in caplog.text
    assert "Sturm" not in caplog.text
