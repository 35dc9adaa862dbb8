"""The client of an approving unit's lists. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from libmatch.errors import ServiceError
from libmatch.stubs.lists.v1 import lists_pb2 as pb
from libmatch.stubs.lists.v1 import lists_pb2_grpc


@dataclass(frozen=True)
class ListLine:
    """A list; ``kind`` and ``state`` as in the protobuf enums, moments in microseconds UTC, 0 before."""

    list_id: bytes
    kind: str
    state: str
    digest: bytes
    items: int
    imported_by: str
    imported_at_us: int
    reviewed_by: str
    reviewed_at_us: int
    signed_by: str
    signed_at_us: int
    reason: str


@dataclass(frozen=True)
class ListedPersonLine:
    """A person of an item on a list; the rest is blank for an item without persons there."""

    item_ref: str
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    start: str
    company: str
    name: str = ""
    capacity: str = ""
    identifier: str = ""


@dataclass(frozen=True)
class DifferenceLine:
    """One difference of an item, or that its actual list is missing (``kind`` "")."""

    item_ref: str
    item_name: str
    kind: str
    person: str
    before: str
    before_fen: int | None
    after: str
    after_fen: int | None
    due_on: str
    overdue: bool


class ListsClient:
    """``libmatch.lists.v1.Lists``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = lists_pb2_grpc.ListsStub(channel)

    def list_all(self, *, waiting: bool = False) -> list[ListLine]:
        """All lists, or those that wait, the oldest first."""
        response = self._stub.ListLists(pb.ListListsRequest(waiting=waiting))
        return [_pb_to_line(one) for one in response.lists]

    def show(self, list_id: bytes, reason: str = "") -> tuple[ListLine, list[ListedPersonLine]]:
        """A list with what it says, person by person. ServiceError where it changes meanwhile."""
        request, lines = pb.GetListRequest(list_id=list_id, reason=reason), list[ListedPersonLine]()
        first = page = self._stub.GetList(request)
        while True:
            lines += [line for item in page.items for line in _persons(item)]
            if not page.next_after:
                return _pb_to_line(page.list), lines
            request.after = page.next_after
            page = self._stub.GetList(request)
            if page.list.digest != first.list.digest:
                text = "名单在查看过程中有改动，请重新查看。"
                raise ServiceError("ABORTED", "LIST_CHANGED", "the list was altered", text)

    def review(self, list_id: bytes, digest: bytes) -> ListLine:
        """Reviews the list whose content was read."""
        request = pb.ReviewListRequest(list_id=list_id, digest=digest)
        return _pb_to_line(self._stub.ReviewList(request).list)

    def sign(self, list_id: bytes, digest: bytes) -> ListLine:
        """Signs the list whose content was read."""
        request = pb.SignListRequest(list_id=list_id, digest=digest)
        return _pb_to_line(self._stub.SignList(request).list)

    def discard(self, list_id: bytes, reason: str) -> ListLine:
        """Takes the list back."""
        request = pb.DiscardListRequest(list_id=list_id, reason=reason)
        return _pb_to_line(self._stub.DiscardList(request).list)

    def reconcile(
        self, item_refs: Sequence[str] = (), reason: str = ""
    ) -> tuple[list[DifferenceLine], int]:
        """Differences of the items, also those whose actual list is overdue; and how many items more
        have some."""
        response = self._stub.Reconcile(pb.ReconcileRequest(item_refs=item_refs, reason=reason))
        return [line for item in response.items for line in _differences(item)], response.left_out


def _pb_to_line(one: pb.List) -> ListLine:
    return ListLine(
        list_id=one.list_id,
        kind=pb.ListKind.Name(one.kind),
        state=pb.ListState.Name(one.state),
        digest=one.digest,
        items=one.items,
        imported_by=one.imported_by,
        imported_at_us=one.imported_at_us,
        reviewed_by=one.reviewed_by,
        reviewed_at_us=one.reviewed_at_us,
        signed_by=one.signed_by,
        signed_at_us=one.signed_at_us,
        reason=one.reason,
    )


def _persons(item: pb.ListedItem) -> list[ListedPersonLine]:
    amount = item.amount_fen if item.HasField("amount_fen") else None
    head = (item.item_ref, item.item_name, item.programme, amount)
    facts = (*head, item.place, item.start, item.company)
    return [
        ListedPersonLine(*facts, one.name, one.capacity, one.identifier) for one in item.persons
    ] or [ListedPersonLine(*facts)]


def _differences(item: pb.ReconciledItem) -> list[DifferenceLine]:
    head = (item.item_ref, item.item_name)
    lines = [
        DifferenceLine(
            *head,
            pb.DifferenceKind.Name(one.kind),
            one.person_name,
            one.before.capacity,
            _amount(one.before),
            one.after.capacity,
            _amount(one.after),
            item.due_on,
            item.overdue,
        )
        for one in item.differences
    ]
    if item.overdue:
        lines.append(DifferenceLine(*head, "", "", "", None, "", None, item.due_on, True))
    return lines


def _amount(share: pb.Share) -> int | None:
    return share.amount_fen if share.HasField("amount_fen") else None
