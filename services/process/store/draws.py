"""Every query on the tables of draws. Functions over a session: a step is one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.sampling import Draw, decode_draw
from services.process.draws.held import HeldDraw
from services.process.tables import CheckResultRow, DrawItemRow, DrawRow
from services.rules.checks import CheckKind, CheckResult, CheckVerdict, Quota


def add_draw(session: Session, held: HeldDraw) -> None:
    """Keeps a draw that was planned just now, with its items."""
    last = session.exec(select(sa.func.max(col(DrawRow.number)))).one() or 0
    quota = held.quota
    session.add(
        DrawRow(
            draw_id=held.draw_id,
            number=last + 1,
            kind=quota.kind.name,
            unit=quota.unit,
            year=quota.year,
            percent=quota.percent,
            record=held.draw.encode(),
            planned_by=held.planned_by,
            planned_at=held.planned_at,
            moved_at=held.moved_at,
            replaces=held.replaces,
        )
    )
    for item in sorted(quota.population):
        session.add(DrawItemRow(draw_id=held.draw_id, item=item))
    session.flush()


def save_moved(session: Session, draw_id: bytes, draw: Draw, at: datetime) -> None:
    """Keeps what a party just committed to or revealed."""
    _update(session, draw_id, record=draw.encode(), moved_at=at)


def save_voided(session: Session, draw_id: bytes, at: datetime) -> None:
    """Keeps that the draw is void since ``at``."""
    _update(session, draw_id, voided_at=at)


def save_finished(session: Session, draw_id: bytes, at: datetime) -> None:
    """Keeps that the check was closed ``at``."""
    _update(session, draw_id, finished_at=at)


def add_result(session: Session, draw_id: bytes, result: CheckResult) -> None:
    """Appends the result for one drawn item."""
    reference = result.lead_reference
    session.add(
        CheckResultRow(
            draw_id=draw_id,
            item=result.item,
            grounds=result.grounds,
            checked_by=result.checked_by,
            checked_on=result.checked_on,
            lead_id=bytes.fromhex(reference) if reference else None,
        )
    )
    session.flush()


def read_draw(session: Session, draw_id: bytes) -> HeldDraw | None:
    """The draw with that id; None where it is not held."""
    row = session.get(DrawRow, draw_id)
    return None if row is None else _read(session, [row])[0]


def read_draws(session: Session, year: int) -> list[HeldDraw]:
    """All draws of a year, void ones too, in the order in which they were planned."""
    query = select(DrawRow).where(col(DrawRow.year) == year).order_by(col(DrawRow.number))
    return _read(session, session.exec(query).all())


def find_repetition(session: Session, draw_id: bytes) -> bytes | None:
    """The id of the draw that repeats this void one; None while nobody repeated it."""
    query = select(col(DrawRow.draw_id)).where(col(DrawRow.replaces) == draw_id)
    return session.exec(query).first()


def _update(session: Session, draw_id: bytes, **values: object) -> None:
    session.execute(sa.update(DrawRow).where(col(DrawRow.draw_id) == draw_id).values(**values))


def _read(session: Session, rows: Sequence[DrawRow]) -> list[HeldDraw]:
    ids = [row.draw_id for row in rows]
    items: dict[bytes, set[bytes]] = defaultdict(set)
    for item in session.exec(select(DrawItemRow).where(col(DrawItemRow.draw_id).in_(ids))):
        items[item.draw_id].add(item.item)
    results: dict[bytes, list[CheckResult]] = defaultdict(list)
    ordered = select(CheckResultRow).where(col(CheckResultRow.draw_id).in_(ids))
    for result in session.exec(ordered.order_by(col(CheckResultRow.item))):
        results[result.draw_id].append(_row_to_result(result))
    return [_row_to_held(row, items[row.draw_id], results[row.draw_id]) for row in rows]


def _row_to_result(row: CheckResultRow) -> CheckResult:
    verdict = CheckVerdict.IN_ORDER if row.lead_id is None else CheckVerdict.FINDING
    reference = "" if row.lead_id is None else row.lead_id.hex()
    return CheckResult(row.item, verdict, row.grounds, row.checked_by, row.checked_on, reference)


def _row_to_held(row: DrawRow, items: set[bytes], results: list[CheckResult]) -> HeldDraw:
    kind = CheckKind[row.kind]
    return HeldDraw(
        draw_id=row.draw_id,
        quota=Quota(kind, row.unit, row.year, row.percent, frozenset(items)),
        draw=decode_draw(row.record),
        planned_by=row.planned_by,
        planned_at=row.planned_at,
        moved_at=row.moved_at,
        replaces=row.replaces,
        voided_at=row.voided_at,
        finished_at=row.finished_at,
        results=tuple(results),
    )
