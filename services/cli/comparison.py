"""The comparison of one department's two lists, in memory: who of the beneficiaries was declared.

Nothing is sealed and nothing sent. Tokens are derived under a random key that is forgotten with the run,
and matched by the reference matcher, so that the rules are those of the district's matching.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from libmatch.identifiers import Identifier, Kind
from libmatch.keys import EpochKey
from libmatch.matching import match
from libmatch.records import RID_SIZE, RecordRef, Side
from libmatch.relations import Relation
from libmatch.suites import get_suite
from libmatch.tokens import derive_column
from services.beneficiary.item_records import Item, ItemPerson
from services.chassis.sheets import Position
from services.registry.declaration_records import Declaration, Official

_SUITE = 1
_UNIT = "compare"
_FACTS = 6  # of the keys of ``Lists.benefiting``: what makes an item the same item


@dataclass(frozen=True)
class Place:
    """Where something was read: file ("申报 1", "受益 2"), sheet and row."""

    file: str
    position: Position

    def __str__(self) -> str:
        return f"{self.file} “{self.position.sheet}”第{self.position.row}行"


@dataclass(frozen=True, repr=False)
class Declared:
    """A person whom an official declared, or (relation 本人, R16) the official."""

    official: Official
    identifier: Identifier
    name: str
    relation: Relation
    place: Place


@dataclass(frozen=True, repr=False)
class Benefiting:
    """A person or company that has a part in an item."""

    item: Item
    person: ItemPerson
    place: Place


@dataclass(frozen=True, repr=False)
class Found:
    """One hit: the beneficiary is a declared person. A hit is not a violation."""

    declared: Declared
    benefiting: Benefiting

    @property
    def names_differ(self) -> bool:
        """Whether the two lists give the same number different names: one of them has a slip."""
        return _fold(self.declared.name) != _fold(self.benefiting.person.name)


@dataclass(frozen=True, repr=False)
class Comparison:
    """Hits in the order of the beneficiary lists, and what was compared and what was not."""

    hits: tuple[Found, ...]
    officials: int
    declared: int
    items: int
    benefiting: int
    without_number: tuple[Place, ...] = ()
    unsigned: int = 0


@dataclass
class Lists:
    """The two lists, read file by file; whoever stands in several files counts once."""

    declared: dict[tuple[object, ...], Declared] = field(default_factory=dict)
    benefiting: dict[tuple[object, ...], Benefiting] = field(default_factory=dict)
    without_number: list[Place] = field(default_factory=list)
    unsigned: int = 0

    def add_declarations(self, file: str, declarations: Iterable[Declaration]) -> None:
        """Takes the declarations of one file."""
        for declaration in declarations:
            pledge = declaration.pledge
            self.unsigned += pledge is not None and not pledge.complete
            for person in self._persons(file, declaration):
                key = (person.official.identifier, person.identifier, person.relation)
                self.declared.setdefault(key, person)

    def add_items(self, file: str, items: Iterable[Item]) -> None:
        """Takes the items of one file."""
        for item in items:
            facts = (item.item_name, item.programme, item.amount_fen, item.place, item.start_date)
            for person in item.persons:
                key = (item.item_ref, *facts, person.identifier, person.capacity)
                place = Place(file, item.position)
                self.benefiting.setdefault(key, Benefiting(item, person, place))

    def _persons(self, file: str, declaration: Declaration) -> Iterator[Declared]:
        official = declaration.official
        own = Place(file, official.position)
        yield Declared(official, official.identifier, official.name, Relation.SELF, own)
        for relative in declaration.relatives:
            place = Place(file, relative.position)
            if relative.identifier is None:
                self.without_number.append(place)
            else:
                yield Declared(
                    official, relative.identifier, relative.name, relative.relation, place
                )


def compare(lists: Lists, key: EpochKey) -> Comparison:
    """All pairs of a declared and a benefiting person with the same identifier (R35)."""
    declared, benefiting = list(lists.declared.values()), list(lists.benefiting.values())
    records = [
        *_records(Side.REGISTRY, [person.identifier for person in declared], key),
        *_records(Side.BENEFICIARY, [entry.person.identifier for entry in benefiting], key),
    ]
    pairs = sorted((_index(h.beneficiary), _index(h.registry)) for h in match(records))
    return Comparison(
        hits=tuple(Found(declared[left], benefiting[right]) for right, left in pairs),
        officials=len({person.official.identifier for person in declared}),
        declared=len(declared),
        items=len({key[:_FACTS] for key in lists.benefiting}),
        benefiting=len(benefiting),
        without_number=tuple(lists.without_number),
        unsigned=lists.unsigned,
    )


def mask_number(identifier: Identifier) -> str:
    """The number with its middle hidden; a company's credit code, which is public, in full."""
    number = identifier.idn
    if identifier.kind is Kind.CREDIT_CODE:
        return number
    head, tail = (6, 4) if len(number) >= 15 else (2, 2)
    return f"{number[:head]}{'*' * (len(number) - head - tail)}{number[-tail:]}"


def _records(
    side: Side, identifiers: Sequence[Identifier], key: EpochKey
) -> Iterator[tuple[RecordRef, bytes]]:
    kinds = [int(identifier.kind) for identifier in identifiers]
    idns = [identifier.idn for identifier in identifiers]
    for index, halves in enumerate(derive_column(get_suite(_SUITE), key, kinds, idns)):
        yield RecordRef(side, _UNIT, index.to_bytes(RID_SIZE, "big")), halves.token


def _index(ref: RecordRef) -> int:
    return int.from_bytes(ref.rid, "big")


def _fold(name: str) -> str:
    return "".join(name.split()).replace("·", "").casefold()
