"""The invented district of the year: its units, who works there, who is related to whom, and who gets what.

Everything follows from a seed. Nothing here knows a service: the people, their families and the items are
data that ``campaign`` brings to the services and ``model`` reckons with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from tests.district import person

SURNAMES = "赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦尤许何吕"
GIVEN = "建国志明秀英桂兰德荣永福春梅玉珍光辉文华世平"
PER_UNIT_OFFICIALS, PER_UNIT_ITEMS, HITS_PER_UNIT = 10, 30, 6


@dataclass(frozen=True)
class Unit:
    """A unit of the notice: its name in the district's list, whether it approves items, a programme."""

    id: str
    name: str
    programme: str = ""
    township: bool = False

    @property
    def approves(self) -> bool:
        return bool(self.programme)

    @property
    def village(self) -> str:
        """The village whose cadres report to this township (R12)."""
        return f"{self.name}双桥村"


UNITS = (
    Unit("minzheng", "区民政局", "临时救助"),
    Unit("nongwei", "区农委", "榨菜种植以奖代补"),
    Unit("shuiwu", "区水务局", "山坪塘整治以奖代补"),
    Unit("linshi", "蔺市镇", "农村厕所改造补助", township=True),
    Unit("caizheng", "区财政局"),
    Unit("xinmiao", "新妙镇", township=True),
)
VILLAGE_POST = "村委会主任"
LATE_DECLARER, LATE_LISTER = "xinmiao", "shuiwu"


@dataclass(frozen=True, order=True)
class Person:
    """Somebody, by the number of an identity card that nobody has. ``name`` is one of a kind.

    ``works_at``: as a form that declares him says it.
    """

    idn: str
    name: str
    works_at: str = "无"

    @property
    def sex(self) -> str:
        return "男" if int(self.idn[16]) % 2 else "女"


@dataclass(frozen=True)
class Official:
    """Somebody who reports, with those whom he declares: (relation, person)."""

    person: Person
    unit: str
    post: str
    kind: str  # as R22 tells posts apart
    relatives: tuple[tuple[str, Person], ...]


@dataclass(frozen=True)
class Item:
    """One grant with its beneficiary."""

    unit: str
    ref: str
    person: Person
    start: date
    yuan: int

    @property
    def key(self) -> tuple[str, str]:
        return self.unit, self.ref


@dataclass
class People:
    """Makes persons, each another one."""

    count: int = 0

    def next(self) -> Person:
        number, self.count = self.count, self.count + 1
        surname = SURNAMES[number % len(SURNAMES)]
        first, second = divmod(number // len(SURNAMES), len(GIVEN))
        return Person(person(number + 1).idn, surname + GIVEN[second] + GIVEN[first])


@dataclass(frozen=True)
class Story:
    """The district as it is when the campaign begins."""

    seed: int
    officials: tuple[Official, ...]
    items: tuple[Item, ...]
    people: People
    rng: Random = field(repr=False)

    def officials_of(self, unit: str) -> list[Official]:
        return [official for official in self.officials if official.unit == unit]

    def items_of(self, unit: str) -> list[Item]:
        return [item for item in self.items if item.unit == unit]


def tell(seed: int) -> Story:
    """The story of this seed."""
    rng, people = Random(f"campaign/{seed}"), People()
    officials = [official for unit in UNITS for official in _staff(unit, people)]
    _plant_siblings(officials)
    officials += _outposted(people)
    items = [
        item for unit in UNITS if unit.approves for item in _items(unit, officials, people, rng)
    ]
    (_, spouse), (_, child) = officials[-1].relatives
    items[-1], items[0] = replace(items[-1], person=spouse), replace(items[0], person=child)
    return Story(seed, tuple(officials), tuple(items), people, rng)


OUTPOSTED_TO = ("nongwei", "linshi")
"""The two receivers of somebody in an outposted body: one person, who counts once (R10)."""


def _outposted(people: People) -> list[Official]:
    who, spouse = people.next(), people.next()
    family = (("配偶", spouse), ("子女", people.next()))
    return [Official(who, unit, "派出机构职员", "SECTION", family) for unit in OUTPOSTED_TO]


SIBLINGS = ("xinmiao", 4), ("caizheng", 6)
"""Two officials (unit, position): the first declares the second as a sibling, who leaves him out."""


def _plant_siblings(officials: list[Official]) -> None:
    declarant, other = (
        [one for one in officials if one.unit == unit][position] for unit, position in SIBLINGS
    )
    name = next(unit.name for unit in UNITS if unit.id == other.unit)
    sibling = ("本人的兄弟姐妹", replace(other.person, works_at=name))
    relatives = (*declarant.relatives, sibling)
    officials[officials.index(declarant)] = replace(declarant, relatives=relatives)


def sibling_names(story: Story) -> tuple[str, str]:
    """Who is declared, and by whom."""
    declarant, other = (story.officials_of(unit)[place].person.name for unit, place in SIBLINGS)
    return other, declarant


_RELATIONS = ("配偶", "子女", "本人的父母", "本人的兄弟姐妹")


def _staff(unit: Unit, people: People) -> Iterator[Official]:
    for number in range(PER_UNIT_OFFICIALS):
        post, kind = _post(unit, number)
        kept = _RELATIONS[: 2 + number % 3]
        relatives = tuple((relation, people.next()) for relation in kept)
        yield Official(people.next(), unit.id, post, kind, relatives)


def _post(unit: Unit, number: int) -> tuple[str, str]:
    if number == 0:
        return "党组织书记", "PARTY_HEAD"
    if number == 1:
        return "党组织委员", "LEADING_MEMBER"
    if unit.township and number > 6:
        return VILLAGE_POST, "VILLAGE_CADRE"
    return "科员", "SECTION"


def _items(unit: Unit, officials: list[Official], people: People, rng: Random) -> Iterator[Item]:
    """Items of villagers and, in places that chance chooses, of officials' people.

    Every second declared person is of another unit than the approving one.
    """
    family = [p for o in officials for _, p in o.relatives] + [o.person for o in officials[::7]]
    mine = [one for position, one in enumerate(family) if position % len(UNITS) == _place(unit)]
    chosen = rng.sample(mine, HITS_PER_UNIT)
    places = rng.sample(range(PER_UNIT_ITEMS), HITS_PER_UNIT)
    planted = dict(zip(places, chosen, strict=True))
    for number in range(PER_UNIT_ITEMS):
        who = planted.get(number) or people.next()
        start = date(2018, 1, 5) + timedelta(days=rng.randrange(140))
        yield Item(unit.id, f"{unit.id.upper()}-{number:03d}", who, start, 500 + 10 * number)


def _place(unit: Unit) -> int:
    return UNITS.index(unit)
