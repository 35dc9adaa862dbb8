"""Everything about matters in one service, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.chassis.db import Database
from services.holder.material import Material
from services.holder.matters.acting import ActOnMatters, ActorOf, StepWriter
from services.holder.matters.confirming import ConfirmMatches, officers_of
from services.holder.matters.desk import MatterDesk
from services.holder.matters.facts import FactsOf
from services.holder.matters.looking import LookReason, Looks
from services.holder.matters.posted import ExportNotices
from services.holder.matters.showing import ShowMatters
from services.rules.ruleset import packaged_rulesets


@dataclass(frozen=True)
class MatterOffice:
    """What people see and do."""

    desk: MatterDesk
    show: ShowMatters
    export: ExportNotices
    confirm: ConfirmMatches


def make_office(
    database: Database,
    material: Material,
    actor_of: ActorOf,
    look_reason: LookReason,
    facts: FactsOf,
    now: Callable[[], datetime],
    wake: Callable[[], None],
) -> MatterOffice:
    """The matters of one unit and side over ``database``. ``wake``: a step waits to be sent."""
    rules = packaged_rulesets()
    writer = StepWriter(material, rules, now)
    act = ActOnMatters(database, writer, rules, actor_of, now)
    by_officers = ActOnMatters(database, writer, rules, officers_of(material.unit), now)
    looks = Looks(database, actor_of, look_reason)
    return MatterOffice(
        MatterDesk(act, material, rules, facts, wake),
        ShowMatters(database, material, rules, looks, facts, now),
        ExportNotices(looks, material, rules, now),
        ConfirmMatches(by_officers, wake),
    )
