"""The canary's message: an exercise that goes the whole way and comes back, and that can never look real.

It says four times what it is: the stage of its records (a live worker refuses them), status Exercise (a live matcher
decides it `not_live`), its texts, and an area in the open sea that has no warn cell and is no city's. It is of the
lowest level, and no policy but its own makes anything of it.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from warnsys.cap.model import Alert, Area, Info, MsgType, Reference
from warnsys.cap.write import time, write_alert
from warnsys.channels.registry import tellers
from warnsys.metrics import Metrics
from warnsys.settings import Settings, parse

STAGE = "canary"
BY_HAND = "canary-by-hand"
"""Of runs by hand, so that they do not meet those of the service."""
CITY = DISTRICT = "canary"
SOURCE = "canary"
SENDER = "canary@warnsys.invalid"
LASTS = timedelta(minutes=4)
"""A run ends its message itself; where it could not, the message is over before the next run."""
GEOFENCES = Path(__file__).parent / "data" / "canary.geojson"
_RING = ((6.42, 54.62), (6.48, 54.62), (6.48, 54.58), (6.42, 54.58), (6.42, 54.62))
_TEXTS = {
    "de-DE": (
        "Kanarienmeldung",
        "ÜBUNG: Kanarienmeldung, keine Warnung",
        "Diese Übungsmeldung prüft alle fünf Minuten den Weg vom Eingang bis zu den Kanälen. Es gilt keine Warnung.",
    ),
    "en": (
        "canary message",
        "EXERCISE: canary message, no warning",
        "This exercise checks every five minutes the way from the source to the channels. No warning is in force.",
    ),
}


def canary_settings(settings: Settings, url: str, stage: str) -> Settings:
    """The canary's city on the broker of these settings, in a stage of its own; `url` is where its source stands."""
    everybody: list[dict[str, Any]] = [
        {"audience": audience, "channel": channel.name, "warnings": "Minor"}
        for audience in ("public", "staff")
        for channel in tellers()
    ]
    chosen = parse(
        {
            "stage": stage,
            "cities": [{"id": CITY, "name": "Kanarienmeldung", "geofences": str(GEOFENCES)}],
            "sources": [{"name": SOURCE, "url": url, "senders": [SENDER]}],
            "policy": {"rules": everybody},
        },
        name="canary",
    )
    broker = settings.broker.model_copy(update={"partitions": 1, "instance": ""})
    return chosen.model_copy(update={"broker": broker, "log_level": settings.log_level})


def own_name(base_id: str) -> str:
    """The identifier of a canary's message, of its base id, which names the sender, too."""
    return base_id.removeprefix(f"{SENDER},")


def identifier(sent: datetime, number: int) -> str:
    """Says when it was sent, so that whoever finds the message standing can cancel it."""
    return f"warnsys-canary.{sent.astimezone(UTC):%Y%m%dT%H%M%S}.{number}"


def alert(name: str, sent: datetime) -> bytes:
    return _message(name, sent, "Alert")


def cancel(name: str, ended: str, sent: datetime) -> bytes:
    """Raises `ValueError` for an identifier that is no canary's."""
    begun = datetime.strptime(ended.split(".")[1] + "+0000", "%Y%m%dT%H%M%S%z")
    return _message(name, sent, "Cancel", Reference(ended, SENDER, time(begun)))


def bundle(name: str, body: bytes) -> bytes:
    """A ZIP of one message, as a source serves it; without a name, of none."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as found:
        if name:
            found.writestr(f"{name}.xml", body)
    return packed.getvalue()


def _message(name: str, sent: datetime, kind: MsgType, *ended: Reference) -> bytes:
    sent = sent.astimezone(UTC)
    infos = tuple(
        Info(
            language=language,
            categories=("Other",),
            event=event,
            urgency="Immediate",
            severity="Minor",
            certainty="Likely",
            onset=sent,
            expires=sent + LASTS,
            sender_name="warnsys",
            headline=headline,
            description=description,
            areas=(Area("open sea", (_RING,)),),
        )
        for language, (event, headline, description) in _TEXTS.items()
    )
    note = "Exercise: made by warnsys for itself, no warning."
    return write_alert(Alert(name, SENDER, sent, "Exercise", kind, "Public", note=note, references=ended, infos=infos))


@dataclass
class Run:
    """What became of one canary: when it passed each step, and what did not come back."""

    started: float
    """Seconds since 1970."""
    passed: dict[str, float] = field(default_factory=dict)
    """Seconds since `started`, in the order of the way."""
    missing: str = ""
    """What did not come back in time; "" where all did."""

    @property
    def steps(self) -> Mapping[str, float]:
        """Seconds from the step before."""
        before, found = 0.0, {}
        for name, seconds in self.passed.items():
            found[name], before = seconds - before, seconds
        return found

    def count(self, metrics: Metrics) -> None:
        """Set the canary's figures: it came back, or did not."""
        metrics.canary_runs.labels("missing" if self.missing else "back").inc()
        if not self.missing:
            metrics.canary_back.set(self.started + self.passed["ended"])
            for step, seconds in self.steps.items():
                metrics.canary_took.labels(step).set(seconds)
            metrics.canary_took.labels("there").set(self.passed["back"])
