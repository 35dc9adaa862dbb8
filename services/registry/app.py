"""The registry service: wiring and start. ``python -m services.registry.app --config PATH``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from libmatch.prepare import Payload
from libmatch.records import Side
from services.chassis.audit_heads import keep_heads
from services.chassis.authz import AccessTable
from services.chassis.server import App, Runtime, run_service, utc_now
from services.holder.admission import ROLES, own_unit_only
from services.holder.app import check_material, open_accounts, open_database, open_half
from services.holder.config import UnitSettings
from services.holder.figures import UnitFigureBook
from services.holder.matters.office import make_office
from services.holder.rights.office import make_rights
from services.holder.rpc import accounts as accounts_rpc
from services.holder.rpc import figures as figures_rpc
from services.holder.rpc import matters as matters_rpc
from services.holder.rpc import outbox as outbox_rpc
from services.holder.rpc import rights as rights_rpc
from services.holder.rpc import supervision as supervision_rpc
from services.holder.supervision import Declarations, make_supervision
from services.process.district_data import read_district_data
from services.registry import rpc
from services.registry.consistency.office import make_consistency
from services.registry.entries import make_payload
from services.registry.import_sheet import ImportSheet
from services.registry.rpc import consistency as consistency_rpc
from services.registry.rpc import signoff as signoff_rpc
from services.registry.rpc import statements as statements_rpc
from services.registry.signoff.office import make_signoff
from services.registry.statements import YearlyStatements
from services.registry.store import Store
from services.registry.store.case_facts import facts_of_cases
from services.registry.store.checked import describe_declarations, read_declarations_of
from services.registry.store.people import read_people
from services.registry.store.rights import DeclaredPersons
from services.registry.withdraw import Withdraw

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def build(settings: UnitSettings, runtime: Runtime) -> App:
    """The wired service. Raises before it touches the database where its material does not hold."""
    material = check_material(settings, runtime, Side.REGISTRY)
    unit_name = material.display_name
    with ExitStack() as stack:
        database = open_database(stack, settings.database, VERSIONS)
        heads = keep_heads(stack, settings.audit_heads, database, runtime.now)
        store = Store(database)
        accounts = open_accounts(settings, runtime, database)

        def load(session: Session, subjects: Sequence[bytes]) -> list[Payload]:
            return [make_payload(*pair, unit_name) for pair in store.load(session, subjects)]

        facts = facts_of_cases(settings.unit, unit_name)
        half = open_half(
            stack, settings, runtime, material, database, load, store.save_notice, facts
        )
        office = make_office(
            database,
            material,
            accounts.actor,
            accounts.look_reason,
            facts,
            runtime.now,
            half.worker.wake,
        )
        district = read_district_data(settings.units, settings.campaigns)
        signoff = make_signoff(
            database,
            accounts,
            district,
            material.manifest.kinds,
            runtime.now,
            half.worker.wake,
        )
        supervision = make_supervision(
            database,
            material,
            accounts,
            facts,
            runtime.now,
            runtime.identity.trust_domain,
            Declarations(read_declarations_of, describe_declarations),
        )
        consistency = make_consistency(
            database, material, half.matcher, accounts, settings.sync_interval_s, runtime.now
        )
        use_cases = rpc.UseCases(
            accounts,
            office,
            ImportSheet(
                store,
                material.manifest.kinds,
                runtime.now,
                half.worker.wake,
                None if accounts.open_to_all else signoff.stage,
            ),
            Withdraw(store, runtime.now, half.worker.wake),
            half.sync,
            {member.unit: member.display_name for member in material.epoch.roster.members},
            signoff,
            supervision,
            make_rights(database, accounts, DeclaredPersons(), facts, unit_name, runtime.now),
            UnitFigureBook(database, material, accounts, district, read_people, runtime.now),
            YearlyStatements(
                database,
                material,
                accounts,
                district.rulesets,
                runtime.now,
                half.worker.wake,
            ),
            consistency.desk,
            half.export,
        )
        return App(
            register=lambda server: rpc.register(server, use_cases, store, runtime.now),
            access=AccessTable(
                {
                    rpc.SERVICE: ROLES,
                    accounts_rpc.SERVICE: accounts_rpc.ROLES,
                    matters_rpc.SERVICE: ROLES,
                    outbox_rpc.SERVICE: ROLES,
                    **rights_rpc.ROWS,
                    **supervision_rpc.ROWS,
                    signoff_rpc.SERVICE: signoff_rpc.ROLES,
                    figures_rpc.SERVICE: ROLES,
                    statements_rpc.SERVICE: ROLES,
                    statements_rpc.OVERSIGHT: ROLES,
                    consistency_rpc.SERVICE: ROLES,
                    matters_rpc.CONFIRMATIONS: matters_rpc.OFFICERS,
                }
            ),
            workers=[half.worker, consistency.worker, *heads],
            admit=own_unit_only(settings.unit, {matters_rpc.CONFIRMATIONS}),
            close=stack.pop_all().close,
        )


def main(argv: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """The exit code of the service (``services.chassis.server.ExitCode``)."""
    return run_service("registry", UnitSettings, build, argv, now)


if __name__ == "__main__":
    sys.exit(main())
