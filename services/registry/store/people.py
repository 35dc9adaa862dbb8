"""The unit's officials in numbers: whose declaration is entered since when, who has a matter (R55)."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.china_time import china_day
from services.holder.figures import Declared, People
from services.registry.store.statements import read_own_matters
from services.registry.tables import DeclarationVersionRow, OfficialRow

_Person = tuple[int, str]


def read_people(session: Session) -> People:
    """Every official who is entered or whose first declaration is on its way."""
    with_matters = {one.official for one in read_own_matters(session) if one.live}
    return People(tuple(_declared(session)), len(with_matters))


def _declared(session: Session) -> Iterator[Declared]:
    """References are numbers of this answer: what is counted leaves as counts alone."""
    first = DeclarationVersionRow
    versions = sa.select(col(first.kind), col(first.idn), col(first.due_on)).where(
        col(first.number) == 1
    )
    due = {(kind, idn): day for kind, idn, day in session.execute(versions)}
    columns = (OfficialRow.kind, OfficialRow.idn, OfficialRow.entered_at, OfficialRow.unsigned)
    entered: set[_Person] = set()
    for kind, idn, at, unsigned in session.execute(sa.select(*(col(c) for c in columns))):
        entered.add((kind, idn))
        day = None if unsigned else china_day(at)
        yield Declared(str(len(entered)), day, due.get((kind, idn)))
    for number, person in enumerate(sorted(due.keys() - entered), len(entered) + 1):
        yield Declared(str(number), None, due[person])
