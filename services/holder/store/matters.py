"""Every query on the tables of a unit's matters. Functions over a session: a step is one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.records import Side
from libmatch.reports import Report
from services.holder.tables import (
    EntryRow,
    MatterRow,
    Notice,
    OwnReportRow,
    PublicNoticeRow,
    ReceivedReportRow,
    Record,
)
from services.process.entries import Entry, History, Opening, Said, decode_body
from services.process.folding import Folded, fold
from services.rules.matter_facts import Matter, State
from services.rules.ruleset import RuleSets

Transaction: TypeAlias = Session
"""What use cases pass on without looking into it: everything of a step is in one of it."""


@dataclass(frozen=True, repr=False)
class Case:
    """A case as held: the notice that it rests on, its opening, and what its entries come to."""

    notice_id: bytes
    opening: Opening
    folded: Folded

    @property
    def matter(self) -> Matter:
        return self.folded.matter


@dataclass(frozen=True)
class Waiting:
    """An own report that the matcher does not have yet."""

    position: int
    report: Report
    resealed: bool = False
    tries: int = 0


def save_opened(session: Session, notice_id: bytes, matter: Matter) -> None:
    """Keeps a case that is not held yet, or what a newer notice says of it; its steps stay."""
    held = session.get(MatterRow, matter.matter_id)
    if held is None:
        session.add(
            MatterRow(
                case_id=matter.matter_id,
                notice_id=notice_id,
                approving_unit=matter.approving_unit,
                declaring_units=matter.official_unit,
                official_name=matter.official_name,
                rules_version=matter.rules_version,
                notified_at=matter.notified_at,
                state=matter.state.name,
                version=0,
            )
        )
    else:
        held.notice_id, held.official_name = notice_id, matter.official_name
        session.add(held)
    session.flush()


def read_case(session: Session, case_id: bytes, rules: RuleSets) -> Case | None:
    """The case with its steps; None where it is not held."""
    row = session.get(MatterRow, case_id)
    if row is None:
        return None
    query = select(EntryRow).where(col(EntryRow.case_id) == case_id)
    return _fold(row, session.exec(query), rules)


def read_cases(session: Session, states: Sequence[State], rules: RuleSets) -> list[Case]:
    """The cases in one of ``states`` (all, where none is named), the oldest notice first."""
    wanted = select(MatterRow)
    if states:
        wanted = wanted.where(col(MatterRow.state).in_([state.name for state in states]))
    rows = list(session.exec(wanted.order_by(col(MatterRow.notified_at), col(MatterRow.case_id))))
    entries: dict[bytes, list[EntryRow]] = defaultdict(list)
    of_wanted = col(EntryRow.case_id).in_(wanted.with_only_columns(col(MatterRow.case_id)))
    for entry in session.exec(select(EntryRow).where(of_wanted)):
        entries[entry.case_id].append(entry)
    return [_fold(row, entries[row.case_id], rules) for row in rows]


def _fold(row: MatterRow, entries: Iterable[EntryRow], rules: RuleSets) -> Case:
    """The case as the approving unit opened it, once that is known, and after all steps.

    The village's place is posted for by the approving unit: it pays the benefit and answers for the
    item (R38), so it has the notice hung there, whatever township the place lies in. Nobody else is
    asked, so no publication waits for a unit that is no party (R43).
    """
    made = [decode_body(entry.body) for entry in entries]
    opening = _opening_of(row, made)
    opened = Matter(
        matter_id=row.case_id,
        rules_version=opening.rules_version,
        approving_unit=row.approving_unit,
        official_unit=opening.official_unit,
        village_unit=row.approving_unit,
        official_name=row.official_name,
        notified_at=opening.notified_at,
    )
    steps = [one for one in made if isinstance(one, Entry)]
    return Case(row.notice_id, opening, fold(opened, steps, rules.get(opening.rules_version)))


def _opening_of(row: MatterRow, made: Iterable[Said]) -> Opening:
    """What the approving unit told last of how it opened the case; before that, the own notice."""
    told = [
        one
        for one in made
        if isinstance(one, History) and one.opening and one.unit == row.approving_unit
    ]
    if told:
        last = max(told, key=lambda one: one.seq).opening
        assert last is not None
        return last
    return Opening(row.declaring_units, row.rules_version, row.notified_at)


def next_seq(session: Session, case_id: bytes, unit: str, side: Side) -> int:
    """The number of the next own entry of the case."""
    mine = (
        col(EntryRow.case_id) == case_id,
        col(EntryRow.unit) == unit,
        col(EntryRow.side) == int(side),
    )
    return (session.exec(select(sa.func.max(col(EntryRow.seq))).where(*mine)).one() or 0) + 1


def add_entry(session: Session, entry: Said, rules: RuleSets) -> None:
    """Appends the entry, and brings the listed state of its case up to date if it is held."""
    session.add(
        EntryRow(
            case_id=entry.case_id,
            unit=entry.unit,
            side=int(entry.side),
            seq=entry.seq,
            at=entry.at,
            body=entry.encode(),
        )
    )
    session.flush()
    refresh_state(session, entry.case_id, rules)


def read_own_entries(session: Session, case_id: bytes, unit: str, side: Side) -> list[Entry]:
    """The steps of that unit and side, without histories, in the order in which they were made."""
    query = select(EntryRow).where(
        col(EntryRow.case_id) == case_id,
        col(EntryRow.unit) == unit,
        col(EntryRow.side) == int(side),
    )
    made = [decode_body(row.body) for row in session.exec(query.order_by(col(EntryRow.seq)))]
    return [one for one in made if isinstance(one, Entry)]


def read_body(session: Session, case_id: bytes, unit: str, side: Side, seq: int) -> bytes:
    """The canonical bytes of an entry or history that is held."""
    row = session.get_one(EntryRow, (case_id, unit, int(side), seq))
    return row.body


def refresh_state(session: Session, case_id: bytes, rules: RuleSets) -> None:
    """Writes what the entries of the case come to into its row, where it is held."""
    case = read_case(session, case_id, rules)
    row = session.get(MatterRow, case_id)
    if case is None or row is None:
        return
    row.state, row.version = case.matter.state.name, case.matter.version
    session.add(row)


def find_baseless(session: Session) -> list[bytes]:
    """The cases that still go on although the unit has withdrawn the record they rest on."""
    query = (
        sa.select(col(MatterRow.case_id))
        .join(Notice, col(Notice.notice_id) == col(MatterRow.notice_id))
        .outerjoin(Record, sa.and_(col(Record.subject) == col(Notice.subject), col(Record.wanted)))
        .where(col(Record.number).is_(None), col(MatterRow.state) != State.WITHDRAWN.name)
    )
    return list(session.execute(query).scalars())


# --- reports --------------------------------------------------------------------------------------


def add_report(session: Session, report: Report) -> None:
    """Puts an own report behind those that wait."""
    session.add(OwnReportRow(case_id=report.case_id, body=report.encode()))


def read_waiting(session: Session, now: datetime | None) -> list[Waiting]:
    """The reports that the matcher does not have, in the order in which they were made.

    At ``now`` those of a case whose next try is later are left out; None: all.
    """
    waits = col(OwnReportRow.sent_at).is_(None)
    query = select(OwnReportRow).where(waits)
    if now is not None:
        later = select(OwnReportRow.case_id).where(waits, col(OwnReportRow.not_before) > now)
        query = query.where(col(OwnReportRow.case_id).not_in(later))
    rows = session.exec(query.order_by(col(OwnReportRow.position)))
    return [_row_to_waiting(row) for row in rows]


def read_report(session: Session, position: int) -> Waiting:
    """The report that waits there, which must be so."""
    return _row_to_waiting(session.get_one(OwnReportRow, position))


def _row_to_waiting(row: OwnReportRow) -> Waiting:
    assert row.position is not None  # it is stored
    return Waiting(row.position, Report.decode(row.body), row.resealed, row.tries)


def put_off(session: Session, waiting: Waiting, not_before: datetime) -> None:
    """Keeps that the matcher refused the report, and when it is tried again."""
    mine = sa.update(OwnReportRow).where(col(OwnReportRow.position) == waiting.position)
    session.execute(mine.values(tries=waiting.tries + 1, not_before=not_before))


def replace_report(session: Session, position: int, report: Report, *, resealed: bool) -> None:
    """Puts another sealing of the same step in the place of one that waits."""
    values = {"body": report.encode(), "resealed": resealed, "tries": 0, "not_before": None}
    mine = sa.update(OwnReportRow).where(col(OwnReportRow.position) == position)
    session.execute(mine.values(values))


def settle_report(session: Session, position: int, at: datetime) -> None:
    """Keeps that the matcher has the report since ``at``, and lets its bytes go."""
    mine = sa.update(OwnReportRow).where(col(OwnReportRow.position) == position)
    session.execute(mine.values(sent_at=at, body=b""))


def last_received(session: Session) -> int:
    """The number of the last report that was fetched; 0 before the first."""
    return session.exec(select(sa.func.max(col(ReceivedReportRow.number)))).one() or 0


def add_received(
    session: Session, number: int, report: Report, at: datetime, problem: str = ""
) -> None:
    """Keeps that a report came, and why it is not believed, if it is not."""
    session.add(
        ReceivedReportRow(
            number=number,
            case_id=report.case_id,
            unit=report.unit,
            side=int(report.side),
            seq=report.seq,
            received_at=at,
            problem=problem,
        )
    )


def holds(session: Session, entry: Entry | History) -> bool | None:
    """Whether just that is held under its number; None where another is."""
    row = session.get(EntryRow, (entry.case_id, entry.unit, int(entry.side), entry.seq))
    if row is None:
        return False
    return True if row.body == entry.encode() else None


def count_problems(session: Session, case_id: bytes) -> int:
    """The number of reports about the case that were not believed."""
    query = select(sa.func.count()).where(
        col(ReceivedReportRow.case_id) == case_id, col(ReceivedReportRow.problem) != ""
    )
    return session.exec(query.select_from(ReceivedReportRow)).one()


def count_waiting(session: Session, case_id: bytes) -> int:
    """The number of own reports about the case that the matcher does not have."""
    query = select(sa.func.count()).where(
        col(OwnReportRow.case_id) == case_id, col(OwnReportRow.sent_at).is_(None)
    )
    return session.exec(query.select_from(OwnReportRow)).one()


# --- public notices -------------------------------------------------------------------------------


def add_public_notice(
    session: Session, notice_id: bytes, case_id: bytes, digest: bytes, content: str
) -> None:
    """Keeps what was posted."""
    session.add(
        PublicNoticeRow(notice_id=notice_id, case_id=case_id, digest=digest, content=content)
    )


@dataclass(frozen=True, repr=False)
class KeptNotice:
    """What was posted, as JSON, with the digest that its posting names."""

    case_id: bytes
    digest: bytes
    content: str


def read_public_notices(session: Session, case_id: bytes | None) -> list[KeptNotice]:
    """What was posted here and is still kept, of one case or of all."""
    query = select(PublicNoticeRow).where(col(PublicNoticeRow.content) != "")
    if case_id is not None:
        query = query.where(col(PublicNoticeRow.case_id) == case_id)
    return [KeptNotice(row.case_id, row.digest, row.content) for row in session.exec(query)]


def erase_public_notice(session: Session, notice_id: bytes, gone_at: datetime) -> None:
    """Lets the content go, and keeps since when the notice is gone."""
    mine = sa.update(PublicNoticeRow).where(col(PublicNoticeRow.notice_id) == notice_id)
    session.execute(mine.values(content="", gone_at=gone_at))


def read_gone(session: Session, since: datetime) -> list[tuple[bytes, datetime]]:
    """(notice id, moment) of the notices without content that went after ``since``."""
    query = sa.select(col(PublicNoticeRow.notice_id), col(PublicNoticeRow.gone_at)).where(
        col(PublicNoticeRow.content) == "", col(PublicNoticeRow.gone_at) > since
    )
    return [(notice_id, at) for notice_id, at in session.execute(query) if at is not None]
