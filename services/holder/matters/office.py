"""Everything about matters in one service, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.chassis.db import Database
from services.holder.material import Material
from services.holder.matters.acting import ActOnMatters, ActorOf, StepWriter
from services.holder.matters.desk import MatterDesk
from services.holder.matters.facts import FactsOf
from services.holder.matters.posted import ExportNotices
from services.holder.matters.showing import ShowMatters
from services.rules.ruleset import packaged_rulesets


@dataclass(frozen=True)
class MatterOffice:
    """What people see and do."""

    desk: MatterDesk
    show: ShowMatters
    export: ExportNotices


def make_office(
    database: Database,
    material: Material,
    actor_of: ActorOf,
    facts: FactsOf,
    now: Callable[[], datetime],
    wake: Callable[[], None],
) -> MatterOffice:
    """The matters of one unit and side over ``database``. ``wake``: a step waits to be sent."""
    rules = packaged_rulesets()
    act = ActOnMatters(database, StepWriter(material, rules, now), rules, actor_of, now)
    return MatterOffice(
        MatterDesk(act, material, rules, facts, wake),
        ShowMatters(database, material, rules, actor_of, facts, now),
        ExportNotices(database, material, rules, actor_of, now),
    )
