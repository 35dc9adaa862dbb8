"""The client of a unit's outbox, at either of its services. Raises ServiceError."""

from __future__ import annotations

import grpc

from libmatch.stubs.outbox.v1 import outbox_pb2, outbox_pb2_grpc

_LONG_S = 290.0  # a file has some 32 MiB; services end calls after 300 s


class OutboxClient:
    """``libmatch.outbox.v1.Outbox``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = outbox_pb2_grpc.OutboxStub(channel)

    def export(self, after: int) -> bytes:
        """The file with the messages behind number ``after``; empty where there are none."""
        request = outbox_pb2.ExportRequest(after=after)
        return b"".join(piece.data for piece in self._stub.Export(request, timeout=_LONG_S))
