"""All declarations of one file: each official once, each relative once, contradictions refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from libmatch.relations import Relation
from services.chassis.sheets import Flaw, Position
from services.registry.declaration_columns import OFFICIAL, RELATIVE
from services.registry.declaration_records import Declaration, Official, Pledge, Relative

_OFFICIAL_LABELS = {
    "name": "姓名",
    "sex": "性别",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "rank": "职级",
    "work": "具体工作",
    "discipline": "是否纪检干部",
    "household": "户籍地址",
    "phone": "手机号码",
    "category": "人员类别",
    "signed_on": "承诺日期",
}
_RELATIVE_LABELS = {
    "name": "姓名",
    "relation": "亲属关系",
    "sex": "性别",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "phone": "手机号码",
    "household": "户籍地址",
    "remark": "备注",
}
_Person = TypeVar("_Person", Official, Relative)


_SAME_AS_OFFICIAL = Flaw(
    f"{RELATIVE}.idn",
    "亲属的证件号码与报告人本人的相同",
    "请核对是否误填了报告人的号码；如果这一行就是报告人本人，亲属关系应填“本人”",
)


@dataclass(frozen=True)
class Added:
    """What became of a relative: refused for ``flaws``, or taken; ``repeated``: was there already."""

    flaws: tuple[Flaw, ...] = ()
    repeated: bool = False


@dataclass
class _Entry:
    official: Official
    pledge: Pledge | None
    opinion: str
    relatives: dict[object, Relative] = field(default_factory=dict)
    refused: int = 0


class DeclarationBook:
    """Collects officials and relatives row by row and merges what belongs to one official."""

    def __init__(self) -> None:
        self._entries: dict[object, _Entry] = {}

    def add_official(
        self, official: Official, pledge: Pledge | None = None, opinion: str = ""
    ) -> tuple[Flaw, ...]:
        """No flaws, and the official is in the book; or where he contradicts an earlier row."""
        entry = self._entries.get(official.identifier)
        if entry is None:
            self._entries[official.identifier] = _Entry(official, pledge, opinion)
            return ()
        if flaws := _contradictions(OFFICIAL, _OFFICIAL_LABELS, entry.official, official):
            return flaws
        entry.official = _completed(_OFFICIAL_LABELS, entry.official, official)
        if pledge and (entry.pledge is None or not entry.pledge.complete):
            entry.pledge = pledge
        entry.opinion = entry.opinion or opinion
        return ()

    def add_relative(self, official: Official, relative: Relative) -> Added:
        """What became of a relative of an official who is in the book."""
        if relative.relation is Relation.SELF:
            return Added(_check_self(official, relative))
        if relative.identifier == official.identifier:
            return Added((_SAME_AS_OFFICIAL,))
        relatives = self._entries[official.identifier].relatives
        key = relative.identifier or (relative.name, relative.relation)
        earlier = relatives.get(key)
        if earlier is None:
            relatives[key] = relative
            return Added()
        if flaws := _contradictions(RELATIVE, _RELATIVE_LABELS, earlier, relative):
            return Added(flaws)
        relatives[key] = _completed(_RELATIVE_LABELS, earlier, relative)
        return Added(repeated=True)

    def note_refused(self, official: Official) -> None:
        """Counts a row of an official who is in the book that was not taken."""
        self._entries[official.identifier].refused += 1

    def declarations(self) -> tuple[Declaration, ...]:
        """All declarations, in the order in which their officials first came."""
        return tuple(
            Declaration(
                entry.official,
                tuple(entry.relatives.values()),
                entry.pledge,
                entry.opinion,
                entry.official.position,
                entry.refused,
            )
            for entry in self._entries.values()
        )


def _check_self(official: Official, relative: Relative) -> tuple[Flaw, ...]:
    if relative.identifier not in (None, official.identifier):
        return (
            Flaw(
                f"{RELATIVE}.idn",
                "亲属关系填“本人”，证件号码却不是报告人的",
                "请核对亲属关系和证件号码",
            ),
        )
    if relative.name != official.name:
        return (
            Flaw(
                f"{RELATIVE}.name",
                "亲属关系填“本人”，姓名却不是报告人的",
                "请核对亲属关系和姓名",
            ),
        )
    return ()


def _contradictions(
    whose: str, labels: dict[str, str], earlier: _Person, later: _Person
) -> tuple[Flaw, ...]:
    """A flaw for each field that both fill differently."""
    found = [name for name in labels if _differ(getattr(earlier, name), getattr(later, name))]
    return tuple(_contradiction(whose, name, labels[name], earlier.position) for name in found)


def _differ(earlier: object, later: object) -> bool:
    return earlier != later and not _is_blank(earlier) and not _is_blank(later)


def _is_blank(value: object) -> bool:
    return value is None or value == ""


def _contradiction(whose: str, name: str, label: str, earlier: Position) -> Flaw:
    who = "报告人" if whose == OFFICIAL else "亲属"
    return Flaw(
        f"{whose}.{name}",
        f"与{earlier}所填同一{who}的“{label}”不一致",
        "请核对哪一处正确，改成一致；如果不是同一个人，请核对证件号码",
    )


def _completed(labels: Sequence[str] | dict[str, str], earlier: _Person, later: _Person) -> _Person:
    """The earlier one, with its blanks filled from the later one."""
    blanks = [name for name in labels if _is_blank(getattr(earlier, name))]
    filled = {name: getattr(later, name) for name in blanks}
    return replace(earlier, **filled) if any(map(_is_filled, filled.values())) else earlier


def _is_filled(value: object) -> bool:
    return not _is_blank(value)
