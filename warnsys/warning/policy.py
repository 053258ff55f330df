"""Who is told what: the settings by audience, channel and event group, and the questions that they answer.

Each channel's file has its default rules (`CHANNEL.rules`): public push from Moderate and public SMS from Severe,
without advance notices; staff from Moderate and Severe, with advance notices from Severe. FROST, FOG, HEAT and UV never
reach public SMS or a full screen.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from warnsys import registry
from warnsys.cap.model import level
from warnsys.records import Audience, Meaning, Presentation

Channel = str
"""The name of a channel that tells changes (`warnsys.channels.registry.tellers`)."""
Language = Literal["de", "en"]
"""Those of the channels' texts."""
Minimum = Literal["Minor", "Moderate", "Severe", "Extreme", "never"]

QUIET_GROUPS = ("FROST", "FOG", "HEAT", "UV")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Strict):
    """From which severity on one channel tells one audience."""

    audience: Audience
    channel: Channel
    warnings: Minimum
    advance: Minimum = "never"
    except_groups: tuple[str, ...] = ()
    """Event groups that this channel never tells this audience."""
    second: Literal["Extreme", "never"] = "never"
    """From which level on a second message says what to do, on a channel whose messages are short: SMS."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("de",)
    """In which languages a channel tells it whose records have one; a message each. Others have all in one record."""

    @field_validator("languages")
    @classmethod
    def _each_once(cls, languages: tuple[Language, ...]) -> tuple[Language, ...]:
        return tuple(dict.fromkeys(languages))

    @property
    def name(self) -> str:
        """Whom it is for: "public push". A rule of the settings stands in place of the default of its name."""
        return f"{self.audience} {self.channel}"

    @property
    def more_records(self) -> bool:
        """Whether it asks for more than one record in German for each change."""
        return self.second != "never" or self.languages != ("de",)

    def leaves_out(self, meaning: Meaning) -> bool:
        """Says whether this audience is never told of such a meaning here, not even as what is left of a worse one.

        Urgency Past means that the danger is over. The public has nothing more to do, so only screens show it.
        """
        if meaning.advance:
            return self.advance == "never"
        return meaning.urgency == "Past" and self.audience == "public"

    def never_names(self, meaning: Meaning) -> bool:
        """Says whether this audience is not told of such a meaning here, however bad it is: also where it goes on
        beside an end. Something of a group that is not told is told, and so named, if it is never held back."""
        return self.leaves_out(meaning) or (meaning.group in self.except_groups and not self.tells(meaning))

    def tells(self, meaning: Meaning) -> bool:
        """Says whether this channel tells this audience of a meaning."""
        if meaning.severity == "Extreme" and meaning.urgency == "Immediate":
            return True  # never held back
        least = self.advance if meaning.advance else self.warnings
        if least == "never" or meaning.group in self.except_groups or self.leaves_out(meaning):
            return False
        return level(meaning.severity) >= level(least)


class Rules(Rule):
    """Several rules of one name, which hold together: what one of them tells is told."""

    each: tuple[Rule, ...]

    @classmethod
    def of(cls, each: Iterable[Rule]) -> Rule:
        """Gives rules of one name as one rule; a rule alone is that rule."""
        first, *others = each
        if not others:
            return first
        return cls(audience=first.audience, channel=first.channel, warnings=first.warnings, each=(first, *others))

    def that_tell(self, meaning: Meaning) -> Rule:
        """Gives the same with the languages and second messages of those rules alone that tell a meaning."""
        some = [rule for rule in self.each if rule.tells(meaning)] or self.each
        languages = tuple(dict.fromkeys(language for rule in some for language in rule.languages))
        second = "Extreme" if any(rule.second != "never" for rule in some) else "never"
        return self.model_copy(update={"languages": languages, "second": second})

    def leaves_out(self, meaning: Meaning) -> bool:
        return all(rule.leaves_out(meaning) for rule in self.each)

    def never_names(self, meaning: Meaning) -> bool:
        return all(rule.never_names(meaning) for rule in self.each)

    def tells(self, meaning: Meaning) -> bool:
        return any(rule.tells(meaning) for rule in self.each)


def default_rules() -> tuple[Rule, ...]:
    """Gives the rules that the channels' files have, in the order of audiences."""
    each: list[Rule] = [rule for one in registry.CHANNELS.all() for rule in one.rules]
    return _in_order(each)


def _in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    channels = [one.name for one in registry.CHANNELS.all()]
    return tuple(
        sorted(rules, key=lambda rule: (get_args(Audience).index(rule.audience), channels.index(rule.channel)))
    )


def _known(rule: Rule) -> Rule:
    tellers = {one.name: one for one in registry.CHANNELS.all() if one.word}
    if rule.channel not in tellers:
        raise ValueError(f"there is no channel {rule.channel!r} that tells what changes; take {' or '.join(tellers)}")
    if rule.more_records and not tellers[rule.channel].beside:
        raise ValueError(f"{rule.channel} says all that in one record; leave out second and languages")
    return rule


class Policy(_Strict):
    rules: tuple[Annotated[Rule, AfterValidator(_known)], ...] = Field(default_factory=default_rules)
    defaults: bool = True
    """Whether, in the settings, the default rules stand for each audience and channel that `rules` has nothing for."""
    retell_after_min: int = Field(30, ge=1)
    """A begin or end that moved by more minutes than this is told again, however many messages moved it."""
    banner_from: Minimum = "Moderate"
    full_from: Minimum = "Severe"
    near_onset_min: int = Field(60, ge=0)
    """Minutes before its onset from which a warning may take over a screen."""
    never_full: tuple[str, ...] = QUIET_GROUPS
    stele_valid_s: int = Field(180, ge=60)
    """How long a stele may show a record; the present one is sent again every third of this."""

    @model_validator(mode="after")
    def _reaches_somebody(self) -> "Policy":
        if not self.rules and not self.defaults:
            raise ValueError(
                "nobody would be told of a warning that is Extreme and Immediate: there is no rule; add one with "
                "audience, channel and warnings, or take out defaults = false"
            )
        return self

    def over_defaults(self) -> "Policy":
        """Gives this policy with the default rules of each audience and channel that it has no rule for."""
        own = {rule.name for rule in self.rules}
        beside = [rule for rule in default_rules() if rule.name not in own]
        if not self.defaults or not beside:
            return self
        return self.model_copy(update={"rules": _in_order((*self.rules, *beside))})

    @property
    def channels(self) -> frozenset[str]:
        """The channels that have a rule."""
        return frozenset(rule.channel for rule in self.rules)

    @property
    def rules_by_name(self) -> Iterator[Rule]:
        """Gives one rule for each audience and channel: several of one name as one (`Rules`)."""
        by_name: dict[str, list[Rule]] = {}
        for rule in self.rules:
            by_name.setdefault(rule.name, []).append(rule)
        return map(Rules.of, by_name.values())

    def only(self, channels: Collection[str]) -> "Policy":
        """Gives this policy with the rules of some channels only."""
        rules = tuple(rule for rule in self.rules if rule.channel in channels)
        return self if rules == self.rules else self.model_copy(update={"rules": rules})

    def presentation(self, meaning: Meaning, now: datetime) -> Presentation:
        """How much of a screen a warning takes: severity × urgency × time to onset."""
        far = meaning.onset - now > timedelta(minutes=self.near_onset_min)
        if meaning.advance or far or meaning.urgency == "Past":
            return "tile"
        rank = level(meaning.severity)
        if self.full_from != "never" and rank >= level(self.full_from) and meaning.group not in self.never_full:
            return "full"
        if self.banner_from != "never" and rank >= level(self.banner_from):
            return "banner"
        return "tile"
