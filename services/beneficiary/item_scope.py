"""Which rows of a list the notice covers: by fund or project, persons and time (R26 to R29).

A universal programme is refused; one that the catalogue cannot classify is taken and told, because
silence must never lose a match (decision 0007). What is told is gathered over the whole file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from libmatch.identifiers import Kind
from services.beneficiary.item_facts import Facts
from services.beneficiary.item_records import ItemPerson
from services.chassis.sheets import Flaw, Notice, Position
from services.rules.catalogue import (
    Catalogue,
    Participant,
    UndecidedProgramme,
    check_participants,
    check_scope,
)
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

_UNDECIDED = (
    "目录无法确认该资金（项目）是否属于普惠制：已采纳并参加比对，"
    "请主管部门作出决定并加入目录设置（规则R26）"
)
_UNDATED = "没有填写实施起始时间，已采纳并参加比对，请补填（规则R29）"
_UNFINISHED = "{day}以前开始而没有填写完成时间，按尚未完成处理，已采纳（规则R29）"
_CURES = {
    "R26": "主管部门另有决定的，请将决定加入目录设置后重新导入",
    "R28": "补录后重新导入",
    "R29": "日期有误的，请更正后重新导入",
}
_KEYS = {"R26": "programme", "R28": "", "R29": "start"}


@dataclass
class _Told:
    position: Position
    rows: int = 0


class ItemScope:
    """Judges the rows of one file. ``today``: the day for items without a date."""

    def __init__(self, catalogue: Catalogue, rules: RuleSet, today: date) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._today = today
        self._told: dict[tuple[str, str], _Told] = {}
        self._decided: dict[tuple[str, date], bool] = {}  # a sheet repeats few names and days

    def check(
        self, facts: Facts, persons: Sequence[ItemPerson], position: Position
    ) -> tuple[Flaw, ...]:
        """Why the row cannot be taken; nothing where it can. ``persons``: all of the row's item."""
        try:
            self._check_programme(facts, position)
            check_participants([_participant(person) for person in persons])
            self._check_time(facts, position)
        except RuleViolation as violation:
            cure = _CURES[violation.rule]
            return (Flaw(_KEYS[violation.rule], violation.message_zh, cure),)
        return ()

    def notices(self) -> tuple[Notice, ...]:
        """What the clerk must know of rows that were taken, each kind at its first row."""
        return tuple(
            Notice(told.position.sheet, told.position.row, f"{text}，共{told.rows}行")
            for (text, _), told in self._told.items()
        )

    def _check_programme(self, facts: Facts, position: Position) -> None:
        on = facts.start_date or self._today
        names = filter(None, (facts.programme, facts.item_name))
        if not any(self._is_decided(name, on) for name in names):
            self._tell(_UNDECIDED, facts.programme or facts.item_name, position)

    def _is_decided(self, name: str, on: date) -> bool:
        """Whether the catalogue knows the name. RuleViolation R26 for a universal one."""
        known = self._decided.get((name, on))
        if known is None:
            try:
                self._catalogue.classify(name, on)
                known = True
            except UndecidedProgramme:
                known = False
            self._decided[name, on] = known
        return known

    def _check_time(self, facts: Facts, position: Position) -> None:
        if facts.start_date is None:
            self._tell(_UNDATED, "", position)
            return
        check_scope(facts.start_date, facts.finished, self._rules)
        if facts.finished is None and facts.start_date < self._rules.items_from:
            self._tell(_UNFINISHED.format(day=self._rules.items_from), "", position)

    def _tell(self, text: str, about: str, position: Position) -> None:
        self._told.setdefault((text, about), _Told(position)).rows += 1


def _participant(person: ItemPerson) -> Participant:
    natural = person.identifier.kind is not Kind.CREDIT_CODE
    return Participant(person.capacity, natural)
