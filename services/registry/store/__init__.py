"""Every query on the registry's own tables. One unit's plaintext; nobody else reads this database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from libmatch.notices import HitNotice, OfficialNotice
from libmatch.relations import Relation
from services.chassis.db import Database
from services.chassis.refusals import NotFound
from services.holder.store import records
from services.holder.store.records import chunked
from services.holder.store.rows import insert_rows, select_rows, update_rows, without_times
from services.holder.tables import Notice
from services.process.store.trail import Trail
from services.registry.entries import (
    ImportPlan,
    Known,
    ListedNotice,
    ListedOfficial,
    OfficialEntry,
    RelativeEntry,
    find_status,
)
from services.registry.tables import OfficialNoticeRow, OfficialRow, RelativeRow


class Store:
    """The registry's declarations and notices. Every change and every look leaves its trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run_import(
        self,
        identifiers: Collection[Identifier],
        names: Collection[str],
        make_plan: Callable[[Known], ImportPlan],
        trail: Trail,
        tell: Callable[[ImportPlan], str],
    ) -> ImportPlan:
        """The plan that was carried out, in one transaction with its trail.

        ``make_plan`` gets what is held of the officials with these identifiers and names, and may be
        called twice; ``tell`` says in the trail how it ended.
        """

        def run(session: Session) -> ImportPlan:
            plan = self.apply_plan(session, identifiers, names, make_plan, trail.at)
            trail.write(session, tell(plan))
            return plan

        return self._database.run_tx("registry.import", run)

    @staticmethod
    def apply_plan(
        session: Session,
        identifiers: Collection[Identifier],
        names: Collection[str],
        make_plan: Callable[[Known], ImportPlan],
        at: datetime,
        *,
        withdraw_left_out: bool = False,
    ) -> ImportPlan:
        """As ``run_import``, in somebody's transaction.

        ``withdraw_left_out``: whom the declarations no longer name leaves the match, after the new
        records are there (R20).
        """
        plan = make_plan(_read_known(session, identifiers, names))
        insert_rows(session, OfficialRow, map(_official_to_row, plan.new_officials), at)
        update_rows(session, OfficialRow, map(_official_to_row, plan.changed_officials), at)
        insert_rows(session, RelativeRow, map(_relative_to_row, plan.new_relatives), at)
        update_rows(session, RelativeRow, map(_relative_to_row, plan.changed_relatives), at)
        records.enter(session, plan.enter, at)
        if withdraw_left_out:
            rows = [{"ref": ref, "withdrawn": True} for ref in plan.left_out]
            update_rows(session, RelativeRow, rows, at)
            records.retire(session, plan.left_out)
        return plan

    def leave_trail(self, trail: Trail, outcome: str) -> None:
        """Keeps the trail of something that changed nothing."""
        self._database.run_tx("registry.trail", lambda session: trail.write(session, outcome))

    def withdraw(
        self,
        official_ref: bytes,
        relative_refs: Collection[bytes],
        trail: Trail,
    ) -> int:
        """The number of relatives that were withdrawn just now; all of the official's if none are named.

        Raises NotFound for an official that is not held, or a relative that is not his.
        """

        def run(session: Session) -> int:
            relatives = _read_relatives(session, [official_ref])
            if not relatives or not set(relative_refs) <= {r.ref for r in relatives}:
                raise NotFound("no such official, or no such relative of his")
            named = {r.ref for r in relatives if not relative_refs or r.ref in relative_refs}
            live = [r.ref for r in relatives if r.ref in named and not r.withdrawn]
            rows = [{"ref": ref, "withdrawn": True} for ref in live]
            update_rows(session, RelativeRow, rows, trail.at)
            records.retire(session, live)
            trail.write(session, f"withdrawn {len(live)}")
            return len(live)

        return self._database.run_tx("registry.withdraw", run)

    def load(
        self, session: Session, subjects: Sequence[bytes]
    ) -> list[tuple[OfficialEntry, RelativeEntry]]:
        """Each relative with his official, in the order of ``subjects``; in a transaction."""
        relatives = {
            row.ref: _row_to_relative(row)
            for chunk in chunked(subjects)
            for row in select_rows(session, RelativeRow, col(RelativeRow.ref).in_(chunk))
        }
        officials = _read_officials(session, {r.official for r in relatives.values()})
        ordered = (relatives[subject] for subject in subjects)
        return [(officials[relative.official], relative) for relative in ordered]

    def list_declarations(self, trail: Trail) -> list[ListedOfficial]:
        """Everybody who is held, in order of entry, with statuses; leaves its trail."""

        def run(session: Session) -> list[ListedOfficial]:
            trail.write(session)
            standing = records.read_standing(session)
            mine = defaultdict(list)
            for row in select_rows(session, RelativeRow, sa.true()):
                relative, found = _row_to_relative(row), standing.get(row.ref)
                status = find_status(relative, found.state if found else None)
                mine[relative.official].append((relative, status))
            officials = map(_row_to_official, select_rows(session, OfficialRow, sa.true()))
            return [ListedOfficial(entry, tuple(mine[entry.ref])) for entry in officials]

        return self._database.run_tx("registry.list", run)

    @staticmethod
    def save_notice(session: Session, notice_id: bytes, notice: HitNotice) -> None:
        """Keeps what an opened notice says, in the transaction that keeps its envelope."""
        if not isinstance(notice, OfficialNotice):
            raise TypeError("a registry gets notices about its officials")
        session.merge(
            OfficialNoticeRow(
                notice_id=notice_id,
                approving_unit=notice.approving_unit,
                capacity=notice.capacity,
                item_ref=notice.item_ref,
                item_name=notice.item_name,
                programme=notice.programme,
                amount_fen=notice.amount_fen,
                place=notice.place,
                start=notice.start,
            )
        )

    def list_notices(self, trail: Trail) -> list[ListedNotice]:
        """All notices, newest last; leaves its trail."""

        def run(session: Session) -> list[ListedNotice]:
            trail.write(session)
            query = (
                sa.select(Notice, OfficialNoticeRow, RelativeRow, OfficialRow)
                .outerjoin(
                    OfficialNoticeRow, col(OfficialNoticeRow.notice_id) == col(Notice.notice_id)
                )
                .outerjoin(RelativeRow, col(RelativeRow.ref) == col(Notice.subject))
                .outerjoin(OfficialRow, col(OfficialRow.ref) == col(RelativeRow.official))
                .order_by(col(Notice.received_at), col(Notice.notice_id))
            )
            return [_list_notice(*row) for row in session.execute(query)]

        return self._database.run_tx("registry.list-notices", run)


def _list_notice(
    notice: Notice,
    content: OfficialNoticeRow | None,
    relative: RelativeRow | None,
    official: OfficialRow | None,
) -> ListedNotice:
    own: dict[str, Any] = {}
    if relative is not None and official is not None:
        own = {
            "official_name": official.name,
            "relative_name": relative.name,
            "relation": relative.relation,
        }
    told = {} if content is None else content.model_dump(exclude={"notice_id", "item_ref"})
    return ListedNotice(notice.notice_id, notice.received_at, notice.disputed, **own, **told)


def _read_known(
    session: Session, identifiers: Collection[Identifier], names: Collection[str]
) -> Known:
    officials: dict[Identifier, OfficialEntry] = {}
    for chunk in chunked([identifier.idn for identifier in identifiers]):
        for row in select_rows(session, OfficialRow, col(OfficialRow.idn).in_(chunk)):
            entry = _row_to_official(row)
            officials[entry.identifier] = entry
    relatives: dict[bytes, list[RelativeEntry]] = defaultdict(list)
    for relative in _read_relatives(session, [entry.ref for entry in officials.values()]):
        relatives[relative.official].append(relative)
    return Known(officials, relatives, _names_of_others(session, names, officials.values()))


def _names_of_others(
    session: Session, names: Collection[str], known: Iterable[OfficialEntry]
) -> set[str]:
    own = {entry.ref for entry in known}
    query = sa.select(col(OfficialRow.ref), col(OfficialRow.name))
    return {
        name
        for chunk in chunked(names)
        for ref, name in session.execute(query.where(col(OfficialRow.name).in_(chunk)))
        if ref not in own
    }


def _read_officials(session: Session, refs: Collection[bytes]) -> dict[bytes, OfficialEntry]:
    return {
        row.ref: _row_to_official(row)
        for chunk in chunked(refs)
        for row in select_rows(session, OfficialRow, col(OfficialRow.ref).in_(chunk))
    }


def _read_relatives(session: Session, officials: Collection[bytes]) -> list[RelativeEntry]:
    return [
        _row_to_relative(row)
        for chunk in chunked(officials)
        for row in select_rows(session, RelativeRow, col(RelativeRow.official).in_(chunk))
    ]


# --- rows and entries -----------------------------------------------------------------------------


def _official_to_row(entry: OfficialEntry) -> dict[str, Any]:
    row = dict(vars(entry))
    identifier: Identifier = row.pop("identifier")
    return row | {"kind": int(identifier.kind), "idn": identifier.idn}


def _row_to_official(row: sa.Row[Any]) -> OfficialEntry:
    values = dict(row._mapping)
    identifier = Identifier(Kind(values.pop("kind")), values.pop("idn"))
    return OfficialEntry(identifier=identifier, **without_times(values))


def _relative_to_row(entry: RelativeEntry) -> dict[str, Any]:
    row = dict(vars(entry))
    identifier: Identifier | None = row.pop("identifier")
    kind, idn = (int(identifier.kind), identifier.idn) if identifier else (None, None)
    return row | {"relation": entry.relation.value, "kind": kind, "idn": idn}


def _row_to_relative(row: sa.Row[Any]) -> RelativeEntry:
    values = dict(row._mapping)
    kind, idn = values.pop("kind"), values.pop("idn")
    identifier = None if idn is None else Identifier(Kind(kind), idn)
    relation = Relation(values.pop("relation"))
    return RelativeEntry(relation=relation, identifier=identifier, **without_times(values))
