"""Reports between the parties of a case: accepted in order, relayed to each with its own copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

from libmatch.auditlog import encode_report_leaf
from libmatch.errors import ConflictError, SequenceError
from libmatch.records import Side
from libmatch.reports import Report
from services.chassis.db import Database, to_micros
from services.chassis.refusals import NotFound, Refused
from services.matcher.store.cases import Party, read_parties
from services.matcher.store.ledger import append_entries
from services.matcher.store.rows import next_number
from services.matcher.tables import StoredCopy, StoredReport, table_of

_REPORT, _COPY = table_of(StoredReport), table_of(StoredCopy)
_INSPECTOR = 0  # the side of 纪委 in ``report_copy``


@dataclass(frozen=True)
class Accepted:
    """A report as it was accepted, with the copies for its reader; ``number`` ascends over all."""

    number: int
    report: Report
    accepted_at_us: int
    leaf_index: int


class ReportStore:
    """The reports of all cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(
        self, report: Report, digest: bytes, inspectors: Collection[str], at: datetime
    ) -> int:
        """The log leaf of a report whose signature was checked; the same for a repetition.

        Raises ConflictError for other content under its number, NotFound unless its unit is party of the
        case on its side (an unknown case looks the same), SequenceError, Refused for a recipient that
        is neither party nor in ``inspectors``.
        """

        def write(session: Session) -> int:
            earlier = session.exec(_stream(report).where(_REPORT.c.seq == report.seq)).first()
            if earlier is not None:
                if earlier.digest != digest:
                    raise ConflictError("this number was used for another report of the case")
                return earlier.leaf_index
            parties = read_parties(session, report.epoch, report.case_id)
            if (report.unit, report.side) not in parties:
                raise NotFound("no such case of this unit", "没有本单位的这一事项。")
            _check_next(session, report)
            return _keep(session, report, digest, _address(report, parties, inspectors), at)

        return self._database.run_tx("report", write)

    def fetch(self, unit: str, side: Side, after: int, limit: int) -> list[Accepted]:
        """Up to ``limit`` reports to ``unit`` as ``side``, numbered above ``after``, ascending."""

        def read(session: Session) -> list[Accepted]:
            query = (
                sa.select(_COPY.c.report, _COPY.c.sealed)
                .where(_COPY.c.recipient == unit, _COPY.c.side == int(side))
                .where(_COPY.c.report > after)
                .order_by(_COPY.c.report)
                .limit(limit)
            )
            copies = {number: {unit: sealed} for number, sealed in session.execute(query)}
            rows = select(StoredReport).where(_REPORT.c.number.in_(copies.keys()))
            return _read(session, rows.order_by(_REPORT.c.number), copies)

        return self._database.read(read)

    def list_all(self, after: int, limit: int) -> list[Accepted]:
        """Up to ``limit`` reports numbered above ``after``, ascending, with 纪委's copies."""

        def read(session: Session) -> list[Accepted]:
            page = select(StoredReport).where(_REPORT.c.number > after)
            page = page.order_by(_REPORT.c.number).limit(limit)
            last = session.scalar(sa.select(sa.func.max(page.subquery().c.number)))
            query = sa.select(_COPY.c.report, _COPY.c.recipient, _COPY.c.sealed).where(
                _COPY.c.report.between(after + 1, last or after), _COPY.c.side == _INSPECTOR
            )
            copies: defaultdict[int, dict[str, bytes]] = defaultdict(dict)
            for number, recipient, sealed in session.execute(query):
                copies[number][recipient] = sealed
            return _read(session, page, copies)

        return self._database.read(read)


def _stream(report: Report) -> SelectOfScalar[StoredReport]:
    r = report
    of_case = (_REPORT.c.case_id == r.case_id, _REPORT.c.unit == r.unit)
    return select(StoredReport).where(*of_case, _REPORT.c.side == int(r.side))


def _check_next(session: Session, report: Report) -> None:
    stream = _stream(report).subquery()
    expected = int(session.scalar(sa.select(sa.func.max(stream.c.seq))) or 0) + 1
    if report.seq != expected:
        raise SequenceError(expected)


def _address(
    report: Report, parties: frozenset[Party], inspectors: Collection[str]
) -> list[tuple[str, int]]:
    """(recipient, side) of every mailbox that gets a copy. Raises Refused."""
    boxes: list[tuple[str, int]] = []
    for copy in report.copies:
        name = copy.recipient
        found = [(name, int(side)) for side in Side if (name, side) in parties]
        found = [box for box in found if box != (report.unit, int(report.side))]
        if name in inspectors:
            found.append((name, _INSPECTOR))
        if not found:
            raise Refused(
                "a recipient is no other party of the case",
                "收件单位不是该事项的当事单位。",
                reason="NOT_PARTY",
            )
        boxes += found
    return boxes


def _keep(
    session: Session,
    report: Report,
    digest: bytes,
    boxes: Sequence[tuple[str, int]],
    at: datetime,
) -> int:
    r, number = report, next_number(session, _REPORT.c.number)
    leaf = encode_report_leaf(r.case_id, r.unit, r.side, r.seq, r.stage, to_micros(at), digest)
    row = StoredReport(
        number=number,
        case_id=r.case_id,
        unit=r.unit,
        side=int(r.side),
        seq=r.seq,
        stage=int(r.stage),
        digest=digest,
        accepted_at=at,
        leaf_index=append_entries(session, [leaf]),
        body=r.only_for(()).encode(),
    )
    session.add(row)
    session.flush()
    sealed = {copy.recipient: copy.sealed for copy in r.copies}
    rows = [
        {"recipient": name, "side": side, "report": number, "sealed": sealed[name]}
        for name, side in boxes
    ]
    session.connection().execute(_COPY.insert(), rows)
    return row.leaf_index


def _read(
    session: Session,
    query: SelectOfScalar[StoredReport],
    copies: Mapping[int, Mapping[str, bytes]],
) -> list[Accepted]:
    return [_accepted(row, copies.get(row.number, {})) for row in session.exec(query)]


def _accepted(row: StoredReport, sealed: Mapping[str, bytes]) -> Accepted:
    stored = Report.decode(row.body)
    copies = tuple(replace(copy, sealed=sealed.get(copy.recipient)) for copy in stored.copies)
    report = replace(stored, copies=copies)
    return Accepted(row.number, report, to_micros(row.accepted_at), row.leaf_index)
