"""Says who is told what: the table that the settings lead to, a line for each audience and channel."""

from collections.abc import Iterator
from typing import get_args

from warnsys.cli.common import err
from warnsys.records import Audience
from warnsys.warning.policy import Policy, Rule, default_rules


def tell_policy(policy: Policy) -> None:
    """Prints the table to stderr, beside what a command writes."""
    for line in policy_table(policy):
        err.print(line, markup=False, highlight=False, soft_wrap=True)


def policy_table(policy: Policy) -> Iterator[str]:
    """Gives the lines of the table, each with where its rule comes from, and what an operator may not expect of it."""
    usual = default_rules()
    yield "Who is told what; never held back is what is Extreme and Immediate:"
    width = max((len(rule.name) for rule in policy.rules), default=0)
    for rule in policy.rules:
        yield f"  {rule.name:{width}}  {_told(rule)} ({'default' if rule in usual else 'settings'})"
    for audience in get_args(Audience):
        if not any(rule.audience == audience for rule in policy.rules):
            yield f"  {audience}: no channel tells them of anything; add a rule under [[policy.rules]]"
    own = {rule.name for rule in policy.rules if rule not in usual}
    filled = [rule.name for rule in policy.rules if rule in usual]
    if policy.defaults and own and filled:
        yield (
            f"  The defaults stand for what the settings may have no rule for: {', '.join(filled)}. Until 0.2 one own "
            "rule switched them off; to have that again, write defaults = false under [policy]."
        )


def _told(rule: Rule) -> str:
    """Says from which level on a rule tells of warnings and of advance notices, and which groups it leaves out."""
    warnings = "no warnings" if rule.warnings == "never" else f"warnings from {rule.warnings}"
    advance = "no advance notices" if rule.advance == "never" else f"advance notices from {rule.advance}"
    without = f", without {', '.join(rule.except_groups)}" if rule.except_groups else ""
    second = "" if rule.second == "never" else f", a second message with what to do from {rule.second}"
    languages = "" if rule.languages == ("de",) else f", in {', '.join(rule.languages)}"
    return f"{warnings}, {advance}{without}{second}{languages}"
