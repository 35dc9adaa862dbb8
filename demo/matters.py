"""The people of one unit's service at their matters: one who verifies, one who signs and publishes (R31)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from libmatch.errors import ServiceError
from libmatch.stubs.matters.v1 import matters_pb2 as pb
from libmatch.stubs.matters.v1 import matters_pb2_grpc
from services.chassis.client import Channel

_READ_AGAIN = "MATTER_CHANGED"
_TRIES = 20  # a round of the service may add a step between a look and the next step
_STATE = "MATTER_STATE_"
_REASON_ZH = "办理事项，演示数据"
_HOTLINES = (
    pb.Hotline(office="区纪委信访室", number="023-72000001"),
    pb.Hotline(office="本单位", number="023-72000002"),
)


@dataclass(frozen=True)
class Seen:
    """A matter as a unit sees it. ``notified_at_us``: when this unit was told of it."""

    case_id: bytes
    state: str
    overdue: bool
    notified_at_us: int


@dataclass(frozen=True)
class MatterClerks:
    """Worker and responsible leader of one unit's service. Every call raises ServiceError."""

    worker: matters_pb2_grpc.MattersStub
    leader: matters_pb2_grpc.MattersStub

    @classmethod
    def of(cls, worker: Channel, leader: Channel) -> MatterClerks:
        """Both over their own channels."""
        return cls(matters_pb2_grpc.MattersStub(worker), matters_pb2_grpc.MattersStub(leader))

    def list(self) -> dict[bytes, Seen]:
        """All matters of the unit on that side."""
        return {
            one.case_id: Seen(
                one.case_id,
                pb.MatterState.Name(one.state).removeprefix(_STATE),
                one.overdue,
                one.notified_at_us,
            )
            for one in self.worker.ListMatters(pb.ListMattersRequest(reason=_REASON_ZH)).matters
        }

    def count_steps(self, case_id: bytes, event_zh: str) -> int:
        """How often that was done with effect."""
        steps = self._get(case_id).steps
        return sum(step.event == event_zh and not step.without_effect for step in steps)

    def inform_official(self, case_id: bytes) -> None:
        """The official has got a copy, and signed for it (R36)."""
        receipt = {"recipient": pb.RECIPIENT_OFFICIAL, "reference": "送达回证"}
        self.step(self.worker.Inform, pb.InformRequest, case_id, **receipt)

    def take(self, case_id: bytes) -> None:
        """The worker begins to verify (R38)."""
        self.step(self.worker.Take, pb.TakeRequest, case_id)

    def conclude(self, case_id: bytes, *, compliant: bool, because: str = "") -> None:
        """The leader signs what the worker found (R40); ``because``: why it replaces another."""
        verdict = pb.VERDICT_COMPLIANT if compliant else pb.VERDICT_NOT_COMPLIANT
        grounds = "对照政策逐项核对，演示数据"
        outcome = {"verdict": verdict, "grounds": grounds, "replaces_because": because}
        self.step(self.leader.RecordOutcome, pb.RecordOutcomeRequest, case_id, **outcome)

    def measure(self, case_id: bytes, today: date) -> None:
        """The grant is stopped, the beneficiary told why, the lead handed over (R41)."""
        day = today.isoformat()
        self.step(
            self.leader.RecordMeasure,
            pb.RecordMeasureRequest,
            case_id,
            kind=pb.MEASURE_KIND_STOPPED,
            decided_on=day,
            told="不符合享受条件，停发，演示数据",
            told_on=day,
            lead_to="本单位纪检监察组织",
            lead_reference=f"移送〔{today.year}〕演示",
            lead_on=day,
        )

    def post(self, case_id: bytes, born_on: str = "") -> None:
        """Annex 3 goes up in the unit's own place (R43, R44).

        ``born_on``: the beneficiary's birth date (ISO) where the number shows none.
        """
        notice = {"hotlines": _HOTLINES, "born_on": born_on}
        self.step(self.leader.Post, pb.PostRequest, case_id, **notice)

    def take_down(self, case_id: bytes) -> None:
        """The notice comes down (R45)."""
        self.step(self.leader.TakeDown, pb.TakeDownRequest, case_id)

    def object_to(self, case_id: bytes) -> None:
        """Somebody objects to the publication (R48)."""
        self.step(self.worker.Object, pb.ObjectRequest, case_id, reference="异议登记，演示数据")

    def _get(self, case_id: bytes) -> pb.Matter:
        return self.worker.GetMatter(pb.GetMatterRequest(case_id=case_id, reason=_REASON_ZH)).matter

    def step(
        self,
        call: Callable[[Any], Any],
        make: Callable[..., Any],
        case_id: bytes,
        **fields: object,
    ) -> None:
        """One step, at the version that is seen now; seen again where somebody was faster."""
        for tries_left in reversed(range(_TRIES)):
            at = pb.At(case_id=case_id, version=self._get(case_id).version)
            try:
                call(make(at=at, **fields))
            except ServiceError as error:
                if error.reason != _READ_AGAIN or not tries_left:
                    raise
            else:
                return
