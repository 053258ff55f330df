"""Notices, answers and receivers for the tests of delivery; times are in seconds after `NOON`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from warnsys.channels.registry import read
from warnsys.delivery.dispatch import Dispatch
from warnsys.delivery.intake import IncomingNotice
from warnsys.delivery.ledger import DeliveryLedger
from warnsys.delivery.notices import valid_until
from warnsys.delivery.outbox import Delivery
from warnsys.delivery.target import CallResult
from warnsys.gateways import TargetSettings
from warnsys.records import Notice, PushNotice, SteleRecord

NOON = datetime(2027, 7, 14, 12, tzinfo=UTC)
T0 = NOON.timestamp()
LEVELS = {"Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4}


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def push(name: str, at: float = 0, severity: str = "Minor", **more: Any) -> PushNotice:
    """A push of a city, valid for an hour unless it says otherwise."""
    fields = {
        "id": name, "stage": "live", "exercise": False, "city": "solingen", "audience": "public", "kind": "warn",
        "reason": "entered", "cause": name, "issued": moment(at), "level": LEVELS[severity], "severity": severity,
        "group": "RAIN", "districts": ("mitte",), "onset": moment(at), "expires": moment(at + 3600),
        "title": {"de": f"Warnung {name}", "en": f"Warning {name}"}, "body": {"de": "Regen bis 15:00.", "en": "Rain."},
        "link": "https://example.org/mitte", "ttl_s": 3600, "urgency": "normal", "collapse_key": "k",
    }  # fmt: skip
    return PushNotice.model_validate(fields | more)


def stele(name: str, at: float = 0, district: str = "mitte") -> SteleRecord:
    return SteleRecord.model_validate(
        {
            "id": name, "stage": "live", "exercise": False, "city": "solingen", "district": district,
            "district_name": "Mitte", "status": "clear", "freshness": "fresh", "issued": moment(at),
            "valid_until": moment(at + 180), "summary": {"de": "Keine Warnung", "en": "No warning"}, "items": (),
        }
    )  # fmt: skip


def delivery(notice: Notice, number: int, recipient: str = "") -> Delivery:
    return Delivery(number, notice, notice.issued.timestamp(), recipient)


def arrival(notice: Notice, appended: float | None = None) -> IncomingNotice:
    stamp = notice.issued.timestamp() if appended is None else T0 + appended
    return IncomingNotice(notice, notice.to_bytes(), stamp, valid_until(notice).timestamp())


class Receiver:
    """A target that somebody else calls: nothing is sent here."""

    def __init__(self, recipients: Sequence[str] = ("",)) -> None:
        self._recipients = tuple(recipients)

    def recipients(self, _notice: Notice) -> tuple[str, ...]:
        return self._recipients

    def render(self, notice: Notice, _until: datetime) -> bytes:
        return notice.to_bytes()

    async def send(self, _payload: bytes, _key: str, _recipient: str) -> CallResult:
        raise AssertionError("nothing is sent here")


def target_settings(**said: Any) -> TargetSettings:
    return TargetSettings.model_validate({"kind": "webhook", "audiences": ("public", "staff"), **said})


def dispatch(
    connection: Connection,
    channel: str = "push",
    recipients: Sequence[str] = ("",),
    kind: type[DeliveryLedger] = DeliveryLedger,
    **said: Any,
) -> Dispatch:
    """A gateway with one target, `them`, as it starts on a ledger; it jitters by nothing."""
    ledger = kind(connection, "live/gateway", lambda value: read(channel, value))
    targets = {"them": (target_settings(**said), Receiver(recipients))}
    return Dispatch.of("gateway", channel, "live", ledger, lambda: 1.0, targets)


def names(deliveries: Sequence[Delivery]) -> list[str]:
    return [each.notice.id for each in deliveries]
