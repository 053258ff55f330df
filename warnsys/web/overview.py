"""What the operators' pages show of all cities, worked out of the board once: for the desk, the report, and a district.

A page of a part takes its part from here, so its figures are the desk's.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from geofences import District
from warnsys.channels.stele import LOUDNESS
from warnsys.channels.wording import clock, moment, same_day
from warnsys.pipeline import CityRules
from warnsys.web.alerts import neighbours
from warnsys.web.board import Board
from warnsys.web.held_back import held_now, stop_stories
from warnsys.web.history import Journey
from warnsys.web.message_list import refused_name
from warnsys.web.nearby import nearby
from warnsys.web.pictures import BoardAtOneTime
from warnsys.web.site import Site
from warnsys.web.timeline import timeline
from warnsys.web.told import matrix, ways
from warnsys.web.unreadable import unreadable
from warnsys.web.views import (
    LOOK_AGAIN_S,
    Holding,
    View,
    district_view,
    holdings,
    last_known,
    without_control_characters,
)
from warnsys.web.words import words

SILENT_FEED = timedelta(minutes=3)
"""A feed that has not looked for so long, nor three times as long as between two looks, does not look any more."""
AHEAD = timedelta(minutes=5)
MUCH_LAG = 100
MOST_UNREADABLE = 20
MOST_JOURNEYS = 3
MOST_NOTICES = 50
"""In a log beside what holds, the newest."""


def zone_of(site: Site) -> ZoneInfo:
    """Whose clocks the pages of all cities go by: the first one's."""
    return next(iter(site.board.cities.values())).place.timezone


def standing(site: Site, board: Board, language: str) -> dict[str, Any]:
    """What holds, for the dashboard and the report."""
    cities: list[dict[str, Any]] = []
    orders = board.orders()
    for city in board.cities.values():
        views = [district_view(board, city, district, language) for district in city.place.districts]
        holding = holdings(board, city, views, language)
        cities.append(
            {
                "rules": city, "place": city.place, "views": views, "holding": holding, "blind": _blind(views),
                "said_of_now": _said_of_now(views, holding), "next": _louder(holding), "ways": ways(city),
                "matrix": matrix(board, city, holding, orders),
            }
        )  # fmt: skip
    return {
        "cities": cities, "now": board.now(), "zone": zone_of(site), "moment": moment, "orders": orders,
        "short": partial(_short, now=board.now(), zone=zone_of(site), language=language),
    }  # fmt: skip


def _short(at: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """A time of today without its date."""
    return clock(at, zone)[language] if same_day(at, now, zone) else moment(at, zone, language)


def overview(site: Site, board: Board, language: str) -> dict[str, Any]:
    """All that the desk shows."""
    values = standing(site, board, language)
    cities: list[dict[str, Any]] = values["cities"]
    for found in cities:
        city, views = found["rules"], found["views"]
        found |= {
            "time": timeline(board, city, language), "remembered": last_known(board, city, language),
            "neighbours": neighbours(board, city, site.settings.web.watch_cells, language),
            "nearby": nearby(site.matcher.index, board, city, language),
            "without": [view.district.name for view in views if view.record is None],
            "incomplete": any(view.record and view.record.freshness == "incomplete" for view in views),
        }  # fmt: skip
    remaining = [view.remaining_s for city in cities for view in city["views"] if view.record]
    feeds, rejected, orders = _feeds(site, board, values["now"], language), unreadable(board), values["orders"]
    return {
        **values, "cells_unknown": site.reach.now(), "feeds": feeds,
        "notices": list(board.notices)[:MOST_NOTICES], "web": site.settings.web,
        "unreadable": rejected[:MOST_UNREADABLE], "refused_name": refused_name, "unreadable_count": len(rejected),
        "loud": any(one.loud and not one.acknowledged for city in cities for one in city["holding"]),
        "fresh_for": min(remaining, default=LOOK_AGAIN_S), "silent_s": _silence(board),
        "journeys": _journeys(board),
        "latency": _latency(board.history.totals_ms()),
        "in_the_way": {one.stop.channel: one.state for one in orders},
        "held_back": held_now(stop_stories(board, values["now"], language), orders),
        "ill": bool(rejected) or sum(board.lag.values()) > MUCH_LAG or any(one["why"] for one in feeds),
    }  # fmt: skip


async def shared_overview(site: Site, picture: BoardAtOneTime, language: str) -> dict[str, Any]:
    """The same, worked out once a picture for all pages that show it or a part of it; none may change it."""
    return await site.pictures.worded(("overview", language), lambda board: overview(site, board, language), picture)


def district_part(
    values: dict[str, Any], board: Board, city: CityRules, district: District, language: str
) -> dict[str, Any]:
    """One district's part of what the desk shows: in place of its city, with the notices that named it."""
    whole = next(one for one in values["cities"] if one["rules"] is city)
    view = next(one for one in whole["views"] if one.district.id == district.id)
    holding = holdings(board, city, [view], language)
    everywhere = {_name(one): one for one in whole["holding"]}
    part = {
        **whole, "views": [view], "blind": view.record is None,
        "holding": [_spread(one, everywhere[_name(one)]) for one in holding],
        "said_of_now": _said_of_now([view], holding), "next": _louder(holding),
        "matrix": matrix(board, city, holding, values["orders"]), "time": timeline(board, city, language, district.id),
        "remembered": [one for one in whole["remembered"] if district.name in one.districts],
    }  # fmt: skip
    here = {_name(one) for one in holding}
    return {
        **values, "city": part, "view": view, "district": district,
        "fresh_for": view.remaining_s if view.record else LOOK_AGAIN_S,
        "notices": [one for one in board.notices if district.id in one.districts][:MOST_NOTICES],
        "loud_elsewhere": [
            one for each in values["cities"] for one in each["holding"]
            if one.loud and not one.acknowledged and (each is not whole or _name(one) not in here)
        ],
    }  # fmt: skip


def _spread(here: Holding, everywhere: Holding) -> Holding:
    """What holds in one district, with all districts in which it does."""
    return replace(here, districts=everywhere.districts, whole=everywhere.whole)


def _name(one: Holding) -> tuple[str, str, str]:
    """Of a warning in a city: the same in each of its districts."""
    return one.item.record.base_id, one.item.record.ii, one.item.phase


def _silence(board: Board) -> float | None:
    """Seconds without a record, where that is too long."""
    silence = board.silence()
    return silence.total_seconds() if silence is not None and board.silent() else None


def _blind(views: Iterable[View]) -> bool:
    """Whether nothing is known of any district: then the page must not look calm."""
    return all(view.record is None for view in views)


def _said_of_now(views: Iterable[View], holding: Iterable[Holding]) -> str:
    """Key of the text where nothing is in force; "" where something is.

    It is "", too, if something has expired and its source, whose data are fresh, has not confirmed that.
    """
    items = [one.item for one in holding]
    if any(not item.advance and not item.later and not item.over for item in items):
        return ""
    if not all(view.fresh and view.record and not view.record.more for view in views):
        return "nothing-known"
    if any(item.over for item in items):
        return ""
    return "nothing-in-force" if items else "nothing-holds"


def _louder(holding: Iterable[Holding]) -> list[Holding]:
    """What begins later and is presented louder than all that is in force, as steles show it largest; where nothing is
    in force, what begins later stands first anyhow."""
    standing = [one for one in holding if not one.item.advance and not one.item.over]
    in_force = [LOUDNESS.index(one.item.record.presentation) for one in standing if not one.item.later]
    later = [one for one in standing if one.item.later] if in_force else []
    return [one for one in later if LOUDNESS.index(one.item.record.presentation) > max(in_force)]


def _feeds(site: Site, board: Board, now: datetime, language: str) -> list[dict[str, Any]]:
    """The sources; `why` says what is wrong with one. A stamp that lies ahead is told as no time at all."""
    found, t = [], words(language)
    for source in site.settings.sources:
        status = board.feeds.get(source.name)
        stamp = status.stamp if status and status.stamp and status.stamp <= now + AHEAD else None
        age = max(0.0, (now - stamp).total_seconds()) if stamp else None
        stale, why = age is None or age > source.stale_after_s, ""
        if status and status.looked < now - max(SILENT_FEED, 3 * timedelta(seconds=source.poll_s)):
            why = t("why-silent", looked=moment(status.looked, zone_of(site), language))
        elif status and status.error:
            why = t("why-error", error=without_control_characters(status.error))
        elif status and stale:
            why = t("why-ahead" if status.stamp and stamp is None else "why-old")
        found.append({"name": source.name, "stamp": stamp, "age_s": age, "stale": stale, "why": why})
    return found


def _journeys(board: Board) -> list[tuple[datetime, Journey]]:
    """The newest messages that the steles show, each with when it came: in an exercise by the story's time."""
    newest = [one for one in reversed(board.history.journeys.values()) if one.shown][:MOST_JOURNEYS]
    told = {one.listed_id: board.known_since[one.base_id] for one in board.outcomes.values()} if board.exercise else {}
    return [(told.get(one.listed_id, one.published), one) for one in newest]


def _latency(totals_ms: Iterable[float]) -> dict[str, float]:
    kept = sorted(totals_ms)
    return {"p50": kept[len(kept) // 2], "p99": kept[int(len(kept) * 0.99)]} if kept else {}
