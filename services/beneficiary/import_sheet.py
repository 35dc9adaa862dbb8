"""Takes a beneficiary list in: read, compare with what is held, keep, seal."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from services.beneficiary.entries import ImportPlan
from services.beneficiary.import_plan import plan_import
from services.beneficiary.item_sheet import ItemImport, read_items
from services.beneficiary.store import Store
from services.chassis.identity import Identity
from services.chassis.sheets import SheetError
from services.holder.imports import Imported, day_in_china, notice_of_kinds
from services.holder.references import new_ref
from services.holder.store.trail import Trail


class ImportSheet:
    """One import: all of it is kept, or nothing. ``wake`` lets the new records be sealed at once.

    ``kinds``: the kinds of identifiers that the epoch takes.
    """

    def __init__(
        self,
        store: Store,
        kinds: Collection[int],
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._now = now
        self._wake = wake
        self._ref_key = store.read_ref_key()

    def run(self, actor: Identity, file_name: str, data: bytes) -> Imported:
        """What was taken. Raises SheetError where the file as a whole cannot be used."""
        at = self._now()
        trail = Trail(at, actor, "import-items", f"import:{new_ref().hex()}")
        try:
            read = read_items(data, file_name, today=day_in_china(at), ref_key=self._ref_key)
        except SheetError:
            self._store.leave_trail(trail, "file refused")
            raise
        plan = self._store.run_import(
            item_refs=[item.item_ref for item in read.items],
            make_plan=lambda known: plan_import(read.items, known, new_ref),
            trail=trail,
            tell=lambda plan: str(self._tell(read, plan)),
        )
        self._wake()
        return self._tell(read, plan)

    def _tell(self, read: ItemImport, plan: ImportPlan) -> Imported:
        identifiers = (person.identifier for item in read.items for person in item.persons)
        kinds = notice_of_kinds(identifiers, self._kinds)
        notices = (*read.report.notices, *kinds, *plan.notices)
        return Imported(read.report, plan.new, plan.changed, plan.unchanged, notices)
