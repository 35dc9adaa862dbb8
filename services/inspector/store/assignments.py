"""Of which hits the matcher was told the case, and which it refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from services.chassis.db import Database
from services.inspector.disputes import Dispute
from services.inspector.states import AssignmentState
from services.inspector.store.disputes import add_disputes, resolve_assigned
from services.inspector.tables import Assignment, Hit, Matter, Pair, table_of

_HIT, _PAIR, _MATTER = table_of(Hit), table_of(Pair), table_of(Matter)
_ASSIGNMENT = table_of(Assignment)
_CHUNK = 500  # hit ids in one statement


class Assignments:
    """The assignments of hits to cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_untold(self, limit: int) -> dict[bytes, bytes]:
        """Hit id → case id of up to ``limit`` live pairs of which the matcher was not told, in order."""
        known = sa.select(_ASSIGNMENT.c.hit).where(_ASSIGNMENT.c.hit == _HIT.c.number)
        query = (
            sa.select(_HIT.c.hit_id, _MATTER.c.case_id)
            .join(_PAIR, _PAIR.c.number == _HIT.c.number)
            .join(_MATTER, _MATTER.c.number == _PAIR.c.matter)
            .where(_HIT.c.live, ~known.exists())
            .order_by(_HIT.c.number)
            .limit(limit)
        )
        rows = self._database.read(lambda session: session.execute(query).all())
        return {row.hit_id: row.case_id for row in rows}

    def keep(self, hit_ids: Sequence[bytes], refused: Sequence[Dispute], at: datetime) -> int:
        """The number of new disputes: the matcher was told of these hits, and refused some."""
        no = {dispute.hit_id for dispute in refused}
        told = [hit_id for hit_id in hit_ids if hit_id not in no]

        def write(session: Session) -> int:
            _insert(session, told, AssignmentState.TOLD, at)
            _insert(session, list(no), AssignmentState.REFUSED, at)
            resolve_assigned(session, told, at)
            return add_disputes(session, refused, at)

        return self._database.run_tx("assignment.keep", write)

    def requeue(self) -> None:
        """What the matcher refused is to be told again."""
        refused = _ASSIGNMENT.delete().where(_ASSIGNMENT.c.state == AssignmentState.REFUSED)
        self._database.run_tx("assignment.requeue", lambda session: session.execute(refused))


def _insert(
    session: Session, hit_ids: Sequence[bytes], state: AssignmentState, at: datetime
) -> None:
    rows: list[dict[str, object]] = []
    for start in range(0, len(hit_ids), _CHUNK):
        these = sa.select(_HIT.c.number).where(_HIT.c.hit_id.in_(hit_ids[start : start + _CHUNK]))
        rows += [{"hit": n, "state": state, "told_at": at} for n in session.scalars(these)]
    if rows:
        session.connection().execute(_ASSIGNMENT.insert(), rows)
