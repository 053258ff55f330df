"""Whoever reads a message takes a time without an offset by the clocks of its source."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from typer.testing import CliRunner

from tests.cap.oddities import bundle, message, swap
from tests.support import NOON
from warnsys.cap import Alert
from warnsys.cli.main import app
from warnsys.feeds.answer import Answer
from warnsys.feeds.bundle import open_bundle
from warnsys.records import AlertHeaders
from warnsys.replay.read import Opener, Shot
from warnsys.settings import parse
from warnsys.web.alerts import read
from warnsys.web.board import Board, TopicRecord

LONDON = ZoneInfo("Europe/London")
BODY = message(swap("2027-07-14T12:00:00+02:00</sent>", "2027-07-14T11:00:00</sent>")).replace(
    b"2027-07-14T18:00:00+02:00", b"2027-07-14T18:00:00"
)
SENT, ENDS = datetime(2027, 7, 14, 10, tzinfo=UTC), datetime(2027, 7, 14, 17, tzinfo=UTC)
ZIP = bundle(("one.xml", BODY))


def test_the_settings_name_the_zones_of_sources_that_are_not_berlins() -> None:
    sources = [
        {"name": "met", "url": "https://example.org/", "timezone": "Europe/London"},
        {"name": "dwd", "url": "https://example.org/"},
    ]
    settings = parse({"cities": [{"id": "x", "name": "X", "geofences": "x.geojson"}], "sources": sources})
    assert settings.zones == {"met": LONDON}


def test_the_feed_ranks_what_replaces_what_by_the_source_s_clocks() -> None:
    (one,) = open_bundle(Answer(NOON, ZIP, {}), NOON, zone=LONDON).messages
    assert one.sent == SENT


def test_a_replay_decides_by_the_source_s_clocks() -> None:
    (one,) = Opener({"met": LONDON}).open(Shot("met", NOON, NOON, lambda: ZIP, "one"))
    assert isinstance(one.alert, Alert)
    assert one.alert.infos[0].expires == ENDS


def test_pages_show_the_times_by_the_source_s_clocks() -> None:
    board = Board({}, "live", zones={"met": LONDON})
    for source in ("met", "dwd"):
        headers = AlertHeaders(stage="live", source=source, id=source, stamp=NOON, seen=NOON)
        said = {name: str(value) for name, value in headers.model_dump(mode="json", exclude_none=True).items()}
        board.take(TopicRecord("alerts", source, BODY, said, NOON))
    met, dwd = (read(board.alerts[source]) for source in ("met", "dwd"))
    assert met is not None
    assert dwd is not None
    assert (met.sent, met.infos[0].expires) == (SENT, ENDS)
    assert dwd.sent == datetime(2027, 7, 14, 9, tzinfo=UTC)


def test_the_check_is_told_the_clocks(tmp_path: Path) -> None:
    file = tmp_path / "one.xml"
    file.write_bytes(BODY)
    said = CliRunner().invoke(app, ["check", str(file), "--timezone", "Europe/London", "--json"])
    assert (said.exit_code, "+01:00" in said.output) == (0, True)
    wrong = CliRunner().invoke(app, ["check", str(file), "--timezone", "London"])
    assert (wrong.exit_code, "is no time zone; write one like 'Europe/Berlin'" in wrong.output) == (2, True)
