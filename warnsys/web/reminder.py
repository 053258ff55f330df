"""Tells a webhook of a loud warning that nobody has acknowledged for some minutes.

Several web processes may do so side by side: what was told stands on `ops.actions`, and each call carries the same id
wherever it comes from, so that a receiver can know a repeat. A call that fails is made again.
"""

import asyncio
import logging
from uuid import NAMESPACE_URL, uuid5

import httpx

from warnsys.pipeline import CityRules
from warnsys.records import Reminder, SteleItem, reminder_key
from warnsys.web.site import Site
from warnsys.web.views import waiting

log = logging.getLogger(__name__)
EVERY_S = 5.0
ANSWER_S = 10.0


class Reminders:
    """Looks at the board every few seconds. `http` is the network."""

    def __init__(self, site: Site, http: httpx.AsyncClient) -> None:
        self._site, self._http = site, http
        self._settings = site.settings.web
        for result in ("told", "failed"):  # an increase is seen only of a figure that was there before
            site.metrics.webhook.labels(result)

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Tell what is due; what fails is due again."""
        board = self._site.board
        if not self._settings.webhook or not board.connected:
            return
        for city in board.cities.values():
            for item, since in waiting(board, city):
                minutes = (board.now() - since).total_seconds() / 60
                key = reminder_key(city.place.id, item.base_id, item.level)
                if minutes >= self._settings.remind_after_min and key not in board.reminded:
                    await self._tell(city, item, key, minutes)

    async def _tell(self, city: CityRules, item: SteleItem, key: str, minutes: float) -> None:
        board = self._site.board
        said = {
            "id": str(uuid5(NAMESPACE_URL, f"urn:warnsys:{board.stage}:{key}")), "stage": board.stage,
            "exercise": board.exercise, "city": city.place.id, "alert": item.base_id, "level": item.level,
            "severity": item.severity, "event": item.event, "onset": item.onset.isoformat(),
            "unacknowledged_minutes": round(minutes, 1),
        }  # fmt: skip
        try:
            answer = await self._http.post(self._settings.webhook, json=said, timeout=ANSWER_S)
            answer.raise_for_status()
            await self._site.act(
                Reminder(stage=board.stage, city=city.place.id, base_id=item.base_id, level=item.level, at=board.now())
            )
        except Exception:
            self._site.metrics.webhook.labels("failed").inc()
            log.exception("the webhook could not be told of %s; again in %g s", item.base_id, EVERY_S)
        else:
            self._site.metrics.webhook.labels("told").inc()
