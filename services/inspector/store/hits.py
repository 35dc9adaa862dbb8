"""The matcher's list of hits as it was seen, and how far each hit has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.inspector.cases import CasePair
from services.inspector.disputes import Dispute
from services.inspector.listing import Changes
from services.inspector.matcher import HitSummary
from services.inspector.states import HitState
from services.inspector.store.checkpoints import mark_listed
from services.inspector.store.disputes import add_disputes, resolve_disputes, resolve_unknown
from services.inspector.store.pairs import join_cases, mark_changed
from services.inspector.tables import Hit, table_of

_HIT = table_of(Hit)


@dataclass(frozen=True, repr=False)
class Outcome:
    """What became of a listed hit: ``pair`` if it opened, else a ``dispute`` or neither."""

    number: int
    state: HitState
    pair: CasePair | None = None
    dispute: Dispute | None = None


@dataclass(frozen=True)
class Kept:
    """What keeping some outcomes came to."""

    opened: int = 0
    disputes: int = 0


class Hits:
    """The hits of one matcher, by its numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_known(self) -> dict[int, HitSummary]:
        """Every line that was ever seen, as it is now, by number."""
        query = sa.select(
            _HIT.c.number, _HIT.c.hit_id, _HIT.c.found_at_us, _HIT.c.leaf_index, _HIT.c.live
        )
        rows = self._database.read(lambda session: session.execute(query).all())
        return {row.number: HitSummary(*row) for row in rows}

    def apply(self, changes: Changes, place: tuple[bytes, int], at: datetime) -> int:
        """The number of new disputes; the list was read to its end at ``place`` (log key, size)."""

        def write(session: Session) -> int:
            _insert(session, changes.new)
            _withdraw(session, changes.withdrawn, at)
            mark_listed(session, *place)
            return add_disputes(session, changes.disputes, at)

        return self._database.run_tx("hit.list", write)

    def read_listed(self, after: int, limit: int) -> list[HitSummary]:
        """Up to ``limit`` hits to be opened, numbered above ``after``, ascending."""
        query = (
            select(Hit)
            .where(col(Hit.state) == HitState.LISTED, col(Hit.number) > after)
            .order_by(col(Hit.number))
            .limit(limit)
        )
        return self._database.read(lambda session: [_summary(row) for row in session.exec(query)])

    def count_waiting(self) -> int:
        """The number of live hits that wait for a unit or an epoch to be in the kit."""
        waiting = (col(Hit.state) == HitState.WAITING, col(Hit.live))
        query = select(sa.func.count()).select_from(Hit).where(*waiting)
        return self._database.read(lambda session: session.exec(query).one())

    def keep(self, outcomes: Sequence[Outcome], at: datetime) -> Kept:
        """How many opened and how many disputes are new; all or nothing is kept.

        A hit that opened before stays as it is: a round that was cut off may come again.
        """

        def write(session: Session) -> Kept:
            fresh = _still_listed(session, outcomes)
            for state in HitState:
                _move(session, [o.number for o in fresh if o.state is state], state)
            pairs = [outcome.pair for outcome in fresh if outcome.pair is not None]
            join_cases(session, pairs, at)
            resolve_disputes(session, [pair.hit_id for pair in pairs], at)
            disputes = [outcome.dispute for outcome in fresh if outcome.dispute is not None]
            return Kept(len(pairs), add_disputes(session, disputes, at))

        return self._database.run_tx("hit.keep", write)

    def requeue(self, at: datetime) -> None:
        """The kit is another: what did not open under the former one is tried again."""

        def write(session: Session) -> None:
            stuck = _HIT.c.state.in_((HitState.WAITING, HitState.DISPUTED))
            moved = _HIT.update().where(stuck, _HIT.c.live)
            session.execute(moved.values(state=HitState.LISTED))
            resolve_unknown(session, at)

        self._database.run_tx("hit.requeue", write)


def _move(session: Session, numbers: Sequence[int], state: HitState) -> None:
    if numbers:
        session.execute(_HIT.update().where(_HIT.c.number.in_(numbers)).values(state=state))


def _insert(session: Session, new: Sequence[HitSummary]) -> None:
    rows = [
        {
            "number": hit.number,
            "hit_id": hit.hit_id,
            "found_at_us": hit.found_at_us,
            "leaf_index": hit.leaf_index,
            "live": hit.live,
            "state": HitState.LISTED if hit.live else HitState.WITHDRAWN,
        }
        for hit in new
    ]
    if rows:
        session.execute(_HIT.insert(), rows)


def _withdraw(session: Session, numbers: Sequence[int], at: datetime) -> None:
    for number in numbers:
        this = _HIT.c.number == number
        session.execute(_HIT.update().where(this).values(live=False, withdrawn_at=at))
        unopened = _HIT.c.state != HitState.OPENED
        session.execute(_HIT.update().where(this, unopened).values(state=HitState.WITHDRAWN))
        mark_changed(session, number)


def _still_listed(session: Session, outcomes: Sequence[Outcome]) -> list[Outcome]:
    numbers = [outcome.number for outcome in outcomes]
    query = sa.select(_HIT.c.number).where(
        _HIT.c.number.in_(numbers), _HIT.c.state == HitState.LISTED
    )
    listed = set(session.scalars(query))
    return [outcome for outcome in outcomes if outcome.number in listed]


def _summary(row: Hit) -> HitSummary:
    return HitSummary(row.number, row.hit_id, row.found_at_us, row.leaf_index, row.live)
