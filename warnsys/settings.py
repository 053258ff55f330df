"""Everything a city sets: one TOML file, each value also from the environment (`WARNSYS_BROKER__URL=…`).

Checked as a whole at start; an error names the key, what was expected, and what stands there.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from geofences.match import Least
from warnsys import outside, registry
from warnsys.cap.bundle import MAX_BUNDLE_BYTES
from warnsys.cap.document import ZONE
from warnsys.disk import disk_says
from warnsys.gateways import Gateways, secrets_in, shared_address
from warnsys.nearest import no_such_key
from warnsys.warning.policy import Policy

DWD_URL = (
    "https://opendata.dwd.de/weather/alerts/cap/COMMUNEUNION_EVENT_STAT/"
    "Z_CAP_C_EDZW_LATEST_PVW_STATUS_PREMIUMEVENT_COMMUNEUNION_MUL.zip"
)
DWD_SENDERS = ("opendata@dwd.de", "CAP@dwd.de")
LIVE = "live"
ENVIRONMENT_PREFIX = outside.PREFIX
FILE = Path("warnsys.toml")
PASSWORD = "WARNSYS_BROKER__PASSWORD"  # noqa: S105 - the name of the variable
TLS_FILES = ("ca", "cert", "key")
EXAMPLE = "//example.org"
"""In a link that nobody has written yet: it leads nowhere."""


class SettingsError(ValueError):
    """The settings cannot be used; the message says which key and what to write there."""


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{value!r} is no time zone; write one like 'Europe/Berlin'") from error


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class City(_Strict):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str = Field(min_length=1)
    geofences: Path
    """GeoJSON of its districts; a relative path counts from the settings file."""
    warn_cells: tuple[Annotated[str, Field(pattern=r"^\d{9}$")], ...] = ()
    """Cells of districts whose feature lists none."""
    timezone: Annotated[ZoneInfo, BeforeValidator(_zone)] = ZoneInfo("Europe/Berlin")
    link: str = f"https:{EXAMPLE}/warnungen"
    """Where a push leads, and the QR code of a stele; the city's id and the district's are put in place of {city} and
    {district}."""


class Source(_Strict):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    url: str = Field("", pattern=r"^(https?://\S+)?$")
    """Of a ZIP of CAP messages whose name or Last-Modified says its time."""
    folder: Path | None = None
    """Instead of an address: the city's own CAP files; a relative path counts from the settings file."""
    kind: str = ""
    """How it is polled; by default `folder` for a folder, `zip` for an address. Others are files of warnsys/feeds."""
    redirect_hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d+)?$")], ...] = ()
    """Hosts, each with its port where it is not the usual one, to which the server may redirect beside itself."""
    poll_s: float = Field(20, gt=0)
    connect_s: float = Field(5, gt=0)
    read_s: float = Field(10, gt=0)
    """Longest wait for the answer's next bytes."""
    total_s: float = Field(60, gt=0)
    """Longest wait for a whole answer."""
    max_bytes: int = Field(MAX_BUNDLE_BYTES, gt=0, le=MAX_BUNDLE_BYTES)
    """Of one answer."""
    republish_s: float = Field(600, gt=0)
    """After so long everything current is published again: always harmless, and it heals."""
    stale_after_s: float = Field(900, gt=0)
    min_share: float = Field(0.01, ge=0, le=1)
    """Least part of a district that an outline without warn cells must cover."""
    min_part: float = Field(Least().part, ge=0, le=1)
    """Least part of one outline or circle that must lie in a district of which it covers less: for small places."""
    timezone: Annotated[ZoneInfo, BeforeValidator(_zone)] = ZONE
    """Whose clocks are meant where a message writes a time without an offset."""
    senders: tuple[str, ...] | None = None
    """Whose messages are taken; [] takes everybody's. By default the DWD's from a `zip`, everybody's of a folder; a
    source of another kind at an address has to say it."""

    @property
    def allowed_senders(self) -> tuple[str, ...]:
        """Empty for everybody."""
        if self.senders is None:
            return () if self.folder else DWD_SENDERS
        return self.senders

    @property
    def usual_kind(self) -> str:
        return "folder" if self.folder else "zip"

    @field_validator("kind")
    @classmethod
    def _known(cls, name: str) -> str:
        if name and name not in (names := registry.SOURCES.names()):
            raise ValueError(f"no source is polled so; write one of {', '.join(names)}")
        return name

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        if bool(self.url) == bool(self.folder):
            raise ValueError("a source has either url or folder; write one of the two")
        return self

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Source":
        if not self.kind:
            return self
        wanted = registry.SOURCES.get(self.kind).place_key
        if not getattr(self, wanted):
            other = "url" if self.url else "folder"
            place = self.url or self.folder
            raise ValueError(
                f"kind {self.kind} needs {wanted}, but {other} {place} is given; write {wanted} in place of {other}, "
                f"or take out kind"
            )
        if self.url and self.senders is None and self.kind != "zip":
            raise ValueError(
                f"kind {self.kind} at {self.url} has no usual senders; write senders, "
                f"or senders = [] to take everybody's"
            )
        return self


class ArchiveSettings(_Strict):
    """Where every distinct snapshot of a live stage is kept, and how much of it."""

    folder: Path | None = None
    """None keeps nothing; a relative path counts from the settings file."""
    keep_days: int = Field(1100, ge=1)
    """By the UTC day of the server's stamp."""
    max_mb: float = Field(50_000, gt=0)
    """When there is more, the oldest days go."""
    min_free_mb: float = Field(1_000, ge=0)
    """With less space left on the disk nothing is archived, and that is an alarm."""


class Audit(_Strict):
    """What was decided and told, written down once: for who has to answer for it."""

    folder: Path | None = None
    """None writes nothing; a relative path counts from the settings file. Each stage has a folder of its own in it."""


class Sasl(_Strict):
    """How a client says who it is; the password comes from the environment only."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str = Field(min_length=1)


class Tls(_Strict):
    """Files in PEM; a relative path counts from the settings file."""

    ca: Path | None = None
    """Who is trusted to sign the brokers' certificates; the system's list where none is given."""
    cert: Path | None = None
    """The client's own certificate, where the brokers ask for one, with its key."""
    key: Path | None = None

    @model_validator(mode="after")
    def _cert_with_key(self) -> "Tls":
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together; give both or neither")
        return self


class Broker(_Strict):
    url: str = Field("embedded", pattern=r"^(embedded|kafka://[^/\s]+)$")
    partitions: int = Field(4, ge=1, le=1024)
    """Of every topic; the embedded broker always has one."""
    replication: int = Field(1, ge=1)
    instance: str = Field("", max_length=200, pattern=r"^[\w.-]*$")
    """A name that this worker keeps over restarts, and no other one has: a restarted one takes its place at once."""
    sasl: Sasl | None = None
    tls: Tls | None = None
    password: SecretStr | None = None
    """Never in the settings file: `WARNSYS_BROKER__PASSWORD`, in the environment or as a file of secrets."""

    @model_validator(mode="after")
    def _login_whole(self) -> "Broker":
        if self.sasl and not (self.password and self.password.get_secret_value()):
            raise ValueError(f"sasl has a username but no password; give it in the environment as {PASSWORD}")
        if self.password and not self.sasl:
            raise ValueError(f"{PASSWORD} is set, but nobody to log in as; write [broker.sasl] with a username")
        return self

    @property
    def embedded(self) -> bool:
        return self.url == "embedded"


class Web(_Strict):
    """The pages and their API. Public pages and the operators' listen apart."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    """Of the operators' pages, which have the public ones, too."""
    public_port: int | None = Field(8081, ge=0, le=65535)
    """Of stele, card and public API alone; None for none."""
    operators: dict[str, str] = {}
    """Names with hashed passwords; `warnsys hash-password` makes one."""
    proxy_user_header: str = ""
    """Set by a trusted proxy that has signed the operator in, and that nobody can go round."""
    open: bool = False
    """Whether everybody is an operator: for the demo."""
    requests_per_s: float = Field(100, ge=0)
    """That one address may make, ten seconds' worth at once; 0 for no limit, behind a proxy that has one."""
    connections: int = Field(1_000, ge=16)
    """Of each site; where all are taken, the longest silent one makes room."""
    connections_per_address: int = Field(100, ge=1)
    """Of the public site; on the operators' one address may have half of all."""
    streams: int = Field(500, ge=0)
    """Event streams of each site: a page that is open holds one."""
    streams_per_address: int = Field(50, ge=0)
    """Of the public site."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies in front of us: their `X-Forwarded-For` says who asks, and their connections are
    not counted as one address's. Without, those of the environment's `FORWARDED_ALLOW_IPS`."""
    tiles: str = Field("", pattern=r"^(https?://\S+)?$")
    """Address of map tiles with {z}, {x} and {y}; without, the map shows outlines only."""
    tiles_credit: str = ""
    watch_cells: dict[Annotated[str, Field(pattern=r"^\d{9}$")], str] = {}
    """Neighbouring communes by warn cell and name: shown to operators, told to nobody."""
    remind_after_min: float = Field(5, gt=0)
    """A Severe or Extreme warning near its onset that nobody acknowledged for so long is told to the webhook."""
    webhook: str = Field("", pattern=r"^(https?://\S+)?$")


class MetricsPort(_Strict):
    """Where each process serves its figures to Prometheus; a process a port, best set in its environment."""

    host: str = "127.0.0.1"
    port: int | None = Field(None, ge=1, le=65535)


class Settings(_Strict):
    cities: tuple[City, ...] = Field(min_length=1)
    sources: tuple[Source, ...] = (Source(name="dwd", url=DWD_URL),)
    broker: Broker = Broker()
    policy: Policy = Field(default_factory=Policy)
    web: Web = Web()
    metrics: MetricsPort = MetricsPort()
    archive: ArchiveSettings = ArchiveSettings()
    audit: Audit = Audit()
    gateways: Gateways = {}
    """What brings notices to their receivers, by name: a process each."""
    stage: str = Field(LIVE, pattern=r"^[a-z0-9][a-z0-9-]*$")
    """`live`, or the name of an exercise: topics, group and state of its own, marked on every screen."""
    tick_s: float = Field(10, gt=0)
    runtime_folder: Path | None = None
    """Where a worker notes what it has in hand, beyond its own end; without, systemd's RUNTIME_DIRECTORY or a temporary
    folder."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    @field_validator("policy")
    @classmethod
    def _over_defaults(cls, policy: Policy) -> Policy:
        return policy.over_defaults()

    @model_validator(mode="after")
    def _names_once(self) -> "Settings":
        for what, names in (
            ("cities", [city.id for city in self.cities]),
            ("sources", [source.name for source in self.sources]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        if wrong := shared_address(self.gateways):
            raise ValueError(wrong)
        return self

    @property
    def exercise(self) -> bool:
        return self.stage != LIVE

    @property
    def zones(self) -> dict[str, ZoneInfo]:
        """By source, whose clocks are meant where a message writes a time without an offset; Berlin's are left out."""
        return {source.name: source.timezone for source in self.sources if source.timezone != ZONE}


def load(path: Path) -> Settings:
    """Read a settings file, and secrets and the environment over it. Raises `SettingsError`.

    The usual name without a folder is looked for where `WARNSYS_CONFIG` says, if it does.
    """
    if path == FILE and (config := os.environ.get(outside.CONFIG)):
        path = Path(config) if Path(config).is_file() else Path(config) / FILE
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; make one with: warnsys init") from None
    except OSError as error:
        raise SettingsError(disk_says(error, path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}; mend it, or make a new file with: warnsys init") from error
    for city in _tables(content.get("cities")):
        if isinstance(city.get("geofences"), str):
            city["geofences"] = path.parent / city["geofences"]
    for table in ("sources", "archive", "audit"):
        for place in _tables(content.get(table)):
            if isinstance(place.get("folder"), str):
                place["folder"] = path.parent / place["folder"]
    if isinstance(broker := content.get("broker"), dict):
        if any("password" in table for table in (broker, *_tables(broker.get("sasl")))):
            raise SettingsError(
                f"{path}: broker.password: take it out of the file, give it in the environment: {PASSWORD}"
            )
        if isinstance(tls := broker.get("tls"), dict):
            tls.update({name: path.parent / tls[name] for name in TLS_FILES if isinstance(tls.get(name), str)})
    for secret in secrets_in(content.get("gateways")):
        variable = f"{ENVIRONMENT_PREFIX}{secret.replace('.', '__').upper()}"
        raise SettingsError(f"{path}: {secret}: take it out of the file, give it in the environment: {variable}")
    try:
        given = outside.given(Settings)
    except outside.OutsideError as error:
        raise SettingsError(str(error)) from error
    return parse(outside.merged(content, given), name=str(path))


def _tables(value: Any) -> list[dict[str, Any]]:
    """The tables of a key that has one or several; what is none is left to `parse`, which names it."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def parse(content: dict[str, Any], *, name: str = "settings") -> Settings:
    """Check settings given as plain values. Raises `SettingsError` that names every wrong key."""
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{name}: {'.'.join(str(part) for part in found['loc']) or 'settings'}: "
            + (no_such_key(Settings, found["loc"]) if found["type"] == "extra_forbidden" else found["msg"])
            + ("; write it" if found["type"] == "missing" else f" (there stands {found['input']!r:.100})")
            for found in error.errors(include_url=False, include_context=False)
        ]
        raise SettingsError("\n".join(lines)) from error
