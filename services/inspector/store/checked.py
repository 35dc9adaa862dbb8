"""Flagged, live cases as random checks draw from them, and as a checker sees them (R52)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.china_time import china_midnight
from services.inspector.cases import Case
from services.inspector.store.cases import read_cases
from services.inspector.tables import Hit, Matter, Pair, table_of

_HIT, _MATTER, _PAIR = table_of(Hit), table_of(Matter), table_of(Pair)

Fields = tuple[tuple[str, str], ...]


def read_flagged_of(session: Session, year: int) -> dict[str, set[bytes]]:
    """Approving unit → the ids of its cases that opened in that year and that a live hit still says."""
    first, after = (china_midnight(date(y, 1, 1)) for y in (year, year + 1))
    live = (
        sa.select(_PAIR.c.number)
        .join(_HIT, _HIT.c.number == _PAIR.c.number)
        .where(_PAIR.c.matter == _MATTER.c.number, _HIT.c.live)
    )
    query = sa.select(_MATTER.c.approving_unit, _MATTER.c.case_id).where(
        _MATTER.c.opened_at >= first, _MATTER.c.opened_at < after, live.exists()
    )
    found: dict[str, set[bytes]] = defaultdict(set)
    for unit, case_id in session.execute(query):
        found[unit].add(case_id)
    return dict(found)


def describe_flagged(session: Session, items: Sequence[bytes]) -> Mapping[bytes, Fields]:
    """What a checker sees of each of the cases: names and facts, no numbers."""
    query = sa.select(_MATTER.c.number).where(_MATTER.c.case_id.in_(items))
    cases = read_cases(session, session.scalars(query).all())
    return {case.case_id: _fields(case) for case in cases}


def _fields(case: Case) -> Fields:
    relative, item, fen = case.content.relative, case.content.item, case.content.item.amount_fen
    return (
        ("党员干部", relative.official_name),
        ("单位及职务", f"{relative.official_unit} {relative.official_post}".strip()),
        ("受益人", relative.name),
        ("与受益人亲属关系", relative.relation),
        ("申报单位", "、".join(case.declaring_units)),
        ("审批单位", case.key.approving_unit),
        ("事项编号", case.key.item_ref),
        ("资金（项目）名称", item.programme or item.item_name),
        ("财政资金（元）", "" if fen is None else f"{fen // 100}.{fen % 100:02d}"),
        ("地点", item.place),
        ("起始时间", "" if item.start is None else item.start.isoformat()),
    )
