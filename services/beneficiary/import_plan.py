"""What an import changes: the items of a file against what the service holds. Pure.

A person of an item is the same by (item number, identifier, capacity). Blank cells never erase what was
entered before. Who is missing in a later file stays, and is told: withdrawing is a decision of its own.
A changed name or fact is a correction: a new record, then the withdrawal of the old one. The proposed list
of an item is closed once its actual one is there (R61): what comes later is said by an actual list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.beneficiary.entries import ImportPlan, ItemEntry, Known, PersonEntry
from services.beneficiary.item_records import Item, ItemPerson
from services.beneficiary.lists import ListKind
from services.chassis.sheets import Notice, Position
from services.holder.imports import filled
from services.rules.violation import RuleViolation


def plan_import(
    items: Sequence[Item], known: Known, new_ref: Callable[[], bytes], kind: ListKind
) -> ImportPlan:
    """The plan for a whole file, a list of ``kind``. ``new_ref`` gives unused references of 16 bytes.

    RuleViolation R61 where a proposed list comes after the actual one and says something else.
    """
    plan, late = ImportPlan(), list[Position]()
    for told in items:
        size = plan.size
        held = known.items.get(told.item_ref)
        before = held or ItemEntry(new_ref(), told.item_ref)
        after = filled(before, _facts_of(told))
        if held is None:
            plan.new_items.append(after)
        elif after != held:
            plan.changed_items.append(after)
        persons = known.persons.get(before.ref, ())
        _Persons(plan, told, before, after, persons, new_ref, kind).run()
        if plan.size > size:
            plan.touched.add(told.item_ref)
            if kind is ListKind.PRE and any(person.in_post for person in persons):
                late.append(told.position)
    if late:
        raise _too_late(late)
    return plan


def _too_late(positions: Sequence[Position]) -> RuleViolation:
    rows = "、".join(str(position.row) for position in positions[:10])
    more = f"等{len(positions)}行" if len(positions) > 10 else "行"
    return RuleViolation(
        "R61",
        "the actual list of an item is there: its proposed list is closed; enter the correction as an "
        "actual list",
        f"第{rows}{more}的事项已有事后名单，不能再补录或更改事前名单：请从本文件删去这些行，"
        "实际受益人有变化的用事后名单导入",
    )


def _facts_of(told: Item) -> dict[str, object]:
    return {
        "item_name": told.item_name,
        "programme": told.programme,
        "amount_fen": told.amount_fen,
        "place": told.place,
        "start": told.start_date,
        "finished": told.finished,
        "remark": told.remark,
        "company": told.company,
    }


class _Persons:
    """The persons of one item against those held of it. ``before``, ``after``: the item."""

    def __init__(
        self,
        plan: ImportPlan,
        told: Item,
        before: ItemEntry,
        after: ItemEntry,
        persons: Sequence[PersonEntry],
        new_ref: Callable[[], bytes],
        kind: ListKind,
    ) -> None:
        self._kind = kind
        self._plan = plan
        self._position = told.position
        self._told = told.persons
        self._before = before
        self._after = after
        self._held = {(p.identifier, p.capacity): p for p in persons}
        self._new_ref = new_ref
        self._met: set[bytes] = set()
        self._enter: set[bytes] = set()

    def run(self) -> None:
        """Adds to the plan what this item changes."""
        added = [told for told in self._told if not self._compare(told)]
        if self._before.sealed_part != self._after.sealed_part:
            self._enter |= {p.ref for p in self._held.values() if not p.withdrawn}
        changed = self._enter | (self._met if self._before != self._after else set())
        self._plan.changed += len(changed)
        self._plan.unchanged += len(self._met - changed)
        self._plan.enter += sorted(self._enter)
        for told in added:
            self._add(told)
        self._carry_amount()
        self._tell_of_missing(added)

    def _compare(self, told: ItemPerson) -> bool:
        """True where the person is held; what differs is in the plan."""
        held = self._held.get((told.identifier, told.capacity))
        if held is None:
            return False
        self._met.add(held.ref)
        entry = self._listed(replace(held, name=told.name, withdrawn=False))
        if held.withdrawn:
            self._tell("该人员已撤回，本次又列入名单，已重新参加比对")
        if entry != held:
            self._plan.changed_persons.append(entry)
        if (entry.name, entry.withdrawn) != (held.name, held.withdrawn):
            self._enter.add(entry.ref)
        return True

    def _add(self, told: ItemPerson) -> None:
        identifier, capacity = told.identifier, told.capacity
        entry = PersonEntry(self._new_ref(), self._after.ref, identifier, capacity, told.name)
        self._plan.new_persons.append(self._listed(entry))
        self._plan.enter.append(entry.ref)
        self._plan.new += 1

    def _listed(self, entry: PersonEntry) -> PersonEntry:
        return entry.listed(self._kind, self._after.amount_fen)

    def _absent(self) -> list[PersonEntry]:
        """The live persons who are held and not in this file."""
        return [p for p in self._held.values() if p.ref not in self._met and not p.withdrawn]

    def _carry_amount(self) -> None:
        """Whoever stays on the list of this kind has the item's amount as this file says it."""
        for held in self._absent():
            entry = self._listed(held) if held.is_listed(self._kind) else held
            if entry != held:
                self._plan.changed_persons.append(entry)

    def _tell_of_missing(self, added: Sequence[ItemPerson]) -> None:
        missing = self._absent()
        if not missing:
            return
        if self._kind is ListKind.POST and not any(p.in_post for p in missing):
            self._tell(
                f"事前名单中有{len(missing)}人不在本表中，仍然参加比对；请核对事前、事后名单的差异"
            )
            return
        self._tell(
            f"该事项原有{len(missing)}人不在本表中，仍然参加比对；确实不再列入的，请撤回该事项后重新导入"
        )
        names = {(p.name, p.capacity) for p in missing}
        if any((told.name, told.capacity) in names for told in added):
            self._tell(
                "该事项原有同名人员，证件号码不同，两条都参加比对；如果是更正号码，请撤回该事项后重新导入"
            )

    def _tell(self, text: str) -> None:
        position: Position = self._position
        self._plan.notices.append(Notice(position.sheet, position.row, text))
