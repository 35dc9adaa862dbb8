"""The client of a unit's matters, the same at both of its services. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from libmatch.stubs.matters.v1 import matters_pb2 as pb
from libmatch.stubs.matters.v1 import matters_pb2_grpc

Hotline = tuple[str, str]
"""An office and its number."""


@dataclass(frozen=True)
class PublicationLine:
    """The latest posting in one place; ``last_day`` ISO, "" while nobody knows it."""

    place: str
    posted_at_us: int
    taken_down_at_us: int
    last_day: str
    complete: bool


@dataclass(frozen=True)
class StepLine:
    """A step that somebody made; ``without_effect``: why the rules did not allow it, or ""."""

    at_us: int
    unit: str
    person: str
    role: str
    event: str
    text: str
    without_effect: str


@dataclass(frozen=True)
class MatterLine:
    """A matter; ``case_id`` hex, ``state`` as in the protobuf enum, ``due_on`` and ``start`` ISO or ""."""

    case_id: str
    version: int
    state: str
    approving_unit: str
    declaring_units: tuple[str, ...]
    official: str
    beneficiary: str
    relation: str
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    notified_at_us: int
    due_on: str
    overdue: bool
    taken_by: str
    publications: tuple[PublicationLine, ...]
    steps: tuple[StepLine, ...]
    reports_not_believed: int
    steps_unsent: int
    item_ref: str = ""
    start: str = ""


@dataclass(frozen=True)
class At:
    """The matter (16 bytes) and the version of it that somebody saw."""

    case_id: bytes
    version: int

    @property
    def message(self) -> pb.At:
        """As the requests carry it."""
        return pb.At(case_id=self.case_id, version=self.version)


class MattersClient:
    """``libmatch.matters.v1.Matters``. Each step answers with the matter behind it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = matters_pb2_grpc.MattersStub(channel)

    def list_matters(
        self, states: Iterable[str] = (), reason: str = "", *, overdue: bool = False
    ) -> list[MatterLine]:
        """The matters in ``states`` (names of the protobuf enum), all for none."""
        wanted = map(pb.MatterState.Value, states)
        request = pb.ListMattersRequest(states=wanted, overdue=overdue, reason=reason)
        return [_pb_to_line(one) for one in self._stub.ListMatters(request).matters]

    def show(self, case_id: bytes, reason: str = "") -> MatterLine:
        """One matter with its steps."""
        request = pb.GetMatterRequest(case_id=case_id, reason=reason)
        return _pb_to_line(self._stub.GetMatter(request).matter)

    def inform(self, at: At, recipient: str, reference: str) -> MatterLine:
        """``recipient`` (name of the enum) has its copy, with a receipt."""
        to = pb.Recipient.Value(recipient)
        request = pb.InformRequest(at=at.message, recipient=to, reference=reference)
        return _pb_to_line(self._stub.Inform(request).matter)

    def take(self, at: At) -> MatterLine:
        """The caller begins to verify."""
        return _pb_to_line(self._stub.Take(pb.TakeRequest(at=at.message)).matter)

    def record_outcome(
        self, at: At, verdict: str, grounds: str, verified_by: str = "", because: str = ""
    ) -> MatterLine:
        """The caller signs what was found; ``verdict`` as in the enum."""
        request = pb.RecordOutcomeRequest(
            at=at.message,
            verdict=pb.Verdict.Value(verdict),
            grounds=grounds,
            verified_by=verified_by,
            replaces_because=because,
        )
        return _pb_to_line(self._stub.RecordOutcome(request).matter)

    def record_measure(self, at: At, kind: str, texts: dict[str, str]) -> MatterLine:
        """What was done; ``kind`` as in the enum, ``texts`` by the names of the protobuf fields."""
        request = pb.RecordMeasureRequest(at=at.message, kind=pb.MeasureKind.Value(kind), **texts)
        return _pb_to_line(self._stub.RecordMeasure(request).matter)

    def dispute(self, at: At, reason: str) -> MatterLine:
        """The unit doubts that the hit is right."""
        request = pb.DisputeRequest(at=at.message, reason=reason)
        return _pb_to_line(self._stub.Dispute(request).matter)

    def post(
        self, at: At, hotlines: Sequence[Hotline], remark: str = "", born_on: str = ""
    ) -> MatterLine:
        """Annex 3 is posted in the unit's own place."""
        lines = [pb.Hotline(office=office, number=number) for office, number in hotlines]
        request = pb.PostRequest(at=at.message, hotlines=lines, remark=remark, born_on=born_on)
        return _pb_to_line(self._stub.Post(request).matter)

    def take_down(self, at: At) -> MatterLine:
        """The notice in the unit's own place is gone."""
        return _pb_to_line(self._stub.TakeDown(pb.TakeDownRequest(at=at.message)).matter)

    def object(self, at: At, reference: str) -> MatterLine:
        """Somebody objects; ``reference``: the unit's file."""
        request = pb.ObjectRequest(at=at.message, reference=reference)
        return _pb_to_line(self._stub.Object(request).matter)

    def export_one(self, form: str, case_id: bytes, reason: str = "") -> str:
        """The notice of a matter, or the feed with ``form`` EXPORT_FORM_ATOM and no case."""
        number = pb.ExportForm.Value(form)
        request = pb.ExportNoticesRequest(form=number, case_id=case_id, reason=reason)
        return self._stub.ExportNotices(request).text

    def export_all(self, form: str, reason: str = "") -> dict[str, str]:
        """Every notice that is posted now, by its number."""
        request = pb.ExportNoticesRequest(form=pb.ExportForm.Value(form), reason=reason)
        return {one.notice_id: one.text for one in self._stub.ExportNotices(request).notices}


class ConfirmationsClient:
    """``libmatch.matters.v1.MatterConfirmations``, for officers of 纪委."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = matters_pb2_grpc.MatterConfirmationsStub(channel)

    def confirm(self, case_id: bytes, reason: str) -> str:
        """The state of the matter, as in the enum, once the hit is confirmed."""
        request = pb.ConfirmRequest(case_id=case_id, reason=reason)
        return pb.MatterState.Name(self._stub.Confirm(request).state)


def _pb_to_line(matter: pb.Matter) -> MatterLine:
    m = matter
    return MatterLine(
        case_id=m.case_id.hex(),
        version=m.version,
        state=pb.MatterState.Name(m.state),
        approving_unit=m.approving_unit,
        declaring_units=tuple(m.declaring_units) or (m.declaring_unit,),
        official=m.official_name,
        beneficiary=m.beneficiary_name,
        relation=m.relation,
        item_name=m.item_name,
        programme=m.programme,
        amount_fen=m.amount_fen if m.HasField("amount_fen") else None,
        place=m.place,
        notified_at_us=m.notified_at_us,
        due_on=m.due_on,
        overdue=m.overdue,
        taken_by=m.taken_by,
        publications=tuple(PublicationLine(**_values(one)) for one in m.publications),
        steps=tuple(StepLine(**_values(one)) for one in m.steps),
        reports_not_believed=m.reports_not_believed,
        steps_unsent=m.steps_unsent,
        item_ref=m.item_ref,
        start=m.start,
    )


def _values(message: Any) -> dict[str, Any]:
    """Every field by its name, also those with their default."""
    return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
