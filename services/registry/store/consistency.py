"""Every query on letters and findings of the cross-check. Functions over a session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.letters import Letter
from services.holder.references import new_ref
from services.registry.consistency.values import (
    Finding,
    FindingState,
    LastRun,
    Told,
)
from services.registry.tables import FindingRow, HeardRow, LetterRow, LetterRunRow, OfficialRow

Transaction: TypeAlias = Session
"""What use cases pass on without looking into it: everything of a step is in one of it."""


# --- letters --------------------------------------------------------------------------------------


def last_run(session: Session) -> LastRun | None:
    """The last time that letters were made; None before the first."""
    row = session.exec(select(LetterRunRow).order_by(col(LetterRunRow.number).desc())).first()
    if row is None:
        return None
    return LastRun(row.epoch, row.made_at, row.mark, row.letters, row.claims)


def add_run(session: Session, run: LastRun, letters: Iterable[Letter]) -> None:
    """Keeps the letters of a run in place of all earlier ones, sent or not."""
    session.execute(sa.delete(LetterRow))
    session.add(LetterRunRow(**vars(run)))
    for one in letters:
        body = one.encode()
        session.add(LetterRow(recipient=one.recipient, epoch=one.epoch, seq=one.seq, body=body))
    session.flush()


def read_waiting(session: Session, epoch: bytes) -> list[Letter]:
    """The letters of the epoch that the matcher does not have yet."""
    query = select(LetterRow).where(col(LetterRow.sent_at).is_(None), col(LetterRow.epoch) == epoch)
    return [Letter.decode(row.body) for row in session.exec(query.order_by(LetterRow.recipient))]


def count_waiting(session: Session, epoch: bytes) -> int:
    """How many those are."""
    mine = (col(LetterRow.sent_at).is_(None), col(LetterRow.epoch) == epoch)
    return int(session.execute(sa.select(sa.func.count()).where(*mine)).scalar_one())


def settle_letter(session: Session, letter: Letter, at: datetime) -> None:
    """Keeps that the matcher has the letter since ``at``, and lets its bytes go."""
    mine = (col(LetterRow.recipient) == letter.recipient, col(LetterRow.seq) == letter.seq)
    session.execute(sa.update(LetterRow).where(*mine).values(sent_at=at, body=b""))


def find_heard(session: Session, epoch: bytes, sender: str) -> int:
    """The number of the newest letter of ``sender`` in the epoch; 0 before the first."""
    row = session.get(HeardRow, sender)
    return row.seq if row is not None and row.epoch == epoch else 0


def read_heard(session: Session, epoch: bytes) -> dict[str, datetime]:
    """When the newest letter of each unit in the epoch was taken in."""
    rows = session.exec(select(HeardRow).where(col(HeardRow.epoch) == epoch))
    return {row.sender: row.heard_at for row in rows}


def keep_heard(session: Session, letter: Letter, at: datetime) -> None:
    """Keeps that the letter was taken in."""
    row = HeardRow(sender=letter.sender, epoch=letter.epoch, seq=letter.seq, heard_at=at)
    session.merge(row)
    session.flush()


# --- findings -------------------------------------------------------------------------------------


def read_findings(session: Session, *states: FindingState) -> list[Finding]:
    """The findings in one of ``states`` (all, where none is named), the oldest first."""
    query = (
        sa.select(FindingRow, col(OfficialRow.name), col(OfficialRow.post))
        .outerjoin(OfficialRow, col(OfficialRow.ref) == col(FindingRow.official))
        .order_by(col(FindingRow.found_at), col(FindingRow.finding_id))
    )
    if states:
        query = query.where(col(FindingRow.state).in_([state.value for state in states]))
    return [_row_to_finding(row, name, post) for row, name, post in session.execute(query)]


def find_finding(session: Session, finding_id: bytes) -> Finding | None:
    """One finding."""
    row = session.get(FindingRow, finding_id)
    return None if row is None else _row_to_finding(row, "", "")


def decide(
    session: Session,
    finding_id: bytes,
    state: FindingState,
    at: datetime,
    grounds: str = "",
    decided_by: str = "",
) -> None:
    """Sets how a finding stands, by whom and on which grounds."""
    values = {"state": state.value, "changed_at": at, "grounds": grounds, "decided_by": decided_by}
    mine = sa.update(FindingRow).where(col(FindingRow.finding_id) == finding_id)
    session.execute(mine.values(**values))


def apply_lacking(
    session: Session, sender: str, epoch: bytes, lacking: Sequence[Told], at: datetime
) -> None:
    """Makes the findings from ``sender`` those that ``lacking`` says, all of them.

    New ones open, those that are gone close, and what came back opens again. What people decided stays,
    also into another epoch.
    """
    held = list(session.exec(select(FindingRow).where(col(FindingRow.sender) == sender)))
    still: set[bytes] = set()
    for told in lacking:
        row = _find_row(held, epoch, told)
        if row is None:
            row = _new_row(sender, epoch, told, at)
            held.append(row)
        still.add(row.finding_id)
        _renew(row, epoch, told, at)
        session.add(row)
    for row in held:
        if row.finding_id not in still and row.state == FindingState.OPEN:
            row.state, row.changed_at = FindingState.CLOSED.value, at
            session.add(row)
    session.flush()


def _find_row(held: Iterable[FindingRow], epoch: bytes, told: Told) -> FindingRow | None:
    """The finding about the same two: by their pair, or in another epoch by what is told of them."""
    key = (told.name, told.relation)
    for row in held:
        if row.official == told.ref and (
            row.pair == told.pair if row.epoch == epoch else (row.name, row.relation) == key
        ):
            return row
    return None


def _new_row(sender: str, epoch: bytes, told: Told, at: datetime) -> FindingRow:
    return FindingRow(
        finding_id=new_ref(),
        official=told.ref,
        sender=sender,
        epoch=epoch,
        pair=told.pair,
        name=told.name,
        unit=told.unit,
        post=told.post,
        relation=told.relation,
        state=FindingState.OPEN.value,
        found_at=at,
        changed_at=at,
        grounds="",
        decided_by="",
    )


def _renew(row: FindingRow, epoch: bytes, told: Told, at: datetime) -> None:
    row.epoch, row.pair, row.name, row.relation = epoch, told.pair, told.name, told.relation
    row.unit, row.post = told.unit, told.post
    if row.state == FindingState.CLOSED:
        row.state, row.found_at, row.changed_at = FindingState.OPEN.value, at, at


def _row_to_finding(row: FindingRow, name: str | None, post: str | None) -> Finding:
    return Finding(
        finding_id=row.finding_id,
        sender=row.sender,
        epoch=row.epoch,
        told=Told(row.official, row.pair, row.name, row.unit, row.post, row.relation),
        official_name=name or "",
        official_post=post or "",
        state=FindingState(row.state),
        found_at=row.found_at,
        changed_at=row.changed_at,
        grounds=row.grounds,
        decided_by=row.decided_by,
    )
