"""Takes a beneficiary list in: read, judge, compare with what is held, keep.

Where the unit has administrators, what is new waits for signature and review (R25, R31); in a trial it is
in force at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from libmatch.china_time import china_day
from services.beneficiary.entries import ImportPlan
from services.beneficiary.import_plan import plan_import
from services.beneficiary.item_records import Item
from services.beneficiary.item_scope import ItemScope
from services.beneficiary.item_sheet import ItemImport, read_items
from services.beneficiary.lists import Draft, ListEntry, ListKind, make_entry
from services.beneficiary.store.lists import Held, ListStore, Taken
from services.chassis.identity import Identity
from services.chassis.sheets import Notice, SheetError
from services.holder.imports import Imported, notice_of_kinds
from services.holder.references import new_ref
from services.process.store.trail import Trail
from services.rules.catalogue import Catalogue
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation


@dataclass(frozen=True)
class ImportTerms:
    """What imports go by. ``kinds``: of identifiers that the epoch takes; ``must_sign``: R25 is enforced."""

    catalogue: Catalogue
    rules: RuleSets
    kinds: Collection[int]
    must_sign: bool


class ImportSheet:
    """One import: all of it is kept, or nothing. ``wake`` lets the new records be sealed at once.

    ``ref_key``: behind the references of rows without a number, at least 16 bytes.
    """

    def __init__(
        self,
        lists: ListStore,
        ref_key: bytes,
        terms: ImportTerms,
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._lists = lists
        self._ref_key = ref_key
        self._terms = terms
        self._now = now
        self._wake = wake

    def run(
        self, actor: Identity, file_name: str, data: bytes, kind: ListKind = ListKind.PRE
    ) -> Imported:
        """What was taken. Raises SheetError where the file as a whole cannot be used, and
        RuleViolation R61 where a proposed list would change an item that has its actual one."""
        at, list_id = self._now(), new_ref()
        trail = Trail(at, actor, f"import-items-{kind}", f"list:{list_id.hex()}")
        draft = Draft(list_id, kind, actor.login or actor.name, at, ())
        try:
            read = self._read(file_name, data, at)
            taken, replaced = self._lists.take(
                [item.item_ref for item in read.items],
                lambda held: self._decide(read.items, draft, held),
                trail,
                lambda taken, replaced: str(self._tell(read, taken, replaced)),
            )
        except SheetError:
            self._lists.leave_trail(trail, "file refused")
            raise
        except RuleViolation as refused:
            self._lists.leave_trail(trail, f"refused {refused.rule}")
            raise
        self._wake()
        return self._tell(read, taken, replaced)

    def _read(self, file_name: str, data: bytes, at: datetime) -> ItemImport:
        today = china_day(at)
        scope = ItemScope(self._terms.catalogue, self._terms.rules.on(today), today)
        read = read_items(data, file_name, today=today, ref_key=self._ref_key, check=scope.check)
        notices = (*read.report.notices, *scope.notices())
        return replace(read, report=replace(read.report, notices=notices))

    def _decide(self, items: Collection[Item], draft: Draft, held: Held) -> Taken:
        """The whole file in a trial; else what nobody signed and what does not wait already."""
        if not self._terms.must_sign:
            plan = self._plan(items, draft, held)
            new = [make_entry(item) for item in items if item.item_ref in plan.touched]
            return Taken(plan, _filled(draft, new), waits=False)
        entries = {item.item_ref: make_entry(item) for item in items}
        waits = {
            ref
            for ref, entry in entries.items()
            if held.waiting.get(ref) == (draft.kind, entry.digest)
        }
        others = [item for item in items if item.item_ref not in waits]
        plan = self._plan(others, draft, held)
        plan.unchanged += sum(len(item.persons) for item in items if item.item_ref in waits)
        wanted = plan.touched | held.unsigned
        new = [entries[item.item_ref] for item in others if item.item_ref in wanted]
        return Taken(plan, _filled(draft, new), waits=True)

    def _plan(self, items: Collection[Item], draft: Draft, held: Held) -> ImportPlan:
        return plan_import(list(items), held.known, new_ref, draft.kind)

    def _tell(self, read: ItemImport, taken: Taken, replaced: int) -> Imported:
        plan = taken.plan
        identifiers = (person.identifier for item in read.items for person in item.persons)
        kinds = notice_of_kinds(identifiers, self._terms.kinds)
        notices = (*read.report.notices, *kinds, *plan.notices, *_tell_of_list(taken, replaced))
        return Imported(read.report, plan.new, plan.changed, plan.unchanged, notices)


def _filled(draft: Draft, entries: Sequence[ListEntry]) -> Draft | None:
    return replace(draft, entries=entries) if entries else None


def _tell_of_list(taken: Taken, replaced: int) -> tuple[Notice, ...]:
    """What becomes of the list."""
    notices = []
    if taken.waits and taken.draft is not None:
        number, count = taken.draft.list_id.hex(), len(taken.draft.entries)
        text = f"名单{number}（{count}个事项）待责任领导审核、党组织负责人签署意见，之后参加比对"
        notices.append(Notice("", 0, text))
    if replaced:
        text = f"有{replaced}个事项原在待签署的名单中，已由本名单取代，原名单须重新审核、签署"
        notices.append(Notice("", 0, text))
    return tuple(notices)
