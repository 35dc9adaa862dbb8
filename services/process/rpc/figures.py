"""The gRPC service of figures, over a unit's own figures or the district's."""

from __future__ import annotations

from datetime import date

import grpc

from libmatch.errors import InputError
from libmatch.stubs.figures.v1 import figures_pb2 as pb
from libmatch.stubs.figures.v1 import figures_pb2_grpc
from services.process.figure_book import DeadlineReport, FigureBook, UnitFigures
from services.process.figures import MatterCounts
from services.process.receivers import WhoReports
from services.rules.deadlines import Late, Step
from services.rules.roles import Action

SERVICE = "libmatch.figures.v1.Figures"
ACTIONS = {
    "ListFigures": (Action.READ_FIGURES,),
    "ListDeadlines": (Action.READ_FIGURES,),
    "ListReceivers": (Action.READ_FIGURES,),
}

_STEPS = {
    Step.STAFF_FORMS: pb.STEP_STAFF_FORMS,
    Step.DECLARATIONS: pb.STEP_DECLARATIONS,
    Step.ITEMS: pb.STEP_ITEMS,
    Step.FIRST_PUBLICATION: pb.STEP_FIRST_PUBLICATION,
}


class FiguresService(figures_pb2_grpc.FiguresServicer):
    """Messages to figures and back."""

    def __init__(self, book: FigureBook) -> None:
        self._book = book

    def ListFigures(
        self, request: pb.ListFiguresRequest, context: grpc.ServicerContext
    ) -> pb.ListFiguresResponse:
        del request, context
        report = self._book.figures()
        return pb.ListFiguresResponse(
            as_of=report.as_of.isoformat(),
            units=map(_figures_to_pb, report.units),
            district=None if report.district is None else _figures_to_pb(report.district),
            missing=(
                pb.MissingUnit(unit=one.unit, display_name=one.display, what=one.what_zh)
                for one in report.missing
            ),
        )

    def ListDeadlines(
        self, request: pb.ListDeadlinesRequest, context: grpc.ServicerContext
    ) -> pb.ListDeadlinesResponse:
        del context
        report = self._book.deadlines(request.campaign)
        return pb.ListDeadlinesResponse(
            campaign=report.campaign,
            as_of=report.as_of.isoformat(),
            deadlines=(
                pb.Deadline(
                    step=_STEPS[one.step],
                    rule=one.rule,
                    due_on=one.due_on.isoformat(),
                    units=one.units,
                    done=one.done,
                )
                for one in report.standings
            ),
            late=(_late_to_pb(late, report) for late in report.late),
        )

    def ListReceivers(
        self, request: pb.ListReceiversRequest, context: grpc.ServicerContext
    ) -> pb.ListReceiversResponse:
        del context
        on = parse_day(request.on) if request.on else None
        found = self._book.receivers(request.unit, on)
        return pb.ListReceiversResponse(units=map(_reporting_to_pb, found))


def parse_day(text: str) -> date:
    """The day of an ISO date. Raises InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("not an ISO date", "日期应写成 2026-01-31 的形式") from None


def add_to_server(book: FigureBook, server: grpc.Server) -> None:
    """Adds the service to ``server``, open to whom the server admits."""
    figures_pb2_grpc.add_FiguresServicer_to_server(FiguresService(book), server)


def _figures_to_pb(one: UnitFigures) -> pb.UnitFigures:
    declared, matters = one.declarations, one.matters
    return pb.UnitFigures(
        unit=one.unit,
        display_name=one.display,
        expected=declared.expected,
        filed=declared.filed,
        filed_late=declared.filed_late,
        late=declared.late,
        declaration_records=one.declaration_records,
        item_records=one.item_records,
        officials=one.officials,
        **{name: getattr(matters, name) for name in _COUNTS},
    )


_COUNTS = tuple(name for name in MatterCounts.__dataclass_fields__ if name != "unit")


def _late_to_pb(late: Late, report: DeadlineReport) -> pb.Late:
    return pb.Late(
        unit=late.unit,
        display_name=report.names.get(late.unit, late.unit),
        step=_STEPS[late.step],
        rule=late.rule,
        due_on=late.due_on.isoformat(),
        done_on=late.done_on.isoformat() if late.done_on else "",
        days=late.days,
        text=late.text_zh,
    )


def _reporting_to_pb(one: WhoReports) -> pb.Reporting:
    return pb.Reporting(
        unit=one.unit.name,
        display_name=one.unit.display,
        who=one.who_zh,
        who_rule=one.who_rule,
        where_rule=one.where.rule,
        receivers=one.where.required,
        copies=one.where.copies,
    )
