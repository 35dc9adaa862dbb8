"""The gRPC service of a unit's lists: import of actual ones, looks, steps and differences (R25, R61)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import grpc

from libmatch.identifiers import Identifier
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.lists.v1 import lists_pb2 as pb
from libmatch.stubs.lists.v1 import lists_pb2_grpc
from services.beneficiary.import_sheet import ImportSheet
from services.beneficiary.list_looks import ListLooks, ShownItem
from services.beneficiary.list_steps import ListSteps
from services.beneficiary.lists import LIST_ID_SIZE, BeneficiaryList, ListKind, ListState
from services.beneficiary.reconciling import ReconciledItem, ReconcileItems
from services.chassis.authz import caller
from services.chassis.db import to_micros
from services.chassis.refusals import InvalidRequest
from services.holder.rpc import collect_upload, imported_to_pb
from services.rules.reconcile import Difference, Finding, Share
from services.rules.roles import Action

SERVICE = "libmatch.lists.v1.Lists"
MAX_ITEMS = 500
_MOST_RECONCILED = 2000

ACTIONS = {
    "ImportActual": (Action.IMPORT_ITEMS,),
    "ListLists": (Action.READ_ITEMS,),
    "GetList": (Action.READ_ITEMS,),
    "ReviewList": (Action.REVIEW_ITEMS,),
    "SignList": (Action.SIGN_LIST,),
    "DiscardList": (Action.CORRECT_ITEMS,),
    "Reconcile": (Action.READ_ITEMS,),
}

_KINDS = {kind: getattr(pb, f"LIST_KIND_{kind.name}") for kind in ListKind}
_STATES = {state: getattr(pb, f"LIST_STATE_{state.name}") for state in ListState}
_DIFFERENCES = {one: getattr(pb, f"DIFFERENCE_KIND_{one.name}") for one in Difference}


@dataclass(frozen=True)
class ListDesk:
    """What the service offers."""

    import_sheet: ImportSheet
    looks: ListLooks
    steps: ListSteps
    reconcile: ReconcileItems


class Lists(lists_pb2_grpc.ListsServicer):
    """Messages to use cases and back."""

    def __init__(self, desk: ListDesk) -> None:
        self._desk = desk

    def ImportActual(
        self, request_iterator: Iterator[core_pb2.FileChunk], context: grpc.ServicerContext
    ) -> core_pb2.ImportReport:
        name, data = collect_upload(request_iterator)
        done = self._desk.import_sheet.run(caller(context), name, data, ListKind.POST)
        return imported_to_pb(done)

    def ListLists(
        self, request: pb.ListListsRequest, context: grpc.ServicerContext
    ) -> pb.ListListsResponse:
        found = self._desk.looks.list_all(caller(context), waiting=request.waiting)
        return pb.ListListsResponse(lists=map(_list_to_pb, found))

    def GetList(
        self, request: pb.GetListRequest, context: grpc.ServicerContext
    ) -> pb.GetListResponse:
        about = (_list_id(request.list_id), request.reason)
        shown = self._desk.looks.show(caller(context), *about, request.after)
        return pb.GetListResponse(
            list=_list_to_pb(shown.head),
            items=map(_shown_to_pb, shown.items),
            next_after=shown.next_after,
        )

    def ReviewList(
        self, request: pb.ReviewListRequest, context: grpc.ServicerContext
    ) -> pb.ReviewListResponse:
        about = (_list_id(request.list_id), _digest(request.digest))
        return pb.ReviewListResponse(
            list=_list_to_pb(self._desk.steps.review(caller(context), *about))
        )

    def SignList(
        self, request: pb.SignListRequest, context: grpc.ServicerContext
    ) -> pb.SignListResponse:
        about = (_list_id(request.list_id), _digest(request.digest))
        return pb.SignListResponse(list=_list_to_pb(self._desk.steps.sign(caller(context), *about)))

    def DiscardList(
        self, request: pb.DiscardListRequest, context: grpc.ServicerContext
    ) -> pb.DiscardListResponse:
        about = (_list_id(request.list_id), request.reason)
        return pb.DiscardListResponse(
            list=_list_to_pb(self._desk.steps.discard(caller(context), *about))
        )

    def Reconcile(
        self, request: pb.ReconcileRequest, context: grpc.ServicerContext
    ) -> pb.ReconcileResponse:
        refs = set(request.item_refs)
        if len(refs) > MAX_ITEMS:
            raise InvalidRequest("too many items", f"一次最多核对{MAX_ITEMS}个事项。")
        found = self._desk.reconcile.run(caller(context), refs, request.reason)
        told = found[:_MOST_RECONCILED]
        return pb.ReconcileResponse(
            items=map(_reconciled_to_pb, told), left_out=len(found) - len(told)
        )


def _list_id(data: bytes) -> bytes:
    if len(data) != LIST_ID_SIZE:
        raise InvalidRequest("a list's id has 16 bytes", "名单编号不正确。")
    return data


def _digest(data: bytes) -> bytes:
    if len(data) != 32:
        raise InvalidRequest("a digest has 32 bytes", "名单内容摘要不正确，请重新查看名单。")
    return data


def _list_to_pb(one: BeneficiaryList) -> pb.List:
    return pb.List(
        list_id=one.list_id,
        kind=_KINDS[one.kind],
        state=_STATES[one.state],
        digest=one.digest,
        items=one.items,
        imported_by=one.imported_by,
        reviewed_by=one.reviewed_by,
        signed_by=one.signed_by,
        imported_at_us=to_micros(one.imported_at),
        reviewed_at_us=_micros(one.reviewed_at),
        signed_at_us=_micros(one.signed_at),
        reason=one.reason,
    )


def _micros(at: datetime | None) -> int:
    return 0 if at is None else to_micros(at)


def _shown_to_pb(shown: ShownItem) -> pb.ListedItem:
    message, said = pb.ListedItem(item_ref=shown.item_ref), shown.said
    if said is None:
        return message
    message.item_name, message.programme = said.item_name, said.programme
    message.place, message.company, message.remark = said.place, said.company, said.remark
    message.start, message.finished = _iso(said.start_date), _iso(said.finished)
    if said.amount_fen is not None:
        message.amount_fen = said.amount_fen
    for person in said.persons:
        message.persons.add(
            name=person.name, capacity=person.capacity.value, identifier=person.identifier.idn
        )
    return message


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _reconciled_to_pb(one: ReconciledItem) -> pb.ReconciledItem:
    return pb.ReconciledItem(
        item_ref=one.item.item_ref,
        item_name=one.item.item_name,
        has_pre=one.has_pre,
        has_post=one.has_post,
        due_on=_iso(one.due_on),
        overdue=one.overdue,
        differences=(_difference_to_pb(found, one) for found in one.findings),
    )


def _difference_to_pb(found: Finding[Identifier], one: ReconciledItem) -> pb.Difference:
    return pb.Difference(
        kind=_DIFFERENCES[found.difference],
        person_name=one.names[found.person],
        before=_share_to_pb(found.before),
        after=_share_to_pb(found.after),
    )


def _share_to_pb(share: Share[Identifier] | None) -> pb.Share | None:
    return None if share is None else pb.Share(capacity=share.capacity, amount_fen=share.amount_fen)
