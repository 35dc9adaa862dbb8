"""The gRPC services of random checks and of leads, for the clerks of a unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import grpc

from services.holder.supervision import Supervision
from services.process.rpc import draws, leads

ROWS = {draws.SERVICE: frozenset({"clerk"}), leads.SERVICE: frozenset({"clerk"})}
"""Whom the access table lets in: people alone, no system of the unit."""


def register(server: grpc.Server, supervision: Supervision, now: Callable[[], datetime]) -> None:
    """Adds both services to ``server``."""
    draws.register(server, supervision.draws)
    leads.register(server, supervision.leads, now)
