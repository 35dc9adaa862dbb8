"""Every query on versions of declarations. Functions over a session: a step is one transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from services.holder.store.records import chunked
from services.holder.store.rows import insert_many, insert_rows, select_rows, update_rows
from services.registry.signoff.content import (
    declaration_to_json,
    identifier_to_values,
    json_to_declaration,
    values_to_identifier,
)
from services.registry.signoff.versions import Occasion, Placing, Reported, StagedVersion
from services.registry.tables import (
    ConfirmationRow,
    DeclarationVersionRow,
    OfficialRow,
    RelativeRow,
)
from services.rules.accounts import Account
from services.rules.declaration import TruthPledge
from services.rules.entry import Course, State
from services.rules.reporting import Post
from services.rules.roles import Role
from services.rules.signing import Opinion
from services.rules.versions import ChangeKind

Transaction: TypeAlias = Session
"""What use cases pass on without looking into it: everything of a step is in one of it."""

Histories: TypeAlias = dict[Identifier, list[StagedVersion]]
"""All versions of each official, in order."""


def read_histories(
    session: Session, unit: str, officials: Collection[Identifier] | None = None
) -> Histories:
    """The versions of these officials, or of all; nothing of an official who has none."""
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if officials is not None:
        numbers = {identifier.idn for identifier in officials}
        conditions = [col(DeclarationVersionRow.idn).in_(chunk) for chunk in chunked(numbers)]
    found: Histories = defaultdict(list)
    for condition in conditions:
        for row in select_rows(session, DeclarationVersionRow, condition):
            version = _row_to_version(row, unit)
            found[version.official].append(version)
    for versions in found.values():
        versions.sort(key=lambda version: version.number)
    return dict(found)


def find_officials(session: Session, refs: Collection[bytes]) -> dict[bytes, Identifier]:
    """Whose version each of ``refs`` is; nothing of what is not held."""
    table = DeclarationVersionRow
    query = sa.select(col(table.ref), col(table.kind), col(table.idn))
    return {
        ref: Identifier(Kind(kind), idn)
        for chunk in chunked(refs)
        for ref, kind, idn in session.execute(query.where(col(table.ref).in_(chunk)))
    }


def add_versions(session: Session, versions: Iterable[StagedVersion], at: datetime) -> None:
    """Keeps new versions."""
    insert_rows(session, DeclarationVersionRow, map(_version_to_row, versions), at)


def save_versions(session: Session, versions: Iterable[StagedVersion], at: datetime) -> None:
    """Keeps versions that are held, as they are now."""
    update_rows(session, DeclarationVersionRow, map(_version_to_row, versions), at)


def remove_versions(session: Session, versions: Iterable[StagedVersion]) -> None:
    """Removes versions that never counted: drafts."""
    for chunk in chunked([version.ref for version in versions]):
        rows = col(DeclarationVersionRow.ref).in_(chunk)
        session.execute(sa.delete(DeclarationVersionRow).where(rows))


def read_confirmations(session: Session) -> dict[Identifier, list[date]]:
    """When each official confirmed, in the order in which it was recorded."""
    found: dict[Identifier, list[date]] = defaultdict(list)
    table = ConfirmationRow
    query = sa.select(col(table.kind), col(table.idn), col(table.confirmed_on))
    for kind, idn, on in session.execute(query.order_by(col(table.position))):
        found[Identifier(Kind(kind), idn)].append(on)
    return dict(found)


def find_withdrawn(session: Session) -> set[Identifier]:
    """Officials who were entered and of whom nobody is in the match any more: they have left."""
    live = sa.select(col(RelativeRow.ref)).where(
        col(RelativeRow.official) == col(OfficialRow.ref), ~col(RelativeRow.withdrawn)
    )
    query = sa.select(col(OfficialRow.kind), col(OfficialRow.idn)).where(~live.exists())
    return {Identifier(Kind(kind), idn) for kind, idn in session.execute(query)}


def add_confirmation(session: Session, version: StagedVersion, on: date, at: datetime) -> None:
    """Keeps that the official confirmed ``version``."""
    row = {
        "kind": int(version.official.kind),
        "idn": version.official.idn,
        "version": version.ref,
        "confirmed_on": on,
        "recorded_at": at,
    }
    insert_many(session, ConfirmationRow, [row])


# --- rows and versions ----------------------------------------------------------------------------


def _version_to_row(version: StagedVersion) -> dict[str, Any]:
    occasion, reported, placing = version.occasion, version.reported, version.placing
    return {
        "ref": version.ref,
        "kind": int(version.official.kind),
        "idn": version.official.idn,
        "number": version.number,
        "state": version.state.name,
        "change": occasion.change.name,
        "event_on": occasion.event_on,
        "began_on": occasion.began_on,
        "due_on": version.due_on,
        "effective_from": reported.effective_from if reported else None,
        "reported_on": reported.reported_on if reported else None,
        "late": reported.late if reported else None,
        "post": placing.post.name if placing.post else "",
        "place": placing.unit,
        "signer": version.signature.signer,
        "signed_on": version.signature.signed_on,
        "refused_rows": version.refused_rows,
        "handed_back": version.handed_back,
        "was_entered": version.was_entered,
        "digest": version.course.digest,
        "content": declaration_to_json(version.declaration),
        "course": _course_to_json(version.course, version.box),
        "step": version.step,
    }


def _row_to_version(row: sa.Row[Any], unit: str) -> StagedVersion:
    reported = None
    if row.reported_on is not None:
        reported = Reported(row.effective_from, row.reported_on, row.late)
    official = Identifier(Kind(row.kind), row.idn)
    steps = _json_to_steps(row.course, unit)
    box = steps.pop("box")
    return StagedVersion(
        ref=row.ref,
        number=row.number,
        occasion=Occasion(ChangeKind[row.change], row.event_on, row.began_on),
        declaration=json_to_declaration(row.content),
        course=Course(official, unit, row.digest, State[row.state], **steps),
        signature=TruthPledge(row.signer, row.signed_on),
        placing=Placing(Post[row.post] if row.post else None, row.place),
        due_on=row.due_on,
        reported=reported,
        box=box,
        refused_rows=row.refused_rows,
        handed_back=row.handed_back,
        was_entered=row.was_entered,
        step=row.step,
    )


def _course_to_json(course: Course, box: Account | None) -> str:
    opinion = course.opinion
    values = {
        "pledged_on": course.pledged_on.isoformat() if course.pledged_on else None,
        "opinion": opinion
        and [opinion.account, opinion.signed_on.isoformat(), opinion.digest.hex()],
        "box": _account_to_values(box),
        "entered_by": _account_to_values(course.entered_by),
        "reviewed_by": _account_to_values(course.reviewed_by),
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _json_to_steps(text: str, unit: str) -> dict[str, Any]:
    values = json.loads(text)
    pledged_on, opinion = values["pledged_on"], values["opinion"]
    if opinion is not None:
        opinion = Opinion(opinion[0], date.fromisoformat(opinion[1]), bytes.fromhex(opinion[2]))
    return {
        "pledged_on": date.fromisoformat(pledged_on) if pledged_on else None,
        "opinion": opinion,
        "box": _values_to_account(values["box"], unit, Role.RESPONSIBLE_LEADER),
        "entered_by": _values_to_account(values["entered_by"], unit, Role.WORKER),
        "reviewed_by": _values_to_account(values["reviewed_by"], unit, Role.RESPONSIBLE_LEADER),
    }


def _account_to_values(account: Account | None) -> list[Any] | None:
    """Login and person: the roles of that day are those of the step."""
    return None if account is None else [account.login, identifier_to_values(account.person)]


def _values_to_account(values: list[Any] | None, unit: str, role: Role) -> Account | None:
    if values is None:
        return None
    person = values_to_identifier(values[1])
    assert person is not None
    return Account(values[0], unit, person, frozenset({role}))
