"""Mail against aiosmtpd, and against servers that refuse or fail at each step."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import ValidationError

from tests.delivery.notices import moment, push
from tools.local_kafka import free_ports
from warnsys.delivery.target import Accepted, CallResult, Declined, Unanswered
from warnsys.delivery.targets.mail import Mail, MailSettings, opened


class Server:
    """Answers as a test says; keeps what it took."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.mail = self.rcpt = self.data = "250 OK"

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return self.data


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    (free,) = free_ports(1)
    controller = Controller(server, "127.0.0.1", free)
    controller.start()
    yield free
    controller.stop()


def settings(port: int = 25, **said: Any) -> MailSettings:
    fields = {
        "host": "127.0.0.1", "port": port, "security": "none", "sender": "warnungen@solingen.example",
        "to": ["leitstelle@solingen.example"], "audiences": ["staff"], "timeout_s": 2,
    }  # fmt: skip
    return MailSettings.model_validate(fields | said)


@pytest.fixture
async def mail(port: int) -> AsyncIterator[Mail]:
    async with opened(settings(port), time.time) as found:
        yield found


async def sent(mail: Mail, **said: Any) -> CallResult:
    notice = push("n1", severity="Severe", **said)
    return await mail.send(mail.render(notice, moment(3600)), notice.id, "leitstelle@solingen.example")


async def test_a_message_says_what_the_notice_says_and_when_it_is_over(mail: Mail, server: Server) -> None:
    assert await sent(mail, body={"de": "Böen um 90 km/h bis 15:00 Uhr."}) == Accepted()
    (envelope,) = server.taken
    assert envelope.rcpt_tos == ["leitstelle@solingen.example"]
    message = message_from_bytes(envelope.content, policy=default)
    assert message["To"] == "leitstelle@solingen.example"
    assert message["Subject"] == "Warnung n1"
    assert message["Message-ID"] == "<n1@solingen.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Importance"] == "high"
    assert message["Expires"] == "Wed, 14 Jul 2027 13:00:00 +0000"
    assert message.get_content().splitlines() == ["Böen um 90 km/h bis 15:00 Uhr.", "", "https://example.org/mitte"]


async def test_no_text_adds_a_header(mail: Mail, server: Server) -> None:
    await sent(mail, title={"de": "Warnung\r\nBcc: alle@example.org"})
    message = message_from_bytes(server.taken[0].content, policy=default)
    assert message["Bcc"] is None
    assert message["Subject"] == "Warnung Bcc: alle@example.org"


@pytest.mark.parametrize(
    ("step", "says", "meant"),
    [
        ("mail", "530 log in first", Declined("smtp_530", "log in first")),
        ("rcpt", "451 later", Declined("smtp_451", "later")),
        ("rcpt", "550 no such user", Declined("smtp_550", "no such user", permanent=True)),
        ("data", "452 full", Declined("smtp_452", "full")),
        ("data", "554 no", Declined("smtp_554", "no", permanent=True)),
    ],
)
async def test_each_refusal_means(mail: Mail, server: Server, step: str, says: str, meant: CallResult) -> None:
    setattr(server, step, says)
    assert await sent(mail) == meant


async def test_a_server_that_is_away_does_not_have_it() -> None:
    (port,) = free_ports(1)
    async with opened(settings(port), time.time) as mail:
        answer = await sent(mail)
    assert isinstance(answer, Declined)
    assert (answer.code, answer.permanent) == ("unreachable", False)


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that holds one conversation, and then drops the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def dialogue(connection: socket.socket, *answers: bytes) -> None:
    connection.sendall(b"220 hello\r\n")
    for answer in answers:
        connection.recv(65536)
        connection.sendall(answer)


async def test_who_goes_away_before_the_data_does_not_have_it() -> None:
    with listening(lambda one: dialogue(one, b"250 hello\r\n", b"250 sender\r\n")) as port:
        async with opened(settings(port), time.time) as mail:
            assert isinstance(await sent(mail), Declined)


async def test_who_goes_away_or_hangs_after_the_data_may_have_it() -> None:
    def took_it(connection: socket.socket, wait_s: float) -> None:
        dialogue(connection, b"250 hello\r\n", b"250 sender\r\n", b"250 recipient\r\n", b"354 go on\r\n")
        connection.recv(65536)
        time.sleep(wait_s)

    for wait_s in (0.0, 1.0):
        with listening(lambda one, wait_s=wait_s: took_it(one, wait_s)) as port:  # type: ignore[misc]  # mypy gives no type to a default of a lambda
            async with opened(settings(port, timeout_s=0.5), time.time) as mail:
                assert isinstance(await sent(mail), Unanswered)


def test_an_address_that_is_none_is_refused() -> None:
    for wrong in ("leitstelle", "a b@example.org", "a@example.org\nBcc: b@example.org"):
        with pytest.raises(ValidationError):
            settings(to=[wrong])
