"""A replay: a storm gone by, told again at its own time, the same at every run."""

import io
import itertools
import json
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.like_dwd import DwdMessages
from warnsys.archive.store import Archive
from warnsys.cap import read_alert
from warnsys.cap.model import Alert
from warnsys.cli.scenario import write_story
from warnsys.feeds.names import file_name
from warnsys.pipeline import matcher_for
from warnsys.records import SteleRecord
from warnsys.replay.compare import as_lines, differences
from warnsys.replay.read import Material, ReplayError, find, of_scenario
from warnsys.replay.run import Arrival, DecidedMessage, Replay, ReplayEvent, script, settings_of
from warnsys.replay.tape import Line, Tape, read_tape
from warnsys.settings import Settings, parse
from warnsys.simulation.scenario import load, story_names

GOLDEN = Path(__file__).parents[2] / "warnsys/simulation/scenarios/golden"


def played(material: Material, settings: Settings | None = None, *, full: bool = False) -> str:
    lines: list[str] = []
    player = Replay(settings or settings_of(None, material.sources), lambda event: tape(event))
    tape = Tape(player.header(material), lines.append, full=full)
    player.play(material)
    tape.close()
    return "".join(lines)


def told(material: Material, settings: Settings | None = None) -> list[Line]:
    return read_tape(played(material, settings))[1]


@cache
def story_told(name: str) -> tuple[Line, list[Line]]:
    return read_tape(played(of_scenario(load(name))))


def events(material: Material) -> list[ReplayEvent]:
    heard: list[ReplayEvent] = []
    Replay(settings_of(None, material.sources), heard.append).play(material)
    return heard


def with_policy(settings: Settings, channel: str, warnings: str) -> Settings:
    rules = [
        {**rule.model_dump(), "warnings": warnings} if rule.channel == channel and rule.audience == "public" else rule
        for rule in settings.policy.rules
    ]
    plain = {name: getattr(settings, name) for name in Settings.model_fields}
    return parse({**plain, "policy": {**settings.policy.model_dump(), "rules": rules}})


# -- the stories ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", story_names())
def test_story_tells_everybody_what_its_golden_file_says(name: str) -> None:
    _, expected = read_tape((GOLDEN / f"{name}.jsonl").read_text("utf-8"))
    header, found = story_told(name)
    assert list(as_lines(differences(expected, found), header)) == []


def test_every_golden_file_belongs_to_a_story() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.jsonl")) == story_names()


def test_after_bernd_a_city_that_was_warned_is_told_of_the_end_on_every_channel() -> None:
    lines = story_told("bernd")[1]
    spoken = [line for line in lines if line["channel"] != "stele"]
    highest = max(spoken, key=lambda line: line["level"])
    assert (highest["level"], highest["group"]) == (4, "RAIN")
    ended = {(line["channel"], line["audience"]) for line in spoken if line["kind"] == "ended"}
    assert ended == {("push", "public"), ("sms", "public"), ("push", "staff"), ("sms", "staff")}


def test_nobody_is_woken_for_each_of_forty_cells() -> None:
    lines = story_told("thunderstorms")[1]
    assert sum(line["channel"] == "sms" and line["audience"] == "public" for line in lines) <= 5


def test_a_day_of_test_messages_leaves_the_steles_without_a_warning() -> None:
    lines = story_told("test-messages")[1]
    assert [(line["channel"], line["status"]) for line in lines] == [("stele", "no_data"), ("stele", "clear")]


def test_an_outage_across_an_expiry_never_looks_calm() -> None:
    story = load("outage")
    dark = [story.start + timedelta(minutes=minute) for minute in (46, 130)]
    lines = [line for line in told(of_scenario(story)) if line["channel"] == "stele"]
    during = [line for line in lines if dark[0] <= datetime.fromisoformat(line["at"]) < dark[1]]
    assert during
    assert {(line["status"], line["freshness"]) for line in during} == {("warned", "stale")}
    assert "expired" in {one["phase"] for line in during for one in line["warnings"]}


def test_servers_that_disagree_tell_nobody_more_than_one_that_does_not() -> None:
    story = of_scenario(load("flapping"))
    steady = Material(tuple(s for s in story.shots if s.seen == s.stamp), story.start, story.end, story.title)
    assert len(steady.shots) < len(story.shots)
    assert told(story) == told(steady)


def test_a_second_feed_with_the_same_warnings_causes_no_second_notice() -> None:
    both = of_scenario(load("two-feeds"))
    causes = [(line["channel"], line["audience"], line["cause"]) for line in told(both) if line["channel"] != "stele"]
    assert len(causes) == len(set(causes))


def test_of_five_hundred_messages_the_extreme_ones_are_decided_first() -> None:
    decided = [
        event.decision.outcome for event in events(of_scenario(load("flood"))) if isinstance(event, DecidedMessage)
    ]
    assert len(decided) == 500
    assert [outcome.meanings[0].severity for outcome in decided[:2]] == ["Extreme", "Extreme"]


# -- the same at every run ------------------------------------------------------------------------------------------


def test_two_replays_give_the_same_bytes() -> None:
    material = of_scenario(load("storm"))
    assert played(material, full=True) == played(material, full=True)


def test_first_line_names_the_versions_that_decided() -> None:
    header, _ = read_tape(played(of_scenario(load("snow"))))
    assert {"warnsys", "geofences", "policy"} < header.keys()
    assert header["cities"]["solingen"]["districts"]["solingen-1"] == "Solingen-Mitte"


def test_full_lines_carry_the_whole_records() -> None:
    _, lines = read_tape(played(of_scenario(load("snow")), full=True))
    push = next(line for line in lines if line["channel"] == "push")
    assert push["record"]["title"]["de"].startswith("ÜBUNG")
    stele = next(line for line in lines if line["channel"] == "stele")
    assert set(stele["records"]) == set(stele["districts"])


def test_everything_of_a_replay_is_marked_as_an_exercise() -> None:
    steles = [event for event in events(of_scenario(load("snow"))) if isinstance(event, SteleRecord)]
    assert steles
    assert all(record.exercise and record.stage == "replay" for record in steles)


def test_a_replay_never_runs_in_the_live_stage() -> None:
    with pytest.raises(ValueError, match="stage of its own"):
        settings_of(None, ["dwd"], "live")


# -- material -------------------------------------------------------------------------------------------------------


def test_a_folder_of_a_storys_zips_tells_what_the_story_tells(tmp_path: Path) -> None:
    story = load("outage")
    write_story(story, tmp_path)
    from_folder = told(find([str(tmp_path)]))
    assert from_folder == told(of_scenario(story))


def test_zips_in_folders_by_day_and_source_are_found(tmp_path: Path) -> None:
    story = load("two-feeds")
    write_story(story, tmp_path)
    sources = sorted({step.source for step in story.steps})
    whole = told(of_scenario(story))
    by_name = find([f"{source}={tmp_path / source}" for source in sources])
    by_settings = find([str(tmp_path)], sources)
    for material in (by_name, by_settings):
        assert material.sources == tuple(sources)
        assert told(material) == [line for line in whole if datetime.fromisoformat(line["at"]) <= material.end]


def test_the_archive_itself_tells_what_the_story_told(tmp_path: Path) -> None:
    story = load("storm")
    settings = settings_of(None, ["dwd"])
    archive = Archive(tmp_path, matcher_for(settings))
    for step in story.steps:
        archive.keep("dwd", step.at, step.bundle)
    assert told(find([str(tmp_path)])) == told(of_scenario(story))


def test_a_snapshot_of_the_dwd_is_replayed_under_its_dated_name(tmp_path: Path, dwd_messages: DwdMessages) -> None:
    (tmp_path / "elsewhere").write_bytes(dwd_messages.test)
    at = datetime(2024, 4, 23, 12, 0, tzinfo=UTC)
    (tmp_path / file_name(at)).symlink_to(tmp_path / "elsewhere")
    heard = events(find([str(tmp_path)]))
    with zipfile.ZipFile(tmp_path / "elsewhere") as bundle:
        members = len(bundle.namelist())
    decided = [event.decision.outcome.decided for event in heard if isinstance(event, DecidedMessage)]
    assert len(decided) == members
    assert "rejected" not in decided


def test_a_part_of_the_time_begins_with_nothing_known(tmp_path: Path) -> None:
    material = of_scenario(load("storm"))
    later = material.start + timedelta(minutes=60)
    part = material.between(later, None)
    lines = told(part)
    assert lines[0]["status"] == "no_data"
    assert min(datetime.fromisoformat(line["at"]) for line in lines) == later
    assert any(line["channel"] == "push" and line["kind"] == "warn" for line in lines)


def test_a_time_without_snapshots_is_said_with_the_time_that_has_some() -> None:
    material = of_scenario(load("snow"))
    with pytest.raises(ReplayError, match="there are snapshots from 2027-01-10"):
        material.between(datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC))


def test_what_is_not_there_is_said_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", "utf-8")
    with pytest.raises(ReplayError, match="no ZIP with DWD's dated name"):
        find([str(tmp_path)])
    with pytest.raises(ReplayError, match=r"bundled stories are: .*bernd"):
        find([str(tmp_path / "none")])


def test_a_broken_zip_is_no_snapshot_and_ends_nothing(tmp_path: Path) -> None:
    story = load("outage")
    write_story(story, tmp_path)
    broken = tmp_path / file_name(story.start + timedelta(minutes=22))
    broken.write_bytes(b"PK\x03\x04 half")
    material = find([str(tmp_path)])
    refused = [event for event in events(material) if isinstance(event, Arrival) and event.error]
    assert [arrival.shot.name for arrival in refused] == [broken.name]
    assert "no whole ZIP" in refused[0].error
    assert told(material) == told(of_scenario(story))


def test_a_message_is_read_once_however_many_snapshots_list_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []

    def counted(body: bytes, **_: object) -> Alert:
        bodies.append(body)
        return read_alert(body)

    monkeypatch.setattr("warnsys.replay.read.read_alert", counted)
    told(of_scenario(load("black-ice")))
    assert len(bodies) == len(set(bodies)) == 5


def test_other_bytes_under_the_same_name_are_another_message(tmp_path: Path) -> None:
    story = load("snow")
    first, second = story.steps[0], story.steps[1]
    with zipfile.ZipFile(io.BytesIO(second.bundle)) as bundle:
        (name,) = bundle.namelist()
        body = bundle.read(name)
    (tmp_path / file_name(first.at)).write_bytes(first.bundle)
    with zipfile.ZipFile(tmp_path / file_name(second.at), "w") as changed:
        changed.writestr(name, body.replace(b"<severity>Moderate", b"<severity>Severe"))
    decided = [event.decision.outcome for event in events(find([str(tmp_path)])) if isinstance(event, DecidedMessage)]
    assert [outcome.meanings[0].severity for outcome in decided] == ["Moderate", "Severe"]


def test_time_passes_by_whole_minutes_and_with_each_snapshot() -> None:
    story = load("black-ice")  # one message comes at half a minute
    steps = list(script(of_scenario(story), "replay"))
    ticks = [step for step in steps if isinstance(step, datetime)]
    assert ticks == sorted(ticks)
    assert (ticks[0], ticks[-1]) == (story.start, story.end)
    assert {moment.second for moment in ticks} == {0, 30}
    for before, after in itertools.pairwise(steps):
        if isinstance(after, Arrival):
            assert before == after.at if isinstance(before, datetime) else before.at == after.at


# -- differences ----------------------------------------------------------------------------------------------------


def test_another_minimum_of_push_is_a_readable_difference() -> None:
    material = of_scenario(load("storm"))
    settings = settings_of(None, material.sources)
    header, after = read_tape(played(material, with_policy(settings, "push", "Severe")))
    found = differences(told(material, settings), after)
    assert {(one.channel, one.audience) for one in found} == {("push", "public")}
    text = "\n".join(as_lines(found, header))
    assert "2027-07-14 14:10  Solingen, the whole city: push, public" in text
    assert "before  warn (entered): THUNDERSTORM, level 2, from 2027-07-14 14:10 until 2027-07-14 15:10" in text
    assert "after   nothing" in text


def test_a_notice_that_names_one_district_less_is_a_difference_there_only() -> None:
    lines = story_told("snow")[1]
    fewer = [
        {**line, "districts": [d for d in line["districts"] if d != "solingen-3"]}
        if line["channel"] == "push" and line["audience"] == "public"
        else line
        for line in lines
    ]
    found = differences(lines, fewer)
    assert {one.districts for one in found} == {("solingen-3",)}
    assert all(one.after is None for one in found)


def test_a_notice_that_comes_later_is_told_with_both_times() -> None:
    lines = story_told("snow")[1]
    late = [
        {**line, "at": line["at"].replace("17:00:00", "17:07:00")} if line["channel"] == "push" else line
        for line in lines
    ]
    found = differences(lines, late)
    assert found
    assert {(one.before or {}).get("at", "")[11:16] or (one.after or {})["at"][11:16] for one in found} == {
        "17:00", "17:07"
    }  # fmt: skip


def test_same_notices_in_another_order_of_districts_are_no_difference() -> None:
    lines = story_told("rhineland")[1]
    split = [{**line, "districts": [d]} for line in lines for d in reversed(line["districts"])]
    assert differences(lines, split) == []


def test_a_file_that_is_no_replay_is_refused_with_the_line() -> None:
    with pytest.raises(ValueError, match="no header"):
        read_tape(json.dumps({"at": "now"}))
    with pytest.raises(ValueError, match="line 2 is no JSON"):
        read_tape('{"kind":"replay"}\n{')
