"""Which notices a released case still lacks. Pure: from what the case says and what was told before.

The approving unit is told the official, post and relation once a case; each declaring unit the item's facts
once a case. Somebody is told again only where nothing that is true now was told: the approving unit where no
declaring unit's latest words are those it was told (so a second unit that declares the same changes
nothing), a declaring unit where the item's facts are others. The later notice supersedes the earlier one;
both name the unit's own record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from libmatch.notices import HitNotice, ItemNotice, OfficialNotice
from libmatch.records import Side
from services.inspector.cases import Case, CasePair

Told = Mapping[tuple[str, Side], bytes]
"""(unit, side) → the facts (``facts_of``) of the last notice of the case that it got."""


@dataclass(frozen=True, repr=False)
class Draft:
    """A notice to be sealed to ``unit`` as ``side``, about the hit of ``pair``."""

    unit: str
    side: Side
    pair: CasePair
    notice: HitNotice

    @property
    def facts(self) -> bytes:
        return facts_of(self.notice)


def facts_of(notice: HitNotice) -> bytes:
    """Digest, 32 bytes, of what the unit learns; which records and units say so is left out."""
    told = (
        replace(notice, rid=b"", token=b"", case_id=b"", declaring_unit="")
        if isinstance(notice, ItemNotice)
        else replace(notice, rid=b"", token=b"", case_id=b"", approving_unit="")
    )
    return hashlib.sha256(told.encode()).digest()


def plan_notices(case: Case, told: Told) -> list[Draft]:
    """The notices that the case lacks; none where it is withdrawn."""
    return [*_plan_item(case, told), *_plan_officials(case, told)]


def _plan_item(case: Case, told: Told) -> Iterator[Draft]:
    unit, side = case.key.approving_unit, Side.BENEFICIARY
    drafts = [
        Draft(unit, side, pair, make_item_notice(case.case_id, pair))
        for pair in case.latest_by_unit.values()
    ]
    if drafts and told.get((unit, side)) not in {draft.facts for draft in drafts}:
        yield max(drafts, key=lambda draft: draft.pair.number)


def _plan_officials(case: Case, told: Told) -> Iterator[Draft]:
    for unit, pair in case.latest_by_unit.items():
        draft = Draft(unit, Side.REGISTRY, pair, make_official_notice(case.case_id, pair))
        if told.get((unit, Side.REGISTRY)) != draft.facts:
            yield draft


def make_item_notice(case_id: bytes, pair: CasePair) -> ItemNotice:
    """What the approving unit is told: whose relative the person of its record is."""
    relative = pair.relative
    return ItemNotice(
        rid=pair.approving_rid,
        token=pair.token,
        case_id=case_id,
        declaring_unit=pair.declaring_unit,
        official_name=relative.official_name,
        official_unit=relative.official_unit,
        official_post=relative.official_post,
        relation=relative.relation,
    )


def make_official_notice(case_id: bytes, pair: CasePair) -> OfficialNotice:
    """What a declaring unit is told: what the person of its record receives."""
    item = pair.item
    return OfficialNotice(
        rid=pair.declaring_rid,
        token=pair.token,
        case_id=case_id,
        approving_unit=pair.approving_unit,
        capacity=item.capacity,
        item_ref=item.item_ref,
        item_name=item.item_name,
        programme=item.programme,
        amount_fen=item.amount_fen,
        place=item.place,
        start=item.start,
    )
