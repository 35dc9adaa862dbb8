"""The registry's gRPC service, for the unit's own clerks and systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import grpc

from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.registry.v1 import registry_pb2, registry_pb2_grpc
from services.chassis.authz import caller
from services.chassis.db import to_micros
from services.holder.accounts import Accounts
from services.holder.export_outbox import ExportOutbox
from services.holder.figures import UnitFigureBook
from services.holder.matters.office import MatterOffice
from services.holder.rights.office import RightsOffice
from services.holder.rpc import accounts, collect_upload, imported_to_pb, matters, round_to_pb
from services.holder.rpc import figures as figures_rpc
from services.holder.rpc import outbox as outbox_rpc
from services.holder.rpc import rights as rights_rpc
from services.holder.rpc import supervision as supervision_rpc
from services.holder.rpc.enforcement import enforced
from services.holder.supervision import Supervision
from services.holder.sync import Sync
from services.process.store.trail import Trail
from services.registry.consistency.desk import ConsistencyDesk
from services.registry.entries import ListedNotice, ListedOfficial, RelativeStatus
from services.registry.import_sheet import ImportSheet
from services.registry.rpc import consistency, signoff, statements
from services.registry.signoff.office import SignOffOffice
from services.registry.statements import YearlyStatements
from services.registry.store import Store
from services.registry.withdraw import Withdraw
from services.rules.roles import Action

SERVICE = "libmatch.registry.v1.Declarations"

# What each method is to the rules; one of several is enough. A round shows numbers of batches alone.
ACTIONS = {
    "ImportSheet": (Action.IMPORT_DECLARATIONS,),
    "ListDeclarations": (Action.READ_DECLARATIONS,),
    # Nobody signs for what leaves the match this way: the leader decides, not who enters (R31).
    "WithdrawRelatives": (Action.REVIEW_DECLARATIONS,),
    "ListNotices": (Action.READ_HITS,),
    "Sync": (Action.IMPORT_DECLARATIONS, Action.REVIEW_DECLARATIONS, Action.OPERATE_SYSTEM),
}

EXPORT = (Action.IMPORT_DECLARATIONS, Action.REVIEW_DECLARATIONS)


@dataclass(frozen=True)
class UseCases:
    """What the service offers, and who may use it."""

    accounts: Accounts
    office: MatterOffice
    import_sheet: ImportSheet
    withdraw: Withdraw
    sync: Sync
    names: Mapping[str, str]  # of the roster's units, as people see them
    signoff: SignOffOffice
    supervision: Supervision
    rights: RightsOffice
    figures: UnitFigureBook
    statements: YearlyStatements
    consistency: ConsistencyDesk
    export: ExportOutbox


def register(
    server: grpc.Server, use_cases: UseCases, store: Store, now: Callable[[], datetime]
) -> None:
    """Adds the service, and those for sign-off, accounts and matters, to ``server``."""
    servicer = enforced(Declarations(use_cases, store, now), ACTIONS, use_cases.accounts)
    registry_pb2_grpc.add_DeclarationsServicer_to_server(servicer, server)
    accounts.register(server, use_cases.accounts)
    signoff.register(server, use_cases.accounts, use_cases.signoff)
    matters.register(server, use_cases.office)
    rights_rpc.register(server, use_cases.rights)
    consistency.register(server, use_cases.consistency, use_cases.accounts)
    supervision_rpc.register(server, use_cases.supervision, now)
    figures_rpc.register(server, use_cases.figures, use_cases.accounts)
    statements.register(server, use_cases.statements, use_cases.accounts)
    outbox_rpc.register(server, use_cases.export, use_cases.accounts, EXPORT)


class Declarations(registry_pb2_grpc.DeclarationsServicer):
    """Messages to use cases and back; lists come straight from the store."""

    def __init__(self, use_cases: UseCases, store: Store, now: Callable[[], datetime]) -> None:
        self._use_cases = use_cases
        self._store = store
        self._now = now

    def ImportSheet(
        self, request_iterator: Iterator[core_pb2.FileChunk], context: grpc.ServicerContext
    ) -> core_pb2.ImportReport:
        name, data = collect_upload(request_iterator)
        return imported_to_pb(self._use_cases.import_sheet.run(caller(context), name, data))

    def ListDeclarations(
        self, request: registry_pb2.ListDeclarationsRequest, context: grpc.ServicerContext
    ) -> registry_pb2.ListDeclarationsResponse:
        trail = self._look(context, "list-declarations", request.reason)
        listed = self._store.list_declarations(trail)
        return registry_pb2.ListDeclarationsResponse(officials=map(_official_to_pb, listed))

    def WithdrawRelatives(
        self, request: registry_pb2.WithdrawRelativesRequest, context: grpc.ServicerContext
    ) -> registry_pb2.WithdrawRelativesResponse:
        named = (request.official_ref, request.relative_refs, request.reason)
        withdrawn = self._use_cases.withdraw.run(caller(context), *named)
        return registry_pb2.WithdrawRelativesResponse(withdrawn=withdrawn)

    def Sync(
        self, request: registry_pb2.SyncRequest, context: grpc.ServicerContext
    ) -> core_pb2.SyncReport:
        del request, context
        return round_to_pb(self._use_cases.sync.run())

    def ListNotices(
        self, request: registry_pb2.ListNoticesRequest, context: grpc.ServicerContext
    ) -> registry_pb2.ListNoticesResponse:
        trail = self._look(context, "list-notices", request.reason)
        listed = self._store.list_notices(trail)
        names = self._use_cases.names
        return registry_pb2.ListNoticesResponse(
            notices=(_notice_to_pb(notice, names) for notice in listed)
        )

    def _look(self, context: grpc.ServicerContext, what: str, reason: str) -> Trail:
        """Who looks at what, and why (R63)."""
        why = self._use_cases.accounts.look_reason(reason)
        return Trail(self._now(), caller(context), what, reason=why)


_STATUS = {
    RelativeStatus.ENTERED: registry_pb2.RELATIVE_STATUS_ENTERED,
    RelativeStatus.SEALED: registry_pb2.RELATIVE_STATUS_SEALED,
    RelativeStatus.ACCEPTED: registry_pb2.RELATIVE_STATUS_ACCEPTED,
    RelativeStatus.ID_UNKNOWN: registry_pb2.RELATIVE_STATUS_ID_UNKNOWN,
    RelativeStatus.WITHDRAWN: registry_pb2.RELATIVE_STATUS_WITHDRAWN,
}


def _official_to_pb(listed: ListedOfficial) -> registry_pb2.DeclaredOfficial:
    return registry_pb2.DeclaredOfficial(
        ref=listed.official.ref,
        name=listed.official.name,
        post=listed.official.post,
        relatives=(
            registry_pb2.DeclaredRelative(
                ref=relative.ref,
                name=relative.name,
                relation=relative.relation.value,
                status=_STATUS[status],
            )
            for relative, status in listed.relatives
        ),
    )


def _notice_to_pb(listed: ListedNotice, names: Mapping[str, str]) -> registry_pb2.OfficialNotice:
    return registry_pb2.OfficialNotice(
        notice_id=listed.notice_id,
        received_at_us=to_micros(listed.received_at),
        official_name=listed.official_name,
        relative_name=listed.relative_name,
        relation=listed.relation,
        approving_unit=names.get(listed.approving_unit, listed.approving_unit),
        capacity=listed.capacity,
        item_name=listed.item_name,
        programme=listed.programme,
        amount_fen=listed.amount_fen,
        place=listed.place,
        start_date=listed.start.isoformat() if listed.start else "",
        disputed=listed.disputed,
    )
