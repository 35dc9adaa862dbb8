"""The gRPC service that hands out a unit's outbox as files, for its clerks."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from libmatch.stubs.outbox.v1 import outbox_pb2, outbox_pb2_grpc
from services.chassis.authz import caller
from services.holder.accounts import Accounts
from services.holder.export_outbox import ExportOutbox
from services.holder.rpc import MAX_CHUNK_BYTES
from services.holder.rpc.enforcement import enforced
from services.rules.roles import Action

SERVICE = "libmatch.outbox.v1.Outbox"


def register(
    server: grpc.Server, export: ExportOutbox, accounts: Accounts, actions: tuple[Action, ...]
) -> None:
    """Adds the service to ``server``; who may do one of ``actions`` may export."""
    servicer = enforced(Outbox(export), {"Export": actions}, accounts)
    outbox_pb2_grpc.add_OutboxServicer_to_server(servicer, server)


class Outbox(outbox_pb2_grpc.OutboxServicer):
    """Files as pieces."""

    def __init__(self, export: ExportOutbox) -> None:
        self._export = export

    def Export(
        self, request: outbox_pb2.ExportRequest, context: grpc.ServicerContext
    ) -> Iterator[outbox_pb2.ExportResponse]:
        _, data = self._export.run(caller(context), request.after) or (None, b"")
        for start in range(0, len(data), MAX_CHUNK_BYTES):
            yield outbox_pb2.ExportResponse(data=data[start : start + MAX_CHUNK_BYTES])
