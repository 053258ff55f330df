"""What the environment and files of secrets say of the settings: `WARNSYS_BROKER__URL=…`, or a file of that name.

Secrets are read from systemd's `$CREDENTIALS_DIRECTORY` and from `/run/secrets`; the environment wins over them. Lists
and whole tables are JSON. What is no setting is an error, so that no misspelt name is passed over.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr, create_model
from pydantic_settings import BaseSettings, EnvSettingsSource, NestedSecretsSettingsSource, SecretsSettingsSource
from pydantic_settings import SettingsError as UnreadableError

from warnsys.nearest import did_you_mean

PREFIX = "WARNSYS_"
CONFIG = f"{PREFIX}CONFIG"
"""The folder of the settings file, or the file itself: no setting."""
RUN_SECRETS = Path("/run/secrets")
MAX_BYTES = 64 * 1024
SECRETS = frozenset({"password", "secret"})
"""Keys whose values no message quotes, and that never stand in the settings file."""


class OutsideError(ValueError):
    """A variable or a file of secrets that cannot be used, and why."""


def given(settings: type[BaseModel]) -> dict[str, Any]:
    """All that stands outside the settings file, as one nested table. Raises `OutsideError`."""
    known = _sources_of(settings)
    folders = [folder for folder in (RUN_SECRETS, _credentials()) if folder and folder.is_dir()]
    _refuse_unknown(settings, {**os.environ, **{file.name: "" for folder in folders for file in _files(folder)}})
    secrets = _Files(SecretsSettingsSource(known), secrets_dir=folders, secrets_dir_missing="ok")
    return merged(_read(secrets, "a file of secrets"), _read(EnvSettingsSource(known), "the environment"))


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables one over the other; anything else is replaced as a whole."""
    both = dict(under)
    for key, value in over.items():
        below = both.get(key)
        both[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return both


def _sources_of(settings: type[BaseModel]) -> type[BaseSettings]:
    """The same fields, for pydantic-settings to know which of them are tables."""

    class Outside(BaseSettings):
        model_config = {
            "env_prefix": PREFIX, "env_nested_delimiter": "__", "extra": "allow", "arbitrary_types_allowed": True
        }  # fmt: skip

    fields: dict[str, Any] = {name: (field.annotation, None) for name, field in settings.model_fields.items()}
    return create_model("Outside", __base__=Outside, **fields)


class _Files(NestedSecretsSettingsSource):
    """Files whose names are ours: in the folder may lie others', which nobody here may read."""

    @staticmethod
    def load_secrets(path: Path) -> dict[str, str]:
        try:
            return {file.name: file.read_text("utf-8").strip() for file in _files(path)}
        except (OSError, UnicodeDecodeError) as error:
            raise OutsideError(f"{path}: {error}; a file of secrets is UTF-8 text that this user may read") from error

    def validate_secrets_path(self, path: Path) -> None:
        for file in _files(path):
            if file.stat().st_size > MAX_BYTES:
                raise OutsideError(f"{file}: larger than {MAX_BYTES} bytes; a secret is a word")


def _credentials() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.iterdir()):
        if file.name.upper().startswith(PREFIX) and file.is_file():
            yield file


def _refuse_unknown(settings: type[BaseModel], names: Mapping[str, str]) -> None:
    for name in sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() != CONFIG):
        table, apart, _ = name[len(PREFIX) :].lower().partition("__")
        if table not in settings.model_fields:
            known = ", ".join(f"{PREFIX}{field.upper()}" for field in sorted(settings.model_fields))
            near = did_you_mean(table, settings.model_fields)
            raise OutsideError(f"{name}: there is no setting {table!r}{near}; names begin with one of {known}")
        kind = settings.model_fields[table].annotation
        parts = get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))
        if apart and not parts:
            raise OutsideError(
                f"{name}: {table!r} has no parts with names; write {PREFIX}{table.upper()}=…, a list as JSON"
            )


def _read(source: EnvSettingsSource, where: str) -> dict[str, Any]:
    try:
        found = source()
    except UnreadableError as error:
        says = str(error)
        named = says.split('"')[1] if '"' in says else says
        name = f"{PREFIX}{named.upper()}"
        raise OutsideError(
            f"{where}: {name}: a list or table is written as JSON, or a table's parts apart as {name}__KEY=…"
        ) from error
    _hide(found)
    return found


def _hide(table: dict[str, Any]) -> None:
    """Wraps secrets, so that no error message quotes one."""
    for key, value in table.items():
        if isinstance(value, dict):
            _hide(value)
        elif key in SECRETS and isinstance(value, str):
            table[key] = SecretStr(value)
