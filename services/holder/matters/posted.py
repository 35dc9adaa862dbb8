"""What this unit has posted, kept as JSON, and as portals take it (R44, R46)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
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

_GRACE_DAYS = 7
_TOLD_GONE_DAYS = 30  # so long the feed tells its readers of a deletion


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
class Posted:
    """A notice that is kept, with its posting and period. ``kept_until``: then its content goes."""

    notice: PublicNotice
    posting: Posting
    period: Period
    kept_until: datetime

    def is_current(self, now: datetime) -> bool:
        """Whether portals may show it: posted, not taken down, not expired (R46)."""
        return now < self.period.expires_at and self.posting.taken_down_at is None

    @property
    def gone_at(self) -> datetime:
        """When it went, or will go, off the portals."""
        return self.posting.taken_down_at or self.period.expires_at


def read_posted(
    session: Transaction, rules: RuleSets, case_id: bytes | None, now: datetime
) -> list[Posted]:
    """The kept notices of one case, or of all; without those that the rules did not allow in the end."""
    found = []
    for kept in store.read_public_notices(session, case_id):
        held = store.read_case(session, kept.case_id, rules)
        postings = held.matter.postings if held else ()
        mine = [one for one in postings if one.digest == kept.digest]
        if held is not None and mine:
            notice = json_to_notice(json.loads(kept.content))
            found.append(_posted(held.matter, notice, mine[-1], rules, now))
    return found


def _posted(
    matter: Matter, notice: PublicNotice, posting: Posting, rule_sets: RuleSets, now: datetime
) -> Posted:
    rules = rule_sets.get(matter.rules_version)
    stops = tuple(objection.suspension for objection in matter.objections)
    period = period_of([PublicationClock(posting, stops, rules)], now, rules)
    # It hangs, whatever the clocks: a step may bear a time that is ahead of this unit's.
    period = replace(period, posted_at=min(period.posted_at, now))
    # An objection may still begin the days anew (R48), and a step that is on its way the rest.
    days = max(rules.objection_days_after_end, _GRACE_DAYS)
    kept_until = (posting.taken_down_at or period.expires_at) + timedelta(days=days)
    return Posted(notice, posting, period, kept_until)


class ExportNotices:
    """The notices of one unit and side as portals take them: what is posted now, nothing else."""

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

        def render(session: Transaction) -> str:
            posted = read_posted(session, self._rules, wanted, now)
            if form is Form.ATOM:
                return self._feed(session, posted, now)
            return _render_one(posted, form, now)

        return self._looks.run(_look(caller, wanted, reason), now, render)

    def run_all(self, caller: Identity, form: Form, reason: str = "") -> dict[UUID, str]:
        """Every notice that is posted now, by its number, as HTML or JSON; leaves its trail."""
        now, render = self._now(), _renderer(form)

        def read(session: Transaction) -> dict[UUID, str]:
            return {
                one.notice.notice_id: render(one.notice, one.period, now)
                for one in read_posted(session, self._rules, None, now)
                if one.is_current(now)
            }

        return self._looks.run(_look(caller, None, reason), now, read)

    def _feed(self, session: Transaction, posted: list[Posted], now: datetime) -> str:
        name = f"libmatch/{self._material.unit}/{self._material.side.name.lower()}"
        purged = store.read_gone(session, now - timedelta(days=_TOLD_GONE_DAYS))
        removed = [Removed(UUID(bytes=notice_id), at) for notice_id, at in purged]
        removed += [
            Removed(one.notice.notice_id, one.posting.taken_down_at)
            for one in posted
            if one.posting.taken_down_at is not None
        ]
        shown = [(one.notice, one.period) for one in posted]
        feed_id, unit = uuid5(NAMESPACE_URL, name), self._material.display_name
        return render_atom(feed_id, unit, shown, removed, now)


def _look(caller: Identity, case_id: bytes | None, reason: str) -> Look:
    return Look(caller, "export-notices", case_id.hex() if case_id else "", reason)


def _renderer(form: Form) -> Callable[[PublicNotice, Period, datetime], str]:
    return render_html if form is Form.HTML else render_json


def _render_one(posted: list[Posted], form: Form, now: datetime) -> str:
    if not posted:
        raise NotFound("nothing is posted of this matter", "该事项没有本单位张贴的公示。")
    latest = max(posted, key=lambda one: one.posting.posted_at)
    if latest.posting.taken_down_at is not None:
        raise RuleViolation(
            "R46",
            "the notice was taken down; take it off the portal",
            "该公示已经撤下，不再提供网上公示，请从网站撤下",
        )
    return _renderer(form)(latest.notice, latest.period, now)


def any_over(session: Transaction, rules: RuleSets, now: datetime) -> bool:
    """Whether the time of any kept notice is over."""
    return any(one.kept_until <= now for one in read_posted(session, rules, None, now))


def purge_notices(session: Transaction, rules: RuleSets, now: datetime) -> int:
    """The number of notices whose content was erased: their time is over (R46, R65).

    That they were posted, when and with which digest stays in the steps of the matter.
    """
    over = [one for one in read_posted(session, rules, None, now) if one.kept_until <= now]
    for one in over:
        store.erase_public_notice(session, one.notice.notice_id.bytes, one.gone_at)
    return len(over)
