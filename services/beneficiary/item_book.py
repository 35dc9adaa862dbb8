"""All items of one file: each once, contradictions and possible duplicates refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from libmatch.identifiers import Identifier
from services.beneficiary.item_facts import Facts, RowFacts, completed, contradictions, derive_ref
from services.beneficiary.item_persons import RowPersons
from services.beneficiary.item_records import Item, ItemPerson
from services.chassis.sheets import Flaw, Position


@dataclass
class _Entry:
    ref: str
    facts: Facts
    position: Position
    persons: dict[Identifier, ItemPerson] = field(default_factory=dict)


class ItemBook:
    """Collects items row by row; the same item twice is refused as a possible duplicate."""

    def __init__(self, ref_key: bytes) -> None:
        self._ref_key = ref_key
        self._entries: dict[str, _Entry] = {}

    def add(self, facts: RowFacts, persons: RowPersons, position: Position) -> tuple[Flaw, ...]:
        """No flaws, and the row is in the book; or why it cannot be taken."""
        found, flaws = facts[0], (*facts[1], *persons[1])
        if flaws or found is None:
            return flaws
        ref = found.given_ref or derive_ref(self._ref_key, found, persons[0])
        entry = self._entries.get(ref)
        if entry is None:
            entry = self._entries[ref] = _Entry(ref, found, position)
        elif flaws := _clash(entry, found, persons[0]):
            return flaws
        entry.facts = completed(entry.facts, found)
        for person in persons[0]:
            entry.persons.setdefault(person.identifier, person)
        return ()

    def items(self) -> tuple[Item, ...]:
        """All items, in the order in which they first came."""
        return tuple(_item(entry) for entry in self._entries.values())


def _clash(entry: _Entry, facts: Facts, persons: Sequence[ItemPerson]) -> tuple[Flaw, ...]:
    """Why a row with the reference of an earlier one is not another part of the same item."""
    if labels := contradictions(entry.facts, facts):
        named = "、".join(f"“{label}”" for label in labels)
        return (
            Flaw(
                "ref",
                f"编号与{entry.position}相同，{named}却不同",
                "同一编号只能是同一事项：是同一事项的请改成一致，不是的请用不同的编号",
            ),
        )
    if all(person.identifier in entry.persons for person in persons):
        return (
            Flaw(
                "",
                f"可能重复：与{entry.position}的人员、项目、金额、地点、时间都相同",
                "重复录入的请删除本行；确是另外一笔的，请填写各自的编号或时间",
            ),
        )
    return ()


def _item(entry: _Entry) -> Item:
    facts = entry.facts
    return Item(
        entry.ref,
        tuple(entry.persons.values()),
        facts.item_name,
        facts.programme,
        facts.amount_fen,
        facts.place,
        facts.start_date,
        facts.remark,
        facts.company,
        entry.position,
        facts.finished,
    )
