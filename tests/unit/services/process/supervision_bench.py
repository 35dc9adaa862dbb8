"""A service's checks and leads over a real database: two rooms, one for a unit and one for 纪委.

::

    with Room.open(blank, folder, "min-zheng") as room:    # logins and roles: ROLES
        held = room.draw("ji", "shu")                      # plan, commit, reveal by both
        room.draws.checks.finish(room.who("ji"), held.draw_id)
        room.trail()                                       # (actor's login, action, outcome) of each line

What is checked is data of the test (``room.declarations``, ``room.matters``); all else is the real thing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from libmatch.parcels import open_parcel, seal_parcel
from libmatch.sampling import Reveal, commit
from services.chassis import audit
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.process.acting import Acting
from services.process.draws.desk import Wanted
from services.process.draws.held import HeldDraw
from services.process.draws.office import DrawOffice, make_draws
from services.process.draws.subjects import Fields, Subjects, unit_parties
from services.process.leads.desk import LeadDesk, Post
from services.process.leads.measures import Measure
from services.process.store.trail import Transaction
from services.rules.access import require_reason
from services.rules.checks import CheckKind, Quota, district_quotas, unit_quotas
from services.rules.matter_facts import Actor
from services.rules.roles import Action, Role, require
from services.rules.ruleset import RuleSet, packaged_rulesets
from tests.district import INSPECTOR, District

NOW = datetime(2018, 10, 8, 1, 0, tzinfo=UTC)
UNITS = frozenset({"reg-a", "reg-b", INSPECTOR})
ROLES = {
    "ji": Role.DISCIPLINE_HEAD,
    "ji-2": Role.DISCIPLINE_ORGAN,
    "shu": Role.PARTY_HEAD,
    "li": Role.RESPONSIBLE_LEADER,
    "wang": Role.WORKER,
    "guan": Role.SYSTEM_ADMIN,
    "zhang": Role.INSPECTOR,
    "chen": Role.INSPECTOR,
    "liu": Role.INSPECTOR,
}


def item(number: int) -> bytes:
    """An opaque id."""
    return hashlib.sha256(b"item %d" % number).digest()[:16]


def items(*numbers: int) -> frozenset[bytes]:
    return frozenset(map(item, numbers))


def nonce(party: str) -> bytes:
    return hashlib.sha256(party.encode()).digest()


@dataclass
class Room:
    """One service. ``unit`` is ``INSPECTOR`` for 纪委's."""

    unit: str
    database: Database
    district: District | None = None
    time: datetime = NOW
    declarations: frozenset[bytes] = frozenset()
    matters: dict[str, frozenset[bytes]] = field(default_factory=dict)
    known_measures: list[Measure] = field(default_factory=list)
    draws: DrawOffice = field(init=False)
    leads: LeadDesk = field(init=False)

    @classmethod
    def open(cls, blank: Path, folder: Path, unit: str, district: District | None = None) -> Self:
        """``blank``: a migrated database to begin with."""
        path = folder / f"{unit}.db"
        shutil.copy(blank, path)
        return cls(unit, Database(DatabaseSettings(path=path)), district)

    def __post_init__(self) -> None:
        rules = packaged_rulesets()
        acting = Acting(self.database, self.actor_of, require_reason, lambda: self.time)
        subjects = Subjects(
            action=Action.SAMPLE_DISTRICT if self.is_commission else Action.SAMPLE_UNIT,
            scope_zh="测试",
            quotas=self.quotas,
            describe=describe,
            check_parties=(
                (lambda _: None) if self.is_commission else unit_parties(self.actor_of, self.who)
            ),
            party_of=lambda caller: caller.login,
        )
        self.draws = make_draws(acting, subjects, rules, os.urandom)
        self.leads = LeadDesk(acting, rules, self._post(), lambda: self.known_measures, os.urandom)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    @property
    def is_commission(self) -> bool:
        return self.unit == INSPECTOR

    def who(self, login: str) -> Identity:
        return Identity("fuling", "clerk", self.unit, login)

    def actor_of(self, identity: Identity, action: Action) -> Actor:
        if identity.role == "unit":  # as ``Accounts.actor`` has it
            return Actor(identity.name, identity.name, self.unit, Role.SYSTEM)
        role = ROLES.get(identity.login, Role.OFFICIAL)
        require((role,), action)
        return Actor(identity.login, f"姓名{identity.login}", self.unit, role)

    def quotas(self, _: Transaction, year: int, rules: RuleSet) -> tuple[Quota, ...]:
        if year != self.time.year:
            return ()
        if self.is_commission:
            return district_quotas(year, self.matters, rules)
        own = self.matters.get(self.unit, frozenset())
        return unit_quotas(self.unit, year, self.declarations, own, rules)

    def _post(self) -> Post:
        def seal(to: str, body: bytes) -> bytes:
            assert self.district is not None
            key = self.district.keys(self.unit).signing
            return seal_parcel(self.district.epoch, "lead", self.unit, key, to, body)

        def open_(data: bytes) -> tuple[str, bytes]:
            assert self.district is not None
            key = self.district.keys(self.unit).hpke
            return open_parcel(self.district.epoch, "lead", self.unit, key, data)

        return Post(self.unit, seal, open_, lambda: frozenset({INSPECTOR}), lambda: UNITS)

    def plan(self, *parties: str, kind: CheckKind | None = None, by: str = "") -> HeldDraw:
        default = CheckKind.DISTRICT_MATTERS if self.is_commission else CheckKind.UNIT_MATTERS
        wanted = Wanted(kind or default, self.time.year, "", tuple(sorted(parties)))
        return self.draws.desk.plan(self.who(by or parties[0]), wanted)

    def commit(self, held: HeldDraw, party: str) -> HeldDraw:
        made = commit(held.draw.plan, Reveal(party, nonce(party), b"6-3-1"))
        return self.draws.desk.commit(self.who(party), held.draw_id, made)

    def reveal(self, held: HeldDraw, party: str) -> HeldDraw:
        return self.draws.desk.reveal(self.who(party), held.draw_id, nonce(party), b"6-3-1")

    def draw(self, *parties: str, kind: CheckKind | None = None) -> HeldDraw:
        """A draw that everybody finished."""
        return self.complete(self.plan(*parties, kind=kind))

    def complete(self, held: HeldDraw) -> HeldDraw:
        for party in held.draw.plan.parties:
            held = self.commit(held, party)
        for party in held.draw.plan.parties:
            held = self.reveal(held, party)
        return held

    def trail(self) -> list[tuple[str, str, str]]:
        lines = self.database.read(lambda session: audit.entries(session, limit=1000))
        return [(Identity.parse(line.actor).login, line.action, line.outcome) for line in lines]

    def pass_days(self, days: int) -> None:
        self.time += timedelta(days=days)


def describe(_: Transaction, drawn: Sequence[bytes]) -> Mapping[bytes, Fields]:
    return dict.fromkeys(drawn, (("报告人", "某人"),))
