"""What this unit has posted, kept as JSON, and as portals take it (R44, R46)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from libmatch.relations import Relation
from services.chassis.identity import Identity
from services.chassis.refusals import NotFound
from services.holder.material import Material
from services.holder.matters.looking import Look, Looks
from services.holder.store import matters as store
from services.holder.store.matters import Transaction
from services.rules.matter_facts import Matter
from services.rules.notice_export import (
    Period,
    Removed,
    period_of,
    render_atom,
    render_html,
    render_json,
)
from services.rules.public_notice import AnnexRow, Hotline, PublicNotice
from services.rules.publication import Place, Posting, PublicationClock
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation


class Form(StrEnum):
    """How a notice is exported."""

    HTML = "html"
    JSON = "json"
    ATOM = "atom"


def notice_to_json(notice: PublicNotice) -> dict[str, Any]:
    """The notice as plain JSON values."""
    rows = [
        {
            **vars(row),
            "start": row.start.isoformat(),
            "relation": row.relation.value,
        }
        for row in notice.rows
    ]
    return {
        "notice_id": str(notice.notice_id),
        "place": notice.place.value,
        "unit": notice.unit,
        "rows": rows,
        "hotlines": [vars(line) for line in notice.hotlines],
    }


def json_to_notice(value: dict[str, Any]) -> PublicNotice:
    """The notice that ``notice_to_json`` wrote; its content passes the guard again."""
    rows = tuple(
        AnnexRow(
            **{
                **row,
                "start": date.fromisoformat(row["start"]),
                "relation": Relation(row["relation"]),
            }
        )
        for row in value["rows"]
    )
    first, second = (Hotline(**line) for line in value["hotlines"])
    place = Place(value["place"])
    return PublicNotice(UUID(value["notice_id"]), place, value["unit"], rows, (first, second))


@dataclass(frozen=True, repr=False)
class _Posted:
    """A notice with its posting and, where it is the place's latest, its period."""

    notice: PublicNotice
    posting: Posting
    period: Period


class ExportNotices:
    """The notices of one unit and side as portals take them."""

    def __init__(
        self,
        looks: Looks,
        material: Material,
        rules: RuleSets,
        now: Callable[[], datetime],
    ) -> None:
        self._looks = looks
        self._material = material
        self._rules = rules
        self._now = now

    def run(self, caller: Identity, form: Form, case_id: bytes, reason: str = "") -> str:
        """The notice of the case, or with ATOM the unit's feed; leaves its trail.

        Raises NotFound for a case of which nothing is posted; RuleViolation R46 outside its period.
        """
        now, wanted = self._now(), None if form is Form.ATOM else case_id
        look = Look(caller, "export-notices", wanted.hex() if wanted else "", reason)

        def render(session: Transaction) -> str:
            posted = self._read(session, wanted, now)
            return self._feed(posted, now) if form is Form.ATOM else _render_one(posted, form, now)

        return self._looks.run(look, now, render)

    def _read(self, session: Transaction, case_id: bytes | None, now: datetime) -> list[_Posted]:
        found = []
        for case, digest, content in store.read_public_notices(session, case_id):
            held = store.read_case(session, case, self._rules)
            notice = json_to_notice(json.loads(content))
            if held is None or (one := self._posted(held.matter, notice, digest, now)) is None:
                continue
            found.append(one)
        return found

    def _posted(
        self, matter: Matter, notice: PublicNotice, digest: bytes, now: datetime
    ) -> _Posted | None:
        """None for a notice whose posting the rules did not allow in the end."""
        rules = self._rules.get(matter.rules_version)
        postings = [one for one in matter.postings if one.digest == digest]
        if not postings:
            return None
        stops = tuple(objection.suspension for objection in matter.objections)
        clock = PublicationClock(postings[-1], stops, rules)
        return _Posted(notice, postings[-1], period_of([clock], now, rules))

    def _feed(self, posted: list[_Posted], now: datetime) -> str:
        name = f"libmatch/{self._material.unit}/{self._material.side.name.lower()}"
        removed = [
            Removed(one.notice.notice_id, one.posting.taken_down_at)
            for one in posted
            if one.posting.taken_down_at is not None
        ]
        shown = [(one.notice, one.period) for one in posted]
        feed_id, unit = uuid5(NAMESPACE_URL, name), self._material.display_name
        return render_atom(feed_id, unit, shown, removed, now)


def _render_one(posted: list[_Posted], form: Form, now: datetime) -> str:
    if not posted:
        raise NotFound("nothing is posted of this matter", "该事项没有本单位张贴的公示。")
    latest = max(posted, key=lambda one: one.posting.posted_at)
    if latest.posting.taken_down_at is not None:
        raise RuleViolation(
            "R46",
            "the notice was taken down; take it off the portal",
            "该公示已经撤下，不再提供网上公示，请从网站撤下",
        )
    render = render_html if form is Form.HTML else render_json
    return render(latest.notice, latest.period, now)
