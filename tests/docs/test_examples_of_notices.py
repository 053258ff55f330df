"""The examples of notices in docs/reference/topics.md are what the product says of its storm, were it a real one."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from warnsys.channels.registry import channel_of
from warnsys.records import ChangeNotice
from warnsys.replay.read import of_scenario
from warnsys.replay.run import Replay, ReplayEvent, settings_of
from warnsys.settings import LIVE
from warnsys.simulation.scenario import BUNDLED, load

PAGE = Path(__file__).parents[2] / "docs/reference/topics.md"


@pytest.fixture(scope="module")
def notices(tmp_path_factory: pytest.TempPathFactory) -> list[ChangeNotice]:
    """Of the storm, told live."""
    story = yaml.safe_load((BUNDLED / "storm.yaml").read_text("utf-8"))
    story["alerts"] = [{"status": "Actual", **alert} for alert in story["alerts"]]
    path = tmp_path_factory.mktemp("story") / "storm.yaml"
    path.write_text(yaml.safe_dump(story, allow_unicode=True), "utf-8")
    material, heard = of_scenario(load(path)), list[ReplayEvent]()
    settings = settings_of(None, material.sources).model_copy(update={"stage": LIVE})
    Replay(settings, heard.append).play(material)
    return [event for event in heard if isinstance(event, ChangeNotice)]


def alike(example: Any, value: Any) -> bool:
    """Where "…" stands in an example, anything may stand."""
    if isinstance(example, dict):
        return isinstance(value, dict) and all(alike(said, value.get(name)) for name, said in example.items())
    if isinstance(example, str):
        pattern = ".*".join(re.escape(part) for part in example.split("…"))
        return isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None
    return bool(example == value)


@pytest.mark.parametrize("channel", ["push", "sms"])
def test_the_example_of_a_notice_is_one_of_the_storm(channel: str, notices: list[ChangeNotice]) -> None:
    _, _, after = PAGE.read_text("utf-8").partition(f"**`warn.{channel}`**")
    example = json.loads(after.partition("```json\n")[2].partition("```")[0])
    said = [json.loads(one.to_bytes()) for one in notices if channel_of(one) == channel]
    raised = [one for one in said if (one["kind"], one["level"], one["audience"]) == ("update", 4, "public")]
    assert any(alike(example, one) for one in raised), json.dumps(raised, ensure_ascii=False, indent=1)
