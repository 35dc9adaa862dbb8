"""Cases: read with their pairs, agreed to, released. What a case says follows from its pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlmodel import Session

from services.chassis.db import Database
from services.chassis.refusals import NotFound
from services.inspector.cases import Case
from services.inspector.states import CaseStatus
from services.inspector.store.pairs import mark_all, read_pairs, row_to_key
from services.inspector.store.reports import read_steps
from services.inspector.store.trail import Trail
from services.inspector.tables import Agreement, Hit, Matter, Pair, table_of

_HIT, _MATTER, _PAIR = table_of(Hit), table_of(Matter), table_of(Pair)
_AGREEMENT = table_of(Agreement)


@dataclass(frozen=True)
class Agreed:
    """What came of an officer's agreement, in cases."""

    released: int = 0
    awaiting_second: int = 0
    unchanged: int = 0


class Cases:
    """The cases of 纪委."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_page(self, trail: Trail, unit: str, after: int, limit: int) -> list[Case]:
        """Up to ``limit`` cases numbered above ``after``, with their steps; the look is in the trail.

        ``unit`` is one of those that declared or approved; empty for all.
        """
        numbers = sa.select(_MATTER.c.number).where(_MATTER.c.number > after)
        if unit:
            declared = sa.select(_PAIR.c.matter).where(_PAIR.c.declaring_unit == unit)
            own = (_MATTER.c.approving_unit == unit, _MATTER.c.number.in_(declared))
            numbers = numbers.where(sa.or_(*own))
        query = numbers.order_by(_MATTER.c.number).limit(limit)

        def run(session: Session) -> list[Case]:
            cases = read_cases(session, session.scalars(query).all())
            trail.write(session, _describe(cases, of_unit=bool(unit)))
            steps = read_steps(session, [case.case_id for case in cases])
            return [replace(case, steps=tuple(steps.get(case.case_id, ()))) for case in cases]

        return self._database.run_tx("case.list", run)

    def leave_trail(self, trail: Trail, outcome: str) -> None:
        """Keeps the trail of a look that was refused."""
        self._database.run_tx("case.trail", lambda session: trail.write(session, outcome=outcome))

    def release_opened(self, after: int, limit: int, trail: Trail) -> tuple[int, int]:
        """(last number looked at, how many released) of up to ``limit`` cases numbered above ``after``.

        Those that were not released, have a live pair, and no two names of one person: an officer looks
        at these first. (0, 0) behind the last.
        """
        live = (
            sa.select(_PAIR.c.number)
            .join(_HIT, _HIT.c.number == _PAIR.c.number)
            .where(_PAIR.c.matter == _MATTER.c.number, _HIT.c.live)
        )
        query = (
            sa.select(_MATTER.c.number)
            .where(_MATTER.c.released_at.is_(None), _MATTER.c.number > after, live.exists())
            .order_by(_MATTER.c.number)
            .limit(limit)
        )

        def write(session: Session) -> tuple[int, int]:
            cases = read_cases(session, session.scalars(query).all())
            numbers = [case.number for case in cases if not case.names_differ]
            if numbers:
                # One entry for all: nobody looked at them one by one, and their times are this one's.
                _release(session, numbers, trail)
                subject = f"{len(numbers)} of cases {numbers[0]} to {numbers[-1]}"
                trail.write(session, subject, "released")
            return (cases[-1].number if cases else 0), len(numbers)

        return self._database.run_tx("case.release-opened", write)

    def agree(self, case_ids: Sequence[bytes], needed: int, trail: Trail) -> Agreed:
        """What came of the agreement of ``trail.actor`` to what the cases say now.

        A case is released with ``needed`` different officers. Raises NotFound for an unknown one.
        """

        def write(session: Session) -> Agreed:
            query = sa.select(_MATTER.c.number).where(_MATTER.c.case_id.in_(case_ids))
            cases = read_cases(session, session.scalars(query).all())
            if len(cases) != len(case_ids):
                raise NotFound("no case of that id", "没有这一编号的比中结果。")
            outcomes = [_agree(session, case, needed, trail) for case in cases]
            for case, outcome in zip(cases, outcomes, strict=True):
                trail.write(session, case.case_id.hex(), outcome)
            return Agreed(
                outcomes.count("released"),
                outcomes.count("awaiting second"),
                outcomes.count("unchanged"),
            )

        return self._database.run_tx("case.agree", write)

    def requeue(self) -> None:
        """Every released case must be planned again."""
        self._database.run_tx("case.requeue", mark_all)


def read_cases(session: Session, numbers: Sequence[int]) -> list[Case]:
    """The cases of those numbers, ascending."""
    pairs, agreements = read_pairs(session, numbers), _read_agreements(session, numbers)
    query = _MATTER.select().where(_MATTER.c.number.in_(numbers)).order_by(_MATTER.c.number)
    return [
        Case(
            number=row.number,
            case_id=row.case_id,
            key=row_to_key(row),
            opened_at=row.opened_at,
            released_at=row.released_at,
            pairs=tuple(pairs[row.number]),
            agreements=tuple(agreements.get(row.number, ())),
        )
        for row in session.execute(query)
    ]


def _read_agreements(
    session: Session, numbers: Sequence[int]
) -> dict[int, list[tuple[str, bytes]]]:
    query = (
        _AGREEMENT.select()
        .where(_AGREEMENT.c.matter.in_(numbers))
        .order_by(_AGREEMENT.c.agreed_at, _AGREEMENT.c.officer)
    )
    found: dict[int, list[tuple[str, bytes]]] = {}
    for row in session.execute(query):
        found.setdefault(row.matter, []).append((row.officer, row.facts))
    return found


def _agree(session: Session, case: Case, needed: int, trail: Trail) -> str:
    if case.status is not CaseStatus.OPENED:
        return "unchanged"
    officer = str(trail.actor)
    own = Agreement(matter=case.number, officer=officer, facts=case.facts, agreed_at=trail.at)
    session.merge(own)
    session.flush()
    others = tuple(one for one in case.agreements if one[0] != officer)
    if len(replace(case, agreements=(*others, (officer, case.facts))).agreed) < needed:
        return "awaiting second"
    _release(session, [case.number], trail)
    return "released"


def _release(session: Session, numbers: Sequence[int], trail: Trail) -> None:
    these = _MATTER.update().where(_MATTER.c.number.in_(numbers))
    session.execute(these.values(released_at=trail.at, replan=True))


def _describe(cases: Sequence[Case], *, of_unit: bool) -> str:
    """Which cases were looked at, by their opaque numbers."""
    shown = f"cases {cases[0].number} to {cases[-1].number}" if cases else "no case"
    return f"{shown} of one unit" if of_unit else shown
