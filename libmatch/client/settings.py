"""Settings of an embedded client: one TOML file beside the kit, all of it checked at once.

::

    unit = "minzheng"                         # as the roster calls it
    sides = ["beneficiary"]                   # or ["registry"], or both
    kit = "kit"                               # docs/operations.md; relative paths: to this file
    passphrase = "passphrase"                 # file of the kit's passphrase, owner-only
    state = "client.db"                       # made where there is none; back it up
    [matcher]
    address = "10.0.0.5:7400"
    identity = "spiffe://fuling/matcher"
    timeout_s = 20
    [tls]
    certificate = "tls/cert.pem"
    private_key = "tls/key.pem"
    ca = "tls/ca.pem"

The keys and their meaning are those of the services' own configuration files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from libmatch.channel import DEFAULT_TIMEOUT_S, TlsFiles
from libmatch.errors import EncodingError, InputError
from libmatch.identity import Identity, IdentityError
from libmatch.records import Side, check_unit

FILE_NAME = "libmatch.toml"
_TOP = {"unit", "sides", "kit", "passphrase", "state", "matcher", "tls"}
_MATCHER = {"address", "identity"}
_TLS = {"certificate", "private_key", "ca"}


@dataclass(frozen=True)
class ClientSettings:
    """Where everything lies. ``passphrase`` is the path of a file that only its owner reads."""

    unit: str
    sides: frozenset[Side]
    kit: Path
    passphrase: Path
    state: Path
    address: str
    matcher: Identity
    tls: TlsFiles
    timeout_s: float = DEFAULT_TIMEOUT_S

    def __post_init__(self) -> None:
        check_unit(self.unit)
        if not self.sides:
            raise InputError("sides names at least one side", "设置有误：sides 不能为空")


def read_settings(where: Path) -> ClientSettings:
    """The settings in the file ``where``, or in ``libmatch.toml`` of that folder.

    Raises InputError naming the file and the key; values are never repeated.
    """
    path = where / FILE_NAME if where.is_dir() else where
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _refuse(path, f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _refuse(path, "is not a TOML file") from None
    top = _keys(path, "", values, _TOP)
    matcher = _keys(path, "matcher.", top["matcher"], _MATCHER, {"timeout_s"})
    tls = _keys(path, "tls.", top["tls"], _TLS)
    folder = path.absolute().parent
    files = {key: folder / _text(path, f"tls.{key}", tls[key]) for key in _TLS}
    paths = {key: folder / _text(path, key, top[key]) for key in ("kit", "passphrase", "state")}
    return ClientSettings(
        unit=_unit(path, top["unit"]),
        sides=_sides(path, top["sides"]),
        **paths,
        address=_text(path, "matcher.address", matcher["address"]),
        matcher=_identity(path, matcher["identity"]),
        tls=TlsFiles(**files),
        timeout_s=_timeout_s(path, matcher.get("timeout_s", DEFAULT_TIMEOUT_S)),
    )


def _keys(
    path: Path,
    prefix: str,
    table: object,
    required: AbstractSet[str],
    optional: AbstractSet[str] = frozenset(),
) -> Mapping[str, object]:
    if not isinstance(table, dict):
        raise _refuse(path, f"{prefix.rstrip('.')} is a table")
    for key in sorted(table.keys() - required - optional):
        raise _refuse(path, f"unknown key {prefix}{key}")
    for key in sorted(required - table.keys()):
        raise _refuse(path, f"{prefix}{key} is missing")
    return table


def _text(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _refuse(path, f"{key} is a text")
    return value


def _unit(path: Path, value: object) -> str:
    try:
        return check_unit(_text(path, "unit", value))
    except EncodingError as error:
        raise _refuse(path, f"unit: {error}") from None


def _sides(path: Path, value: object) -> frozenset[Side]:
    names = {side.name.lower(): side for side in Side}
    given = [str(name) for name in value] if isinstance(value, list) else []
    if not given or not names.keys() >= set(given):
        raise _refuse(path, 'sides is a list of "registry", "beneficiary" or both')
    return frozenset(names[name] for name in given)


def _identity(path: Path, value: object) -> Identity:
    try:
        return Identity.parse(_text(path, "matcher.identity", value))
    except IdentityError as error:
        raise _refuse(path, f"matcher.identity: {error}") from None


def _timeout_s(path: Path, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise _refuse(path, "matcher.timeout_s is a number of seconds up to 3600")
    return float(value)


def _refuse(path: Path, what: str) -> InputError:
    return InputError(f"{path}: {what}", f"客户端设置文件有误（{path}）：{what}")
