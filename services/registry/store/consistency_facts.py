"""The declarations as the cross-check reads them: signed, and with the relatives declared now. Reads only."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from libmatch.relations import Relation
from services.registry.consistency.values import Declarant, DeclaredRelative
from services.registry.tables import OfficialRow, RelativeRow


def read_mark(session: Session) -> str:
    """A text that changes with the declarations."""
    counts = []
    for table in (OfficialRow, RelativeRow):
        query = sa.select(sa.func.count(), sa.func.max(col(table.changed_at))).select_from(table)
        count, changed = session.execute(query).one()
        counts.append(f"{count}@{changed.isoformat() if changed else ''}")
    gone = sa.select(sa.func.count()).where(col(RelativeRow.withdrawn))
    return " ".join([*counts, str(session.execute(gone).scalar_one())])


def read_declarants(session: Session) -> list[Declarant]:
    """Every official with a signed declaration of which something still stands, in order of entry."""
    relatives: defaultdict[bytes, list[DeclaredRelative]] = defaultdict(list)
    standing: set[bytes] = set()
    r = RelativeRow
    query = sa.select(
        *(col(r.official), col(r.relation), col(r.kind), col(r.idn), col(r.name), col(r.unit))
    ).where(col(r.withdrawn).is_(False))
    for official, relation, kind, idn, name, unit in session.execute(query):
        standing.add(official)
        identifier = None if idn is None else Identifier(Kind(kind), idn)
        if Relation(relation) is not Relation.SELF:
            one = DeclaredRelative(Relation(relation), identifier, name, unit)
            relatives[official].append(one)
    o = OfficialRow
    officials = sa.select(
        *(col(o.ref), col(o.kind), col(o.idn), col(o.name), col(o.unit), col(o.post))
    ).where(col(o.unsigned).is_(False))
    return [
        Declarant(ref, Identifier(Kind(kind), idn), name, unit, post, tuple(relatives[ref]))
        for ref, kind, idn, name, unit, post in session.execute(officials)
        if ref in standing
    ]
