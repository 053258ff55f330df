"""What came through the production feed and must not reach anybody."""

from datetime import UTC, datetime, timedelta

import httpx

from geofences import bundled
from tests.cap.test_bundle import packed
from tests.like_dwd import DwdMessages
from warnsys.cap import read_alert, read_bundle
from warnsys.cap.dwd import warn_cells
from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Offline
from warnsys.pipeline import by_channel
from warnsys.records import SteleRecord
from warnsys.settings import parse
from warnsys.simulation.standin import StandIn

NOON = datetime(2024, 4, 23, 8, 21, tzinfo=UTC)


async def test_a_test_message_in_the_production_feed_reaches_no_channel(dwd_messages: DwdMessages) -> None:
    """With Solingen's cell in place of the first that it lists."""
    (member,) = read_bundle(dwd_messages.test)
    cell = next(cell for area in read_alert(member.body).infos[0].areas for cell in warn_cells(area))
    content = packed({member.name: member.body.replace(f">{cell}<".encode(), b">805122000<")})
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
