"""Which other units of a case have every own step so far, and when to try again with the others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.holder.tables import PartyRow


def add_parties(session: Session, case_id: bytes, units: Iterable[str], *, told: bool) -> None:
    """Keeps further units of the case; those that are known stay as they are."""
    for unit in units:
        if session.get(PartyRow, (case_id, unit)) is None:
            session.add(PartyRow(case_id=case_id, unit=unit, told=told))
    session.flush()


def read_told(session: Session, case_id: bytes) -> frozenset[str]:
    """The units of the case that have every own step so far."""
    query = select(PartyRow.unit).where(col(PartyRow.case_id) == case_id, col(PartyRow.told))
    return frozenset(session.exec(query))


def read_untold(session: Session, now: datetime) -> list[tuple[bytes, str]]:
    """(case, unit) of those that lack own steps and may be told at ``now``."""
    due = sa.or_(col(PartyRow.not_before).is_(None), col(PartyRow.not_before) <= now)
    query = select(PartyRow).where(col(PartyRow.told).is_(False), due)
    rows = session.exec(query.order_by(col(PartyRow.case_id), col(PartyRow.unit)))
    return [(row.case_id, row.unit) for row in rows]


def mark_told(session: Session, case_id: bytes, unit: str) -> None:
    """Keeps that the unit is sent every own step from now on, and was sent those before."""
    session.execute(_one(case_id, unit).values(told=True))


def mark_refused(session: Session, case_id: bytes, unit: str, not_before: datetime) -> None:
    """Keeps that the unit got nothing: it has no live hit in the case at present."""
    values = {"told": False, "tries": PartyRow.tries + 1, "not_before": not_before}
    session.execute(_one(case_id, unit).values(values))


def mark_heard(session: Session, case_id: bytes, unit: str) -> None:
    """Keeps that the unit takes part just now: what it lacks is told at once."""
    session.execute(_one(case_id, unit).values(tries=0, not_before=None))


def count_refusals(session: Session, case_id: bytes, unit: str) -> int:
    """How often in a row the unit could not be told."""
    row = session.get(PartyRow, (case_id, unit))
    return 0 if row is None else row.tries


def remove_parties(session: Session, case_id: bytes, units: Iterable[str]) -> None:
    """Forgets units that take part no more."""
    gone = col(PartyRow.case_id) == case_id, col(PartyRow.unit).in_(list(units))
    session.execute(sa.delete(PartyRow).where(*gone))


def read_parties(session: Session, case_id: bytes) -> frozenset[str]:
    """All other units of the case that are kept."""
    return frozenset(session.exec(select(PartyRow.unit).where(col(PartyRow.case_id) == case_id)))


def _one(case_id: bytes, unit: str) -> sa.Update:
    return sa.update(PartyRow).where(col(PartyRow.case_id) == case_id, col(PartyRow.unit) == unit)
