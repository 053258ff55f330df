"""A client of SMPP 3.4 for senders that must know what became of each message. It needs nothing else of warnsys.

    async with await Session.open(carrier) as session:
        outcome = await session.submit(message, valid_s=600)

`Links` keeps several sessions up and takes over between them. docs/reference/smpp.md says what is supported.
"""

from warnsys.smpp.carrier import Carrier, Mode
from warnsys.smpp.links import Attempt, Link, Links, Sms, World
from warnsys.smpp.receipts import Ids, Receipt, ReceiptState
from warnsys.smpp.session import Declined, Incoming, NotBound, Session, Submitted, Taken, Unanswered
from warnsys.smpp.text import Split, count

__all__ = [
    "Attempt",
    "Carrier",
    "Declined",
    "Ids",
    "Incoming",
    "Link",
    "Links",
    "Mode",
    "NotBound",
    "Receipt",
    "ReceiptState",
    "Session",
    "Sms",
    "Split",
    "Submitted",
    "Taken",
    "Unanswered",
    "World",
    "count",
]
