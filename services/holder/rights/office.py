"""Everything about the rights of persons in one service, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.chassis.db import Database
from services.holder.accounts import Accounts
from services.holder.matters.facts import FactsOf
from services.holder.rights.answer import AnswerRequests
from services.holder.rights.purge import PurgeEnded
from services.holder.rights.records import PersonRecords
from services.holder.rights.trail import ReadTrail
from services.rules.ruleset import packaged_rulesets


@dataclass(frozen=True)
class RightsOffice:
    """What staff, the leader and the audit administrator do. ``unit_name``: as people see it."""

    unit_name: str
    accounts: Accounts
    answer: AnswerRequests
    purge: PurgeEnded
    trail: ReadTrail


def make_rights(
    database: Database,
    accounts: Accounts,
    records: PersonRecords,
    facts: FactsOf,
    unit_name: str,
    now: Callable[[], datetime],
) -> RightsOffice:
    """The rights of persons at one unit on one side over ``database``."""
    rules = packaged_rulesets()
    return RightsOffice(
        unit_name,
        accounts,
        AnswerRequests(database, accounts, records, facts, rules, now),
        PurgeEnded(database, accounts, records, rules, now),
        ReadTrail(database, accounts, now),
    )
