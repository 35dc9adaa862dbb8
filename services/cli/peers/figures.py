"""The client of figures, at a unit's service or 纪委's, and of 纪委's register. Raises ServiceError."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from libmatch.stubs.figures.v1 import figures_pb2 as pb
from libmatch.stubs.figures.v1 import figures_pb2_grpc

_LONG_S = 290.0  # a district has thousands of matters; services end calls after 300 s

POSTS = {
    "责任领导": pb.STAFF_POST_RESPONSIBLE_LEADER,
    "工作人员": pb.STAFF_POST_WORKER,
}
_POST_ZH = {number: zh for zh, number in POSTS.items()}


@dataclass(frozen=True)
class UnitLine:
    """One unit's figures; ``counts`` by the names of the protobuf fields, zeros too."""

    unit: str
    display_name: str
    counts: dict[str, int]


@dataclass(frozen=True)
class FigureLines:
    """Figures as of a day. ``missing``: (unit, name, what is wrong in Chinese)."""

    as_of: str
    units: tuple[UnitLine, ...]
    district: UnitLine | None
    missing: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class DeadlineLine:
    """A deadline: ``rule``, its last day in time, units that it concerns, units that have done it."""

    rule: str
    due_on: str
    units: int
    done: int


@dataclass(frozen=True)
class LateLine:
    """A unit that is or was late; ``text`` in Chinese."""

    unit: str
    display_name: str
    rule: str
    due_on: str
    done_on: str
    days: int
    text: str


@dataclass(frozen=True)
class DeadlineLines:
    """A campaign as of a day."""

    campaign: str
    as_of: str
    deadlines: tuple[DeadlineLine, ...]
    late: tuple[LateLine, ...]


@dataclass(frozen=True)
class ReportingLine:
    """Who of a unit reports, and where."""

    unit: str
    display_name: str
    who: str
    who_rule: str
    where_rule: str
    receivers: tuple[str, ...]
    copies: tuple[str, ...]


@dataclass(frozen=True)
class FilingLine:
    """A staff form on file; ``post`` in Chinese."""

    unit: str
    display_name: str
    post: str
    number: str
    filed_on: str


class FiguresClient:
    """``libmatch.figures.v1.Figures``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = figures_pb2_grpc.FiguresStub(channel)

    def list_figures(self) -> FigureLines:
        """How far declarations and matters have come."""
        told = self._stub.ListFigures(pb.ListFiguresRequest(), timeout=_LONG_S)
        district = _pb_to_unit(told.district) if told.HasField("district") else None
        missing = tuple((one.unit, one.display_name, one.what) for one in told.missing)
        return FigureLines(told.as_of, tuple(map(_pb_to_unit, told.units)), district, missing)

    def list_deadlines(self, campaign: str = "") -> DeadlineLines:
        """What is late by that campaign, the newest for ""."""
        request = pb.ListDeadlinesRequest(campaign=campaign)
        told = self._stub.ListDeadlines(request, timeout=_LONG_S)
        deadlines = (DeadlineLine(d.rule, d.due_on, d.units, d.done) for d in told.deadlines)
        late = (
            LateLine(
                one.unit, one.display_name, one.rule, one.due_on, one.done_on, one.days, one.text
            )
            for one in told.late
        )
        return DeadlineLines(told.campaign, told.as_of, tuple(deadlines), tuple(late))

    def list_receivers(self, unit: str = "", on: str = "") -> list[ReportingLine]:
        """Whose people report to ``unit`` on that day (ISO 8601, "" for today)."""
        told = self._stub.ListReceivers(pb.ListReceiversRequest(unit=unit, on=on))
        return [
            ReportingLine(
                one.unit,
                one.display_name,
                one.who,
                one.who_rule,
                one.where_rule,
                tuple(one.receivers),
                tuple(one.copies),
            )
            for one in told.units
        ]


class FilingsClient:
    """``libmatch.figures.v1.Filings``, at 纪委's service alone."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = figures_pb2_grpc.FilingsStub(channel)

    def record(self, unit: str, post: str, number: str, filed_on: str) -> None:
        """Keeps that the unit's form was filed; ``post`` is one of ``POSTS``, the day ISO 8601."""
        request = pb.RecordFilingRequest(
            unit=unit, post=POSTS[post], number=number, filed_on=filed_on
        )
        self._stub.RecordFiling(request)

    def list_all(self) -> list[FilingLine]:
        """What is filed."""
        told = self._stub.ListFilings(pb.ListFilingsRequest())
        return [
            FilingLine(f.unit, f.display_name, _POST_ZH.get(f.post, ""), f.number, f.filed_on)
            for f in told.filings
        ]


_COUNTS = tuple(
    field.name
    for field in pb.UnitFigures.DESCRIPTOR.fields
    if field.name not in ("unit", "display_name")
)


def _pb_to_unit(one: pb.UnitFigures) -> UnitLine:
    counts = {name: getattr(one, name) for name in _COUNTS}
    return UnitLine(one.unit, one.display_name, counts)
