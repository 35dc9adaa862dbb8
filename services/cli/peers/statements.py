"""The client of yearly statements: a registry's, and of who oversees them. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from libmatch.stubs.statements.v1 import statements_pb2 as pb
from libmatch.stubs.statements.v1 import statements_pb2_grpc

_LONG_S = 290.0  # a district has thousands of matters; services end calls after 300 s

MEETINGS = {
    "民主生活会": pb.MEETING_DEMOCRATIC_LIFE,
    "组织生活会": pb.MEETING_ORGANISATION_LIFE,
    "领导班子会": pb.MEETING_LEADING_GROUP,
    "干部职工会": pb.MEETING_STAFF,
}
_MEETING_ZH = {number: zh for zh, number in MEETINGS.items()}


@dataclass(frozen=True)
class ExplainedLine:
    """A matter; ``meeting`` in Chinese and ``held_on`` "" while it is not explained. Days ISO 8601."""

    case_id: str
    item_name: str
    known_on: str
    meeting: str
    held_on: str


@dataclass(frozen=True)
class DueLine:
    """One official and year. References as hex; ``meetings`` in Chinese."""

    official_ref: str
    official_name: str
    year: int
    meetings: tuple[str, ...]
    due_on: str
    overdue: bool
    matters: tuple[ExplainedLine, ...]

    @property
    def missing(self) -> int:
        """How many matters are not explained."""
        return sum(not matter.meeting for matter in self.matters)


@dataclass(frozen=True)
class UnitStatementsLine:
    """How the statements of a unit stand."""

    unit: str
    display_name: str
    owed: int
    complete: int
    partial: int
    overdue: int


class StatementsClient:
    """``libmatch.statements.v1.Statements``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = statements_pb2_grpc.StatementsStub(channel)

    def list_due(self, year: int = 0, reason: str = "") -> list[DueLine]:
        """What officials owe, of one year or of all (0)."""
        told = self._stub.ListDue(pb.ListDueRequest(year=year, reason=reason))
        return list(map(_pb_to_due, told.dues))

    def record(
        self, official: bytes, year: int, meeting: str, held_on: str, case_ids: Sequence[bytes]
    ) -> DueLine:
        """Keeps the statement; ``meeting`` is one of ``MEETINGS``. What is still owed for the year."""
        request = pb.RecordStatementRequest(
            official_ref=official,
            year=year,
            meeting=MEETINGS[meeting],
            held_on=held_on,
            case_ids=case_ids,
        )
        return _pb_to_due(self._stub.RecordStatement(request).due)


class OversightClient:
    """``libmatch.statements.v1.Oversight``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = statements_pb2_grpc.OversightStub(channel)

    def count(self) -> tuple[str, list[UnitStatementsLine]]:
        """The day of the counts, and the counts by unit."""
        told = self._stub.CountStatements(pb.CountStatementsRequest(), timeout=_LONG_S)
        return told.as_of, [
            UnitStatementsLine(u.unit, u.display_name, u.owed, u.complete, u.partial, u.overdue)
            for u in told.units
        ]


def _pb_to_due(due: pb.Due) -> DueLine:
    return DueLine(
        due.official_ref.hex(),
        due.official_name,
        due.year,
        tuple(_MEETING_ZH.get(meeting, "") for meeting in due.meetings),
        due.due_on,
        due.overdue,
        tuple(
            ExplainedLine(
                one.case_id.hex(),
                one.item_name,
                one.known_on,
                _MEETING_ZH.get(one.meeting, ""),
                one.held_on,
            )
            for one in due.matters
        ),
    )
