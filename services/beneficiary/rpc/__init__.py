"""The beneficiary service's gRPC service, for the unit's own clerks and approval systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import grpc

from libmatch.clearances import ClearanceStatus
from libmatch.stubs.beneficiary.v1 import beneficiary_pb2, beneficiary_pb2_grpc
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.lists.v1 import lists_pb2_grpc
from services.beneficiary.check_items import CheckItems, ItemClearance
from services.beneficiary.entries import ListedItem, ListedNotice, PersonStatus
from services.beneficiary.import_sheet import ImportSheet
from services.beneficiary.rpc import lists
from services.beneficiary.store import Store
from services.beneficiary.withdraw import Withdraw
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
from services.rules.roles import Action

SERVICE = "libmatch.beneficiary.v1.Items"

# What each method is to the rules; one of several is enough. A round shows numbers of batches alone.
ACTIONS = {
    "ImportSheet": (Action.IMPORT_ITEMS,),
    "ListItems": (Action.READ_ITEMS,),
    "WithdrawItem": (Action.CORRECT_ITEMS,),
    "ListNotices": (Action.READ_HITS,),
    "CheckItems": (Action.CHECK_ITEMS,),
    "Sync": (Action.IMPORT_ITEMS, Action.REVIEW_ITEMS, Action.OPERATE_SYSTEM),
}

EXPORT = (Action.IMPORT_ITEMS, Action.REVIEW_ITEMS)


@dataclass(frozen=True)
class UseCases:
    """What the service offers, and who may use it."""

    accounts: Accounts
    office: MatterOffice
    import_sheet: ImportSheet
    withdraw: Withdraw
    sync: Sync
    check_items: CheckItems
    lists: lists.ListDesk
    supervision: Supervision
    rights: RightsOffice
    figures: UnitFigureBook
    export: ExportOutbox


def register(
    server: grpc.Server, use_cases: UseCases, store: Store, now: Callable[[], datetime]
) -> None:
    """Adds the service, and those for the unit's accounts and matters, to ``server``."""
    servicer = enforced(Items(use_cases, store, now), ACTIONS, use_cases.accounts)
    beneficiary_pb2_grpc.add_ItemsServicer_to_server(servicer, server)
    desk = enforced(lists.Lists(use_cases.lists), lists.ACTIONS, use_cases.accounts)
    lists_pb2_grpc.add_ListsServicer_to_server(desk, server)
    accounts.register(server, use_cases.accounts)
    matters.register(server, use_cases.office)
    rights_rpc.register(server, use_cases.rights)
    supervision_rpc.register(server, use_cases.supervision, now)
    figures_rpc.register(server, use_cases.figures, use_cases.accounts)
    outbox_rpc.register(server, use_cases.export, use_cases.accounts, EXPORT)


class Items(beneficiary_pb2_grpc.ItemsServicer):
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

    def ListItems(
        self, request: beneficiary_pb2.ListItemsRequest, context: grpc.ServicerContext
    ) -> beneficiary_pb2.ListItemsResponse:
        trail = self._look(context, "list-items", request.reason)
        listed = self._store.list_items(trail)
        return beneficiary_pb2.ListItemsResponse(items=map(_item_to_pb, listed))

    def WithdrawItem(
        self, request: beneficiary_pb2.WithdrawItemRequest, context: grpc.ServicerContext
    ) -> beneficiary_pb2.WithdrawItemResponse:
        named = (request.item_ref, request.reason)
        withdrawn, list_id = self._use_cases.withdraw.run(caller(context), *named)
        return beneficiary_pb2.WithdrawItemResponse(withdrawn=withdrawn, list_id=list_id)

    def Sync(
        self, request: beneficiary_pb2.SyncRequest, context: grpc.ServicerContext
    ) -> core_pb2.SyncReport:
        del request, context
        return round_to_pb(self._use_cases.sync.run())

    def ListNotices(
        self, request: beneficiary_pb2.ListNoticesRequest, context: grpc.ServicerContext
    ) -> beneficiary_pb2.ListNoticesResponse:
        trail = self._look(context, "list-notices", request.reason)
        listed = self._store.list_notices(trail)
        return beneficiary_pb2.ListNoticesResponse(notices=map(_notice_to_pb, listed))

    def CheckItems(
        self, request: beneficiary_pb2.CheckItemsRequest, context: grpc.ServicerContext
    ) -> beneficiary_pb2.CheckItemsResponse:
        answers = self._use_cases.check_items.run(caller(context), list(request.item_refs))
        return beneficiary_pb2.CheckItemsResponse(items=map(_clearance_to_pb, answers))

    def _look(self, context: grpc.ServicerContext, what: str, reason: str) -> Trail:
        """Who looks at what, and why (R63)."""
        why = self._use_cases.accounts.look_reason(reason)
        return Trail(self._now(), caller(context), what, reason=why)


_PERSON_STATUS = {
    PersonStatus.ENTERED: beneficiary_pb2.PERSON_STATUS_ENTERED,
    PersonStatus.SEALED: beneficiary_pb2.PERSON_STATUS_SEALED,
    PersonStatus.ACCEPTED: beneficiary_pb2.PERSON_STATUS_ACCEPTED,
    PersonStatus.WITHDRAWN: beneficiary_pb2.PERSON_STATUS_WITHDRAWN,
}
_ITEM_STATUS = {
    ClearanceStatus.NOT_SUBMITTED: beneficiary_pb2.ITEM_STATUS_NOT_SUBMITTED,
    ClearanceStatus.PENDING: beneficiary_pb2.ITEM_STATUS_PENDING,
    ClearanceStatus.CLEAR: beneficiary_pb2.ITEM_STATUS_CLEAR,
    ClearanceStatus.HOLD: beneficiary_pb2.ITEM_STATUS_HOLD,
}


def _item_to_pb(listed: ListedItem) -> beneficiary_pb2.Item:
    return beneficiary_pb2.Item(
        item_ref=listed.item.item_ref,
        item_name=listed.item.item_name,
        programme=listed.item.programme,
        persons=(
            beneficiary_pb2.ItemPerson(
                name=person.name,
                capacity=person.capacity.value,
                status=_PERSON_STATUS[status],
            )
            for person, status in listed.persons
        ),
    )


def _notice_to_pb(listed: ListedNotice) -> beneficiary_pb2.ItemNotice:
    return beneficiary_pb2.ItemNotice(
        notice_id=listed.notice_id,
        received_at_us=to_micros(listed.received_at),
        item_ref=listed.item_ref,
        item_name=listed.item_name,
        person_name=listed.person_name,
        official_name=listed.official_name,
        official_unit=listed.official_unit,
        official_post=listed.official_post,
        relation=listed.relation,
        disputed=listed.disputed,
    )


def _clearance_to_pb(answer: ItemClearance) -> beneficiary_pb2.ItemClearance:
    return beneficiary_pb2.ItemClearance(
        item_ref=answer.item_ref,
        status=_ITEM_STATUS[answer.status],
        checked_at_us=answer.checked_at_us,
        expires_at_us=answer.expires_at_us,
        tree_size=answer.tree_size,
        leaf_index=answer.leaf_index,
        holds=(beneficiary_pb2.ItemHold(code=hold.name, text=hold.value) for hold in answer.holds),
    )
