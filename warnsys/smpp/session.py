"""A session with a carrier's message centre: bound once, until the connection is lost (SMPP 3.4, section 2.2).

Every submit ends in one of three: accepted, refused or unknown. Whoever opened a session opens the next one; `links.py`
does. Logs show sequence numbers and statuses, no phone number and no text.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace
from typing import Self

from warnsys.smpp import pdu as pdus
from warnsys.smpp import receipts, status
from warnsys.smpp.carrier import Carrier, validity_period
from warnsys.smpp.pdu import Bind, Body, Command, Header, Malformed, Message, MessageResp, Pdu
from warnsys.smpp.receipts import Receipt
from warnsys.smpp.status import CommandStatus

log = logging.getLogger(__name__)

ROOM = 10_000
"""Messages from the centre that wait to be taken, some 10 MB; further ones are answered with `ESME_RMSGQFUL`."""
SLOWER_S, SLOWEST_S = 0.25, 15.0
"""Pauses after the centre throttles: the first, doubled up to the longest, until it accepts."""
CLOSE_S = 1.0
"""How long a connection has for its end in order."""


@dataclass(frozen=True)
class Taken:
    """The centre has it, and receipts name this id (in the form that `Carrier.ids` makes comparable)."""

    message_id: str


@dataclass(frozen=True)
class Declined:
    """The centre has it not. `status` is its answer, None where the message never left."""

    status: int | None
    permanent: bool
    """Whether the centre would refuse the same message again."""
    why: str


@dataclass(frozen=True)
class Unanswered:
    """It left, and no answer came that says more: the phone may get it."""

    why: str


Submitted = Taken | Declined | Unanswered


class NotBound(Exception):
    """No session could be opened; nothing was sent. The message says where it failed, and how."""

    def __init__(self, why: str, *, permanent: bool = False) -> None:
        super().__init__(why)
        self.permanent = permanent
        """The centre refused the login: the next try fails, too, until somebody changes the settings."""


@dataclass
class Incoming:
    """A message from the centre. It is acknowledged once the next one is asked for, so store it before."""

    message: Message
    receipt: Receipt | None
    """None for a message from a phone."""
    status: CommandStatus = CommandStatus.ESME_ROK

    def bring_again(self) -> None:
        """Tells the centre that this was not taken: it brings it again later, and others before."""
        self.status = CommandStatus.ESME_RX_T_APPN


@dataclass
class _Request:
    """A request without its answer; a text in place of the answer says why there is none."""

    expected: Command
    answer: asyncio.Future[Pdu | str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, answer: Pdu | str) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class Session:
    """A bound connection. Submits run side by side within the window; one task reads `incoming()`."""

    def __init__(self, carrier: Carrier, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """For `open`."""
        self._carrier, self._reader, self._writer = carrier, reader, writer
        self._loop = asyncio.get_running_loop()
        self._sequences = _sequences()
        self._asked: dict[int, _Request] = {}
        self._window = asyncio.Semaphore(carrier.window)
        self._incoming: asyncio.Queue[tuple[int, Message, list[asyncio.Future[Pdu | str]]] | None] = asyncio.Queue()
        self._end: asyncio.Future[str] = self._loop.create_future()
        self._suspect = asyncio.Event()
        self._pause_s, self._calm_at = 0.0, 0.0
        self._tasks = [asyncio.create_task(self._read())]

    @classmethod
    async def open(cls, carrier: Carrier) -> Self:
        """Connects and binds. Raises `NotBound`."""
        at = f"{carrier.name} at {carrier.host}:{carrier.port}"
        try:
            async with asyncio.timeout(carrier.connect_s):
                reader, writer = await asyncio.open_connection(carrier.host, carrier.port, ssl=carrier.tls)
        except TimeoutError:
            raise NotBound(f"{at} does not answer within {carrier.connect_s:g} s; check address and firewall") from None
        except OSError as error:
            raise NotBound(f"{at} cannot be reached: {error}; check address, firewall and TLS") from error
        session = cls(carrier, reader, writer)
        try:
            bind = Bind(system_id=carrier.system_id, password=carrier.password, system_type=carrier.system_type)
            answer = await session._request(carrier.mode.command, bind)
            if isinstance(answer, str):
                raise NotBound(f"{at} gave no answer to the login that can be used: {answer}")
            if answer.status:
                permanent = status.is_permanent(answer.status)
                remedy = "check system_id, password and mode with the carrier" if permanent else "it may do so later"
                raise NotBound(f"{at} refuses the login: {status.name(answer.status)}; {remedy}", permanent=permanent)
        except BaseException:
            session._lose("not bound")
            await session.close()
            raise
        session._tasks.append(asyncio.create_task(session._enquire()))
        return session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_up(self) -> bool:
        return not self._end.done()

    async def ended(self) -> str:
        """Returns once the connection is lost or closed, and why."""
        return await asyncio.shield(self._end)

    async def close(self) -> None:
        """Unbinds where the centre still answers, and closes the connection; what is in flight becomes unknown."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._request(Command.UNBIND, Body())
                self._lose("closed from here")
                await self._writer.wait_closed()
        except OSError:  # a time-out is one, too
            pass
        finally:
            self._lose("closed from here")
            self._writer.transport.abort()
        await asyncio.gather(*self._tasks)

    async def submit(self, message: Message, *, valid_s: float, patience_s: float | None = None) -> Submitted:
        """Sends a message that holds for `valid_s` seconds from now on; its validity is set to what is left of that.

        While the window is full or the centre throttles, it waits for `patience_s` at most (`valid_s` by default).
        Cancelled, it ends as unknown. Raises `ValueError` for a message that SMPP cannot carry.
        """
        ends_at = self._loop.time() + valid_s
        gives_up_at = min(ends_at, self._loop.time() + (valid_s if patience_s is None else patience_s))
        refused = Declined(None, False, "no room in the window in time")
        try:
            async with asyncio.timeout_at(gives_up_at) as patience, self._window:
                while True:
                    if (pause := self._calm_at - self._loop.time()) > 0:
                        await asyncio.sleep(pause)
                    if (left := ends_at - self._loop.time()) < 1:
                        return replace(refused, why="its time is over")
                    patience.reschedule(None)  # from here on it may arrive, so the answer is waited for
                    outcome = await self._submit(replace(message, validity_period=validity_period(left)))
                    if not (isinstance(outcome, Declined) and outcome.status in status.THROTTLED):
                        return outcome
                    refused = outcome
                    patience.reschedule(gives_up_at)
        except TimeoutError:
            return refused

    async def incoming(self) -> AsyncGenerator[Incoming, None]:
        """Receipts and messages from phones, until the session ends; each may come twice.

        A receipt is given only after all submits that were in flight when it came have their outcome. The loop's body
        stores it: if it raises, or ends the loop, the centre gets no acknowledgement and brings the message again.
        """
        while (arrived := await self._incoming.get()) is not None:
            sequence, message, in_flight = arrived
            if unsettled := [answer for answer in in_flight if not answer.done()]:
                await asyncio.wait(unsettled)
            await asyncio.sleep(0)  # those that waited for them go first
            item = Incoming(message, receipts.read(message, self._carrier.ids))
            yield item
            await self._answer(Command.DELIVER_SM, sequence, item.status)
        self._incoming.put_nowait(None)

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _submit(self, message: Message) -> Submitted:
        if not self.is_up:
            return Declined(None, False, f"the session is over: {self._end.result()}")
        sent_at = self._loop.time()
        answer = await self._request(Command.SUBMIT_SM, message)
        if isinstance(answer, str):
            return Unanswered(answer)
        if answer.status in status.THROTTLED:
            if sent_at >= self._calm_at:  # once for all that were in flight
                self._pause_s = min(max(2 * self._pause_s, SLOWER_S), SLOWEST_S)
            self._calm_at = self._loop.time() + self._pause_s
        if answer.status or not isinstance(answer.body, MessageResp):
            code = answer.status or CommandStatus.ESME_RUNKNOWNERR
            return Declined(code, status.is_permanent(code), status.name(code))
        self._pause_s = 0.0
        return Taken(self._carrier.ids.of_answer(answer.body.message_id))

    async def _request(self, command: Command, body: Body) -> Pdu | str:
        """The answer, or why there is none."""
        if not self.is_up:
            return self._end.result()
        sequence = next(self._sequences)
        octets = pdus.encode(Pdu(command, sequence, body))
        asked = self._asked[sequence] = _Request(command.response)
        try:
            async with asyncio.timeout(self._carrier.answer_s):
                await self._write(octets)
                return await asked.answer
        except TimeoutError:
            if asked.answer.done() and not asked.answer.cancelled():  # it came at the last moment
                return asked.answer.result()
            self._suspect.set()
            return f"no answer within {self._carrier.answer_s:g} s"
        finally:
            asked.answer.cancel()
            del self._asked[sequence]

    async def _enquire(self) -> None:
        """Asks now and then, and whenever an answer did not come, whether the centre is there (section 4.11)."""
        while self.is_up:
            self._suspect.clear()
            try:
                async with asyncio.timeout(self._carrier.enquire_s):
                    await self._suspect.wait()
            except TimeoutError:
                pass
            answer = await self._request(Command.ENQUIRE_LINK, Body())
            if isinstance(answer, str):
                self._lose(f"the centre does not say that it is there: {answer}")

    # -- the connection -----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while True:
                header = pdus.read_header(await self._reader.readexactly(pdus.HEADER.size))
                await self._handle(header, await self._reader.readexactly(header.length - pdus.HEADER.size))
        except asyncio.IncompleteReadError:
            self._lose("the centre closed the connection")
        except (OSError, Malformed) as error:
            self._lose(f"the connection failed: {error}")
        finally:
            self._lose("reading ended")

    async def _handle(self, header: Header, octets: bytes) -> None:
        try:
            request = pdus.decode(header, octets)
        except Malformed as error:
            log.warning("%s: PDU %d cannot be read: %s", self._carrier.name, header.sequence, error)
            await self._handle_unreadable(header, str(error))
            return
        if request.command.is_response:
            self._settle(request)
        elif request.command is Command.ENQUIRE_LINK:
            await self._answer(request.command, request.sequence)
        elif request.command is Command.UNBIND:
            await self._answer(request.command, request.sequence)
            self._lose("the centre unbound")
        elif request.command is not Command.DELIVER_SM or not isinstance(request.body, Message):
            await self._answer(Command.GENERIC_NACK, request.sequence, CommandStatus.ESME_RINVCMDID)
        elif self._incoming.qsize() >= ROOM:
            await self._answer(request.command, request.sequence, CommandStatus.ESME_RMSGQFUL)
        else:
            in_flight = [each.answer for each in self._asked.values() if each.expected is Command.SUBMIT_SM_RESP]
            self._incoming.put_nowait((request.sequence, request.body, in_flight))

    async def _handle_unreadable(self, header: Header, why: str) -> None:
        """Each gets an answer, or the centre waits for it and sends no more."""
        if header.is_response:
            if asked := self._asked.get(header.sequence):
                asked.settle(f"its answer cannot be read: {why}")
        elif header.command == Command.DELIVER_SM:  # brought again it would be the same
            await self._answer(Command.DELIVER_SM, header.sequence, CommandStatus.ESME_RX_P_APPN)
        else:
            known = header.command in set(Command)
            wrong = CommandStatus.ESME_RINVCMDLEN if known else CommandStatus.ESME_RINVCMDID
            await self._answer(Command.GENERIC_NACK, header.sequence, wrong)

    def _settle(self, answer: Pdu) -> None:
        asked = self._asked.get(answer.sequence)
        if asked and answer.command in (asked.expected, Command.GENERIC_NACK):
            asked.settle(answer)
        elif answer.command is Command.GENERIC_NACK and answer.sequence == 0:
            self._lose("the centre could not read what was sent")
        else:
            log.warning("%s: %r %d answers nothing", self._carrier.name, answer.command, answer.sequence)

    async def _answer(self, command: Command, sequence: int, code: CommandStatus = CommandStatus.ESME_ROK) -> None:
        body = MessageResp() if command is Command.DELIVER_SM and not code else Body()
        await self._write(pdus.encode(Pdu(command.response, sequence, body, code)))

    async def _write(self, octets: bytes) -> None:
        """A connection that fails here ends the session; whoever waits for an answer hears it from there."""
        if not self.is_up:
            return
        try:
            self._writer.write(octets)
            await self._writer.drain()
        except OSError as error:
            self._lose(f"the connection failed: {error}")

    def _lose(self, why: str) -> None:
        if self._end.done():
            return
        self._end.set_result(why)
        for asked in self._asked.values():
            asked.settle(why)
        self._incoming.put_nowait(None)
        self._suspect.set()
        self._writer.close()


def _sequences() -> Iterator[int]:
    """Sequence numbers (section 3.2); after the last comes the first."""
    while True:
        yield from range(1, pdus.MAX_SEQUENCE + 1)
