"""What the registry holds about a person, and its end (R65): officials, relatives, versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.identifiers import Identifier, Kind
from services.holder.rights.records import EndedRecord, PersonRecord
from services.holder.states import RecordState
from services.holder.store.records import chunked, read_standing
from services.registry.entries import RelativeStatus
from services.registry.signoff.content import declaration_to_json, json_to_declaration
from services.registry.signoff.versions import OPEN
from services.registry.tables import (
    ConfirmationRow,
    DeclarationVersionRow,
    FindingRow,
    OfficialRow,
    RelativeRow,
    StatementRow,
)
from services.rules.declaration import Relative, Reporter
from services.rules.entry import State
from services.rules.retention import Category
from services.rules.statements import Meeting

_OFFICIAL_ZH = {
    "name": "姓名",
    "sex": "性别",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "rank": "职级",
    "work": "主管、分管或从事的具体工作",
    "discipline": "是否纪检干部",
    "household": "户籍地址",
    "phone": "手机号码",
    "signer": "承诺人签字",
    "signed_on": "签字日期",
}
_RELATIVE_ZH = {
    "name": "姓名",
    "sex": "性别",
    "relation": "亲属关系",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "phone": "手机号码",
    "household": "户籍地址",
}
_NUMBER_ZH = ("身份证号码", "有（与请求中的号码一致）")
_STATUS_ZH = {
    RelativeStatus.ENTERED: "已录入，尚未参加比对",
    RelativeStatus.SEALED: "待发送比对",
    RelativeStatus.ACCEPTED: "参加比对",
    RelativeStatus.ID_UNKNOWN: "证件号码待补",
    RelativeStatus.WITHDRAWN: "已撤回，不再参加比对",
}
_CASE_ID_SIZE = 16
_REMARK_ZH = "有（可能涉及他人，不予摘录）"


class DeclaredPersons:
    """``services.holder.rights.records.PersonRecords`` of the registry."""

    def find(self, session: Session, person: Identifier) -> list[PersonRecord]:
        """Everything about ``person``: first as official, then as relative, then in versions."""
        return [
            *_as_official(session, person),
            *_as_relative(session, person),
            *_in_versions(session, person),
        ]

    def find_ended(self, session: Session) -> list[EndedRecord]:
        """Every withdrawn relative, in order of entry."""
        query = (
            sa.select(
                col(RelativeRow.ref),
                sa.func.coalesce(col(RelativeRow.kind), col(OfficialRow.kind)),
                sa.func.coalesce(col(RelativeRow.idn), col(OfficialRow.idn)),
                col(RelativeRow.changed_at),
                col(RelativeRow.official),
            )
            .join(OfficialRow, col(OfficialRow.ref) == col(RelativeRow.official))
            .where(col(RelativeRow.withdrawn))
            .order_by(col(RelativeRow.entered_at), col(RelativeRow.ref))
        )
        return [
            EndedRecord(ref, Category.DECLARED, Identifier(Kind(kind), idn), ended_at, official)
            for ref, kind, idn, ended_at, official in session.execute(query)
        ]

    def erase(self, session: Session, refs: Collection[bytes]) -> None:
        """Deletes these relatives, also from versions that a later one has replaced; then the officials
        of whom nothing else is held, with all their versions.

        A version keeps the digest of what was signed. In the latest one a relative stays: it is what
        the official says now.
        """
        for chunk in chunked(refs):
            _erase_from_replaced(session, chunk)
            session.execute(sa.delete(RelativeRow).where(col(RelativeRow.ref).in_(chunk)))
        for chunk in chunked(list(_officials_without_anything(session))):
            _erase_officials(session, chunk)


def _as_official(session: Session, person: Identifier) -> Iterator[PersonRecord]:
    for row in session.exec(select(OfficialRow).where(*_is(OfficialRow, person))):
        mine = select(RelativeRow).where(col(RelativeRow.official) == row.ref)
        relatives = list(session.exec(mine))
        over = bool(relatives) and all(relative.withdrawn for relative in relatives)
        yield PersonRecord(
            ref=row.ref,
            category=Category.DECLARED,
            capacity_zh="报告人（党员干部）",
            person=person,
            fields=(
                *_values(row, _OFFICIAL_ZH),
                _NUMBER_ZH,
                *_statements(session, row.ref),
                *_findings(session, row.ref),
            ),
            status_zh=_official_status(row, over=over),
            entered_at=row.entered_at,
            subjects=tuple(relative.ref for relative in relatives),
            ended_at=max(r.changed_at for r in relatives) if over else None,
        )


def _statements(session: Session, official: bytes) -> Iterator[tuple[str, str]]:
    """That the official explained matters at a meeting (R49), year by year."""
    query = select(StatementRow).where(col(StatementRow.official) == official)
    for row in session.exec(query.order_by(col(StatementRow.year), col(StatementRow.number))):
        meeting, matters = Meeting[row.meeting].value, len(row.matters) // _CASE_ID_SIZE
        told = f"{row.held_on.isoformat()}在{meeting}上说明，涉及事项{matters}件"
        yield f"{row.year}年度说明情况", told


def _findings(session: Session, official: bytes) -> Iterator[tuple[str, str]]:
    """How many findings of other units' declarations are kept of the official; who is in them is not told."""
    query = select(sa.func.count()).select_from(FindingRow)
    count = session.exec(query.where(col(FindingRow.official) == official)).one()
    if count:
        yield "申报一致性核对", f"其他申报提示{count}处不一致"


def _official_status(row: OfficialRow, *, over: bool) -> str:
    if over:
        return "申报已全部撤回"
    return "申报未签字，尚未参加比对" if row.unsigned else "申报有效"


def _as_relative(session: Session, person: Identifier) -> Iterator[PersonRecord]:
    query = select(RelativeRow).where(*_is(RelativeRow, person))
    rows = list(session.exec(query.order_by(col(RelativeRow.entered_at), col(RelativeRow.ref))))
    standing = read_standing(session, [row.ref for row in rows])
    for row in rows:
        found = standing.get(row.ref)
        remark = (("备注", _REMARK_ZH),) if row.remark else ()
        yield PersonRecord(
            ref=row.ref,
            category=Category.DECLARED,
            capacity_zh="报告人本人" if row.relation == "本人" else "党员干部亲属",
            person=person,
            fields=(*_values(row, _RELATIVE_ZH), _NUMBER_ZH, *remark),
            status_zh=_STATUS_ZH[_status(row, found.state if found else None)],
            entered_at=row.entered_at,
            subjects=(row.ref,),
            ended_at=row.changed_at if row.withdrawn else None,
        )


def _status(row: RelativeRow, state: RecordState | None) -> RelativeStatus:
    if row.withdrawn:
        return RelativeStatus.WITHDRAWN
    shown = {
        RecordState.SEALED: RelativeStatus.SEALED,
        RecordState.ACCEPTED: RelativeStatus.ACCEPTED,
    }
    return shown.get(state, RelativeStatus.ENTERED) if state else RelativeStatus.ENTERED


def _in_versions(session: Session, person: Identifier) -> Iterator[PersonRecord]:
    """Each version of a declaration that names the person: as reporter, or among the relatives."""
    table = DeclarationVersionRow
    named = sa.or_(sa.and_(*_is(table, person)), col(table.content).contains(person.idn))
    query = select(table).where(named).order_by(col(table.entered_at), col(table.ref))
    for row in session.exec(query):
        declaration = json_to_declaration(row.content)
        own: list[tuple[str, Reporter | Relative, dict[str, str]]] = []
        if declaration.reporter.identifier == person:
            own.append(("报告人（党员干部）", declaration.reporter, _OFFICIAL_ZH))
        own += [
            ("党员干部亲属", relative, _RELATIVE_ZH)
            for relative in declaration.relatives
            if relative.identifier == person
        ]
        for capacity, facts, headings in own:
            yield PersonRecord(
                ref=row.ref,
                category=Category.DECLARED,
                capacity_zh=capacity,
                person=person,
                fields=(*_values(facts, headings), _NUMBER_ZH),
                status_zh=f"报告表第{row.number}版：{State[row.state].value}",
                entered_at=row.entered_at,
            )


def _officials_without_anything(session: Session) -> Iterable[bytes]:
    """Officials of whom no relative is held, and no version is on its way."""
    versions, relatives = DeclarationVersionRow, RelativeRow
    waiting = sa.select(col(versions.ref)).where(
        col(versions.kind) == col(OfficialRow.kind),
        col(versions.idn) == col(OfficialRow.idn),
        col(versions.state).in_([state.name for state in OPEN]),
    )
    left = sa.select(col(relatives.ref)).where(col(relatives.official) == col(OfficialRow.ref))
    query = sa.select(col(OfficialRow.ref)).where(~left.exists(), ~waiting.exists())
    return session.execute(query).scalars()


def _erase_from_replaced(session: Session, refs: Collection[bytes]) -> None:
    query = select(RelativeRow, OfficialRow).join(
        OfficialRow, col(OfficialRow.ref) == col(RelativeRow.official)
    )
    gone: dict[tuple[int, str], set[tuple[object, ...]]] = defaultdict(set)
    for relative, official in session.exec(query.where(col(RelativeRow.ref).in_(refs))):
        facts = (relative.kind, relative.idn, relative.relation)
        gone[official.kind, official.idn].add(facts if relative.idn else (*facts, relative.name))
    for (kind, idn), erased in gone.items():
        table = DeclarationVersionRow
        mine = select(table).where(col(table.kind) == kind, col(table.idn) == idn)
        versions = session.exec(mine.order_by(col(table.number))).all()
        for row in versions[:-1]:
            row.content = _without(row.content, erased)
            session.add(row)


def _without(content: str, erased: Collection[tuple[object, ...]]) -> str:
    declaration = json_to_declaration(content)
    kept = tuple(one for one in declaration.relatives if _facts_of(one) not in erased)
    return declaration_to_json(replace(declaration, relatives=kept))


def _facts_of(relative: Relative) -> tuple[object, ...]:
    if relative.identifier is None:
        return (None, None, relative.relation.value, relative.name)
    return (int(relative.identifier.kind), relative.identifier.idn, relative.relation.value)


def _erase_officials(session: Session, refs: Collection[bytes]) -> None:
    these = sa.select(col(OfficialRow.kind), col(OfficialRow.idn))
    these = these.where(col(OfficialRow.ref).in_(refs))
    for table in (ConfirmationRow, DeclarationVersionRow):
        person = sa.tuple_(col(table.kind), col(table.idn))
        session.execute(sa.delete(table).where(person.in_(these)))
    session.execute(sa.delete(StatementRow).where(col(StatementRow.official).in_(refs)))
    session.execute(sa.delete(FindingRow).where(col(FindingRow.official).in_(refs)))
    session.execute(sa.delete(OfficialRow).where(col(OfficialRow.ref).in_(refs)))


def _is(
    table: type[OfficialRow | RelativeRow | DeclarationVersionRow], person: Identifier
) -> tuple[sa.ColumnElement[bool], ...]:
    return col(table.kind) == int(person.kind), col(table.idn) == person.idn


def _values(facts: object, headings: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """What stands below each heading, without what is blank."""
    found = ((zh, _text(getattr(facts, name, None))) for name, zh in headings.items())
    return tuple((zh, text) for zh, text in found if text)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case date():
            return value.isoformat()
    return str(value)
