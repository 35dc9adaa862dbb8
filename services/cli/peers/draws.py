"""The client of random checks, the same for a unit's services and 纪委's. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import grpc

from libmatch.stubs.draws.v1 import draws_pb2 as pb
from libmatch.stubs.draws.v1 import draws_pb2_grpc


@dataclass(frozen=True)
class DrawLine:
    """A draw without its items; ``kind`` and ``state`` as in the protobuf enums. Ids have 16 bytes."""

    draw_id: bytes
    kind: str
    title: str
    percent: int
    size: int
    count: int
    state: str
    parties: tuple[str, ...]
    missing: tuple[str, ...]
    checked: int
    due_on: str
    overdue: bool
    own_party: str


@dataclass(frozen=True)
class QuotaLine:
    """Of what at least how many must be checked in the year, and how many are."""

    kind: str
    unit: str
    percent: int
    size: int
    required: int
    checked: int
    not_drawn_from: int
    due_on: str
    overdue: bool


@dataclass(frozen=True, repr=False)
class ItemLine:
    """A drawn item as its checker sees it; ``verdict`` as in the enum."""

    item: bytes
    fields: tuple[tuple[str, str], ...]
    verdict: str
    grounds: str
    lead_id: bytes


@dataclass(frozen=True)
class Published:
    """All that is needed to draw again."""

    line: DrawLine
    record: bytes
    items: tuple[bytes, ...]
    drawn: tuple[bytes, ...]


class DrawsClient:
    """``libmatch.draws.v1.Draws``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = draws_pb2_grpc.DrawsStub(channel)

    def plan(
        self, kind: str, year: int, parties: Iterable[str], *, unit: str = "", percent: int = 0
    ) -> DrawLine:
        """Plans a draw; ``kind`` by the name of the enum."""
        request = pb.PlanDrawRequest(
            kind=pb.CheckKind.Value(kind), year=year, unit=unit, parties=parties, percent=percent
        )
        return _pb_to_line(self._stub.PlanDraw(request).draw)

    def commit(self, draw_id: bytes, commitment: bytes) -> DrawLine:
        request = pb.CommitRequest(draw_id=draw_id, commitment=commitment)
        return _pb_to_line(self._stub.Commit(request).draw)

    def reveal(self, draw_id: bytes, nonce: bytes, value: bytes) -> DrawLine:
        request = pb.RevealRequest(draw_id=draw_id, nonce=nonce, value=value)
        return _pb_to_line(self._stub.Reveal(request).draw)

    def void(self, draw_id: bytes, reason: str) -> DrawLine:
        request = pb.VoidDrawRequest(draw_id=draw_id, reason=reason)
        return _pb_to_line(self._stub.VoidDraw(request).draw)

    def repeat(self, draw_id: bytes, more: Iterable[str] = ()) -> DrawLine:
        request = pb.RepeatDrawRequest(draw_id=draw_id, more_parties=more)
        return _pb_to_line(self._stub.RepeatDraw(request).draw)

    def get(self, draw_id: bytes) -> Published:
        got = self._stub.GetDraw(pb.GetDrawRequest(draw_id=draw_id))
        line = _pb_to_line(got.draw)
        return Published(line, got.record, tuple(got.items), tuple(got.drawn))

    def list_year(self, year: int) -> tuple[list[DrawLine], list[QuotaLine]]:
        """The draws of a year, void ones too, and its quotas."""
        got = self._stub.ListDraws(pb.ListDrawsRequest(year=year))
        return [_pb_to_line(one) for one in got.draws], [_pb_to_quota(one) for one in got.quotas]

    def show_items(self, draw_id: bytes, reason: str) -> list[ItemLine]:
        """The drawn items in the order of choice; the look is in the trail."""
        request = pb.ShowDrawnItemsRequest(draw_id=draw_id, reason=reason)
        return [_pb_to_item(one) for one in self._stub.ShowDrawnItems(request).items]

    def record_result(
        self, draw_id: bytes, item: bytes, grounds: str, lead_id: bytes = b""
    ) -> DrawLine:
        """What the check of an item came to; with a lead, a finding."""
        verdict = pb.CHECK_VERDICT_FINDING if lead_id else pb.CHECK_VERDICT_IN_ORDER
        request = pb.RecordResultRequest(
            draw_id=draw_id, item=item, verdict=verdict, grounds=grounds, lead_id=lead_id
        )
        return _pb_to_line(self._stub.RecordResult(request).draw)

    def finish(self, draw_id: bytes) -> DrawLine:
        return _pb_to_line(self._stub.FinishDraw(pb.FinishDrawRequest(draw_id=draw_id)).draw)


def _pb_to_line(draw: pb.Draw) -> DrawLine:
    return DrawLine(
        draw.draw_id,
        pb.CheckKind.Name(draw.kind),
        draw.title,
        draw.percent,
        draw.size,
        draw.count,
        pb.DrawState.Name(draw.state),
        tuple(draw.parties),
        tuple(draw.missing),
        draw.checked,
        draw.due_on,
        draw.overdue,
        draw.own_party,
    )


def _pb_to_quota(quota: pb.Quota) -> QuotaLine:
    return QuotaLine(
        pb.CheckKind.Name(quota.kind),
        quota.unit,
        quota.percent,
        quota.size,
        quota.required,
        quota.checked,
        quota.not_drawn_from,
        quota.due_on,
        quota.overdue,
    )


def _pb_to_item(shown: pb.DrawnItem) -> ItemLine:
    fields = tuple((field.heading, field.text) for field in shown.fields)
    verdict = pb.CheckVerdict.Name(shown.verdict)
    return ItemLine(shown.item, fields, verdict, shown.grounds, shown.lead_id)
