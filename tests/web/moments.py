"""Moments of a stele that are hard to show: several warnings at once, long texts, many languages, no data.

Each is Solingen at noon UTC, with messages in the DWD's form that went through the whole decision.
"""

from collections.abc import Callable
from typing import Any

from tests.web.states import ADVANCE, EXTREME, FAR, FLOOD, GALE, GUSTS, HEAT, SEVERE, STATES, Town
from warnsys.simulation.message import StoryMessage

TURKISH, ARABIC, ENGLISH = (SEVERE.texts[language] for language in ("tr", "ar", "en"))
FRENCH = ENGLISH.model_copy(
    update={
        "event": "VIOLENT ORAGE",
        "headline": "AVIS OFFICIEL d'orage violent",
        "description": "Un orage violent arrive du sud-ouest, avec des rafales de 110 km/h et de la grêle.",
        "instruction": "Fermez portes et fenêtres. Restez à l'intérieur.",
    }
)


def other(message: StoryMessage, key: str, **changes: Any) -> StoryMessage:
    return message.model_copy(update={"key": key, **changes})


def longer(message: StoryMessage, times: int) -> StoryMessage:
    texts = {
        language: text.model_copy(update={"description": " ".join([text.description] * times)})
        for language, text in message.texts.items()
    }
    return message.model_copy(update={"texts": texts})


STORM = other(SEVERE, "storm", texts={**SEVERE.texts, "fr": FRENCH})
"""In five languages."""
HOT = other(HEAT, "hot", ii="248", severity="Severe")
HOTTER = other(HEAT, "hotter", ii="248", severity="Extreme")
WORSE_LATER = other(ADVANCE, "worse", severity="Extreme", ii="65", groups=["RAIN"])
MANY = [
    other(message, f"many-{number}-{message.key}", onset=-5 + 70 * number, until=60 + 90 * number)
    for number in range(3)
    for message in (GALE, FLOOD, HEAT, GUSTS)
]

MOMENTS: dict[str, Callable[[], Town]] = {
    "heat and storm": lambda: Town().tick(-20).snap(-5, HOTTER, STORM).snap(0, HOTTER, STORM),
    "advance notice and gale": lambda: Town().tick(-60).snap(-35, WORSE_LATER, GALE).snap(0, WORSE_LATER, GALE),
    "storm later and storm": lambda: Town().tick(-60).snap(-15, FAR, STORM).snap(0, FAR, STORM),
    "extreme advance notice": lambda: Town().tick(-60).snap(-35, WORSE_LATER).snap(0, WORSE_LATER),
    "many": lambda: Town().tick(-60).snap(-5, STORM, *MANY).snap(0, STORM, *MANY),
    "long": lambda: Town().tick(-60).snap(-5, longer(STORM, 8), HOT).snap(0, longer(STORM, 8), HOT),
    "extreme": lambda: (
        Town().tick(-60).snap(-7, HEAT, FLOOD, SEVERE).snap(0, HEAT, FLOOD, other(EXTREME, "extreme", at=-3), ADVANCE)
    ),
    "moderate": lambda: Town().tick(-60).snap(-25, GALE).snap(0, GALE),
    "calm": lambda: Town().tick(-60).snap(-5).snap(0),
    "no data": lambda: Town().tick(-60).snap(-15, HEAT, STORM).snap(-10, HEAT, STORM).later(0),
    "expired": STATES["expired"],
    "stale": lambda: Town().tick(-60).snap(-25, HEAT, STORM).tick(0),
    "exercise": lambda: Town(stage="sommergewitter").tick(-30).snap(-5, HEAT, STORM).snap(0, HEAT, STORM),
}
