"""The matcher's gRPC services, cut by caller (a service is a permission), and who may call which."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from services.chassis.authz import AccessTable
from services.matcher.epoch import EpochFolder
from services.matcher.gate import Gate
from services.matcher.intake import Intake
from services.matcher.letters import Letters
from services.matcher.log import AuditLog
from services.matcher.release import Notices
from services.matcher.reports import Reports
from services.matcher.review import Review
from services.matcher.rpc.log import LogService
from services.matcher.rpc.review import ReviewService
from services.matcher.rpc.units import GateService, IntakeService, MailboxService
from services.matcher.store.mailbox import Mailbox
from services.matcher.store.reports import ReportStore
from services.matcher.store.reviews import Reviews

ACCESS = AccessTable(
    {
        "libmatch.matcher.v1.Intake": {"unit"},
        "libmatch.matcher.v1.Gate": {"unit"},
        "libmatch.matcher.v1.Mailbox": {"unit"},
        "libmatch.matcher.v1.Review": {"inspector"},
        "libmatch.matcher.v1.Log": {"unit", "inspector"},
    }
)


@dataclass(frozen=True)
class UseCases:
    """All that the handlers call."""

    epochs: EpochFolder
    intake: Intake
    gate: Gate
    mailbox: Mailbox
    notices: Notices
    report_store: ReportStore
    reports: Reports
    letters: Letters
    reviews: Reviews
    review: Review
    log: AuditLog


def register(server: grpc.Server, use: UseCases) -> None:
    """Add the five services to ``server``."""
    pb_grpc.add_IntakeServicer_to_server(IntakeService(use.intake, use.epochs), server)
    pb_grpc.add_GateServicer_to_server(GateService(use.gate), server)
    pb_grpc.add_MailboxServicer_to_server(
        MailboxService(use.mailbox, use.notices, use.report_store, use.reports, use.letters), server
    )
    pb_grpc.add_ReviewServicer_to_server(
        ReviewService(use.reviews, use.review, use.notices, use.report_store), server
    )
    pb_grpc.add_LogServicer_to_server(LogService(use.log), server)
