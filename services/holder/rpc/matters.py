"""The gRPC service of matters, offered by both services of a unit to its clerks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

import grpc

from libmatch.errors import InputError
from libmatch.stubs.matters.v1 import matters_pb2 as pb
from libmatch.stubs.matters.v1 import matters_pb2_grpc
from services.chassis.authz import caller
from services.holder.matters.desk import At, Finding
from services.holder.matters.office import MatterOffice
from services.holder.matters.posted import Form
from services.holder.matters.showing import Shown
from services.process.entries import Entry
from services.process.moments import to_us
from services.rules.matter_facts import Measure, MeasureKind, Recipient, State, Verdict
from services.rules.matter_steps import Because, Conclude, Inform, Object, Step, TakeMeasure
from services.rules.public_notice import Hotline
from services.rules.publication import Place, PublicationClock

Value = TypeVar("Value")

SERVICE = "libmatch.matters.v1.Matters"
CONFIRMATIONS = "libmatch.matters.v1.MatterConfirmations"
OFFICERS = frozenset({"officer"})

_STATES = {state: getattr(pb, f"MATTER_STATE_{state.name}") for state in State}
_VERDICTS = {
    pb.VERDICT_COMPLIANT: Verdict.COMPLIANT,
    pb.VERDICT_NOT_COMPLIANT: Verdict.NOT_COMPLIANT,
}
_KINDS = {
    pb.MEASURE_KIND_CANCELLED: MeasureKind.CANCELLED,
    pb.MEASURE_KIND_STOPPED: MeasureKind.STOPPED,
    pb.MEASURE_KIND_OTHER: MeasureKind.OTHER,
}
_RECIPIENTS = {
    pb.RECIPIENT_UNIT: Recipient.UNIT,
    pb.RECIPIENT_OFFICIAL: Recipient.OFFICIAL,
}
_FORMS = {
    pb.EXPORT_FORM_HTML: Form.HTML,
    pb.EXPORT_FORM_JSON: Form.JSON,
    pb.EXPORT_FORM_ATOM: Form.ATOM,
}


def register(server: grpc.Server, office: MatterOffice) -> None:
    """Adds both services to ``server``: what clerks do, and what officers of 纪委 answer."""
    matters_pb2_grpc.add_MattersServicer_to_server(Matters(office), server)
    confirmations = Confirmations(office)
    matters_pb2_grpc.add_MatterConfirmationsServicer_to_server(confirmations, server)


class Confirmations(matters_pb2_grpc.MatterConfirmationsServicer):
    """For officers alone; nothing of a matter is shown to them here."""

    def __init__(self, office: MatterOffice) -> None:
        self._office = office

    def Confirm(
        self, request: pb.ConfirmRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmResponse:
        case_id = _case_id(request.case_id)
        self._office.confirm.run(caller(context), case_id, request.reason)
        state = self._office.show.after_step(case_id).matter.state
        return pb.ConfirmResponse(state=_STATES[state])


class Matters(matters_pb2_grpc.MattersServicer):
    """Messages to use cases and back."""

    def __init__(self, office: MatterOffice) -> None:
        self._office = office
        self._desk = office.desk

    def ListMatters(
        self, request: pb.ListMattersRequest, context: grpc.ServicerContext
    ) -> pb.ListMattersResponse:
        known = {number: state for state, number in _STATES.items()}
        states = [_pick(known, number, "状态") for number in request.states]
        who, overdue = caller(context), request.overdue
        shown = self._office.show.list(who, states, request.reason, overdue=overdue)
        return pb.ListMattersResponse(matters=[_matter_to_pb(one) for one in shown])

    def GetMatter(
        self, request: pb.GetMatterRequest, context: grpc.ServicerContext
    ) -> pb.GetMatterResponse:
        case_id = _case_id(request.case_id)
        shown = self._office.show.get(caller(context), case_id, request.reason)
        return pb.GetMatterResponse(matter=_matter_to_pb(shown, with_steps=True))

    def Inform(self, request: pb.InformRequest, context: grpc.ServicerContext) -> pb.InformResponse:
        at, to = _at(request.at), _pick(_RECIPIENTS, request.recipient, "抄送对象")
        self._desk.inform(caller(context), at, to, request.reference)
        return pb.InformResponse(matter=self._after(at))

    def Take(self, request: pb.TakeRequest, context: grpc.ServicerContext) -> pb.TakeResponse:
        at = _at(request.at)
        self._desk.take(caller(context), at)
        return pb.TakeResponse(matter=self._after(at))

    def RecordOutcome(
        self, request: pb.RecordOutcomeRequest, context: grpc.ServicerContext
    ) -> pb.RecordOutcomeResponse:
        at, verdict = _at(request.at), _pick(_VERDICTS, request.verdict, "核查结果")
        texts = (request.grounds, request.verified_by, request.replaces_because)
        self._desk.conclude(caller(context), at, Finding(verdict, *texts))
        return pb.RecordOutcomeResponse(matter=self._after(at))

    def RecordMeasure(
        self, request: pb.RecordMeasureRequest, context: grpc.ServicerContext
    ) -> pb.RecordMeasureResponse:
        at = _at(request.at)
        self._desk.measure(caller(context), at, _measure_of(request))
        return pb.RecordMeasureResponse(matter=self._after(at))

    def Post(self, request: pb.PostRequest, context: grpc.ServicerContext) -> pb.PostResponse:
        at = _at(request.at)
        if len(request.hotlines) != 2:
            text = "请填写两个监督举报电话：纪检机构、主管单位（规则R44）"
            raise InputError("a notice has two hotlines", text)
        first, second = (Hotline(line.office, line.number) for line in request.hotlines)
        born = _day(request.born_on, "受益人出生日期") if request.born_on else None
        self._desk.post(caller(context), at, (first, second), request.remark, born)
        return pb.PostResponse(matter=self._after(at))

    def TakeDown(
        self, request: pb.TakeDownRequest, context: grpc.ServicerContext
    ) -> pb.TakeDownResponse:
        at = _at(request.at)
        self._desk.take_down(caller(context), at)
        return pb.TakeDownResponse(matter=self._after(at))

    def Object(self, request: pb.ObjectRequest, context: grpc.ServicerContext) -> pb.ObjectResponse:
        at = _at(request.at)
        self._desk.object(caller(context), at, request.reference)
        return pb.ObjectResponse(matter=self._after(at))

    def Dispute(
        self, request: pb.DisputeRequest, context: grpc.ServicerContext
    ) -> pb.DisputeResponse:
        at = _at(request.at)
        self._desk.dispute(caller(context), at, request.reason)
        return pb.DisputeResponse(matter=self._after(at))

    def ExportNotices(
        self, request: pb.ExportNoticesRequest, context: grpc.ServicerContext
    ) -> pb.ExportNoticesResponse:
        form = _pick(_FORMS, request.form, "格式")
        who, export = caller(context), self._office.export
        if form is not Form.ATOM and not request.case_id:
            return pb.ExportNoticesResponse(
                notices=[
                    pb.ExportedNotice(notice_id=str(number), text=text)
                    for number, text in export.run_all(who, form, request.reason).items()
                ]
            )
        case_id = b"" if form is Form.ATOM else _case_id(request.case_id)
        return pb.ExportNoticesResponse(text=export.run(who, form, case_id, request.reason))

    def _after(self, at: At) -> pb.Matter:
        return _matter_to_pb(self._office.show.after_step(at.case_id), with_steps=True)


# --- messages to values ---------------------------------------------------------------------------


def _pick(known: Mapping[Any, Value], number: int, what_zh: str) -> Value:
    if number not in known:
        raise InputError("an enum has an unknown value", f"“{what_zh}”没有填写或无法识别")
    return known[number]


def _case_id(data: bytes) -> bytes:
    if len(data) != 16:
        raise InputError("a case id is 16 bytes", "事项编号应为列表中显示的32位字符")
    return data


def _at(at: pb.At) -> At:
    return At(_case_id(at.case_id), at.version)


def _day(text: str, what_zh: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("a date is ISO", f"“{what_zh}”应为日期，如2018-09-03") from None


def _measure_of(request: pb.RecordMeasureRequest) -> Measure:
    return Measure(
        _pick(_KINDS, request.kind, "处理方式"),
        request.detail,
        _day(request.decided_on, "处理日期"),
        request.told,
        _day(request.told_on, "告知日期"),
        request.lead_to,
        request.lead_reference,
        _day(request.lead_on, "移送日期"),
    )


# --- values to messages ---------------------------------------------------------------------------


def _matter_to_pb(shown: Shown, *, with_steps: bool = False) -> pb.Matter:
    matter, facts = shown.matter, shown.facts
    message = pb.Matter(
        case_id=matter.matter_id,
        version=matter.version,
        state=_STATES[matter.state],
        approving_unit=shown.names.get(matter.approving_unit, matter.approving_unit),
        declaring_unit=shown.names.get(matter.official_unit, matter.official_unit),
        official_name=matter.official_name,
        notified_at_us=to_us(matter.notified_at),
        due_on=shown.due_on.isoformat() if shown.due_on else "",
        overdue=shown.overdue,
        taken_by=matter.taken_by,
        publications=[
            _publication_to_pb(place, clock, shown) for place, clock in shown.clocks.items()
        ],
        steps=_steps_to_pb(shown) if with_steps else [],
        reports_not_believed=shown.not_believed,
        declaring_units=[shown.names.get(unit, unit) for unit in matter.declaring_units],
        steps_unsent=shown.unsent,
    )
    if facts is not None:
        message.beneficiary_name, message.relation = facts.beneficiary, facts.relation
        message.item_name, message.programme = facts.item_name, facts.programme
        message.place, message.item_ref = facts.place, facts.item_ref
        message.start = facts.start.isoformat() if facts.start else ""
        if facts.amount_fen is not None:
            message.amount_fen = facts.amount_fen
    return message


def _publication_to_pb(place: Place, clock: PublicationClock, shown: Shown) -> pb.Publication:
    down, last = clock.posting.taken_down_at, clock.last_day
    return pb.Publication(
        place=place.value,
        posted_at_us=to_us(clock.posting.posted_at),
        taken_down_at_us=0 if down is None else to_us(down),
        last_day="" if last is None else last.isoformat(),
        complete=clock.is_complete(shown.seen_at),
    )


def _steps_to_pb(shown: Shown) -> list[pb.Step]:
    folded = shown.case.folded
    return [
        _step_to_pb(entry, shown, folded.refusals.get(place, ""))
        for place, entry in enumerate(folded.entries)
    ]


def _step_to_pb(entry: Entry, shown: Shown, without_effect: str) -> pb.Step:
    return pb.Step(
        at_us=entry.at_us,
        unit=shown.names.get(entry.actor.unit, entry.actor.unit),
        person=entry.actor.name,
        role=entry.actor.role.value,
        event=entry.step.event.value,
        text=_text_of(entry.step),
        without_effect=without_effect,
    )


def _text_of(step: Step) -> str:
    match step:
        case Conclude():
            because = f"（更正理由：{step.replaces_because}）" if step.replaces_because else ""
            return f"{step.grounds}{because}"
        case TakeMeasure(measure):
            what = f"{measure.kind}{measure.detail}；告知：{measure.told}；"
            return f"{what}移送：{measure.lead_to} {measure.lead_reference}"
        case Inform() | Object():
            return step.reference
        case Because():
            return step.reason
        case _:
            return ""
