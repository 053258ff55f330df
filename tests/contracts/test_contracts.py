"""The contracts in docs/contracts: examples that hold, drift that is noticed, room to grow."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, Field

from tools.contracts import documents, samples
from tools.contracts.__main__ import FOLDER, main, write
from tools.contracts.kinds import TOPICS, Kind, kinds
from tools.contracts.schemas import schema_of
from warnsys import records
from warnsys.cap import read_alert

MODELS = {kind.slug: kind for kind in kinds() if kind.model}


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    return documents.files()


@pytest.mark.parametrize("slug", [*MODELS, "alert-headers"])
def test_every_example_validates_against_its_schema(wanted: dict[str, str], slug: str) -> None:
    schema = json.loads(wanted[f"schemas/{slug}.schema.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    _validate(json.loads(wanted[f"examples/{slug}.json"]), schema)


@pytest.mark.parametrize("path", sorted((FOLDER / "examples").glob("*.json")), ids=lambda path: path.stem)
def test_every_example_on_file_validates_against_the_schema_on_file(path: Path) -> None:
    schema = json.loads((FOLDER / "schemas" / f"{path.stem}.schema.json").read_text("utf-8"))
    _validate(json.loads(path.read_text("utf-8")), schema)


@pytest.mark.parametrize("slug", MODELS)
def test_every_example_is_read_by_the_product_and_written_as_it_was(wanted: dict[str, str], slug: str) -> None:
    model, text = MODELS[slug].model, wanted[f"examples/{slug}.json"]
    assert model is not None
    assert issubclass(model, records.Record)
    assert json.loads(model.from_bytes(text.encode()).to_bytes()) == json.loads(text)


@pytest.mark.parametrize("slug", MODELS)
def test_a_field_that_a_later_release_adds_breaks_no_schema(wanted: dict[str, str], slug: str) -> None:
    later = {**json.loads(wanted[f"examples/{slug}.json"]), "added_later": {"any": ["thing"]}}
    _validate(later, json.loads(wanted[f"schemas/{slug}.schema.json"]))


def test_a_record_without_a_required_field_breaks_its_schema(wanted: dict[str, str]) -> None:
    example = json.loads(wanted["examples/stele-record.json"])
    del example["valid_until"]
    with pytest.raises(jsonschema.ValidationError, match="valid_until"):
        _validate(example, json.loads(wanted["schemas/stele-record.schema.json"]))


def test_the_asyncapi_document_says_the_same_of_every_example(wanted: dict[str, str]) -> None:
    document = yaml.safe_load(wanted["asyncapi.yaml"])
    payloads = [message for channel in document["channels"].values() for message in channel["messages"].values()]
    for message in payloads:
        for example in message.get("examples", ()):
            schema = {"components": document["components"], **message["payload"]}
            jsonschema.Draft7Validator(schema).validate(example["payload"])
    assert sum("examples" in message for message in payloads) == sum(bool(kind.model) for kind in kinds())


def test_every_topic_is_in_the_document_with_its_settings(wanted: dict[str, str]) -> None:
    document = yaml.safe_load(wanted["asyncapi.yaml"])
    assert list(document["channels"]) == [topic.name for topic in TOPICS.all()]
    settings = document["channels"]["warn.stele"]["bindings"]["kafka"]["topicConfiguration"]
    assert settings == {"cleanup.policy": ["compact"], "max.message.bytes": TOPICS.stele.max_bytes}


def test_the_example_of_a_cap_message_is_read(wanted: dict[str, str]) -> None:
    outcome = json.loads(wanted["examples/outcome.json"])
    alert = read_alert(wanted["examples/alert.xml"].encode())
    assert alert.identifier.startswith(outcome["base_id"])


def test_every_example_is_marked_as_an_exercise(wanted: dict[str, str]) -> None:
    for slug, kind in MODELS.items():
        example = json.loads(wanted[f"examples/{slug}.json"])
        assert example.get("stage") != "live"
        assert example.get("exercise", True) is True, kind


def test_fresh_files_show_no_drift_and_what_is_written_by_hand_stays(tmp_path: Path, wanted: dict[str, str]) -> None:
    (tmp_path / "README.md").write_text("by hand", "utf-8")
    write(tmp_path, wanted)
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text("utf-8") == "by hand"


def test_a_changed_model_makes_the_check_fail_and_is_named(
    tmp_path: Path, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, wanted)

    class SmsNotice(records.SmsNotice):
        sender: str = ""

    changed = tuple(
        Kind(kind.topic, kind.key, SmsNotice, headers=kind.headers) if kind.model is records.SmsNotice else kind
        for kind in kinds()
    )
    monkeypatch.setattr(documents, "kinds", lambda: changed)
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "docs/contracts/schemas/sms-notice.schema.json: differs from the models" in said
    assert "docs/contracts/asyncapi.yaml: differs from the models" in said
    assert "push-notice" not in said


def test_a_file_that_no_record_has_any_more_is_a_drift(
    tmp_path: Path, wanted: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, wanted)
    (tmp_path / "schemas/gone.schema.json").write_text("{}", "utf-8")
    (tmp_path / "examples/tick.json").unlink()
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "schemas/gone.schema.json: no record has it any more" in said
    assert "examples/tick.json: missing" in said


def test_a_kind_without_an_example_is_named_with_the_remedy() -> None:
    class Unheard(records.Record):
        stage: str

    with pytest.raises(samples.NoExampleError, match="no example of Unheard: add one to ORDERED"):
        samples.example(Unheard)


def test_a_field_that_never_travels_stands_in_no_schema() -> None:
    class Inner(BaseModel):
        said: int
        """Is told."""
        kept: int = Field(0, exclude=True)

    class Outer(BaseModel):
        inner: tuple[Inner, ...] = ()

    found: dict[str, Any] = schema_of(Outer)["$defs"]["Inner"]["properties"]
    assert found == {"said": {"title": "Said", "type": "integer", "description": "Is told."}}


def _validate(example: Any, schema: Any) -> None:
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(example)
