"""Every query on the table of leads. Functions over a session: a step is one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlmodel import Session, col, select

from services.process.leads.files import decode_entry, encode_entry
from services.process.leads.steps import HeldLead, LeadEntry, fold
from services.process.tables import LeadEntryRow
from services.rules.ruleset import RuleSets


def has_lead(session: Session, lead_id: bytes) -> bool:
    """Whether a lead of that id is held here."""
    query = select(col(LeadEntryRow.seq)).where(col(LeadEntryRow.lead_id) == lead_id)
    return session.exec(query.limit(1)).first() is not None


def add_entry(session: Session, entry: LeadEntry) -> None:
    """Appends a step, of this organ or of another."""
    row = LeadEntryRow(
        lead_id=entry.lead_id, unit=entry.actor.unit, seq=entry.seq, body=encode_entry(entry)
    )
    session.add(row)
    session.flush()


def read_entry(session: Session, entry: LeadEntry) -> bytes | None:
    """The bytes that are held under the number of ``entry``; None for none."""
    row = session.get(LeadEntryRow, (entry.lead_id, entry.actor.unit, entry.seq))
    return None if row is None else row.body


def read_entries(session: Session, lead_id: bytes) -> list[LeadEntry]:
    """All entries of one lead; none where it is not held."""
    query = select(LeadEntryRow).where(col(LeadEntryRow.lead_id) == lead_id)
    return _decode(session.exec(query))


def read_leads(session: Session, rules: RuleSets) -> list[HeldLead]:
    """All leads, the oldest first."""
    by_id: dict[bytes, list[LeadEntry]] = defaultdict(list)
    for entry in _decode(session.exec(select(LeadEntryRow))):
        by_id[entry.lead_id].append(entry)
    leads = [fold(entries, rules) for entries in by_id.values()]
    return sorted(leads, key=lambda held: held.entries[0].order)


def _decode(rows: Iterable[LeadEntryRow]) -> list[LeadEntry]:
    return [decode_entry(row.body) for row in rows]
