"""The gRPC service for the cross-check of declarations."""

from __future__ import annotations

import grpc

from libmatch.stubs.consistency.v1 import consistency_pb2 as pb
from libmatch.stubs.consistency.v1 import consistency_pb2_grpc
from services.chassis.authz import caller
from services.chassis.db import to_micros
from services.holder.accounts import Accounts
from services.holder.rpc.enforcement import enforced
from services.registry.consistency.desk import CheckState, ConsistencyDesk, ShownFinding
from services.registry.consistency.values import FindingState
from services.rules.roles import Action

SERVICE = "libmatch.consistency.v1.Consistency"

_ROUNDS = (Action.IMPORT_DECLARATIONS, Action.REVIEW_DECLARATIONS, Action.RECORD_LEAD)
ACTIONS = {
    "Run": (*_ROUNDS, Action.OPERATE_SYSTEM),
    "GetState": (*_ROUNDS, Action.OPERATE_SYSTEM),
    "ListFindings": (Action.RECORD_LEAD, Action.REVIEW_DECLARATIONS),
    "Dismiss": (Action.RECORD_LEAD,),
    "Settle": (Action.RECORD_LEAD,),
}

_STATE = {
    FindingState.OPEN: pb.FINDING_STATE_OPEN,
    FindingState.CLOSED: pb.FINDING_STATE_CLOSED,
    FindingState.SETTLED: pb.FINDING_STATE_SETTLED,
    FindingState.DISMISSED: pb.FINDING_STATE_DISMISSED,
}


def register(server: grpc.Server, desk: ConsistencyDesk, accounts: Accounts) -> None:
    """Adds the service to ``server``."""
    servicer = enforced(ConsistencyService(desk), ACTIONS, accounts)
    consistency_pb2_grpc.add_ConsistencyServicer_to_server(servicer, server)


class ConsistencyService(consistency_pb2_grpc.ConsistencyServicer):
    """Messages to steps and looks, and back."""

    def __init__(self, desk: ConsistencyDesk) -> None:
        self._desk = desk

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:
        del request
        return pb.RunResponse(state=_state_to_pb(self._desk.run(caller(context))))

    def GetState(
        self, request: pb.GetStateRequest, context: grpc.ServicerContext
    ) -> pb.GetStateResponse:
        del request, context
        return pb.GetStateResponse(state=_state_to_pb(self._desk.state()))

    def ListFindings(
        self, request: pb.ListFindingsRequest, context: grpc.ServicerContext
    ) -> pb.ListFindingsResponse:
        who = (caller(context), request.reason)
        shown = self._desk.list_findings(*who, decided=request.decided)
        return pb.ListFindingsResponse(findings=map(_finding_to_pb, shown))

    def Dismiss(
        self, request: pb.DismissRequest, context: grpc.ServicerContext
    ) -> pb.DismissResponse:
        about = (request.finding_id, FindingState.DISMISSED, request.grounds)
        self._desk.decide(caller(context), *about)
        return pb.DismissResponse()

    def Settle(self, request: pb.SettleRequest, context: grpc.ServicerContext) -> pb.SettleResponse:
        about = (request.finding_id, FindingState.SETTLED, request.grounds)
        self._desk.decide(caller(context), *about)
        return pb.SettleResponse()


def _state_to_pb(state: CheckState) -> pb.State:
    last, found = state.last, state.sorted
    return pb.State(
        made_at_us=to_micros(last.made_at) if last else 0,
        letters=last.letters if last else 0,
        waiting=state.waiting,
        asked=found.claims,
        here=len(found.here),
        unnumbered=found.unnumbered,
        unresolved=(
            pb.UnresolvedUnit(name=name, relatives=count)
            for name, count in found.unresolved.most_common()
        ),
        silent=state.silent,
    )


def _finding_to_pb(shown: ShownFinding) -> pb.Finding:
    finding, told = shown.finding, shown.finding.told
    return pb.Finding(
        finding_id=finding.finding_id,
        state=_STATE[finding.state],
        found_at_us=to_micros(finding.found_at),
        official_name=finding.official_name,
        official_post=finding.official_post,
        declarant_name=told.name,
        declarant_unit=told.unit,
        declarant_post=told.post,
        relation=told.relation,
        told_by=shown.sender_name,
        grounds=finding.grounds,
        decided_by=finding.decided_by,
    )
