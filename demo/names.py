"""Names, addresses and workplaces of invented people, drawn from pools that are made once.

Surnames with their real frequencies and given names come from Faker's Chinese lists; two-character
given names are composed of the same characters, as the lists alone are too short for a district.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random

from faker.providers.person.zh_CN import Provider

_FOREIGN_GIVEN = {
    True: ("约翰", "迈克尔", "大卫", "安德烈", "卡洛斯", "彼得"),
    False: ("玛丽亚", "安娜", "索菲亚", "艾米丽", "伊琳娜", "露西"),
}
FOREIGN_SURNAMES = ("史密斯", "洛佩斯", "伊万诺夫", "穆勒", "威尔逊", "阮", "金伯利")
_TRADES = ("建筑工程", "水利建设", "农业开发", "市政园林", "商贸", "建材", "工程咨询", "劳务服务")
_FARM = ("务农", "务农", "务农", "个体经营", "外出务工")
_STAFF = ("区人民医院", "区第五中学校", "某建筑公司", "某物流公司", "区供电公司", "涪陵某超市")
_VILLAGES = ("双桥村", "石坝村", "青杠村", "黄泥村", "长岭村", "凉水村", "大石村", "桐子坪村")


class NamePool:
    """Draws names for one run; the same ``rng`` state gives the same names."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._surnames = tuple(Provider.last_names)
        self._cumulative = tuple(accumulate(Provider.last_names.values()))
        self._given = {
            True: _given_names(Provider.first_names_male),
            False: _given_names(Provider.first_names_female),
        }
        self._companies: set[str] = set()

    def surname(self) -> str:
        """A surname, as frequent as in life."""
        return self._rng.choices(self._surnames, cum_weights=self._cumulative)[0]

    def given(self, male: bool) -> str:
        """A given name: one character in a quarter of the cases, otherwise two."""
        singles, doubles = self._given[male]
        pool = singles if self._rng.random() < 0.25 else doubles
        return pool[int(self._rng.random() * len(pool))]

    def foreign_surname(self) -> str:
        """A foreign family name in Chinese characters."""
        return self._rng.choice(FOREIGN_SURNAMES)

    def foreign_given(self, male: bool) -> str:
        """A foreign given name in Chinese characters."""
        return self._rng.choice(_FOREIGN_GIVEN[male])

    def company(self) -> str:
        """A company's name that no other company of this run has."""
        while True:
            brand = self._rng.choice(self._given[True][1])
            tail = self._rng.choice(_TRADES)
            name = f"重庆{brand}{self._rng.choice('隆盛泰和丰达')}{tail}有限公司"
            if name not in self._companies:
                self._companies.add(name)
                return name

    def home(self) -> str:
        """A registered address down to the house."""
        draw = self._rng.random
        if draw() < 0.3:
            house, floor, flat = 1 + int(draw() * 300), 1 + int(draw() * 30), 1 + int(draw() * 8)
            return f"重庆市涪陵区望川街道滨江路{house}号{floor}-{flat}"
        town = "禾丰镇" if draw() < 0.6 else "松垭乡"
        village = _VILLAGES[int(draw() * len(_VILLAGES))]
        return f"重庆市涪陵区{town}{village}{1 + int(draw() * 9)}组{1 + int(draw() * 200)}号"

    def occupation(self, age: int) -> tuple[str, str]:
        """Unit and post of somebody of that age, as relatives' columns show them."""
        if age < 7:
            return "无", "无"
        if age < 19:
            return "在校", "学生"
        draw = self._rng.random
        if age > 62 or draw() < 0.6:
            return "无", _FARM[int(draw() * len(_FARM))]
        return _STAFF[int(draw() * len(_STAFF))], "职工"


def _given_names(listed: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    singles = tuple(dict.fromkeys(name for name in listed if len(name) == 1))
    letters = tuple(dict.fromkeys("".join(listed)))
    return singles, tuple(a + b for a in letters for b in letters)
