"""A unit's random checks and leads, wired over what its service holds (R51, R53, R54)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from libmatch.manifest import Role
from libmatch.parcels import open_parcel, seal_parcel
from libmatch.records import Side
from services.chassis.db import Database
from services.holder.accounts import Accounts
from services.holder.material import Material
from services.holder.matters.facts import FactsOf
from services.holder.store.checked import Fields, describe_matters, read_matters_of
from services.holder.store.matters import read_cases
from services.process.acting import Acting
from services.process.draws.office import DrawOffice, make_draws
from services.process.draws.subjects import Describe, Subjects, name_party, unit_parties
from services.process.leads.desk import LeadDesk, Post
from services.process.leads.files import KIND
from services.process.leads.measures import Measure, measures_in
from services.process.store.trail import Transaction
from services.rules.checks import Quota, unit_quotas
from services.rules.roles import Action
from services.rules.ruleset import RuleSet, RuleSets, packaged_rulesets

_SCOPE_ZH = {Side.REGISTRY: "本单位申报", Side.BENEFICIARY: "本单位审批"}


@dataclass(frozen=True)
class Declarations:
    """A registry's declarations as random checks see them: opaque references of a year, what they say."""

    read: Callable[[Transaction, int], frozenset[bytes]]
    describe: Describe


@dataclass(frozen=True)
class Supervision:
    """What the discipline organ of a unit works with."""

    draws: DrawOffice
    leads: LeadDesk


def make_supervision(
    database: Database,
    material: Material,
    accounts: Accounts,
    facts: FactsOf,
    now: Callable[[], datetime],
    trust_domain: str,
    declarations: Declarations | None = None,
) -> Supervision:
    """The checks and leads of one service of a unit; a registry has ``declarations``."""
    rules = packaged_rulesets()
    acting = Acting(database, accounts.actor, accounts.look_reason, now)
    subjects = Subjects(
        action=Action.SAMPLE_UNIT,
        scope_zh=_SCOPE_ZH[material.side],
        quotas=partial(_quotas, material.unit, declarations),
        describe=partial(_describe, facts, declarations),
        check_parties=unit_parties(
            accounts.actor,
            lambda login: name_party(trust_domain, "clerk", material.unit, login, rule="R51"),
        ),
        party_of=lambda caller: caller.login,
    )
    measures = partial(_read_measures, database, rules)
    return Supervision(
        make_draws(acting, subjects, rules, os.urandom),
        LeadDesk(acting, rules, _make_post(material), measures, os.urandom),
    )


def _quotas(
    unit: str,
    declarations: Declarations | None,
    session: Transaction,
    year: int,
    rules: RuleSet,
) -> tuple[Quota, ...]:
    declared = declarations.read(session, year) if declarations else frozenset()
    return unit_quotas(unit, year, declared, read_matters_of(session, year), rules)


def _describe(
    facts: FactsOf,
    declarations: Declarations | None,
    session: Transaction,
    items: Sequence[bytes],
) -> Mapping[bytes, Fields]:
    declared = declarations.describe(session, items) if declarations else {}
    return {**declared, **describe_matters(session, items, facts)}


def _make_post(material: Material) -> Post:
    epoch, unit, key = material.epoch, material.unit, material.holder.signing_key
    commissions = frozenset(member.unit for member in epoch.roster.with_role(Role.INSPECTOR))
    units = frozenset(member.unit for member in epoch.roster.members)
    return Post(
        unit,
        lambda to, body: seal_parcel(epoch, KIND, unit, key, to, body),
        lambda data: open_parcel(epoch, KIND, unit, material.hpke, data),
        lambda: commissions,
        lambda: units,
    )


def _read_measures(database: Database, rules: RuleSets) -> Iterator[Measure]:
    """The measures in this unit's matters that have effect (R41)."""
    for case in database.read(lambda session: read_cases(session, (), rules)):
        yield from measures_in(case.folded)
