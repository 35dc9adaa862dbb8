"""The gRPC service of leads: messages to use cases and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import grpc

from libmatch.china_time import CHINA, china_day
from libmatch.errors import EncodingError, InputError
from libmatch.records import check_unit
from libmatch.stubs.leads.v1 import leads_pb2 as pb
from libmatch.stubs.leads.v1 import leads_pb2_grpc
from services.chassis.authz import caller
from services.process.leads.desk import LeadDesk
from services.process.leads.measures import Measure
from services.process.leads.steps import (
    Dispose,
    HandOver,
    HeldLead,
    LeadEntry,
    LeadStep,
    NoteCorrection,
    Press,
    Register,
    TakeOver,
)
from services.process.moments import from_us, to_us
from services.rules.leads import (
    LEAD_ID_SIZE,
    Authority,
    Concern,
    Disposal,
    Gravity,
    Ground,
    LeadState,
    Nature,
    Organ,
    Source,
)

Value = TypeVar("Value")

SERVICE = "libmatch.leads.v1.Leads"

_GROUNDS = {getattr(pb, f"GROUND_{one.name}"): one for one in Ground}
_SOURCES = {getattr(pb, f"SOURCE_{one.name}"): one for one in Source}
_AUTHORITIES = {getattr(pb, f"AUTHORITY_{one.name}"): one for one in Authority}
_GRAVITIES = {getattr(pb, f"GRAVITY_{one.name}"): one for one in Gravity}
_DISPOSALS = {getattr(pb, f"DISPOSAL_{one.name}"): one for one in Disposal}
_NATURES: dict[Any, Nature | None] = {
    pb.NATURE_UNSPECIFIED: None,
    **{getattr(pb, f"NATURE_{one.name}"): one for one in Nature},
}


def register(server: grpc.Server, desk: LeadDesk, now: Callable[[], datetime]) -> None:
    """Adds the service to ``server``."""
    leads_pb2_grpc.add_LeadsServicer_to_server(Leads(desk, now), server)


class Leads(leads_pb2_grpc.LeadsServicer):
    """Messages to use cases and back."""

    def __init__(self, desk: LeadDesk, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now

    def RecordLead(
        self, request: pb.RecordLeadRequest, context: grpc.ServicerContext
    ) -> pb.RecordLeadResponse:
        held = self._desk.record(caller(context), lambda at: _register(request, at))
        return pb.RecordLeadResponse(lead=self._lead(held))

    def ListLeads(
        self, request: pb.ListLeadsRequest, context: grpc.ServicerContext
    ) -> pb.ListLeadsResponse:
        listed = self._desk.list_all(caller(context), request.reason)
        return pb.ListLeadsResponse(leads=map(self._lead, listed))

    def GetLead(
        self, request: pb.GetLeadRequest, context: grpc.ServicerContext
    ) -> pb.GetLeadResponse:
        held = self._desk.get(caller(context), _lead_id(request.lead_id), request.reason)
        return pb.GetLeadResponse(lead=self._with_steps(held))

    def PressLead(
        self, request: pb.PressLeadRequest, context: grpc.ServicerContext
    ) -> pb.PressLeadResponse:
        lead_id, due_on = _lead_id(request.lead_id), _day(request.due_on)
        held = self._desk.press(caller(context), lead_id, due_on)
        return pb.PressLeadResponse(lead=self._lead(held))

    def TakeOverLead(
        self, request: pb.TakeOverLeadRequest, context: grpc.ServicerContext
    ) -> pb.TakeOverLeadResponse:
        lead_id, gravity = _lead_id(request.lead_id), _pick(_GRAVITIES, request.gravity, "性质")
        held = self._desk.take_over(caller(context), lead_id, gravity)
        return pb.TakeOverLeadResponse(lead=self._lead(held))

    def NoteCorrection(
        self, request: pb.NoteCorrectionRequest, context: grpc.ServicerContext
    ) -> pb.NoteCorrectionResponse:
        lead_id, at = _lead_id(request.lead_id), _moment(request.corrected_at_us)
        held = self._desk.note_correction(caller(context), lead_id, at)
        return pb.NoteCorrectionResponse(lead=self._lead(held))

    def DisposeLead(
        self, request: pb.DisposeLeadRequest, context: grpc.ServicerContext
    ) -> pb.DisposeLeadResponse:
        step = Dispose(
            _pick(_DISPOSALS, request.disposal, "处置方式"),
            _pick(_NATURES, request.nature, "漏报或瞒报"),
            request.grounds,
            request.replaces_because,
        )
        held = self._desk.dispose(caller(context), _lead_id(request.lead_id), step)
        return pb.DisposeLeadResponse(lead=self._lead(held))

    def ExportLead(
        self, request: pb.ExportLeadRequest, context: grpc.ServicerContext
    ) -> pb.ExportLeadResponse:
        named = (_lead_id(request.lead_id), request.recipient)
        recipient, file = self._desk.export(caller(context), *named)
        return pb.ExportLeadResponse(recipient=recipient, file=file)

    def ImportLead(
        self, request: pb.ImportLeadRequest, context: grpc.ServicerContext
    ) -> pb.ImportLeadResponse:
        taken = self._desk.take_in(caller(context), request.file)
        return pb.ImportLeadResponse(
            lead=self._lead(taken.held), sender=taken.sender, new_steps=taken.new
        )

    def ListMeasures(
        self, request: pb.ListMeasuresRequest, context: grpc.ServicerContext
    ) -> pb.ListMeasuresResponse:
        listed = self._desk.measures(caller(context), request.reason)
        return pb.ListMeasuresResponse(measures=map(_measure_to_pb, listed))

    def _with_steps(self, held: HeldLead) -> pb.Lead:
        message = self._lead(held)
        message.steps.extend(
            _step_to_pb(entry, held.refusals.get(place, ""))
            for place, entry in enumerate(held.entries)
        )
        return message

    def _lead(self, held: HeldLead) -> pb.Lead:
        lead, first = held.lead, held.first
        message = pb.Lead(
            lead_id=lead.lead_id,
            ground=_number("GROUND", lead.ground),
            source=_number("SOURCE", lead.source),
            reference=first.reference,
            authority=_number("AUTHORITY", lead.authority),
            unit=lead.unit,
            organ=_number("ORGAN", lead.organ),
            organ_unit=lead.organ_unit,
            state=_number("LEAD_STATE", lead.state),
            due_on=lead.due_on.isoformat(),
            overdue=lead.is_overdue(china_day(self._now())),
            discovered_at_us=to_us(lead.discovered_at),
            corrected_at_us=to_us(lead.corrected_at) if lead.corrected_at else 0,
            self_corrected=lead.is_self_corrected,
            about=first.about,
            summary=first.summary,
            recorded_by_unit=held.recorded_by,
            handed_to=held.handed_to,
        )
        if lead.gravity is not None:
            message.gravity = _number("GRAVITY", lead.gravity)
        if lead.conclusion is not None:
            message.disposal = _number("DISPOSAL", lead.conclusion.disposal)
            if lead.conclusion.nature is not None:
                message.nature = _number("NATURE", lead.conclusion.nature)
        return message


# --- messages to values ---------------------------------------------------------------------------


def _pick(known: Mapping[Any, Value], number: int, what_zh: str) -> Value:
    if number not in known:
        raise InputError("an enum has an unknown value", f"“{what_zh}”没有填写或无法识别")
    return known[number]


def _lead_id(data: bytes) -> bytes:
    if len(data) != LEAD_ID_SIZE:
        raise InputError("a lead id is 16 bytes", "线索编号应为列表中显示的32位字符")
    return data


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("a date is ISO", "期限应为日期，如2018-09-03") from None


def _moment(at_us: int) -> datetime:
    try:
        if at_us <= 0:
            raise OverflowError
        return from_us(at_us)
    except OverflowError:
        raise InputError("a time in microseconds is needed", "时间没有填写或不正确") from None


def _unit(name: str) -> str:
    try:
        return check_unit(name)
    except EncodingError:
        raise InputError("not a unit's name", "单位代码不正确，应与名册中的一致") from None


def _register(request: pb.RecordLeadRequest, at: datetime) -> Register:
    unit = _unit(request.unit)
    concern = Concern(
        _pick(_GROUNDS, request.ground, "线索类别"),
        _pick(_SOURCES, request.source, "线索来源"),
        _pick(_AUTHORITIES, request.authority, "干部管理权限"),
        unit,
        _unit(request.responsible_unit) if request.responsible_unit else unit,
        request.discipline,
        _moment(request.discovered_at_us) if request.discovered_at_us else at,
    )
    return Register(concern, request.reference, request.about, request.summary)


# --- values to messages ---------------------------------------------------------------------------


def _number(
    prefix: str,
    value: Ground | Source | Authority | Organ | LeadState | Gravity | Disposal | Nature,
) -> Any:
    return getattr(pb, f"{prefix}_{value.name}")


def _step_to_pb(entry: LeadEntry, without_effect: str) -> pb.Step:
    what, text = _tell(entry.step)
    return pb.Step(
        at_us=to_us(entry.at),
        unit=entry.actor.unit,
        person=entry.actor.name,
        role=entry.actor.role.value,
        what=what,
        text=text,
        without_effect=without_effect,
    )


def _tell(step: LeadStep) -> tuple[str, str]:
    match step:
        case Register():
            return "登记", step.summary
        case HandOver(to):
            return "移送（反馈）", to
        case Press(due_on):
            return "督办", f"期限{due_on}"
        case TakeOver(gravity):
            return "直接查办", gravity.value
        case NoteCorrection(corrected_at):
            return "本人自行更正", f"{corrected_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
        case Dispose(disposal, nature, grounds, because):
            named = f"（{nature}）" if nature else ""
            replaced = f"（更正理由：{because}）" if because else ""
            return f"处置：{disposal}{named}", f"{grounds}{replaced}"


def _measure_to_pb(measure: Measure) -> pb.Measure:
    return pb.Measure(
        case_id=measure.case_id,
        approving_unit=measure.approving_unit,
        kind=measure.kind,
        decided_on=measure.decided_on.isoformat(),
        lead_to=measure.lead_to,
        lead_reference=measure.lead_reference,
        lead_on=measure.lead_on.isoformat(),
        lead_id=measure.lead_id,
    )
