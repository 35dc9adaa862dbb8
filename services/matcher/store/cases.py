"""Which hits are one case, who is party of it, and how far the cases of records have come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import encode_assignment_leaf
from libmatch.records import Side
from libmatch.reports import Stage
from services.chassis.db import Database, to_micros
from services.chassis.refusals import Conflict, NotFound
from services.matcher.standing import CaseFacts, FlaggedPair, Step
from services.matcher.store.ledger import append_entries
from services.matcher.tables import CaseHit, Owner, Record, StoredHit, StoredReport, table_of

_CASE, _HIT, _REPORT = table_of(CaseHit), table_of(StoredHit), table_of(StoredReport)
_RECORD, _OWNER = table_of(Record), table_of(Owner)

Party = tuple[str, Side]
_ENDS = {Side.REGISTRY: _HIT.c.registry_record, Side.BENEFICIARY: _HIT.c.beneficiary_record}


class Cases:
    """What 纪委 assigns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def assign(self, case_of: Mapping[bytes, bytes], at: datetime) -> None:
        """Keep and log the case ids by hit id; what was assigned so before stays as it is.

        Raises NotFound (unknown hit) and Conflict (a hit in another case, a case with two approving
        units); nothing is kept then.
        """

        def write(session: Session) -> None:
            hits = _find_hits(session, list(case_of))
            if len(hits) != len(case_of):
                raise NotFound("the matcher flagged no such pair", "没有这一比中结果。")
            _check_one_approver(session, case_of, hits)
            kept = _assigned(session, [number for number, _ in hits.values()])
            new = [(hits[hit][0], hit, case) for hit, case in case_of.items()]
            if any(kept.get(number, case) != case for number, _, case in new):
                raise Conflict("the hit belongs to another case", "该比中结果已归入其他事项。")
            _insert(session, [one for one in new if one[0] not in kept], at)

        self._database.run_tx("assign", write)


def _find_hits(session: Session, hit_ids: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
    """Hit id → (number, approving unit), of those that exist."""
    query = (
        sa.select(_HIT.c.hit_id, _HIT.c.number, _OWNER.c.unit)
        .join(_RECORD, _RECORD.c.id == _HIT.c.beneficiary_record)
        .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
        .where(_HIT.c.hit_id.in_(hit_ids))
    )
    return {hit_id: (number, unit) for hit_id, number, unit in session.execute(query)}


def _assigned(session: Session, numbers: Sequence[int]) -> dict[int, bytes]:
    query = sa.select(_CASE.c.hit, _CASE.c.case_id).where(_CASE.c.hit.in_(numbers))
    return dict(session.execute(query).all())


def _check_one_approver(
    session: Session, case_of: Mapping[bytes, bytes], hits: Mapping[bytes, tuple[int, str]]
) -> None:
    """A verdict is the approving unit's, and frees all hits of its case: so there is one (R38)."""
    approvers: defaultdict[bytes, set[str]] = defaultdict(set)
    known = (
        sa.select(_CASE.c.case_id, _OWNER.c.unit)
        .distinct()
        .join(_HIT, _HIT.c.number == _CASE.c.hit)
        .join(_RECORD, _RECORD.c.id == _HIT.c.beneficiary_record)
        .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
        .where(_CASE.c.case_id.in_(set(case_of.values())))
    )
    for case_id, unit in session.execute(known):
        approvers[case_id].add(unit)
    for hit, case_id in case_of.items():
        approvers[case_id].add(hits[hit][1])
    if any(len(units) > 1 for units in approvers.values()):
        raise Conflict(
            "the hits of one case have one approving unit", "同一事项的比中结果应属同一审批单位。"
        )


def _insert(session: Session, new: Sequence[tuple[int, bytes, bytes]], at: datetime) -> None:
    if not new:
        return
    leaves = [encode_assignment_leaf(hit_id, case, to_micros(at)) for _, hit_id, case in new]
    first = append_entries(session, leaves)
    rows = [
        {"hit": number, "case_id": case, "assigned_at": at, "leaf_index": first + i}
        for i, (number, _, case) in enumerate(new)
    ]
    session.connection().execute(_CASE.insert(), rows)


def read_parties(session: Session, epoch: bytes, case_id: bytes) -> frozenset[Party]:
    """The units of live hits of the case in that epoch, each with its side; none: no such case."""
    return read_parties_of(session, epoch, sa.select(sa.literal(case_id))).get(case_id, frozenset())


def read_parties_of(
    session: Session, epoch: bytes, case_ids: sa.Select[tuple[bytes]]
) -> dict[bytes, frozenset[Party]]:
    """The same for all cases that ``case_ids`` selects, by case id."""
    found: defaultdict[bytes, set[Party]] = defaultdict(set)
    for side, record in _ENDS.items():
        query = (
            sa.select(_CASE.c.case_id, _OWNER.c.unit)
            .distinct()
            .join(_HIT, _HIT.c.number == _CASE.c.hit)
            .join(_RECORD, _RECORD.c.id == record)
            .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
            .where(_CASE.c.case_id.in_(case_ids), _HIT.c.live, _OWNER.c.epoch == epoch)
        )
        for case_id, unit in session.execute(query):
            found[case_id].add((unit, side))
    return {case_id: frozenset(parties) for case_id, parties in found.items()}


def read_flagged(
    session: Session, epoch: bytes, unit: str, rids: Sequence[bytes]
) -> dict[bytes, list[FlaggedPair]]:
    """The live hits of those of ``rids`` that are items of ``unit``, each with what its case has come to."""
    hits = _hits_of(epoch, unit, rids)
    rows = session.execute(sa.select(hits)).all()
    if not rows:
        return {}
    cases = _read_cases(session, epoch, unit, sa.select(hits.c.case_id).distinct())
    flagged: defaultdict[bytes, list[FlaggedPair]] = defaultdict(list)
    for rid, found_at, case_id in rows:
        flagged[rid].append(FlaggedPair(found_at, cases.get(case_id)))
    return flagged


def _hits_of(epoch: bytes, unit: str, rids: Sequence[bytes]) -> sa.Subquery:
    return (
        sa.select(_RECORD.c.rid, _HIT.c.found_at, _CASE.c.case_id)
        .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
        .join(_HIT, _HIT.c.beneficiary_record == _RECORD.c.id)
        .outerjoin(_CASE, _CASE.c.hit == _HIT.c.number)
        .where(_OWNER.c.epoch == epoch, _OWNER.c.unit == unit, _RECORD.c.rid.in_(rids), _HIT.c.live)
        .subquery()
    )


def _read_cases(
    session: Session, epoch: bytes, approver: str, case_ids: sa.Select[tuple[bytes]]
) -> dict[bytes, CaseFacts]:
    query = (
        sa.select(
            _REPORT.c.case_id,
            _REPORT.c.unit,
            _REPORT.c.side,
            _REPORT.c.stage,
            _REPORT.c.accepted_at,
            _REPORT.c.digest,
        )
        .where(_REPORT.c.case_id.in_(case_ids))
        .order_by(_REPORT.c.number)
    )
    steps: defaultdict[bytes, list[Step]] = defaultdict(list)
    for case_id, unit, side, stage, at, digest in session.execute(query):
        steps[case_id].append(Step(unit, Side(side), Stage(stage), at, digest))
    return {
        case_id: CaseFacts(
            approver,
            frozenset(unit for unit, side in parties if side is Side.REGISTRY),
            tuple(steps[case_id]),
        )
        for case_id, parties in read_parties_of(session, epoch, case_ids).items()
    }
