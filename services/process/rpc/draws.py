"""The gRPC service of random checks: messages to use cases and back."""

from __future__ import annotations

import grpc

from libmatch.errors import InputError
from libmatch.stubs.draws.v1 import draws_pb2 as pb
from libmatch.stubs.draws.v1 import draws_pb2_grpc
from services.chassis.authz import caller
from services.chassis.identity import Identity
from services.process.draws.checking import ShownItem, Year, YearQuota
from services.process.draws.desk import Wanted
from services.process.draws.held import DRAW_ID_SIZE, DrawState, HeldDraw
from services.process.draws.office import DrawOffice
from services.process.moments import to_us
from services.rules.checks import CheckKind, CheckVerdict

SERVICE = "libmatch.draws.v1.Draws"

_KINDS = {kind: getattr(pb, f"CHECK_KIND_{kind.name}") for kind in CheckKind}
_KIND_OF = {number: kind for kind, number in _KINDS.items()}
_STATES = {state: getattr(pb, f"DRAW_STATE_{state.name}") for state in DrawState}
_VERDICTS = {verdict: getattr(pb, f"CHECK_VERDICT_{verdict.name}") for verdict in CheckVerdict}
_VERDICT_OF = {number: verdict for verdict, number in _VERDICTS.items()}
_MOST_PARTIES = 32
_LONGEST = 500  # of a text that a checker writes


def register(server: grpc.Server, office: DrawOffice) -> None:
    """Adds the service to ``server``."""
    draws_pb2_grpc.add_DrawsServicer_to_server(Draws(office), server)


class Draws(draws_pb2_grpc.DrawsServicer):
    """Messages to use cases and back."""

    def __init__(self, office: DrawOffice) -> None:
        self._desk = office.desk
        self._checks = office.checks
        self._party_of = office.subjects.party_of

    def PlanDraw(
        self, request: pb.PlanDrawRequest, context: grpc.ServicerContext
    ) -> pb.PlanDrawResponse:
        if request.kind not in _KIND_OF:
            raise InputError("an enum has an unknown value", "“抽查类别”没有填写或无法识别")
        if len(request.parties) > _MOST_PARTIES or not 2000 <= request.year <= 9999:
            raise InputError("parties or year", "参加方过多，或年度不正确")
        kind, parties = _KIND_OF[request.kind], tuple(sorted(set(request.parties)))
        wanted = Wanted(kind, request.year, request.unit, parties, request.percent)
        who = caller(context)
        return pb.PlanDrawResponse(draw=self._one(who, self._desk.plan(who, wanted)))

    def Commit(self, request: pb.CommitRequest, context: grpc.ServicerContext) -> pb.CommitResponse:
        who = caller(context)
        held = self._desk.commit(who, _draw_id(request.draw_id), request.commitment)
        return pb.CommitResponse(draw=self._one(who, held))

    def Reveal(self, request: pb.RevealRequest, context: grpc.ServicerContext) -> pb.RevealResponse:
        who, draw_id = caller(context), _draw_id(request.draw_id)
        held = self._desk.reveal(who, draw_id, request.nonce, request.value)
        return pb.RevealResponse(draw=self._one(who, held))

    def VoidDraw(
        self, request: pb.VoidDrawRequest, context: grpc.ServicerContext
    ) -> pb.VoidDrawResponse:
        who = caller(context)
        held = self._desk.void(who, _draw_id(request.draw_id), request.reason)
        return pb.VoidDrawResponse(draw=self._one(who, held))

    def RepeatDraw(
        self, request: pb.RepeatDrawRequest, context: grpc.ServicerContext
    ) -> pb.RepeatDrawResponse:
        who, more = caller(context), request.more_parties[: _MOST_PARTIES + 1]
        held = self._desk.repeat(who, _draw_id(request.draw_id), more)
        return pb.RepeatDrawResponse(draw=self._one(who, held))

    def GetDraw(
        self, request: pb.GetDrawRequest, context: grpc.ServicerContext
    ) -> pb.GetDrawResponse:
        who = caller(context)
        held = self._checks.get(who, _draw_id(request.draw_id))
        return pb.GetDrawResponse(
            draw=self._one(who, held),
            record=held.draw.encode(),
            items=sorted(held.quota.population),
            drawn=held.drawn,
        )

    def ListDraws(
        self, request: pb.ListDrawsRequest, context: grpc.ServicerContext
    ) -> pb.ListDrawsResponse:
        who = caller(context)
        year = self._checks.year(who, request.year)
        return pb.ListDrawsResponse(
            draws=(self._draw(who, held, year) for held in year.draws),
            quotas=map(_quota_to_pb, year.quotas),
        )

    def ShowDrawnItems(
        self, request: pb.ShowDrawnItemsRequest, context: grpc.ServicerContext
    ) -> pb.ShowDrawnItemsResponse:
        shown = self._checks.show(caller(context), _draw_id(request.draw_id), request.reason)
        return pb.ShowDrawnItemsResponse(items=map(_item_to_pb, shown))

    def RecordResult(
        self, request: pb.RecordResultRequest, context: grpc.ServicerContext
    ) -> pb.RecordResultResponse:
        if request.verdict not in _VERDICT_OF:
            raise InputError("an enum has an unknown value", "“抽查结果”没有填写或无法识别")
        if len(request.grounds) > _LONGEST:
            raise InputError("the grounds are too long", f"“抽查情况”最多{_LONGEST}字")
        who, verdict = caller(context), _VERDICT_OF[request.verdict]
        about = (_draw_id(request.draw_id), request.item)
        held = self._checks.record(who, *about, verdict, request.grounds, request.lead_id)
        return pb.RecordResultResponse(draw=self._one(who, held))

    def FinishDraw(
        self, request: pb.FinishDrawRequest, context: grpc.ServicerContext
    ) -> pb.FinishDrawResponse:
        who = caller(context)
        held = self._checks.finish(who, _draw_id(request.draw_id))
        return pb.FinishDrawResponse(draw=self._one(who, held))

    def _one(self, who: Identity, held: HeldDraw) -> pb.Draw:
        return self._draw(who, held, self._checks.sum_up(held))

    def _draw(self, who: Identity, held: HeldDraw, year: Year) -> pb.Draw:
        plan, own = held.draw.plan, self._party_of(who)
        return pb.Draw(
            draw_id=held.draw_id,
            kind=_KINDS[held.quota.kind],
            unit=held.quota.unit,
            year=held.quota.year,
            title=plan.title,
            percent=plan.percent,
            size=plan.size,
            count=plan.count,
            state=_STATES[held.state],
            parties=plan.parties,
            missing=held.missing,
            planned_by=held.planned_by,
            planned_at_us=to_us(held.planned_at),
            checked=len(held.results),
            replaces=held.replaces or b"",
            due_on=held.due_on(year.rules).isoformat(),
            overdue=year.is_overdue(held),
            own_party=own if own in plan.parties else "",
        )


def _draw_id(data: bytes) -> bytes:
    if len(data) != DRAW_ID_SIZE:
        raise InputError("a draw id is 16 bytes", "抽查编号应为列表中显示的32位字符")
    return data


def _quota_to_pb(shown: YearQuota) -> pb.Quota:
    quota, coverage = shown.quota, shown.coverage
    return pb.Quota(
        kind=_KINDS[quota.kind],
        unit=quota.unit,
        percent=quota.percent,
        size=len(quota.population),
        required=coverage.required,
        checked=coverage.checked,
        not_drawn_from=shown.new,
        due_on=shown.due_on.isoformat(),
        overdue=shown.overdue,
    )


def _item_to_pb(shown: ShownItem) -> pb.DrawnItem:
    fields = (pb.Field(heading=heading, text=text) for heading, text in shown.fields)
    message = pb.DrawnItem(item=shown.item, fields=fields)
    if shown.result is not None:
        message.verdict = _VERDICTS[shown.result.verdict]
        message.grounds, message.checked_by = shown.result.grounds, shown.result.checked_by
        message.checked_on = shown.result.checked_on.isoformat()
        message.lead_id = bytes.fromhex(shown.result.lead_reference)
    return message
