"""The beneficiary service: wiring and start. ``python -m services.beneficiary.app --config PATH``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from libmatch.prepare import Payload
from libmatch.records import Side
from services.beneficiary import rpc
from services.beneficiary.check_items import CheckItems
from services.beneficiary.config import BeneficiarySettings, open_catalogue
from services.beneficiary.entries import make_payload
from services.beneficiary.import_sheet import ImportSheet, ImportTerms
from services.beneficiary.list_looks import ListLooks
from services.beneficiary.list_steps import ListSteps
from services.beneficiary.reconciling import ReconcileItems
from services.beneficiary.rpc import lists as lists_rpc
from services.beneficiary.store import Store
from services.beneficiary.store.case_facts import facts_of_cases
from services.beneficiary.store.lists import ListStore
from services.beneficiary.store.rights import ListedPersons
from services.beneficiary.withdraw import Withdraw
from services.chassis.audit_heads import keep_heads
from services.chassis.authz import AccessTable
from services.chassis.server import App, Runtime, run_service, utc_now
from services.holder.admission import ROLES, own_unit_only
from services.holder.app import check_material, open_accounts, open_database, open_half
from services.holder.figures import UnitFigureBook, nobody
from services.holder.matters.office import make_office
from services.holder.rights.office import make_rights
from services.holder.rpc import accounts as accounts_rpc
from services.holder.rpc import figures as figures_rpc
from services.holder.rpc import matters as matters_rpc
from services.holder.rpc import outbox as outbox_rpc
from services.holder.rpc import rights as rights_rpc
from services.holder.rpc import supervision as supervision_rpc
from services.holder.supervision import make_supervision
from services.process.district_data import read_district_data
from services.rules.ruleset import packaged_rulesets

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def build(settings: BeneficiarySettings, runtime: Runtime) -> App:
    """The wired service. Raises before it touches the database where its material does not hold."""
    material = check_material(settings, runtime, Side.BENEFICIARY)
    catalogue, rules = open_catalogue(settings), packaged_rulesets()
    district = read_district_data(settings.units, settings.campaigns)
    with ExitStack() as stack:
        database = open_database(stack, settings.database, VERSIONS)
        heads = keep_heads(stack, settings.audit_heads, database, runtime.now)
        store = Store(database)
        accounts = open_accounts(settings, runtime, database)

        def load(session: Session, subjects: Sequence[bytes]) -> list[Payload]:
            return [make_payload(*pair) for pair in store.load(session, subjects)]

        facts = facts_of_cases(settings.unit)
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
        supervision = make_supervision(
            database,
            material,
            accounts,
            facts,
            runtime.now,
            runtime.identity.trust_domain,
        )
        lists, must_sign = ListStore(database, settings.unit), not accounts.open_to_all
        terms = ImportTerms(catalogue, rules, material.manifest.kinds, must_sign)
        key, wake = store.read_ref_key(), half.worker.wake
        import_sheet = ImportSheet(lists, key, terms, runtime.now, wake)
        desk = lists_rpc.ListDesk(
            import_sheet,
            ListLooks(lists, accounts),
            ListSteps(lists, accounts, wake),
            ReconcileItems(store, accounts, catalogue, rules),
        )
        use_cases = rpc.UseCases(
            accounts,
            office,
            import_sheet,
            Withdraw(lists, runtime.now, half.worker.wake, must_sign=must_sign),
            half.sync,
            CheckItems(
                *(store, half.matcher, material.epoch.epoch_id, runtime.now, rules),
                must_sign=must_sign,
            ),
            desk,
            supervision,
            make_rights(
                database, accounts, ListedPersons(), facts, material.display_name, runtime.now
            ),
            UnitFigureBook(database, material, accounts, district, nobody, runtime.now),
            half.export,
        )
        return App(
            register=lambda server: rpc.register(server, use_cases, store, runtime.now),
            access=AccessTable(
                {
                    rpc.SERVICE: ROLES,
                    lists_rpc.SERVICE: ROLES,
                    accounts_rpc.SERVICE: accounts_rpc.ROLES,
                    matters_rpc.SERVICE: ROLES,
                    outbox_rpc.SERVICE: ROLES,
                    **rights_rpc.ROWS,
                    **supervision_rpc.ROWS,
                    figures_rpc.SERVICE: ROLES,
                    matters_rpc.CONFIRMATIONS: matters_rpc.OFFICERS,
                }
            ),
            workers=[half.worker, *heads],
            admit=own_unit_only(settings.unit, {matters_rpc.CONFIRMATIONS}),
            close=stack.pop_all().close,
        )


def main(argv: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """The exit code of the service (``services.chassis.server.ExitCode``)."""
    return run_service("beneficiary", BeneficiarySettings, build, argv, now)


if __name__ == "__main__":
    sys.exit(main())
