"""The district commission's random checks and leads, wired over its flagged cases (R52 to R54)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from libmatch.kit import PartyKeys
from libmatch.manifest import Role
from libmatch.parcels import open_parcel, seal_parcel
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.inspector.case_matters import CaseMatters
from services.inspector.epochs import Epochs
from services.inspector.release import check_reason
from services.inspector.store.checked import describe_flagged, read_flagged_of
from services.process.acting import Acting, ActorOf
from services.process.draws.office import DrawOffice, make_draws
from services.process.draws.subjects import Subjects, name_party
from services.process.leads.desk import LeadDesk, Post
from services.process.leads.files import KIND
from services.process.leads.measures import Measure, measures_in
from services.process.store.trail import Transaction
from services.rules.checks import Quota, district_quotas
from services.rules.matter_facts import Actor
from services.rules.roles import Action, require
from services.rules.roles import Role as ActorRole
from services.rules.ruleset import RuleSet


@dataclass(frozen=True)
class Supervision:
    """What officers of 纪委 work with beside the desk."""

    draws: DrawOffice
    leads: LeadDesk


def make_supervision(
    database: Database,
    epochs: Epochs,
    keys: PartyKeys,
    matters: CaseMatters,
    now: Callable[[], datetime],
    trust_domain: str,
) -> Supervision:
    """The checks and leads of the roster's inspector whose ``keys`` these are."""
    rules, unit = matters.rules, _own_unit(epochs, keys)
    acting = Acting(database, officers_of(unit), check_reason, now)
    subjects = Subjects(
        action=Action.SAMPLE_DISTRICT,
        scope_zh="比中事项",
        quotas=_quotas,
        describe=describe_flagged,
        check_parties=lambda parties: _check_officers(trust_domain, parties),
        party_of=lambda caller: caller.name,
    )
    return Supervision(
        make_draws(acting, subjects, rules, os.urandom),
        LeadDesk(
            acting,
            rules,
            _make_post(epochs, keys, unit),
            lambda: _read_measures(matters),
            os.urandom,
        ),
    )


def _own_unit(epochs: Epochs, keys: PartyKeys) -> str:
    """纪委's own name in the roster, where ``material.check_keys`` has found its keys."""
    members, own = epochs.current.roster.with_role(Role.INSPECTOR), keys.hpke.public_key
    return next(member.unit for member in members if member.hpke_key == own)


def officers_of(unit: str) -> ActorOf:
    """Every officer is an inspector of ``unit``; whom the service admits is decided before."""

    def actor_of(caller: Identity, action: Action) -> Actor:
        require((ActorRole.INSPECTOR,), action)
        return Actor(caller.name, caller.name, unit, ActorRole.INSPECTOR)

    return actor_of


def _check_officers(trust_domain: str, parties: Sequence[str]) -> None:
    """RuleViolation for what is no officer's name; that there are two, the plan asks."""
    for party in parties:
        name_party(trust_domain, "officer", party, rule="R52")


def _quotas(session: Transaction, year: int, rules: RuleSet) -> tuple[Quota, ...]:
    return district_quotas(year, read_flagged_of(session, year), rules)


def _make_post(epochs: Epochs, keys: PartyKeys, unit: str) -> Post:
    def commissions() -> frozenset[str]:
        roster = epochs.current.roster
        return frozenset(member.unit for member in roster.with_role(Role.INSPECTOR))

    return Post(
        unit,
        lambda to, body: seal_parcel(epochs.current, KIND, unit, keys.signing, to, body),
        lambda data: open_parcel(epochs.current, KIND, unit, keys.hpke, data),
        commissions,
        lambda: frozenset(member.unit for member in epochs.current.roster.members),
    )


def _read_measures(matters: CaseMatters) -> Iterator[Measure]:
    """The measures that units reported, as far as they have effect (R41)."""
    for _, folded in matters.fold_cases():
        yield from measures_in(folded)
