"""The gRPC service of figures at a unit: of the unit itself, for who may read them (R55)."""

from __future__ import annotations

import grpc

from libmatch.stubs.figures.v1 import figures_pb2_grpc
from services.holder.accounts import Accounts
from services.holder.figures import UnitFigureBook
from services.holder.rpc.enforcement import enforced
from services.process.rpc.figures import ACTIONS, SERVICE, FiguresService

__all__ = ["SERVICE", "register"]


def register(server: grpc.Server, book: UnitFigureBook, accounts: Accounts) -> None:
    """Adds the service to ``server``."""
    servicer = enforced(FiguresService(book), ACTIONS, accounts)
    figures_pb2_grpc.add_FiguresServicer_to_server(servicer, server)
