"""A warning of snowfall above 200 m and its update, told to the cities that they name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from geofences import GeofenceIndex
from tests.like_dwd import WUPPERTAL, DwdMessages
from tests.support import City, city_rules, square_district
from warnsys.cap.dwd import warn_cells
from warnsys.cap.read import read_alert
from warnsys.records import AlertHeaders, PushNotice, Snapshot, Tick
from warnsys.warning.matching import Matcher


def told(cell: str, *messages: bytes) -> list[PushNotice]:
    """What the public of a city of one district with this warn cell is told, message after message."""
    district = replace(square_district(1), warn_cells=frozenset({cell}))
    matcher = Matcher(GeofenceIndex([district]))
    rules = city_rules(1)
    city = City(
        replace(rules, place=replace(rules.place, districts=(district,)), ruleset_version=matcher.ruleset_version)
    )
    for body in messages:
        alert = read_alert(body)
        stamp, listed = alert.sent + timedelta(minutes=1), alert.identifier.removesuffix(".DEU")
        headers = AlertHeaders(stage="live", source="dwd", id=listed, stamp=stamp, seen=stamp)
        city.take(
            Tick(stage="live", at=stamp),
            matcher.decide_bytes(body, headers).outcome,
            Snapshot(stage="live", source="dwd", stamp=stamp, checked=stamp, ids=(listed,)),
        )
    assert city.status() == "warned"
    return city.push()


@pytest.fixture
def pair(dwd_messages: DwdMessages) -> tuple[bytes, bytes]:
    return dwd_messages.snow, dwd_messages.update


def cells(body: bytes) -> Iterator[str]:
    return (cell for info in read_alert(body).infos for area in info.areas for cell in warn_cells(area))


def changed(body: bytes, old: str, new: str) -> bytes:
    assert old.encode() in body
    return re.sub(re.escape(old).encode(), new.encode(), body)


def test_every_city_that_both_name_is_told_once(pair: tuple[bytes, bytes]) -> None:
    both = set(cells(pair[0])) & set(cells(pair[1]))
    assert len(both) == 45
    for cell in both:
        assert [(notice.kind, notice.reason) for notice in told(cell, *pair)] == [("warn", "entered")]


def test_a_city_that_only_the_update_names_is_told_then(pair: tuple[bytes, bytes]) -> None:
    new = min(set(cells(pair[1])) - set(cells(pair[0])))
    [notice] = told(new, pair[1])
    assert (notice.kind, notice.issued) == ("warn", read_alert(pair[1]).sent + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("old", "new", "kind", "reason"),
    [
        ("<severity>Moderate<", "<severity>Severe<", "update", "raised"),
        ("<severity>Moderate<", "<severity>Minor<", "lowered", "lowered"),
        ("<expires>2019-01-28T22:00", "<expires>2019-01-29T04:00", "update", "extended"),
        ("<expires>2019-01-28T22:00", "<expires>2019-01-28T12:00", "update", "shortened"),
        ("<onset>2019-01-28T00:00", "<onset>2019-01-27T21:00", "update", "begins earlier"),
    ],
)
def test_what_changed_materially_is_told_and_named(
    pair: tuple[bytes, bytes], old: str, new: str, kind: str, reason: str
) -> None:
    first, second = told(WUPPERTAL, pair[0], changed(pair[1], old, new))
    assert (first.kind, second.kind, second.reason) == ("warn", kind, reason)
    assert second.cause == read_alert(pair[1]).identifier.removesuffix(".DEU")


def test_an_end_moved_by_half_an_hour_is_not_told(pair: tuple[bytes, bytes]) -> None:
    moved = changed(pair[1], "<expires>2019-01-28T22:00", "<expires>2019-01-28T22:30")
    assert len(told(WUPPERTAL, pair[0], moved)) == 1
