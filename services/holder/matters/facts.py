"""What a unit knows of a case besides its steps: facts of its notice and of its own records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from libmatch.relations import Relation
from services.holder.store.matters import Transaction
from services.rules.public_notice import Hotline, PublicNotice, RowFacts, fill_row
from services.rules.publication import Place
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


@dataclass(frozen=True, repr=False)
class CaseFacts:
    """The two units (ids) and what annex 3 is filled from. ``born`` None where the number tells none.

    ``item_ref``: what the approving unit itself calls the item, "" at others.
    """

    approving_unit: str
    declaring_unit: str
    official: str
    official_post: str
    relation: str
    beneficiary: str
    born: date | None
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    start: date | None
    item_ref: str = ""


FactsOf = Callable[[Transaction, bytes], CaseFacts | None]
"""The facts behind a notice id; None where the notice or the unit's own record is not held."""


def make_public_notice(
    facts: CaseFacts,
    notice_id: UUID,
    place: Place,
    unit_name: str,
    hotlines: tuple[Hotline, Hotline],
    posted_on: date,
    rules: RuleSet,
    remark: str = "",
) -> PublicNotice:
    """Annex 3 for one matter in one place. RuleViolation R44 where something must not be shown."""
    if facts.start is None:
        raise RuleViolation(
            "R44",
            "the day on which the item began is not known; enter it first",
            "公示表“实施起始时间”没有填写，请先补录",
        )
    row = RowFacts(
        beneficiary=facts.beneficiary,
        born=facts.born,
        programme=facts.programme or facts.item_name,
        amount_fen=facts.amount_fen,
        place=facts.place,
        start=facts.start,
        official=facts.official,
        official_post=facts.official_post,
        relation=Relation(facts.relation),
        remark=remark,
    )
    return PublicNotice(notice_id, place, unit_name, (fill_row(row, posted_on, rules),), hotlines)
