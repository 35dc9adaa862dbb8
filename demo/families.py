"""Families: persons, the links between them, and the relations of rule R15 that follow from them.

A relation is never stored; it is walked over parents, spouses and children, so that two officials
of one family declare the same people with the words that are right for each. The exact relation
words are those of annex 2, note 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

SELF = "本人"
SUPPORTED = "其他具有法定扶养、赡养关系的亲属"


class Papers(IntEnum):
    """What a person's number is; the values are those of the protocol's ``kind``."""

    RESIDENT_ID = 1
    FOREIGN_PERMIT = 2
    PASSPORT = 3
    CREDIT_CODE = 4


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Person:
    """One person of the district. Two objects are two persons, however alike their entries."""

    name: str
    surname: str
    male: bool
    birth: date
    papers: Papers
    number: str
    phone: str
    home: str
    politics: str
    workplace: str
    post: str
    living: bool = True

    def __repr__(self) -> str:
        return f"<Person {id(self):#x}>"  # a failing test prints no entries

    @property
    def sex(self) -> str:
        """男 or 女."""
        return "男" if self.male else "女"

    @property
    def foreign_name(self) -> bool:
        """Written as foreigners' names are, with a middle dot; such a person's kin are foreign too."""
        return "·" in self.name


@dataclass(frozen=True, eq=False, slots=True)
class Kin:
    """A person as somebody's relative: the relation word of R15, and the remark it may need."""

    person: Person
    relation: str
    remark: str = ""


@dataclass
class Kinship:
    """Who is whose parent, spouse and dependant; everything else is derived."""

    spouse: dict[Person, Person] = field(default_factory=dict)
    father: dict[Person, Person] = field(default_factory=dict)
    mother: dict[Person, Person] = field(default_factory=dict)
    children: dict[Person, list[Person]] = field(default_factory=dict)
    dependants: dict[Person, list[tuple[Person, str]]] = field(default_factory=dict)

    def marry(self, a: Person, b: Person) -> None:
        """Join two persons of different sex who are not married yet."""
        if a.male == b.male or a in self.spouse or b in self.spouse:
            raise ValueError("these two cannot be married")
        self.spouse[a], self.spouse[b] = b, a

    def bear(self, child: Person, father: Person, mother: Person) -> None:
        """Record the parents of ``child``."""
        if not father.male or mother.male or not father.birth < child.birth > mother.birth:
            raise ValueError("these two cannot be its father and mother")
        self.father[child], self.mother[child] = father, mother
        self.children.setdefault(father, []).append(child)
        self.children.setdefault(mother, []).append(child)

    def parents(self, person: Person) -> list[Person]:
        """Father and mother, as far as known."""
        return [up[person] for up in (self.father, self.mother) if person in up]

    def siblings(self, person: Person) -> list[Person]:
        """The other children of the same parents, in order of birth."""
        parents = self.parents(person)
        if not parents:
            return []
        return [child for child in self.children[parents[0]] if child is not person]

    def relatives(self, person: Person) -> Iterator[Kin]:
        """Every living person within R15, in the order of annex 2, note 4."""
        for relation, relative in self._within_scope(person):
            if relative.living:
                yield Kin(relative, relation)
        for dependant, remark in self.dependants.get(person, ()):
            yield Kin(dependant, SUPPORTED, remark)

    def _within_scope(self, person: Person) -> Iterator[tuple[str, Person]]:
        spouse = self.spouse.get(person)
        if spouse is not None:
            yield "配偶", spouse
        yield from self._descendants(person)
        yield from self._ancestry(person, "本人的", "本人")
        if spouse is not None:
            yield from self._ancestry(spouse, "配偶的", "配偶")

    def _descendants(self, person: Person) -> Iterator[tuple[str, Person]]:
        for child in self.children.get(person, ()):
            yield "子女", child
            if child in self.spouse:
                yield "子女的配偶", self.spouse[child]
            for grandchild in self.children.get(child, ()):
                yield "孙子女" if child.male else "外孙子女", grandchild

    def _ancestry(self, person: Person, of: str, bare: str) -> Iterator[tuple[str, Person]]:
        for parent in self.parents(person):
            yield f"{of}父母", parent
        for sibling in self.siblings(person):
            yield f"{of}兄弟姐妹", sibling
            if sibling in self.spouse:
                yield f"{bare}兄弟姐妹的配偶", self.spouse[sibling]
        for parent in self.parents(person):
            side = "祖父母" if parent.male else "外祖父母"
            for grandparent in self.parents(parent):
                yield f"{of}{side}", grandparent
