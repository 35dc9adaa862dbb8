"""Whom a unit asks about which of its officials' relatives, and what agrees with a declaration. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from libmatch.identifiers import Identifier
from libmatch.manifest import Member
from libmatch.names import fold_name
from libmatch.relations import Relation
from services.registry.consistency.values import Declarant, DeclaredRelative, Told

MUTUAL = frozenset({Relation.SPOUSE, Relation.CHILD, Relation.PARENT, Relation.SIBLING})
"""The relations that both declare if both are officials (R14, R15)."""

PairOf = Callable[[Identifier, Identifier], bytes]
"""``libmatch.consistency.derive_pair`` under the epoch's key."""


@dataclass
class Sorted:
    """The mutual relatives by who can be asked about them.

    ``to``: by unit; ``here``: officials of this unit themselves. ``unresolved``: work units that are no
    name in the roster, with how many relatives have each. ``unnumbered``: relatives without a number.
    """

    to: dict[str, list[tuple[Declarant, DeclaredRelative]]] = field(default_factory=dict)
    here: list[tuple[Declarant, DeclaredRelative]] = field(default_factory=list)
    unresolved: Counter[str] = field(default_factory=Counter)
    unnumbered: int = 0

    @property
    def claims(self) -> int:
        """How many relatives other units are asked about."""
        return sum(map(len, self.to.values()))


_NO_UNIT = frozenset({"", "无"})  # 无 is what the form asks for where there is none


def name_units(members: Iterable[Member]) -> dict[str, str]:
    """Folded display name → unit; a name that several have names none."""
    named = [(fold_name(member.display_name), member.unit) for member in members]
    count = Counter(name for name, _ in named)
    return {name: unit for name, unit in named if count[name] == 1}


def sort_relatives(
    declarants: Sequence[Declarant], units: Mapping[str, str], own_unit: str
) -> Sorted:
    """Every mutual relative once: asked for here, in another unit, or nowhere.

    Who is an official of this unit by his number is asked for here, whatever the form says of his work.
    Relatives with no work unit at all are no officials as far as the form knows, and count nowhere.
    """
    sorted_, own = Sorted(), {one.identifier for one in declarants}
    for declarant in declarants:
        for relative in declarant.relatives:
            if relative.relation in MUTUAL:
                _sort(sorted_, declarant, relative, own, units, own_unit)
    return sorted_


def _sort(
    sorted_: Sorted,
    declarant: Declarant,
    relative: DeclaredRelative,
    own: set[Identifier],
    units: Mapping[str, str],
    own_unit: str,
) -> None:
    if relative.identifier in own:
        sorted_.here.append((declarant, relative))
        return
    if fold_name(relative.unit) in _NO_UNIT:
        return
    unit = units.get(fold_name(relative.unit))
    if unit is None:
        sorted_.unresolved[relative.unit.strip()] += 1
    elif relative.identifier is None:
        sorted_.unnumbered += 1
    elif unit != own_unit:
        sorted_.to.setdefault(unit, []).append((declarant, relative))


def find_lacking(
    told: Iterable[Told], declarants: Mapping[bytes, Declarant], pair_of: PairOf
) -> list[Told]:
    """What of ``told`` the declaration of the official lacks. Nothing of who is no longer an official.

    Whatever relation he declares A by, he has declared him. A relative of that name whose number is not
    known yet is taken for A, until it is (R18).
    """
    return [one for one in told if _lacks(declarants.get(one.ref), one, pair_of)]


def _lacks(official: Declarant | None, told: Told, pair_of: PairOf) -> bool:
    if official is None:
        return False
    for relative in official.relatives:
        if relative.identifier is None:
            if fold_name(relative.name) == fold_name(told.name):
                return False
        elif pair_of(official.identifier, relative.identifier) == told.pair:
            return False
    return True
