"""``DeskClient``: this service as an officer's program sees it; typed values in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.inspector.v1 import inspector_pb2 as pb
from libmatch.stubs.inspector.v1 import inspector_pb2_grpc as pb_grpc

MAX_CASES = 1000  # of one request to release
_LONG_S = 290.0  # a first round may take minutes; services end calls after 300 s


@dataclass(frozen=True)
class PulledLine:
    """What a round came to."""

    batches: int
    bad_capsules: int
    hits: int
    withdrawn: int
    waiting: int
    notices: int
    disputes: int


@dataclass(frozen=True)
class StageLine:
    """What a unit said last on a case. ``side`` and ``stage`` as in the protobuf enums; ``at_us`` its own."""

    unit: str
    side: str
    stage: str
    at_us: int


@dataclass(frozen=True, repr=False)
class CaseLine:
    """A case. Ids as hex, ``status`` as in the protobuf enum, times in µs UTC (0 for never).

    ``amount_fen`` in 0.01 CNY, None for none; ``start`` ISO 8601 or "".
    """

    case_id: str
    number: int
    status: str
    official_name: str
    official_unit: str
    official_post: str
    official_kind: int
    official_idn: str
    relation: str
    person_name: str
    person_kind: int
    person_idn: str
    declaring_units: tuple[str, ...]
    approving_unit: str
    capacity: str
    item_ref: str
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    start: str
    opened_at_us: int
    released_at_us: int
    released_by: tuple[str, ...]
    stages: tuple[StageLine, ...] = ()
    listed_name: str = ""
    names_differ: bool = False
    unit_names: Mapping[str, str] = field(default_factory=dict)

    def show_unit(self, unit: str) -> str:
        """The display name and what commands call the unit; that alone where the roster has no name."""
        name = self.unit_names.get(unit)
        return f"{name}（{unit}）" if name else unit


@dataclass(frozen=True)
class ReleasedLine:
    """What came of an agreement, in cases."""

    released: int
    awaiting_second: int
    unchanged: int


@dataclass(frozen=True)
class DisputeLine:
    """A dispute. ``hit_id`` as hex, "" where it is not about one hit."""

    number: int
    hit_id: str
    answerable: tuple[str, ...]
    found_at_us: int
    what: str


class DeskClient:
    """``libmatch.inspector.v1.Desk``. Every call raises ServiceError where it fails."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = pb_grpc.DeskStub(channel)

    def pull(self) -> PulledLine:
        """What one round, now, came to."""
        done = self._stub.Pull(pb.PullRequest(), timeout=_LONG_S)
        return PulledLine(
            batches=done.batches_tested,
            bad_capsules=done.bad_capsules,
            hits=done.hits_opened,
            withdrawn=done.hits_withdrawn,
            waiting=done.hits_waiting,
            notices=done.notices_released,
            disputes=done.disputes,
        )

    def list_cases(self, reason: str, unit: str = "") -> Iterator[CaseLine]:
        """All cases, or those that ``unit`` declared or approved, page by page; each look is logged."""
        after = 0
        while True:
            request = pb.ListCasesRequest(unit=unit, reason=reason, after=after)
            page = self._stub.ListCases(request)
            names = dict(page.unit_names)
            yield from (_pb_to_case(case, names) for case in page.cases)
            if page.next_after <= after:
                return
            after = page.next_after

    def release(self, case_ids: Sequence[str], reason: str) -> ReleasedLine:
        """What came of agreeing to up to ``MAX_CASES`` cases, by their ids in hex."""
        ids = [bytes.fromhex(case_id) for case_id in case_ids]
        done = self._stub.Release(pb.ReleaseRequest(case_ids=ids, reason=reason), timeout=_LONG_S)
        return ReleasedLine(done.released, done.awaiting_second, done.unchanged)

    def list_disputes(self) -> Iterator[DisputeLine]:
        """All unresolved disputes, in order of discovery."""
        after = 0
        while page := self._stub.ListDisputes(pb.ListDisputesRequest(after=after)).disputes:
            yield from map(_pb_to_dispute, page)
            if page[-1].number <= after:
                return
            after = page[-1].number


def _pb_to_case(case: pb.Case, names: Mapping[str, str]) -> CaseLine:
    return CaseLine(
        case_id=case.case_id.hex(),
        number=case.number,
        status=pb.CaseStatus.Name(case.status),
        official_name=case.official_name,
        official_unit=case.official_unit,
        official_post=case.official_post,
        official_kind=case.official_kind,
        official_idn=case.official_idn,
        relation=case.relation,
        person_name=case.relative_name,
        person_kind=case.person_kind,
        person_idn=case.person_idn,
        declaring_units=tuple(case.declaring_units),
        approving_unit=case.approving_unit,
        capacity=case.capacity,
        item_ref=case.item_ref,
        item_name=case.item_name,
        programme=case.programme,
        amount_fen=case.amount_fen if case.HasField("amount_fen") else None,
        place=case.place,
        start=case.start_date,
        opened_at_us=case.opened_at_us,
        released_at_us=case.released_at_us,
        released_by=tuple(case.released_by),
        stages=tuple(map(_pb_to_stage, case.stages)),
        listed_name=case.listed_name,
        names_differ=case.names_differ,
        unit_names=names,
    )


def _pb_to_stage(line: pb.PartyStage) -> StageLine:
    side = core_pb2.Side.Name(line.side) if line.side in core_pb2.Side.values() else ""
    stage = pb.CaseStage.Name(line.stage) if line.stage in pb.CaseStage.values() else ""
    return StageLine(line.unit, side, stage, line.at_us)


def _pb_to_dispute(dispute: pb.Dispute) -> DisputeLine:
    return DisputeLine(
        number=dispute.number,
        hit_id=dispute.hit_id.hex(),
        answerable=tuple(dispute.answerable),
        found_at_us=dispute.found_at_us,
        what=dispute.what,
    )
