"""A worker with rules that some messages end: `python -m tests.kafka.poisoned SETTINGS.json MARK`.

A headline "POISON WHERE HOW" says whether `match` or `settle` (of one city) meets it, and how it ends the process:
`sleep` and `eat` hang (and say so), `abort` ends at once, `once` ends it only where MARK does not exist yet.
"""

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from streams.processes import runtime
from warnsys.cap.model import Alert
from warnsys.pipeline import CityRules, CityState, cities_for, matcher_for
from warnsys.settings import Settings, parse
from warnsys.warning.evidence import Witnesses
from warnsys.warning.matching import Matcher
from warnsys.warning.situation import Situation

READY, HANGS = "READY", "HANGS"
CITY = "solingen"


def swallow(how: str) -> None:
    mark = Path(os.environ["POISON_MARK"])
    if how == "once":
        if mark.exists():
            return
        mark.write_text("")
        os.abort()
    if how == "abort":
        os.abort()
    kept = bytearray(2**30) if how == "eat" else b""  # not touched: nothing for the machine, too much for a trial
    print(HANGS, flush=True)
    time.sleep(3600)
    del kept


class PoisonedMatcher(Matcher):
    def read(self, body: bytes, source: str) -> Alert:
        if b"POISON match " in body:
            swallow(body.partition(b"POISON match ")[2].split(b"<")[0].decode())
        return super().read(body, source)


class PoisonedRules(CityRules):
    def situation(self, state: CityState, witnesses: Witnesses) -> Situation | None:
        if state.city == CITY:
            for fact in state.facts.values():
                for meaning in fact.meanings:
                    headline = meaning.texts["de"].headline
                    if headline.startswith("POISON settle "):
                        swallow(headline.removeprefix("POISON settle "))
        return super().situation(state, witnesses)


def _as(kind: Any, one: Any) -> Any:
    return kind(**{name: getattr(one, name) for name in one.__dataclass_fields__})


def rules_for(chosen: Settings, matcher: Matcher) -> dict[str, CityRules]:
    return {city: _as(PoisonedRules, rules) for city, rules in cities_for(chosen, matcher).items()}


async def work(settings: Settings) -> None:
    put_in: Any = runtime
    put_in.matcher_for = lambda chosen: _as(PoisonedMatcher, matcher_for(chosen))
    put_in.cities_for = rules_for
    async with runtime.pipeline_on(settings, settings.broker.url.removeprefix("kafka://")) as pipeline:
        while not pipeline.worker.partitions():  # noqa: ASYNC110 - a rebalance sets no event
            await asyncio.sleep(0.05)
        print(READY, flush=True)
        logging.info("ready")
        await asyncio.sleep(600)


if __name__ == "__main__":
    from tests.kafka import poisoned  # so that a trial knows these classes by the same name

    os.environ["POISON_MARK"] = sys.argv[2]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(poisoned.work(parse(json.loads(Path(sys.argv[1]).read_text("utf-8")))))
