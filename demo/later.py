"""What happens after the first run, done and checked: late arrivals, a correction, withdrawals, a repetition.

The late files go through the command line, as a clerk types it; the rest through the clerk's client.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from demo.changes import Changes
from demo.failure import DemoFailure
from demo.judge import CLEAR, HOLD, NOT_SUBMITTED, Hits, folded, judge_hits, key_of
from demo.parties import Office, blaming
from demo.processes import ROOT, make_environment
from demo.sheets import DeclarationFile, ListFile, Sheets
from demo.site import Site
from demo.truth import ExpectedHit
from demo.units import Unit
from demo.uploads import send_all

REASON_ZH = "演示核对"
WITHDRAWAL_ZH = "申报有误，撤回"
STEPS = 5
_CLI_S = 300


@dataclass
class Later:
    """The changes of one run. ``hits``: what must be found now; ``outcomes``: for the report."""

    site: Site
    sheets: Sheets
    changes: Changes
    hits: list[ExpectedHit]
    folder: Path
    outcomes: dict[str, Any] = field(default_factory=dict)
    _withdrawn_at: Unit | None = None

    def run(self, tell: Callable[[int], None]) -> None:
        """Carries all of them out. Raises DemoFailure."""
        steps = (self._arrive, self._correct, self._withdraw_relative, self._withdraw_item)
        for step in (*steps, self._repeat):
            step()
            tell(1)

    @property
    def ok(self) -> bool:
        """Whether every change had just the effect that it must have."""
        return all(outcome["ok"] for outcome in self.outcomes.values())

    def _arrive(self) -> None:
        """A late declaration against all items, a late item against all declarations."""
        before = {key_of(hit) for hit in self.hits}
        self.hits = self.changes.with_arrivals(self.sheets)
        new = [hit for hit in self.hits if key_of(hit) not in before]
        (item,) = [row.item for row in self.changes.listed.rows]
        self._bring(self.site.registry(self.changes.declaration.unit), self.changes.declaration)
        self._bring(self.site.beneficiary(self.changes.listed.unit), self.changes.listed)
        held = self._gate(new) == dict.fromkeys((hit.item.ref for hit in new), HOLD)
        self._judge(
            "late",
            held,
            declaration_hits=sum(hit.item is not item for hit in new),
            item_hits=sum(hit.item is item for hit in new),
        )

    def _correct(self) -> None:
        """A corrected item: its hits stay, and say what is true now."""
        correction = self.changes.correction
        self.hits = self.changes.with_correction(self.hits)
        office = self.site.beneficiary(correction.file.unit)
        self._bring(office, correction.file)
        affected = [hit for hit in self.hits if hit.item is correction.after]
        held = self._gate(affected) == {correction.after.ref: HOLD}
        self._judge("correction", held, hits_corrected=len(affected))

    def _withdraw_relative(self) -> None:
        """A relative is withdrawn: the hit is none any more, and the item may go on."""
        hit, official, relative = self._find_relative()
        office = self.site.registry(hit.units[0])
        with blaming(office.process):
            count = office.client.withdraw(official, [relative], WITHDRAWAL_ZH)
        send_all(office)
        self._withdrawn_at = office.unit
        self.hits = [h for h in self.hits if (h.official, h.person) != (hit.official, hit.person)]
        clear = self._gate([hit]) == {hit.item.ref: CLEAR}
        self._judge("withdrawn_relative", count == 1 and clear, records=count)

    def _withdraw_item(self) -> None:
        """An item is withdrawn: no hit, and nothing that could be approved."""
        hit = self.changes.item
        office = self.site.beneficiary(hit.item.unit)
        with blaming(office.process):
            count = office.client.withdraw(hit.item.ref, WITHDRAWAL_ZH)
        send_all(office)
        self.hits = [h for h in self.hits if h.item is not hit.item]
        gone = self._gate([hit]) == {hit.item.ref: NOT_SUBMITTED}
        self._judge("withdrawn_item", count == 1 and gone, records=count)

    def _repeat(self) -> None:
        """The same file again: nothing changes, nothing is sent."""
        # Where a relative was withdrawn, the old file would take him up again, and rightly so.
        file = next(f for f in self.sheets.declarations if f.unit is not self._withdrawn_at)
        path = self.folder / file.unit.id / file.name
        office = self.site.registry(file.unit)
        with blaming(office.process):
            report = office.client.import_sheet(path.name, path.read_bytes(), lambda _: None)
            sent = office.client.sync()
        changes = report.new + report.changed + sent.records + sent.withdrawn
        self._judge("reimport", changes == 0, changes=changes, unchanged=report.unchanged)

    def _find_relative(self) -> tuple[ExpectedHit, bytes, bytes]:
        """A hit whose relative can be told from all others by names, with the two references."""
        for hit in self.changes.relatives:
            office = self.site.registry(hit.units[0])
            names = (folded(hit.official.person.name), folded(hit.person.name), hit.relation)
            with blaming(office.process):
                lines = office.client.list_relatives()
            found = [line for line in lines if (line.official, line.name, line.relation) == names]
            if len(found) == 1:
                refs = found[0].official_ref, found[0].ref
                return hit, bytes.fromhex(refs[0]), bytes.fromhex(refs[1])
        raise DemoFailure("没有可供撤回演示的亲属")

    def _bring(self, office: Office, file: DeclarationFile | ListFile) -> None:
        """A clerk imports a file with the command line, and all of it is sent."""
        path = file.write(self.folder / office.unit.id)
        command = [sys.executable, "-m", "services.cli.main", office.side, "import", str(path)]
        done = subprocess.run(
            [*command, "--config", str(office.config)],
            cwd=ROOT,
            env=make_environment({"LIBMATCH_CLERK__SERVER__ADDRESS": office.process.address}),
            capture_output=True,
            text=True,
            timeout=_CLI_S,
            check=False,
        )
        if done.returncode:
            raise DemoFailure(
                f"{office.title_zh}：导入 {path.name} 的命令退出码 {done.returncode}",
                office.process.stderr,
            )
        send_all(office)

    def _gate(self, hits: Iterable[ExpectedHit]) -> dict[str, str]:
        """What the gate says of the items of ``hits``, once 纪委 has looked at the new batches."""
        self.site.desk.pull()
        answers: dict[str, str] = {}
        for hit in hits:
            office = self.site.beneficiary(hit.item.unit)
            answers |= {line.item_ref: line.status for line in office.check([hit.item.ref])}
        return answers

    def _judge(self, name: str, as_expected: bool, **facts: int) -> None:
        found: Hits = judge_hits(self.hits, self.site.desk.list_cases(REASON_ZH))
        self.outcomes[name] = {"ok": as_expected and found.ok, **facts, "hits": asdict(found)}
