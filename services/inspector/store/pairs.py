"""Opened pairs: how they join cases and how they are read back. Functions over a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.identifiers import Identifier, Kind
from libmatch.payloads import decode_item, decode_relative
from services.inspector.cases import CaseKey, CasePair
from services.inspector.tables import Hit, Matter, Pair, table_of

_HIT, _MATTER, _PAIR = table_of(Hit), table_of(Matter), table_of(Pair)


def join_cases(session: Session, pairs: Sequence[CasePair], at: datetime) -> None:
    """Each pair joins the case of its key, or begins one; a released case must be planned again.

    Set by set, for at most a few hundred pairs: a statement has 32,766 variables.
    """
    if not pairs:
        return
    first = {pair.key: pair for pair in reversed(pairs)}
    known = _find_matters(session, list(first))
    _mark(session, _MATTER.c.number.in_(list(known.values())))
    new = [_matter_to_row(pair, at) for key, pair in first.items() if key not in known]
    if new:
        session.execute(_MATTER.insert(), new)
        known = _find_matters(session, list(first))
    rows = [{**_pair_to_row(p), "matter": known[p.key], "opened_at": at} for p in pairs]
    session.execute(_PAIR.insert(), rows)


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


def _find_matters(session: Session, keys: Sequence[CaseKey]) -> dict[CaseKey, int]:
    """The numbers of those cases that there are."""
    columns = [_MATTER.c[name] for name in _key_to_columns(keys[0])]
    wanted = [tuple(_key_to_columns(key).values()) for key in keys]
    query = sa.select(_MATTER).where(sa.tuple_(*columns).in_(wanted))
    return {row_to_key(row): row.number for row in session.execute(query)}


def _matter_to_row(pair: CasePair, at: datetime) -> dict[str, object]:
    own = {"case_id": pair.case_id, "opened_at": at, "released_at": None, "replan": False}
    return {**_key_to_columns(pair.key), **own}


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


def row_to_key(row: sa.Row[Any]) -> CaseKey:
    """The key of a row of ``matter``."""
    return CaseKey(
        Identifier(Kind(row.official_kind), row.official_idn),
        Identifier(Kind(row.person_kind), row.person_idn),
        row.approving_unit,
        row.item_ref,
        row.capacity,
    )


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


def _row_to_pair(row: sa.Row[Any]) -> CasePair:
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
