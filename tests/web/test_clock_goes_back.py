"""A city's time goes back where its clocks were ahead: a stele shows what is newest, and the pages know the time."""

from datetime import timedelta

import pytest

from tests.support import City, at, live_tick, meaning, outcome
from warnsys.records import ImpactRecord, Snapshot, SteleRecord
from warnsys.web.board import Board, TopicRecord
from warnsys.web.views import district_view

SET_RIGHT, EXTREME, END = 15.0, 15.5, 17.0
"""Minutes: when broker and worker are set right, when an Extreme message comes, and when it is over."""
TICKS = 6
"""A minute."""


class Played:
    """A city and the pages' board, whose own clock is right."""

    def __init__(self) -> None:
        self.city, self.now, self.offset = City(paced=False), 0.0, 0
        self.board = Board({self.city.id: self.city.rules}, "live")
        self.board.clock, self.board.elapsed = lambda: at(self.now), lambda: self.now * 60
        self.board.connected = True

    def take(self, record: ImpactRecord) -> None:
        self.offset += 1
        already, appended = len(self.city.notices), getattr(record, "appended", None) or at(self.now)
        self.city.take(record)
        self.board.take(TopicRecord("impacts", "", record.to_bytes(), {}, appended))
        for notice in self.city.notices[already:]:
            if isinstance(notice, SteleRecord):
                headers = {"covers": str(self.offset)}
                self.board.take(TopicRecord("stele", notice.district, notice.to_bytes(), headers, appended))

    @property
    def shown(self) -> str:
        return district_view(self.board, self.city.rules, self.city.rules.place.districts[0], "de").presentation


@pytest.mark.parametrize(("ahead", "since"), [(1.8, 1), (4, 0)])
def test_a_stele_shows_an_extreme_warning_at_once_after_the_time_went_back(ahead: float, since: float) -> None:
    played = Played()
    for step in range(int(END * TICKS)):
        played.now = minute = step / TICKS
        if step % (5 * TICKS) == 0:
            stamp = at(minute)
            played.take(Snapshot(stage="live", source="dwd", stamp=stamp, checked=stamp, date=stamp, ids=()))
        wrong = ahead if since <= minute < SET_RIGHT else 0
        played.take(live_tick(minute, broker=wrong, worker=wrong))
        if minute == EXTREME:
            played.take(outcome("A", meaning("Extreme", onset=15), stamp=15, sent=15.4))
        if minute >= EXTREME:
            assert played.shown == "full", minute
    assert abs(played.board.now() - at(played.now)) < timedelta(seconds=10)
