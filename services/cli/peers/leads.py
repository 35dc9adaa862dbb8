"""The client of leads, the same for a unit's services and 纪委's. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from libmatch.stubs.leads.v1 import leads_pb2 as pb
from libmatch.stubs.leads.v1 import leads_pb2_grpc


@dataclass(frozen=True, repr=False)
class LeadLine:
    """A lead; words as in the protobuf enums, times in microseconds UTC (0 for none)."""

    lead_id: bytes
    ground: str
    source: str
    reference: str
    unit: str
    organ: str
    organ_unit: str
    state: str
    due_on: str
    overdue: bool
    self_corrected: bool
    disposal: str
    nature: str
    about: str
    summary: str
    handed_to: tuple[str, ...]
    steps: tuple[StepLine, ...]


@dataclass(frozen=True, repr=False)
class StepLine:
    """One step of a lead."""

    at_us: int
    unit: str
    person: str
    role: str
    what: str
    text: str
    without_effect: str


@dataclass(frozen=True)
class MeasureLine:
    """A measure of a case (R41); ``lead_id`` empty where no lead is recorded from it."""

    case_id: bytes
    approving_unit: str
    kind: str
    decided_on: str
    lead_to: str
    lead_reference: str
    lead_on: str
    lead_id: bytes


class LeadsClient:
    """``libmatch.leads.v1.Leads``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = leads_pb2_grpc.LeadsStub(channel)

    def record(self, values: Mapping[str, Any]) -> LeadLine:
        """Records a lead; ``values`` by the names of the protobuf fields, enums by their names."""
        return _pb_to_line(self._stub.RecordLead(pb.RecordLeadRequest(**values)).lead)

    def list_leads(self, reason: str) -> list[LeadLine]:
        got = self._stub.ListLeads(pb.ListLeadsRequest(reason=reason))
        return [_pb_to_line(lead) for lead in got.leads]

    def get(self, lead_id: bytes, reason: str) -> LeadLine:
        request = pb.GetLeadRequest(lead_id=lead_id, reason=reason)
        return _pb_to_line(self._stub.GetLead(request).lead)

    def press(self, lead_id: bytes, due_on: str) -> LeadLine:
        """``due_on``: an ISO date."""
        request = pb.PressLeadRequest(lead_id=lead_id, due_on=due_on)
        return _pb_to_line(self._stub.PressLead(request).lead)

    def take_over(self, lead_id: bytes, gravity: str) -> LeadLine:
        request = pb.TakeOverLeadRequest(lead_id=lead_id, gravity=pb.Gravity.Value(gravity))
        return _pb_to_line(self._stub.TakeOverLead(request).lead)

    def note_correction(self, lead_id: bytes, at_us: int) -> LeadLine:
        request = pb.NoteCorrectionRequest(lead_id=lead_id, corrected_at_us=at_us)
        return _pb_to_line(self._stub.NoteCorrection(request).lead)

    def dispose(
        self, lead_id: bytes, disposal: str, nature: str, grounds: str, replaces_because: str = ""
    ) -> LeadLine:
        """``disposal`` and ``nature`` by the names of the enums."""
        request = pb.DisposeLeadRequest(
            lead_id=lead_id,
            disposal=pb.Disposal.Value(disposal),
            nature=pb.Nature.Value(nature),
            grounds=grounds,
            replaces_because=replaces_because,
        )
        return _pb_to_line(self._stub.DisposeLead(request).lead)

    def export(self, lead_id: bytes, recipient: str = "") -> tuple[str, bytes]:
        """(recipient, sealed file)."""
        request = pb.ExportLeadRequest(lead_id=lead_id, recipient=recipient)
        got = self._stub.ExportLead(request)
        return got.recipient, got.file

    def take_in(self, file: bytes) -> tuple[LeadLine, str, int]:
        """(lead, sender, number of new steps)."""
        got = self._stub.ImportLead(pb.ImportLeadRequest(file=file))
        return _pb_to_line(got.lead), got.sender, got.new_steps

    def list_measures(self, reason: str) -> list[MeasureLine]:
        got = self._stub.ListMeasures(pb.ListMeasuresRequest(reason=reason))
        return [
            MeasureLine(
                one.case_id,
                one.approving_unit,
                one.kind,
                one.decided_on,
                one.lead_to,
                one.lead_reference,
                one.lead_on,
                one.lead_id,
            )
            for one in got.measures
        ]


def _pb_to_line(lead: pb.Lead) -> LeadLine:
    return LeadLine(
        lead.lead_id,
        pb.Ground.Name(lead.ground),
        pb.Source.Name(lead.source),
        lead.reference,
        lead.unit,
        pb.Organ.Name(lead.organ),
        lead.organ_unit,
        pb.LeadState.Name(lead.state),
        lead.due_on,
        lead.overdue,
        lead.self_corrected,
        pb.Disposal.Name(lead.disposal),
        pb.Nature.Name(lead.nature),
        lead.about,
        lead.summary,
        tuple(lead.handed_to),
        tuple(
            StepLine(s.at_us, s.unit, s.person, s.role, s.what, s.text, s.without_effect)
            for s in lead.steps
        ),
    )
