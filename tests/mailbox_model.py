"""The matcher's mailbox as its rules say it: notices of 纪委, reports of units, and who gets which.

Beside ``tests.matcher_model``, and like it without anything of the services.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from libmatch.records import Side
from libmatch.release import SealedNotice
from libmatch.reports import Report
from tests.matcher_model import MatcherModel, Refusal
from tests.standing_model import Party


@dataclass
class Posted:
    """A notice in the mailbox: its leaf in the log, and (time, leaf) of its acknowledgement."""

    notice: SealedNotice
    leaf: int
    acknowledged: tuple[int, int] | None = None


@dataclass(frozen=True)
class Told:
    """A report that was accepted, and who gets a copy."""

    report: Report
    leaf: int
    boxes: frozenset[Party]


@dataclass
class MailboxModel:
    """All that was released and reported. ``inspectors`` get any report that is addressed to them."""

    matcher: MatcherModel
    inspectors: frozenset[str]
    notices: list[Posted] = field(default_factory=list)
    reports: list[Told] = field(default_factory=list)

    def judge_notice(self, notice: SealedNotice) -> Refusal | Posted | None:
        """What a release comes to: refused, known, or None: it is new."""
        earlier = self.find(notice.notice_id)
        if earlier is not None:
            return earlier if earlier.notice == notice else Refusal("CONFLICT")
        pair = next((p for p in self.matcher.pairs if p.id == notice.hit_id), None)
        if pair is None:
            return Refusal("NOT_FOUND")
        if not pair.live:
            return Refusal("WRONG_STATE")
        row = pair.row_of(notice.side)
        fits = (row.epoch, row.ref.unit) == (notice.epoch, notice.unit)
        return None if fits else Refusal("NOT_PARTY")

    def judge_acknowledgement(
        self, peer: str, notice_id: bytes, *, signed: bool
    ) -> Refusal | Posted:
        """What ``peer`` gets for acknowledging: a refusal, or the notice."""
        if peer not in self.matcher.active:
            return Refusal("ROSTER")
        posted = self.find(notice_id)
        if posted is None or posted.notice.unit != peer:
            return Refusal("NOT_FOUND")
        return posted if signed else Refusal("BATCH")

    def find(self, notice_id: bytes) -> Posted | None:
        return next((p for p in self.notices if p.notice.notice_id == notice_id), None)

    def inbox(self, unit: str, side: Side) -> list[tuple[SealedNotice, bool]]:
        """The notices to ``unit`` as ``side``, with whether they were acknowledged."""
        return [
            (p.notice, p.acknowledged is not None)
            for p in self.notices
            if (p.notice.unit, p.notice.side) == (unit, side)
        ]

    def judge_report(self, peer: str, report: Report, at: datetime) -> Refusal | Told | None:
        """What a report with a good signature comes to: refused, known, or None: it is new."""
        refused = self.matcher.refuse_peer(peer, at)
        if refused is not None:
            return refused
        if report.unit != peer:
            return Refusal("OTHER_UNIT")
        if report.epoch != self.matcher.term.id:
            return Refusal("EPOCH")
        if report.side not in self.matcher.roles[peer]:
            return Refusal("REPORT_SIGNATURE")
        stream = [told for told in self.reports if _stream(told.report) == _stream(report)]
        earlier = next((told for told in stream if told.report.seq == report.seq), None)
        if earlier is not None:
            same = earlier.report.signed_bytes() == report.signed_bytes()
            return earlier if same else Refusal("CONFLICT")
        if (report.unit, report.side) not in self.matcher.parties(report.case_id):
            return Refusal("NOT_FOUND")
        if report.seq != len(stream) + 1:
            return Refusal("SEQUENCE", len(stream) + 1)
        return None if self.boxes(report) is not None else Refusal("NOT_PARTY")

    def boxes(self, report: Report) -> frozenset[Party] | None:
        """Whose mailboxes a report goes into; None where a recipient is nobody's."""
        parties = self.matcher.parties(report.case_id) - {(report.unit, report.side)}
        names = {copy.recipient for copy in report.copies}
        if not names <= {unit for unit, _ in parties} | self.inspectors:
            return None
        return frozenset(party for party in parties if party[0] in names)

    def next_report(self, case: bytes, unit: str, side: Side) -> int:
        return 1 + sum(_stream(told.report) == (case, unit, side) for told in self.reports)

    def told_to(self, unit: str, side: Side) -> list[Report]:
        """The reports to ``unit`` as ``side``, each with that unit's copy alone."""
        return [
            told.report.only_for((unit,)) for told in self.reports if (unit, side) in told.boxes
        ]


def _stream(report: Report) -> tuple[bytes, str, Side]:
    return report.case_id, report.unit, report.side
