"""Sealed notices: stored with what they tell before they are sent, and how far each has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.records import Side
from libmatch.release import SealedNotice
from services.chassis.db import Database
from services.inspector.cases import Case
from services.inspector.disputes import Dispute
from services.inspector.states import NoticeState
from services.inspector.store.cases import read_cases
from services.inspector.store.disputes import add_disputes
from services.inspector.tables import Hit, Matter, Notice, table_of

_MATTER, _NOTICE = table_of(Matter), table_of(Notice)


@dataclass(frozen=True, repr=False)
class SealedDraft:
    """A notice to be stored, and the digest of what it tells (32 bytes)."""

    facts: bytes
    notice: SealedNotice


@dataclass(frozen=True, repr=False)
class StoredNotice:
    """A stored notice; ``number`` is this store's own, ``hit`` the matcher's number of its pair."""

    number: int
    hit: int
    notice: SealedNotice


@dataclass(frozen=True, repr=False)
class Sent:
    """What came of sending one. ``mailbox_number`` is the matcher's."""

    number: int
    state: NoticeState
    mailbox_number: int | None = None
    dispute: Dispute | None = None


class Notices:
    """The notices of all cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_unplanned(self, limit: int) -> list[tuple[Case, dict[tuple[str, Side], bytes]]]:
        """Up to ``limit`` released cases that changed, each with what was told before.

        What was told is (unit, side) → facts of the last notice that was not void.
        """
        query = sa.select(_MATTER.c.number).where(_MATTER.c.replan).limit(limit)

        def read(session: Session) -> list[tuple[Case, dict[tuple[str, Side], bytes]]]:
            cases = read_cases(session, session.scalars(query).all())
            told = _read_told(session, [case.number for case in cases])
            return [(case, told.get(case.number, {})) for case in cases]

        return self._database.read(read)

    def store(self, planned: Mapping[int, Sequence[SealedDraft]], at: datetime) -> None:
        """Keep the notices of each case, to be sent; the cases are planned."""
        rows = [
            _draft_to_row(case, draft, at) for case, drafts in planned.items() for draft in drafts
        ]

        def write(session: Session) -> None:
            if rows:
                session.execute(_NOTICE.insert(), rows)
            done = _MATTER.update().where(_MATTER.c.number.in_(list(planned)))
            session.execute(done.values(replan=False))

        self._database.run_tx("notice.store", write)

    def read_waiting(self, after: int, limit: int) -> list[StoredNotice]:
        """Up to ``limit`` notices to be sent, numbered above ``after``, ascending."""
        query = (
            select(Notice, Hit.number)
            .join(Hit, col(Hit.hit_id) == col(Notice.hit_id))
            .where(col(Notice.state) == NoticeState.WAITING, col(Notice.number) > after)
            .order_by(col(Notice.number))
            .limit(limit)
        )
        return self._database.read(
            lambda session: [_row_to_notice(row, hit) for row, hit in session.exec(query)]
        )

    def mark(self, results: Sequence[Sent], at: datetime) -> int:
        """The number of new disputes; what came of sending is kept.

        The case of a void notice is planned again: another pair of it may be live.
        """

        def write(session: Session) -> int:
            this = _NOTICE.update().where(_NOTICE.c.number == sa.bindparam("this"))
            rows = [_sent_to_row(result, at) for result in results]
            if rows:
                session.connection().execute(this, rows)
            _replan(session, [r.number for r in results if r.state is NoticeState.VOID])
            disputes = [result.dispute for result in results if result.dispute is not None]
            return add_disputes(session, disputes, at)

        return self._database.run_tx("notice.mark", write)


def _read_told(
    session: Session, matters: Sequence[int]
) -> dict[int, dict[tuple[str, Side], bytes]]:
    query = (
        sa.select(_NOTICE.c.matter, _NOTICE.c.unit, _NOTICE.c.side, _NOTICE.c.facts)
        .where(_NOTICE.c.matter.in_(matters), _NOTICE.c.state != NoticeState.VOID)
        .order_by(_NOTICE.c.number)
    )
    told: dict[int, dict[tuple[str, Side], bytes]] = {}
    for matter, unit, side, facts in session.execute(query):
        told.setdefault(matter, {})[unit, Side(side)] = facts
    return told


def _sent_to_row(sent: Sent, at: datetime) -> dict[str, object]:
    return {
        "this": sent.number,
        "state": sent.state,
        "mailbox_number": sent.mailbox_number,
        "sent_at": at if sent.state is NoticeState.SENT else None,
    }


def _replan(session: Session, void: Sequence[int]) -> None:
    of_notices = sa.select(_NOTICE.c.matter).where(_NOTICE.c.number.in_(void))
    session.execute(_MATTER.update().where(_MATTER.c.number.in_(of_notices)).values(replan=True))


def _draft_to_row(case: int, draft: SealedDraft, at: datetime) -> dict[str, object]:
    notice = draft.notice
    return {
        "notice_id": notice.notice_id,
        "matter": case,
        "epoch": notice.epoch,
        "unit": notice.unit,
        "side": int(notice.side),
        "hit_id": notice.hit_id,
        "facts": draft.facts,
        "sealed": notice.sealed,
        "signature": notice.signature,
        "state": NoticeState.WAITING,
        "sealed_at": at,
    }


def _row_to_notice(row: Notice, hit: int) -> StoredNotice:
    assert row.number is not None
    notice = SealedNotice(
        epoch=row.epoch,
        notice_id=row.notice_id,
        unit=row.unit,
        side=Side(row.side),
        hit_id=row.hit_id,
        sealed=row.sealed,
        signature=row.signature,
    )
    return StoredNotice(row.number, hit, notice)
