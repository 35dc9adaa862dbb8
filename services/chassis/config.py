"""Settings of a service: one TOML file, overridden by the environment, all of it checked at once.

``LIBMATCH_MATCHER__LISTEN__ADDRESS`` overrides ``address`` in ``[listen]`` of the matcher's file: the
prefix, then ``__`` between levels. A value that begins with ``[`` or ``{`` is read as inline TOML.
Unknown keys and unknown variables with the prefix are refused. Relative paths, wherever they come
from, are relative to the folder of the file. Secrets are paths of owner-only files, never values.

This module opens no port and keeps nothing; messages name keys, files and variables, never values.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from libmatch import secret_files
from libmatch.errors import KeyFileError
from services.chassis.identity import Identity, IdentityError

_SECTION_SEPARATOR = "__"


class ConfigError(Exception):
    """Settings that a service must not start with. ``problems`` holds every one that was found."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def read_secret(path: Path) -> bytes:
    """The content of a secret file. Raises ConfigError unless only its owner can read it."""
    try:
        return secret_files.read_secret(path)
    except KeyFileError as error:
        raise ConfigError([str(error)]) from None


def _resolved(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


def _existing(path: Path, info: ValidationInfo) -> Path:
    path = _resolved(path, info)
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return path


def _secret(path: Path, info: ValidationInfo) -> Path:
    path = _resolved(path, info)
    try:
        read_secret(path)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return path


ExistingFile = Annotated[Path, AfterValidator(_existing)]
"""A path of a file that can be read when the settings are loaded."""

SecretFile = Annotated[Path, AfterValidator(_secret)]
"""A path of a file that exists and that only its owner can read; ``read_secret`` gives its content."""


class Section(BaseModel):
    """Base of every settings model: frozen, no unknown keys, paths resolved against the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="after")
    @classmethod
    def _resolve_paths(cls, value: Any, info: ValidationInfo) -> Any:
        return _resolved(value, info) if isinstance(value, Path) else value


class ListenSettings(Section):
    """Where a server listens. Port 0 takes a free one, written to ``port_file`` where given."""

    address: str
    port_file: Path | None = None

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, separator, port = value.rpartition(":")
        if not separator or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError('needs the form "host:port", such as "127.0.0.1:7443"')
        return value


class TlsSettings(Section):
    """A party's own certificate chain, its private key, and the authority's certificates (PEM)."""

    certificate: ExistingFile
    private_key: SecretFile
    ca: ExistingFile


class DatabaseSettings(Section):
    """Where a service keeps its data: ``path`` of an SQLite file, or the ``url`` of a PostgreSQL database.

    A url has no password: it is the content of the owner-only ``password_file``.
    """

    path: Path | None = None
    url: str | None = None
    password_file: SecretFile | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> DatabaseSettings:
        if (self.path is None) == (self.url is None):
            raise ValueError("needs either path or url")
        if self.path is not None and self.password_file is not None:
            raise ValueError("a file needs no password_file")
        return self


class LimitsSettings(Section):
    """What one server takes. The defaults suit a district; each has a hard range.

    They bound its memory. Beyond what it holds at rest (about 120 MiB and a database's cache) it has at most
    ``max_concurrent`` × (4 × ``max_message_bytes`` + what a handler keeps) + ``max_connections`` × 256 KiB:
    a message is there as received, decoded, encoded and in flight. An upload to the matcher keeps one
    batch, 2,048 × (160 + bucket) bytes, and twice that while it is admitted. With the defaults: 512 MiB for
    messages, 42 MiB for batches, 128 MiB for connections. ``max_connections`` needs as many open files.
    """

    max_message_bytes: int = Field(default=8 << 20, ge=64 << 10, le=64 << 20)
    max_concurrent: int = Field(default=16, ge=1, le=256)
    max_concurrent_per_caller: int = Field(default=8, ge=1, le=256)
    max_deadline_s: float = Field(default=300.0, ge=1, le=3600)
    max_connections: int = Field(default=512, ge=8, le=65536)
    max_connection_age_s: float = Field(default=600.0, ge=1, le=86400)
    shutdown_grace_s: float = Field(default=20.0, ge=0, le=600)


class LogSettings(Section):
    """Where the structured log goes: standard error, or a file of the owner's."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    file: Path | None = None


class PeerSettings(Section):
    """A server that this party calls: where it is, and who must answer there."""

    address: str
    identity: str
    timeout_s: float = Field(default=20.0, gt=0, le=3600)

    @field_validator("identity")
    @classmethod
    def _is_identity(cls, value: str) -> str:
        try:
            Identity.parse(value)
        except IdentityError as error:
            raise ValueError(str(error)) from None
        return value


class ServiceSettings(Section):
    """What every service has; each service's own settings derive from it."""

    listen: ListenSettings
    tls: TlsSettings
    database: DatabaseSettings
    limits: LimitsSettings = LimitsSettings()
    log: LogSettings = LogSettings()
    reflection: bool = False


SettingsT = TypeVar("SettingsT", bound=BaseModel)


def load_settings(
    settings_class: type[SettingsT],
    path: Path,
    env_prefix: str,
    environ: Mapping[str, str] = os.environ,
) -> SettingsT:
    """The settings in ``path`` with overrides from ``environ``. Raises ConfigError with all problems."""
    values = _read_toml(path)
    sources: dict[tuple[str, ...], str] = {}
    problems: list[str] = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(f"{env_prefix}_"):
            continue
        if not variable.startswith(env_prefix + _SECTION_SEPARATOR):
            # One underscore instead of two must not be a silent no-op.
            problems.append(f"environment variable {variable}: write {env_prefix}__SECTION__KEY")
            continue
        keys = tuple(variable[len(env_prefix) + 2 :].lower().split(_SECTION_SEPARATOR))
        sources[keys] = variable
        problems += _override(values, keys, variable, text)
    try:
        settings = settings_class.model_validate(values, context={"folder": path.absolute().parent})
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        problems += [_problem(settings_class, item, path, sources) for item in errors]
    if problems:
        raise ConfigError(problems)
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not a TOML file: {error}"]) from None


def _override(values: dict[str, Any], keys: tuple[str, ...], variable: str, text: str) -> list[str]:
    """Sets ``keys`` in ``values``; the problems with the variable, if any."""
    value: Any = text
    if text.startswith(("[", "{")):
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return [f"environment variable {variable}: not inline TOML"]
    for key in keys[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            return [f"environment variable {variable}: {key} is not a section"]
    values[keys[-1]] = value
    return []


def _problem(
    settings_class: type[BaseModel],
    error: ErrorDetails,
    path: Path,
    sources: Mapping[tuple[str, ...], str],
) -> str:
    location = tuple(str(part) for part in error["loc"])
    key = ".".join(location)
    place = f"environment variable {sources[location]}" if location in sources else f"{path}: {key}"
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key{_suggestion(settings_class, location)}"
    if error["type"] == "missing":
        return f"{path}: {key}: is missing"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


def _suggestion(model: type[BaseModel], location: tuple[str, ...]) -> str:
    """``" (did you mean …?)"`` where a key of the same section is close, else nothing."""
    for key in location[:-1]:
        field = model.model_fields.get(key)
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ""
        model = annotation
    close = difflib.get_close_matches(location[-1], model.model_fields, n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""
