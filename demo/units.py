"""The units of the synthetic district: who takes declarations, who approves items, and for what.

Department names are those of the notice (annex 1); the townships are invented. Data, never code:
another district passes its own tuple to :func:`demo.district.build_district`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_UNIT_ID = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True)
class Programme:
    """A fund or project that a unit approves: its name, its usual sum in yuan, who carries it out."""

    name: str
    yuan: tuple[int, int]
    contracted: bool = False  # carried out by a company with a legal representative (R27, R28)


@dataclass(frozen=True)
class Post:
    """A post of a unit: title, rank (职级) and the work that annex 2 asks to be listed in full.

    ``share``: how common it is among its unit's officials; 0 is a post that one person holds.
    """

    title: str
    rank: str
    work: str
    share: int = 0
    discipline: bool = False  # 是否纪检干部
    village: bool = False  # held in one of the unit's villages (R12)


@dataclass(frozen=True)
class Unit:
    """A unit of the roster. ``declares``: takes declarations (R7). ``approves``: has items (R26, R27)."""

    id: str
    name: str
    declares: bool
    approves: bool
    township: bool = False
    weight: int = 1  # its part of all officials and of all items
    posts: tuple[Post, ...] = ()
    programmes: tuple[Programme, ...] = ()
    villages: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not _UNIT_ID.fullmatch(self.id):
            raise ValueError("a unit id is 1 to 64 of a-z, 0-9 and -")
        if self.declares and not self.posts:
            raise ValueError(f"unit {self.id} takes declarations and has no posts")
        if self.approves and not self.programmes:
            raise ValueError(f"unit {self.id} approves items and has no programmes")


_DEPARTMENT_POSTS = (
    Post("党组书记、主要负责人", "正处级", "主持全面工作"),
    Post("党组成员、分管负责人", "副处级", "分管规划财务、项目审批和信访工作", 2),
    Post("纪检组长", "副处级", "主持派驻纪检组工作", discipline=True),
    Post("办公室主任", "正科级", "办公室文秘、档案、后勤工作", 3),
    Post("科长", "正科级", "本科室全面工作、项目验收", 6),
    Post("副科长", "副科级", "资金发放审核", 8),
    Post("科员", "科员", "业务受理、台账登记", 16),
    Post("事业单位职员", "九级职员", "基层服务指导、数据统计", 12),
)

_TOWNSHIP_POSTS = (
    Post("党委书记", "正处级", "主持党委全面工作"),
    Post("党委副书记、镇长", "正处级", "主持政府全面工作"),
    Post("党委委员、副镇长", "副处级", "分管农业农村、水利、扶贫工作", 3),
    Post("纪委书记", "副处级", "主持纪委工作", discipline=True),
    Post("社会事务办主任", "正科级", "民政救助、残联、老龄工作", 3),
    Post("农业服务中心职员", "九级职员", "农技推广、惠农补贴登记", 8),
    Post("村党支部书记、村委会主任", "无", "村党支部和村委会全面工作", 8, village=True),
    Post("村综合服务专干", "无", "村便民服务、资料录入", 8, village=True),
    Post("村民小组长", "无", "本组生产生活事务", 16, village=True),
)

_VILLAGES = ("双桥村", "石坝村", "青杠村", "黄泥村", "长岭村", "观音寺村", "新民社区")

UNITS: tuple[Unit, ...] = (
    Unit(
        "minzheng",
        "区民政局",
        declares=True,
        approves=True,
        weight=3,
        posts=_DEPARTMENT_POSTS,
        programmes=(
            Programme("城乡困难群众临时救助", (500, 6_000)),
            Programme("医疗救助", (800, 30_000)),
            Programme("特困人员救助供养", (6_000, 15_000)),
            Programme("养老服务设施建设项目", (80_000, 900_000), contracted=True),
        ),
    ),
    Unit(
        "nongwei",
        "区农委",
        declares=True,
        approves=True,
        weight=3,
        posts=_DEPARTMENT_POSTS,
        programmes=(
            Programme("榨菜种植以奖代补", (600, 20_000)),
            Programme("柑橘产业先建后补", (2_000, 60_000)),
            Programme("农机购置补贴", (800, 40_000)),
            Programme("高标准农田建设项目", (200_000, 3_000_000), contracted=True),
        ),
    ),
    Unit(
        "shuiwu",
        "区水务局",
        declares=False,
        approves=True,
        weight=2,
        programmes=(
            Programme("山坪塘整治以奖代补", (3_000, 50_000)),
            Programme("水库移民后期扶持", (600, 8_000)),
            Programme("农村饮水安全巩固提升工程", (50_000, 1_200_000), contracted=True),
        ),
    ),
    Unit(
        "jianwei",
        "区城乡建委",
        declares=False,
        approves=True,
        weight=2,
        programmes=(
            Programme("农村危房改造补助", (7_500, 35_000)),
            Programme("传统村落保护项目", (100_000, 1_500_000), contracted=True),
            Programme("工程招标代理服务", (10_000, 200_000), contracted=True),
        ),
    ),
    Unit("caizheng", "区财政局", declares=True, approves=False, weight=2, posts=_DEPARTMENT_POSTS),
    Unit(
        "hefeng",
        "禾丰镇",
        declares=True,
        approves=True,
        township=True,
        weight=4,
        posts=_TOWNSHIP_POSTS,
        programmes=(
            Programme("退耕还林补助", (300, 9_000)),
            Programme("农村厕所改造补助", (1_000, 2_500)),
            Programme("村社道路一事一议项目", (20_000, 400_000), contracted=True),
            Programme("群众筹资筹劳人行便道项目", (8_000, 120_000), contracted=True),
        ),
        villages=_VILLAGES,
    ),
    Unit(
        "songya",
        "松垭乡",
        declares=True,
        approves=False,
        township=True,
        weight=3,
        posts=_TOWNSHIP_POSTS,
        villages=("凉水村", "大石村", "桐子坪村", "风垭村", "下坝社区"),
    ),
)
