"""What the finder of double names finds, and that its list of what is meant is true."""

import ast

import pytest

from tools.double_names import MEANT, Double, doubles, main, modules


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


def test_what_is_meant_is_double_and_has_a_reason() -> None:
    doubled = {f"{double.kind} {double.name}" for double in doubles(modules())}
    assert MEANT.keys() <= doubled
    assert all(len(reason.split()) > 2 for reason in MEANT.values())


def test_what_is_meant_is_left_out_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert "type Area" not in capsys.readouterr().out
    main(["--all"])
    assert "type Area: meant, CAP's element" in capsys.readouterr().out
