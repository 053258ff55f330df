"""A channel and a source are a file each: one that is registered shows everywhere, and nothing else knows of it."""

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from streams.kafka import acl
from streams.kafka.topics import Topic, Topics
from tests.support import NOON, City, at, city_rules, meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk
from tools.contracts import kinds
from warnsys import channels, registry
from warnsys.audit.entries import Auditor, Stood
from warnsys.channels.common import CommonFields, common_fields
from warnsys.channels.registry import TAKEN, Channel, TopicShape, channel_of
from warnsys.feeds.answer import Answer, Refused
from warnsys.feeds.kinds import SourceKind
from warnsys.feeds.poller import Poller
from warnsys.feeds.publisher import MemoryPublisher
from warnsys.records import ChangeNotice, ChannelPause, ChannelState, Record, read_action
from warnsys.replay.read import of_scenario
from warnsys.replay.report import Report
from warnsys.replay.run import Replay, ReplayEvent, settings_of
from warnsys.replay.tape import Tape
from warnsys.settings import SettingsError, Source, parse
from warnsys.simulation.scenario import load
from warnsys.view import line
from warnsys.warning.city import CityInfo
from warnsys.warning.notify import Change
from warnsys.warning.policy import Policy, Rule
from warnsys.warning.situation import Situation


class SirenNotice(ChangeNotice):
    tone: str


def word(place: CityInfo, change: Change, situation: Situation, stage: str) -> SirenNotice:
    return SirenNotice(
        **common_fields(place, change, situation, stage),
        tone=f"Heulton {change.kind}",
    )


SIREN = Channel(
    name="siren",
    order=25,
    called={"de": "Sirene", "en": "Siren"},
    record=SirenNotice,
    key="the notice's id",
    parts=lambda notice, language: (f"{notice.tone} ({language})",),
    word=word,
    rules=(Rule(audience="public", channel="siren", warnings="Severe"),),
    topic=TopicShape(retention_h=1),
    readers=frozenset({"web", "audit"}),
)


@pytest.fixture
def siren() -> Iterator[None]:
    with registry.CHANNELS.beside(SIREN):
        yield


def told() -> SirenNotice:
    city = City(city_rules(policy=Policy()))
    city.take(tick(0), outcome("a", meaning("Severe")), snapshot(1, "a"), tick(1))
    (found,) = (one for one in city.notices if isinstance(one, SirenNotice))
    return found


def test_channels_stand_in_their_order_and_each_record_is_of_one_channel() -> None:
    assert registry.CHANNELS.names()[:3] == ("stele", "push", "sms")
    assert len({one.record for one in registry.CHANNELS.all()}) == len(registry.CHANNELS.names())


def test_what_channels_share_stands_in_no_channels_file() -> None:
    trees = {file.stem: ast.parse(file.read_text("utf-8")) for file in Path(channels.__path__[0]).glob("*.py")}
    own = {
        name for name, tree in trees.items()
        if any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CHANNEL" for node in tree.body)
    }  # fmt: skip
    assert own >= {"stele", "push", "sms"}
    for name in own:
        imports = [node for node in ast.walk(trees[name]) if isinstance(node, ast.ImportFrom)]
        named = {one.module for one in imports} | {f"{one.module}.{each.name}" for one in imports for each in one.names}
        assert not named & {f"warnsys.channels.{other}" for other in own - {name}}


def test_the_common_fields_are_all_that_a_notice_of_every_channel_has() -> None:
    assert set(CommonFields.__annotations__) == set(ChangeNotice.model_fields) - set(Record.model_fields)


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="siren: two files"), registry.CHANNELS.beside(SIREN):  # noqa: SIM117
        with registry.CHANNELS.beside(SIREN):
            pass


@pytest.mark.parametrize("name", ["", "E-Mail", "e_mail", "e.mail", "1st", "-mail", "mail\n", "straße"])
def test_a_channel_whose_name_no_topic_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="small letters, digits and hyphens"):
        replace(SIREN, name=name)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_channel_of_the_name_of_another_topic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*another topic of ours has this name"):
        replace(SIREN, name=name)


def test_the_names_that_a_channel_cannot_have_are_those_of_all_other_topics() -> None:
    topics = Topics("live", 1)
    properties = [name for name, one in vars(Topics).items() if isinstance(one, property)]
    names = {name for name in properties if isinstance(getattr(topics, name), Topic)}
    names |= {topic.name.rpartition(".")[2] for topic in topics.all()}
    assert names - set(topics.channels) == TAKEN


@pytest.mark.usefixtures("siren")
def test_a_new_channel_has_its_topic_and_its_rights() -> None:
    topics = Topics("demo", 2)
    siren = topics.channel("siren")
    assert (siren.name, siren.retention_h, siren.compacted) == ("demo.warn.siren", 1, False)
    assert siren in topics.all()
    may = {
        (process, operation)
        for process, rules in acl.rules(topics).items()
        for rule in rules
        for operation in rule.operations
        if rule.name == siren.name and process != "up"
    }
    assert {one for one in may if one[1] in ("Read", "Write")} == {
        ("worker", "Write"), ("web", "Read"), ("audit", "Read"),
    }  # fmt: skip


@pytest.mark.usefixtures("siren")
def test_a_new_channel_has_its_policy_and_is_worded_by_its_own_file() -> None:
    rules = [(one.audience, one.channel) for one in Policy().rules]
    assert [one for one in rules if one[1] in ("push", "siren", "sms")] == [
        ("public", "push"), ("public", "siren"), ("public", "sms"), ("staff", "push"), ("staff", "sms"),
    ]  # fmt: skip
    rule = {"audience": "staff", "channel": "siren", "warnings": "Minor"}
    assert Policy.model_validate({"rules": [rule]}).channels == {"siren"}
    notice = told()
    assert (channel_of(notice), notice.tone) == ("siren", "Heulton warn")
    assert "siren öffentlich warn: Heulton warn (de)" in line(notice, City().rules.place.timezone)


@pytest.mark.usefixtures("siren")
def test_a_new_channel_can_be_paused_and_catches_up() -> None:
    stop = ChannelPause(stage="live", channel="siren", reason="x", by="x", at=at(0), until=at(5))
    assert read_action(stop.to_bytes()) == stop
    city = City(city_rules(policy=Policy()))
    city.take(tick(0), snapshot(0), stop, outcome("a", meaning("Severe")), snapshot(1, "a"))
    city.take(tick(1))
    assert not [one for one in city.notices if isinstance(one, SirenNotice)]
    assert city.push()
    city.take(tick(6))
    assert [one for one in city.notices if isinstance(one, SirenNotice)]


def test_a_channel_that_none_has_or_that_shows_what_holds_is_neither_paused_nor_told() -> None:
    for name in ("siren", "stele"):
        with pytest.raises(ValidationError, match="channel"):
            ChannelPause(stage="live", channel=name, reason="x", by="x", at=at(0), until=at(5))
        with pytest.raises(ValidationError, match="channel"):
            ChannelState(stage="live", city="x", channel=name, ordered=NOON, until=NOON, stopped=True, at=NOON)
        with pytest.raises(ValidationError, match="take push or sms"):
            Policy.model_validate({"rules": [{"audience": "staff", "channel": name, "warnings": "Minor"}]})


@pytest.mark.usefixtures("siren")
def test_a_new_channel_stands_on_the_pages_and_in_the_api() -> None:
    desk, notice = Desk(), told()
    desk.put("siren", notice.id, notice.to_bytes())
    desk.operators.auth = LOGIN
    page = desk.operators.get("/").text
    assert "Sirene" in page
    assert "Heulton warn (de)" in page
    assert "/stop/siren" in page
    assert "Siren" in desk.operators.get("/?lang=en").text
    assert desk.operators.get("/stop/siren").status_code == 200
    assert desk.operators.get("/stop/stele").status_code == 404
    assert "Heulton warn (de)" in desk.operators.get("/lagebericht").text
    assert desk.public.get("/api/notices").json()[0]["tone"] == "Heulton warn"
    assert 'warnsys_stop_unconfirmed{channel="siren"}' in desk.operators.get("/metrics").text


@pytest.mark.usefixtures("siren")
def test_a_new_channel_is_audited() -> None:
    notice = told()
    stood = Stood("siren", "warn.siren", 0, 7, NOON, notice.id, notice.to_bytes(), {})
    entry = Auditor("live", Policy(), {0: ("x",)}).note(stood)
    assert entry is not None
    assert (entry["what"], entry["channel"], entry["id"]) == ("told", "siren", notice.id)


@pytest.mark.usefixtures("siren")
def test_a_new_channel_is_on_the_tape_and_in_the_report_of_a_replay() -> None:
    material, lines = of_scenario(load("storm")), list[str]()
    settings = settings_of(None, material.sources)
    heard = list[ReplayEvent]()
    replay = Replay(settings, heard.append)
    replay.play(material)
    report, tape = Report(replay.header(material), settings.policy), Tape(replay.header(material), lines.append)
    for event in heard:
        report(event)
        tape(event)
    assert "siren" in {json.loads(line).get("channel") for line in lines}
    page = report.html()
    assert "Sirene, Öffentlichkeit" in page
    assert "Sirene, Stab" not in page
    assert page.index("Push, Öffentlichkeit") < page.index("Sirene, Öffentlichkeit") < page.index("SMS, Öffentlichkeit")


@pytest.mark.usefixtures("siren")
def test_a_new_channel_is_in_the_contracts() -> None:
    (kind,) = (one for one in kinds.kinds() if one.topic == "siren")
    assert (kind.address, kind.model, kind.slug) == ("warn.siren", SirenNotice, "siren-notice")


# -- sources --------------------------------------------------------------------------------------------------------


class Shelf:
    """A source of another kind: nothing to read."""

    place = "a shelf"

    async def ask(self, validators: Mapping[str, str], now: datetime) -> Answer | None:
        raise Refused("the shelf is bare", "wait")


SHELF = SourceKind(name="shelf", order=99, asks=lambda source, client: Shelf())


async def test_a_new_kind_of_source_is_named_in_the_settings_and_polled() -> None:
    with registry.SOURCES.beside(SHELF):
        source = Source(name="x", url="http://shelf.invalid/", kind="shelf", senders=())
        async with httpx.AsyncClient() as client:
            status = await Poller(source, "demo", client, MemoryPublisher(), lambda: NOON).look()
    assert status.error.startswith("a shelf: the shelf is bare")


def test_a_kind_of_source_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    city = {"id": "x", "name": "X", "geofences": "x"}
    with pytest.raises(SettingsError, match="zip, folder"):
        parse({"cities": [city], "sources": [{"name": "x", "url": "http://x.invalid/", "kind": "shelf"}]})


def test_a_source_of_a_new_kind_at_an_address_says_whose_messages_are_taken() -> None:
    city = {"id": "x", "name": "X", "geofences": "x"}
    source = {"name": "x", "url": "http://x.invalid/", "kind": "shelf"}
    with registry.SOURCES.beside(SHELF):
        with pytest.raises(SettingsError, match=r"sources\.0: .*kind shelf at http://x.invalid/.*write senders"):
            parse({"cities": [city], "sources": [source]})
        for senders in ((), ("office@warn.example",)):
            (found,) = parse({"cities": [city], "sources": [{**source, "senders": senders}]}).sources
            assert found.allowed_senders == senders


def test_an_address_is_a_zip_and_a_folder_a_folder() -> None:
    assert registry.SOURCES.names() == ("zip", "folder")
    assert Source(name="x", url="http://x.invalid/").usual_kind == "zip"
