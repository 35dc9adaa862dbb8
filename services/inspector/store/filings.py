"""The register of staff forms that units filed with 纪委 (R57); every entry leaves its trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.inspector.states import StaffPost
from services.inspector.store.trail import Trail
from services.inspector.tables import StaffFiling


@dataclass(frozen=True)
class FiledForm:
    """That a unit's form for one of its two people is on file. ``number``: 备案号."""

    unit: str
    post: StaffPost
    number: str
    filed_on: date


class Filings:
    """The register."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, form: FiledForm, trail: Trail) -> None:
        """Keeps the filing, in place of one for the same unit and post."""
        row = StaffFiling(
            unit=form.unit,
            post=form.post,
            number=form.number,
            filed_on=form.filed_on,
            recorded_by=str(trail.actor),
            recorded_at=trail.at,
        )

        def run(session: Session) -> None:
            session.merge(row)
            trail.write(session, f"{form.unit} {form.post}")

        self._database.run_tx("filing.record", run)

    def read(self) -> list[FiledForm]:
        """All that is filed, by unit and post."""
        query = select(StaffFiling).order_by(col(StaffFiling.unit), col(StaffFiling.post))
        return self._database.read(
            lambda session: [
                FiledForm(row.unit, row.post, row.number, row.filed_on)
                for row in session.exec(query)
            ]
        )
