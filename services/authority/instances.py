"""Instance folders: the configuration files that services and people start with, and the index of all.

Every path in a configuration is relative to its own file, so that a folder runs wherever it is carried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from libmatch.identity import Identity
from libmatch.manifest import Role
from services.authority.plan import Plan, PlannedUnit
from services.chassis.owner_files import PUBLIC, write_new

TLS = {"certificate": "cert.pem", "private_key": "key.pem", "ca": "ca.pem"}
SIDES = {"registry": Role.REGISTRY, "beneficiary": Role.BENEFICIARY}
Table = Mapping[str, object]


@dataclass(frozen=True)
class Addresses:
    """Where each server listens: "matcher", "inspector" and "<unit>/<side>" to host:port."""

    of: dict[str, str] = field(default_factory=dict)

    @classmethod
    def assign(cls, plan: Plan) -> Addresses:
        """Ports upwards from ``plan.base_port``; all 0 where that is 0."""
        names = ["matcher", "inspector", *_instances(plan)]
        step = 1 if plan.base_port else 0
        ports = (plan.base_port + step * position for position in range(len(names)))
        return cls({name: f"{plan.host}:{port}" for name, port in zip(names, ports, strict=True)})


def _instances(plan: Plan) -> Iterator[str]:
    for unit in plan.units:
        yield from (f"{unit.unit}/{side}" for side in sides_of(unit))


def sides_of(unit: PlannedUnit) -> list[str]:
    """The services that the unit runs: "registry", "beneficiary"; none where it embeds the library."""
    return [] if unit.embedded else [side for side, role in SIDES.items() if unit.roles & role]


def write_service_config(
    folder: Path, service: str, address: str, home: str, top: Table, more: Mapping[str, Table]
) -> None:
    """Return when ``folder/config.toml`` is there, with an empty ``data`` folder of the owner's alone.

    ``home``: the folder with kit, passphrase and tls, as seen from ``folder`` ("." or ".."). ``more``:
    further tables, such as where the matcher is.
    """
    prefix = "" if home == "." else f"{home}/"
    own = {"kit": f"{prefix}kit", "passphrase": f"{prefix}passphrase"}
    tables: dict[str, Table] = {
        "listen": {"address": address, "port_file": "data/port"},
        "tls": _tls(prefix),
        "database": {"path": f"data/{service}.db"},
        **more,
    }
    (folder / "data").mkdir(mode=0o700, parents=True)
    _write_toml(folder / "config.toml", {**top, **own}, tables)


def administrators_of(unit: PlannedUnit) -> dict[str, Table]:
    """The table of a unit's three administrators (R64), where the plan names them."""
    duties = ("system", "security", "audit")
    named = dict(zip(duties, unit.administrators, strict=False))
    return {"administrators": named} if named else {}


def write_client_config(path: Path, server: Table) -> None:
    """Return when ``path`` says which server a person calls, with the certificate in ``tls``."""
    _write_toml(path, {}, {"server": server, "tls": _tls("")})


def write_embedded_config(folder: Path, unit: PlannedUnit, matcher: Table) -> None:
    """Return when ``folder/libmatch.toml`` is there (libmatch.client)."""
    sides = [side for side, role in SIDES.items() if unit.roles & role]
    top = {"unit": unit.unit, "sides": sides, "kit": "kit", "passphrase": "passphrase"}
    _write_toml(
        folder / "libmatch.toml",
        {**top, "state": "client.db"},
        {"matcher": matcher, "tls": _tls("")},
    )


def write_index(path: Path, plan: Plan, epoch_id: bytes, addresses: Addresses) -> None:
    """Return when ``path`` (district.json) lists every folder, relative to its own."""
    index: dict[str, Any] = {
        "district": plan.district,
        "epoch": 1,
        "epoch_id": epoch_id.hex(),
        "matcher": {"folder": "matcher", "address": addresses.of["matcher"]},
        "inspector": {
            "folder": "inspector",
            "address": addresses.of["inspector"],
            "unit": plan.inspector_unit,
            "officers": {name: f"inspector/officers/{name}" for name in plan.officers},
        },
        "units": [_index_unit(unit, addresses) for unit in plan.units],
    }
    text = json.dumps(index, ensure_ascii=False, indent=2) + "\n"
    write_new(path, text.encode("utf-8"), mode=PUBLIC)


def _index_unit(unit: PlannedUnit, addresses: Addresses) -> dict[str, Any]:
    folder = f"units/{unit.unit}"
    entry: dict[str, Any] = {
        "unit": unit.unit,
        "display_name": unit.display_name,
        "roles": [side for side, role in SIDES.items() if unit.roles & role],
        "folder": folder,
        "clerks": {login: f"{folder}/clerks/{login}" for login in unit.logins},
        "embedded": f"{folder}/libmatch.toml" if unit.embedded else None,
    }
    for side in SIDES:
        address = addresses.of.get(f"{unit.unit}/{side}")
        config = f"{folder}/{side}/config.toml"
        entry[side] = None if address is None else {"config": config, "address": address}
    return entry


def peer(address: str, identity: Identity) -> Table:
    """The table that names a server: where it is, who must answer."""
    return {"address": address, "identity": str(identity)}


def _tls(prefix: str) -> Table:
    return {key: f"{prefix}tls/{name}" for key, name in TLS.items()}


def _write_toml(path: Path, top: Table, tables: Mapping[str, Table]) -> None:
    lines = [*_pairs(top)]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_pairs(table)]
    write_new(path, ("\n".join(lines).lstrip("\n") + "\n").encode("utf-8"))


def _pairs(table: Table) -> Iterator[str]:
    """``key = value`` lines; a JSON text, number or list of texts is a TOML one, too."""
    return (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())
