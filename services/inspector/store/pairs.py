"""Opened pairs: how they join cases and how they are read back. Functions over a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.payloads import decode_item, decode_relative
from services.inspector.cases import CaseKey, CasePair
from services.inspector.tables import Hit, Matter, Pair, table_of

_HIT, _MATTER, _PAIR = table_of(Hit), table_of(Matter), table_of(Pair)


def join_cases(session: Session, pairs: Sequence[CasePair], at: datetime) -> None:
    """Each pair joins the case of its key, or begins one; a released case must be planned again."""
    for pair in pairs:
        number = _find_matter(session, pair.key)
        if number is None:
            number = _insert_matter(session, pair, at)
        else:
            _mark(session, _MATTER.c.number == number)
        session.execute(_PAIR.insert(), {**_pair_to_row(pair), "matter": number, "opened_at": at})


def mark_changed(session: Session, number: int) -> None:
    """The pair of that number, if it was opened, changed: its case must be planned again."""
    of_pair = sa.select(_PAIR.c.matter).where(_PAIR.c.number == number).scalar_subquery()
    _mark(session, _MATTER.c.number == of_pair)


def mark_all(session: Session) -> None:
    """Every released case must be planned again."""
    _mark(session, sa.true())


def _mark(session: Session, which: sa.ColumnElement[bool]) -> None:
    released = _MATTER.c.released_at.is_not(None)
    session.execute(_MATTER.update().where(which, released).values(replan=True))


def read_pairs(session: Session, matters: Sequence[int]) -> dict[int, list[CasePair]]:
    """The pairs of each case, ascending."""
    query = (
        sa.select(_PAIR, _HIT.c.hit_id, _HIT.c.live)
        .join(_HIT, _HIT.c.number == _PAIR.c.number)
        .where(_PAIR.c.matter.in_(matters))
        .order_by(_PAIR.c.number)
    )
    found: dict[int, list[CasePair]] = {}
    for row in session.execute(query):
        found.setdefault(row.matter, []).append(_row_to_pair(row))
    return found


def _find_matter(session: Session, key: CaseKey) -> int | None:
    wanted = (_MATTER.c[name] == value for name, value in _key_to_columns(key).items())
    return session.scalar(sa.select(_MATTER.c.number).where(*wanted))


def _insert_matter(session: Session, pair: CasePair, at: datetime) -> int:
    columns = {**_key_to_columns(pair.key), "case_id": pair.case_id, "opened_at": at}
    result = session.execute(_MATTER.insert().returning(_MATTER.c.number), columns)
    return int(result.scalar_one())


def _key_to_columns(key: CaseKey) -> dict[str, object]:
    return {
        "official_kind": int(key.official.kind),
        "official_idn": key.official.idn,
        "person_kind": int(key.person.kind),
        "person_idn": key.person.idn,
        "approving_unit": key.approving_unit,
        "item_ref": key.item_ref,
        "capacity": key.capacity,
    }


def _pair_to_row(pair: CasePair) -> dict[str, object]:
    return {
        "number": pair.number,
        "epoch": pair.epoch,
        "declaring_unit": pair.declaring_unit,
        "declaring_rid": pair.declaring_rid,
        "approving_unit": pair.approving_unit,
        "approving_rid": pair.approving_rid,
        "token": pair.token,
        "relative": pair.relative.encode(),
        "item": pair.item.encode(),
    }


def _row_to_pair(row: sa.Row[tuple[object, ...]]) -> CasePair:
    return CasePair(
        number=row.number,
        hit_id=row.hit_id,
        epoch=row.epoch,
        declaring_unit=row.declaring_unit,
        declaring_rid=row.declaring_rid,
        approving_unit=row.approving_unit,
        approving_rid=row.approving_rid,
        token=row.token,
        relative=decode_relative(row.relative),
        item=decode_item(row.item),
        live=row.live,
    )
