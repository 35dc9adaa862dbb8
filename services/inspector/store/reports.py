"""Units' reports on cases: each as it was listed, and the step that an opened one says, for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import Side
from libmatch.reports import Report, Stage
from services.chassis.db import Database
from services.inspector.disputes import MATCHER, Dispute
from services.inspector.matcher import ListedReport
from services.inspector.progress import Step
from services.inspector.states import DisputeKind, ReportState
from services.inspector.store.disputes import add_disputes
from services.inspector.tables import SeenReport, StepRow, table_of

_REPORT, _STEP = table_of(SeenReport), table_of(StepRow)


@dataclass(frozen=True, repr=False)
class Judged:
    """What became of a listed report: ``body`` if it opened, else a ``dispute``."""

    listed: ListedReport
    state: ReportState
    body: bytes | None = None
    dispute: Dispute | None = None


@dataclass(frozen=True)
class KeptReports:
    """What keeping some reports came to."""

    opened: int = 0
    disputes: int = 0


class Reports:
    """The reports of one matcher, by its numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_cursor(self) -> int:
        """The number behind which reports are to be listed."""
        last = sa.select(sa.func.max(_REPORT.c.number))
        return int(self._database.read(lambda session: session.scalar(last)) or 0)

    def read_due(self, limit: int) -> list[ListedReport]:
        """Up to ``limit`` reports that are to be judged again, ascending."""
        query = (
            sa.select(_REPORT.c.number, _REPORT.c.encoded, _REPORT.c.accepted_at_us)
            .where(_REPORT.c.state == ReportState.DUE)
            .order_by(_REPORT.c.number)
            .limit(limit)
        )
        rows = self._database.read(lambda session: session.execute(query).all())
        return [ListedReport(r.number, Report.decode(r.encoded), r.accepted_at_us) for r in rows]

    def keep(self, judged: Sequence[Judged], more: Sequence[Dispute], at: datetime) -> KeptReports:
        """What was opened and is new; ``more`` are disputes that are about no single report.

        A report that was judged before stays as it was.
        """

        def write(session: Session) -> KeptReports:
            opened, disputes = 0, list(more)
            for one in judged:
                row = session.get(SeenReport, one.listed.number)
                if row is not None and row.state is not ReportState.DUE:
                    continue
                one = _unless_repeated(session, one)
                session.merge(_judged_to_row(one, at))
                session.flush()
                if one.body is not None:
                    session.add(_step_to_row(one.listed, one.body))
                    session.flush()
                    opened += 1
                if one.dispute is not None:
                    disputes.append(one.dispute)
            return KeptReports(opened, add_disputes(session, disputes, at))

        return self._database.run_tx("report.keep", write)

    def requeue(self) -> None:
        """What waits for a unit or an epoch is due again: the kit may have it now."""
        waiting = _REPORT.update().where(_REPORT.c.state == ReportState.WAITING)
        due = waiting.values(state=ReportState.DUE)
        self._database.run_tx("report.requeue", lambda session: session.execute(due))


def read_steps(session: Session, case_ids: Sequence[bytes]) -> dict[bytes, list[Step]]:
    """The steps of each of up to 1000 cases, in the order of their acceptance."""
    columns = (_STEP.c[name] for name in ("case_id", "unit", "side", "seq", "stage", "at_us"))
    query = sa.select(*columns).where(_STEP.c.case_id.in_(case_ids)).order_by(_STEP.c.report)
    found: dict[bytes, list[Step]] = {}
    for case_id, unit, side, seq, stage, at_us in session.execute(query):
        step = Step(case_id, unit, Side(side), seq, Stage(stage), at_us)
        found.setdefault(case_id, []).append(step)
    return found


def _unless_repeated(session: Session, one: Judged) -> Judged:
    """``one``, or the dispute that its unit's report of that number on the case is there already."""
    report = one.listed.report
    if one.body is None or report is None:
        return one
    same = (_STEP.c.case_id == report.case_id, _STEP.c.unit == report.unit)
    place = (_STEP.c.side == int(report.side), _STEP.c.seq == report.seq)
    if session.scalar(sa.select(_STEP.c.report).where(*same, *place)) is None:
        return one
    evidence = report.encode()
    detail = f"{report.unit}（报告{one.listed.number}）"
    dispute = Dispute(DisputeKind.REPORT_REPEATED, (MATCHER,), b"", detail, evidence)
    return replace(one, state=ReportState.DISPUTED, body=None, dispute=dispute)


def _judged_to_row(one: Judged, at: datetime) -> SeenReport:
    listed = one.listed
    return SeenReport(
        number=listed.number,
        state=one.state,
        encoded=listed.report.encode() if listed.report else b"",
        accepted_at_us=listed.accepted_at_us,
        seen_at=at,
    )


def _step_to_row(listed: ListedReport, body: bytes) -> StepRow:
    report = listed.report
    assert report is not None
    return StepRow(
        report=listed.number,
        case_id=report.case_id,
        unit=report.unit,
        side=int(report.side),
        seq=report.seq,
        stage=int(report.stage),
        at_us=report.at_us,
        body=body,
    )
