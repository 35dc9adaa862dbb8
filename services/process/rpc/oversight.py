"""The gRPC service that counts statements for who oversees them (R50): of one unit, or of all."""

from __future__ import annotations

import grpc

from libmatch.stubs.statements.v1 import statements_pb2 as pb
from libmatch.stubs.statements.v1 import statements_pb2_grpc
from services.chassis.authz import caller
from services.process.statements import StatementBook
from services.rules.roles import Action

SERVICE = "libmatch.statements.v1.Oversight"
ACTIONS = {"CountStatements": (Action.READ_STATEMENTS,)}


class Oversight(statements_pb2_grpc.OversightServicer):
    """Counts to messages."""

    def __init__(self, book: StatementBook) -> None:
        self._book = book

    def CountStatements(
        self, request: pb.CountStatementsRequest, context: grpc.ServicerContext
    ) -> pb.CountStatementsResponse:
        del request
        report = self._book.count(caller(context))
        return pb.CountStatementsResponse(
            as_of=report.as_of.isoformat(),
            units=(
                pb.UnitStatements(
                    unit=one.unit,
                    display_name=report.names.get(one.unit, one.unit),
                    owed=one.owed,
                    complete=one.complete,
                    partial=one.partial,
                    overdue=one.overdue,
                )
                for one in report.units
            ),
        )


def add_to_server(book: StatementBook, server: grpc.Server) -> None:
    """Adds the service to ``server``, open to whom the server admits."""
    statements_pb2_grpc.add_OversightServicer_to_server(Oversight(book), server)
