"""A carrier as its contract describes it, and the messages for its centre."""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from warnsys.smpp import text as texts
from warnsys.smpp.pdu import Command, Message, Tag
from warnsys.smpp.receipts import Ids
from warnsys.smpp.text import Split

UNKNOWN, INTERNATIONAL, ALPHANUMERIC = 0, 1, 5
"""Types of number (SMPP 3.4, section 5.2.5)."""
ISDN = 1
"""The numbering plan of phones (section 5.2.6)."""
RECEIPT_ALWAYS = 0x01
"""`registered_delivery`: a receipt of delivery and of failure (section 5.2.17)."""
LONGEST_S = 30 * 86_400
"""The validity that is written for anything that holds longer: in seconds."""

_NUMBER = re.compile(r"\+?[0-9]{3,20}", re.ASCII)


class Mode(StrEnum):
    """What a session is for (section 2.2)."""

    TRANSCEIVER = "transceiver"
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"

    @property
    def command(self) -> Command:
        return Command[f"BIND_{self.name}"]


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """One login to one carrier's centre. Times are in seconds."""

    name: str
    """Ours, for logs and records."""
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    """None for a connection in the clear: passwords and numbers are readable then, so it belongs into a VPN."""
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    mode: Mode = Mode.TRANSCEIVER
    source: str
    """The sender that phones show: a number with its `+`, at most 11 letters and digits, or a short code."""
    source_ton: int | None = None
    source_npi: int | None = None
    """By the form of `source` where they are None."""
    service_type: str = ""
    split: Split = Split.HEADER
    ids: Ids = Ids.ALIKE
    reference: bool = True
    """Whether `user_message_reference` goes along; some centres refuse optional parameters."""
    window: int = 10
    """Messages on their way to the centre without its answer: what is unknown after a lost connection at most."""
    rate_per_s: float = 10.0
    connect_s: float = 10.0
    answer_s: float = 10.0
    enquire_s: float = 30.0

    def __post_init__(self) -> None:
        if self.window < 1 or self.rate_per_s <= 0 or min(self.connect_s, self.answer_s, self.enquire_s) <= 0:
            raise ValueError(
                f"carrier {self.name}: window {self.window}, rate_per_s {self.rate_per_s:g}, connect_s "
                f"{self.connect_s:g}, answer_s {self.answer_s:g}, enquire_s {self.enquire_s:g}: all are above 0"
            )

    def messages(self, to: str, text: str, reference: int) -> Iterator[Message]:
        """The messages of one text to one number, in order; without a validity, which counts from when they leave.

        `reference`, 0 to 65535, is the caller's key as far as SMPP carries one: phones join parts by it, and receipts
        hand it back where the carrier does. Raises `ValueError`.
        """
        if not _NUMBER.fullmatch(to):
            raise ValueError(f"a phone number of {len(to)} characters, not all digits; write it as +49…")
        if not 0 <= reference <= 0xFFFF:
            raise ValueError(f"reference {reference}; it has 16 bits: 0 to 65535")
        coding, segments = texts.segments(text, self.split, reference)
        ton, npi = self._source_form()
        own = {int(Tag.USER_MESSAGE_REFERENCE): reference.to_bytes(2, "big")} if self.reference else {}
        for segment in segments:
            yield Message(
                service_type=self.service_type,
                source_addr_ton=ton,
                source_addr_npi=npi,
                source_addr=self.source.removeprefix("+"),
                dest_addr_ton=INTERNATIONAL if to.startswith("+") else UNKNOWN,
                dest_addr_npi=ISDN,
                destination_addr=to.removeprefix("+"),
                esm_class=segment.esm_class,
                registered_delivery=RECEIPT_ALWAYS,
                data_coding=coding,
                short_message=segment.octets,
                tlvs={**own, **segment.tlvs},
            )

    def _source_form(self) -> tuple[int, int]:
        if not self.source.removeprefix("+").isdigit():
            ton, npi = ALPHANUMERIC, UNKNOWN
        else:
            ton, npi = (INTERNATIONAL if self.source.startswith("+") else UNKNOWN), ISDN
        return (
            ton if self.source_ton is None else self.source_ton,
            npi if self.source_npi is None else self.source_npi,
        )


def validity_period(seconds: float) -> str:
    """A time from the centre's now on, in the relative form `YYMMDDhhmmss000R` (section 7.1.1.2), rounded down.

    The centre's clock and time zone do not matter to it. Raises `ValueError` below one second: that has no such form.
    """
    if seconds < 1:
        raise ValueError(f"a validity of {seconds:g} s; a message without a second left is not sent")
    minutes, second = divmod(int(min(seconds, LONGEST_S)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"0000{days:02}{hour:02}{minute:02}{second:02}000R"
