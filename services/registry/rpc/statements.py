"""The gRPC services of yearly statements: for worker and leader, and counts for who oversees them."""

from __future__ import annotations

from datetime import date

import grpc

from libmatch.errors import InputError
from libmatch.stubs.statements.v1 import statements_pb2 as pb
from libmatch.stubs.statements.v1 import statements_pb2_grpc
from services.chassis.authz import caller
from services.holder.accounts import Accounts
from services.holder.rpc.enforcement import enforced
from services.process.rpc import oversight
from services.registry.statements import Held, Shown, YearlyStatements, check_year
from services.registry.store.statements import OwnMatter
from services.rules.roles import Action
from services.rules.statements import Meeting, Statement

SERVICE = "libmatch.statements.v1.Statements"
OVERSIGHT = oversight.SERVICE
ACTIONS = {
    "ListDue": (Action.READ_STATEMENTS,),
    "RecordStatement": (Action.RECORD_STATEMENT,),
}
_ID_SIZE = 16
_MOST_CASES = 1000
_MEETINGS = {meeting: getattr(pb, f"MEETING_{meeting.name}") for meeting in Meeting}
_MEETING_OF = {number: meeting for meeting, number in _MEETINGS.items()}


def register(server: grpc.Server, use: YearlyStatements, accounts: Accounts) -> None:
    """Adds both services to ``server``."""
    statements = enforced(Statements(use), ACTIONS, accounts)
    statements_pb2_grpc.add_StatementsServicer_to_server(statements, server)
    counts = enforced(oversight.Oversight(use), oversight.ACTIONS, accounts)
    statements_pb2_grpc.add_OversightServicer_to_server(counts, server)


class Statements(statements_pb2_grpc.StatementsServicer):
    """Messages to use cases and back."""

    def __init__(self, use: YearlyStatements) -> None:
        self._use = use

    def ListDue(
        self, request: pb.ListDueRequest, context: grpc.ServicerContext
    ) -> pb.ListDueResponse:
        shown = self._use.list_due(caller(context), request.year, request.reason)
        return pb.ListDueResponse(dues=map(_due_to_pb, shown))

    def RecordStatement(
        self, request: pb.RecordStatementRequest, context: grpc.ServicerContext
    ) -> pb.RecordStatementResponse:
        return pb.RecordStatementResponse(
            due=_due_to_pb(self._use.record(caller(context), _pb_to_held(request)))
        )


def _pb_to_held(request: pb.RecordStatementRequest) -> Held:
    ids = frozenset(request.case_ids)
    if any(len(one) != _ID_SIZE for one in (*ids, request.official_ref)):
        raise InputError("an id is 16 bytes", "编号应为列表中显示的32位字符")
    if not 1 <= len(ids) <= _MOST_CASES:
        raise InputError("a statement explains matters", "请列出已说明的涉权事项")
    if request.meeting not in _MEETING_OF:
        raise InputError("an enum has an unknown value", "“会议类型”没有填写或无法识别")
    try:
        held_on = date.fromisoformat(request.held_on)
    except ValueError:
        raise InputError("not an ISO date", "日期应写成 2026-01-31 的形式") from None
    year = check_year(request.year)
    return Held(request.official_ref, year, _MEETING_OF[request.meeting], held_on, ids)


def _due_to_pb(shown: Shown) -> pb.Due:
    return pb.Due(
        official_ref=bytes.fromhex(shown.due.official),
        official_name=shown.name,
        year=shown.due.year,
        meetings=(_MEETINGS[meeting] for meeting in shown.meetings),
        due_on=shown.due.due_on.isoformat(),
        overdue=shown.overdue,
        matters=(_explained_to_pb(*pair) for pair in shown.explained),
    )


def _explained_to_pb(matter: OwnMatter, statement: Statement | None) -> pb.Explained:
    return pb.Explained(
        case_id=matter.case_id,
        item_name=matter.item_name,
        known_on=matter.known_on.isoformat(),
        meeting=_MEETINGS[statement.meeting] if statement else pb.MEETING_UNSPECIFIED,
        held_on=statement.held_on.isoformat() if statement else "",
    )
