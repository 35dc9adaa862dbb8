"""Everything about the sign-off in one service, wired."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from services.chassis.db import Database
from services.holder.accounts import Accounts
from services.process.district_data import DistrictData
from services.registry.signoff.acting import ActOnVersions
from services.registry.signoff.desk import SignOffDesk
from services.registry.signoff.looks import SignOffLooks
from services.registry.signoff.stage import StageSheet
from services.registry.store import Store


@dataclass(frozen=True)
class SignOffOffice:
    """What people see and do."""

    stage: StageSheet
    desk: SignOffDesk
    looks: SignOffLooks


def make_signoff(
    database: Database,
    accounts: Accounts,
    district: DistrictData,
    kinds: Collection[int],
    now: Callable[[], datetime],
    wake: Callable[[], None],
) -> SignOffOffice:
    """The sign-off of one unit over ``database``. ``wake``: new records wait to be sealed."""
    act = ActOnVersions(database, accounts, district, now)
    return SignOffOffice(
        StageSheet(database, district, accounts.unit, kinds, now),
        SignOffDesk(act, Store(database), wake),
        SignOffLooks(database, accounts, district, now),
    )
