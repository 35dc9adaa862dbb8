"""The gRPC service that counts what has ended and erases it (R65), of a unit or of 纪委."""

from __future__ import annotations

import grpc

from libmatch.stubs.rights.v1 import rights_pb2 as pb
from libmatch.stubs.rights.v1 import rights_pb2_grpc
from services.chassis.authz import caller
from services.process.retention import Purge, total_of
from services.rules.roles import Action

SERVICE = "libmatch.rights.v1.Retention"
ACTIONS = {
    "CountDue": (Action.PURGE_ENDED, Action.ANSWER_REQUEST),
    "Purge": (Action.PURGE_ENDED,),
}


class Retention(rights_pb2_grpc.RetentionServicer):
    """Messages to the use case and back; who may is asked before."""

    def __init__(self, purge: Purge) -> None:
        self._purge = purge

    def CountDue(
        self, request: pb.CountDueRequest, context: grpc.ServicerContext
    ) -> pb.CountDueResponse:
        del request, context
        due = self._purge.count_due()
        counts = [pb.DueCount(what=d.what_zh, count=d.count, ground=d.ground_zh) for d in due]
        return pb.CountDueResponse(due=counts, total=total_of(due))

    def Purge(self, request: pb.PurgeRequest, context: grpc.ServicerContext) -> pb.PurgeResponse:
        done = self._purge.run(caller(context), request.total, request.reason)
        return pb.PurgeResponse(purged=done.purged, left=done.left, traces_left=done.traces_left)


def add_to_server(purge: Purge, server: grpc.Server) -> None:
    """Adds the service to ``server``, open to whom the server admits."""
    rights_pb2_grpc.add_RetentionServicer_to_server(Retention(purge), server)
