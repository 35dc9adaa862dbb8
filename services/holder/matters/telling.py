"""Who is told of own steps: every step goes to who has all before it, and who came later is told those.

A unit that was no party when a step was made gets it in a ``History``: so the parties of a case hold the
same steps, whenever each joined (R36, R40). A unit without a live hit in the case cannot be told, says
the matcher; it is tried again after a day, and less and less often.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from libmatch.records import Side
from libmatch.reports import Stage
from services.holder.material import Material
from services.holder.matters.sealing import Said, members_of, seal_said
from services.holder.store import matters as store
from services.holder.store import parties
from services.holder.store.matters import Case, Transaction, Waiting
from services.process.entries import Entry, History
from services.process.folding import is_party
from services.process.moments import to_us
from services.rules.matter_facts import Matter
from services.rules.ruleset import RuleSets

_PIECE_BYTES = 12_000  # of repeated steps in one report; a copy has at most 16 KiB
_FIRST_DELAY = timedelta(days=1)
_MOST_DOUBLINGS = 5


def others_of(material: Material, matter: Matter) -> frozenset[str]:
    """The other units of the case; the own one too where its other service is a party."""
    if not is_party(matter, material.unit, material.side):
        return frozenset()
    units = frozenset({matter.approving_unit, *matter.declaring_units})
    return units if matter.approving_unit in matter.declaring_units else units - {material.unit}


class Telling:
    """Puts own steps into reports for the other parties, in somebody's transaction."""

    def __init__(self, material: Material, rules: RuleSets) -> None:
        self._material = material
        self._rules = rules

    def keep_parties(self, session: Transaction, case: Case) -> None:
        """Keeps who takes part now. Who came before the first own step has nothing to catch up with."""
        case_id, others = case.matter.matter_id, others_of(self._material, case.matter)
        known = parties.read_parties(session, case_id)
        parties.remove_parties(session, case_id, known - others)
        # The approving unit always says how it opened the case.
        told = not self._approves(case.matter) and self._next_seq(session, case_id) == 1
        parties.add_parties(session, case_id, others - known, told=told)

    def report(self, session: Transaction, entry: Entry, stage: Stage) -> None:
        """Puts the report of an own step behind those that wait."""
        said = Said(entry.case_id, entry.seq, entry.at_us, stage, entry.encode())
        to = members_of(self._material, parties.read_told(session, entry.case_id))
        store.add_report(session, seal_said(self._material, said, to))

    def tell(self, session: Transaction, case: Case, unit: str, at: datetime) -> None:
        """Repeats all own steps of the case to ``unit``, which gets the next ones from then on."""
        case_id, material = case.matter.matter_id, self._material
        opening = case.opening if self._approves(case.matter) else None
        own = store.read_own_entries(session, case_id, material.unit, material.side)
        for piece in _pieces(own) or ([[]] if opening else []):
            seq = self._next_seq(session, case_id)
            head = (case_id, material.unit, material.side, seq, at)
            history = History(*head, opening, tuple(piece))
            store.add_entry(session, history, self._rules)
            said = Said(case_id, seq, to_us(at), Stage.NOTE, history.encode())
            store.add_report(session, seal_said(material, said, members_of(material, [unit])))
        parties.mark_told(session, case_id, unit)

    def reseal(self, session: Transaction, waiting: Waiting) -> None:
        """Seals a report of a former epoch again, to the same recipients as the roster has them now."""
        to = members_of(self._material, [copy.recipient for copy in waiting.report.copies])
        again = seal_said(self._material, self._said(session, waiting), to)
        store.replace_report(session, waiting.position, again, resealed=True)

    def withhold(self, session: Transaction, waiting: Waiting, now: datetime) -> None:
        """Seals a report to 纪委 alone: the matcher says that one of its recipients is no party now."""
        inspectors = members_of(self._material, ())
        alone = seal_said(self._material, self._said(session, waiting), inspectors)
        store.replace_report(session, waiting.position, alone, resealed=waiting.resealed)
        case_id, copies = waiting.report.case_id, waiting.report.copies
        # Reports behind this one may be refused for the same reason: that is counted once.
        for unit in parties.read_told(session, case_id) & {copy.recipient for copy in copies}:
            doublings = min(parties.count_refusals(session, case_id, unit), _MOST_DOUBLINGS)
            parties.mark_refused(session, case_id, unit, now + _FIRST_DELAY * 2**doublings)

    def _said(self, session: Transaction, waiting: Waiting) -> Said:
        report, own = waiting.report, (self._material.unit, self._material.side)
        body = store.read_body(session, report.case_id, *own, report.seq)
        return Said(report.case_id, report.seq, report.at_us, report.stage, body)

    def _next_seq(self, session: Transaction, case_id: bytes) -> int:
        return store.next_seq(session, case_id, self._material.unit, self._material.side)

    def _approves(self, matter: Matter) -> bool:
        unit, side = self._material.unit, self._material.side
        return side is Side.BENEFICIARY and unit == matter.approving_unit


def _pieces(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries in order, as many together as one report carries."""
    pieces: list[list[Entry]] = []
    room = 0
    for entry in entries:
        length = len(entry.encode())
        if length > room:
            pieces.append([])
            room = _PIECE_BYTES
        pieces[-1].append(entry)
        room -= length
    return pieces
