"""Mail: one message a recipient, handed to an SMTP server."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from warnsys.channels.registry import said_parts
from warnsys.delivery.target import Accepted, CallResult, Declined, SecondsClock, TargetKind, Unanswered
from warnsys.gateways import TargetSettings
from warnsys.records import Notice, PushNotice, SteleRecord

LONGEST_SUBJECT = 120
PLAIN = SMTP.clone(cte_type="7bit")
"""What every server takes."""
Address = Annotated[str, Field(pattern=r"^[!-?A-~]+@[A-Za-z0-9.-]+$", max_length=254)]


class MailSettings(TargetSettings):
    kind: Literal["mail"] = "mail"
    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` from the first byte on (port 465), `starttls` after a greeting; `none` only within a machine."""
    username: str = ""
    password: SecretStr | None = None
    sender: Address
    to: tuple[Address, ...] = Field(min_length=1)
    """Each gets a message of his own."""
    language: str = "de"

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"mailto:{one.lower()}" for one in self.to)


class Mail:
    """Hands notices to one SMTP server. Each call is a connection of its own."""

    def __init__(self, settings: MailSettings, threads: ThreadPoolExecutor) -> None:
        self._settings, self._threads = settings, threads

    def recipients(self, _notice: Notice) -> tuple[str, ...]:
        return self._settings.to

    def render(self, notice: Notice, until: datetime) -> EmailMessage:
        first, *others = (" ".join(part.split()) for part in said_parts(notice, self._settings.language))
        message = EmailMessage(policy=PLAIN)
        message["Subject"] = first if len(first) <= LONGEST_SUBJECT else f"{first[: LONGEST_SUBJECT - 1]}…"
        message["From"] = self._settings.sender
        message["Date"] = format_datetime(notice.issued)
        message["Message-ID"] = f"<{notice.id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Expires"] = format_datetime(until.astimezone(UTC))
        message["Auto-Submitted"] = "auto-generated"
        if not isinstance(notice, SteleRecord) and notice.level >= 3:
            message["Importance"] = "high"
        link = (notice.link,) if isinstance(notice, PushNotice) else ()
        message.set_content("\n\n".join([*(others or [first]), *link]) + "\n")
        return message

    async def send(self, payload: EmailMessage, _key: str, recipient: str) -> CallResult:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hand_over, payload, recipient)

    def _hand_over(self, payload: EmailMessage, recipient: str) -> CallResult:
        message = deepcopy(payload)
        message["To"] = recipient
        try:
            smtp = self._connected()
        except smtplib.SMTPAuthenticationError as error:
            return Declined("login", repr(error))
        except (OSError, smtplib.SMTPException) as error:
            return Declined("unreachable", repr(error))
        try:
            return self._say(smtp, message.as_bytes(), recipient)
        finally:
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        said, limit = self._settings, self._settings.timeout_s
        if said.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                said.host, said.port, timeout=limit, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(said.host, said.port, timeout=limit)
        try:
            if said.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            if said.username:
                smtp.login(said.username, said.password.get_secret_value() if said.password else "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _say(self, smtp: smtplib.SMTP, message: bytes, recipient: str) -> CallResult:
        """The message is the server's from the end of its data on; before that the server does not have it."""
        try:
            code, words = smtp.mail(self._settings.sender)
            if code >= 400:
                return _refused(code, words, of_the_sender=True)
            code, words = smtp.rcpt(recipient)
            if code >= 400:
                return _refused(code, words)
        except (OSError, smtplib.SMTPException) as error:
            return Declined("unreachable", repr(error))
        try:
            code, words = smtp.data(message)
        except smtplib.SMTPDataError as error:  # it wants no data
            return _refused(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            return Unanswered("no_answer", repr(error))
        return _refused(code, words) if code >= 400 else Accepted()


def _refused(code: int, words: bytes | str, *, of_the_sender: bool = False) -> Declined:
    """What is wrong with the sender is wrong with the settings, which somebody mends."""
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return Declined(f"smtp_{code}", said, permanent=code >= 500 and not of_the_sender)


@asynccontextmanager
async def opened(settings: MailSettings, _clock: SecondsClock) -> AsyncIterator[Mail]:
    threads = ThreadPoolExecutor(settings.at_once, "mail")
    try:
        yield Mail(settings, threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


KIND = TargetKind(name="mail", order=20, settings=MailSettings, channels=frozenset({"push", "sms"}), opened=opened)
