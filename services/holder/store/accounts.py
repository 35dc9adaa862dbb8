"""Every query on the accounts of a unit. Each change and each look leaves its trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.holder.account_files import AccountFile, form_to_json, json_to_form
from services.holder.tables import AccountRow
from services.process.store.trail import Trail
from services.rules.people import ConfidentialityPledge, Filing, PartyOpinion
from services.rules.roles import Role

Files = dict[str, AccountFile]
"""All account files of the unit by login. A unit has a handful."""


class AccountStore:
    """The unit's account files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Files:
        """All files, without a trail: for deciding what a caller may do."""
        return self._database.read(_read)

    def look(self, trail: Trail) -> Files:
        """All files, for somebody to see; leaves its trail."""

        def run(session: Session) -> Files:
            trail.write(session)
            return _read(session)

        return self._database.run_tx("accounts.look", run)

    def change(self, make: Callable[[Files], AccountFile], trail: Trail) -> AccountFile:
        """The file that ``make`` made of all files, kept in one transaction with its trail.

        ``make`` may run twice; what it raises keeps nothing.
        """

        def run(session: Session) -> AccountFile:
            file = make(_read(session))
            session.merge(_file_to_row(file))
            trail.write(session)
            return file

        return self._database.run_tx("accounts.change", run)

    def leave_trail(self, trail: Trail, outcome: str) -> None:
        """Keeps the trail of something that was refused."""
        self._database.run_tx("accounts.trail", lambda session: trail.write(session, outcome))


def _read(session: Session) -> Files:
    rows = session.exec(select(AccountRow).order_by(sa.asc(col(AccountRow.login))))
    return {row.login: _row_to_file(row) for row in rows}


def _file_to_row(file: AccountFile) -> AccountRow:
    values: dict[str, Any] = {
        "login": file.login,
        "form": form_to_json(file.form),
        "discipline": file.discipline,
        "roles": " ".join(sorted(role.name for role in file.roles)),
        "pledge_signer": file.pledge.signer,
        "pledged_on": file.pledge.signed_on,
        "opinion_approves": file.opinion.approves,
        "opinion_sealed": file.opinion.sealed,
        "opinion_on": file.opinion.given_on,
        "filing_number": file.filing.number,
        "filed_on": file.filing.filed_on,
        "disabled": file.disabled,
    }
    return AccountRow(**values)


def _row_to_file(row: AccountRow) -> AccountFile:
    return AccountFile(
        login=row.login,
        form=json_to_form(row.form),
        discipline=row.discipline,
        roles=frozenset(Role[name] for name in row.roles.split()),
        pledge=ConfidentialityPledge(row.pledge_signer, row.pledged_on),
        opinion=PartyOpinion(row.opinion_approves, row.opinion_sealed, row.opinion_on),
        filing=Filing(row.filing_number, row.filed_on),
        disabled=row.disabled,
    )
