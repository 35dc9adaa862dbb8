"""The content of a version as canonical JSON, and as what an import enters. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from libmatch.identifiers import Identifier, Kind, Sex
from libmatch.relations import Relation
from services.chassis.sheets import Position
from services.registry import declaration_records as records
from services.rules.declaration import Declaration, Relative, Reporter, TruthPledge, UnknownId

_NOWHERE = Position("", 0)
_REPORTER = (
    *("identifier", "name", "sex", "political", "unit", "post", "rank", "work", "discipline"),
    *("household", "phone"),
)
_RELATIVE = (
    *("identifier", "name", "sex", "relation", "political", "unit", "post", "phone"),
    *("household", "remark"),
)


def declaration_to_json(declaration: Declaration) -> str:
    """The content as JSON with sorted keys; ``json_to_declaration`` reads it."""
    values = {
        "reporter": _person_to_values(declaration.reporter),
        "relatives": [_person_to_values(relative) for relative in declaration.relatives],
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def json_to_declaration(text: str) -> Declaration:
    """The declaration that ``declaration_to_json`` wrote."""
    values: dict[str, Any] = json.loads(text)
    relatives = (_values_to_relative(row) for row in values["relatives"])
    return Declaration(Reporter(**_read_person(values["reporter"])), tuple(relatives))


def to_enter(declaration: Declaration, pledge: TruthPledge) -> records.Declaration:
    """The declaration as ``plan_import`` takes it, with the pledge that was signed."""
    official = {name: getattr(declaration.reporter, name) for name in _REPORTER}
    relatives = (
        records.Relative(**{name: getattr(r, name) for name in _RELATIVE}, position=_NOWHERE)
        for r in declaration.relatives
    )
    return records.Declaration(
        records.Official(**official, position=_NOWHERE),
        tuple(relatives),
        records.Pledge(pledge.signer, pledge.signed_on),
        "",
        _NOWHERE,
    )


def _person_to_values(person: Reporter | Relative) -> dict[str, Any]:
    values = asdict(person) | {"identifier": identifier_to_values(person.identifier)}
    if isinstance(person, Relative) and person.unknown is not None:
        unknown = person.unknown
        values["unknown"] = {"reason": unknown.reason, "due_on": unknown.due_on.isoformat()}
    return values


def _values_to_relative(row: dict[str, Any]) -> Relative:
    unknown = row["unknown"]
    if unknown is not None:
        unknown = UnknownId(unknown["reason"], date.fromisoformat(unknown["due_on"]))
    values = _read_person(row) | {"relation": Relation(row["relation"]), "unknown": unknown}
    return Relative(**values)


def _read_person(row: dict[str, Any]) -> dict[str, Any]:
    sex = Sex(row["sex"]) if row["sex"] else None
    return row | {"identifier": values_to_identifier(row["identifier"]), "sex": sex}


def identifier_to_values(identifier: Identifier | None) -> list[Any] | None:
    """An identifier as JSON: kind and number."""
    return None if identifier is None else [int(identifier.kind), identifier.idn]


def values_to_identifier(values: list[Any] | None) -> Identifier | None:
    """The identifier that ``identifier_to_values`` wrote."""
    return None if values is None else Identifier(Kind(values[0]), values[1])
