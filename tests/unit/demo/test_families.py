from __future__ import annotations

from datetime import date
from random import Random

import pytest

from demo.families import SELF, SUPPORTED, Kinship, Person
from demo.people import PeopleMaker


class Household:
    """Three generations on both sides of one couple, all alive."""

    def __init__(self) -> None:
        self.maker = PeopleMaker(Random(1), date(2026, 6, 30))
        self.kinship = Kinship()
        self.grandfather, self.grandmother = self.couple(1930)
        self.father, self.mother = self.couple(1955, (self.grandfather, self.grandmother))
        self.mothers_parents = self.couple(1931)
        self.kinship.bear(self.mother, *self.mothers_parents)
        self.self, self.spouse = self.couple(1980, (self.father, self.mother))
        self.in_laws = self.couple(1954)
        self.kinship.bear(self.spouse, *self.in_laws)
        self.brother, self.brothers_wife = self.couple(1983, (self.father, self.mother))
        self.nephew = self.child(2010, (self.brother, self.brothers_wife))
        self.spouses_brother, self.his_wife = self.couple(1985, self.in_laws)
        self.son, self.sons_wife = self.couple(2003, (self.self, self.spouse))
        self.grandson = self.child(2025, (self.son, self.sons_wife))

    def make(self, year: int, *, male: bool) -> Person:
        return self.maker.person(date(year, 3, 3), male=male, papers="resident")

    def couple(
        self, year: int, parents: tuple[Person, Person] | None = None
    ) -> tuple[Person, Person]:
        husband, wife = self.make(year, male=True), self.make(year, male=False)
        self.kinship.marry(husband, wife)
        if parents:
            self.kinship.bear(husband, *parents)
        return husband, wife

    def child(self, year: int, parents: tuple[Person, Person]) -> Person:
        child = self.make(year, male=True)
        self.kinship.bear(child, *parents)
        return child

    def relations(self, of: Person) -> dict[Person, str]:
        return {kin.person: kin.relation for kin in self.kinship.relatives(of)}


@pytest.fixture
def home() -> Household:
    return Household()


def test_relations_are_the_words_of_annex_2(home: Household) -> None:
    assert home.relations(home.self) == {
        home.spouse: "配偶",
        home.son: "子女",
        home.sons_wife: "子女的配偶",
        home.grandson: "孙子女",
        home.father: "本人的父母",
        home.mother: "本人的父母",
        home.brother: "本人的兄弟姐妹",
        home.brothers_wife: "本人兄弟姐妹的配偶",
        home.grandfather: "本人的祖父母",
        home.grandmother: "本人的祖父母",
        home.mothers_parents[0]: "本人的外祖父母",
        home.mothers_parents[1]: "本人的外祖父母",
        home.in_laws[0]: "配偶的父母",
        home.in_laws[1]: "配偶的父母",
        home.spouses_brother: "配偶的兄弟姐妹",
        home.his_wife: "配偶兄弟姐妹的配偶",
    }


def test_a_couple_declares_each_other_and_mirrored_relations(home: Household) -> None:
    hers = home.relations(home.spouse)
    assert hers[home.self] == "配偶"
    assert hers[home.father] == "配偶的父母"
    assert hers[home.mothers_parents[0]] == "配偶的外祖父母"
    assert hers[home.grandfather] == "配偶的祖父母"
    assert hers[home.in_laws[0]] == "本人的父母"


def test_nephews_are_out_of_scope(home: Household) -> None:
    assert home.nephew not in home.relations(home.self)


def test_a_dependant_comes_last_with_a_remark(home: Household) -> None:
    ward = home.make(2015, male=False)
    home.kinship.dependants[home.self] = [(ward, "由本人依法监护")]
    last = list(home.kinship.relatives(home.self))[-1]
    assert (last.person, last.relation, last.remark) == (ward, SUPPORTED, "由本人依法监护")


def test_no_relation_word_is_the_officials_own(home: Household) -> None:
    assert SELF not in home.relations(home.self).values()


def test_the_married_cannot_marry_again(home: Household) -> None:
    with pytest.raises(ValueError, match="cannot be married"):
        home.kinship.marry(home.self, home.make(1981, male=False))


def test_parents_are_born_before_their_child(home: Household) -> None:
    with pytest.raises(ValueError, match="father and mother"):
        home.kinship.bear(home.make(1900, male=True), home.father, home.mother)
