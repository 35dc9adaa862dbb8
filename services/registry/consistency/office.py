"""The cross-check in one registry, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.chassis.db import Database
from services.chassis.worker import Worker
from services.holder.accounts import Accounts
from services.holder.matcher import Letters
from services.holder.material import Material
from services.registry.consistency.desk import ConsistencyDesk
from services.registry.consistency.letters import Letterbox
from services.registry.consistency.rounds import ConsistencyRounds


@dataclass(frozen=True)
class ConsistencyOffice:
    """What people see and do, and what goes on by itself."""

    desk: ConsistencyDesk
    rounds: ConsistencyRounds
    worker: Worker


def make_consistency(
    database: Database,
    material: Material,
    matcher: Letters,
    accounts: Accounts,
    interval_s: float,
    now: Callable[[], datetime],
) -> ConsistencyOffice:
    """The cross-check over ``database``; the caller runs the worker."""
    box = Letterbox(material)
    rounds = ConsistencyRounds(database, box, matcher, now)
    desk = ConsistencyDesk(database, rounds, box, accounts, now)
    return ConsistencyOffice(
        desk, rounds, Worker("consistency", interval_s, rounds.run_in_background)
    )
