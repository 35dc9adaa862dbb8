"""Which items the notice covers: funds and projects, persons, and the time of the first batch (R26–R29).

The catalogue is data (``data/programmes.toml``); a district adds its own decisions to it. What it
cannot classify is an ``UndecidedProgramme``: a service matches it all the same and asks for a decision
(decision 0007).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from services.rules.data_file import Entry, packaged_text, parse_entries
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleDataError, RuleViolation


class Category(StrEnum):
    """The notice's own words for funds (R26) and for projects and services (R27)."""

    RELIEF = "救济救助"
    REWARD = "以奖代补"
    PAID_AFTERWARDS = "先建后补"
    PROJECT_SUBSIDY = "项目补助"
    OTHER_SUBSIDY = "其他补贴补助"
    CONSTRUCTION = "项目建设"
    PLANNING = "规划设计"
    TENDER_AGENCY = "招标代理"
    OUTSOURCED_SERVICE = "外包服务"
    PROCUREMENT = "政府采购"
    INTERMEDIARY = "其他中介服务"
    VILLAGE_DELIBERATION = "一事一议"
    VILLAGE_FUNDRAISING = "群众筹资筹劳"

    @property
    def is_fund(self) -> bool:
        """Whether it is a fund (R26); a project, work or service (R27) otherwise."""
        return self in _FUNDS


_FUNDS = frozenset(
    {
        Category.RELIEF,
        Category.REWARD,
        Category.PAID_AFTERWARDS,
        Category.PROJECT_SUBSIDY,
        Category.OTHER_SUBSIDY,
    }
)
_KEYS = (
    *("name", "words", "marks", "category", "universal"),
    *("valid_from", "valid_to", "decided_by", "decided_on"),
)


class UndecidedProgramme(RuleViolation):
    """R26: a name that is in no entry of the catalogue, or in entries that contradict."""


@dataclass(frozen=True)
class Programme:
    """One entry: a fund or project with its ``category``, or a universal one with the reason why.

    ``words`` are further names, ``marks`` decide wherever they stand in a name. ``valid_to`` is the
    last day. RuleDataError unless exactly one of ``category`` and ``universal`` is given.
    """

    name: str
    category: Category | None
    universal: str = ""
    words: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    decided_by: str = ""
    decided_on: date | None = None

    def __post_init__(self) -> None:
        if (self.category is None) == (not self.universal):
            raise RuleDataError(
                f"programme {self.name}: either a category or the reason why it is universal",
                f"目录条目“{self.name}”：类别（category）与普惠制理由（universal）须且只能填一项",
            )
        if bool(self.decided_by) != bool(self.decided_on):
            raise RuleDataError(
                f"programme {self.name}: decided_by and decided_on go together",
                f"目录条目“{self.name}”：决定单位与决定日期须同时填写",
            )
        if not all(_fold(text) for text in (self.name, *self.words, *self.marks)):
            raise RuleDataError("programme: a blank name, word or mark", "目录条目中有空白的名称")

    @cached_property
    def folded_names(self) -> frozenset[str]:
        """The name and the words as ``_fold`` makes them."""
        return frozenset(map(_fold, (self.name, *self.words)))

    @cached_property
    def folded_marks(self) -> tuple[str, ...]:
        """The marks as ``_fold`` makes them."""
        return tuple(map(_fold, self.marks))

    def is_valid(self, on: date) -> bool:
        """Whether the entry holds on that day."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True)
class Catalogue:
    """All entries, the first that fits winning. Later additions stand before what they change."""

    programmes: tuple[Programme, ...]

    def classify(self, name: str, on: date) -> Programme:
        """The entry of a fund or project by its name in a list, as of the item's start (R26, R27).

        RuleViolation R26 for a universal one, with the reason; UndecidedProgramme for one that is in no
        entry or in entries that contradict, with what to do.
        """
        found = self._named(name, on) or self._marked(name, on)
        if found is None:
            raise _undecided("in no entry of the catalogue", "目录中没有该资金（项目）")
        if found.universal:
            raise RuleViolation(
                "R26",
                f"a universal programme is not matched ({found.name}); leave it out of the list",
                f"“{found.name}”属于普惠制资金（{found.universal}），不纳入比对，请从名单中删去",
            )
        return found

    def _named(self, name: str, on: date) -> Programme | None:
        folded = _fold(name)
        for programme in self.programmes:
            if programme.is_valid(on) and folded in programme.folded_names:
                return programme
        return None

    def _marked(self, name: str, on: date) -> Programme | None:
        folded = _fold(name)
        marked = [
            programme
            for programme in self.programmes
            if programme.is_valid(on) and any(mark in folded for mark in programme.folded_marks)
        ]
        if len({bool(programme.universal) for programme in marked}) > 1:
            raise _undecided(
                "its name has words of universal and of other programmes",
                "名称中既有普惠制资金的字样，又有其他资金（项目）的字样",
            )
        return marked[0] if marked else None

    def extended(self, decisions: Iterable[Programme]) -> Catalogue:
        """The catalogue with a district's own decisions before it. RuleDataError for undated ones."""
        added = tuple(decisions)
        for programme in added:
            if not programme.decided_by:
                raise RuleDataError(
                    f"programme {programme.name}: who decided, and when, is missing",
                    f"目录条目“{programme.name}”：缺少决定单位（decided_by）和决定日期（decided_on）",
                )
        return Catalogue((*added, *self.programmes))


def load_catalogue(text: str) -> Catalogue:
    """The catalogue in a TOML text of ``[[programme]]`` tables. Raises RuleDataError."""
    entries = parse_entries(text, "programme", "name")
    return Catalogue(tuple(_programme(entry) for entry in entries))


def packaged_catalogue() -> Catalogue:
    """The catalogue shipped with this release."""
    return load_catalogue(packaged_text("programmes.toml"))


def _programme(entry: Entry) -> Programme:
    entry.allow(_KEYS)
    keys = entry.keys()
    return Programme(
        name=entry.text("name"),
        category=entry.word("category", Category) if "category" in keys else None,
        universal=entry.optional_text("universal") or "",
        words=entry.texts("words"),
        marks=entry.texts("marks"),
        valid_from=entry.optional_day("valid_from"),
        valid_to=entry.optional_day("valid_to"),
        decided_by=entry.optional_text("decided_by") or "",
        decided_on=entry.optional_day("decided_on"),
    )


def _undecided(message: str, message_zh: str) -> UndecidedProgramme:
    return UndecidedProgramme(
        "R26",
        f"the fund or project cannot be classified: {message}; have its department decide whether it "
        "is universal and add the decision to the catalogue, then enter the item",
        f"{message_zh}：请由主管部门确认是否属于普惠制资金，将决定加入目录后再录入",
    )


def _fold(text: str) -> str:
    """The text in NFKC and small letters, without white space, punctuation and invisible marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LN")


# --- persons and time ---------------------------------------------------------------------------


class Capacity(StrEnum):
    """In what capacity a person has a part in an item (R28)."""

    BENEFICIARY = "受益人"
    LEGAL_REPRESENTATIVE = "法定代表人"
    AGENT = "委托代理人"


@dataclass(frozen=True)
class Participant:
    """A part in an item: its capacity, and whether a natural person or a company has it."""

    capacity: Capacity
    natural: bool


def check_participants(participants: Sequence[Participant]) -> None:
    """Nothing, if everyone who must be matched is named (R28). RuleViolation otherwise.

    A company has no relatives: where one takes part, its legal representative or agent is needed.
    """
    if not participants:
        raise RuleViolation(
            "R28",
            "an item has at least one person: add who benefits or carries it out",
            "事项没有受益人：请录入自然人，或承接单位的法定代表人、委托代理人",
        )
    if any(not one.natural and one.capacity is not Capacity.BENEFICIARY for one in participants):
        raise RuleViolation(
            "R28",
            "a legal representative or agent is a natural person; enter that person's number",
            "法定代表人、委托代理人应为自然人，请填写其本人的身份证件号码",
        )
    if not any(one.natural for one in participants):
        raise RuleViolation(
            "R28",
            "a company alone cannot be matched: add its legal representative or entrusted agent",
            "只有单位而没有自然人，无法比对：请补录该单位的法定代表人或委托代理人",
        )


def check_scope(start: date | None, finished_on: date | None, rules: RuleSet) -> None:
    """Nothing, if an item belongs to the batch (R29). RuleViolation otherwise.

    It does if it begins on ``rules.items_from`` or later, or is not finished on
    ``rules.unfinished_at``. ``finished_on`` None: not finished yet.
    """
    if start is None:
        raise RuleViolation(
            "R29",
            "the date on which the item begins is missing: fill it in",
            "没有填写实施起始时间，请补填",
        )
    if finished_on is not None and finished_on < start:
        raise RuleViolation(
            "R29",
            "the item ends before it begins: correct the dates",
            "完成时间早于实施起始时间，请核对后更正",
        )
    unfinished = finished_on is None or finished_on > rules.unfinished_at
    if start < rules.items_from and not unfinished:
        raise RuleViolation(
            "R29",
            f"begun before {rules.items_from} and finished by {rules.unfinished_at}: out of scope, "
            "leave it out of the list",
            f"该事项在{rules.items_from}以前开始，且在{rules.unfinished_at}以前已经完成，"
            "不在比对范围内，请从名单中删去",
        )
