"""What the settings say of gateways: `[gateways.NAME]` with its targets, each of a kind that a file describes."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from warnsys import registry
from warnsys.outside import SECRETS

NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
"""Also as a part of an environment variable, where `__` separates parts."""
LIVE = "live"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TargetSettings(_Strict):
    """What every target has; its kind adds keys of its own."""

    kind: str
    stage: str = LIVE
    """The environment that the receiver belongs to: a gateway of another one refuses to start."""
    audiences: tuple[Literal["public", "staff"], ...] = ()
    """Whose notices it gets; of a stele's records it gets all."""
    cities: tuple[str, ...] = ()
    """By id; all where none is named."""
    at_once: int = Field(10, ge=1, le=1000)
    """How many calls may be in flight."""
    rate_per_s: float = Field(0, ge=0)
    """How many calls may begin in a second; 0 for no limit."""
    timeout_s: float = Field(10, gt=0, le=60)
    """After so long without an answer a call counts as unknown."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Whom it reaches: no two environments may reach the same."""
        raise NotImplementedError


def _of_its_kind(given: Any) -> Any:
    """Checks a target's table by the model of its kind."""
    if isinstance(given, TargetSettings) or not isinstance(given, Mapping):
        return given
    kind, known = given.get("kind"), registry.TARGETS.names()
    if kind not in known:
        raise PydanticCustomError(
            "kind", "kind {kind} is none of {known}; write one of them", {"kind": repr(kind), "known": ", ".join(known)}
        )
    return registry.TARGETS.get(kind).settings.model_validate(given)


AnyTarget = Annotated[TargetSettings, BeforeValidator(_of_its_kind)]


class GatewaySettings(_Strict):
    """One gateway: a channel, and the targets that its notices are brought to."""

    channel: str
    ledger: str = ""
    """Where it remembers: an SQLAlchemy URL of SQLite or PostgreSQL. By default a file of SQLite, NAME.db, in systemd's
    STATE_DIRECTORY or beside the settings file."""
    password: SecretStr | None = None
    """Of the ledger's database; never in the settings file."""
    targets: dict[Annotated[str, Field(pattern=NAME)], AnyTarget] = Field(min_length=1)

    @field_validator("channel")
    @classmethod
    def _known_channel(cls, name: str) -> str:
        if name not in (known := registry.CHANNELS.names()):
            raise ValueError(f"there is no channel {name!r}; write one of {', '.join(known)}")
        return name

    @model_validator(mode="after")
    def _targets_fit(self) -> "GatewaySettings":
        tells = registry.CHANNELS.get(self.channel).word is not None
        for name, target in self.targets.items():
            kind = registry.TARGETS.get(target.kind)
            if kind.channels is not None and self.channel not in kind.channels:
                raise ValueError(
                    f"targets.{name}: a target of kind {kind.name} takes {', '.join(sorted(kind.channels))}, "
                    f"not {self.channel}; choose another channel or kind"
                )
            if tells and not target.audiences:
                raise ValueError(
                    f'targets.{name}: say whose notices it gets: audiences = ["staff"], ["public"] or both'
                )
        return self


Gateways = dict[Annotated[str, Field(pattern=NAME)], GatewaySettings]


def shared_address(gateways: Gateways) -> str:
    """Gives two targets of different environments that reach the same receiver, as a sentence; else ""."""
    found: dict[str, tuple[str, str]] = {}
    for gateway, settings in gateways.items():
        for name, target in settings.targets.items():
            place = f"gateways.{gateway}.targets.{name}"
            for address in target.addresses:
                stage, first = found.setdefault(address, (target.stage, place))
                if stage != target.stage:
                    return f"{first} and {place} reach the same receiver from {stage} and {target.stage}; take one out"
    return ""


def secrets_in(gateways: Any) -> Iterator[str]:
    """Gives the places of a settings file where a secret of a gateway stands."""
    for gateway, table in gateways.items() if isinstance(gateways, Mapping) else ():
        tables = {gateway: table}
        if isinstance(table, Mapping) and isinstance(table.get("targets"), Mapping):
            tables |= {f"{gateway}.targets.{name}": target for name, target in table["targets"].items()}
        for place, each in tables.items():
            if isinstance(each, Mapping):
                yield from (f"gateways.{place}.{key}" for key in SECRETS & each.keys())
