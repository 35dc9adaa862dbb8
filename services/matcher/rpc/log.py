"""Log: what everybody may call."""

# ruff: noqa: ARG002  # the signatures are gRPC's

from __future__ import annotations

import grpc

from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from services.matcher.log import AuditLog


class LogService(pb_grpc.LogServicer):
    """Checkpoints and proofs."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def GetCheckpoint(
        self, request: pb.GetCheckpointRequest, context: grpc.ServicerContext
    ) -> pb.GetCheckpointResponse:
        return pb.GetCheckpointResponse(checkpoint=self._log.get_checkpoint())

    def GetInclusionProof(
        self, request: pb.GetInclusionProofRequest, context: grpc.ServicerContext
    ) -> pb.GetInclusionProofResponse:
        leaf, path = self._log.prove_inclusion(request.leaf_index, request.tree_size)
        return pb.GetInclusionProofResponse(leaf_hash=leaf, path=path)

    def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, context: grpc.ServicerContext
    ) -> pb.GetConsistencyProofResponse:
        path = self._log.prove_consistency(request.old_size, request.new_size)
        return pb.GetConsistencyProofResponse(path=path)
