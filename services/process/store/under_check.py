"""What random checks and leads are about: it is not erased meanwhile (R51 to R54, R65)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from services.process.tables import CheckResultRow, DrawItemRow, DrawRow


def find_under_check(session: Session) -> set[bytes]:
    """The items of draws that are not finished, and those with a finding: a lead may be under way."""
    drawn = (
        sa.select(col(DrawItemRow.item))
        .join(DrawRow, col(DrawRow.draw_id) == col(DrawItemRow.draw_id))
        .where(col(DrawRow.finished_at).is_(None), col(DrawRow.voided_at).is_(None))
    )
    found = sa.select(col(CheckResultRow.item)).where(col(CheckResultRow.lead_id).is_not(None))
    return {item for query in (drawn, found) for item in session.execute(query).scalars()}
