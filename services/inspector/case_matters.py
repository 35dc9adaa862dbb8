"""The matter of each case as 纪委 knows it: its own case, and every step that the units reported (R39).

The same entries, the same order and the same rules as in the units, so the same matter. What a unit
reported and is no step of the case, is not the step that it told the gate, or is an outcome that it
did not sign, is left out and becomes a dispute; the rest of the case goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from libmatch.china_time import china_day
from libmatch.errors import EncodingError, ManifestError
from libmatch.reports import Stage
from libmatch.suites import verify_signature
from services.inspector.cases import Case
from services.inspector.disputes import Dispute, unknown_party
from services.inspector.epochs import Epochs, find_member
from services.inspector.states import CaseStatus, DisputeKind
from services.inspector.store.disputes import Disputes
from services.inspector.store.entries import Body, Entries, Told
from services.process.entries import Entry, History, Said, decode_body
from services.process.folding import Folded, fold, stage_of
from services.process.moments import to_us
from services.process.statements import Stated
from services.rules.matter_facts import Matter, State
from services.rules.matter_steps import Conclude
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

_PAGE = 200  # cases that are in memory at once


@dataclass(frozen=True, repr=False)
class CaseMatter:
    """A case with its matter. ``told_at``: when its units were first told; ``stated`` at which meetings."""

    case: Case
    told_at: datetime
    folded: Folded
    stated: tuple[Stated, ...]


@dataclass(frozen=True)
class CaseMatters:
    """The released cases, each with the matter that its entries come to."""

    entries: Entries
    disputes: Disputes
    epochs: Epochs
    rules: RuleSets
    now: Callable[[], datetime]

    def fold_cases(self) -> Iterator[tuple[Case, Folded]]:
        """Every case that was released, ascending by number, with its matter. Keeps new disputes."""
        for one in self.read_matters():
            yield one.case, one.folded

    def read_matters(self) -> Iterator[CaseMatter]:
        """The same, with what was explained of each at meetings."""
        after = 0
        while page := self.entries.read_page(after, _PAGE):
            found: list[Dispute] = []
            yield from [self._fold(told, found) for told in page]
            if found:
                self.disputes.add(found, self.now())
            after = page[-1].case.number

    def _fold(self, told: Told, found: list[Dispute]) -> CaseMatter:
        opened = open_matter(told, self.rules)
        said: list[Said] = []
        for body in told.bodies:
            try:
                said.append(self._believe(body, opened))
            except ManifestError:
                found.append(unknown_party(None))
            except (EncodingError, RuleViolation):
                found.append(self._dispute(body))
        entries = [one for one in said if isinstance(one, Entry)]
        opened = _as_opened(opened, said, self.rules)
        folded = fold(opened, entries, self.rules.get(opened.rules_version))
        folded = replace(folded, matter=_as_declared(folded.matter, told.case))
        stated = tuple(one for one in said if isinstance(one, Stated))
        return CaseMatter(told.case, told.told_at, folded, stated)

    def _believe(self, body: Body, opened: Matter) -> Said:
        """What ``body`` says. Raises EncodingError, ManifestError, RuleViolation."""
        said = decode_body(body.body)
        head = (opened.matter_id, body.unit, body.side, body.seq, body.at_us)
        if head != (said.case_id, said.unit, said.side, said.seq, to_us(said.at)):
            raise EncodingError("the report is of another case, number, time or party")
        stages = _stages_of(said, opened) if isinstance(said, Entry) else {Stage.NOTE}
        if body.stage not in stages:
            raise EncodingError("what the report says is not what the gate was told")
        # What a unit repeats to one that came later, 纪委 has from it already.
        if isinstance(said, Entry) and isinstance(said.step, Conclude):
            outcome = said.step.outcome(said.actor, said.at)
            outcome.verify(said.case_id, partial(self._is_signed, body))
        return said

    def _is_signed(self, body: Body, message: bytes, signature: bytes) -> bool:
        """Whether the unit signed it in the epoch in force, or in that of its report. ManifestError."""
        member = find_member(self.epochs.current, body.unit)
        if member is not None and verify_signature(member.signing_key, message, signature):
            return True
        (report,) = self.entries.read_reports([body.report]).values()
        member = find_member(self.epochs.find(report.epoch), body.unit)
        if member is None:
            raise ManifestError("the kit has lost the epoch in which the outcome was signed")
        return verify_signature(member.signing_key, message, signature)

    def _dispute(self, body: Body) -> Dispute:
        (report,) = self.entries.read_reports([body.report]).values()
        detail = f"{body.unit}（报告{body.report}）"
        return Dispute(DisputeKind.REPORT_BODY, (body.unit,), b"", detail, report.encode())


def open_matter(told: Told, rules: RuleSets) -> Matter:
    """The matter of the case before any step, under the rules of the day on which units were told."""
    case = told.case
    return Matter(
        matter_id=case.case_id,
        rules_version=rules.on(china_day(told.told_at)).version,
        approving_unit=case.key.approving_unit,
        official_unit=case.pairs[0].declaring_unit,
        village_unit=case.key.approving_unit,
        official_name=case.content.relative.official_name,
        notified_at=told.told_at,
    )


def _as_opened(opened: Matter, said: Iterable[Said], rules: RuleSets) -> Matter:
    """As the approving unit says that it opened the case: that is what the units fold from."""
    openings = [
        (one.seq, one.opening)
        for one in said
        if isinstance(one, History) and one.opening and one.unit == opened.approving_unit
    ]
    if not openings:
        return opened
    _, last = max(openings, key=lambda pair: pair[0])
    known = {version.version for version in rules.versions}
    if last.rules_version not in known:
        return opened
    return replace(
        opened,
        official_unit=last.official_unit,
        rules_version=last.rules_version,
        notified_at=last.notified_at,
    )


def _as_declared(matter: Matter, case: Case) -> Matter:
    """With every unit that declares a live record, also one that has not said yet that it got its copy.

    Without any the matter is withdrawn, whether or not its units have said so yet (R37).
    """
    if case.status is CaseStatus.WITHDRAWN:
        return replace(matter, state=State.WITHDRAWN)
    late = [unit for unit in case.declaring_units if unit not in matter.declaring_units]
    return replace(matter, copied_to=(*matter.copied_to, *late))


def _stages_of(entry: Entry, opened: Matter) -> frozenset[int]:
    """What the gate may have been told of the step, whatever was open just then."""
    befores = (opened, replace(opened, state=State.OBJECTED))
    return frozenset(int(stage_of(entry.step, before)) for before in befores)
