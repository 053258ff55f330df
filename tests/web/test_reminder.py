"""The webhook: told of what nobody has acknowledged, once, and again only where it failed."""

import json

import httpx
import pytest

from tests.support import at, meaning, outcome, snapshot, tick
from tests.web.sites import Desk, settings
from warnsys.records import Acknowledgement, Reminder
from warnsys.web.reminder import Reminders

HOOK = "https://alarm.example/hook"


class Receiver:
    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.answer = 204

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == HOOK
        self.told.append(json.loads(request.content))
        return httpx.Response(self.answer)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def reminding(receiver: Receiver, severity: str = "Extreme", onset: float = 0) -> tuple[Desk, Reminders]:
    desk = Desk(settings(webhook=HOOK, remind_after_min=5))
    desk.take(tick(0), outcome("A", meaning(severity, onset=onset)), snapshot(0, "A"))
    return desk, Reminders(desk.site, httpx.AsyncClient(transport=httpx.MockTransport(receiver)))


async def later(desk: Desk, minutes: float, reminders: Reminders) -> None:
    desk.later(minutes).take(tick(minutes))
    await reminders.look()


async def test_what_nobody_acknowledged_is_told_after_the_set_time_and_once(receiver: Receiver) -> None:
    desk, reminders = reminding(receiver)
    await later(desk, 4, reminders)
    assert receiver.told == []
    await later(desk, 6, reminders)
    await later(desk, 20, reminders)
    assert [(told["alert"], told["level"], told["unacknowledged_minutes"]) for told in receiver.told] == [("A", 4, 6.0)]
    assert [type(done) for done in desk.done] == [Reminder]


async def test_what_somebody_acknowledged_is_not_told(receiver: Receiver) -> None:
    desk, reminders = reminding(receiver)
    await desk._act(Acknowledgement(stage="live", city="x", base_id="A", level=4, by="Leitstelle A", at=at(1)))
    await later(desk, 6, reminders)
    assert receiver.told == []


async def test_another_web_process_tells_the_same_id_or_nothing(receiver: Receiver) -> None:
    desk, reminders = reminding(receiver)
    await later(desk, 6, reminders)
    other, its_reminders = reminding(receiver)
    other.put("actions", desk.done[0].key, desk.done[0].to_bytes())
    await later(other, 6, its_reminders)
    assert len(receiver.told) == 1
    other.board.reminded.clear()
    await its_reminders.look()
    assert receiver.told[0]["id"] == receiver.told[1]["id"]


async def test_a_call_that_failed_is_made_again(receiver: Receiver) -> None:
    desk, reminders = reminding(receiver)
    receiver.answer = 503
    await later(desk, 6, reminders)
    assert desk.done == []
    receiver.answer = 200
    await later(desk, 7, reminders)
    assert len(receiver.told) == 2
    assert len(desk.done) == 1


@pytest.mark.parametrize(("severity", "onset"), [("Moderate", 0), ("Extreme", 200)])
async def test_only_what_is_severe_and_near_its_onset_is_told(receiver: Receiver, severity: str, onset: float) -> None:
    desk, reminders = reminding(receiver, severity, onset)
    await later(desk, 30, reminders)
    assert receiver.told == []
