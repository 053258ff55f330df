"""Circles of references, found as a plain search finds them."""

from hypothesis import given
from hypothesis import strategies as st

from warnsys.warning.circles import parts

graphs = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefghXY")), max_size=8)


def reached(references: dict[str, set[str]], start: str) -> set[str]:
    found, more = set[str](), {start}
    while more := {other for one in more for other in references.get(one, ())} - found:
        found |= more
    return found


@given(graphs)
def test_two_are_of_one_part_if_each_leads_to_the_other(references: dict[str, set[str]]) -> None:
    part = parts(references)
    assert part.keys() == references.keys()
    for one in references:
        for other in references.keys() - {one}:
            circle = other in reached(references, one) and one in reached(references, other)
            assert (part[one] == part[other]) == circle


def test_a_chain_may_be_longer_than_pythons_stack() -> None:
    chain = {f"A{n}": [f"A{n + 1}"] for n in range(20_000)}
    assert len(set(parts(chain).values())) == 20_000
    assert len(set(parts({**chain, "A20000": ["A0"]}).values())) == 1
