"""Takes a sheet of declarations in: read, compare with what is held, keep, seal.

Without administrators in the settings (a trial) what a sheet says is in the match at once. With them
nothing is: every declaration waits as a version for its signatures and its entry (R21), which is the
work of ``services.registry.signoff``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from libmatch.china_time import china_day
from libmatch.identifiers import Identifier
from services.chassis.identity import Identity
from services.chassis.sheets import SheetError
from services.holder.imports import Imported, notice_of_kinds
from services.holder.references import new_ref
from services.process.store.trail import Trail
from services.registry.declaration_sheet import Declaration, DeclarationImport, read_declarations
from services.registry.entries import ImportPlan
from services.registry.import_plan import plan_import
from services.registry.signoff.stage import StageSheet
from services.registry.store import Store


class ImportSheet:
    """One import: all of it is kept, or nothing. ``wake`` lets the new records be sealed at once.

    ``kinds``: the kinds of identifiers that the epoch takes. ``stage``: where the sheets of a unit
    with administrators go instead.
    """

    def __init__(
        self,
        store: Store,
        kinds: Collection[int],
        now: Callable[[], datetime],
        wake: Callable[[], None],
        stage: StageSheet | None = None,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._now = now
        self._wake = wake
        self._stage = stage

    def run(self, actor: Identity, file_name: str, data: bytes) -> Imported:
        """What was taken. Raises SheetError where the file as a whole cannot be used."""
        if self._stage is not None:
            return self._stage.run(actor, file_name, data)
        at = self._now()
        trail = Trail(at, actor, "import-declarations", f"import:{new_ref().hex()}")
        try:
            read = read_declarations(data, file_name, today=china_day(at))
        except SheetError:
            self._store.leave_trail(trail, "file refused")
            raise
        plan = self._store.run_import(
            identifiers=[d.official.identifier for d in read.declarations],
            names=[d.official.name for d in read.declarations],
            make_plan=lambda known: plan_import(read.declarations, known, new_ref),
            trail=trail,
            tell=lambda plan: str(self._tell(read, plan)),
        )
        self._wake()
        return self._tell(read, plan)

    def _tell(self, read: DeclarationImport, plan: ImportPlan) -> Imported:
        kinds = notice_of_kinds(_identifiers(read.declarations), self._kinds)
        notices = (*read.report.notices, *kinds, *plan.notices)
        return Imported(read.report, plan.new, plan.changed, plan.unchanged, notices)


def _identifiers(declarations: Sequence[Declaration]) -> Iterable[Identifier]:
    for declaration in declarations:
        yield declaration.official.identifier
        yield from (r.identifier for r in declaration.relatives if r.identifier)
