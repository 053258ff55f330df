"""What the finder of double names finds, and that its list of what is meant is true."""

import ast

import pytest

from tools.double_names import MEANT, Double, complaints, doubles, main


def found(**sources: str) -> dict[str, Double]:
    trees = {f"{name}.py": ast.parse(source) for name, source in sources.items()}
    return {f"{double.kind} {double.name}": double for double in doubles(trees)}


def test_a_class_of_the_same_name_in_two_modules_is_told_with_its_places() -> None:
    said = found(one="class Place:\n    '''A city.'''", two="class Place:\n    '''A partition.'''")
    assert [str(use) for use in said["type Place"].uses] == ["one.py:1 (A city.)", "two.py:1 (A partition.)"]


def test_an_alias_and_a_class_of_one_name_are_two_things() -> None:
    assert "type Told" in found(one="Told = dict[str, int]", two="class Told: ...")


def test_a_constant_is_no_type() -> None:
    assert found(one="Limit = 3\nMIB = int", two="Limit = 4\nMIB = int") == {}


def test_private_functions_and_commands_are_left_out() -> None:
    command = "@app.command('show')\ndef show(): ..."
    assert found(one=f"def _plain(): ...\n{command}", two=f"def _plain(): ...\n{command}") == {}


def test_public_functions_of_one_name_are_told() -> None:
    assert "function changes" in found(one="def changes(): ...", two="async def changes(): ...")


def test_a_value_of_two_of_our_types_has_two_senses() -> None:
    said = found(
        one="class City: ...\nclass Spot: ...\ndef at(place: City): ...", two="def on(place: list[Spot], n: int): ..."
    )
    assert [use.what for use in said["value place"].uses] == ["City", "list[Spot]"]


def test_a_container_of_the_same_type_is_the_same_sense() -> None:
    assert found(one="class City: ...\ndef at(place: City): ...", two="def on(place: list[City]): ...") == {}


def test_what_is_meant_has_a_reason() -> None:
    assert all(len(reason.split()) > 2 for reason in MEANT.values())


def test_a_double_name_that_is_neither_meant_nor_planned_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.double_names.MEANT", {"type Area": "geometry and CAP"})
    said = found(one="class Area: ...\nclass Place: ...", two="class Area: ...\nclass Place: ...").values()
    assert list(complaints(said, {"type Place"})) == []
    assert [line.partition(":")[0] for line in complaints(said, set())] == ["type Place"]


def test_what_was_renamed_has_to_leave_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.double_names.MEANT", {"type Area": "geometry and CAP"})
    assert list(complaints([], {"function moment"})) == [
        "function moment: single by now; take it out of the glossary",
        "type Area: single by now; take it out of MEANT",
    ]


def test_what_is_meant_is_left_out_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert "type Area" not in capsys.readouterr().out
    main(["--all"])
    assert "type Area: meant, CAP's element" in capsys.readouterr().out
