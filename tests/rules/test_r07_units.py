"""Units as data: annex 1, kinds, parents and dates (R7)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.units import (
    RECEIVING_KINDS,
    TOWNSHIP_KINDS,
    Unit,
    UnitKind,
    UnitTree,
    load_units,
    packaged_units,
)
from services.rules.violation import RuleDataError
from tests.rules_samples import DAY, SINCE, TREE, refusal

NAME = "[[unit]]\nname = '{}'\ndisplay = '某单位'\nkind = '{}'\nvalid_from = 2018-01-01\n"


def department(name: str, start: date = SINCE, end: date | None = None, **more: Any) -> Unit:
    return Unit(name, "某局", more.pop("kind", UnitKind.DEPARTMENT), start, end, **more)


def refused(*units: Unit) -> str:
    with pytest.raises(RuleDataError) as caught:
        UnitTree(units)
    assert re.search("[一-鿿]", caught.value.message_zh)
    return str(caught.value)


# --- the shipped data ---------------------------------------------------------------------------


def test_R7_annex_1_is_complete_and_townships_are_listed() -> None:
    units = packaged_units().units(DAY)
    outside = [unit for unit in units if unit.kind in TOWNSHIP_KINDS]
    # 57 + 10 + 15 + 5 + 12: the five parts of annex 1, counted in the notice
    assert len(units) - len(outside) == 99
    assert len(outside) == 27
    assert {unit.kind for unit in units} <= RECEIVING_KINDS


def test_R7_every_shipped_unit_has_a_name_of_its_own() -> None:
    units = packaged_units().units(DAY)
    assert len({unit.display for unit in units}) == len(units)


@pytest.mark.parametrize(
    ("display", "kind"),
    [
        ("区纪委（区监委）", UnitKind.PARTY_COMMITTEE_BODY),
        ("区城乡建委", UnitKind.DEPARTMENT),
        ("九三学社区委", UnitKind.DEMOCRATIC_PARTY),
        ("区妇联", UnitKind.PEOPLES_ORGANISATION),
        ("国家统计局涪陵调查队", UnitKind.RELEVANT_UNIT),
        ("渝东南农科院", UnitKind.PUBLIC_INSTITUTION),
        ("武陵山旅游区", UnitKind.PARK),
        ("国丰实业公司", UnitKind.ENTERPRISE),
    ],
)
def test_R7_annex_1_has_one_of_each_part(display: str, kind: UnitKind) -> None:
    assert (display, kind) in {(unit.display, unit.kind) for unit in packaged_units().units(DAY)}


# --- questions ----------------------------------------------------------------------------------


def test_R7_unknown_unit_is_refused_with_the_day() -> None:
    assert "2018-07-02" in refusal("R7", TREE.get, "nobody", DAY).message_zh
    refusal("R7", TREE.get, "nongwei", SINCE - timedelta(days=1))


def test_R7_unit_is_known_by_what_it_is_called_and_below_on_that_day() -> None:
    merged = date(2019, 3, 1)
    eve = merged - timedelta(days=1)
    tree = UnitTree(
        [
            department("nongwei", SINCE, eve),
            department("nongweihui", merged),
            department("yuchang", SINCE, eve, kind=UnitKind.SCHOOL, parent="nongwei"),
            department("yuchang", merged, kind=UnitKind.SCHOOL, parent="nongweihui"),
        ]
    )
    assert tree.receiver("yuchang", eve).name == "nongwei"
    assert tree.receiver("yuchang", merged).name == "nongweihui"
    assert tree.find("nongwei", merged) is None
    assert [unit.name for unit in tree.children("nongweihui", merged)] == ["yuchang"]
    assert tree.children("nongwei", merged) == ()


def test_R7_reporting_units_are_those_with_a_database() -> None:
    names = {unit.name for unit in TREE.receiving_units(DAY)}
    assert names >= {"jiwei", "nongwei", "jituan", "mawu", "lizhi"}
    assert names.isdisjoint({"nongji", "zhongxue", "zigongsi", "shiba", "mawu-sifasuo"})
    assert TREE.receiver("jijianzu-1", DAY).name == "nongwei"
    assert [unit.name for unit in TREE.groups_in("sifa", DAY)] == ["jijianzu-1"]
    assert TREE.groups_in("jiaowei", DAY) == ()
    assert [unit.name for unit in TREE.chain("nongji-zhan", DAY)] == [
        "nongji-zhan",
        "nongji",
        "nongwei",
    ]


# --- what is refused ----------------------------------------------------------------------------


def test_R7_overlapping_entries_are_refused() -> None:
    end = date(2018, 12, 31)
    assert "overlap" in refused(department("a", SINCE, end), department("a", end))
    assert "overlap" in refused(department("a"), department("a", end))
    assert UnitTree([department("a", SINCE, end), department("a", end + timedelta(days=1))])


def test_R7_parent_must_exist_on_every_day_of_its_child() -> None:
    child: dict[str, Any] = {"kind": UnitKind.SCHOOL, "parent": "a"}
    assert "no unit on 2018-01-01" in refused(department("s", **child))
    ended = department("a", SINCE, date(2018, 6, 30))
    assert "no unit on 2018-07-01" in refused(ended, department("s", **child))
    resumed = department("a", date(2018, 7, 2))
    assert "no unit on 2018-07-01" in refused(ended, resumed, department("s", **child))
    assert UnitTree([ended, department("s", SINCE, date(2018, 6, 30), **child)])
    assert "no unit" in refused(ended, department("s", SINCE, date(2018, 7, 1), **child))


def test_R7_parent_may_become_another_kind_after_its_child_ended() -> None:
    end = date(2018, 12, 31)
    units = [
        department("a", SINCE, end),
        department("a", end + timedelta(days=1), kind=UnitKind.ENTERPRISE),
    ]
    assert UnitTree([*units, department("s", SINCE, end, kind=UnitKind.SCHOOL, parent="a")])
    late = department("s", SINCE, end + timedelta(days=1), kind=UnitKind.SCHOOL, parent="a")
    assert "'a' is not" in refused(*units, late)


def test_R7_cycle_of_parents_is_refused_and_named() -> None:
    below = UnitKind.SUBORDINATE_INSTITUTION
    ring = [department(n, kind=below, parent=p) for n, p in (("a", "b"), ("b", "c"), ("c", "a"))]
    assert "a → b → c → a" in refused(*ring)


@pytest.mark.parametrize(
    ("kind", "links"),
    [
        (UnitKind.SCHOOL, {}),
        (UnitKind.VILLAGE, {"parent": "bumen"}),
        (UnitKind.SUBSIDIARY_ENTERPRISE, {"parent": "bumen"}),
        (UnitKind.SCHOOL, {"parent": "qiye"}),
        (UnitKind.OUTPOSTED_BODY, {"parent": "bumen"}),
        (UnitKind.OUTPOSTED_BODY, {"parent": "bumen", "seat": "bumen"}),
        (UnitKind.OUTPOSTED_BODY, {"parent": "zhen", "seat": "zhen"}),
        (UnitKind.STATIONED_DISCIPLINE_GROUP, {}),
        (UnitKind.STATIONED_DISCIPLINE_GROUP, {"hosts": ("bumen", "bumen")}),
        (UnitKind.STATIONED_DISCIPLINE_GROUP, {"hosts": ("cun",)}),
        (UnitKind.DEPARTMENT, {"seat": "zhen"}),
        (UnitKind.DEPARTMENT, {"hosts": ("bumen",)}),
    ],
)
def test_R7_links_that_a_kind_does_not_allow_are_refused(
    kind: UnitKind, links: dict[str, Any]
) -> None:
    with pytest.raises(RuleDataError):
        UnitTree(
            [
                department("bumen"),
                department("qiye", kind=UnitKind.ENTERPRISE),
                department("zhen", kind=UnitKind.TOWNSHIP),
                department("cun", kind=UnitKind.VILLAGE, parent="zhen"),
                department("x", kind=kind, **links),
            ]
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[unit]\n", "not TOML"),
        ("", "no entries"),
        ("unit = 3", "no entries"),
        ("unit = []", "no entries"),
        ("unit = [3]", "an entry is a table"),
        (NAME.format("a", "park").replace("'某单位'", "3"), "'display' is a text"),
        (NAME.format("a", "park") + "hosts = [' ']", "'hosts' is a list of texts"),
        ("version = 1\n" + NAME.format("a", "park"), "unknown key 'version'"),
        (NAME.format("a", "park") + "parents = 'b'", "unit a: unknown key 'parents'"),
        (NAME.format("a", "castle"), "unit a: 'kind' is one of"),
        (NAME.format("A b", "park"), "a name is 1 to 64"),
        (NAME.format("a", "park") + "valid_to = 2017-12-31", "ends before it begins"),
        (NAME.format("a", "park") + "valid_to = 2019-01-01T10:00:00", "'valid_to' is a date"),
        (NAME.format("a", "park") + "parent = ' '", "'parent' is a text"),
        (NAME.format("a", "park") + "hosts = [1]", "'hosts' is a list of texts"),
        ("[[unit]]\nname = 'a'\nkind = 'park'\nvalid_from = 2018-01-01", "'display' is missing"),
    ],
)
def test_R7_faults_of_the_data_file_name_the_entry(text: str, said: str) -> None:
    with pytest.raises(RuleDataError) as caught:
        load_units(text)
    assert said in str(caught.value)
    assert re.search("[一-鿿]", caught.value.message_zh)


# --- properties ---------------------------------------------------------------------------------

NAMES = st.sampled_from("abcdefgh")
INSTITUTIONS = st.lists(
    st.tuples(NAMES, st.one_of(st.just("root"), NAMES)), unique_by=lambda pair: pair[0]
)


@given(INSTITUTIONS)
def test_R7_tree_either_ends_at_a_receiver_or_is_refused(edges: list[tuple[str, str]]) -> None:
    parents = dict(edges)
    below = UnitKind.SUBORDINATE_INSTITUTION
    units = [department(n, kind=below, parent=p) for n, p in edges] + [department("root")]
    climbing = {name: name for name in parents}
    for _ in range(len(parents) + 1):  # a plain model: climb often enough to see a cycle
        climbing = {n: parents.get(at, at) for n, at in climbing.items()}
    sound = all(at == "root" for at in climbing.values())
    if not sound:
        refused(*units)
        return
    tree = UnitTree(units)
    assert all(tree.receiver(name, DAY).name == "root" for name in parents)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=6),
    st.integers(0, 90),
)
def test_R7_at_most_one_entry_holds_on_a_day(spans: list[tuple[int, int]], offset: int) -> None:
    units = [
        department("a", SINCE + timedelta(days=start), SINCE + timedelta(days=start + length))
        for start, length in spans
    ]
    day = SINCE + timedelta(days=offset)
    days = [set(range(start, start + length + 1)) for start, length in spans]
    if sum(map(len, days)) != len(set().union(*days)):
        assert "overlap" in refused(*units)
        return
    found = UnitTree(units).find("a", day)
    assert (found is not None) == any(offset in span for span in days)
    assert found is None or found.holds_on(day)
