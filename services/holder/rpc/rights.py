"""The gRPC services for the rights of persons and for the trail, the same in both services of a unit."""

from __future__ import annotations

from datetime import date

import grpc

from libmatch.errors import InputError
from libmatch.stubs.rights.v1 import rights_pb2 as pb
from libmatch.stubs.rights.v1 import rights_pb2_grpc
from services.chassis.audit import AuditEntry
from services.chassis.authz import caller
from services.chassis.db import to_micros
from services.chassis.refusals import InvalidRequest
from services.holder.rights.answer import HeldLine, Look
from services.holder.rights.office import RightsOffice
from services.holder.rpc.enforcement import enforced
from services.holder.store.rights import TrailFilter
from services.process.rpc.retention import ACTIONS as RETENTION
from services.process.rpc.retention import Retention
from services.rules.roles import Action

_SERVICES = ("Rights", "Retention", "Trail")
ROWS = {f"libmatch.rights.v1.{name}": frozenset({"clerk"}) for name in _SERVICES}
"""Rows of the access table."""

ACTIONS = {
    "ListHeld": (Action.ANSWER_REQUEST,),
    "ListLooks": (Action.ANSWER_REQUEST,),
}
_LARGEST = (1 << 63) - 1


def register(server: grpc.Server, office: RightsOffice) -> None:
    """Adds the three services to ``server``."""
    rights = enforced(Rights(office), ACTIONS, office.accounts)
    rights_pb2_grpc.add_RightsServicer_to_server(rights, server)
    retention = enforced(Retention(office.purge), RETENTION, office.accounts)
    rights_pb2_grpc.add_RetentionServicer_to_server(retention, server)
    rights_pb2_grpc.add_TrailServicer_to_server(Trail(office), server)


class Rights(rights_pb2_grpc.RightsServicer):
    """Messages to use cases and back."""

    def __init__(self, office: RightsOffice) -> None:
        self._office = office

    def ListHeld(
        self, request: pb.ListHeldRequest, context: grpc.ServicerContext
    ) -> pb.ListHeldResponse:
        asked = (request.identifier, request.reason, _day(request.received_on))
        answer = self._office.answer.list_held(caller(context), *asked)
        return pb.ListHeldResponse(
            records=map(_line_to_pb, answer.lines),
            answer_due=answer.due_on.isoformat(),
            unit=self._office.unit_name,
        )

    def ListLooks(
        self, request: pb.ListLooksRequest, context: grpc.ServicerContext
    ) -> pb.ListLooksResponse:
        looks, more = self._office.answer.list_looks(
            caller(context), request.identifier, request.reason
        )
        return pb.ListLooksResponse(looks=map(_look_to_pb, looks), more=more)


class Trail(rights_pb2_grpc.TrailServicer):
    """The trail as its administrator reads it; the use case asks who may."""

    def __init__(self, office: RightsOffice) -> None:
        self._trail = office.trail

    def GetHead(
        self, request: pb.GetHeadRequest, context: grpc.ServicerContext
    ) -> pb.GetHeadResponse:
        del request
        head = self._trail.head(caller(context))
        return pb.GetHeadResponse(seq=head.seq, digest=head.digest)

    def ReadTrail(
        self, request: pb.ReadTrailRequest, context: grpc.ServicerContext
    ) -> pb.ReadTrailResponse:
        if request.after > _LARGEST:
            raise InvalidRequest("a number is below 2^63")
        wanted = TrailFilter(request.subject, request.login, request.action, request.refused)
        page = self._trail.page(caller(context), request.after, request.limit, wanted)
        return pb.ReadTrailResponse(
            entries=map(_entry_to_pb, page), next_after=page[-1].seq if page else 0
        )


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("not an ISO date", "日期应写成 2026-01-31 的形式") from None


def _line_to_pb(line: HeldLine) -> pb.HeldRecord:
    return pb.HeldRecord(
        reference=line.reference,
        category=line.category_zh,
        capacity=line.capacity_zh,
        purpose=line.purpose_zh,
        status=line.status_zh,
        fields=(pb.Field(name=name, value=value) for name, value in line.fields),
        matters=(
            pb.HeldMatter(
                received_at_us=to_micros(one.received_at), item=one.item_zh, state=one.state_zh
            )
            for one in line.matters
        ),
        entered_at_us=to_micros(line.entered_at) if line.entered_at else 0,
        purge_on=line.purge_on.isoformat() if line.purge_on else "",
        correction=line.route_zh,
    )


def _look_to_pb(look: Look) -> pb.Look:
    return pb.Look(
        at_us=to_micros(look.at),
        who=look.who,
        action=look.action,
        action_zh=look.action_zh,
        reason=look.reason,
        outcome=look.outcome,
        whole_list=look.whole_list,
    )


def _entry_to_pb(entry: AuditEntry) -> pb.TrailEntry:
    return pb.TrailEntry(
        seq=entry.seq,
        at_us=to_micros(entry.at),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        reason=entry.reason,
        outcome=entry.outcome,
        digest=entry.digest,
    )
