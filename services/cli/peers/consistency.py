"""The client of a registry's cross-check of declarations. Raises ServiceError."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from libmatch.stubs.consistency.v1 import consistency_pb2 as pb
from libmatch.stubs.consistency.v1 import consistency_pb2_grpc


@dataclass(frozen=True)
class CheckLine:
    """How the cross-check goes. ``unresolved``: work unit as on the form, number of relatives."""

    made_at_us: int
    letters: int
    waiting: int
    asked: int
    here: int
    unnumbered: int
    unresolved: tuple[tuple[str, int], ...]
    silent: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class FindingLine:
    """A finding; ``state`` as in the protobuf enum, ``ref`` 32 hex digits."""

    ref: str
    state: str
    found_at_us: int
    official: str
    official_post: str
    declarant: str
    declarant_unit: str
    declarant_post: str
    relation: str
    told_by: str
    grounds: str
    decided_by: str


class ConsistencyClient:
    """``libmatch.consistency.v1.Consistency``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = consistency_pb2_grpc.ConsistencyStub(channel)

    def run(self) -> CheckLine:
        """Writes to all units now."""
        return _pb_to_check(self._stub.Run(pb.RunRequest()).state)

    def state(self) -> CheckLine:
        """How it goes."""
        return _pb_to_check(self._stub.GetState(pb.GetStateRequest()).state)

    def list_findings(self, reason: str, *, decided: bool) -> list[FindingLine]:
        """The open findings, or all."""
        request = pb.ListFindingsRequest(reason=reason, decided=decided)
        return [_pb_to_finding(one) for one in self._stub.ListFindings(request).findings]

    def dismiss(self, finding_id: bytes, grounds: str) -> None:
        """There is nothing in it."""
        self._stub.Dismiss(pb.DismissRequest(finding_id=finding_id, grounds=grounds))

    def settle(self, finding_id: bytes, grounds: str) -> None:
        """There is something in it."""
        self._stub.Settle(pb.SettleRequest(finding_id=finding_id, grounds=grounds))


def _pb_to_check(state: pb.State) -> CheckLine:
    return CheckLine(
        made_at_us=state.made_at_us,
        letters=state.letters,
        waiting=state.waiting,
        asked=state.asked,
        here=state.here,
        unnumbered=state.unnumbered,
        unresolved=tuple((one.name, one.relatives) for one in state.unresolved),
        silent=tuple(state.silent),
    )


def _pb_to_finding(finding: pb.Finding) -> FindingLine:
    return FindingLine(
        ref=finding.finding_id.hex(),
        state=pb.FindingState.Name(finding.state),
        found_at_us=finding.found_at_us,
        official=finding.official_name,
        official_post=finding.official_post,
        declarant=finding.declarant_name,
        declarant_unit=finding.declarant_unit,
        declarant_post=finding.declarant_post,
        relation=finding.relation,
        told_by=finding.told_by,
        grounds=finding.grounds,
        decided_by=finding.decided_by,
    )
