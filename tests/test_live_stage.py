"""What came through the production feed and must not reach anybody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from geofences import bundled
from tests.cap.test_bundle import packed
from warnsys.cap import read_bundle
from warnsys.feeds.poller import DwdFeed
from warnsys.pipeline import Offline, by_channel
from warnsys.records import SteleRecord
from warnsys.settings import parse
from warnsys.simulation.standin import StandIn

NOON = datetime(2024, 4, 23, 8, 21, tzinfo=UTC)


async def test_a_test_message_in_the_production_feed_reaches_no_channel(corpus: Path) -> None:
    """The real one, with Solingen's cell among those that it lists."""
    (member,) = read_bundle((corpus / "dwd/Z_CAP_C_EDZW_20240423_PVW_STATUS_with_test.zip").read_bytes())
    content = packed({member.name: member.body.replace(b">806636010<", b">805122000<")})
    with StandIn() as stand_in:
        stand_in.publish(NOON, content)
        city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}
        settings = parse({"cities": [city], "sources": [{"name": "dwd", "url": stand_in.url}]})
        pure = Offline(settings)
        async with httpx.AsyncClient(trust_env=False) as client:
            pure.tick(NOON)
            await DwdFeed(settings.sources[0], "live", client, pure, lambda: NOON + timedelta(seconds=5)).look()
            pure.tick(NOON + timedelta(minutes=1))
    assert [decision.outcome.decided for decision in pure.decisions] == ["not_live"]
    sent = by_channel(pure.notices)
    assert sent["push"] == sent["sms"] == []
    steles = [notice for notice in sent["stele"] if isinstance(notice, SteleRecord)]
    assert {record.status for record in steles[-5:]} == {"clear"}
    assert all(record.items == () for record in steles)
