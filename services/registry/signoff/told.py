"""What a file says of one official, completed by what he said before: the content of a version. Pure.

Blank cells never erase what was declared. A form is all that its official declares, so that whom it
leaves out is a relative no longer; only where rows of an earlier file still wait to be mended
(``keep_rest``) do the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from services.registry import declaration_records as records
from services.rules.declaration import Declaration, Relative, Reporter, UnknownId, unknown_id
from services.rules.gaps import is_blank
from services.rules.ruleset import RuleSet

Person = TypeVar("Person", Reporter, Relative)

_OFFICIAL_TEXTS = (
    *("sex", "political", "unit", "post", "rank", "work", "discipline", "household", "phone"),
)
_RELATIVE_TEXTS = ("sex", "political", "unit", "post", "phone", "household", "remark")


def told_declaration(
    read: records.Declaration,
    before: Declaration | None,
    on: date,
    rules: RuleSet,
    *,
    keep_rest: bool = False,
) -> Declaration:
    """The content. RuleViolation R15 or R18 where relatives exclude each other.

    ``on``: the day from which an unknown number has its days to become known (R18); a day that is
    running runs on.
    """
    official = read.official
    own = {name: getattr(official, name) for name in _OFFICIAL_TEXTS}
    reporter = Reporter(identifier=official.identifier, name=official.name, **own)
    if before is None:
        return Declaration(reporter, tuple(_relative(r, None, on, rules) for r in read.relatives))
    pairs = _pair(read.relatives, before.relatives)
    relatives = [_relative(r, pairs.get(n), on, rules) for n, r in enumerate(read.relatives)]
    if keep_rest:
        met = {id(old) for old in pairs.values()}
        relatives += [old for old in before.relatives if id(old) not in met]
    return Declaration(_completed(reporter, before.reporter, _OFFICIAL_TEXTS), tuple(relatives))


def _relative(told: records.Relative, old: Relative | None, on: date, rules: RuleSet) -> Relative:
    identifier = told.identifier or (old.identifier if old else None)
    unknown = None
    if identifier is None:
        unknown = unknown_id(told.remark, on, rules)
        if old is not None and old.unknown is not None:
            unknown = UnknownId(told.remark, old.unknown.due_on)
    own = {name: getattr(told, name) for name in _RELATIVE_TEXTS}
    relative = Relative(
        identifier=identifier, name=told.name, relation=told.relation, unknown=unknown, **own
    )
    if old is None:
        return relative
    texts = _RELATIVE_TEXTS if old.unknown is None else _RELATIVE_TEXTS[:-1]  # a reason is over
    return _completed(relative, old, texts)


def _completed(told: Person, old: Person, names: Sequence[str]) -> Person:
    blank = [name for name in names if is_blank(getattr(told, name))]
    values: dict[str, Any] = {name: getattr(old, name) for name in blank}
    return replace(told, **values)


def _pair(told: Sequence[records.Relative], before: Sequence[Relative]) -> dict[int, Relative]:
    """Who of the relatives before each position is: by number, else by name and relation."""
    pairs: dict[int, Relative] = {}
    keys: tuple[Callable[[Any], Hashable | None], ...] = (
        lambda r: r.identifier,
        lambda r: (r.name, r.relation),
    )
    for key in keys:
        met = {id(old) for old in pairs.values()}
        free = {key(old): old for old in reversed(before) if id(old) not in met}
        for n, relative in enumerate(told):
            if n not in pairs and key(relative) is not None and key(relative) in free:
                pairs[n] = free.pop(key(relative))
    return pairs
