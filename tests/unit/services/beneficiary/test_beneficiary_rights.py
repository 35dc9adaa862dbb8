"""What an approving unit tells a person about himself, and what it erases (R64, R65)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from services.beneficiary.store.case_facts import facts_of_cases
from services.beneficiary.store.rights import ListedPersons
from services.holder.accounts import Accounts
from services.holder.rights.answer import AnswerRequests, HeldLine
from services.holder.rights.purge import PurgeEnded
from services.holder.store.accounts import AccountStore
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW, person
from tests.unit.services.beneficiary.conftest import CLERK, Unit, row, sheet

WHY = "答复2026年第1号申请"
THREE_YEARS = timedelta(days=1096)
