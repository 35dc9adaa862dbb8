"""The matters of a unit as random checks draw from them, and as a checker sees them (R51)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session, col, select

from libmatch.china_time import china_day
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.tables import MatterRow
from services.rules.matter_facts import State

Fields = tuple[tuple[str, str], ...]


def read_matters_of(session: Session, year: int) -> frozenset[bytes]:
    """The case ids of which the unit was told in that year and that were not withdrawn."""
    query = select(MatterRow).where(col(MatterRow.state) != State.WITHDRAWN.name)
    rows = session.exec(query)
    return frozenset(row.case_id for row in rows if china_day(row.notified_at).year == year)


def describe_matters(
    session: Session, items: Sequence[bytes], facts_of: FactsOf
) -> Mapping[bytes, Fields]:
    """What a checker sees of each of the cases that are held: names and facts, no numbers."""
    found: dict[bytes, Fields] = {}
    for case_id in items:
        row = session.get(MatterRow, case_id)
        if row is not None:
            facts = facts_of(session, row.notice_id)
            found[case_id] = (("办理状态", State[row.state].value), *_fields(facts))
    return found


def _fields(facts: CaseFacts | None) -> Fields:
    if facts is None:
        return (("说明", "本单位的原始记录已不存在"),)
    fen = facts.amount_fen
    amount = "" if fen is None else f"{fen // 100}.{fen % 100:02d}"
    return (
        ("受益人", facts.beneficiary),
        ("资金（项目）名称", facts.programme or facts.item_name),
        ("财政资金（元）", amount),
        ("地点", facts.place),
        ("起始时间", "" if facts.start is None else facts.start.isoformat()),
        ("党员干部", facts.official),
        ("单位及职务", facts.official_post),
        ("与受益人亲属关系", facts.relation),
    )
