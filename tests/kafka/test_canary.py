"""The canary goes the whole way and comes back, cancels what was left standing, and is missed when it does not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from geofences import bundled
from streams.kafka.topics import Topics
from streams.processes import canary as bird
from tests.kafka.story import settings_of
from tests.kafka.test_scenario import logged
from tools.local_kafka import LocalKafka
from warnsys.cli.main import app
from warnsys.records import PushNotice, SmsNotice, SteleRecord
from warnsys.simulation import canary

pytestmark = pytest.mark.kafka
WAY = ["polled", "published", "on cap.alerts", "on warn.impacts"]
WORK = ["taken by match", "decided", "taken by settle", "settled"]
CHANNELS = {"on warn.stele", "on warn.push", "on warn.sms"}


def records(kafka: LocalKafka, topic: str) -> list[bytes]:
    return [value for _, value in logged(kafka.bootstrap, topic, partitions=1)]


async def test_the_canary_comes_back_on_every_channel_run_after_run_and_ends(kafka: LocalKafka) -> None:
    settings = settings_of("live", kafka.bootstrap)
    async with bird.nest(settings, canary.STAGE) as nest:
        for _ in range(2):
            run = await nest.run(60)
            assert run.missing == ""
            steps = list(run.passed)
            assert set(steps) == {*WAY, *WORK, *CHANNELS, "back", "ended"}
            assert [step for step in steps if step in WORK] == WORK
            assert steps[-2:] == ["back", "ended"]
            assert all(seconds >= 0 for seconds in run.steps.values())
    topics = Topics(canary.STAGE, 1)
    steles = [SteleRecord.from_bytes(value) for value in records(kafka, topics.stele.name)]
    assert steles[-1].status == "clear"
    notices: list[PushNotice | SmsNotice] = [
        *(PushNotice.from_bytes(value) for value in records(kafka, topics.push.name)),
        *(SmsNotice.from_bytes(value) for value in records(kafka, topics.sms.name)),
    ]
    assert sorted(notice.kind for notice in notices) == ["ended"] * 8 + ["warn"] * 8
    assert len({notice.id for notice in notices}) == 16, "each run is news"
    assert all(record.exercise for record in steles)
    assert all(notice.exercise for notice in notices)


async def test_what_a_killed_run_left_standing_is_ended_by_the_next(kafka: LocalKafka) -> None:
    settings = settings_of("live", kafka.bootstrap)
    async with bird.nest(settings, "canary-killed") as nest:
        stamp = await nest._next_stamp()
        await nest._clear()
        name = canary.identifier(stamp, 1)
        await nest._publish(await nest._next_stamp(), name, canary.alert(name, stamp))
        await nest._until(lambda: nest._seen.shows(name))
    async with bird.nest(settings, "canary-killed") as nest:
        assert (await nest.run(60)).missing == ""


async def test_a_canary_that_does_not_come_back_says_where_it_was_lost(
    kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of("live", kafka.bootstrap)
    async with bird.nest(settings, "canary-lost") as nest:
        await nest._clear()
        monkeypatch.setattr(canary, "alert", lambda name, sent: b"<alert/>")
        run = await nest.run(20)
    assert run.missing == "no stele showed it within 20 s"


def test_by_hand_it_tells_each_steps_time(kafka: LocalKafka, tmp_path: Path) -> None:
    file = tmp_path / "warnsys.toml"
    file.write_text(
        f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
        f'[broker]\nurl = "kafka://{kafka.bootstrap}"\n'
    )
    result = CliRunner().invoke(app, ["canary", "--settings", str(file)])
    assert result.exit_code == 0, result.output
    assert "ÜBUNG" in result.output
    for step in (*WAY, *WORK, *CHANNELS, "back", "ended"):
        assert step in result.output
