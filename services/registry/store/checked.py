"""The declarations of a unit as random checks draw from them, and as a checker sees them (R51)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.china_time import china_midnight
from services.registry.tables import OfficialRow, RelativeRow

Fields = tuple[tuple[str, str], ...]


def read_declarations_of(session: Session, year: int) -> frozenset[bytes]:
    """The references of the officials whose declaration was entered by the end of that year and holds."""
    ended = china_midnight(date(year + 1, 1, 1))
    query = (
        sa.select(col(RelativeRow.official))
        .join(OfficialRow, col(OfficialRow.ref) == col(RelativeRow.official))
        .where(sa.not_(col(RelativeRow.withdrawn)), col(OfficialRow.entered_at) < ended)
    )
    return frozenset(session.execute(query.distinct()).scalars())


def describe_declarations(session: Session, items: Sequence[bytes]) -> Mapping[bytes, Fields]:
    """What a checker sees of each of the officials that are held: the form without numbers and homes."""
    found: dict[bytes, Fields] = {}
    for ref in items:
        official = session.get(OfficialRow, ref)
        if official is not None:
            relatives = select(RelativeRow).where(
                col(RelativeRow.official) == ref, sa.not_(col(RelativeRow.withdrawn))
            )
            rows = session.exec(relatives.order_by(col(RelativeRow.entered_at)))
            found[ref] = (*_of_official(official), *(_of_relative(row) for row in rows))
    return found


def _of_official(row: OfficialRow) -> Fields:
    return (
        ("报告人", row.name),
        ("单位及职务", f"{row.unit} {row.post}".strip()),
        ("具体工作", row.work),
        ("承诺人", row.signer),
        ("承诺日期", "" if row.signed_on is None else row.signed_on.isoformat()),
    )


def _of_relative(row: RelativeRow) -> tuple[str, str]:
    known = "" if row.idn is not None else "；证件号码不详"
    where = f"{row.unit} {row.post}".strip()
    return f"亲属（{row.relation}）", "；".join(filter(None, (row.name, where))) + known
