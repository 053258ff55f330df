"""What names a message has a length, and what a message says of others has a number."""

import time

import pytest

from tests.cap.oddities import message, swap, update
from warnsys.cap import CapError, dwd, read_alert
from warnsys.cap.quantities import quantity
from warnsys.cap.read import MAX_NAME, MAX_REFERENCES


@pytest.mark.parametrize("unit", [".DWD.", ".DWD", "a.", "\n.DWD."])
def test_an_identifier_costs_what_its_length_deserves(unit: str) -> None:
    before = time.process_time()
    dwd.without_language("a" + unit * 50_000 + "\0")
    assert time.process_time() - before < 0.1


@pytest.mark.parametrize(
    ("identifier", "base"),
    [
        ("2.49.0.0.276.0.DWD.PVW.1.MUL", "2.49.0.0.276.0.DWD.PVW.1"),
        ("a.DWD.b.DEU", "a.DWD.b"),
        ("a.DWD..DWD.DEU", "a.DWD..DWD"),
        (".DWD.a.DWD.b.ENG", ".DWD.a.DWD.b"),
        *(
            (same, same)
            for same in (".DWD.b.DEU", "a.DWD.DEU", "a.DWD.b.deu", "a.DWD.b.ÄÖÜ", "a.DWD.b.DEUT", "DEU", "")
        ),
        *((same, same) for same in ("a.DWD..DEU", "a\n.DWD.b.DEU", "a.DWD.b.MUL.x")),
    ],
)
def test_only_a_language_behind_dwds_name_is_taken_off(identifier: str, base: str) -> None:
    assert dwd.without_language(identifier) == base


@pytest.mark.parametrize("element", ["identifier", "sender"])
def test_a_name_longer_than_any_real_one_is_refused_with_its_length(element: str) -> None:
    old = {"identifier": "<identifier>A<", "sender": "<sender>s@example.org<"}[element]
    alert = read_alert(message(swap(old, f"<{element}>{'x' * MAX_NAME}<")))
    assert "x" * MAX_NAME in (alert.identifier, alert.sender)
    with pytest.raises(CapError, match=f"name-long at /alert/{element}: {MAX_NAME + 1} characters"):
        read_alert(message(swap(old, f"<{element}>{'x' * (MAX_NAME + 1)}<")))


def of(count: int, minute: int = 0) -> str:
    return " ".join(f"s,B{n},2027-07-{1 + n % 14:02}T12:{minute:02}:00+02:00" for n in range(count))


def test_as_many_references_as_may_be_are_all_kept_also_where_some_are_repeated() -> None:
    many = f"{of(MAX_REFERENCES)} {of(MAX_REFERENCES)}"
    for msg_type in ("Update", "Cancel"):
        alert = read_alert(message(update(many, msg_type)))
        assert len(alert.references) == MAX_REFERENCES
        assert not alert.findings


def test_of_an_update_with_too_many_references_the_newest_are_kept_and_it_says_so() -> None:
    older = " ".join(f"s,OLD{n},2027-07-01T00:00:00Z" for n in range(2_000))
    alert = read_alert(message(update(f"s,FIRST,2027-07-14T11:59:00+02:00 {older} s,UNTIMED,")))
    kept = [reference.identifier for reference in alert.references]
    assert len(kept) == MAX_REFERENCES
    assert (kept[0], kept[1], kept[-1]) == ("FIRST", f"OLD{2_000 - MAX_REFERENCES + 2}", "UNTIMED")
    assert "references-cut" in {finding.code for finding in alert.findings}


def test_a_cancel_of_too_many_messages_ends_none_and_is_refused() -> None:
    with pytest.raises(CapError, match=f"references-many at /alert/references: {MAX_REFERENCES + 1} references"):
        read_alert(message(update(of(MAX_REFERENCES + 1), "Cancel")))


def test_a_thousand_findings_of_one_kind_are_kept_as_a_hundred() -> None:
    alert = read_alert(message(swap("</area>", "<polygon/>" * 1_000 + "</area>")))
    assert [finding.code for finding in alert.findings].count("polygon-empty") <= 100


def test_what_an_error_quotes_is_cut() -> None:
    with pytest.raises(CapError) as refused:
        read_alert(message(swap("2027-07-14T18:00:00+02:00", "x" * 1_000_000)))
    assert len(str(refused.value)) < 1_500


def test_a_parameter_too_long_to_be_one_is_kept_as_text() -> None:
    before = time.process_time()
    assert not quantity("gusts", "55 " + " " * 100_000 + "x in").known
    assert not quantity("gusts", "55" + " a" * 100_000).known
    assert time.process_time() - before < 0.1
