"""The event streams in the contracts: every event has a schema, and an example that holds."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from tests.web.described import EVERYTHING, STREAM, check_event, content_of, names_of
from tools.contracts import documents, samples
from tools.contracts.__main__ import FOLDER
from warnsys import registry
from warnsys.channels import push
from warnsys.records import PushNotice
from warnsys.warning.policy import Rule
from warnsys.web.event_stream import stream_events
from warnsys.web.telling import EventKind

ALL = {one.name for one in stream_events()}
PUBLIC = {one.name for one in stream_events() if one.public}


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    return documents.files()


def test_every_kind_of_event_that_a_process_tells_is_described() -> None:
    assert set(get_args(EventKind)) | {"hello", "reload", "ping"} == ALL


@pytest.mark.parametrize(
    ("file", "path", "names"),
    [("openapi-public.json", STREAM, PUBLIC), ("openapi.json", STREAM, PUBLIC), ("openapi.json", EVERYTHING, ALL)],
)
def test_an_example_of_each_event_is_as_the_openapi_document_says(file: str, path: str, names: set[str]) -> None:
    document = json.loads((FOLDER / file).read_text("utf-8"))
    assert names_of(document, path) == names
    examples = content_of(document, path)["examples"]
    assert set(examples) == names
    for example in examples.values():
        check_event(document, path, example["value"])


def test_an_event_without_its_id_or_with_one_of_another_form_breaks_the_schema() -> None:
    document = json.loads((FOLDER / "openapi-public.json").read_text("utf-8"))
    good = content_of(document, STREAM)["examples"]["stele"]["value"]
    for changed in ({"id": "7"}, {"id": ""}, {"event": "other"}, {"data": '{"items": []}'}):
        with pytest.raises(jsonschema.ValidationError):
            check_event(document, STREAM, {**good, **changed})


def test_the_asyncapi_document_says_the_same(wanted: dict[str, str]) -> None:
    document = yaml.safe_load(wanted["asyncapi-stream.yaml"])
    assert [one["address"] for one in document["channels"].values()] == [STREAM, EVERYTHING]
    messages = [list(channel["messages"].values()) for channel in document["channels"].values()]
    assert [{one["name"] for one in each} for each in messages] == [PUBLIC, ALL]
    for message in (one for each in messages for one in each):
        (example,) = message["examples"]
        payload: dict[str, Any] = {"components": document["components"], **message["payload"]}
        jsonschema.Draft7Validator(payload).validate(example["payload"])
        jsonschema.Draft7Validator(message["headers"]).validate(example["headers"])


def test_every_example_of_an_event_is_marked_as_an_exercise(wanted: dict[str, str]) -> None:
    document = yaml.safe_load(wanted["asyncapi-stream.yaml"])
    for message in document["channels"]["operators"]["messages"].values():
        payload = message["examples"][0]["payload"]
        assert payload.get("stage") != "live"
        assert payload.get("exercise", True) is True


class LetterNotice(PushNotice):
    """What a channel for the staff alone tells."""


@pytest.fixture
def letter() -> Iterator[None]:
    """The last of all channels tells the staff only."""
    rules = (Rule(audience="staff", channel="letter", warnings="Minor"),)
    described = replace(
        push.CHANNEL, name="letter", order=999, record=LetterNotice, rules=rules,
        word=lambda *change: LetterNotice.model_validate(push.notice(*change).model_dump()),
    )  # fmt: skip
    for kept in (samples.told, samples.events):
        kept.cache_clear()
    with registry.CHANNELS.beside(described):
        yield
    for kept in (samples.told, samples.events):
        kept.cache_clear()


@pytest.mark.usefixtures("letter")
def test_the_example_of_a_notice_is_one_that_the_public_is_told() -> None:
    assert LetterNotice in {type(record) for record in samples.told()[1]}
    _, data = samples.events()["notice"]
    assert json.loads(data)["audience"] == "public"
