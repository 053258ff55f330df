"""A message centre in this process whose every answer a test may choose: no real one fails on demand."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from warnsys.smpp import Carrier, text
from warnsys.smpp.pdu import (
    HEADER,
    BindResp,
    Body,
    Command,
    Malformed,
    Message,
    MessageResp,
    Pdu,
    Tag,
    decode,
    encode,
    read_header,
)
from warnsys.smpp.status import CommandStatus

Fault = Callable[["Line", Pdu], bool]
"""What a request meets; True where the centre goes on as ever."""


@dataclass
class Line:
    """A client's connection, from the centre's side."""

    centre: "Centre"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sequences: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def send(self, pdu: Pdu) -> None:
        self.writer.write(encode(pdu))

    def answer(self, request: Pdu, status: int = 0, body: Body | None = None) -> None:
        self.send(Pdu(request.command.response, request.sequence, body or Body(), status))

    def accept(self, request: Pdu) -> str:
        """Answers a submit with the next id."""
        message_id = f"id-{next(self.centre.ids)}"
        self.answer(request, body=MessageResp(message_id=message_id))
        return message_id

    def deliver(self, message: Message) -> int:
        sequence = next(self.sequences)
        self.send(Pdu(Command.DELIVER_SM, sequence, message))
        return sequence

    def receipt(self, message_id: str, said: str = "DELIVRD", tlvs: Mapping[int, bytes] | None = None) -> int:
        written = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2707141200 done date:2707141201 stat:{said} err:000 text:"
        )
        return self.deliver(Message(esm_class=4, short_message=written.encode(), tlvs=tlvs or {}))

    def drop(self) -> None:
        self.writer.transport.abort()


class Centre:
    """Accepts what it is sent and, where `receipts` is on, reports it delivered."""

    def __init__(self) -> None:
        self.faults: dict[Command, list[Fault]] = {}
        self.requests: list[Pdu] = []
        self.answers: list[Pdu] = []
        """Of the client, to what it was sent."""
        self.lines: list[Line] = []
        self.receipts = False
        self.password = "secret"
        self.ids = itertools.count(1)
        self.on_connect: Callable[[Line], bool] = lambda line: True
        self.port = 0

    def meet(self, command: Command, *faults: Fault) -> None:
        """The next requests of that command meet these, one each."""
        self.faults.setdefault(command, []).extend(faults)

    @property
    def submitted(self) -> list[Message]:
        return [each.body for each in self.requests if isinstance(each.body, Message)]

    def heard(self) -> list[str]:
        """The texts that were submitted, each part by itself."""
        return [
            text.read(each.short_message or each.tlvs[Tag.MESSAGE_PAYLOAD], each.data_coding, each.esm_class)
            for each in self.submitted
        ]

    def die(self) -> None:
        for line in self.lines:
            line.drop()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(self, reader, writer)
        self.lines.append(line)
        try:
            if self.on_connect(line):
                await self._serve(line)
        except (OSError, asyncio.IncompleteReadError, Malformed):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, line: Line) -> None:
        while True:
            header = read_header(await line.reader.readexactly(HEADER.size))
            pdu = decode(header, await line.reader.readexactly(header.length - HEADER.size))
            if pdu.command.is_response:
                self.answers.append(pdu)
                continue
            self.requests.append(pdu)
            waiting = self.faults.get(pdu.command)
            if not waiting or waiting.pop(0)(line, pdu):
                self._handle(line, pdu)
            await line.writer.drain()

    def _handle(self, line: Line, pdu: Pdu) -> None:
        if pdu.command in (Command.BIND_TRANSCEIVER, Command.BIND_TRANSMITTER, Command.BIND_RECEIVER):
            wrong = getattr(pdu.body, "password", "") != self.password
            line.answer(
                pdu, CommandStatus.ESME_RINVPASWD if wrong else 0, None if wrong else BindResp(system_id="fake")
            )
        elif pdu.command is Command.SUBMIT_SM and isinstance(pdu.body, Message):
            message_id = line.accept(pdu)
            if self.receipts:
                line.receipt(message_id)
        else:
            line.answer(pdu)


@asynccontextmanager
async def running(centre: Centre) -> AsyncIterator[Centre]:
    server = await asyncio.start_server(centre.serve, "127.0.0.1", centre.port)
    centre.port = server.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        server.close()
        centre.die()
        await server.wait_closed()


CARRIER = Carrier(
    name="first", host="127.0.0.1", port=0, system_id="warnsys", password="secret", source="Solingen",
    rate_per_s=1e6, connect_s=5, answer_s=5, enquire_s=5,
)  # fmt: skip


def carrier(centre: Centre, **changed: object) -> Carrier:
    return replace(CARRIER, port=centre.port, **changed)  # type: ignore[arg-type]  # any of its fields


def a_message(words: str = "Sturm", to: str = "+49212555", reference: int = 7) -> Message:
    return next(iter(CARRIER.messages(to, words, reference)))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.005)


# -- faults -----------------------------------------------------------------------------------------------------------


def refuse(status: int) -> Fault:
    def fault(line: Line, pdu: Pdu) -> bool:
        line.answer(pdu, status)
        return False

    return fault


def ignore(line: Line, pdu: Pdu) -> bool:
    return False


def drop(line: Line, pdu: Pdu) -> bool:
    line.drop()
    return False


def write(octets: bytes) -> Fault:
    """Bytes in place of an answer."""

    def fault(line: Line, pdu: Pdu) -> bool:
        line.writer.write(octets)
        return False

    return fault
